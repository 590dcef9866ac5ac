//! The two operations that create contacts, and the members of their requests: names, shapes and limits.
//!
//! The shape is data, so that the mapping is compiled against it and `init --skeleton` prints it. Member names are
//! spelt as in the AWS API.

use std::fmt;

use super::limits::*;

/// An operation that creates contacts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash)]
pub enum Operation {
    /// `PUT /contact/create-contact`: creates contacts, which may be completed from the start.
    #[default]
    CreateContact,
    /// `PUT /contact/task`: starts an open task in a flow.
    StartTaskContact,
}

impl Operation {
    /// Both operations, the default first.
    pub const ALL: [Operation; 2] = [Operation::CreateContact, Operation::StartTaskContact];

    /// The operation's name in the AWS API. Part of every client token, so it never changes.
    pub fn name(self) -> &'static str {
        match self {
            Operation::CreateContact => "CreateContact",
            Operation::StartTaskContact => "StartTaskContact",
        }
    }

    /// The operation with the given AWS API name.
    pub fn from_name(name: &str) -> Option<Self> {
        Operation::ALL.into_iter().find(|operation| operation.name() == name)
    }

    /// The structure of members that a mapping may set. `InstanceId` and `ClientToken` are not among them: they come
    /// from the job and from the row's key.
    pub fn members(self) -> &'static Shape {
        match self {
            Operation::CreateContact => &CREATE_CONTACT,
            Operation::StartTaskContact => &START_TASK_CONTACT,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The type of a member's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A string within a limit.
    Text(Limit),
    /// A 32-bit integer.
    Integer,
    /// A timestamp in seconds since 1970-01-01T00:00Z.
    Time,
    /// A map: the limit of its keys, which the user chooses, and the shape of its values.
    Map(Limit, &'static Shape),
    /// A structure of named members.
    Structure(&'static [Member]),
    /// A list of values of one shape.
    List(&'static Shape),
}

/// A member of a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The member's name in the AWS API.
    pub name: &'static str,
    /// The type of its value.
    pub shape: Shape,
    /// A remark for the skeleton on rules that the shape does not express; may be empty.
    pub note: &'static str,
    /// The default of a job that creates completed tasks; may be empty.
    pub default: &'static str,
    /// Whether the value is an id or ARN, which is no personal data: of a flow, a user, a file or another contact.
    pub is_id: bool,
}

impl Shape {
    /// Whether the operation defines the values, so that they are no personal data: of an enumeration, or numbers and
    /// times.
    pub fn is_defined(&self) -> bool {
        matches!(self, Shape::Text(Limit::OneOf(_)) | Shape::Integer | Shape::Time)
    }
}

const fn text(name: &'static str, limit: Limit, note: &'static str) -> Member {
    Member { name, shape: Shape::Text(limit), note, default: "", is_id: false }
}

const fn id(name: &'static str, limit: Limit, note: &'static str) -> Member {
    Member { name, shape: Shape::Text(limit), note, default: "", is_id: true }
}

const fn member(name: &'static str, shape: Shape, note: &'static str) -> Member {
    Member { name, shape, note, default: "", is_id: false }
}

/// The members of a reference. `attachment_note` is the note of those that only an attachment has.
const fn reference(types: Limit, attachment_note: &'static str) -> [Member; 5] {
    [
        text("Type", types, "required"),
        text("Value", REFERENCE_VALUE, "epoch seconds for the type DATE: use the filter epoch"),
        text("Status", REFERENCE_STATUSES, attachment_note),
        id("Arn", REFERENCE_ARN, attachment_note),
        text("StatusReason", REFERENCE_STATUS_REASON, attachment_note),
    ]
}

static ATTRIBUTE: Shape = Shape::Text(ATTRIBUTE_VALUE);

const ATTRIBUTES: Member = member(
    "Attributes",
    Shape::Map(ATTRIBUTE_KEY, &ATTRIBUTE),
    "at most 32768 UTF-8 bytes over all keys and values; \"*\" takes every column not used elsewhere",
);

const REFERENCES_NOTE: &str = "at most 4096 UTF-8 bytes over all references";

static REFERENCE: Shape = Shape::Structure(&reference(REFERENCE_TYPES, "of an attachment"));

static TASK_REFERENCE: Shape = Shape::Structure(&reference(TASK_REFERENCE_TYPES, ""));

static SEGMENT_VALUE: Shape = Shape::Structure(&[
    text("ValueString", SEGMENT_STRING, "exactly one of the five"),
    member("ValueInteger", Shape::Integer, ""),
    member("ValueMap", Shape::Map(SEGMENT_KEY, &SEGMENT_VALUE), ""),
    member("ValueList", Shape::List(&SEGMENT_VALUE), "system-defined attributes only"),
    id("ValueArn", SEGMENT_ARN, "system-defined attributes only"),
]);

const SEGMENT_ATTRIBUTES: Member = member(
    "SegmentAttributes",
    Shape::Map(SEGMENT_KEY, &SEGMENT_VALUE),
    "such as connect:ContactExpiry with ValueMap.ExpiryDuration.ValueInteger in minutes",
);

static ATTACHMENT: Shape = Shape::Structure(&[
    text("FileName", FILE_NAME, "required"),
    text("S3Url", S3_URL, "required; a pre-signed URL"),
]);

const METHOD_NOTE: &str = "TASK: API; VOICE: TRANSFER; EMAIL: OUTBOUND, AGENT_REPLY or FLOW";
const INITIATE_AS_NOTE: &str = "COMPLETED for TASK only; an empty one leaves the state to the service";
const USER_ID_NOTE: &str =
    "required for EMAIL with OUTBOUND or AGENT_REPLY; for imported tasks the agent's full ARN";

static CREATE_CONTACT: Shape = Shape::Structure(&[
    Member { default: "TASK", ..text("Channel", CHANNELS, "") },
    Member { default: "API", ..text("InitiationMethod", INITIATION_METHODS, METHOD_NOTE) },
    Member { default: "COMPLETED", ..text("InitiateAs", INITIATE_AS, INITIATE_AS_NOTE) },
    text("Name", NAME, ""),
    text("Description", DESCRIPTION, ""),
    ATTRIBUTES,
    member("References", Shape::Map(REFERENCE_KEY, &REFERENCE), REFERENCES_NOTE),
    SEGMENT_ATTRIBUTES,
    member("UserInfo", Shape::Structure(&[id("UserId", ID, USER_ID_NOTE)]), ""),
    id("RelatedContactId", ID, ""),
    id("PreviousContactId", ID, "VOICE with external audio only"),
    member("ExpiryDurationInMinutes", Shape::Integer, "at least 1"),
]);

static START_TASK_CONTACT: Shape = Shape::Structure(&[
    text("Name", NAME, "required"),
    text("Description", DESCRIPTION, ""),
    id("ContactFlowId", FLOW_ID, "exactly one of ContactFlowId, QuickConnectId and TaskTemplateId"),
    id("QuickConnectId", QUICK_CONNECT_ID, ""),
    id("TaskTemplateId", TEMPLATE_ID, ""),
    member(
        "ScheduledTime",
        Shape::Time,
        "epoch seconds, not in the past, up to 6 days ahead (90 by the quota page)",
    ),
    ATTRIBUTES,
    member("References", Shape::Map(REFERENCE_KEY, &TASK_REFERENCE), REFERENCES_NOTE),
    SEGMENT_ATTRIBUTES,
    member("Attachments", Shape::List(&ATTACHMENT), "1 to 5"),
    id("PreviousContactId", ID, "at most 12 tasks may share one"),
    id("RelatedContactId", ID, ""),
]);
