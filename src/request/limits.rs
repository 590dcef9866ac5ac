//! The service's documented limits for CreateContact.
//!
//! Source of each, unless its line says otherwise: the Amazon Connect API reference for CreateContact
//! and the service model of 2017-08-08. Characters are Unicode scalar values; bytes are UTF-8.

/// `Name`: 0–1024 characters.
pub const NAME_CHARS: usize = 1024;
/// `Description`: 0–4096 characters.
pub const DESCRIPTION_CHARS: usize = 4096;
/// `Attributes`: a key has 1–32767 characters of `[A-Za-z0-9_-]`.
pub const ATTRIBUTE_KEY_CHARS: usize = 32_767;
/// `Attributes`: a value has 0–32767 characters.
pub const ATTRIBUTE_VALUE_CHARS: usize = 32_767;
/// `Attributes`: at most this many UTF-8 bytes over all keys and values.
pub const ATTRIBUTES_BYTES: usize = 32_768;
/// `References`: a key has 1–4096 characters.
pub const REFERENCE_KEY_CHARS: usize = 4096;
/// `References`: a value has 0–4096 characters.
pub const REFERENCE_VALUE_CHARS: usize = 4096;
/// `References`: at most this many UTF-8 bytes over all references. Whether keys count is not
/// documented; they are counted here, so that a request which passes is one that must pass.
pub const REFERENCES_BYTES: usize = 4096;
/// `References.*.Type`: the types that may be given at creation.
pub const REFERENCE_TYPES: [&str; 6] = ["URL", "NUMBER", "STRING", "DATE", "EMAIL", "ATTACHMENT"];
/// `References.*.Arn`: 20–256 characters of `[-:/A-Za-z0-9]`.
pub const REFERENCE_ARN_CHARS: std::ops::RangeInclusive<usize> = 20..=256;
/// `References.*.Status`: the values of the service model's enumeration.
pub const REFERENCE_STATUSES: [&str; 7] =
    ["APPROVED", "AVAILABLE", "DELETED", "DRAFTING", "FAILED", "PROCESSING", "REJECTED"];
/// `References.*.StatusReason`: 0–100 characters.
pub const REFERENCE_STATUS_REASON_CHARS: usize = 100;
/// `SegmentAttributes`: a key has 1–128 characters.
pub const SEGMENT_KEY_CHARS: usize = 128;
/// `SegmentAttributes`: a `ValueString` has 0–1024 characters.
pub const SEGMENT_STRING_CHARS: usize = 1024;
/// `UserInfo.UserId`, `RelatedContactId`, `PreviousContactId`: 1–256 characters.
pub const ID_CHARS: usize = 256;
/// `InstanceId`: 1–100 characters.
pub const INSTANCE_ID_CHARS: usize = 100;
/// `Channel`: what CreateContact works for; CHAT is in the enumeration and is not supported.
pub const CHANNELS: [&str; 3] = ["VOICE", "EMAIL", "TASK"];
/// `InitiateAs`: the two values.
pub const INITIATE_AS: [&str; 2] = ["CONNECTED_TO_USER", "COMPLETED"];

/// `InitiationMethod`: the values that work for a channel, whatever the enumeration says.
pub fn initiation_methods(channel: &str) -> &'static [&'static str] {
    match channel {
        "VOICE" => &["TRANSFER"],
        "EMAIL" => &["OUTBOUND", "AGENT_REPLY", "FLOW"],
        "TASK" => &["API"],
        _ => &[],
    }
}
