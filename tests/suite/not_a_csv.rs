//! Files and addresses in a CSV's place: each is named for what it is, with a command that makes a CSV of it.

use std::io::Write as _;
use std::process::Command;

use crate::support::*;

/// What `init`, `check` and `run` say of a file, which they refuse with exit code 2 before anything else happens.
#[track_caller]
fn refusal(folder: &Folder, file: &str) -> String {
    let init = folder.run(&["init", file]).expect(2).stderr;
    for command in [&["check", file][..], &["run", file, "--sandbox", "--progress", "none"]] {
        let said = folder.run(command).expect(2).stderr;
        assert_eq!(said, init, "{command:?}");
    }
    let names: Vec<_> =
        std::fs::read_dir(folder.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".toml")), "{names:?}");
    init
}

/// The command on a line of its own.
#[track_caller]
fn command<'a>(said: &'a str, start: &str) -> &'a str {
    let found = said.lines().map(str::trim).find(|line| line.starts_with(start));
    assert!(found.is_some(), "no {start} in {said}");
    found.unwrap()
}

/// Runs a printed command in the folder; false if its program is missing outside of the gate.
#[track_caller]
fn paste(folder: &Folder, command: &str) -> bool {
    let program = command.split(' ').next().unwrap();
    let found = Command::new("bash").args(["-c", &format!("command -v {program}")]).output().unwrap();
    if !found.status.success() {
        return false;
    }
    let mut shell = Command::new("bash");
    let ended = Ended::from(shell.args(["-c", command]).current_dir(folder.path("")).output().unwrap());
    assert_eq!(ended.code, Some(0), "{command}: {}", ended.stderr);
    true
}

#[test]
fn json_is_named_and_the_printed_command_makes_a_csv_of_it() {
    let rows = "[{\"id\": 1, \"Name\": \"a, b\", \"tags\": [\"x\"]},\n {\"id\": 2, \"Name\": \"c\", \"owner\": null}]";
    let lines =
        "{\"id\": 1, \"Name\": \"a, b\", \"tags\": [\"x\"]}\n{\"id\": 2, \"Name\": \"c\", \"owner\": null}\n";
    for (text, name) in [
        (rows.to_owned(), "JSON"),
        (format!("{{\"count\": 2, \"it's\": {rows}}}"), "JSON"),
        (lines.to_owned(), "JSON Lines"),
    ] {
        let folder = Folder::new();
        folder.write("my tickets.json", &text);
        let said = refusal(&folder, "my tickets.json");
        assert!(said.starts_with(&format!("error: my tickets.json is {name}, not a CSV; ")), "{said}");
        assert!(said.contains("| connect-import run - --ledger 'my tickets.ledger.db'"), "{said}");
        if paste(&folder, command(&said, "jq ")) {
            let csv = "\"Name\",\"id\",\"owner\",\"tags\"\n\"a, b\",1,,\"[\"\"x\"\"]\"\n\"c\",2,,\n";
            assert_eq!(folder.read("my tickets.csv"), csv);
        }
    }
}

#[test]
fn a_csv_whose_header_begins_like_json_is_read() {
    for header in ["[id],Name", "{id},Name", "\"{\"\"id\"\": 1}\",Name", "[],Name"] {
        let folder = Folder::new();
        folder.write("t.csv", format!("{header}\n1,a\n2,b\n"));
        folder.write("job.toml", "[request]\nName = \"{{ row['Name'] }}\"\n");
        folder.run(&["check", "t.csv", "--job", "job.toml"]).expect(0);
    }
}

#[test]
fn archives_are_named_with_a_command_that_unpacks_them() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\n1,a\n");
    for (make, file, name) in [
        ("zip -q 'x y.zip' t.csv", "x y.zip", "a ZIP archive"),
        ("bzip2 -k t.csv", "t.csv.bz2", "compressed with bzip2"),
        ("xz -k t.csv", "t.csv.xz", "compressed with xz"),
        ("tar -czf t.tar.gz t.csv", "t.tar.gz", "a tar archive"),
        (
            "gzip -k t.csv && gzip -c t.csv.gz >twice.csv.gz",
            "twice.csv.gz",
            "compressed with gzip (inside gzip)",
        ),
    ] {
        if !paste(&folder, make) {
            continue;
        }
        let said = refusal(&folder, file);
        assert!(said.starts_with(&format!("error: {file} is {name}, not a CSV; ")), "{said}");
        let unpack = said.lines().nth(1).unwrap().trim();
        if paste(&folder, unpack) {
            let out = unpack.rsplit('>').next().unwrap().trim_matches('\'');
            folder.run(&["check", out, "--operation", "CreateContact", "--key", "id"]).expect(0);
        }
    }
}

#[test]
fn workbooks_pages_and_tables_of_programs_are_named() {
    let folder = Folder::new();
    let sheet = "<?xml version=\"1.0\"?><Workbook xmlns=\"urn:schemas-microsoft-com:office:spreadsheet\"/>";
    let entry = |name: &str| {
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        [b"PK\x03\x04".as_slice(), &[0; 22], &length, &[0; 2], name.as_bytes()].concat()
    };
    let utf16: Vec<u8> = "\u{feff}<html><table>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (file, bytes, name, remedy) in [
        ("t.xlsx", entry("xl/workbook.xml"), "an Excel workbook", "soffice --headless --convert-to 'csv:"),
        (
            "t.xls",
            b"\xD0\xCF\x11\xE0rest".to_vec(),
            "an Excel 97-2003 workbook",
            "(StarCalc):44,34,76,1,,0,true,false,false' t.xls",
        ),
        ("u.xls", b"<html><TABLE><tr>".to_vec(), "an HTML page", "--infilter='HTML (StarCalc)'"),
        ("v.xls", utf16, "an HTML page", "soffice"),
        ("w.xls", sheet.as_bytes().to_vec(), "an Excel 2003 XML workbook", "soffice"),
        (
            "login.csv",
            b"<!DOCTYPE html><form>".to_vec(),
            "an HTML page without a table",
            "download the CSV again",
        ),
        ("it's.parquet", b"PAR1\x15\x04".to_vec(), "a Parquet file", "duckdb -c "),
        ("t.pdf", b"%PDF-1.7\n".to_vec(), "a PDF", "export the table as CSV"),
        ("t.txt", b"+----+------+\n| id | Name |\n".to_vec(), "a table drawn for people", "mysql --batch"),
        ("t.db", b"SQLite format 3\0rest".to_vec(), "an SQLite database", "sqlite3 -csv -header t.db"),
    ] {
        folder.write(file, bytes);
        let said = refusal(&folder, file);
        assert!(said.starts_with(&format!("error: {file} is {name}")) && said.contains(remedy), "{said}");
    }
}

#[test]
fn a_job_file_or_a_ledger_in_a_csvs_place_is_named() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\n1,a\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    folder.run(&import(&endpoint.url(), &[])).expect(0);
    let said = refusal(&folder, "t.ledger.db");
    assert!(
        said.contains("is a ledger of connect-import") && said.contains("status --ledger t.ledger.db"),
        "{said}"
    );
    folder.write("job.ini", "# A job.\n\n[request]\nName = \"x\"\n");
    let said = refusal(&folder, "job.ini");
    assert!(
        said.contains("job.ini is a job file") && said.contains("connect-import check --job job.ini"),
        "{said}"
    );
    folder.write("skeleton.json", "{\"InstanceId\": \"\", \"Name\": \"{{ Name }}\"}");
    assert!(refusal(&folder, "skeleton.json").contains("is a request in JSON"));
}

#[test]
fn an_address_is_named_with_the_commands_that_read_it() {
    let folder = Folder::new();
    for (address, copy) in [
        ("s3://bucket/a/tickets.csv", "aws s3 cp s3://bucket/a/tickets.csv tickets.csv"),
        ("s3://bucket/a/t-*.csv", "aws s3 cp --recursive s3://bucket/a/ . --exclude '*' --include 't-*.csv'"),
        ("https://example.org/t.csv?x=1", "curl -fsSL -o t.csv 'https://example.org/t.csv?x=1'"),
    ] {
        let said = refusal(&folder, address);
        assert!(said.starts_with(&format!("error: {address} is an address, not a file; ")), "{said}");
        command(&said, copy);
    }
}

#[test]
fn other_formats_are_named_on_standard_input_too() {
    let folder = Folder::new();
    let mut child = folder.command(&["check", "-"]);
    let mut child =
        child.stdin(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"[{\"id\": 1}]").unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap()).expect(2);
    assert!(ended.stderr.contains("standard input is JSON, not a CSV"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains(" FILE | connect-import run - --ledger FILE.ledger.db"),
        "{}",
        ended.stderr
    );
}
