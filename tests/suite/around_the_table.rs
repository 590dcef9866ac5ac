//! Lines around the rows: titles, missing and repeated headers, dashes, counts, totals, and files that are cut off.

use std::io::Write as _;

use crate::support::*;

/// A job without a key.
const JOB: &str = "[request]\nName = \"{{ row['Subject'] }}\"\nAttributes = \"*\"\n";

const PREAMBLE: &str = "Ticket report\nGenerated 2024-03-05 09:15 by Alice\n\nTicket ID,Subject,Created\n\
                        T-1,Printer on fire,2024-03-05\nT-2,\"VPN, slow\",2024-03-06\nT-3,Mail,2024-03-07\n";

const TYPE_LINE: &str = "#TYPE System.Management.Automation.PSCustomObject\r\n\
                         \"TicketId\",\"Subject\",\"Created\",\"Owner\"\r\n\
                         \"1001\",\"Printer on fire\",\"3/5/2024 9:15:00 AM\",\"alice\"\r\n\
                         \"1002\",\"VPN, slow\",\"3/15/2024 9:15:00 AM\",\r\n";

const SQLCMD: &str = "ticket_id,Subject,created\n---------,-------,-------\n1,Printer,2024-03-05 09:15:00.000\n\
                      2,VPN,2024-03-06 09:15:00.000\n3,Mail,2024-03-07 09:15:00.000\n\n(3 rows affected)\n";

const NO_HEADER: &str = "1,HD-0001,Printer on fire,high,2024-03-05 09:15:00+00,2024-03-06 10:00:00+00,1234.50\n\
                         2,HD-0002,\"He said \"\"hi\"\"\",low,2024-03-05 23:59:59+00,,0.10\n\
                         3,HD-0003,\"Comma, semicolon; pipe| done\",,2024-12-31 00:00:00+00,,\n";

fn folder(csv: impl AsRef<[u8]>) -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", csv);
    folder.write("job.toml", JOB);
    folder
}

/// What `check` and `run` say of `t.csv`, each with the exit code.
fn refusals(folder: &Folder, code: i32) -> [String; 2] {
    let check = folder.run(&["check", "t.csv", "--job", "job.toml"]).expect(code);
    let run =
        folder.run(&["run", "t.csv", "--job", "job.toml", "--sandbox", "--progress", "none"]).expect(code);
    [check, run].map(|ended| ended.stdout + &ended.stderr)
}

/// Imports `t.csv` and returns the names that were sent, sorted.
fn imported(folder: &Folder, code: i32, more: &[&str]) -> Vec<String> {
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let arguments = [&["run", "t.csv", "--job", "job.toml"][..], &into(&url), more].concat();
    folder.run(&arguments).expect(code);
    let mut names: Vec<String> =
        endpoint.requests().iter().map(|body| body["Name"].as_str().unwrap_or_default().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_title_above_the_header_is_named_with_the_lines_to_skip() {
    for (csv, skip, names) in [
        (PREAMBLE, "3", &["Mail", "Printer on fire", "VPN, slow"][..]),
        (TYPE_LINE, "1", &["Printer on fire", "VPN, slow"]),
    ] {
        let folder = folder(csv);
        for said in refusals(&folder, 2) {
            assert!(said.contains(&format!("set skip_lines = {skip} under [source]")), "{said}");
            assert!(said.contains("t.csv, line 1: "), "{said}");
        }
        folder.run(&["init", "t.csv"]).expect(0);
        let job = folder.read("t.toml");
        assert!(job.contains(&format!("skip_lines = {skip}\n")), "{job}");
        folder.run(&["check", "--job", "t.toml"]).expect(0);
        assert_eq!(imported(&folder, 0, &["--skip-lines", skip]), names);
    }
}

#[test]
fn lines_are_skipped_in_compressed_files_and_standard_input() {
    let folder = folder("");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(format!("\u{feff}{PREAMBLE}").as_bytes()).unwrap();
    folder.write("t.csv", gzip.finish().unwrap());
    folder.write("job.toml", format!("[source]\nskip_lines = 3\n{JOB}"));
    assert_eq!(imported(&folder, 0, &[]).len(), 3);
    let check = ["check", "-", "--job", "job.toml", "--output", "json"];
    let mut command = folder.command(&check);
    let mut child =
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{PREAMBLE}T-4\n").as_bytes()).unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap()).expect(1);
    // The lines are the file's own.
    let summary = &messages(&ended.stdout)["check"];
    assert_eq!(
        (&summary["faults"][0]["examples"][0]["line"], &summary["rows_read"]),
        (&8.into(), &4.into()),
        "{summary}"
    );
}

#[test]
fn more_lines_than_the_file_has_are_an_error_with_their_number() {
    let folder = folder(PREAMBLE);
    for (skip, code) in [("8", 2), ("7", 2), ("100", 2)] {
        let ended = folder.run(&["check", "t.csv", "--job", "job.toml", "--skip-lines", skip]).expect(code);
        assert!(ended.stderr.contains("t.csv has 7 lines, so nothing is left"), "{}", ended.stderr);
    }
}

#[test]
fn a_file_without_a_header_is_refused_until_its_columns_are_named() {
    let folder = folder(NO_HEADER);
    let init = folder.run(&["init", "t.csv"]).expect(2);
    assert_eq!(init.stdout, "");
    for said in refusals(&folder, 2).into_iter().chain([init.stderr]) {
        assert!(said.contains("t.csv has no header: line 1 looks like a row"), "{said}");
        assert!(said.contains("column 5 is a date"), "{said}");
        assert!(said.contains(r#"columns = ["column 1", "column 2", "column 3", "#), "{said}");
    }
    let columns = "--columns=id,number,Subject,priority,created,closed,amount";
    folder.run(&["init", "t.csv", columns]).expect(0);
    let job = folder.read("t.toml");
    assert!(
        job.contains(r#"columns = ["id", "number", "Subject", "priority", "created", "closed", "amount"]"#),
        "{job}"
    );
    let ended = folder.run(&["check", "--job", "t.toml", "--output", "json"]).expect(0);
    assert_eq!(messages(&ended.stdout)["check"]["rows_read"], 3);
    let names = ["Comma, semicolon; pipe| done", "He said \"hi\"", "Printer on fire"];
    assert_eq!(imported(&folder, 0, &[columns]), names);
}

#[test]
fn a_header_that_looks_like_a_row_can_be_named() {
    let folder = folder("1,Subject\n2,Printer\n3,VPN\n");
    assert!(refusals(&folder, 2)[0].contains("set skip_lines = 1 as well"));
    assert_eq!(imported(&folder, 0, &["--columns", "1,Subject", "--skip-lines", "1"]), ["Printer", "VPN"]);
    // The header itself is no row of the named columns.
    let ended = folder.run(&["check", "t.csv", "--job", "job.toml", "--columns", "1,Subject"]).expect(1);
    assert!(ended.stdout.contains("HeaderRow"), "{}", ended.stdout);
}

#[test]
fn names_of_columns_are_neither_empty_nor_repeated_and_a_row_of_another_width_is_ragged() {
    let folder = folder("1,Printer\n2,VPN,x\n3,Mail\n");
    let check = |columns: &str, code| {
        folder.run(&["check", "t.csv", "--job", "job.toml", "--columns", columns]).expect(code)
    };
    assert!(check("id,Subject,id", 2).stderr.contains("--columns names columns 1 and 3 'id'"));
    folder.write("named.toml", format!("[source]\ncolumns = [\"id\", \" \"]\n{JOB}"));
    let ended = folder.run(&["check", "t.csv", "--job", "named.toml"]).expect(2);
    assert!(ended.stderr.contains("[source] columns has no name for column 2"), "{}", ended.stderr);
    assert!(check("id,Subject", 1).stdout.contains("RaggedRow"));
    assert_eq!(imported(&folder, 1, &["--columns", "id,Subject"]), ["Mail", "Printer"]);
}

#[test]
fn a_rejects_file_ignores_both_keys() {
    let folder = folder(format!("title\n1,{}\n2,fine\n", "x".repeat(1025)));
    folder.write("job.toml", format!("[source]\nskip_lines = 1\ncolumns = [\"id\", \"Subject\"]\n{JOB}"));
    assert_eq!(imported(&folder, 1, &[]), ["fine"]);
    let rejects = folder.read("t.ledger.db.rejects.csv").replace(&"x".repeat(1025), "corrected");
    folder.write("t.ledger.db.rejects.csv", rejects);
    // Not the contact that the first endpoint gave.
    let endpoint = Endpoint::start(|_, _| Reply::Body("{\"ContactId\": \"another\"}"));
    let url = endpoint.url();
    folder
        .run(&[&["run", "t.ledger.db.rejects.csv", "--job", "job.toml"][..], &into(&url)].concat())
        .expect(0);
    assert_eq!(endpoint.requests()[0]["Name"], "corrected");
    // A join reads the CSV as the run did.
    let joined = folder
        .run(&["export", "--join", "t.csv", "--job", "job.toml", "--ledger", "t.ledger.db"])
        .expect(0)
        .stdout;
    assert!(joined.starts_with("id,Subject,_state") && joined.contains("\n2,fine,created,"), "{joined}");
}

#[test]
fn records_that_are_no_rows_are_faults_with_codes_of_their_own() {
    for (csv, codes, names) in [
        (SQLCMD.to_owned(), &["CountRow", "RuleRow"][..], &["Mail", "Printer", "VPN"][..]),
        (
            format!("{0}\u{feff}{0}", "id,Subject,x\n1,Printer,\n"),
            &["DuplicateKey", "HeaderRow"],
            &["Printer"],
        ),
        ("id\tSubject\tx\n1\tPrinter\ty\n\\.\n".to_owned(), &["CountRow"], &["Printer"]),
        ("id|Subject\n--|-------\n1|Printer\n(1 row)\n".to_owned(), &["CountRow", "RuleRow"], &["Printer"]),
        ("id,Subject\n1,Printer\n1 rows in set (0.00 sec)\n".to_owned(), &["CountRow"], &["Printer"]),
        ("id,Subject,n\n1,Printer,2\nTotal,2\n".to_owned(), &["CountRow"], &["Printer"]),
    ] {
        let folder = folder(&csv);
        let key = csv.split([',', '\t', '|']).next().unwrap();
        let ended =
            folder.run(&["check", "t.csv", "--job", "job.toml", "--key", key, "--output", "json"]).expect(1);
        let faults = messages(&ended.stdout)["check"]["faults"].as_array().unwrap().clone();
        let mut found: Vec<&str> = faults.iter().map(|fault| fault["code"].as_str().unwrap()).collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, codes, "{csv}");
        assert_eq!(imported(&folder, 1, &["--key", key]), names, "{csv}");
    }
}

#[test]
fn totals_and_footers_are_warned_of_and_imported() {
    let folder = folder("id,Subject,n\n1,Printer,2\n2,VPN,5\nTotal,,7\nReport by Alice,,\n");
    let ended = folder.run(&["check", "t.csv", "--job", "job.toml"]).expect(0);
    assert!(ended.stdout.contains("TotalRow") && ended.stdout.contains("TitleRow"), "{}", ended.stdout);
    folder.run(&["check", "t.csv", "--job", "job.toml", "--strict"]).expect(1);
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let run = folder.run(&[&["run", "t.csv", "--job", "job.toml"][..], &into(&url)].concat()).expect(0);
    assert!(run.stderr.contains("TotalRow") && run.stderr.contains("TitleRow"), "{}", run.stderr);
    assert_eq!(endpoint.requests().len(), 4);
}

#[test]
fn a_file_that_ends_within_a_row_is_told() {
    let whole = "id,Subject,Created\n1,Printer,2024-03-05\n2,VPN,2024-03-06\n3,Mail,2024-03-07\n";
    let check = |csv: &str, code: i32, more: &[&str]| {
        let folder = folder(csv);
        let plain = folder.run(&[&["check", "t.csv", "--job", "job.toml"][..], more].concat()).expect(code);
        folder.write("t.csv", zstd::encode_all(csv.as_bytes(), 1).unwrap());
        let packed = folder.run(&[&["check", "t.csv", "--job", "job.toml"][..], more].concat()).expect(code);
        assert_eq!(plain.stdout.replace(", zstd", ""), packed.stdout.replace(", zstd", ""));
        plain.stdout + &plain.stderr
    };
    for cut in [1, 11] {
        let said = check(&whole[..whole.len() - cut], 0, &[]);
        assert_eq!(said.contains("TruncatedFile"), cut > 1, "{said}");
    }
    let short = &whole[..whole.len() - 12];
    let said = check(short, 1, &[]);
    assert!(said.contains("the file ends within this row: it may be cut off"), "{said}");
    assert!(check(short, 0, &["--short-rows", "pad"]).contains("TruncatedFile"));
    let said = check("id,Subject\n1,Printer\n2,\"VPN", 2, &[]);
    assert!(
        said.contains("t.csv, line 3: the record that starts here has a quote that is never closed"),
        "{said}"
    );
}
