//! A rule that a request breaks, told without its values.

use std::fmt;

/// One rule of the service that a request breaks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The member's JSON path, such as `References.Ticket.Value`.
    pub member: String,
    /// The size that was found; empty where a size says nothing. Never the value.
    pub found: String,
    /// The rule.
    pub rule: String,
}

impl Violation {
    /// A violation at `member`.
    pub fn new(member: impl Into<String>, found: impl Into<String>, rule: impl Into<String>) -> Self {
        Violation { member: member.into(), found: found.into(), rule: rule.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { member, found, rule } = self;
        if found.is_empty() { write!(f, "{member} {rule}") } else { write!(f, "{member} {found}, {rule}") }
    }
}
