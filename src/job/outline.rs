//! An outline of a job file for diagnostics that may be mailed.

use std::path::Path;

use serde::Serialize;

use super::file::{JobFile, keys};
use crate::printable::ShownPath as _;
use crate::request::Operation;
use crate::submission::origin;

/// A job file without secrets and without the literals of its templates.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Outline {
    /// The file's path.
    pub file: String,
    /// The reason for an empty outline: the file cannot be read.
    pub problem: Option<String>,
    /// The tables that have a key.
    pub tables: Vec<OutlineTable>,
}

/// A table of a job file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct OutlineTable {
    /// The table's name.
    pub name: &'static str,
    /// The keys, each with the part of its value that may be shown.
    pub entries: Vec<(String, String)>,
}

impl Outline {
    /// The outline of a job file that cannot be read or is invalid. It has no details, which may quote the
    /// file.
    pub(super) fn unreadable(path: &Path) -> Self {
        let problem = "it cannot be read or is no longer valid".to_owned();
        Outline { file: path.shown(), problem: Some(problem), tables: Vec::new() }
    }

    /// The outline of a job file, with its values as they are written.
    pub(super) fn of(file: &JobFile) -> Self {
        let path = file.path.as_deref().map(|path| path.shown());
        let tables = keys().map(|(name, keys)| {
            let entries = match name {
                "request" => members(file),
                "lookup" => lookup_sizes(file),
                _ => {
                    keys.iter().filter_map(|key| Some(((*key).to_owned(), value(file, name, key)?))).collect()
                }
            };
            OutlineTable { name, entries }
        });
        Outline {
            file: path.unwrap_or_default(),
            problem: None,
            tables: tables.filter(|table| !table.entries.is_empty()).collect(),
        }
    }
}

fn members(file: &JobFile) -> Vec<(String, String)> {
    let operation = file.connect.operation.as_deref().and_then(Operation::from_name).unwrap_or_default();
    file.request.as_ref().map(|request| request.redacted_members(operation)).unwrap_or_default()
}

fn lookup_sizes(file: &JobFile) -> Vec<(String, String)> {
    let tables = file.request.iter().flat_map(|request| &request.tables);
    let size = |number| format!("{number} {}", if number == 1 { "entry" } else { "entries" });
    tables.map(|(name, entries)| (name.clone(), size(entries.len()))).collect()
}

/// The value of a key; `None` if it is not set or is empty.
fn value(file: &JobFile, table: &str, key: &str) -> Option<String> {
    match (table, key) {
        // A skeleton may set the instance and the operation.
        ("connect", "instance_id") => file.connect.instance_id.clone(),
        ("connect", "operation") => file.connect.operation.clone(),
        ("connect", "endpoint_url") => file.connect.endpoint_url.as_deref().map(without_secrets),
        _ => file.written.get(table)?.get(key).map(text).filter(|text| !text.is_empty()),
    }
}

fn text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

/// A URL's scheme, host and port; its other parts may be secrets.
fn without_secrets(url: &str) -> String {
    origin(url).unwrap_or_else(|| "…".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A job file with every key.
    const ALL: &str = r#"
        [connect]
        instance_id = "i"
        region = "eu-west-2"
        operation = "CreateContact"
        namespace = "second"
        profile = "p"
        endpoint_url = "https://user:password@example.com:8443/path?token=secret#part"
        ca_bundle = "ca.pem"
        no_sign_request = false
        connect_timeout = "5s"
        read_timeout = 90
        [source]
        files = ["a.csv", "b-*.csv"]
        key = ["Ticket ID"]
        delimiter = ";"
        quote = "none"
        escape = "none"
        escape_in = "all"
        encoding = "utf-8"
        key_compare = "trim"
        where = "status == 'Closed'"
        format = "csv"
        null = ["NULL"]
        skip_lines = 1
        columns = ["a"]
        short_rows = "pad"
        [request]
        Name = "Dear {{ name }}"
        [lookup.status]
        "private word" = "other private word"
        [mapping]
        on_too_long = "truncate"
        [pacing]
        rate = "auto"
        burst = 5
        concurrency = 9
        max_attempts = 3
        [run]
        shard = "0/4"
        ledger = "l.db"
        rejects = "r.csv"
        metrics_file = "m.prom"
        log_file = "import.log"
        limit = 10
        max_errors = "1%"
        accept = ["DuplicateKey"]
        no_check = true
        grace = "30s"
        max_duration = "7h"
        name = "Tickets 2026"
        lock_wait = "5m"
        idempotency_window = "24h"
        on_unknown = "hold"
        yes = true
        progress = "none"
        report_every = "10m"
        output = "json"
        [check]
        strict = true
        [verify]
        search_attribute = "legacy_id"
        describe_rate = 5.0
        search_rate = 0.5
        [sandbox]
        rate = 25.0
        burst = 10
        latency = "40ms"
        keep = "contacts.jsonl"
    "#;

    fn outline(text: &str) -> Outline {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("job.toml");
        std::fs::write(&path, text).unwrap();
        Outline::of(&JobFile::read(&path).unwrap())
    }

    #[test]
    fn every_key_of_a_job_file_is_in_the_outline() {
        let outline = outline(ALL);
        for (name, keys) in keys() {
            let table = outline.tables.iter().find(|table| table.name == name).unwrap();
            for key in keys {
                assert!(table.entries.iter().any(|(entry, _)| entry == key), "{name}.{key}");
            }
        }
    }

    #[test]
    fn secrets_and_data_are_not_in_the_outline() {
        let outline = outline(ALL);
        let said = format!("{outline:?}");
        for secret in ["user", "password", "secret", "path?", "private", "Dear"] {
            assert!(!said.contains(secret), "{secret} in {said}");
        }
        for shown in ["https://example.com:8443", "{{ name }}", "1 entry", "7h", "truncate", "a.csv, b-*.csv"]
        {
            assert!(said.contains(shown), "{shown} not in {said}");
        }
        assert_eq!(without_secrets("no URL at all"), "…");
    }

    #[test]
    fn an_empty_job_file_has_no_tables() {
        assert_eq!(outline("").tables, []);
    }
}
