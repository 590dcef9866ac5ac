//! The shape of the request: every member by name, for compiling a mapping and explaining it.

/// What stands under a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text,
    /// A whole number, 32 bits.
    Integer,
    /// Names of the user's choice, each with a value of one shape.
    Map(&'static Shape),
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
}

const fn member(name: &'static str, shape: Shape) -> Member {
    Member { name, shape }
}

static TEXT: Shape = Shape::Text;

static REFERENCE: Shape = Shape::Structure(&[
    member("Type", Shape::Text),
    member("Value", Shape::Text),
    member("Status", Shape::Text),
    member("Arn", Shape::Text),
    member("StatusReason", Shape::Text),
]);

static SEGMENT_VALUE: Shape = Shape::Structure(&[
    member("ValueString", Shape::Text),
    member("ValueInteger", Shape::Integer),
    member("ValueMap", Shape::Map(&SEGMENT_VALUE)),
    member("ValueList", Shape::List(&SEGMENT_VALUE)),
    member("ValueArn", Shape::Text),
]);

static CREATE_CONTACT: Shape = Shape::Structure(&[
    member("Channel", Shape::Text),
    member("InitiationMethod", Shape::Text),
    member("InitiateAs", Shape::Text),
    member("Name", Shape::Text),
    member("Description", Shape::Text),
    member("Attributes", Shape::Map(&TEXT)),
    member("References", Shape::Map(&REFERENCE)),
    member("SegmentAttributes", Shape::Map(&SEGMENT_VALUE)),
    member("UserInfo", Shape::Structure(&[member("UserId", Shape::Text)])),
    member("RelatedContactId", Shape::Text),
    member("PreviousContactId", Shape::Text),
    member("ExpiryDurationInMinutes", Shape::Integer),
]);

/// The members of CreateContact that a mapping may set: all but the instance and the token, which
/// the job and the row's key give.
pub fn members() -> &'static Shape {
    &CREATE_CONTACT
}
