//! A mapping as the user wrote it, before it is compiled for a header.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::error::MappingError;
use crate::digest::Digest;
use crate::request::Operation;

/// A mapping that is not compiled yet.
#[derive(Clone, Debug)]
pub struct MappingSource {
    /// The operation of the requests.
    pub operation: Operation,
    /// The handling of texts that exceed a limit of the service.
    pub on_too_long: OnTooLong,
    /// The source of the request's members.
    pub members: MemberSource,
}

/// The source of a request's members.
#[derive(Clone, Debug)]
pub enum MemberSource {
    /// `[request]` of a job file.
    Templates(RequestTemplates),
    /// The header: each column is named by a member's JSON path.
    HeaderPaths {
        /// The key: columns and templates, whose columns need not be members.
        key: Vec<String>,
    },
}

/// The handling of a text that is longer than the service accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OnTooLong {
    /// Rejects the row.
    #[default]
    Reject,
    /// Cuts names, descriptions and values to the limit, but never ids, URLs, dates and numbers.
    Truncate,
}

/// `[request]` and `[lookup]` of a job file.
#[derive(Clone, Debug, Default)]
pub struct RequestTemplates {
    /// The job file's name, for messages.
    pub file: String,
    /// The operation's JSON with templates in its strings.
    pub tree: Map<String, Value>,
    /// The job file's line of each member, by dotted path.
    pub lines: BTreeMap<String, usize>,
    /// The tables of `[lookup]`, by name.
    pub tables: BTreeMap<String, BTreeMap<String, String>>,
}

impl MappingSource {
    /// A digest of everything but the row that decides its request, and whether it is sent: `condition` is the job's. A row
    /// that Connect rejected is sent again when this digest changes.
    pub fn fingerprint(&self, condition: Option<&str>) -> Digest {
        let members = match &self.members {
            MemberSource::Templates(templates) => json!([templates.tree, templates.tables]),
            MemberSource::HeaderPaths { .. } => Value::Null,
        };
        Digest::of([json!([members, self.on_too_long, condition]).to_string().as_bytes()])
    }
}

impl RequestTemplates {
    /// The place of a member in the job file.
    pub(super) fn place(&self, member: &str) -> String {
        let line = self.lines.get(member).map(|line| format!(", line {line}")).unwrap_or_default();
        format!("{}{line}, [request] {member}", self.file)
    }

    pub(super) fn error(&self, member: &str, problem: impl Into<String>) -> MappingError {
        MappingError { place: self.place(member), problem: problem.into() }
    }
}
