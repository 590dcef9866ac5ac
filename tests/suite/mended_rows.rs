//! Rows that are mended, in the rejects file or in the CSV: `run`, `status`, `export` and `report` agree about all rows of the
//! input, in every later run too.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::html_report::accounts;
use crate::mending::*;
use crate::support::*;

#[test]
fn rows_mended_in_the_rejects_file_settle_the_rows_that_they_came_from() {
    for key in KEYS {
        let imported = FaultyImport::of(key);
        let first = imported.run("t.csv", &[]).expect(1);
        let rejected = messages(&first.stdout)["summary"]["rejected"].as_u64().unwrap();
        assert_eq!(rejected, if key.is_empty() { 6 } else { 7 }, "{key}");
        let original = imported.folder.read(REJECTS);
        let fixed = with_mended_rows(&original);
        imported.folder.write("fixed.csv", &fixed);
        imported.folder.write("as-it-was.csv", &original);
        let ended = imported.run("fixed.csv", &[]).expect(0);
        assert!(!imported.folder.path(REJECTS).exists());
        imported.agree(&ended);
        imported.each_once();
        // Every night after it, with the CSV as it is, the rejects file as it was or as it was mended.
        for csv in ["t.csv", "fixed.csv", "as-it-was.csv", "t.csv"] {
            let night = imported.run(csv, &[]).expect(0);
            imported.agree(&night);
            let summary = &messages(&night.stdout)["summary"];
            assert_eq!(summary["changed_created"], 0, "{key} {csv}");
        }
        let both = imported.run("as-it-was.csv", &["t.csv", "fixed.csv"]).expect(0);
        imported.agree(&both);
        imported.joins("t.csv", ROWS);
        imported.joins("fixed.csv", usize::try_from(rejected).unwrap());
        imported.joins("as-it-was.csv", usize::try_from(rejected).unwrap());
        // At last the CSV is mended as well.
        imported.folder.write("t.csv", whole_csv());
        imported.agree(&imported.run("t.csv", &[]).expect(0));
        imported.joins("t.csv", ROWS);
        imported.each_once();
    }
}

#[test]
fn rows_mended_in_the_csv_settle_and_the_rejects_file_adds_none() {
    for key in KEYS {
        let imported = FaultyImport::of(key);
        imported.run("t.csv", &[]).expect(1);
        let original = imported.folder.read(REJECTS);
        imported.folder.write("fixed.csv", with_mended_rows(&original));
        imported.folder.write("t.csv", whole_csv());
        imported.agree(&imported.run("t.csv", &[]).expect(0));
        for csv in ["t.csv", "fixed.csv", "t.csv"] {
            imported.agree(&imported.run(csv, &[]).expect(0));
            imported.each_once();
        }
    }
}

#[test]
fn the_mended_csv_and_the_mended_rejects_file_may_be_read_in_one_run() {
    for (first, second) in [("t.csv", "fixed.csv"), ("fixed.csv", "t.csv")] {
        for key in KEYS {
            let imported = FaultyImport::of(key);
            imported.run("t.csv", &[]).expect(1);
            imported.folder.write("fixed.csv", with_mended_rows(&imported.folder.read(REJECTS)));
            imported.folder.write("t.csv", whole_csv());
            imported.agree(&imported.run(first, &[second]).expect(0));
            imported.each_once();
        }
    }
}

#[test]
fn an_import_of_a_rejects_file_that_was_killed_is_finished_by_it_or_by_the_next_night() {
    for point in [
        "check:2",
        "before-commit:1",
        "before-commit:3",
        "after-commit:1",
        "after-intent:2",
        "after-answer:3",
    ] {
        for then in ["fixed.csv", "t.csv"] {
            let imported = FaultyImport::of(KEYS[0]);
            imported.run("t.csv", &[]).expect(1);
            imported.folder.write("fixed.csv", with_mended_rows(&imported.folder.read(REJECTS)));
            let killed = imported.run("fixed.csv", &["--crash-at", point]);
            assert_eq!(killed.code, None, "{point}: {}", killed.stderr);
            imported.run(then, &[]);
            // A run that wrote its own rejects has kept the file under another name.
            imported.folder.write("kept.csv", imported.folder.read("fixed.csv"));
            let ended = imported.run("kept.csv", &[]).expect(0);
            imported.agree(&ended);
            imported.agree(&imported.run("t.csv", &[]).expect(0));
            let tokens: BTreeSet<String> = imported.endpoint.client_tokens().into_iter().collect();
            assert_eq!(tokens.len(), ROWS, "{point} {then}");
        }
    }
}

#[test]
fn a_confirmed_row_that_waits_keeps_its_confirmation_when_its_csv_is_read() {
    for key in [KEYS[0], ""] {
        let imported = FaultyImport::of(key);
        // The cells are as they should be; only the quotes are wrong.
        imported.folder.write("t.csv", "id,Name,opened\nK1,\"Row\" 1,2023-02-01\nK2,\"Row\" 2,2023-02-01\n");
        imported.run("t.csv", &[]).expect(1);
        let rejects = imported.folder.read(REJECTS);
        imported.folder.write("fixed.csv", rejects.replace("StrayQuote", ""));
        imported.run("fixed.csv", &["--limit", "1"]).expect(10);
        let rest = imported.run("t.csv", &[]).expect(0);
        assert_eq!(messages(&rest.stdout)["summary"]["in_ledger"]["created"], 2, "{}", rest.stdout);
        // Unchanged, the older rejects file takes no confirmation back.
        imported.folder.write("old.csv", rejects);
        imported.run("old.csv", &[]).expect(0);
        assert_eq!(imported.endpoint.client_tokens().into_iter().collect::<BTreeSet<_>>().len(), 2);
    }
}

#[test]
fn a_row_that_was_mended_wrongly_may_get_the_cells_back_that_it_first_had() {
    for key in [KEYS[0], ""] {
        let imported = FaultyImport::of(key);
        imported.folder.write("t.csv", "id,Name,opened\nK1,\"Row\" 1,2023-02-01\n");
        imported.run("t.csv", &[]).expect(1);
        let first = imported.folder.read(REJECTS);
        imported.folder.write("wrong.csv", first.replace("StrayQuote", "").replace("02-01", "02-31"));
        imported.run("wrong.csv", &[]).expect(1);
        let second = imported.folder.read(REJECTS);
        assert!(second.contains("rejected,Mapping"), "{second}");
        // The older file changes nothing: its code is that of the form before.
        imported.folder.write("first.csv", &first);
        imported.run("first.csv", &[]).expect(1);
        assert_eq!(imported.folder.read(REJECTS), second);
        for code in ["Mapping", ""] {
            imported.folder.write("right.csv", second.replace("02-31", "02-01").replace("Mapping", code));
            imported.folder.run(&["check", "right.csv", "--job", "t.toml"]).expect(0);
        }
        imported.run("right.csv", &[]).expect(0);
        for (file, text) in [("first.csv", &first), ("second.csv", &second)] {
            imported.folder.write(file, text);
            imported.run(file, &[]).expect(0);
        }
        imported.run("t.csv", &[]).expect(0);
        assert_eq!(imported.endpoint.client_tokens().len(), 1);
    }
}

#[test]
fn check_predicts_what_a_run_of_a_rejects_file_does() {
    let imported = FaultyImport::of(KEYS[0]);
    imported.run("t.csv", &[]).expect(1);
    let check = |csv: &str| {
        let check =
            ["check", csv, "--job", "t.toml", "--sandbox", "--ledger", "t.ledger.db", "--output", "json"];
        let ended = imported.folder.run(&check);
        let check = messages(&ended.stdout)["check"].clone();
        ["to_send", "faulty", "created"].map(|member| check[member].as_u64().unwrap_or_default())
    };
    let original = imported.folder.read(REJECTS);
    imported.folder.write("as-it-was.csv", &original);
    assert_eq!(check("as-it-was.csv")[..2], [0, 6], "one was refused by Connect");
    // One row gets the key of a row that is created.
    let mut fixed = records(&with_mended_rows(&original));
    let mut cells: Vec<String> = fixed[1].iter().map(str::to_owned).collect();
    cells[0] = "K5".to_owned();
    fixed[1] = cells.into();
    imported.folder.write("fixed.csv", text(&fixed));
    assert_eq!(check("fixed.csv")[..2], [6, 1]);
    let ended = imported.run("fixed.csv", &[]).expect(1);
    let summary = &messages(&ended.stdout)["summary"];
    assert_eq!((&summary["created"], &summary["rejected"]), (&6.into(), &1.into()));
    assert!(ended.stderr.contains("DuplicateKey: has the key of line 7 of "), "{}", ended.stderr);
    assert_eq!(check("t.csv")[..2], [0, 0], "it is a mended row that waits for its key");
    imported.folder.write("fixed.csv", with_mended_rows(&imported.folder.read(REJECTS)));
    assert_eq!(check("fixed.csv")[..2], [1, 0]);
    imported.agree(&imported.run("fixed.csv", &[]).expect(0));
    assert_eq!(check("fixed.csv"), check("as-it-was.csv").map(|_| 0).map(|zero| zero));
}

#[test]
fn a_row_that_was_sent_keeps_its_key_and_its_token() {
    let folder = Folder::new();
    folder.write("t.csv", "id,Name\nA,created\nB,unknown\nC,failed\n");
    let endpoint = Endpoint::start(|number, body| match body["Name"].as_str() {
        Some("unknown") => Reply::Close,
        Some("failed") if number < 3 => Reply::Error(409, "ConflictException"),
        _ => Reply::Created,
    });
    let url = endpoint.url();
    let more = ["--max-attempts", "1", "--on-unknown", "hold", "--concurrency", "1"];
    folder.run(&import(&url, &more)).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 1, failed 1, unknown 1");
    let rejects = folder.read(REJECTS);
    // The failed row is created meanwhile, and then all rows are given other keys.
    folder.run(&import(&url, &more)).expect(1);
    folder.write("fixed.csv", rejects.replace("B,unknown", "B2,mended").replace("C,failed", "C2,mended"));
    let sent = endpoint.requests().len();
    let ended = folder.run(&import_file("fixed.csv", &url, &more)).expect(1);
    assert!(ended.stderr.contains("line 3 (key C2) has changed since it was created"), "{}", ended.stderr);
    assert_eq!(endpoint.requests().len(), sent);
    assert_eq!(folder.states("t.ledger.db"), "created 2, unknown 1");
    assert_eq!(folder.query("t.ledger.db", "SELECT group_concat(key, ' ') FROM rows"), "A B C");
}

#[test]
fn of_two_rows_with_one_key_the_second_may_have_it_once_the_first_has_another() {
    let long = "x".repeat(1025);
    let original = format!("id,Name\nA,{long}\nA,second\nA,third\n");
    let imported = |folder: &Folder, url: &str, csv: &str, code: i32| {
        folder.run(&import_file(csv, url, &[])).expect(code);
        folder.query(
            "t.ledger.db",
            "SELECT group_concat(key || ' ' || state, ', ') FROM (SELECT * FROM rows ORDER BY line)",
        )
    };
    let folder = Folder::new();
    folder.write("t.csv", &original);
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    assert_eq!(imported(&folder, &url, "t.csv", 1), "A rejected, A rejected, A rejected");
    let fixed = folder.read(REJECTS).replace(&format!("A,{long}"), "B,first");
    folder.write("fixed.csv", &fixed);
    // The second row is the first of its key now; the third has its key.
    let expected = "B created, A created, A rejected";
    assert_eq!(imported(&folder, &url, "fixed.csv", 1), expected);
    for csv in ["t.csv", "fixed.csv", "t.csv"] {
        assert_eq!(imported(&folder, &url, csv, 1), expected, "{csv}");
    }
    folder.write("last.csv", folder.read(REJECTS).replace("A,third", "C,third"));
    assert_eq!(imported(&folder, &url, "last.csv", 0), "B created, A created, C created");
    for csv in ["t.csv", "fixed.csv", "last.csv", "t.csv"] {
        assert_eq!(imported(&folder, &url, csv, 0), "B created, A created, C created", "{csv}");
    }
    assert_eq!(endpoint.requests().len(), 3);
}

#[test]
fn a_mended_row_that_waits_is_sent_although_its_csv_lost_it_and_a_rejected_one_is_withdrawn() {
    let long = "x".repeat(1025);
    let folder = Folder::new();
    folder.write("t.csv", format!("id,Name\nA,a\nB,{long}\nC,{long}\n"));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    folder.write("fixed.csv", folder.read(REJECTS).replace(&format!("B,{long}"), "B2,b"));
    folder.run(&import_file("fixed.csv", &url, &["--limit", "0"])).expect(10);
    folder.write("t.csv", "id,Name\nA,a\nD,d\n");
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!(folder.states("t.ledger.db"), "created 3, withdrawn 1");
    let sent: Vec<Value> = endpoint.requests().iter().map(|request| request["Name"].clone()).collect();
    assert!(sent.contains(&"b".into()), "{sent:?}");
}

#[test]
fn after_the_ledger_is_lost_a_mended_rejects_file_still_belongs_to_its_csv() {
    for order in [["fixed.csv", "t.csv"], ["t.csv", "fixed.csv"]] {
        let imported = FaultyImport::of(KEYS[0]);
        imported.run("t.csv", &[]).expect(1);
        imported.folder.write("fixed.csv", with_mended_rows(&imported.folder.read(REJECTS)));
        for name in ["t.ledger.db", "t.ledger.db.lock"] {
            std::fs::remove_file(imported.folder.path(name)).unwrap();
        }
        imported.run(order[0], &[]);
        let ended = imported.run(order[1], &[]).expect(0);
        imported.agree(&ended);
        imported.agree(&imported.run("t.csv", &[]).expect(0));
    }
}

#[test]
fn rows_added_to_a_rejects_file_belong_to_it() {
    let long = "x".repeat(1025);
    let folder = Folder::new();
    folder.write("t.csv", format!("id,Name\nA,{long}\n"));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    let fixed = folder.read(REJECTS).replace(&long, "a");
    // A row without the last columns, and a line that was copied and given another key.
    let copied = fixed.lines().nth(1).unwrap().replace("A,a", "C,c");
    folder.write("fixed.csv", format!("{fixed}B,b,,,,,,,\n{copied}\n"));
    for _ in 0..2 {
        folder.run(&import_file("fixed.csv", &url, &[])).expect(0);
        folder.run(&import(&url, &[])).expect(0);
        let report = folder.run(&["report", "--ledger", "t.ledger.db", "--to", "-"]).expect(0).stdout;
        let accounts: Vec<String> = accounts(&report)
            .iter()
            .map(|line| line.split('|').take(3).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(accounts[..2], ["t.csv 1 1", "fixed.csv 2 2"]);
    }
    assert_eq!(endpoint.requests().len(), 3);
}

#[test]
fn a_rejects_file_that_loses_the_rows_added_to_it_adds_up() {
    let folder = Folder::new();
    folder.write("t.csv", format!("id,Name\nA,{}\n", "x".repeat(1025)));
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    let fixed = folder.read(REJECTS).replace(&"x".repeat(1025), "a");
    let copied = fixed.lines().nth(1).unwrap();
    // The copy has the key of the row that it was copied from.
    folder.write("fixed.csv", format!("{fixed}{copied}\n"));
    folder.run(&import_file("fixed.csv", &url, &[])).expect(1);
    folder.write("fixed.csv", &fixed);
    folder.run(&import_file("fixed.csv", &url, &[])).expect(0);
    let report = folder.run(&["report", "--ledger", "t.ledger.db", "--to", "-"]).expect(0).stdout;
    let accounts = accounts(&report);
    assert!(accounts.iter().all(|account| account.contains("adds up")), "{accounts:?}");
    assert!(accounts[1].starts_with("fixed.csv|0|0|"), "{accounts:?}");
    assert_eq!(endpoint.requests().len(), 1);
}

#[test]
fn a_mended_duplicate_is_recognised_after_the_first_row_of_its_key_has_another() {
    let csv = |first: &str, second: &str| {
        format!("id,Name,opened\n{first},first,2023-02-01\n{second},second,2023-02-01\nK,third,2023-02-01\n")
    };
    // The first row was created with the key, or it was rejected with it as well.
    for (name, rows) in [("first", 3), ("x", 3)] {
        let imported = FaultyImport::of(KEYS[0]);
        let long = if name == "x" { "x".repeat(1025) } else { name.to_owned() };
        imported.folder.write("t.csv", csv("K", "K").replace("first", &long));
        imported.run("t.csv", &[]).expect(1);
        let rejects = imported.folder.read(REJECTS).replace(&long, "first");
        let fixed: Vec<String> = rejects
            .lines()
            .map(|line| match line.split(',').nth(1) {
                Some(name @ ("second" | "third")) => line.replacen('K', name, 1),
                _ => line.replacen("K,first", "F,first", 1),
            })
            .collect();
        imported.folder.write("fixed.csv", fixed.join("\n") + "\n");
        imported.run("fixed.csv", &[]).expect(0);
        // In the CSV the second row gets its key as well, then the first one gets that of the rejects file. The third keeps
        // the key of all.
        let mut texts = vec![csv("K", "second").replace("first", &long)];
        if name == "x" {
            texts.push(csv("F", "second"));
        }
        for text in texts {
            imported.folder.write("t.csv", text);
            imported.folder.run(&["check", "t.csv", "--job", "t.toml"]).expect(0);
            let ended = imported.run("t.csv", &[]).expect(0);
            imported.joins("t.csv", 3);
            let summary = &messages(&ended.stdout)["summary"];
            assert_eq!(summary["total_in_ledger"], rows, "{summary}");
            assert_eq!(summary["created"], 0, "{summary}");
        }
        let tokens: BTreeSet<String> = imported.endpoint.client_tokens().into_iter().collect();
        assert_eq!(tokens.len(), rows);
    }
}

#[test]
fn rejects_of_an_earlier_run_and_of_another_csv_stay_in_the_rejects_file_and_in_the_exit_code() {
    let long = "x".repeat(1025);
    let folder = Folder::new();
    folder.write("t.csv", format!("id,Name\nA,{long}\nB,b\n"));
    folder.write("other.csv", "id,Name\nC,c\n");
    let endpoint = Endpoint::start(|_, _| Reply::Created);
    let url = endpoint.url();
    folder.run(&import(&url, &[])).expect(1);
    let ended = folder.run(&import_file("other.csv", &url, &[])).expect(1);
    for words in
        ["1  rejected of earlier runs", "in the ledger: 2 of 3 rows created", "Finished, but not every row"]
    {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    assert_eq!(records(&folder.read(REJECTS)).len(), 2);
    // The error budget is that of the run.
    folder.write("other.csv", "id,Name\nC,c\nD,d\n");
    folder.run(&import_file("other.csv", &url, &["--max-errors", "0"])).expect(1);
    assert_eq!(folder.states("t.ledger.db"), "created 3, rejected 1");
    folder.write("t.csv", "id,Name\nA,a\nB,b\n");
    folder.run(&import(&url, &[])).expect(0);
    assert!(!folder.path(REJECTS).exists());
}
