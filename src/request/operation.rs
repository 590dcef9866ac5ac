//! Which operation of Amazon Connect an import calls.

use std::fmt;

/// An operation that makes contacts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Operation {
    /// `PUT /contact/create-contact`: contacts that may already be completed.
    CreateContact,
    /// `PUT /contact/task`: open tasks that a flow takes up.
    StartTaskContact,
}

impl Operation {
    /// Both.
    pub const ALL: [Operation; 2] = [Operation::CreateContact, Operation::StartTaskContact];

    /// The operation's name in the AWS API; part of every token, so it never changes.
    pub fn name(self) -> &'static str {
        match self {
            Operation::CreateContact => "CreateContact",
            Operation::StartTaskContact => "StartTaskContact",
        }
    }

    /// The operation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Operation::ALL.into_iter().find(|operation| operation.name() == name)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
