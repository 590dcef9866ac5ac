//! The operations of the sandbox, and which one a method and a path name. Pure.

use hyper::Method;

use super::api_error::{ApiError, ErrorCode};

/// An operation of the service. Each has a throttling quota of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ApiOperation {
    /// Creates a contact.
    Create(CreateOperation),
    /// Describes one contact.
    DescribeContact,
    /// Searches for contacts.
    SearchContacts,
}

/// An operation that creates a contact. A client token is valid within one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CreateOperation {
    /// Creates a contact of any channel, which may already be completed.
    CreateContact,
    /// Creates an open task and starts its flow.
    StartTaskContact,
}

impl ApiOperation {
    pub(super) const ALL: [ApiOperation; 4] = [
        ApiOperation::Create(CreateOperation::CreateContact),
        ApiOperation::Create(CreateOperation::StartTaskContact),
        ApiOperation::DescribeContact,
        ApiOperation::SearchContacts,
    ];

    /// The name in the service model.
    pub(super) fn name(self) -> &'static str {
        match self {
            ApiOperation::Create(operation) => operation.name(),
            ApiOperation::DescribeContact => "DescribeContact",
            ApiOperation::SearchContacts => "SearchContacts",
        }
    }
}

impl CreateOperation {
    pub(super) const ALL: [CreateOperation; 2] =
        [CreateOperation::CreateContact, CreateOperation::StartTaskContact];

    /// The operation with this name.
    pub(super) fn from_name(name: &str) -> Option<CreateOperation> {
        CreateOperation::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// The name in the service model. State files contain it.
    pub(super) fn name(self) -> &'static str {
        match self {
            CreateOperation::CreateContact => "CreateContact",
            CreateOperation::StartTaskContact => "StartTaskContact",
        }
    }
}

/// The operations of the sandbox, for the error message about any other.
pub(super) const OPERATIONS: &str = "PUT /contact/create-contact, PUT /contact/task, \
                                     GET /contacts/{InstanceId}/{ContactId}, POST /search-contacts";

/// An operation with the labels of its path, still percent-encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    Create(CreateOperation),
    Describe { instance_id: &'a str, contact_id: &'a str },
    Search,
}

impl<'a> Route<'a> {
    /// The route of a request, or `None` if no operation has its method and path. Source: service model
    /// connect, 2017-08-08.
    pub(super) fn find(method: &Method, path: &'a str) -> Option<Route<'a>> {
        match (method.as_str(), path) {
            ("PUT", "/contact/create-contact") => Some(Route::Create(CreateOperation::CreateContact)),
            ("PUT", "/contact/task") => Some(Route::Create(CreateOperation::StartTaskContact)),
            ("POST", "/search-contacts") => Some(Route::Search),
            ("GET", _) => {
                let (instance_id, contact_id) = path.strip_prefix("/contacts/")?.split_once('/')?;
                (!contact_id.contains('/')).then_some(Route::Describe { instance_id, contact_id })
            }
            _ => None,
        }
    }

    pub(super) fn operation(self) -> ApiOperation {
        match self {
            Route::Create(operation) => ApiOperation::Create(operation),
            Route::Describe { .. } => ApiOperation::DescribeContact,
            Route::Search => ApiOperation::SearchContacts,
        }
    }
}

/// The labels of `DescribeContact` (service model, connect, 2017-08-08).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ContactLabels {
    pub(super) instance_id: String,
    pub(super) contact_id: String,
}

impl ContactLabels {
    /// Decodes the labels of a path.
    ///
    /// # Errors
    ///
    /// `SerializationException` for a label that is not percent-encoded UTF-8.
    pub(super) fn decode(instance_id: &str, contact_id: &str) -> Result<ContactLabels, ApiError> {
        let decode = |member: &str, label: &str| {
            percent_decode(label).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
                let message = format!("{member} must be percent-encoded UTF-8 in the path");
                ApiError::new(ErrorCode::Serialization, message)
            })
        };
        Ok(ContactLabels {
            instance_id: decode("InstanceId", instance_id)?,
            contact_id: decode("ContactId", contact_id)?,
        })
    }
}

/// Decodes `%XX`. A plus stays a plus: only in a form does it stand for a space.
fn percent_decode(label: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(label.len());
    let mut rest = label.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex_digit(rest.next()?)? << 4 | hex_digit(rest.next()?)?,
            _ => byte,
        });
    }
    Some(bytes)
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_found_by_its_name() {
        for operation in CreateOperation::ALL {
            assert_eq!(CreateOperation::from_name(operation.name()), Some(operation));
        }
        assert_eq!(CreateOperation::from_name("StopContact"), None);
        // It creates no contact.
        assert_eq!(CreateOperation::from_name("DescribeContact"), None);
    }

    #[test]
    fn a_route_is_found_by_its_method_and_its_path() {
        let listed: Vec<(&str, &str)> =
            OPERATIONS.split(", ").map(|operation| operation.split_once(' ').unwrap()).collect();
        let find = |(method, path): (&str, &'static str)| {
            Route::find(&Method::from_bytes(method.as_bytes()).unwrap(), path).map(Route::operation)
        };
        let found: Vec<ApiOperation> = listed.iter().copied().filter_map(find).collect();
        assert_eq!(found, ApiOperation::ALL);
        for (_, path) in listed {
            assert_eq!(Route::find(&Method::DELETE, path), None);
        }
        for path in ["/contact", "/contact/task/", "/contact/tasks", "/"] {
            assert_eq!(Route::find(&Method::PUT, path), None, "{path}");
        }
    }

    #[test]
    fn the_contact_to_describe_is_two_labels_of_the_path() {
        for (path, instance_id, contact_id) in [
            ("/contacts/i/c", "i", "c"),
            ("/contacts/arn%3Ai%2Fj/c%2Fd", "arn%3Ai%2Fj", "c%2Fd"),
            ("/contacts/i/", "i", ""),
        ] {
            let route = Route::find(&Method::GET, path);
            assert_eq!(route, Some(Route::Describe { instance_id, contact_id }), "{path}");
        }
        for path in ["/contacts/i", "/contacts/i/c/d", "/contact/i/c", "/contacts"] {
            assert_eq!(Route::find(&Method::GET, path), None, "{path}");
        }
    }

    #[test]
    fn a_label_is_percent_decoded() {
        let labels =
            ContactLabels::decode("arn%3aaws%3Aconnect:eu-west-2:1:instance%2Fi", "M%C3%BCller+%25").unwrap();
        assert_eq!(labels.instance_id, "arn:aws:connect:eu-west-2:1:instance/i");
        assert_eq!(labels.contact_id, "Müller+%");
    }

    #[test]
    fn a_label_that_is_not_percent_encoded_utf_8_is_refused_with_its_member() {
        for label in ["%", "%4", "%zz", "%+f", "%C3", "a%"] {
            let error = ContactLabels::decode("i", label).unwrap_err();
            assert_eq!(error.code, ErrorCode::Serialization);
            assert_eq!(error.message, "ContactId must be percent-encoded UTF-8 in the path");
        }
        assert!(ContactLabels::decode("%", "c").unwrap_err().message.starts_with("InstanceId"));
    }
}
