//! The shape of a request: every member by name and limit, for compiling a mapping and explaining it.

use super::limits::*;
use super::{Limit, Operation};

/// What stands under a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text(Limit),
    /// A whole number, 32 bits.
    Integer,
    /// A moment, in seconds since 1970.
    Time,
    /// Names of the user's choice, each with a value of one shape.
    Map(Limit, &'static Shape),
    /// Named members.
    Structure(&'static [Member]),
    /// A list of values of one shape.
    List(&'static Shape),
}

/// A member of a structure, spelt as the AWS API spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The member's name.
    pub name: &'static str,
    /// What stands under it.
    pub shape: Shape,
    /// What the shape does not say; may be empty.
    pub note: &'static str,
    /// What it is in a completed task, if nothing else is said; may be empty.
    pub default: &'static str,
}

const fn text(name: &'static str, limit: Limit, note: &'static str) -> Member {
    Member { name, shape: Shape::Text(limit), note, default: "" }
}

const fn member(name: &'static str, shape: Shape, note: &'static str) -> Member {
    Member { name, shape, note, default: "" }
}

static ATTRIBUTE: Shape = Shape::Text(ATTRIBUTE_VALUE);

const ATTRIBUTES: Member = member(
    "Attributes",
    Shape::Map(ATTRIBUTE_KEY, &ATTRIBUTE),
    "at most 32768 UTF-8 bytes over all keys and values; \"*\" takes every column not used elsewhere",
);

const REFERENCE_VALUE_NOTE: &str = "epoch seconds for the type DATE: use the filter epoch";
const REFERENCES_NOTE: &str = "at most 4096 UTF-8 bytes over all references";

static REFERENCE: Shape = Shape::Structure(&[
    text("Type", REFERENCE_TYPES, "required"),
    text("Value", REFERENCE_VALUE, REFERENCE_VALUE_NOTE),
    text("Status", REFERENCE_STATUSES, "of an attachment"),
    text("Arn", REFERENCE_ARN, "of an attachment"),
    text("StatusReason", REFERENCE_STATUS_REASON, "of an attachment"),
]);

static TASK_REFERENCE: Shape = Shape::Structure(&[
    text("Type", TASK_REFERENCE_TYPES, "required"),
    text("Value", REFERENCE_VALUE, REFERENCE_VALUE_NOTE),
    text("Status", REFERENCE_STATUSES, ""),
    text("Arn", REFERENCE_ARN, ""),
    text("StatusReason", REFERENCE_STATUS_REASON, ""),
]);

static SEGMENT_VALUE: Shape = Shape::Structure(&[
    text("ValueString", SEGMENT_STRING, "exactly one of the five"),
    member("ValueInteger", Shape::Integer, ""),
    member("ValueMap", Shape::Map(SEGMENT_KEY, &SEGMENT_VALUE), ""),
    member("ValueList", Shape::List(&SEGMENT_VALUE), "system-defined attributes only"),
    text("ValueArn", SEGMENT_ARN, "system-defined attributes only"),
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

static CREATE_CONTACT: Shape = Shape::Structure(&[
    Member { default: "TASK", ..text("Channel", CHANNELS, "") },
    Member {
        default: "API",
        ..text(
            "InitiationMethod",
            INITIATION_METHODS,
            "TASK: API; VOICE: TRANSFER; EMAIL: OUTBOUND, AGENT_REPLY or FLOW",
        )
    },
    Member {
        default: "COMPLETED",
        ..text(
            "InitiateAs",
            INITIATE_AS,
            "COMPLETED for TASK only; an empty one leaves the state to the service",
        )
    },
    text("Name", NAME, ""),
    text("Description", DESCRIPTION, ""),
    ATTRIBUTES,
    member("References", Shape::Map(REFERENCE_KEY, &REFERENCE), REFERENCES_NOTE),
    SEGMENT_ATTRIBUTES,
    member(
        "UserInfo",
        Shape::Structure(&[text(
            "UserId",
            ID,
            "required for EMAIL with OUTBOUND or AGENT_REPLY; for imported tasks the agent's full ARN",
        )]),
        "",
    ),
    text("RelatedContactId", ID, ""),
    text("PreviousContactId", ID, "VOICE with external audio only"),
    member("ExpiryDurationInMinutes", Shape::Integer, "at least 1"),
]);

static START_TASK_CONTACT: Shape = Shape::Structure(&[
    text("Name", NAME, "required"),
    text("Description", DESCRIPTION, ""),
    text("ContactFlowId", FLOW_ID, "exactly one of ContactFlowId, QuickConnectId and TaskTemplateId"),
    text("QuickConnectId", QUICK_CONNECT_ID, ""),
    text("TaskTemplateId", TEMPLATE_ID, ""),
    member(
        "ScheduledTime",
        Shape::Time,
        "epoch seconds, not in the past, up to 6 days ahead (90 by the quota page)",
    ),
    ATTRIBUTES,
    member("References", Shape::Map(REFERENCE_KEY, &TASK_REFERENCE), REFERENCES_NOTE),
    SEGMENT_ATTRIBUTES,
    member("Attachments", Shape::List(&ATTACHMENT), "1 to 5"),
    text("PreviousContactId", ID, "at most 12 tasks may share one"),
    text("RelatedContactId", ID, ""),
]);

impl Operation {
    /// The members that a mapping may set: all but the instance and the token, which the job and the
    /// row's key give.
    pub fn members(self) -> &'static Shape {
        match self {
            Operation::CreateContact => &CREATE_CONTACT,
            Operation::StartTaskContact => &START_TASK_CONTACT,
        }
    }
}
