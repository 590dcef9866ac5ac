//! The service's documented limits. Pure.
//!
//! Sources: the AWS API reference of the operations, and the service model it is generated from (connect,
//! 2017-08-08). They are stated here a second time, independently of the importer's validation, so that a
//! rehearsal tests that validation instead of repeating it. The test `agreement` compares the two.
//!
//! Lengths are in Unicode characters, as the model's length constraints count; the two totals are in UTF-8
//! bytes. Messages name the member and the limit, never the value.

mod rules;
mod common;
mod create_contact;
mod start_task_contact;

use std::time::SystemTime;

use super::api_error::ApiError;
use super::input::CreateInput;
use super::operation::{ContactLabels, CreateOperation};

pub(super) use rules::{invalid_parameter, invalid_request, length, required};

/// Checks a request for a contact and reports the first limit that it violates.
///
/// # Errors
///
/// - `InvalidRequestException`: a member is missing, or members exclude each other.
/// - `InvalidParameterException`: a member's value violates its own constraint.
///
/// The service does not document the choice between the two in each case.
pub(super) fn check_create(
    operation: CreateOperation,
    input: &CreateInput<'_>,
    now: SystemTime,
) -> Result<(), ApiError> {
    required("InstanceId", input.instance_id)?;
    match operation {
        CreateOperation::CreateContact => create_contact::check(input),
        CreateOperation::StartTaskContact => start_task_contact::check(input, now),
    }
}

/// Checks the labels of `DescribeContact`.
///
/// # Errors
///
/// `InvalidParameterException` if a label is too short or too long.
pub(super) fn check_labels(labels: &ContactLabels) -> Result<(), ApiError> {
    length("InstanceId", Some(&labels.instance_id), 1..=100)?;
    length("ContactId", Some(&labels.contact_id), 1..=256)
}

#[cfg(test)]
mod testing;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::api_error::ErrorCode;

    #[test]
    fn every_label_is_checked_at_its_limits_in_characters() {
        let checked = |instance: usize, contact: usize| {
            check_labels(&ContactLabels {
                instance_id: "ü".repeat(instance),
                contact_id: "ü".repeat(contact),
            })
        };
        assert_eq!(checked(1, 1), Ok(()));
        assert_eq!(checked(100, 256), Ok(()));
        for (instance, contact, member) in
            [(0, 1, "InstanceId"), (101, 1, "InstanceId"), (1, 0, "ContactId"), (1, 257, "ContactId")]
        {
            let error = checked(instance, contact).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidParameter);
            assert!(error.message.starts_with(member), "{error}");
        }
    }
}
