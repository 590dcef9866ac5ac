//! `[source] where` selects the rows to import.

use crate::support::*;

const ROWS: &str = "id,Name,status\n1,a,Closed\n2,b,Open\n1,c,Open\n3,d,Closed\n4,ragged\n";

const JOB: &str = "[source]\nfiles = [\"t.csv\"]\nkey = [\"id\"]\nwhere = \"status == 'Closed'\"\n\
                   [request]\nName = \"{{ name }}\"\n";

fn folder(rows: &str) -> Folder {
    let folder = Folder::new();
    folder.write("t.csv", rows);
    folder.write("t.toml", JOB);
    folder
}

fn names(endpoint: &Endpoint) -> Vec<String> {
    let requests = endpoint.requests();
    let mut names: Vec<_> =
        requests.iter().map(|request| request["Name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn check_and_run_pass_over_the_rows_for_which_it_is_false() {
    let folder = folder(ROWS);
    let check = ["check", "--job", "t.toml", "--sandbox"];
    let checked = folder.run(&check).expect(1).stdout;
    // The second row of key 1 is passed over, so it is no duplicate; a ragged row is a fault.
    assert!(checked.contains("2  pass over: where is false for them"), "{checked}");
    assert!(checked.contains("RaggedRow") && !checked.contains("DuplicateKey"), "{checked}");
    let counts =
        &messages(&folder.run(&[&check[..], &["--output", "json"]].concat()).expect(1).stdout)["check"];
    assert_eq!(
        (&counts["rows_read"], &counts["passed_over"], &counts["to_send"], &counts["faulty"]),
        (&5.into(), &2.into(), &2.into(), &1.into())
    );

    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let run = [&["run", "--job", "t.toml", "--output", "json"][..], &into(&url)].concat();
    let summary = &messages(&folder.run(&run).expect(1).stdout)["summary"];
    assert_eq!(
        (&summary["rows_read"], &summary["passed_over"], &summary["created"], &summary["rejected"]),
        (&5.into(), &2.into(), &2.into(), &1.into())
    );
    assert_eq!(names(&endpoint), ["a", "d"]);
    assert_eq!(folder.query("t.ledger.db", "SELECT rows, passed_over FROM source_scans"), "5|2");

    let status = folder.run(&["status", "--ledger", "t.ledger.db"]).expect(0).stdout;
    assert!(status.contains("2 created, 2 passed over"), "{status}");
    let report = ["report", "--ledger", "t.ledger.db", "--to", "-"];
    let page = folder.run(&report).expect(0).stdout;
    assert!(page.contains("2 rows passed over: where is false for them.") && page.contains("✓"), "{page}");
}

#[test]
fn the_flag_precedes_the_job_file_and_nothing_selected_is_nothing_to_send() {
    let folder = folder("id,Name,status\n1,a,Closed\n2,b,Open\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let run = |condition| {
        let flag = ["run", "--job", "t.toml", "--where", condition];
        folder.run(&[&flag[..], &into(&url)].concat())
    };
    let none = run("status == 'Spam'").expect(0).stdout;
    let nothing = "Nothing to send: where is true for none of the 2 rows read.";
    assert!(none.contains(nothing), "{none}");
    let check = ["check", "--job", "t.toml", "--sandbox", "--where", "status == 'Spam'"];
    let checked = folder.run(&check).expect(0).stdout;
    assert!(checked.ends_with(&format!("\n{nothing}\n")), "{checked}");
    run("status == 'Open'").expect(0);
    assert_eq!(names(&endpoint), ["b"]);
}

#[test]
fn a_pending_row_that_is_passed_over_now_is_withdrawn() {
    let folder = folder("id,Name,status\n1,a,Closed\n2,b,Closed\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    let run = |more: &[&str]| folder.run(&[&["run", "--job", "t.toml"][..], &into(&url), more].concat());
    run(&["--limit", "0"]).expect(10);
    run(&["--where", "id == '2'"]).expect(0);
    assert_eq!(names(&endpoint), ["b"]);
    assert_eq!(folder.states("t.ledger.db"), "created 1, withdrawn 1");
}

#[test]
fn a_row_that_is_neither_true_nor_false_is_rejected_and_a_wrong_expression_stops_everything() {
    let folder = folder("id,Name,status\n1,a,true\n2,b,maybe\n3,c,False\n");
    let check =
        |condition: &str| folder.run(&["check", "--job", "t.toml", "--sandbox", "--where", condition]);
    let faults = check("status").expect(1).stdout;
    assert!(
        faults.contains("line 3") && faults.contains("neither true nor false for [source] where"),
        "{faults}"
    );
    for (condition, expected) in [
        (
            "statsu == 'x'",
            "[source] where: the CSV has no column with the identifier 'statsu'; did you mean 'status'?",
        ),
        ("status = 'x'", "compare with =="),
        ("id > 1", "compares a cell, which is text, with the number 1; write '1'"),
    ] {
        let refused = check(condition).expect(2).stderr;
        assert!(refused.contains(expected) && refused.contains("t.csv"), "{refused}");
    }
    let doctor = folder.run(&["doctor", "--job", "t.toml", "--sandbox"]);
    assert!(!doctor.stdout.contains("[source] where"), "{}", doctor.stdout);
}
