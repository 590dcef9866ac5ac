//! What a request asks for, by its method and its path. Pure.

use hyper::Method;

use super::operation::{Creation, Operation};

/// An operation with what the path says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Create(Creation),
    /// The labels are as they stand in the path, percent-encoded.
    Describe {
        instance_id: &'a str,
        contact_id: &'a str,
    },
    Search,
}

impl<'a> Route<'a> {
    /// The route of a request, or `None` if no operation has it.
    pub(super) fn of(method: &Method, path: &'a str) -> Option<Route<'a>> {
        let operations = Operation::ALL.into_iter().filter(|operation| operation.method() == method);
        operations.filter_map(|operation| Route::to(operation, path)).next()
    }

    /// The operation that is asked for.
    pub(super) fn operation(self) -> Operation {
        match self {
            Route::Create(creation) => Operation::Create(creation),
            Route::Describe { .. } => Operation::DescribeContact,
            Route::Search => Operation::SearchContacts,
        }
    }

    /// The route to an operation, if the path is its own.
    fn to(operation: Operation, path: &'a str) -> Option<Route<'a>> {
        let own = operation.path() == path;
        match operation {
            Operation::Create(creation) => own.then_some(Route::Create(creation)),
            Operation::SearchContacts => own.then_some(Route::Search),
            Operation::DescribeContact => {
                let (instance_id, contact_id) = path.strip_prefix("/contacts/")?.split_once('/')?;
                (!contact_id.contains('/')).then_some(Route::Describe { instance_id, contact_id })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_asked_for_by_its_method_and_its_path() {
        for operation in Operation::ALL {
            let route = Route::of(&operation.method(), operation.path());
            assert_eq!(route.map(Route::operation), Some(operation));
            assert_eq!(Route::of(&Method::DELETE, operation.path()), None);
        }
        for path in ["/contact", "/contact/task/", "/contact/tasks", "/"] {
            assert_eq!(Route::of(&Method::PUT, path), None, "{path}");
        }
    }

    #[test]
    fn the_contact_to_describe_is_two_labels_of_the_path() {
        for (path, instance_id, contact_id) in [
            ("/contacts/i/c", "i", "c"),
            ("/contacts/arn%3Ai%2Fj/c%2Fd", "arn%3Ai%2Fj", "c%2Fd"),
            ("/contacts/i/", "i", ""),
        ] {
            let route = Route::of(&Method::GET, path);
            assert_eq!(route, Some(Route::Describe { instance_id, contact_id }), "{path}");
        }
        for path in ["/contacts/i", "/contacts/i/c/d", "/contact/i/c", "/contacts"] {
            assert_eq!(Route::of(&Method::GET, path), None, "{path}");
        }
    }
}
