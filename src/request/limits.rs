//! Documented limits of CreateContact and StartTaskContact, and the check of one text against one of them.
//!
//! Characters are Unicode scalar values; bytes are bytes of UTF-8. Sources, which each limit names:
//!
//! - CreateContact: <https://docs.aws.amazon.com/connect/latest/APIReference/API_CreateContact.html>
//! - StartTaskContact: <https://docs.aws.amazon.com/connect/latest/APIReference/API_StartTaskContact.html>
//! - Reference: <https://docs.aws.amazon.com/connect/latest/APIReference/API_Reference.html>
//! - SegmentAttributeValue:
//!   <https://docs.aws.amazon.com/connect/latest/APIReference/API_SegmentAttributeValue.html>
//! - service quotas: <https://docs.aws.amazon.com/connect/latest/adminguide/amazon-connect-service-limits.html>
//! - service model: `connect/2017-08-08/service-2.json` of botocore, from which the SDKs are generated

use std::fmt;

/// The texts that a member allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Minimum and maximum number of characters.
    Chars(usize, usize),
    /// The values of an enumeration.
    OneOf(&'static [&'static str]),
    /// Minimum and maximum number of characters, each of A-Z, a-z, 0-9 or of the given ones.
    Plain(usize, usize, &'static str),
}

/// A rule of the service that a request breaks. Displayed as `Name has 1025 characters, at most 1024 characters are
/// allowed`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The member's JSON path, such as `References.Ticket.Value`.
    pub member: String,
    /// The size found, such as `has 1025 characters`; empty where the rule is not about size. Never the value.
    pub found: String,
    /// The rule.
    pub rule: String,
}

impl Violation {
    /// A violation of `rule` at `member`.
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

/// `Name`. StartTaskContact requires one. Source: CreateContact and StartTaskContact, `Name`.
pub const NAME: Limit = Limit::Chars(0, 1024);
/// `Description`. Source: CreateContact and StartTaskContact, `Description`.
pub const DESCRIPTION: Limit = Limit::Chars(0, 4096);
/// A key of `Attributes`. Source: CreateContact, `Attributes` (characters and length).
pub const ATTRIBUTE_KEY: Limit = Limit::Plain(1, 32_767, "-_");
/// A value of `Attributes`. Source: CreateContact, `Attributes`.
pub const ATTRIBUTE_VALUE: Limit = Limit::Chars(0, 32_767);
/// Maximum UTF-8 bytes of all keys and values of `Attributes` together. Source: CreateContact, `Attributes`.
pub const ATTRIBUTES_BYTES: usize = 32_768;
/// A key of `References`. Source: CreateContact, `References`.
pub const REFERENCE_KEY: Limit = Limit::Chars(1, 4096);
/// `Value` of a reference. Source: Reference, `Value`.
pub const REFERENCE_VALUE: Limit = Limit::Chars(0, 4096);
/// Maximum UTF-8 bytes of all `References` together. Source: Reference, which does not say whether keys count. They
/// are counted here, so that a request which passes is never too long.
pub const REFERENCES_BYTES: usize = 4096;
/// `Type` of a reference at creation. Source: CreateContact, `References`.
pub const REFERENCE_TYPES: Limit = Limit::OneOf(&["URL", "NUMBER", "STRING", "DATE", "EMAIL", "ATTACHMENT"]);
/// `Type` of a reference at creation; files are sent in `Attachments`. Source: StartTaskContact, `References`.
pub const TASK_REFERENCE_TYPES: Limit = Limit::OneOf(&["URL", "NUMBER", "STRING", "DATE", "EMAIL"]);
/// `Arn` of a reference. Source: service model, ReferenceArn (length and pattern).
pub const REFERENCE_ARN: Limit = Limit::Plain(20, 256, "-:/");
/// `Status` of a reference. Source: service model, ReferenceStatus, as of aws-sdk-connect 1.220.
pub const REFERENCE_STATUSES: Limit =
    Limit::OneOf(&["AVAILABLE", "DELETED", "APPROVED", "REJECTED", "PROCESSING", "FAILED", "DRAFTING"]);
/// `StatusReason` of a reference. Source: Reference, `StatusReason`.
pub const REFERENCE_STATUS_REASON: Limit = Limit::Chars(0, 100);
/// A key of `SegmentAttributes` or of a `ValueMap`. Source: service model, SegmentAttributeName.
pub const SEGMENT_KEY: Limit = Limit::Chars(1, 128);
/// `ValueString` of a segment attribute. Source: SegmentAttributeValue, `ValueString`.
pub const SEGMENT_STRING: Limit = Limit::Chars(0, 1024);
/// `ValueArn` of a segment attribute. Source: SegmentAttributeValue, `ValueArn`, at most 1024 characters. The model
/// allows an empty one, which is no ARN.
pub const SEGMENT_ARN: Limit = Limit::Chars(1, 1024);
/// `UserInfo.UserId`, `RelatedContactId` and `PreviousContactId`. Source: service model, AgentResourceId and ContactId.
pub const ID: Limit = Limit::Chars(1, 256);
/// `ContactFlowId`. Source: StartTaskContact, `ContactFlowId`, at most 500 characters.
pub const FLOW_ID: Limit = Limit::Chars(1, 500);
/// `TaskTemplateId`. Source: StartTaskContact, `TaskTemplateId`.
pub const TEMPLATE_ID: Limit = Limit::Chars(1, 500);
/// `QuickConnectId`. No length is documented; the limit of [`FLOW_ID`] is assumed, far above the UUID that it is.
pub const QUICK_CONNECT_ID: Limit = Limit::Chars(1, 500);
/// Maximum number of `Attachments` of a task. Source: StartTaskContact, `Attachments`.
pub const ATTACHMENTS: usize = 5;
/// `FileName` of an attachment. Source: service model, FileName.
pub const FILE_NAME: Limit = Limit::Chars(1, 256);
/// `S3Url` of an attachment. Source: service model, PreSignedAttachmentUrl.
pub const S3_URL: Limit = Limit::Chars(1, 2000);
/// Maximum characters of `InstanceId`, which is never empty. Source: CreateContact, `InstanceId`.
pub const INSTANCE_ID_CHARS: usize = 100;
/// `Channel`. Source: CreateContact, `Channel`, which excludes `CHAT` though the enumeration has it.
pub const CHANNELS: Limit = Limit::OneOf(&["VOICE", "EMAIL", "TASK"]);
/// `InitiationMethod`: all methods of [`initiation_methods`]. Source: CreateContact, `InitiationMethod`, which excludes
/// the rest of the enumeration.
pub const INITIATION_METHODS: Limit = Limit::OneOf(&["API", "TRANSFER", "OUTBOUND", "AGENT_REPLY", "FLOW"]);
/// `InitiateAs`. Source: CreateContact, `InitiateAs`.
pub const INITIATE_AS: Limit = Limit::OneOf(&["CONNECTED_TO_USER", "COMPLETED"]);
/// Maximum days from now to `ScheduledTime`. Source: StartTaskContact, `ScheduledTime`. A warning only, because of
/// [`SCHEDULED_DAYS_AT_MOST`].
pub const SCHEDULED_DAYS: i64 = 6;
/// Maximum days from now to `ScheduledTime`. Source: service quotas, which contradict [`SCHEDULED_DAYS`]. A later time
/// breaks both.
pub const SCHEDULED_DAYS_AT_MOST: i64 = 90;
/// Maximum number of tasks in one chain of `PreviousContactId`. Source: StartTaskContact, `PreviousContactId`. The
/// service answers one more with ServiceQuotaExceededException, and so does every retry.
pub const CHAINED_TASKS: u64 = 12;

/// The initiation methods of a channel; empty for an unknown one. Source: CreateContact, `InitiationMethod`.
pub fn initiation_methods(channel: &str) -> &'static [&'static str] {
    match channel {
        "VOICE" => &["TRANSFER"],
        "EMAIL" => &["OUTBOUND", "AGENT_REPLY", "FLOW"],
        "TASK" => &["API"],
        _ => &[],
    }
}

impl Limit {
    /// The violation if `text`, the value of `member`, breaks the limit.
    #[inline]
    pub fn breach(&self, member: &str, text: &str) -> Option<Violation> {
        match *self {
            // A character has one to four bytes, so most texts pass without counting characters.
            Limit::Chars(least, most) if text.len() <= most && text.len() >= 4 * least => None,
            // A plain character is one byte.
            Limit::Plain(least, most, others)
                if (least..=most).contains(&text.len()) && is_plain(text, others) =>
            {
                None
            }
            _ => self.exact_breach(member, text),
        }
    }

    fn exact_breach(&self, member: &str, text: &str) -> Option<Violation> {
        let sized = |least: usize, most: usize| {
            let chars = text.chars().count();
            let found = || format!("has {chars} characters");
            if chars > most {
                Some(Violation::new(member, found(), format!("at most {most} characters are allowed")))
            } else if chars < least {
                Some(Violation::new(member, found(), format!("at least {least} characters are needed")))
            } else {
                None
            }
        };
        match *self {
            Limit::Chars(least, most) => sized(least, most),
            Limit::OneOf(words) => {
                let rule = || format!("must be one of {}", words.join(", "));
                (!words.contains(&text)).then(|| Violation::new(member, String::new(), rule()))
            }
            Limit::Plain(least, most, others) => {
                let others_found =
                    text.chars().filter(|c| !c.is_ascii_alphanumeric() && !others.contains(*c)).count();
                sized(least, most).or_else(|| {
                    let rule = format!("only A-Z, a-z, 0-9{} are allowed", listed(others));
                    let found = format!("has {others_found} other characters");
                    (others_found > 0).then(|| Violation::new(member, found, rule))
                })
            }
        }
    }
}

#[inline]
fn is_plain(text: &str, others: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.as_bytes().contains(&byte))
}

/// Formats the characters `-_` as `, - and _`.
fn listed(characters: &str) -> String {
    let mut each: Vec<String> = characters.chars().map(String::from).collect();
    let last = each.pop().unwrap_or_default();
    each.iter().map(|c| format!(", {c}")).collect::<String>() + " and " + &last
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Chars(least, most) => write!(f, "{least} to {most} characters"),
            Limit::OneOf(words) => write!(f, "one of {}", words.join(", ")),
            Limit::Plain(least, most, others) => {
                write!(f, "{least} to {most} characters of A-Z, a-z, 0-9{}", listed(others))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(limit: Limit, text: &str) -> Option<String> {
        limit.breach("X", text).map(|violation| violation.to_string())
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert_eq!(violation(Limit::Chars(0, 3), "äöü"), None);
        assert_eq!(
            violation(Limit::Chars(0, 3), "äöüx").as_deref(),
            Some("X has 4 characters, at most 3 characters are allowed")
        );
        assert_eq!(
            violation(Limit::Chars(2, 3), "ä").as_deref(),
            Some("X has 1 characters, at least 2 characters are needed")
        );
    }

    #[test]
    fn a_value_outside_the_enumeration_is_a_violation() {
        assert_eq!(violation(CHANNELS, "TASK"), None);
        assert_eq!(violation(CHANNELS, "CHAT").as_deref(), Some("X must be one of VOICE, EMAIL, TASK"));
    }

    #[test]
    fn characters_outside_the_allowed_ones_are_counted() {
        assert_eq!(violation(ATTRIBUTE_KEY, "a-Z_9"), None);
        assert_eq!(
            violation(ATTRIBUTE_KEY, "a b.c").as_deref(),
            Some("X has 2 other characters, only A-Z, a-z, 0-9, - and _ are allowed")
        );
    }
}
