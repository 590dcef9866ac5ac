//! `--spreadsheet` marks cells that a spreadsheet would run as a formula; without it cells are exact.

use crate::export::{cells, columns, export};
use crate::support::*;

const CSV: &str = "id,=Name,note\n=1+1,Task 0,\"@SUM(1;=2)\"\n+49,Task 1,-5\nK2,Task 2,plain\n";

/// A folder with a ledger of `CSV`, whose first row is rejected with a message that is a formula.
fn imported() -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", CSV);
    folder.write("job.toml", "[source]\nkey = [\"id\"]\n[request]\nName = \"{{ row['=Name'] }}\"\n");
    let endpoint = Endpoint::start(|_, body| match body["Name"].as_str() {
        Some("Task 0") => Reply::Quoted(400, "InvalidParameterException", "=cmd()".into()),
        _ => Reply::Created,
    });
    let url = endpoint.url();
    folder.run(&[&["run", "t.csv", "--job", "job.toml"], &into(&url)[..]].concat()).expect(1);
    folder
}

#[test]
fn every_text_of_an_export_is_marked() {
    let folder = imported();
    let exact = folder.run(&export(&[])).expect(0).stdout;
    assert_eq!(columns(&exact, &["key", "message"]), ["=1+1|=cmd()", "+49|", "K2|"]);
    let marked = folder.run(&export(&["--spreadsheet"])).expect(0).stdout;
    assert_eq!(columns(&marked, &["key", "message"]), ["'=1+1|'=cmd()", "'+49|", "K2|"]);
    let same = ["line", "state", "contact_id", "first_sent"];
    assert_eq!(columns(&marked, &same), columns(&exact, &same));
    let by_variable =
        folder.command(&export(&[])).env("CONNECT_IMPORT_SPREADSHEET", "true").output().unwrap();
    assert_eq!(Ended::from(by_variable).stdout, marked);
    assert_eq!(folder.run(&export(&["--spreadsheet", "--output", "csv"])).stdout, marked);
}

#[test]
fn a_join_looks_rows_up_by_their_exact_cells_and_marks_what_it_writes() {
    let folder = imported();
    let join = ["--join", "t.csv"];
    let exact = cells(&folder.run(&export(&join)).expect(0).stdout);
    let marked = cells(&folder.run(&export(&[&join[..], &["--spreadsheet"]].concat())).expect(0).stdout);
    assert_eq!(marked[0][..4], ["id", "'=Name", "note", "_state"]);
    assert_eq!(marked[1][..4], ["'=1+1", "Task 0", "'@SUM(1;'=2)", "rejected"]);
    assert_eq!(marked[2][..4], ["'+49", "Task 1", "-5", "created"]);
    assert_eq!(marked[3], exact[3]);
    assert_eq!(exact[1][..4], ["=1+1", "Task 0", "@SUM(1;=2)", "rejected"]);
    let to = [&join[..], &["--spreadsheet", "--to", "out.csv"]].concat();
    for _ in 0..2 {
        folder.run(&export(&to)).expect(0);
    }
    assert_eq!(cells(&folder.read("out.csv")), marked);
}

#[test]
fn rejects_are_exact_since_they_are_imported_again() {
    let folder = imported();
    let rejects = cells(&folder.read("t.ledger.db.rejects.csv"));
    assert_eq!(rejects[0][..3], ["id", "=Name", "note"]);
    assert_eq!(rejects[1][..3], ["=1+1", "Task 0", "@SUM(1;=2)"]);
    assert_eq!(rejects[1].iter().rev().nth(1).unwrap(), "=cmd()");
}

#[test]
fn check_marks_the_keys_of_its_faults() {
    let folder = imported();
    folder.write("job.toml", "[source]\nkey = [\"id\"]\n[request]\nName = \"{{ x | required }}\"\n");
    folder.write("u.csv", "id,x\n=1+1,\n+49,\n");
    let check = ["check", "u.csv", "--job", "job.toml", "--output", "csv"];
    let exact = folder.run(&check).expect(1).stdout;
    assert_eq!(columns(&exact, &["key"]), ["=1+1", "+49"]);
    let marked = folder.run(&[&check[..], &["--spreadsheet"]].concat()).expect(1).stdout;
    assert_eq!(columns(&marked, &["key"]), ["'=1+1", "'+49"]);
    assert_eq!(columns(&marked, &["line", "code", "rule"]), columns(&exact, &["line", "code", "rule"]));
}

#[test]
fn other_formats_have_no_cells_to_mark() {
    let folder = imported();
    let ended = folder.run(&export(&["--spreadsheet", "--output", "json"])).expect(2);
    assert!(ended.stderr.contains("--spreadsheet marks cells of a CSV"), "{}", ended.stderr);
    for output in ["text", "json"] {
        let ended = folder
            .run(&["check", "t.csv", "--job", "job.toml", "--spreadsheet", "--output", output])
            .expect(2);
        assert!(ended.stderr.contains("add --output csv"), "{}", ended.stderr);
    }
}
