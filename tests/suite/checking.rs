//! `check` finds before the first request what a run would find, and sends nothing.

use crate::support::*;

const JOB: &str = "[source]\nkey = [\"id\"]\n[request]\nName = \"{{ row['Name'] }}\"\n\
    Description = \"{{ row['Text'] | upper }}\"\n[request.Attributes]\nwhen = \"{{ row['When'] | iso('%d/%m/%Y') }}\"\n";

fn faulty() -> String {
    let long = "ü".repeat(1025);
    let rows = [
        "id,Name,Text,When".to_owned(),
        "1,fine,\"two\nlines\",01/02/2024".into(),
        format!("2,{long},x,"),
        "3,ok,x,yesterday".into(),
        format!("4,{long},{},31/12/2023", "x".repeat(4097)),
        "1,again,x,".into(),
        "5,short".into(),
        ",no key,x,".into(),
        "6,fine too,x,".into(),
    ];
    rows.join("\n") + "\n"
}

#[test]
fn faults_are_grouped_with_file_line_limit_and_size_and_no_value() {
    let folder = Folder::new();
    folder.write("t.csv", faulty());
    folder.write("job.toml", JOB);
    let ended = folder.run(&["check", "t.csv", "--job", "job.toml", "--progress", "none"]).expect(1);
    assert!(!ended.stdout.contains("yesterday") && !ended.stdout.contains("üü"), "{}", ended.stdout);
    // The end of a run is a moment.
    let text: Vec<&str> = ended.stdout.lines().map(|line| line.split(", until").next().unwrap()).collect();
    insta::assert_snapshot!(text.join("\n"));
    let list = folder.run(&["check", "t.csv", "--job", "job.toml", "--output", "csv"]).expect(1);
    insta::assert_snapshot!(list.stdout);
    assert!(!folder.path("job.ledger.db").exists());
}

#[test]
fn what_a_check_counts_a_run_then_does() {
    let folder = Folder::new();
    folder.write("t.csv", faulty());
    folder.write("job.toml", JOB);
    let endpoint = Endpoint::start(|_, body| {
        if body["Name"] == "fine too" { Reply::Error(400, "InvalidRequestException") } else { Reply::Created }
    });
    let url = endpoint.url();
    let check = |more: &[&str]| {
        let mut arguments = vec!["check", "t.csv", "--job", "job.toml", "--sandbox", "--output", "json"];
        arguments.extend(["--ledger", "t.ledger.db", "--key", "id"]);
        arguments.extend(more);
        let ended = folder.run(&arguments);
        messages(&ended.stdout)["check"].clone()
    };
    let before = check(&[]);
    assert_eq!(
        (&before["rows_read"], &before["faulty"], &before["to_send"]),
        (&8.into(), &6.into(), &2.into())
    );
    folder.run(&import(&url, &["--job", "job.toml"])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 1, rejected 7");
    assert_eq!(endpoint.requests().len(), 2);
    let after = check(&[]);
    let counts =
        ["already_created", "refused_before", "faulty", "to_send"].map(|name| after[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 6, 0]);
    // A row that Connect refused is tried again once it has changed, and so says the check.
    folder.write("t.csv", faulty().replace("fine too", "mended").replace("1,fine,", "1,other,"));
    let mended = check(&[]);
    let counts = ["to_send", "changed_created", "refused_before"].map(|name| mended[name].as_u64().unwrap());
    assert_eq!(counts, [1, 1, 0]);
    folder.run(&import(&url, &["--job", "job.toml"])).expect(1);
    assert_eq!(endpoint.requests().len(), 3);
}

#[test]
fn without_a_key_equal_rows_are_each_counted_to_be_sent() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\na\nb\na\na\n");
    let ended = folder.run(&["check", "t.csv", "--output", "json"]).expect(0);
    let check = &messages(&ended.stdout)["check"];
    assert_eq!((&check["identical_rows"], &check["to_send"]), (&2.into(), &4.into()));
    folder.run(&["run", "t.csv", "--sandbox", "--limit", "2", "--rate", "1000"]).expect(10);
    folder.write("t.csv", "Name\na\nb\na\na\nc\n");
    let ended = folder.run(&["check", "t.csv", "--sandbox", "--output", "json"]).expect(0);
    let check = &messages(&ended.stdout)["check"];
    assert_eq!((&check["already_created"], &check["to_send"]), (&2.into(), &3.into()));
}

#[test]
fn a_check_of_another_imports_ledger_is_refused_as_a_run_would_be() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\n1,a\n");
    folder.run(&["run", "t.csv", "--key", "id", "--sandbox"]).expect(0);
    let other = ["check", "t.csv", "--key", "id", "--sandbox", "--namespace", "second"];
    let ended = folder.run(&other).expect(2);
    assert!(ended.stderr.contains("belongs to namespace '', not 'second'"), "{}", ended.stderr);
}

#[test]
fn the_forecast_says_how_long_a_run_takes_and_what_that_means() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1000));
    let forecast = |more: &[&str]| {
        let mut arguments = vec!["check", "t.csv", "--key", "id", "--output", "json"];
        arguments.extend(more);
        messages(&folder.run(&arguments).expect(0).stdout)["check"].clone()
    };
    let usual = forecast(&[]);
    assert_eq!((&usual["seconds"], &usual["outlasts_idempotency_window"]), (&500.0.into(), &false.into()));
    let slow = forecast(&["--rate", "0.01"]);
    assert_eq!(slow["outlasts_idempotency_window"], true);
    assert_eq!(forecast(&["--limit", "10"])["seconds"], 5.0);
    assert!(usual["longest_request_bytes"].as_u64().unwrap() > 100);
}

#[test]
fn a_spent_error_budget_keeps_a_run_from_starting() {
    let folder = Folder::new();
    folder.write("t.csv", faulty());
    folder.write("job.toml", JOB);
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    for budget in ["5", "70%"] {
        let ended = folder.run(&import(&url, &["--job", "job.toml", "--max-errors", budget])).expect(3);
        assert!(ended.stdout.contains("The error budget is spent: 6 rows went wrong"), "{}", ended.stdout);
        assert_eq!(folder.states("t.ledger.db"), "pending 2, rejected 6");
        let check =
            folder.run(&["check", "t.csv", "--job", "job.toml", "--key", "id", "--max-errors", budget]);
        assert!(check.expect(1).stdout.contains("a run would not start: --max-errors"));
    }
    assert!(endpoint.requests().is_empty());
    folder.run(&import(&url, &["--job", "job.toml", "--max-errors", "6"])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 2, rejected 6");
}

#[test]
fn without_a_check_each_row_is_judged_when_its_turn_comes_and_the_budget_stops_the_run() {
    let folder = Folder::new();
    let mut text = "id,Name\n".to_owned();
    for row in 0..50 {
        let name = if row % 2 == 0 { "x".repeat(1025) } else { "fine".into() };
        text.push_str(&format!("{row},{name}\n"));
    }
    folder.write("t.csv", text);
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let more = ["--no-check", "--max-errors", "3", "--concurrency", "1"];
    folder.run(&import(&url, &more)).expect(3);
    let rejected = folder.ask("t.ledger.db", "SELECT count(*) FROM rows WHERE state = 'rejected'");
    assert_eq!(rejected, "4");
    assert_eq!(endpoint.requests().len(), 3);
    folder.run(&import(&url, &["--no-check"])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 25, rejected 25");
}

#[test]
fn csv_output_is_for_checks_alone() {
    let folder = Folder::new();
    folder.write("t.csv", "Name\na\n");
    for arguments in
        [&["run", "t.csv", "--sandbox", "--output", "csv"][..], &["status", "t.csv", "--output", "csv"]]
    {
        let ended = folder.run(arguments).expect(2);
        assert!(ended.stderr.contains("csv is for the command check"), "{}", ended.stderr);
    }
}
