//! `export` writes the rows of the ledger as CSV or JSON Lines; `--join` adds them to the rows of a CSV.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::support::*;

const EXPORT: [&str; 3] = ["export", "--ledger", "t.ledger.db"];

pub fn export<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&EXPORT[..], more].concat()
}

/// Cells of every record of a CSV, including the header.
pub fn cells(text: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Cells of these columns for every record after the header, joined by `|`.
pub fn columns(text: &str, names: &[&str]) -> Vec<String> {
    let records = cells(text);
    let index = |name| records[0].iter().position(|column| column == name).unwrap();
    let row =
        |row: &Vec<String>| names.iter().map(|name| row[index(*name)].clone()).collect::<Vec<_>>().join("|");
    records[1..].iter().map(row).collect()
}

pub fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A folder with a ledger that has a row in each state: K0 is created, K1 rejected, K2 failed, K3 unknown, K4 pending
/// and K5 in flight.
fn ledger_with_every_state() -> Folder {
    let folder = Folder::new();
    let endpoint = Endpoint::start(|_, body| match body["Name"].as_str().unwrap_or_default() {
        "Task 1" => Reply::Quoted(400, "InvalidParameterException", "Name, \"quoted\"".into()),
        "Task 2" => Reply::Error(409, "ConflictException"),
        "Task 3" => Reply::Close,
        _ => Reply::Created,
    });
    folder.write("t.csv", numbered_csv(6));
    let url = endpoint.url();
    let more = ["--limit", "4", "--max-attempts", "1", "--on-unknown", "hold", "--concurrency", "1"];
    folder.run(&import(&url, &more)).expect(10);
    folder.execute(
        "t.ledger.db",
        "UPDATE rows SET state = 'in_flight', attempts = 1, first_sent_ms = 0, last_sent_ms = 0, doubt_ms = 0
         WHERE key = 'K5'",
    );
    assert_eq!(
        folder.states("t.ledger.db"),
        "created 1, failed 1, in_flight 1, pending 1, rejected 1, unknown 1"
    );
    folder
}

/// A folder with `csv` as `t.csv`, after a run that may have rejected rows.
pub fn imported(csv: &str, arguments: &[&str]) -> (Folder, SandboxProcess) {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    folder.write("t.csv", csv);
    let run = ["run", "t.csv", "--sandbox", "--ledger", "t.ledger.db", "--rate", "100000", "--burst", "1000"];
    let url = sandbox.url();
    folder.run(&[&run[..], &["--endpoint-url", &url, "--progress", "none"], arguments].concat());
    (folder, sandbox)
}

#[test]
fn csv_has_one_record_per_row_in_ledger_order() {
    let folder = ledger_with_every_state();
    let ended = folder.run(&export(&[])).expect(0);
    assert_eq!(ended.stderr, "");
    assert_eq!(
        ended.stdout.lines().next().unwrap(),
        "file,line,key,state,contact_id,contact_arn,attempts,first_sent,last_sent,code,message"
    );
    let rows =
        columns(&ended.stdout, &["line", "key", "state", "contact_id", "contact_arn", "attempts", "code"]);
    assert_eq!(
        rows,
        [
            "2|K0|created|contact-0|arn:aws:connect:eu-west-2:111122223333:instance/sandbox/contact/contact-0|1|",
            "3|K1|rejected|||1|InvalidParameterException",
            "4|K2|failed|||1|ConflictException",
            "5|K3|unknown|||1|NoAnswer",
            "6|K4|pending|||0|",
            "7|K5|in_flight|||1|",
        ]
    );
    let file = folder.path("t.csv").canonicalize().unwrap().display().to_string();
    assert!(columns(&ended.stdout, &["file"]).iter().all(|cell| *cell == file));
    let times = columns(&ended.stdout, &["first_sent", "last_sent"]);
    assert_eq!((&*times[4], &*times[5]), ("|", "1970-01-01T00:00:00.000Z|1970-01-01T00:00:00.000Z"));
    let first = times[0].split('|').next().unwrap();
    assert!(first.len() == 24 && first.parse::<jiff::Timestamp>().is_ok(), "{first}");
}

#[test]
fn json_lines_have_the_names_of_csv_with_numbers_and_nulls() {
    let folder = ledger_with_every_state();
    let lines = objects(&folder.run(&export(&["--output", "json"])).expect(0).stdout);
    let rows = columns(&folder.run(&export(&[])).expect(0).stdout, &[]).len();
    assert_eq!(lines.len(), rows);
    let pending = json!({
        "file": folder.path("t.csv").canonicalize().unwrap(), "line": 6, "key": "K4", "state": "pending",
        "contact_id": null, "contact_arn": null, "attempts": 0, "first_sent": null, "last_sent": null,
        "code": null, "message": null,
    });
    assert_eq!(lines[4], pending);
    let csv = folder.run(&export(&["--output", "csv"])).expect(0).stdout;
    assert!(csv.starts_with("file,line,"), "{csv}");
}

#[test]
fn state_selects_the_rows_in_those_states() {
    let folder = ledger_with_every_state();
    let keys = |more: &[&str]| columns(&folder.run(&export(more)).expect(0).stdout, &["key"]).join(" ");
    for (state, key) in
        [("created", "K0"), ("rejected", "K1"), ("failed", "K2"), ("unknown", "K3"), ("pending", "K4")]
    {
        assert_eq!(keys(&["--state", state]), key);
    }
    assert_eq!(keys(&["--state", "in_flight,rejected", "--state", "failed"]), "K1 K2 K5");
    assert_eq!(keys(&["--state", "failed,all"]), "K0 K1 K2 K3 K4 K5");
    let misspelt = folder.run(&export(&["--state", "creatd"])).expect(2);
    assert!(misspelt.stderr.contains("a similar value exists: 'created'"), "{}", misspelt.stderr);
}

#[test]
fn since_selects_the_rows_that_this_run_or_a_later_one_saw_last() {
    let (folder, sandbox) =
        imported(&format!("id,Name\nK0,a\nK1,{}\nK2,c\n", "x".repeat(1025)), &["--key", "id"]);
    let keys = |run| columns(&folder.run(&export(&["--since", run])).expect(0).stdout, &["key"]).join(" ");
    assert_eq!(keys("1"), "K0 K1 K2");
    folder.write("t.csv", "id,Name\nK0,a\nK1,b\nK2,c\nK3,d\n");
    let url = sandbox.url();
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!(keys("2"), "K1 K3");
    assert_eq!(keys("1"), "K0 K1 K2 K3");
    let later = folder.run(&export(&["--since", "3"])).expect(2);
    assert!(later.stderr.contains("the ledger t.ledger.db has no run 3: its latest is run 2"));
    let join = folder.run(&export(&["--since", "2", "--join", "t.csv"])).expect(0);
    assert_eq!(columns(&join.stdout, &["id"]), ["K1", "K3"]);
}

#[test]
fn several_ledgers_are_written_in_order_and_must_belong_to_one_import() {
    let (folder, sandbox) = imported(&numbered_csv(2), &["--key", "id"]);
    let url = sandbox.url();
    folder.write("u.csv", "id,Name\nU0,u\n");
    folder.write("k.csv", "Name\nk\n");
    let into = |ledger: &str, csv: &str, more: &[&str]| {
        let run = ["run", csv, "--sandbox", "--endpoint-url", &url, "--ledger", ledger];
        folder.run(&[&run[..], more].concat()).expect(0);
    };
    into("u.ledger.db", "u.csv", &["--key", "id"]);
    into("other.ledger.db", "u.csv", &["--key", "id", "--namespace", "second"]);
    into("keyless.ledger.db", "k.csv", &[]);
    let both = folder.run(&export(&["--ledger", "u.ledger.db"])).expect(0).stdout;
    assert_eq!(columns(&both, &["key"]), ["K0", "K1", "U0"]);
    folder.run(&export(&["--ledger", "keyless.ledger.db"])).expect(0);

    let refused = |more: &[&str], message: &str| {
        let ended = folder.run(&export(more)).expect(2);
        assert!(ended.stderr.contains(message), "{}", ended.stderr);
        assert_eq!(ended.stdout, "");
    };
    refused(
        &["--ledger", "other.ledger.db"],
        "the ledger other.ledger.db is of namespace 'second' and the ledger t.ledger.db of ''; name those of one import",
    );
    refused(&["--ledger", "missing.db"], "there is no ledger missing.db");
    refused(&["--ledger", "./t.ledger.db"], "names ./t.ledger.db twice");
    refused(&["--ledger", "u.ledger.db", "--since", "1"], "--since counts the runs of one ledger");
    refused(&["--ledger", "keyless.ledger.db", "--join", "t.csv"], "is of key '[]'");
    folder.write("v.csv", "id,Name\nU0,u\nK1,Task 1\nX,x\n");
    let joined = folder.run(&export(&["--ledger", "u.ledger.db", "--join", "v.csv"])).expect(0).stdout;
    assert_eq!(columns(&joined, &["id", "_state"]), ["U0|created", "K1|created", "X|"]);
}

#[test]
fn an_output_file_is_replaced_atomically_with_mode_0600() {
    let (folder, _sandbox) = imported(&numbered_csv(3), &["--key", "id"]);
    folder.write("out.csv", "");
    // The unclosed quote is the last record, so rows are written before it is read.
    let rows: String = (0..5000).map(|row| format!("K{row},x\n")).collect();
    folder.write("broken.csv", format!("id,Name\n{rows}\"K2,x\n"));
    let broken = folder.run(&export(&["--join", "broken.csv", "--to", "out.csv"])).expect(2);
    assert!(broken.stderr.contains("broken.csv, line 5002"), "{}", broken.stderr);
    assert_eq!(folder.read("out.csv"), "");

    let ended = folder.run(&export(&["--to", "out.csv"])).expect(0);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.starts_with("3 rows written to "), "{}", ended.stderr);
    assert_eq!(folder.read("out.csv"), folder.run(&export(&["--to", "-"])).expect(0).stdout);
    assert_eq!(folder.permissions("out.csv"), 0o600);
    // The target of a symbolic link is replaced, not the link.
    std::os::unix::fs::symlink("out.csv", folder.path("link.csv")).unwrap();
    folder.run(&export(&["--to", "link.csv", "--state", "failed"])).expect(0);
    assert_eq!(folder.read("out.csv").lines().count(), 1);
    assert!(folder.path("link.csv").is_symlink());
    let names: Vec<_> =
        std::fs::read_dir(folder.path(".")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("-part")), "{names:?}");

    let missing_folder = folder.run(&export(&["--to", "no/such/out.csv"])).expect(74);
    assert!(missing_folder.stderr.contains("no/such/out.csv: No such file"), "{}", missing_folder.stderr);
}

#[test]
fn join_finds_rows_by_key_alone() {
    let (folder, sandbox) =
        imported(&format!("id,Name\nK0,a\nK1,b\nK2,{}\nK3,d\n", "x".repeat(1025)), &["--key", "id"]);
    let contacts = columns(&folder.run(&export(&[])).expect(0).stdout, &["contact_id"]);
    let arns = columns(&folder.run(&export(&[])).expect(0).stdout, &["contact_arn"]);
    assert_eq!(sandbox.stat("contacts"), 3);
    // Other order, cells and columns, a repeated key, a new key and a ragged row, in the form that Excel writes.
    let csv = "\u{feff}Labels;id ;Labels;Notiz\r\n\
        x;K3;y;\"two\r\nlines; and \"\"quotes\"\"\"\r\n\
        ;K0;;ä\r\n;NEW;;\r\n;K2;;\r\n;K0;;again\r\n;K1;too;many;cells\r\n";
    folder.write("u.csv", csv);
    let ended = folder.run(&export(&["--join", "u.csv"])).expect(0);
    let expected: Vec<Vec<String>> = [
        ["Labels", "id ", "Labels", "Notiz", "_state", "_contact_id", "_contact_arn", "_code", "_message"],
        ["x", "K3", "y", "two\r\nlines; and \"quotes\"", "created", &contacts[3], &arns[3], "", ""],
        ["", "K0", "", "ä", "created", &contacts[0], &arns[0], "", ""],
        ["", "NEW", "", "", "", "", "", "", ""],
        ["", "K2", "", "", "rejected", "", "", "Validation", "(the limit)"],
        ["", "K0", "", "again", "created", &contacts[0], &arns[0], "", ""],
        ["", "K1", "too", "many,cells", "", "", "", "", ""],
    ]
    .map(|row| row.map(str::to_owned).to_vec())
    .to_vec();
    let found = cells(&ended.stdout);
    assert_eq!(found[..4], expected[..4]);
    assert_eq!(found[4][..8], expected[4][..8]);
    assert_eq!(found[5..], expected[5..]);

    let only = folder.run(&export(&["--join", "u.csv", "--state", "rejected"])).expect(0);
    assert_eq!(columns(&only.stdout, &["id "]), ["K2"]);
    let lines = objects(&folder.run(&export(&["--join", "u.csv", "--output", "json"])).expect(0).stdout);
    assert_eq!(
        lines[0],
        json!({
            "row": {"Labels (1)": "x", "id": "K3", "Labels (2)": "y", "Notiz": "two\r\nlines; and \"quotes\""},
            "_state": "created", "_contact_id": contacts[3], "_contact_arn": arns[3],
            "_code": null, "_message": null,
        })
    );
    assert_eq!((&lines[2]["_state"], lines.len()), (&Value::Null, 6));
}

#[test]
fn join_reads_a_csv_as_a_run_does() {
    let (folder, _sandbox) = imported("id,Name\nK0,M\u{fc}ller\n", &["--key", "id"]);
    let latin = encoding_rs::WINDOWS_1252.encode("id|Name\nK0|'Müller|x'\n").0.into_owned();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&latin).unwrap();
    folder.write("u.csv.gz", gzip.finish().unwrap());
    folder.write("job.toml", "[source]\nquote = \"'\"\nencoding = \"windows-1252\"\n");
    let job = ["--join", "u.csv.gz", "--job", "job.toml", "--delimiter", "pipe"];
    let joined = folder.run(&export(&job)).expect(0).stdout;
    assert_eq!(columns(&joined, &["id", "Name", "_state"]), ["K0|Müller|x|created"]);
    let without = folder.run(&export(&["--join", "u.csv.gz"])).expect(2);
    assert!(without.stderr.contains("--encoding"), "{}", without.stderr);

    // The columns that a rejects file adds are not read, and are replaced by those of the ledger.
    folder.write("r.csv", "id,Name,_file,_line,_key,_state,_code,_message,_row\nK0,x,f,7,K0,rejected,C,m,\n");
    let joined = folder.run(&export(&["--join", "r.csv"])).expect(0).stdout;
    assert_eq!(cells(&joined)[0].len(), 7);
    assert_eq!(columns(&joined, &["id", "_state", "_code"]), ["K0|created|"]);

    folder.write("wrong.csv", "Id,Name\nK0,x\n");
    let wrong = folder.run(&export(&["--join", "wrong.csv"])).expect(2);
    assert!(
        wrong.stderr.contains("wrong.csv has no key column 'id'; did you mean 'Id'?"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn a_closed_standard_output_is_not_an_error() {
    let (folder, _sandbox) = imported(&numbered_csv(2000), &["--key", "id"]);
    for more in [&[][..], &["--output", "json"], &["--join", "t.csv"]] {
        let ended = folder.run_with_closed_stdout(&export(more)).expect(0);
        assert_eq!(ended.stderr, "");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_exits_with_74() {
    let (folder, _sandbox) = imported(&numbered_csv(3), &["--key", "id"]);
    let mut command = folder.command(&export(&[]));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = Ended::from(command.stdout(full).output().unwrap()).expect(74);
    assert!(ended.stderr.contains("cannot write to standard output: No space left"), "{}", ended.stderr);
}

#[test]
fn an_export_during_a_run_has_the_current_states_and_does_not_disturb_the_run() {
    let folder = Folder::new();
    let gate = Gate::default();
    let closed = gate.clone();
    let endpoint = Endpoint::start(move |_, body| {
        if body["Name"] == "Task 2" {
            closed.pass();
        }
        Reply::Created
    });
    folder.write("t.csv", numbered_csv(4));
    let url = endpoint.url();
    let running = folder.start(&import(&url, &["--concurrency", "1"]));
    let states = || {
        let ended = folder.run(&export(&[]));
        if ended.code == Some(0) { columns(&ended.stdout, &["state"]).join(" ") } else { String::new() }
    };
    until("the third row is in flight", || states() == "created created in_flight pending");
    let joined = folder.run(&export(&["--join", "t.csv", "--state", "created"])).expect(0).stdout;
    assert_eq!(columns(&joined, &["id"]), ["K0", "K1"]);
    gate.open();
    running.end().expect(0);
    assert_eq!(states(), "created created created created");
}
