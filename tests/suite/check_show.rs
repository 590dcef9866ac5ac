//! `check --show` and `--show-key` print the requests of rows as they are sent, and nothing is sent.

use serde_json::Value;

use crate::support::*;

const CSV: &str = "id,Name,Attributes.card\nA,first,4111\nB,Planted,\nC,,5500\nA,again,1\n";

fn requests(ended: &Ended) -> Vec<Value> {
    let lines = ended.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|message| message["message_type"] == "request").collect()
}

#[test]
fn the_shown_request_is_the_body_that_run_sends() {
    let folder = Folder::new();
    folder.write("t.csv", CSV);
    let check = ["check", "t.csv", "--key", "id", "--sandbox", "--show", "3"];
    let ended = folder.run(&[&check[..], &["--output", "json"]].concat()).expect(1);
    let shown = requests(&ended);
    assert_eq!(shown.iter().map(|row| row["line"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 3, 4]);
    let text = folder.run(&check).expect(1).stdout;
    assert!(!folder.path("t.sandbox.ledger.db").exists());

    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &["--concurrency", "1"])).expect(1);
    let sent = endpoint.requests();
    for row in &shown {
        assert!(sent.contains(&row["request"]), "{row}");
        assert_eq!((&row["would"], &row["faults"]), (&"send".into(), &serde_json::json!([])));
    }
    let (first, rest) = text.split_once("\n\n").unwrap();
    let (heading, body) = first.split_once(":\n").unwrap();
    assert_eq!(heading, "t.csv, line 2 (key A)");
    assert_eq!(serde_json::from_str::<Value>(body).unwrap(), shown[0]["request"]);
    assert!(rest.contains("\n\nt.csv: 4 rows (comma, UTF-8)\n"), "{rest}");
}

#[test]
fn rows_are_shown_by_key_and_faulty_ones_with_their_faults() {
    let folder = Folder::new();
    folder.write("t.csv", CSV);
    let check = ["check", "t.csv", "--key", "id", "--show-key", "C", "--show-key", "A"];
    let text = folder.run(&check).expect(1).stdout;
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("t.csv, line")).collect();
    let expected =
        ["t.csv, line 2 (key A):", "t.csv, line 4 (key C):", "t.csv, line 5 (key A), would be rejected:"];
    assert_eq!(headings, expected);
    assert!(
        text.contains("would be rejected:\n  DuplicateKey: has the key of line 2, only the first row"),
        "{text}"
    );
    // The token depends on the instance, so neither is shown without one.
    assert!(!text.contains("InstanceId") && !text.contains("ClientToken"), "{text}");
    folder.write("t.csv", format!("id,Name\n1,{}\n", "x".repeat(1025)));
    let ended = folder.run(&["check", "t.csv", "--key", "id", "--show", "1", "--output", "json"]).expect(1);
    let [row] = &requests(&ended)[..] else { panic!("{}", ended.stdout) };
    assert_eq!(
        (&row["would"], &row["request"], &row["code"]),
        (&"reject".into(), &Value::Null, &"Validation".into())
    );
    assert_eq!(row["faults"][0]["member"], "Name");
}

#[test]
fn a_created_row_is_shown_and_said_to_be_created() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\n1,a\n2,b\n");
    let shared = ["t.csv", "--key", "id", "--sandbox", "--rate", "1000"];
    folder.run(&[&["run"][..], &shared, &["--limit", "1"]].concat()).expect(10);
    let check = [&["check"][..], &shared, &["--show", "2", "--output", "json"]].concat();
    let would = |ended: &Ended| -> Vec<String> {
        requests(ended).iter().map(|row| row["would"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(would(&folder.run(&check).expect(0)), ["skip_created", "send"]);
    folder.write("t.csv", "id,Name\n1,changed\n2,b\n");
    let changed = folder.run(&check).expect(0);
    assert_eq!(would(&changed), ["skip_changed", "send"]);
    assert_eq!(requests(&changed)[0]["request"]["Name"], "changed");
}

#[test]
fn values_of_rows_are_printed_only_where_they_are_asked_for() {
    let folder = Folder::new();
    folder.write("t.csv", CSV);
    let ended = folder.run(&["check", "t.csv", "--key", "id", "--debug"]).expect(1);
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains("4111") && !text.contains("Planted"), "{text}");
    }
    let ended = folder.run(&["check", "t.csv", "--key", "id", "--debug", "--show", "2"]).expect(1);
    assert!(ended.stdout.contains("4111") && !ended.stderr.contains("4111"), "{}", ended.stderr);
    // Printed for a terminal: no control character of a row moves the cursor.
    folder.write("t.csv", "id,Name\n1,a\u{1b}[2J\u{9b}b\n");
    let ended = folder.run(&["check", "t.csv", "--key", "id", "--show", "1"]).expect(0);
    assert!(!ended.stdout.contains(['\u{1b}', '\u{9b}']), "{}", ended.stdout);
}

#[test]
fn requests_are_not_shown_as_csv() {
    let folder = Folder::new();
    folder.write("t.csv", CSV);
    for option in [&["--show", "1"][..], &["--show-key", "A"]] {
        let check = [&["check", "t.csv", "--key", "id", "--output", "csv"][..], option].concat();
        let ended = folder.run(&check).expect(2);
        assert!(ended.stderr.contains("--show works with --output text and json"), "{}", ended.stderr);
    }
}

#[test]
fn a_key_that_no_row_to_import_has_is_told() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name,state\n A ,one,open\nB,two,done\n");
    let check = ["check", "t.csv", "--key", "id", "--where", "state == 'open'"];
    let more = ["--show-key", " A ", "--show-key", "B", "--show-key", "C"];
    folder.write("t.toml", "[request]\nName = \"{{ row['Name'] }}\"\n");
    let ended = folder.run(&[&check[..], &["--job", "t.toml"], &more].concat()).expect(0);
    assert!(ended.stdout.starts_with("t.csv, line 2 (key A):\n{"), "{}", ended.stdout);
    let missing: Vec<&str> = ended.stdout.lines().filter(|line| line.starts_with("--show-key ")).collect();
    assert_eq!(missing, ["B", "C"].map(|key| format!("--show-key {key}: no row to import has this key")));
}

#[test]
fn a_row_in_doubt_that_has_changed_is_not_said_to_be_sent_as_shown() {
    let folder = Folder::new();
    folder.write("t.csv", numbered_csv(1));
    let endpoint = Endpoint::start(|_, _| Reply::Close);
    let url = endpoint.url();
    let more = ["--read-timeout", "1", "--max-attempts", "9", "--grace", "0"];
    let running = folder.start(&import(&url, &more));
    until("the row is in doubt", || endpoint.requests().len() > 1);
    running.signal("INT");
    running.end().expect(130);
    folder.write("t.csv", "id,Name\nK0,changed\n");
    let check = ["check", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--show", "1"];
    let shown = folder.run(&check).expect(0).stdout;
    assert!(
        shown.starts_with(
            "t.csv, line 2 (key K0), is in doubt, has changed since, and would be sent as before"
        )
    );
    let messages = folder.run(&[&check[..], &["--output", "json"]].concat()).expect(0);
    assert_eq!(requests(&messages)[0]["would"], "send_unchanged");
}
