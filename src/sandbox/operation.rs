//! The operations the sandbox knows.

use hyper::Method;

/// An operation of the service. Each has a throttling quota of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Makes a contact.
    Create(Creation),
    /// Shows one contact.
    DescribeContact,
    /// Finds contacts.
    SearchContacts,
}

/// An operation that makes a contact. Client tokens are each one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Creation {
    /// Makes a contact of any channel, which may be completed already.
    CreateContact,
    /// Starts the flow of a new task.
    StartTaskContact,
}

impl Operation {
    pub(super) const ALL: [Operation; 4] = [
        Operation::Create(Creation::CreateContact),
        Operation::Create(Creation::StartTaskContact),
        Operation::DescribeContact,
        Operation::SearchContacts,
    ];

    /// The name in the service model.
    pub(super) fn name(self) -> &'static str {
        match self {
            Operation::Create(creation) => creation.name(),
            Operation::DescribeContact => "DescribeContact",
            Operation::SearchContacts => "SearchContacts",
        }
    }

    /// The method in the service model (connect, 2017-08-08).
    pub(super) fn method(self) -> Method {
        match self {
            Operation::Create(_) => Method::PUT,
            Operation::DescribeContact => Method::GET,
            Operation::SearchContacts => Method::POST,
        }
    }

    /// The path in the service model, with its labels in braces.
    pub(super) fn path(self) -> &'static str {
        match self {
            Operation::Create(Creation::CreateContact) => "/contact/create-contact",
            Operation::Create(Creation::StartTaskContact) => "/contact/task",
            Operation::DescribeContact => "/contacts/{InstanceId}/{ContactId}",
            Operation::SearchContacts => "/search-contacts",
        }
    }
}

impl Creation {
    pub(super) const ALL: [Creation; 2] = [Creation::CreateContact, Creation::StartTaskContact];

    /// The operation of that name.
    pub(super) fn named(name: &str) -> Option<Creation> {
        Creation::ALL.into_iter().find(|creation| creation.name() == name)
    }

    /// The name in the service model. It is in state files, so it never changes.
    pub(super) fn name(self) -> &'static str {
        match self {
            Creation::CreateContact => "CreateContact",
            Creation::StartTaskContact => "StartTaskContact",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_back_to_its_operation() {
        for creation in Creation::ALL {
            assert_eq!(Creation::named(creation.name()), Some(creation));
        }
        assert_eq!(Creation::named("StopContact"), None);
        // It makes no contact.
        assert_eq!(Creation::named("DescribeContact"), None);
    }
}
