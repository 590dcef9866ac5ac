//! Errors of a mapping and of a row. None of them holds a cell.

use std::fmt;

use serde::Serialize;
use thiserror::Error;

/// The mapping does not fit the operation or the header; no row can be sent.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{place}: {problem}")]
pub struct MappingError {
    /// The job file and line, or the CSV file, and the member.
    pub place: String,
    /// The problem and its remedy.
    pub problem: String,
}

/// One fault of a row.
// Published in the messages of `check`, with these descriptions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RowFault {
    /// Path of the member; empty if the fault concerns the whole row.
    pub member: String,
    /// Size of the value; empty if the size is irrelevant.
    pub found: String,
    /// The rule, or the remedy.
    pub rule: String,
    /// Template or column of the member; may be empty.
    pub origin: String,
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RowFault { member, found, rule, origin } = self;
        if !member.is_empty() {
            write!(f, "{member} ")?;
        }
        if !found.is_empty() {
            write!(f, "{found}, ")?;
        }
        f.write_str(rule)?;
        if origin.is_empty() { Ok(()) } else { write!(f, " ({origin})") }
    }
}

/// All faults for which a row cannot be sent.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// A stable code for counting, one of [`Rejection::CODES`].
    pub code: &'static str,
    /// The faults; at least one.
    pub faults: Vec<RowFault>,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.faults.iter().map(RowFault::to_string).collect();
        f.write_str(&faults.join("; "))
    }
}

impl Rejection {
    /// The codes of rejections by this tool, which checks each row again in every run. Any other code of a
    /// rejected row is the service's.
    pub const CODES: [&str; 11] = [
        "Mapping",
        "Validation",
        Self::RAGGED,
        Self::STRAY,
        Self::MALFORMED,
        "EmptyKey",
        Self::DUPLICATE,
        Self::HEADER_ROW,
        Self::RULE_ROW,
        Self::COUNT_ROW,
        Self::TOO_EXPENSIVE,
    ];

    /// The codes of rows whose form was wrong. In a rejects file such a row is imported only after its `_code` is cleared,
    /// which confirms its cells.
    pub const FORM_CODES: [&str; 4] = [Self::RAGGED, Self::STRAY, Self::MALFORMED, Self::COUNT_ROW];

    /// The code of rows with more or fewer cells than the header.
    pub const RAGGED: &str = "RaggedRow";

    /// The code of rows with text after a closing quote.
    pub const STRAY: &str = "StrayQuote";

    /// The code of rows with bytes that are not text in the file's encoding.
    pub const MALFORMED: &str = "MalformedText";

    /// The code of rows with the key of an earlier row.
    pub const DUPLICATE: &str = "DuplicateKey";

    /// The code of records that repeat the header.
    pub const HEADER_ROW: &str = "HeaderRow";

    /// The code of records of dashes.
    pub const RULE_ROW: &str = "RuleRow";

    /// The code of records that hold a number of rows, a total or an end mark only.
    pub const COUNT_ROW: &str = "CountRow";

    /// The code of rows for which a template exceeds its bounds.
    pub const TOO_EXPENSIVE: &str = "TemplateTooExpensive";

    /// A rejection of the row as a whole.
    pub fn of_row(code: &'static str, found: impl Into<String>, rule: impl Into<String>) -> Self {
        let fault = RowFault { found: found.into(), rule: rule.into(), ..RowFault::default() };
        Rejection { code, faults: vec![fault] }
    }

    /// The rejection of a row whose key the row on this line has, in the same file or in `other_file`.
    pub fn duplicate(line: u64, other_file: Option<&str>) -> Self {
        let of = other_file.map(|file| format!(" of {file}")).unwrap_or_default();
        let found = format!("has the key of line {line}{of}");
        Rejection::of_row(Rejection::DUPLICATE, found, "only the first row of a key is imported")
    }

    /// A rejection of one member that cannot be rendered.
    pub(super) fn of_member(member: &str, rule: impl Into<String>, origin: &str) -> Self {
        let (member, origin) = (member.to_owned(), origin.to_owned());
        let fault = RowFault { member, rule: rule.into(), origin, ..RowFault::default() };
        Rejection { code: "Mapping", faults: vec![fault] }
    }
}

/// Error of [`Mapping::map`](super::Mapping::map).
#[derive(Debug, Error)]
pub enum MapError {
    /// The row is at fault.
    #[error(transparent)]
    Row(#[from] Rejection),
    /// The mapping is at fault, in a branch that no earlier row took.
    #[error(transparent)]
    Job(#[from] MappingError),
}

/// Error of a template or filter.
#[derive(Clone, Debug, Error)]
pub(super) enum RenderError {
    /// The row's cell does not fit.
    #[error("{0}")]
    Row(String),
    /// The row makes the template exceed its bounds.
    #[error("{TOO_EXPENSIVE}")]
    TooExpensive,
    /// The template is wrong for every row.
    #[error("{0}")]
    Job(String),
}

impl RenderError {
    /// Code of the rejection of a row because of this error.
    pub(super) fn code(&self) -> &'static str {
        match self {
            RenderError::TooExpensive => Rejection::TOO_EXPENSIVE,
            RenderError::Row(_) | RenderError::Job(_) => "Mapping",
        }
    }
}

/// The rule and its remedy. The numbers are those of `super::bounds`.
pub(super) const TOO_EXPENSIVE: &str = "its template takes more than 1048576 steps or makes more than 64 MiB of text; \
     shorten its loops, or cut its columns first, as in {{ column | truncate(4096) }}";
