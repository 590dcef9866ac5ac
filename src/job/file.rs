//! Parser of the job file: TOML or a JSON skeleton. Unknown keys are refused with their line and a suggestion.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use toml::de::{DeTable, DeValue};

use super::line_index::LineIndex;
use super::skeleton::{self, Skeleton};
use super::values::{budget, codes, time};
use crate::cli::{Output, ProgressKind};
use crate::engine::ErrorBudget;
use crate::file_kind::read_bounded;
use crate::mapping::{OnTooLong, RequestTemplates};
use crate::pacing::Rate;
use crate::paths::uncompressed;
use crate::printable::ShownPath as _;
use crate::shard::Shard;
use crate::source::{EscapeScope, KeyComparison, ShortRows, SourceFormat};
use crate::submission::OnUnknown;
use crate::suggest::{did_you_mean, similar_file};

/// Tables of a job file with their keys. `[request]` has the operation's members and `[lookup]` user-defined tables, so
/// neither lists keys.
const KEYS: [(&str, &str); 10] = [
    (
        "connect",
        "instance_id region operation namespace profile endpoint_url ca_bundle no_sign_request connect_timeout \
         read_timeout",
    ),
    (
        "source",
        "files key key_compare where format delimiter quote escape escape_in encoding null skip_lines columns short_rows",
    ),
    ("request", ""),
    ("lookup", ""),
    ("mapping", "on_too_long"),
    ("pacing", "rate burst concurrency max_attempts"),
    (
        "run",
        "name shard ledger rejects metrics_file log_file limit max_errors accept no_check grace max_duration lock_wait \
         idempotency_window on_unknown yes progress report_every output",
    ),
    ("check", "strict"),
    ("verify", "search_attribute describe_rate search_rate"),
    ("sandbox", "rate burst latency keep"),
];

/// Tables of a job file with their keys, for suggestions, outlines and the test of the reference chapter.
pub fn keys() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    KEYS.into_iter().map(|(table, keys)| (table, keys.split(' ').filter(|key| !key.is_empty()).collect()))
}

/// A parsed job file. Values are validated later, together with the flags.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobFile {
    #[serde(skip)]
    pub(super) path: Option<PathBuf>,
    /// The values as they are written.
    #[serde(skip)]
    pub(super) written: toml::Table,
    pub(super) connect: ConnectTable,
    pub(super) source: SourceTable,
    #[serde(rename = "request")]
    members: Option<Members>,
    #[serde(skip)]
    pub(super) request: Option<RequestTemplates>,
    lookup: BTreeMap<String, BTreeMap<String, String>>,
    pub(super) mapping: MappingTable,
    pub(super) pacing: PacingTable,
    pub(super) run: RunTable,
    pub(super) check: CheckTable,
    pub(super) verify: VerifyTable,
    pub(super) sandbox: SandboxTable,
}

/// `[request]`, or `request = "skeleton.json"`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Members {
    Table(toml::Table),
    Skeleton(PathBuf),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ConnectTable {
    pub(super) instance_id: Option<String>,
    pub(super) region: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) profile: Option<String>,
    pub(super) endpoint_url: Option<String>,
    pub(super) ca_bundle: Option<PathBuf>,
    pub(super) no_sign_request: Option<bool>,
    #[serde(deserialize_with = "time")]
    pub(super) connect_timeout: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub(super) read_timeout: Option<Duration>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SourceTable {
    pub(super) files: Vec<PathBuf>,
    pub(super) key: Vec<String>,
    pub(super) key_compare: Option<KeyComparison>,
    #[serde(rename = "where")]
    pub(super) condition: Option<String>,
    pub(super) format: Option<SourceFormat>,
    pub(super) delimiter: Option<String>,
    pub(super) quote: Option<String>,
    pub(super) escape: Option<String>,
    pub(super) escape_in: Option<EscapeScope>,
    pub(super) encoding: Option<String>,
    pub(super) null: Option<Vec<String>>,
    pub(super) skip_lines: Option<u64>,
    pub(super) columns: Option<Vec<String>>,
    pub(super) short_rows: Option<ShortRows>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MappingTable {
    pub(super) on_too_long: Option<OnTooLong>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PacingTable {
    pub(super) rate: Option<Rate>,
    pub(super) burst: Option<u32>,
    pub(super) concurrency: Option<usize>,
    pub(super) max_attempts: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RunTable {
    pub(super) name: Option<String>,
    pub(super) shard: Option<Shard>,
    pub(super) ledger: Option<PathBuf>,
    pub(super) rejects: Option<PathBuf>,
    pub(super) metrics_file: Option<PathBuf>,
    pub(super) log_file: Option<PathBuf>,
    pub(super) limit: Option<u64>,
    #[serde(deserialize_with = "budget")]
    pub(super) max_errors: Option<ErrorBudget>,
    #[serde(deserialize_with = "codes")]
    pub(super) accept: Vec<String>,
    pub(super) no_check: Option<bool>,
    #[serde(deserialize_with = "time")]
    pub(super) grace: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub(super) max_duration: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub(super) lock_wait: Option<Duration>,
    #[serde(deserialize_with = "time")]
    pub(super) idempotency_window: Option<Duration>,
    pub(super) on_unknown: Option<OnUnknown>,
    pub(super) yes: Option<bool>,
    pub(super) progress: Option<ProgressKind>,
    #[serde(deserialize_with = "time")]
    pub(super) report_every: Option<Duration>,
    pub(super) output: Option<Output>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CheckTable {
    pub(super) strict: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct VerifyTable {
    pub(super) search_attribute: Option<String>,
    pub(super) describe_rate: Option<f64>,
    pub(super) search_rate: Option<f64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SandboxTable {
    pub(super) rate: Option<f64>,
    pub(super) burst: Option<u32>,
    #[serde(deserialize_with = "time")]
    pub(super) latency: Option<Duration>,
    pub(super) keep: Option<PathBuf>,
}

/// The job file is unreadable or invalid.
#[derive(Debug, Error)]
pub enum JobFileError {
    /// It cannot be read.
    #[error("cannot read the job file {}: {source}{}", path.shown(), similar_file(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The path ends in `.csv` or `.tsv`.
    #[error("{} is a CSV by its name, not a job file; name it without --job", .0.shown())]
    Csv(PathBuf),
    /// The text is neither TOML nor JSON, a key is unknown, or a value has the wrong type.
    #[error("{}, line {line}: {message}", path.shown())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The problem.
        message: String,
    },
}

impl JobFile {
    /// Reads the job file at `path`; without a path, returns an empty one. The path may be a pipe, so it is read once.
    ///
    /// # Errors
    /// See [`JobFileError`].
    pub fn at(path: Option<&Path>) -> Result<Self, JobFileError> {
        path.map_or_else(|| Ok(JobFile::default()), JobFile::read)
    }

    pub(super) fn read(path: &Path) -> Result<Self, JobFileError> {
        if uncompressed(path).extension().is_some_and(|kind| kind == "csv" || kind == "tsv") {
            return Err(JobFileError::Csv(path.to_owned()));
        }
        JobFile::from_text(path, &read_text(path)?)
    }

    /// Parses the text of a job file. `path` is the file that errors name and that relative paths start from. A request
    /// skeleton that the text names is read too.
    ///
    /// # Errors
    /// See [`JobFileError`].
    pub fn from_text(path: &Path, text: &str) -> Result<Self, JobFileError> {
        // Editors on Windows write a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if skeleton::is_json(text) { JobFile::of_skeleton(path, text) } else { JobFile::parse(path, text) }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, JobFileError> {
        let index = LineIndex::new(text);
        let wrong = |error: toml::de::Error| JobFileError::Syntax {
            path: path.to_owned(),
            line: error.span().map_or(1, |span| index.line_of(span.start)),
            message: error.message().to_owned(),
        };
        let document = DeTable::parse(text).map_err(wrong)?;
        let mut lines = BTreeMap::new();
        for (table, value) in document.get_ref() {
            let line = index.line_of(table.span().start);
            let name: &str = table.get_ref();
            let unknown = |line, key: String, word: &str, known: &[&'static str]| {
                let hint = did_you_mean(word, known.iter().copied())
                    .unwrap_or_else(|| format!("; known keys: {}", known.join(", ")));
                let message = format!("unknown key '{key}'{hint}");
                JobFileError::Syntax { path: path.to_owned(), line, message }
            };
            let Some((_, known)) = keys().find(|(table, _)| *table == name) else {
                let tables: Vec<_> = keys().map(|(table, _)| table).collect();
                return Err(unknown(line, name.to_owned(), name, &tables));
            };
            if let (DeValue::String(_), "request") = (value.get_ref(), name) {
                continue;
            }
            let DeValue::Table(entries) = value.get_ref() else {
                let message = format!("'{name}' must be a table: [{name}]");
                return Err(JobFileError::Syntax { path: path.to_owned(), line, message });
            };
            if name == "request" {
                member_lines(&index, "", entries, &mut lines);
                continue;
            }
            if name == "lookup" {
                continue;
            }
            for key in entries.keys() {
                let word: &str = key.get_ref();
                if !known.contains(&word) {
                    let line = index.line_of(key.span().start);
                    return Err(unknown(line, format!("{name}.{word}"), word, &known));
                }
            }
        }
        let mut job: JobFile = toml::from_str(text).map_err(wrong)?;
        job.path = Some(path.to_owned());
        job.written = toml::from_str(text).map_err(wrong)?;
        let tables = std::mem::take(&mut job.lookup);
        job.request = match job.members.take() {
            Some(Members::Table(members)) => Some(RequestTemplates {
                file: path.shown(),
                tree: members.into_iter().map(|(name, value)| (name, json(value))).collect(),
                lines,
                tables,
            }),
            Some(Members::Skeleton(file)) => {
                let file = job.beside(&file);
                let skeleton = Skeleton::parse(&file, &read_text(&file)?)?;
                Some(RequestTemplates { tables, ..job.adopt(skeleton) })
            }
            None => None,
        };
        Ok(job)
    }

    /// A job that consists of a JSON skeleton only.
    fn of_skeleton(path: &Path, text: &str) -> Result<Self, JobFileError> {
        let mut job = JobFile { path: Some(path.to_owned()), ..JobFile::default() };
        job.request = Some(job.adopt(Skeleton::parse(path, text)?));
        Ok(job)
    }

    /// Takes instance and operation from a skeleton where the job file names none; returns its request.
    fn adopt(&mut self, skeleton: Skeleton) -> RequestTemplates {
        let connect = &mut self.connect;
        connect.instance_id = connect.instance_id.take().or(skeleton.instance_id);
        let operation = skeleton.operation.map(|operation| operation.name().to_owned());
        connect.operation = connect.operation.take().or(operation);
        skeleton.request
    }

    /// Resolves a path in this file, which is relative to the file's folder.
    pub(super) fn beside(&self, path: &Path) -> PathBuf {
        match self.path.as_deref().and_then(Path::parent) {
            Some(folder) if path != Path::new("-") => folder.join(path),
            Some(_) | None => path.to_owned(),
        }
    }
}

fn read_text(path: &Path) -> Result<String, JobFileError> {
    let text = read_bounded(path).and_then(|bytes| std::io::read_to_string(&*bytes));
    text.map_err(|source| JobFileError::Read { path: path.to_owned(), source })
}

/// Collects the line of every member below `path`.
fn member_lines(index: &LineIndex, path: &str, table: &DeTable<'_>, lines: &mut BTreeMap<String, usize>) {
    for (key, value) in table {
        let name: &str = key.get_ref();
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        if let DeValue::Table(inner) = value.get_ref() {
            member_lines(index, &path, inner, lines);
        }
        if let DeValue::Array(items) = value.get_ref() {
            for (number, item) in items.iter().enumerate() {
                if let DeValue::Table(inner) = item.get_ref() {
                    member_lines(index, &format!("{path}.{number}"), inner, lines);
                }
            }
        }
        lines.insert(path, index.line_of(key.span().start));
    }
}

/// Converts TOML to JSON; a date becomes its text.
fn json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        toml::Value::Float(number) => Value::from(number),
        toml::Value::Boolean(flag) => Value::from(flag),
        toml::Value::Datetime(date) => Value::String(date.to_string()),
        toml::Value::Array(items) => items.into_iter().map(json).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{CsvSource, Dialect, Input};

    fn parse(text: &str) -> Result<JobFile, String> {
        JobFile::parse(Path::new("job.toml"), text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_request_may_stand_in_a_json_skeleton() {
        let skeleton = r#"{"InstanceId": "i", "Name": "{{ a }}", "ContactFlowId": "f"}"#;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("s.json"), skeleton).unwrap();
        let toml = "request = \"s.json\"\n[source]\nkey = [\"a\"]";
        for (name, text) in [("job.toml", toml), ("job.json", skeleton)] {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            let job = JobFile::at(Some(&path)).unwrap();
            assert_eq!(job.connect.instance_id.as_deref(), Some("i"));
            assert_eq!(job.connect.operation.as_deref(), Some("StartTaskContact"));
            assert_eq!(job.request.unwrap().tree["Name"], "{{ a }}");
        }
    }

    #[test]
    fn every_published_key_is_accepted_and_no_other_is() {
        for (table, keys) in keys() {
            for key in keys {
                let problem = parse(&format!("[{table}]\n{key} = {{}}")).unwrap_err();
                assert!(!problem.contains("unknown key") && !problem.contains("unknown field"), "{problem}");
            }
        }
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line_and_a_suggestion() {
        assert_eq!(
            parse("[connect]\n\n[pacing]\nrat = 2").unwrap_err(),
            "job.toml, line 4: unknown key 'pacing.rat'; did you mean 'rate'?"
        );
        assert_eq!(
            parse("[sorce]\nfiles = []").unwrap_err(),
            "job.toml, line 1: unknown key 'sorce'; did you mean 'source'?"
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_refused_with_its_line() {
        let error = parse("[pacing]\nburst = 5\nrate = \"fast\"").unwrap_err();
        assert!(error.starts_with("job.toml, line 3: "), "{error}");
        let error = parse("[pacing\n").unwrap_err();
        assert!(error.starts_with("job.toml, line 1: "), "{error}");
    }

    #[test]
    fn members_know_their_lines() {
        let job = parse("[request]\nName = \"x\"\n\n[request.Attributes]\na = \"1\"").unwrap();
        let lines = job.request.unwrap().lines;
        assert_eq!(lines["Name"], 2);
        assert_eq!(lines["Attributes.a"], 5);
    }

    #[test]
    fn a_job_file_in_the_place_of_a_csv_is_recognized_by_each_of_its_tables() {
        for (table, _) in keys() {
            let text = std::io::Cursor::new(format!("[{table}]\n"));
            let error = CsvSource::from_reader(Input::Stdin, text, None, &Dialect::default()).unwrap_err();
            assert!(error.to_string().contains("a job file"), "{table}: {error}");
        }
    }
}
