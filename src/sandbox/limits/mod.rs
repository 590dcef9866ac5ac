//! The service's documented limits. Pure.
//!
//! Sources: the AWS API reference of the operations and the service model it is made from
//! (connect, 2017-08-08). They are written down here a second time, apart from the importer's own
//! validation, so that a rehearsal tests that validation instead of repeating it.
//!
//! Lengths are in Unicode characters, as the model's length constraints count; the two totals are
//! in UTF-8 bytes. Messages name the member and the limit, never the value.

mod common;
mod create_contact;
mod describe_contact;
mod search_contacts;
mod start_task_contact;

#[cfg(test)]
mod trial;

use std::ops::RangeInclusive;
use std::time::SystemTime;

use super::refusal::{Code, Refusal};
use super::wire::{Input, Own};

pub(super) use describe_contact::check as check_description;
pub(super) use search_contacts::check as check_search;

/// Checks a request for a contact against every documented limit, and reports the first that it
/// breaks.
///
/// # Errors
///
/// `InvalidRequestException` if a member is missing or members do not go together,
/// `InvalidParameterException` if one member's value breaks its own constraint. Which of the two
/// the service itself picks is not documented.
pub(super) fn check(input: &Input<'_>, now: SystemTime) -> Result<(), Refusal> {
    required("InstanceId", input.common.instance_id)?;
    match &input.own {
        Own::CreateContact(own) => create_contact::check(&input.common, own),
        Own::StartTaskContact(own) => start_task_contact::check(&input.common, own, now),
    }
}

fn required<'a>(member: &str, value: Option<&'a str>) -> Result<&'a str, Refusal> {
    value.ok_or_else(|| invalid(format!("{member} is required")))
}

fn length(member: &str, value: Option<&str>, limits: RangeInclusive<usize>) -> Result<(), Refusal> {
    let Some(characters) = value.map(|value| value.chars().count()) else {
        return Ok(());
    };
    if limits.contains(&characters) {
        return Ok(());
    }
    Err(bad(format!(
        "{member} must have {} to {} characters; it has {characters}",
        limits.start(),
        limits.end()
    )))
}

fn items(member: &str, count: usize, limits: RangeInclusive<usize>) -> Result<(), Refusal> {
    if limits.contains(&count) {
        return Ok(());
    }
    Err(bad(format!("{member} must have {} to {} items; it has {count}", limits.start(), limits.end())))
}

fn total(member: &str, bytes: usize, limit: usize) -> Result<(), Refusal> {
    if bytes <= limit {
        return Ok(());
    }
    Err(bad(format!("{member} must have at most {limit} UTF-8 bytes in all; it has {bytes}")))
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidParameter, message)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new(Code::InvalidRequest, message)
}
