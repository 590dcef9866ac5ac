//! The service's documented limits for CreateContact and StartTaskContact.
//!
//! Source of each, unless its line says otherwise: the Amazon Connect API reference for the two
//! operations and the service model of 2017-08-08. Characters are Unicode scalar values; bytes are UTF-8.

use std::fmt;

use super::Violation;

/// What a text of the request may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// From so many to so many characters.
    Chars(usize, usize),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// From so many to so many characters out of A-Z, a-z, 0-9 and these.
    Plain(usize, usize, &'static str),
}

/// `Name`; StartTaskContact needs one.
pub const NAME: Limit = Limit::Chars(0, 1024);
/// `Description`.
pub const DESCRIPTION: Limit = Limit::Chars(0, 4096);
/// `Attributes`: a key.
pub const ATTRIBUTE_KEY: Limit = Limit::Plain(1, 32_767, "-_");
/// `Attributes`: a value.
pub const ATTRIBUTE_VALUE: Limit = Limit::Chars(0, 32_767);
/// `Attributes`: at most this many UTF-8 bytes over all keys and values.
pub const ATTRIBUTES_BYTES: usize = 32_768;
/// `References`: a key.
pub const REFERENCE_KEY: Limit = Limit::Chars(1, 4096);
/// `References`: a value.
pub const REFERENCE_VALUE: Limit = Limit::Chars(0, 4096);
/// `References`: at most this many UTF-8 bytes over all references. Whether keys count is not
/// documented; they are counted here, so that a request which passes is one that must pass.
pub const REFERENCES_BYTES: usize = 4096;
/// `References.*.Type` of CreateContact: the types that may be given at creation.
pub const REFERENCE_TYPES: Limit = Limit::OneOf(&["URL", "NUMBER", "STRING", "DATE", "EMAIL", "ATTACHMENT"]);
/// `References.*.Type` of StartTaskContact, whose attachments travel in `Attachments`.
pub const TASK_REFERENCE_TYPES: Limit = Limit::OneOf(&["URL", "NUMBER", "STRING", "DATE", "EMAIL"]);
/// `References.*.Arn`.
pub const REFERENCE_ARN: Limit = Limit::Plain(20, 256, "-:/");
/// `References.*.Status`: the service model's enumeration.
pub const REFERENCE_STATUSES: Limit =
    Limit::OneOf(&["AVAILABLE", "DELETED", "APPROVED", "REJECTED", "PROCESSING", "FAILED", "DRAFTING"]);
/// `References.*.StatusReason`.
pub const REFERENCE_STATUS_REASON: Limit = Limit::Chars(0, 100);
/// `SegmentAttributes`: a key.
pub const SEGMENT_KEY: Limit = Limit::Chars(1, 128);
/// `SegmentAttributes`: a `ValueString`.
pub const SEGMENT_STRING: Limit = Limit::Chars(0, 1024);
/// `SegmentAttributes`: a `ValueArn`. No length is documented.
pub const SEGMENT_ARN: Limit = Limit::Chars(1, 1024);
/// `UserInfo.UserId`, `RelatedContactId`, `PreviousContactId`.
pub const ID: Limit = Limit::Chars(1, 256);
/// `ContactFlowId`.
pub const FLOW_ID: Limit = Limit::Chars(1, 500);
/// `TaskTemplateId`.
pub const TEMPLATE_ID: Limit = Limit::Chars(1, 500);
/// `QuickConnectId`. No length is documented; the identifier is a UUID.
pub const QUICK_CONNECT_ID: Limit = Limit::Chars(1, 500);
/// `Attachments`: how many one task may have.
pub const ATTACHMENTS: usize = 5;
/// `Attachments.*.FileName`.
pub const FILE_NAME: Limit = Limit::Chars(1, 256);
/// `Attachments.*.S3Url`.
pub const S3_URL: Limit = Limit::Chars(1, 2000);
/// `InstanceId`: 1–100 characters.
pub const INSTANCE_ID_CHARS: usize = 100;
/// `Channel`: what CreateContact works for; CHAT is in the enumeration and is not supported.
pub const CHANNELS: Limit = Limit::OneOf(&["VOICE", "EMAIL", "TASK"]);
/// `InitiationMethod`: those that work for some channel, whatever the enumeration says.
pub const INITIATION_METHODS: Limit = Limit::OneOf(&["API", "TRANSFER", "OUTBOUND", "AGENT_REPLY", "FLOW"]);
/// `InitiateAs`: the two values.
pub const INITIATE_AS: Limit = Limit::OneOf(&["CONNECTED_TO_USER", "COMPLETED"]);
/// `ScheduledTime`: days ahead that the API reference allows.
pub const SCHEDULED_DAYS: i64 = 6;
/// `ScheduledTime`: days ahead that the quota page allows. Nothing later can be right.
pub const SCHEDULED_DAYS_AT_MOST: i64 = 90;
/// `PreviousContactId`: tasks that may share one (API reference of StartTaskContact). A thirteenth is
/// answered with a hard quota.
pub const CHAINED_TASKS: u64 = 12;

/// `InitiationMethod`: the values that work for a channel.
pub fn initiation_methods(channel: &str) -> &'static [&'static str] {
    match channel {
        "VOICE" => &["TRANSFER"],
        "EMAIL" => &["OUTBOUND", "AGENT_REPLY", "FLOW"],
        "TASK" => &["API"],
        _ => &[],
    }
}

impl Limit {
    /// How `text`, which stands at `member`, breaks the limit.
    #[inline]
    pub fn breach(&self, member: &str, text: &str) -> Option<Violation> {
        match *self {
            // Characters are never more than bytes and at least a quarter of them, so most texts need not be
            // counted.
            Limit::Chars(least, most) if text.len() <= most && text.len() >= 4 * least => None,
            // What is plain is one byte a character.
            Limit::Plain(least, most, others)
                if (least..=most).contains(&text.len()) && is_plain(text, others) =>
            {
                None
            }
            _ => self.counted(member, text),
        }
    }

    fn counted(&self, member: &str, text: &str) -> Option<Violation> {
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
                let strange =
                    text.chars().filter(|c| !c.is_ascii_alphanumeric() && !others.contains(*c)).count();
                sized(least, most).or_else(|| {
                    let rule = format!("only A-Z, a-z, 0-9{} are allowed", listed(others));
                    let found = format!("has {strange} other characters");
                    (strange > 0).then(|| Violation::new(member, found, rule))
                })
            }
        }
    }
}

#[inline]
fn is_plain(text: &str, others: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.as_bytes().contains(&byte))
}

/// `-_` as `, - and _`.
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

    fn said(limit: Limit, text: &str) -> Option<String> {
        limit.breach("X", text).map(|violation| violation.to_string())
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert_eq!(said(Limit::Chars(0, 3), "äöü"), None);
        assert_eq!(
            said(Limit::Chars(0, 3), "äöüx").as_deref(),
            Some("X has 4 characters, at most 3 characters are allowed")
        );
        assert_eq!(
            said(Limit::Chars(2, 3), "ä").as_deref(),
            Some("X has 1 characters, at least 2 characters are needed")
        );
    }

    #[test]
    fn a_word_is_one_of_its_kind() {
        assert_eq!(said(CHANNELS, "TASK"), None);
        assert_eq!(said(CHANNELS, "CHAT").as_deref(), Some("X must be one of VOICE, EMAIL, TASK"));
    }

    #[test]
    fn a_plain_text_has_only_its_characters() {
        assert_eq!(said(ATTRIBUTE_KEY, "a-Z_9"), None);
        assert_eq!(
            said(ATTRIBUTE_KEY, "a b.c").as_deref(),
            Some("X has 2 other characters, only A-Z, a-z, 0-9, - and _ are allowed")
        );
    }
}
