//! The operations the sandbox knows.

use hyper::Method;

/// An operation of the service. Quotas and client tokens are each operation's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    /// Makes a contact of any channel, which may be completed already.
    CreateContact,
    /// Starts the flow of a new task.
    StartTaskContact,
}

impl Operation {
    pub(super) const ALL: [Operation; 2] = [Operation::CreateContact, Operation::StartTaskContact];

    /// The operation that a request asks for.
    pub(super) fn asked_for(method: &Method, path: &str) -> Option<Operation> {
        let operation = Operation::ALL.into_iter().find(|operation| operation.path() == path);
        operation.filter(|_| method == Method::PUT)
    }

    /// The operation of that name.
    pub(super) fn named(name: &str) -> Option<Operation> {
        Operation::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// The name in the service model. It is in state files, so it never changes.
    pub(super) fn name(self) -> &'static str {
        match self {
            Operation::CreateContact => "CreateContact",
            Operation::StartTaskContact => "StartTaskContact",
        }
    }

    /// The path, with the method PUT (service model, connect, 2017-08-08).
    pub(super) fn path(self) -> &'static str {
        match self {
            Operation::CreateContact => "/contact/create-contact",
            Operation::StartTaskContact => "/contact/task",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_asked_for_by_put_and_its_path() {
        for operation in Operation::ALL {
            assert_eq!(Operation::asked_for(&Method::PUT, operation.path()), Some(operation));
            assert_eq!(Operation::asked_for(&Method::POST, operation.path()), None);
        }
        for path in ["/contact", "/contact/task/", "/contact/tasks", "/"] {
            assert_eq!(Operation::asked_for(&Method::PUT, path), None, "{path}");
        }
    }

    #[test]
    fn a_name_leads_back_to_its_operation() {
        for operation in Operation::ALL {
            assert_eq!(Operation::named(operation.name()), Some(operation));
        }
        assert_eq!(Operation::named("StopContact"), None);
    }
}
