//! The labels of a path.

use crate::sandbox::refusal::{Code, Refusal};

/// The labels of `DescribeContact` (service model, connect, 2017-08-08).
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sandbox) struct Labels {
    pub(in crate::sandbox) instance_id: String,
    pub(in crate::sandbox) contact_id: String,
}

impl Labels {
    /// Decodes labels as they stand in the path.
    ///
    /// # Errors
    ///
    /// `SerializationException` for a label that is not percent-encoded UTF-8.
    pub(in crate::sandbox) fn read(instance_id: &str, contact_id: &str) -> Result<Labels, Refusal> {
        Ok(Labels {
            instance_id: text("InstanceId", instance_id)?,
            contact_id: text("ContactId", contact_id)?,
        })
    }
}

fn text(member: &str, label: &str) -> Result<String, Refusal> {
    decoded(label).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        Refusal::new(Code::Serialization, format!("{member} must be percent-encoded UTF-8 in the path"))
    })
}

/// A plus is a plus: that it stands for a space is a form's rule, not a path's.
fn decoded(label: &str) -> Option<Vec<u8>> {
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
    fn a_label_is_percent_decoded() {
        let labels = Labels::read("arn%3aaws%3Aconnect:eu-west-2:1:instance%2Fi", "M%C3%BCller+%25").unwrap();
        assert_eq!(labels.instance_id, "arn:aws:connect:eu-west-2:1:instance/i");
        assert_eq!(labels.contact_id, "Müller+%");
    }

    #[test]
    fn a_label_that_is_not_percent_encoded_utf_8_is_refused_by_its_member() {
        for label in ["%", "%4", "%zz", "%+f", "%C3", "a%"] {
            let refusal = Labels::read("i", label).unwrap_err();
            assert_eq!(refusal.code, Code::Serialization);
            assert_eq!(refusal.message, "ContactId must be percent-encoded UTF-8 in the path");
        }
        assert!(Labels::read("%", "c").unwrap_err().message.starts_with("InstanceId"));
    }
}
