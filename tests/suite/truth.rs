//! What the ledger, the rejects file and the sandbox say of the same rows, and whether one of them lies.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::*;

pub const LEDGER: &str = "t.ledger.db";
pub const REJECTS: &str = "t.ledger.db.rejects.csv";

/// One character more than a name may have.
pub fn name_too_long() -> String {
    "x".repeat(1025)
}

/// A contact as the sandbox has it. Its attribute `id` is the row's key.
#[derive(Clone, PartialEq, Debug)]
pub struct Contact {
    pub token: String,
    pub id: String,
    pub name: String,
    pub key: String,
}

pub fn contacts(sandbox: &SandboxProcess) -> Vec<Contact> {
    let all: serde_json::Value = serde_json::from_str(&sandbox.get("/_sandbox/contacts")).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let contact = |one: &serde_json::Value| Contact {
        token: text(&one["ClientToken"]),
        id: text(&one["ContactId"]),
        name: text(&one["Name"]),
        key: text(&one["Attributes"]["id"]),
    };
    all.as_array().unwrap().iter().map(contact).collect()
}

/// A row as the ledger has it.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    pub token: String,
    pub key: String,
    pub line: u64,
    pub state: String,
    /// A contact may exist: an attempt went unanswered, or was under way when its run died.
    pub in_doubt: bool,
    /// Since when, in milliseconds since 1970; 0 where there is no doubt.
    pub doubt_ms: i64,
    pub contact: String,
    pub code: String,
}

/// Every row of the ledger; none if there is no ledger. A copy is read: whoever opens the ledger itself
/// folds its log back, and that is for the next run to do.
pub fn rows(folder: &Folder) -> Vec<Row> {
    let copy = Folder::new();
    if !folder.path(LEDGER).exists() {
        return Vec::new();
    }
    for name in [LEDGER, "t.ledger.db-wal"] {
        if folder.path(name).exists() {
            std::fs::copy(folder.path(name), copy.path(name)).unwrap();
        }
    }
    // The ledger's own count is never off, whatever broke off.
    let counted = "SELECT count(*) FROM (
        SELECT run_id, state, code, rows FROM row_counts WHERE rows > 0 EXCEPT
        SELECT run_id, state, CASE WHEN state IN ('rejected', 'failed', 'unknown') THEN code ELSE '' END, count(*)
        FROM rows GROUP BY 1, 2, 3)";
    let all_rows = "SELECT (SELECT coalesce(sum(rows), 0) FROM row_counts) - (SELECT count(*) FROM rows)";
    assert_eq!((&*copy.ask(LEDGER, counted), &*copy.ask(LEDGER, all_rows)), ("0", "0"));
    let sql = "SELECT 'ci1-' || lower(hex(token)), key, line, state, may_exist = 1 OR state = 'in_flight',
                      CASE WHEN may_exist = 1 OR state = 'in_flight' THEN doubt_ms ELSE 0 END,
                      contact_id, code FROM rows ORDER BY id";
    let all = copy.ask(LEDGER, sql);
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').collect();
        Row {
            token: cells[0].to_owned(),
            key: cells[1].to_owned(),
            line: cells[2].parse().unwrap(),
            state: cells[3].to_owned(),
            in_doubt: cells[4] == "1",
            doubt_ms: cells[5].parse().unwrap(),
            contact: cells[6].to_owned(),
            code: cells[7].to_owned(),
        }
    };
    all.lines().map(row).collect()
}

/// What is never true, at whatever moment a run died: a contact that the ledger does not know may exist, a
/// row that is called created and is not, or is another's, and a second contact of one token.
pub fn lies(rows: &[Row], contacts: &[Contact]) -> Vec<String> {
    let mut lies = Vec::new();
    let mut by_token: BTreeMap<&str, &Contact> = BTreeMap::new();
    for contact in contacts {
        if by_token.insert(&contact.token, contact).is_some() {
            lies.push(format!("a second contact of one token: {contact:?}"));
        }
    }
    for row in rows {
        let contact = by_token.remove(&*row.token);
        let is_true = match (&*row.state, contact) {
            ("created", Some(contact)) => row.contact == contact.id && row.key == contact.key,
            ("created", None) => false,
            (_, Some(_)) => row.in_doubt,
            (_, None) => true,
        };
        if !is_true {
            lies.push(format!("{row:?}, and the sandbox has {contact:?}"));
        }
    }
    lies.extend(by_token.values().map(|contact| format!("the ledger has no row for {contact:?}")));
    lies
}

/// A row of the rejects file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reject {
    pub line: u64,
    pub key: String,
    pub state: String,
    /// The original cells.
    pub cells: Vec<String>,
}

/// Every row of the rejects file; none if there is no file.
pub fn rejects(folder: &Folder) -> Vec<Reject> {
    let path = folder.path(REJECTS);
    if !path.exists() {
        return Vec::new();
    }
    let mut reader = csv::Reader::from_path(path).unwrap();
    let reject = |record: csv::StringRecord| {
        let (cells, why) = (record.len() - 6, |index: usize| record[record.len() - 6 + index].to_owned());
        assert!(!why(4).is_empty(), "a reject without a reason: {record:?}");
        Reject {
            line: why(1).parse().unwrap(),
            key: why(2),
            state: why(3),
            cells: record.iter().take(cells).map(str::to_owned).collect(),
        }
    };
    // A file that was cut off has a record of another length, which is an error.
    reader.records().map(|record| reject(record.unwrap())).collect()
}

/// Temporary files of a run that must be gone when it has ended. Only `kill -9` leaves an incomplete rejects file, which
/// its owner alone can read.
pub fn left_behind(folder: &Folder) -> Vec<String> {
    let names = std::fs::read_dir(folder.path("")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let passing = [".connect-import-part", "-wal", "-shm", "-journal"];
    let names =
        names.filter(|name| name.starts_with(".tmp") || passing.iter().any(|end| name.ends_with(end)));
    names.filter(|name| !(name.contains(".rejects.csv.") && is_private(folder, name))).collect()
}

/// Whether its owner alone can read a file; one that is not there nobody can.
pub fn is_private(folder: &Folder, name: &str) -> bool {
    folder.path(name).metadata().is_ok_and(|file| file.permissions().mode() & 0o777 == 0o600)
        || !folder.path(name).exists()
}
