//! An outline of a job file for diagnostics that may be mailed.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::file::JobFile;
use crate::request::Operation;
use crate::submission::OnUnknown;

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

impl OutlineTable {
    fn new(name: &'static str) -> Self {
        OutlineTable { name, entries: Vec::new() }
    }

    fn add(&mut self, key: &str, value: Option<impl Display>) {
        self.entries.extend(value.map(|value| (key.to_owned(), value.to_string())));
    }

    fn add_list(&mut self, key: &str, values: impl IntoIterator<Item = impl Display>) {
        let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
        self.add(key, (!values.is_empty()).then(|| values.join(", ")));
    }

    fn add_path(&mut self, key: &str, path: &Option<PathBuf>) {
        self.add(key, path.as_deref().map(Path::display));
    }

    fn add_time(&mut self, key: &str, time: Option<Duration>) {
        self.add(key, time.map(humantime::format_duration));
    }

    /// Adds the name of a variant, as the job file spells it.
    fn add_variant(&mut self, key: &str, variant: Option<impl Serialize>) {
        let name = variant.and_then(|variant| serde_json::to_value(variant).ok());
        self.add(key, name.as_ref().and_then(|name| name.as_str()));
    }
}

impl Outline {
    /// The outline of a job file that cannot be read or is invalid. It has no details, which may quote the
    /// file.
    pub(super) fn unreadable(path: &Path) -> Self {
        let problem = "it cannot be read or is no longer valid".to_owned();
        Outline { file: path.display().to_string(), problem: Some(problem), tables: Vec::new() }
    }

    /// The outline of a job file.
    pub(super) fn of(file: &JobFile) -> Self {
        let path = file.path.as_deref().map(Path::display);
        Outline {
            file: path.map(|path| path.to_string()).unwrap_or_default(),
            problem: None,
            tables: tables(file).into_iter().filter(|table| !table.entries.is_empty()).collect(),
        }
    }
}

fn tables(file: &JobFile) -> [OutlineTable; 9] {
    let operation = file.connect.operation.as_deref().and_then(Operation::from_name);
    let mut request = OutlineTable::new("request");
    let mut lookup = OutlineTable::new("lookup");
    if let Some(templates) = &file.request {
        request.entries = templates.redacted_members(operation.unwrap_or(Operation::CreateContact));
        for (name, entries) in &templates.tables {
            let number = entries.len();
            lookup.add(name, Some(format!("{number} {}", if number == 1 { "entry" } else { "entries" })));
        }
    }
    let mut mapping = OutlineTable::new("mapping");
    mapping.add_variant("on_too_long", file.mapping.on_too_long);
    let mut verify = OutlineTable::new("verify");
    verify.add("search_attribute", file.verify.search_attribute.as_ref());
    verify.add("describe_rate", file.verify.describe_rate);
    verify.add("search_rate", file.verify.search_rate);
    let mut sandbox = OutlineTable::new("sandbox");
    sandbox.add("rate", file.sandbox.rate);
    sandbox.add("burst", file.sandbox.burst);
    sandbox.add_time("latency", file.sandbox.latency);
    [connect(file), source(file), request, lookup, mapping, pacing(file), run(file), verify, sandbox]
}

fn connect(file: &JobFile) -> OutlineTable {
    let (mut table, settings) = (OutlineTable::new("connect"), &file.connect);
    table.add("instance_id", settings.instance_id.as_ref());
    table.add("region", settings.region.as_ref());
    table.add("operation", settings.operation.as_ref());
    table.add("namespace", settings.namespace.as_ref());
    table.add("profile", settings.profile.as_ref());
    table.add("endpoint_url", settings.endpoint_url.as_deref().map(without_secrets));
    table.add_path("ca_bundle", &settings.ca_bundle);
    table.add("no_sign_request", settings.no_sign_request);
    table.add_time("connect_timeout", settings.connect_timeout);
    table.add_time("read_timeout", settings.read_timeout);
    table
}

fn source(file: &JobFile) -> OutlineTable {
    let (mut table, settings) = (OutlineTable::new("source"), &file.source);
    table.add_list("files", settings.files.iter().map(|path| path.display()));
    table.add_list("key", &settings.key);
    table.add("delimiter", settings.delimiter.as_ref());
    table.add("quote", settings.quote.as_ref());
    table.add("escape", settings.escape.as_ref());
    table.add("encoding", settings.encoding.as_ref());
    table
}

fn pacing(file: &JobFile) -> OutlineTable {
    let (mut table, settings) = (OutlineTable::new("pacing"), &file.pacing);
    table.add("rate", settings.rate);
    table.add("burst", settings.burst);
    table.add("concurrency", settings.concurrency);
    table.add("max_attempts", settings.max_attempts);
    table
}

fn run(file: &JobFile) -> OutlineTable {
    let (mut table, settings) = (OutlineTable::new("run"), &file.run);
    table.add("shard", settings.shard);
    table.add_path("ledger", &settings.ledger);
    table.add_path("rejects", &settings.rejects);
    table.add_path("metrics_file", &settings.metrics_file);
    table.add("limit", settings.limit);
    table.add("max_errors", settings.max_errors);
    table.add("no_check", settings.no_check);
    table.add_time("grace", settings.grace);
    table.add_time("max_duration", settings.max_duration);
    table.add_time("lock_wait", settings.lock_wait);
    table.add_time("idempotency_window", settings.idempotency_window);
    table.add("on_unknown", settings.on_unknown.map(OnUnknown::name));
    table.add_variant("progress", settings.progress);
    table.add_time("report_every", settings.report_every);
    table.add_variant("output", settings.output);
    table
}

/// A URL's scheme, host and port; its other parts may be secrets.
fn without_secrets(url: &str) -> String {
    let uri = url.parse::<hyper::Uri>().ok();
    let shown = uri.and_then(|uri| {
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}://{}{port}", uri.scheme_str()?, uri.host()?))
    });
    shown.unwrap_or_else(|| "…".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::keys;
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
        encoding = "utf-8"
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
        limit = 10
        max_errors = "1%"
        no_check = true
        grace = "30s"
        max_duration = "7h"
        lock_wait = "5m"
        idempotency_window = "24h"
        on_unknown = "hold"
        progress = "none"
        report_every = "10m"
        output = "json"
        [verify]
        search_attribute = "legacy_id"
        describe_rate = 5.0
        search_rate = 0.5
        [sandbox]
        rate = 25.0
        burst = 10
        latency = "40ms"
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
            let table = outline.tables.iter().find(|table| table.name == *name).unwrap();
            for key in *keys {
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
