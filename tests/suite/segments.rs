//! Ledgers of more than a million rows: the index of their tokens comes in segments, and every row is found in its own.

use crate::support::*;

/// Moves the rows of the ledger on, so that the last of them is the third of a segment.
fn move_into(folder: &Folder, segment: i64, rows: i64) {
    let by = (segment << 20) + 2 - rows;
    // The latest first, since no two may have one id.
    let each = (1..=rows).rev().map(|id| format!("UPDATE rows SET id = {} WHERE id = {id};", id + by));
    folder.execute("t.ledger.db", &each.collect::<String>());
}

/// The same rows in the opposite order, so that each of them has to be searched for.
fn backwards(csv: &str) -> String {
    let (header, rows) = csv.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().rev().collect();
    format!("{header}\n{}\n", rows.join("\n"))
}

/// Has every row of `csv` created already.
fn expect_known(folder: &Folder, url: &str, csv: &str) {
    folder.write("t.csv", csv);
    let ended = folder.run(&import(url, &[])).expect(0);
    let all = format!("all {} rows are already created", csv.lines().count() - 1);
    assert!(ended.stdout.contains(&all), "{}", ended.stdout);
    let is_one_each = "SELECT count(DISTINCT token) = count(*) FROM rows";
    assert_eq!(folder.ask("t.ledger.db", is_one_each), "1");
}

#[test]
fn a_row_is_known_in_whichever_segment_it_lies() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.write("t.csv", numbered_csv(10));
    folder.run(&import(&url, &[])).expect(0);
    move_into(&folder, 2, 10);
    let csv = numbered_csv(15);
    folder.write("t.csv", backwards(&csv));
    let check = ["check", "t.csv", "--key", "id", "--sandbox", "--ledger", "t.ledger.db"];
    let checked = folder.run(&check).expect(0).stdout;
    assert!(checked.contains(" 10  not send again: created already"), "{checked}");
    folder.run(&import(&url, &["--limit", "2"])).expect(10);
    assert_eq!((&*folder.states("t.ledger.db"), sandbox.stat("contacts")), ("created 12, pending 3", 12));
    let filters = "SELECT count(*) FROM segments WHERE length(filter) = 1572864";
    assert_eq!(folder.ask("t.ledger.db", filters), "2");
    // One that has lost its bits would deny every row.
    folder.execute("t.ledger.db", "UPDATE segments SET filter = zeroblob(1572864) WHERE id = 1");
    folder.write("t.csv", &csv);
    folder.run(&import(&url, &[])).expect(0);
    expect_known(&folder, &url, &backwards(&csv));
    assert_eq!(sandbox.stat("contacts"), 15);
}

#[test]
fn what_comes_into_the_place_of_rows_that_were_deleted_by_hand_is_known_too() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.write("t.csv", numbered_csv(4));
    folder.run(&import(&url, &[])).expect(0);
    move_into(&folder, 1, 4);
    folder.write("t.csv", numbered_csv(5));
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!(folder.ask("t.ledger.db", "SELECT id FROM segments"), "0");
    folder.execute("t.ledger.db", "DELETE FROM rows WHERE id >= 1048575");
    let others = numbered_csv(9).replace('K', "L");
    folder.write("t.csv", &others);
    folder.run(&import(&url, &[])).expect(0);
    expect_known(&folder, &url, &backwards(&others));
    assert_eq!(sandbox.stat("contacts"), 5 + 9);
}

#[test]
fn a_row_that_was_moved_by_hand_into_a_full_segment_is_known() {
    let folder = Folder::new();
    let sandbox = SandboxProcess::start(&folder, &["--rate", "0"]);
    let url = sandbox.url();
    folder.write("t.csv", numbered_csv(4));
    folder.run(&import(&url, &[])).expect(0);
    move_into(&folder, 1, 4);
    let csv = numbered_csv(5);
    folder.write("t.csv", &csv);
    folder.run(&import(&url, &[])).expect(0);
    assert_eq!(folder.ask("t.ledger.db", "SELECT id FROM segments"), "0");
    folder.execute("t.ledger.db", "UPDATE rows SET id = 7 WHERE id = (SELECT max(id) - 1 FROM rows)");
    expect_known(&folder, &url, &csv);
    assert_eq!(sandbox.stat("contacts"), 5);
}
