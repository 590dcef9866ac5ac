//! The CSV or the job file changes between two runs.

use crate::support::*;

fn endpoint() -> Endpoint {
    Endpoint::start(|_, _| Reply::Created)
}

#[test]
fn added_moved_and_changed_rows_are_distinguished() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\nA,one\nB,two\n");
    let endpoint = endpoint();
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(0);
    folder.write("t.csv", "Name,id\nnew,C\ntwo,B\nONE,A\n");
    let ended = folder.run(&import(&url, &["--output", "json"])).expect(0);
    let summary = &messages(&ended.stdout)["summary"];
    assert_eq!(
        (&summary["created"], &summary["already_created"], &summary["changed_created"]),
        (&1.into(), &2.into(), &1.into())
    );
    assert!(ended.stderr.contains("line 4 (key A) has changed since it was created"), "{}", ended.stderr);
    assert_eq!(endpoint.requests().len(), 3);
}

#[test]
fn a_row_removed_from_its_file_is_no_longer_sent() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(4));
    let endpoint = endpoint();
    let url = endpoint.url();
    let run_file = |csv, more: &[&'static str]| folder.run(&import_file(csv, &url, more));
    run_file("t.csv", &["--limit", "1"]).expect(10);
    folder.write("t.csv", "id,Name\nK0,Task 0\nK2,Task 2\n");
    let ended = run_file("t.csv", &["--output", "json"]).expect(0);
    assert_eq!(messages(&ended.stdout)["summary"]["withdrawn"], 2);
    assert_eq!(folder.states("t.ledger.db"), "created 2, withdrawn 2");
    // A run of another file does not send it either, unless that file has the row.
    folder.write("other.csv", "Name,id\nwaits,O\n");
    run_file("other.csv", &["--limit", "0"]).expect(10);
    folder.write("next.csv", "Name,id\nlater,N\nTask 1,K1\n");
    let check =
        ["check", "next.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--output", "json"];
    let check = folder.run(&check).expect(0);
    assert_eq!(messages(&check.stdout)["check"]["to_send"], 3);
    run_file("next.csv", &[]).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 5, withdrawn 1");
    assert!(endpoint.requests().iter().all(|request| request["Name"] != "Task 3"));
}

#[test]
fn pending_rows_of_another_file_are_sent() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    folder.write("next.csv", "Name,id\nlater,N\n");
    let endpoint = endpoint();
    let url = endpoint.url();
    folder.run(&import(&url, &["--limit", "1"])).expect(10);
    folder.run(&import_file("next.csv", &url, &[])).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 4");
}

#[test]
fn a_second_row_with_a_key_is_rejected_with_the_line_of_the_first() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\nA,one\nB,two\nA,three\n");
    let endpoint = endpoint();
    let url = endpoint.url();
    for _ in 0..2 {
        let ended = folder.run(&import(&url, &[])).expect(1);
        assert!(
            ended
                .stderr
                .contains("line 4 (key A) is rejected: DuplicateKey: has the key of line 2, only the first"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(endpoint.requests().len(), 2);
}

#[test]
fn without_a_key_identical_rows_are_each_imported_once() {
    let folder = Folder::new();
    folder.write("t.csv", "Name,Description\na,x\na,x\nb,x\na,x\n");
    let endpoint = endpoint();
    let url = endpoint.url();
    let arguments: Vec<_> = import(&url, &["--output", "json"])
        .into_iter()
        .filter(|argument| !["--key", "id"].contains(argument))
        .collect();
    for run in 0..2 {
        let ended = folder.run(&arguments).expect(0);
        let summary = &messages(&ended.stdout)["summary"];
        assert_eq!(summary["identical_rows"], 2, "run {run}");
    }
    assert_eq!(endpoint.requests().len(), 4);
    let mut tokens: Vec<_> = endpoint.requests().iter().map(|body| body["ClientToken"].to_string()).collect();
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 4);
}

#[test]
fn a_corrected_rejects_file_is_imported() {
    let folder = Folder::new();
    let long = "x".repeat(1025);
    folder.write("t.csv", format!("id,Name\nA,one\nB,\"{long}\"\nC\n"));
    let endpoint = endpoint();
    let url = endpoint.url();
    let ended = folder.run(&import(&url, &[])).expect(1);
    assert!(ended.stdout.contains("run t.ledger.db.rejects.csv"), "{}", ended.stdout);
    let rejects = folder.read("t.ledger.db.rejects.csv");
    let mut reader = csv::Reader::from_reader(rejects.as_bytes());
    assert_eq!(
        reader.headers().unwrap(),
        vec!["id", "Name", "_file", "_line", "_key", "_state", "_code", "_message", "_row"]
    );
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!((&rows[0][0], &rows[0][1], &rows[0][3], &rows[0][6]), ("B", &*long, "3", "Validation"));
    assert_eq!((&rows[1][0], &rows[1][3], &rows[1][6]), ("C", "4", "RaggedRow"));

    // A padded row looks complete, so only an empty `_code` says that it was corrected.
    let corrected = rejects.replace(&long, "short");
    folder.write("t.ledger.db.rejects.csv", &corrected);
    let arguments = import_file("t.ledger.db.rejects.csv", &url, &[]);
    let ended = folder.run(&arguments).expect(1);
    assert!(ended.stderr.contains("was ragged, correct its cells and clear its _code"), "{}", ended.stderr);
    folder.write("t.ledger.db.rejects.csv", corrected.replace("RaggedRow", ""));
    folder.run(&arguments).expect(0);
    let sent: Vec<_> = endpoint.requests().iter().map(|body| body["Name"].to_string()).collect();
    assert_eq!(sent, ["\"one\"", "\"short\"", "null"]);
}

#[test]
fn rejected_rows_are_sent_once_the_job_file_is_corrected() {
    let folder = Folder::new();
    let long = "x".repeat(1025);
    folder.write("t.csv", format!("id,Title\nA,{long}\n"));
    let job = "[source]\nkey = [\"id\"]\n[request]\nName = \"{{ title }}\"\n";
    folder.write("job.toml", job);
    let endpoint = endpoint();
    let url = endpoint.url();
    let arguments = import(&url, &["--job", "job.toml"]);
    folder.run(&arguments).expect(1);
    folder.write("job.toml", job.replace("title }}", "title | truncate(1024) }}"));
    folder.run(&arguments).expect(0);
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn pending_rows_from_standard_input_are_sent_by_the_next_run() {
    let folder = Folder::new();
    let endpoint = endpoint();
    let url = endpoint.url();
    let run = |input: &str, more: &[&str]| {
        let file = folder.write("stdin", input);
        let mut command = folder.command(&import_file("-", &url, more));
        Ended::from(command.stdin(std::fs::File::open(file).unwrap()).output().unwrap())
    };
    run(&numbered_csv(3), &["--limit", "1"]).expect(10);
    run("id,Name\n", &[]).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 3");
}

#[test]
fn a_row_in_doubt_that_is_removed_from_its_file_becomes_unknown_and_is_reported() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(3));
    let endpoint = Endpoint::start(|number, _| if number < 3 { Reply::Hang } else { Reply::Created });
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--read-timeout", "10m"]));
    until("three requests are in flight", || endpoint.requests().len() == 3);
    running.signal("KILL");
    running.end();
    folder.write("t.csv", numbered_csv(2));
    let ended = folder.run(&import(&url, &[])).expect(1);
    assert!(ended.stdout.contains("unknown: sent and not answered"), "{}", ended.stdout);
    assert_eq!(folder.states("t.ledger.db"), "created 2, unknown 1");
    assert!(folder.read("t.ledger.db.rejects.csv").contains(",unknown,Withdrawn,"));
}

#[test]
fn pending_rows_whose_header_lacks_a_mapped_column_are_rejected_and_the_run_continues() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(2));
    folder.write("next.csv", "id,Title\nN,later\n");
    folder.write("next.toml", "[source]\nkey = [\"id\"]\n[request]\nName = \"{{ title }}\"\n");
    let endpoint = endpoint();
    let url = endpoint.url();
    folder.run(&import(&url, &["--limit", "1"])).expect(10);
    let ended = folder.run(&import_file("next.csv", &url, &["--job", "next.toml"])).expect(1);
    assert!(ended.stderr.contains("no column with the identifier 'title'"), "{}", ended.stderr);
    assert_eq!(folder.states("t.ledger.db"), "created 2, rejected 1");
}
