//! What can be wrong with a mapping or a row.

use std::fmt;

use thiserror::Error;

/// The mapping does not fit the operation or the header; nothing can be sent.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("{place}: {problem}")]
pub struct MappingError {
    /// Job file and line, or CSV file, and the member.
    pub place: String,
    /// What is wrong and what to do.
    pub problem: String,
}

/// One thing that is wrong with a row. It never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fault {
    /// The member's path; empty where the row as a whole is at fault.
    pub member: String,
    /// The size that was found; empty where a size says nothing.
    pub found: String,
    /// The rule, or the remedy.
    pub rule: String,
    /// What the member is made from, such as `from {{ ticket_subject }}`; may be empty.
    pub origin: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { member, found, rule, origin } = self;
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

/// Why one row cannot become a request.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// A stable word for counting, one of [`Rejection::CODES`].
    pub code: &'static str,
    /// All that is wrong; at least one.
    pub faults: Vec<Fault>,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl Rejection {
    /// The words for what this tool itself finds wrong with a row, anew in every run. Any other code on a
    /// rejected row is the service's.
    pub const CODES: [&str; 6] =
        ["Mapping", "Validation", Self::RAGGED, Self::STRAY, "EmptyKey", Self::DUPLICATE];

    /// The code of rows with more or fewer cells than the header.
    pub const RAGGED: &str = "RaggedRow";

    /// The code of rows with text after a closing quote.
    pub const STRAY: &str = "StrayQuote";

    /// The code of rows whose key an earlier row has.
    pub const DUPLICATE: &str = "DuplicateKey";

    /// A rejection of the row as a whole.
    pub fn of_row(code: &'static str, found: impl Into<String>, rule: impl Into<String>) -> Self {
        let fault = Fault { found: found.into(), rule: rule.into(), ..Fault::default() };
        Rejection { code, faults: vec![fault] }
    }
}

/// What can go wrong with one row.
#[derive(Debug, Error)]
pub enum MapFault {
    /// The row is at fault.
    #[error(transparent)]
    Row(#[from] Rejection),
    /// The mapping is at fault, in a branch that no earlier row took.
    #[error(transparent)]
    Job(#[from] MappingError),
}
