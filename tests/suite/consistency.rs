//! Rows as the ledger, the rejects file and the sandbox have them, and their contradictions.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::*;

pub const LEDGER: &str = "t.ledger.db";
pub const REJECTS: &str = "t.ledger.db.rejects.csv";

/// A name one character longer than Amazon Connect allows, 1024.
pub fn name_too_long() -> String {
    "x".repeat(1025)
}

/// A contact of the sandbox. Its attribute `id` is the key of its row.
#[derive(Clone, PartialEq, Debug)]
pub struct Contact {
    pub token: String,
    pub id: String,
    pub name: String,
    pub key: String,
}

pub fn contacts(sandbox: &SandboxProcess) -> Vec<Contact> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let contact = |listed: &serde_json::Value| Contact {
        token: text(&listed["ClientToken"]),
        id: text(&listed["ContactId"]),
        name: text(&listed["Name"]),
        key: text(&listed["Attributes"]["id"]),
    };
    sandbox.listed_contacts().iter().map(contact).collect()
}

/// A row of the ledger.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    pub id: i64,
    pub token: String,
    pub key: String,
    pub line: u64,
    pub state: String,
    /// Whether an attempt went unanswered, or was in flight when its run died.
    pub in_doubt: bool,
    /// Since when the row is in doubt, in milliseconds since 1970. 0 if it is not.
    pub doubt_ms: i64,
    pub contact: String,
    pub code: String,
}

/// Rows of the ledger; none if there is no ledger. Reads a copy, because SQLite checkpoints the WAL file when
/// the last connection closes, and the test leaves that to the next run.
pub fn rows(folder: &Folder) -> Vec<Row> {
    let Some(copy) = copy(folder) else { return Vec::new() };
    let wrong_counts = "SELECT count(*) FROM (
        SELECT run_id, state, code, rows FROM row_counts WHERE rows > 0 EXCEPT
        SELECT run_id, state, CASE WHEN state IN ('rejected', 'failed', 'unknown') THEN code ELSE '' END, count(*)
        FROM rows GROUP BY 1, 2, 3)";
    let uncounted_rows =
        "SELECT (SELECT coalesce(sum(rows), 0) FROM row_counts) - (SELECT count(*) FROM rows)";
    // A transaction changes a row and its count together, so no crash separates them.
    assert_eq!((&*copy.query(LEDGER, wrong_counts), &*copy.query(LEDGER, uncounted_rows)), ("0", "0"));
    let sql = "SELECT 'ci1-' || lower(hex(token)), key, line, state, may_exist = 1 OR state = 'in_flight',
                      CASE WHEN may_exist = 1 OR state = 'in_flight' THEN doubt_ms ELSE 0 END,
                      contact_id, code, id FROM rows ORDER BY id";
    let lines = copy.query(LEDGER, sql);
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').collect();
        Row {
            id: cells[8].parse().unwrap(),
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
    lines.lines().map(row).collect()
}

fn copy(folder: &Folder) -> Option<Folder> {
    if !folder.path(LEDGER).exists() {
        return None;
    }
    let copy = Folder::new();
    for name in [LEDGER, "t.ledger.db-wal"] {
        if folder.path(name).exists() {
            std::fs::copy(folder.path(name), copy.path(name)).unwrap();
        }
    }
    Some(copy)
}

/// The `_row` of every row that the ledger knows to be mended.
pub fn mended_origins(folder: &Folder) -> BTreeSet<String> {
    let origins = "SELECT lower(hex(token) || hex(content)) FROM mended_rows";
    copy(folder)
        .map(|copy| copy.query(LEDGER, origins).lines().map(str::to_owned).collect())
        .unwrap_or_default()
}

/// Contradictions that no crash may leave: a contact of a row that is neither created nor in doubt, a created
/// row without its contact, and two contacts with one token.
pub fn contradictions(rows: &[Row], contacts: &[Contact]) -> Vec<String> {
    let mut contradictions = Vec::new();
    let mut by_token: BTreeMap<&str, &Contact> = BTreeMap::new();
    for contact in contacts {
        if by_token.insert(&contact.token, contact).is_some() {
            contradictions.push(format!("a second contact with one token: {contact:?}"));
        }
    }
    for row in rows {
        let contact = by_token.remove(&*row.token);
        let is_consistent = match (&*row.state, contact) {
            ("created", Some(contact)) => row.contact == contact.id && row.key == contact.key,
            ("created", None) => false,
            (_, Some(_)) => row.in_doubt,
            (_, None) => true,
        };
        if !is_consistent {
            contradictions.push(format!("{row:?}, and the sandbox has {contact:?}"));
        }
    }
    contradictions.extend(by_token.values().map(|contact| format!("the ledger has no row for {contact:?}")));
    contradictions
}

/// A row of the rejects file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Reject {
    pub line: u64,
    pub key: String,
    pub state: String,
    /// The cells of the input row.
    pub cells: Vec<String>,
}

/// Rows of the rejects file; none if there is no file.
pub fn rejects(folder: &Folder) -> Vec<Reject> {
    rejects_with_origins(folder).into_iter().map(|(reject, _)| reject).collect()
}

/// Rows of the rejects file, each with its `_row`; none if there is no file.
pub fn rejects_with_origins(folder: &Folder) -> Vec<(Reject, String)> {
    let path = folder.path(REJECTS);
    if !path.exists() {
        return Vec::new();
    }
    let mut reader = csv::Reader::from_path(path).unwrap();
    let reject = |record: csv::StringRecord| {
        let cells = record.len() - 7;
        let added = |index: usize| record[cells + index].to_owned();
        assert!(!added(4).is_empty(), "a reject without a reason: {record:?}");
        let reject = Reject {
            line: added(1).parse().unwrap(),
            key: added(2),
            state: added(3),
            cells: record.iter().take(cells).map(str::to_owned).collect(),
        };
        (reject, added(6))
    };
    // The reader refuses the record of another length that a truncated file ends with.
    reader.records().map(|record| reject(record.unwrap())).collect()
}

/// Temporary files of a run that must be gone when it has ended. Only `kill -9` leaves an incomplete rejects
/// file, which its owner alone can read.
pub fn left_behind(folder: &Folder) -> Vec<String> {
    let names = std::fs::read_dir(folder.path("")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let temporary = [".connect-import-part", "-wal", "-shm", "-journal"];
    let names =
        names.filter(|name| name.starts_with(".tmp") || temporary.iter().any(|end| name.ends_with(end)));
    names.filter(|name| !(name.contains(".rejects.csv.") && is_private(folder, name))).collect()
}

/// Whether no other user can read a file. True for a missing file.
pub fn is_private(folder: &Folder, name: &str) -> bool {
    !folder.path(name).exists() || folder.permissions(name) == 0o600
}
