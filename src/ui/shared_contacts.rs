//! Created rows that have the contact of another row, in the reports of `run` and `status`, in the log and in JSON.

use serde::Serialize;

use super::words::count_of;
use crate::ledger::{SharedContact, SharedContacts};

/// A created row that has the contact of another row.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SharedContactRow<'a> {
    /// Path of the input, or -.
    file: &'a str,
    /// Line of the file where the row starts.
    line: u64,
    /// Key of the row.
    key: &'a str,
    /// Id of the contact.
    contact_id: &'a str,
}

impl<'a> SharedContactRow<'a> {
    fn of(row: &'a SharedContact) -> Self {
        let SharedContact { source, line, key, contact_id } = row;
        SharedContactRow { file: source, line: *line, key, contact_id }
    }
}

/// The listed rows for a JSON message.
pub(super) fn shared_contact_rows(shared: &SharedContacts) -> Vec<SharedContactRow<'_>> {
    shared.rows.iter().map(SharedContactRow::of).collect()
}

/// The rows by contact, and the command to `verify`, which is `None` if their contacts ended with the run. `None` if there
/// are no such rows. Ends with a line end.
pub(super) fn shared_contacts_text(shared: &SharedContacts, verify: Option<&str>) -> Option<String> {
    if shared.total == 0 {
        return None;
    }
    let mut lines = vec![
        "Connect gave one contact id to several rows, so not every row has a contact of its own:".to_owned(),
    ];
    let mut contact = "";
    for SharedContact { source, line, key, contact_id } in &shared.rows {
        if contact != contact_id {
            contact = contact_id;
            lines.push(format!("  contact {contact_id}"));
        }
        lines.push(format!("    {source}, line {line} (key {key})"));
    }
    let more = shared.total.saturating_sub(shared.rows.len() as u64);
    if more > 0 {
        lines.push(format!("    … and {}", count_of(more, "more row")));
    }
    lines.push(match verify {
        Some(verify) => {
            format!("To see which row each contact is of; the others are not in Connect:\n  {verify}")
        }
        None => "The sandbox ended with the run, so verify cannot look the contacts up.".to_owned(),
    });
    Some(lines.join("\n") + "\n")
}

/// Writes the rows to the log.
pub(super) fn log_shared_contacts(shared: &SharedContacts) {
    for SharedContact { source, line, key, contact_id } in &shared.rows {
        tracing::error!(file = source, line, key, contact_id, "a row has a contact that another row has too");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_listed_by_contact() {
        let row = |line, contact_id: &str| SharedContact {
            source: "t.csv".into(),
            line,
            key: format!("K{line}"),
            contact_id: contact_id.into(),
        };
        let shared = SharedContacts { total: 5, rows: vec![row(2, "c"), row(4, "c"), row(3, "d")] };
        let text = shared_contacts_text(&shared, Some("ci verify")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let expected = [
            "  contact c",
            "    t.csv, line 2 (key K2)",
            "    t.csv, line 4 (key K4)",
            "  contact d",
            "    t.csv, line 3 (key K3)",
        ];
        assert_eq!(lines[1..6], expected);
        assert_eq!((lines[6], lines[8], lines.len()), ("    … and 2 more rows", "  ci verify", 9));
        assert_eq!(shared_contacts_text(&SharedContacts::default(), None), None);
    }
}
