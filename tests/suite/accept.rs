//! Rejections that the job accepts are no errors, in any output.

use crate::support::*;

/// Five rows, of which the third and the fourth repeat a key and the last has a name that is too long.
fn csv() -> String {
    format!("{}K0,again\nK1,again\nK9,{}\n", numbered_csv(2), "x".repeat(1025))
}

fn only_duplicates() -> String {
    format!("{}K0,again\nK1,again\n", numbered_csv(2))
}

const REJECTS: &str = "t.ledger.db.rejects.csv";

#[test]
fn a_run_with_accepted_rejections_alone_is_done() {
    let folder = Folder::new();
    folder.write("t.csv", only_duplicates());
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let more = ["--accept", "EmptyKey,DuplicateKey", "--metrics-file", "m.prom", "--max-errors", "0"];
    let ended = folder.run(&import(&url, &more)).expect(0);
    assert!(ended.stdout.contains("Done: every row is created in instance"), "{}", ended.stdout);
    assert!(ended.stdout.contains(", except 2 accepted. 2 by this run."), "{}", ended.stdout);
    let line = "\n          2  accepted: rejected with EmptyKey or DuplicateKey\n";
    assert!(ended.stdout.contains(line), "{}", ended.stdout);
    assert!(!ended.stdout.contains("rejects.csv") && !ended.stderr.contains("rejected"), "{}", ended.stderr);
    assert!(!folder.path(REJECTS).exists());
    let metrics = folder.read("m.prom");
    for (state, rows) in [("accepted", " 2"), ("rejected", " 0")] {
        let label = format!("state=\"{state}\"");
        let line = metrics.lines().find(|line| line.contains(&label)).unwrap();
        assert!(line.ends_with(rows), "{line}");
    }
    assert_eq!(folder.states("t.ledger.db"), "accepted 2, created 2");
    assert_eq!(folder.query("t.ledger.db", "SELECT accept FROM runs"), r#"["EmptyKey","DuplicateKey"]"#);

    let status = folder.run(&["status", "--ledger", "t.ledger.db", "--output", "json"]).expect(0);
    let status = &messages(&status.stdout)["status"];
    assert_eq!(
        (&status["rows"]["accepted"], &status["rows"]["rejected"]),
        (&2.into(), &0.into()),
        "{status}"
    );
    let status = folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0);
    assert!(
        status.stdout.contains("accepted") && status.stdout.contains("DuplicateKey"),
        "{}",
        status.stdout
    );
    let export = folder.run(&["export", "--ledger", "t.ledger.db", "--state", "accepted"]).expect(0);
    assert_eq!(export.stdout.matches(",accepted,").count(), 2, "{}", export.stdout);

    let again = folder.run(&import(&url, &["--accept", "DuplicateKey", "--output", "json"])).expect(0);
    let summary = &messages(&again.stdout)["summary"];
    assert_eq!(
        (&summary["accepted"], &summary["rejected"], &summary["exit_code"]),
        (&2.into(), &0.into(), &0.into())
    );
    assert_eq!(sandbox.stat("contacts"), 2);
}

#[test]
fn rows_follow_the_list_of_each_run_and_the_job_file_and_the_variable_name_codes_too() {
    let folder = Folder::new();
    folder.write("t.csv", csv());
    folder.write("t.toml", "[run]\naccept = [\"DuplicateKey\"]\n");
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.run(&import(&url, &[])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 2, rejected 3");
    assert_eq!(folder.read(REJECTS).lines().count(), 4);
    // The faulty row is no duplicate.
    let ended = folder.run(&import(&url, &["--job", "t.toml"])).expect(1);
    assert!(ended.stdout.contains("          1  rejected:"), "{}", ended.stdout);
    assert_eq!(folder.states("t.ledger.db"), "accepted 2, created 2, rejected 1");
    assert_eq!(folder.read(REJECTS).lines().count(), 2);
    let mut command = folder.command(&import(&url, &[]));
    let command = command.env("CONNECT_IMPORT_ACCEPT", "DuplicateKey,Validation");
    Ended::from(command.output().unwrap()).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "accepted 3, created 2");
    assert!(!folder.path(REJECTS).exists());
    // Rows of a file that is not read follow as well. A flag replaces the list of the job file.
    folder.write("u.csv", "id,Name\nU,a\n");
    let other = import_file("u.csv", &url, &["--job", "t.toml", "--accept", "Validation"]);
    folder.run(&other);
    assert_eq!(folder.states("t.ledger.db"), "accepted 1, created 3, rejected 2");
    // Mended rows are sent.
    folder.write("t.csv", csv().replace(&"x".repeat(1025), "short"));
    folder.run(&import(&url, &["--job", "t.toml"])).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "accepted 2, created 4");
}

#[test]
fn a_refusal_of_connect_is_accepted_and_a_failure_never() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let endpoint = Endpoint::start(|_, body| match body["Name"].as_str() {
        Some("Task 0") => Reply::Error(400, "InvalidParameterException"),
        Some("Task 1") => Reply::Error(409, "ConflictException"),
        _ => Reply::Created,
    });
    let url = endpoint.url();
    let accept = ["--accept", "InvalidParameterException", "--accept", "ConflictException"];
    let arguments = import(&url, &[&accept[..], &["--max-attempts", "1"]].concat());
    let ended = folder.run(&arguments).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "accepted 1, created 1, failed 1");
    assert!(!ended.stderr.contains("InvalidParameterException"), "{}", ended.stderr);
    let sent = endpoint.requests().len();
    // Unchanged, the accepted row is not sent again, also not with --retry rejected.
    folder.run(&[&arguments[..], &["--retry", "rejected"]].concat()).expect(1);
    assert_eq!(endpoint.requests().len(), sent + 1);
    assert_eq!(folder.states("t.ledger.db"), "accepted 1, created 1, failed 1");
}

#[test]
fn a_code_that_no_rejection_has_is_refused_with_a_suggestion() {
    let folder = Folder::new();
    folder.write("t.csv", csv());
    for code in ["DuplicatKey", "NoAnswer", "*", "duplicate key"] {
        let flag = folder.run(&import("http://127.0.0.1:9", &["--accept", code])).expect(2);
        folder.write("t.toml", format!("[run]\naccept = [\"{code}\"]\n"));
        let file = folder.run(&import("http://127.0.0.1:9", &["--job", "t.toml"])).expect(2);
        assert!(file.stderr.contains("t.toml, line 2:"), "{}", file.stderr);
        for ended in [flag, file] {
            assert!(ended.stderr.contains("HeaderRow, RuleRow, CountRow"), "{code}: {}", ended.stderr);
            let has_hint = ended.stderr.contains("did you mean 'DuplicateKey'?");
            assert_eq!(has_hint, code.to_lowercase().starts_with("dup"), "{code}: {}", ended.stderr);
        }
    }
    assert!(!folder.path("t.ledger.db").exists());
}

#[test]
fn a_check_tells_accepted_faults_apart() {
    let folder = Folder::new();
    folder.write("t.csv", only_duplicates());
    let check = |more: &[&str]| folder.run(&[&["check", "t.csv", "--key", "id"], more].concat());
    check(&[]).expect(1);
    let accept = ["--accept", "DuplicateKey", "--max-errors", "0"];
    let ended = check(&accept).expect(0);
    for line in [
        "\nNo faults but those that are accepted.\n2 rows have faults that are accepted.\n",
        "\n        2  DuplicateKey (accepted): ",
        "\n          2  accept as rejected\n",
        "\nReady.\n",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {}", ended.stdout);
    }
    let json = check(&[&accept[..], &["--output", "json"]].concat()).expect(0);
    let messages = messages(&json.stdout);
    let summary = &messages["check"];
    assert_eq!(
        (&summary["faulty"], &summary["accepted"], &summary["to_send"]),
        (&0.into(), &2.into(), &2.into())
    );
    assert_eq!(
        (&messages["fault"]["accepted"], &summary["faults"][0]["accepted"]),
        (&true.into(), &true.into())
    );
    let faults = check(&[&accept[..], &["--output", "csv"]].concat()).expect(0);
    assert!(
        faults.stdout.starts_with("file,line,key,code,member,found,rule,origin,accepted\n"),
        "{}",
        faults.stdout
    );
    assert_eq!(faults.stdout.matches(",true\n").count(), 2, "{}", faults.stdout);

    // A fault that is not accepted counts alone.
    folder.write("t.csv", csv());
    let ended = check(&["--accept", "DuplicateKey"]).expect(1);
    assert!(
        ended.stdout.contains("\n1 of 5 rows has faults and would be rejected:\n2 rows have"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("Not ready: 1 row would be rejected."), "{}", ended.stdout);
}

#[test]
fn a_check_knows_which_refusals_of_connect_a_run_accepts() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    let endpoint = Endpoint::start(|_, _| Reply::Error(400, "InvalidParameterException"));
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    let check = |more: &[&str]| {
        let own =
            ["check", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--output", "json"];
        let ended = folder.run(&[&own[..], more].concat()).expect(0);
        let summary = messages(&ended.stdout)["check"].clone();
        (summary["refused_before"].clone(), summary["accepted"].clone())
    };
    assert_eq!(check(&[]), (2.into(), 0.into()));
    assert_eq!(check(&["--accept", "InvalidParameterException"]), (0.into(), 2.into()));
}
