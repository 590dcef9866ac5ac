//! `report`: the HTML page of an import.

use std::io::Write as _;
use std::process::Stdio;

use roxmltree::{Document, Node, ParsingOptions};

use crate::printed_commands::paste;
use crate::support::*;

const REPORT: [&str; 5] = ["report", "--ledger", "t.ledger.db", "--to", "-"];

/// Imports CSVs with the ledger `t.ledger.db`.
fn import_of(folder: &Folder, sandbox: &SandboxProcess, csvs: &[&str], more: &[&str]) -> Ended {
    let url = sandbox.url();
    folder.run(&[&["run"], csvs, &into(&url), more].concat())
}

fn page(folder: &Folder, more: &[&str]) -> String {
    folder.run(&[&REPORT[..], more].concat()).expect(0).stdout
}

/// Parses a page, which is well-formed XML.
fn parsed(page: &str) -> Document<'_> {
    Document::parse_with_options(page, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
        .unwrap()
}

fn text(node: Node<'_, '_>) -> String {
    let texts = node.descendants().filter_map(|node| node.text().filter(|_| node.is_text()));
    texts.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// The text of the page.
fn page_text(page: &str) -> String {
    text(parsed(page).descendants().find(|node| node.has_tag_name("body")).unwrap())
}

/// Lines of the first table, joined by `|`: the name of the file, the numbers of its rows, and whether they
/// add up.
pub fn accounts(page: &str) -> Vec<String> {
    let document = parsed(page);
    let table = document.descendants().find(|node| node.has_tag_name("table")).unwrap();
    let rows = table.descendants().filter(|node| node.has_tag_name("tr")).skip(1);
    let cell = |cell: Node<'_, '_>| {
        let name = cell.children().find(|node| node.has_tag_name("b"));
        text(name.unwrap_or(cell))
    };
    rows.map(|row| row.children().filter(Node::is_element).map(cell).collect::<Vec<_>>().join("|")).collect()
}

/// A folder with an imported `t.csv` of ten rows.
fn imported() -> (Folder, SandboxProcess) {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.write("t.csv", numbered_csv(10));
    import_of(&folder, &sandbox, &["t.csv"], &["--key", "id"]).expect(0);
    (folder, sandbox)
}

#[test]
fn the_page_is_written_beside_the_ledger_and_its_path_is_printed() {
    let (folder, _sandbox) = imported();
    let ended = folder.run(&["report", "--ledger", "t.ledger.db"]).expect(0);
    assert_eq!(steady(&ended.stdout, &folder), "FOLDER/t.ledger.db.report.html\n");
    assert_eq!(ended.stderr, "");
    assert_eq!(folder.permissions("t.ledger.db.report.html"), 0o600);
    let page = folder.read("t.ledger.db.report.html");
    let text = page_text(&page);
    for part in ["10 of 10 rows imported.", "Rehearsal.", "operation CreateContact", "completed"] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert_eq!(accounts(&page), ["t.csv|10|10|0|0|0|0|0|✓ adds up"]);
    assert_eq!(parsed(&page).descendants().filter(|node| node.has_tag_name("svg")).count(), 4);
    let json =
        folder.run(&["report", "--ledger", "t.ledger.db", "--to", "x.html", "--output", "json"]).expect(0);
    let line: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(line["message_type"], "report");
    assert_eq!(line["page"], folder.path("x.html").canonicalize().unwrap().to_str().unwrap());
}

#[test]
fn the_pages_command_can_be_pasted_in_any_folder() {
    let (folder, _sandbox) = imported();
    let page = page(&folder, &[]);
    let document = parsed(&page);
    let mut commands = document.descendants().filter(|node| node.attribute("class") == Some("command"));
    let command: String =
        commands.next().unwrap().descendants().filter(Node::is_text).filter_map(|node| node.text()).collect();
    let ended = paste(&folder, &format!("cd / && {command}")).expect(0).stdout;
    assert!(ended.contains("Created rows: 10 of 10 looked up."), "{command}\n{ended}");
}

#[test]
fn an_endpoint_on_loopback_is_not_called_amazon_connect() {
    let (folder, _sandbox) = imported();
    let text = page_text(&page(&folder, &[]));
    // Once, to say that it was not there.
    assert_eq!(text.matches("Amazon Connect").count(), 1, "{text}");
    assert!(text.starts_with("Import into the sandbox ") && text.contains("10 in the sandbox"), "{text}");

    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.write("t.csv", numbered_csv(2));
    let instance = ["--instance-id", "11111111-2222-3333-4444-555555555555", "--region", "eu-west-2"];
    let run = [
        "run",
        "t.csv",
        "--key",
        "id",
        "--no-sign-request",
        "--endpoint-url",
        &url,
        "--ledger",
        "t.ledger.db",
    ];
    folder.run(&[&run[..], &instance].concat()).expect(0);
    let text = page_text(&page(&folder, &[]));
    let host = url.strip_prefix("http://").unwrap();
    for part in [
        "Import into a local endpoint ",
        "2 in the local endpoint",
        &format!("Sent to {host} , Region eu-west-2"),
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(!text.contains("Amazon Connect"), "{text}");
}

#[test]
fn invalid_arguments_are_refused_and_nothing_is_written() {
    let (folder, _sandbox) = imported();
    folder.write("t.toml", "[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\n");
    let refused = |arguments: &[&str], message: &str| {
        let ended = folder.run(&[&["report", "--job", "t.toml"], arguments].concat()).expect(2);
        assert!(ended.stderr.contains(message), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    };
    let into = |target, message: &str| refused(&["--ledger", "t.ledger.db", "--to", target], message);
    into("t.ledger.db", "is a ledger or a file of one and is never replaced");
    into("t.toml", "is the job file or the skeleton");
    refused(&["--ledger", "t.ledger.db", "--to", "t.csv"], "is an input of the job");
    refused(&["--ledger", "t.ledger.db", "--output", "csv"], "--output csv works with");
    refused(&["--ledger", "other.db"], "there is no ledger other.db");
    assert_eq!(folder.read("t.csv"), numbered_csv(10));
    let without_ledger = folder.run(&["report"]).expect(2);
    assert!(without_ledger.stderr.contains("--ledger"), "{}", without_ledger.stderr);
    folder.run(&["report", "--ledger", "t.ledger.db", "--to", "no/folder/x.html"]).expect(74);
}

#[test]
fn a_duplicate_is_counted_in_its_own_file() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.write("a.csv", "id,Name\nK0,a\nK1,a\n");
    folder.write("b.csv", "id,Name\nK1,b\nK2,b\n");
    folder.write("c.csv", "id,Name\n");
    import_of(&folder, &sandbox, &["a.csv", "b.csv", "c.csv"], &["--key", "id"]).expect(1);
    assert_eq!(
        accounts(&page(&folder, &[])),
        [
            "a.csv|2|2|0|0|0|0|0|✓ adds up",
            "b.csv|2|1|0|1|0|0|0|✓ adds up",
            "c.csv|0|0|0|0|0|0|0|✓ adds up",
            "All files|4|3|0|1|0|0|0|✓ adds up",
        ]
    );
    assert!(page_text(&page(&folder, &[])).contains("3 of 4 rows imported; 1 duplicate."));
}

#[test]
fn rows_removed_from_their_file_are_reported() {
    let (folder, sandbox) = imported();
    let seven: String = numbered_csv(7);
    folder.write("t.csv", format!("{seven}N0,new\nN1,new\nN2,new\n"));
    import_of(&folder, &sandbox, &["t.csv"], &["--key", "id"]).expect(0);
    let removed = "3 rows more: they were in the file at an earlier read";
    assert_eq!(accounts(&page(&folder, &[])), [format!("t.csv|10|13|0|0|0|0|0|{removed}")]);
}

#[test]
fn a_row_in_two_files_is_counted_in_the_file_read_last() {
    let (folder, sandbox) = imported();
    folder.write("u.csv", "id,Name\nK1,Task 1\nN,new\n");
    import_of(&folder, &sandbox, &["u.csv"], &["--key", "id"]).expect(0);
    assert_eq!(
        accounts(&page(&folder, &[])),
        [
            "t.csv|10|9|0|0|0|0|0|1 row fewer: counted in another file, which has them too and was read later",
            "u.csv|2|2|0|0|0|0|0|✓ adds up",
            "All files|12|11|0|0|0|0|0|1 fewer: see the files above",
        ]
    );
    import_of(&folder, &sandbox, &["t.csv", "u.csv"], &["--key", "id"]).expect(1);
    assert_eq!(
        accounts(&page(&folder, &[])),
        [
            "t.csv|10|10|0|0|0|0|0|✓ adds up",
            "u.csv|2|1|0|1|0|0|0|✓ adds up",
            "All files|12|11|0|1|0|0|0|✓ adds up",
        ]
    );
}

#[test]
fn identical_rows_count_one_by_one() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.write("t.csv", "Name\nsame\nsame\nother\nsame\n");
    for _ in 0..2 {
        import_of(&folder, &sandbox, &["t.csv"], &[]).expect(0);
        assert_eq!(accounts(&page(&folder, &[])), ["t.csv|4|4|0|0|0|0|0|✓ adds up"]);
    }
}

#[test]
fn standard_input_is_compared_with_its_last_read() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    let run = ["run", "-", "--key", "id", "--sandbox", "--ledger", "t.ledger.db", "--endpoint-url", &url];
    for csv in ["id,Name\nK0,a\nK1,b\n", "id,Name\nK2,c\n"] {
        let mut command = folder.command(&run);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(csv.as_bytes()).unwrap();
        Ended::from(child.wait_with_output().unwrap()).expect(0);
    }
    let more = "2 rows more: earlier runs read them from standard input";
    assert_eq!(accounts(&page(&folder, &[])), [format!("Standard input|1|3|0|0|0|0|0|{more}")]);
}

#[test]
fn a_file_that_was_not_read_to_its_end_does_not_add_up() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.write("t.csv", numbered_csv(5000));
    let killed = import_of(&folder, &sandbox, &["t.csv"], &["--key", "id", "--crash-at", "check:4000"]);
    assert_eq!(killed.code, None);
    // As a commit within a file of more than 131,072 rows leaves it.
    folder.execute("t.ledger.db", "INSERT INTO unfinished_scans SELECT 1, id FROM sources");
    let account = &accounts(&page(&folder, &[]))[0];
    assert!(account.starts_with("t.csv|– |") || account.starts_with("t.csv|–|"), "{account}");
    assert!(account.contains("the file has not been read to its end yet"), "{account}");
    import_of(&folder, &sandbox, &["t.csv"], &["--key", "id"]).expect(0);
    assert_eq!(accounts(&page(&folder, &[])), ["t.csv|5,000|5,000|0|0|0|0|0|✓ adds up"]);
}

#[test]
fn the_ledgers_of_shards_make_one_page() {
    let (folder, sandbox) = imported();
    folder.write("t.csv", "id,Name\nS0,a\nS1,b\n");
    import_of(&folder, &sandbox, &["t.csv"], &["--key", "id", "--ledger", "u.ledger.db"]).expect(0);
    for (ledger, shard, elsewhere) in [("t.ledger.db", "0/2", 2), ("u.ledger.db", "1/2", 10)] {
        let sql = format!(
            "UPDATE source_scans SET rows = 12, other_shards = {elsewhere}; UPDATE identity SET shard = '{shard}'"
        );
        folder.execute(ledger, &sql);
    }
    let both = page(&folder, &["--ledger", "u.ledger.db"]);
    assert_eq!(accounts(&both), ["t.csv|12|12|0|0|0|0|0|✓ adds up"]);
    let one = page(&folder, &[]);
    assert_eq!(accounts(&one), ["t.csv|12|10|0|0|0|0|0|2|✓ adds up"]);
    assert!(page_text(&one).contains("2 rows of other shards, whose ledgers were not given, are left out"));
}

#[test]
fn rows_in_doubt_are_listed_by_key_and_errors_have_examples() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, body| match body["Name"].as_str().unwrap_or_default() {
        "Task 1" => Reply::Quoted(400, "InvalidParameterException", "Name <b> is refused".into()),
        "Task 3" => Reply::Close,
        _ => Reply::Created,
    });
    folder.write("t.csv", numbered_csv(5));
    let url = endpoint.url();
    folder.run(&import(&url, &["--max-attempts", "1", "--on-unknown", "hold"])).expect(1);
    let page = page(&folder, &[]);
    let text = page_text(&page);
    assert!(text.contains("3 of 5 rows imported; 1 rejected, 1 unknown."), "{text}");
    assert!(
        text.contains(
            "The sandbox refused the request rejected, InvalidParameterException Name <b> is refused"
        ),
        "{text}"
    );
    assert!(text.contains("K3 unknown "), "{text}");
    assert!(!text.contains("Task 3"), "{text}");

    // As a run that died leaves them: one row in flight and one in doubt.
    folder.execute(
        "t.ledger.db",
        "UPDATE rows SET state = 'in_flight', contact_id = NULL, record = '[]', doubt_ms = 0 WHERE key = 'K0';
         INSERT OR REPLACE INTO row_counts SELECT run_id, state, '', 1 FROM rows WHERE key = 'K0';
         UPDATE rows SET state = 'pending', may_exist = 1, contact_id = NULL, record = '[]', doubt_ms = 0 WHERE key = 'K2'",
    );
    let text = page_text(&self::page(&folder, &[]));
    let places = ["K3 unknown ", "K2 waiting ", "K0 waiting "].map(|row| text.find(row));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{text}");
}

#[test]
fn at_most_200_rows_in_doubt_are_listed() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.write("t.csv", numbered_csv(1250));
    import_of(&folder, &sandbox, &["t.csv"], &["--key", "id"]).expect(0);
    folder.execute(
        "t.ledger.db",
        "UPDATE rows SET state = 'unknown', may_exist = 1, contact_id = NULL, contact_arn = NULL, record = '[]',
                doubt_ms = 0, code = 'NoAnswer'",
    );
    let page = page(&folder, &[]);
    assert!(page_text(&page).contains("1,050 more are not shown."), "{}", page_text(&page));
    assert_eq!(page.matches("<th scope=\"row\" class=\"key\"><bdi>K").count(), 200);
}

#[test]
fn a_report_can_be_made_during_a_run() {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|number, _| if number < 2 { Reply::Created } else { Reply::Hang });
    folder.write("t.csv", numbered_csv(5));
    let url = endpoint.url();
    let _run = folder.start(&import(&url, &["--concurrency", "1"]));
    until("two contacts are recorded", || {
        folder.path("t.ledger.db").exists()
            && page_or_none(&folder).is_some_and(|page| page_text(&page).contains("2 of 5 rows imported"))
    });
    let text = page_text(&page(&folder, &[]));
    assert!(text.contains("Import running.") && text.contains("running"), "{text}");
    assert!(text.contains("None, except for the rows that are being sent."), "{text}");
}

/// The page, or `None` while the run still creates the ledger.
fn page_or_none(folder: &Folder) -> Option<String> {
    let ended = folder.run(&REPORT);
    (ended.code == Some(0)).then_some(ended.stdout)
}

#[test]
fn the_job_file_is_shown_without_its_data() {
    let (folder, sandbox) = imported();
    let job = "[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\n[request]\nName = \"Private {{ name | truncate(20) }}\"\n\
        [lookup.status]\nprivate = \"private\"\n[connect]\nendpoint_url = \"http://private@127.0.0.1/private\"\n";
    folder.write("t.toml", job);
    drop(sandbox);
    let text = page_text(&page(&folder, &["--job", "t.toml"]));
    assert!(text.contains("Name …{{ name | truncate(…) }}"), "{text}");
    assert!(text.contains("status 1 entry") && text.contains("http://127.0.0.1"), "{text}");
    assert!(!text.to_lowercase().contains("private"), "{text}");

    folder.write("t.toml", "[source]\nfiles = \"private\"\n");
    let ended = folder.run(&[&REPORT[..], &["--job", "t.toml"]].concat()).expect(0);
    assert!(ended.stderr.contains("the report leaves out the job file: t.toml, line 2"), "{}", ended.stderr);
    assert!(page_text(&ended.stdout).contains("t.toml : it cannot be read or is no longer valid"));
    // Without `--ledger`, an invalid job file leaves the ledger beside it as the default, if that exists.
    folder.run(&["report", "--job", "t.toml"]).expect(0);
    std::fs::remove_file(folder.path("t.ledger.db")).unwrap();
    let refused = folder.run(&["report", "--job", "t.toml"]).expect(2);
    assert!(refused.stderr.contains("t.toml, line 2"), "{}", refused.stderr);
}
