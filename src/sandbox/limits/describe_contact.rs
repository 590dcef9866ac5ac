//! The limits on `DescribeContact`.

use super::length;
use crate::sandbox::refusal::Refusal;
use crate::sandbox::wire::Labels;

/// Checks the labels of a request.
///
/// # Errors
///
/// `InvalidParameterException` if a label is too short or too long.
pub(in crate::sandbox) fn check(labels: &Labels) -> Result<(), Refusal> {
    length("InstanceId", Some(&labels.instance_id), 1..=100)?;
    length("ContactId", Some(&labels.contact_id), 1..=256)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::refusal::Code;

    #[test]
    fn every_label_is_checked_at_its_limits_in_characters() {
        let checked = |instance: usize, contact: usize| {
            check(&Labels { instance_id: "ü".repeat(instance), contact_id: "ü".repeat(contact) })
        };
        assert_eq!(checked(1, 1), Ok(()));
        assert_eq!(checked(100, 256), Ok(()));
        for (instance, contact, member) in
            [(0, 1, "InstanceId"), (101, 1, "InstanceId"), (1, 0, "ContactId"), (1, 257, "ContactId")]
        {
            let refusal = checked(instance, contact).unwrap_err();
            assert_eq!(refusal.code, Code::InvalidParameter);
            assert!(refusal.message.starts_with(member), "{refusal}");
        }
    }
}
