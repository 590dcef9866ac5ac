//! The kinds of limits: required members, lengths, numbers of items, totals. Pure.

use std::ops::RangeInclusive;

use crate::sandbox::api_error::{ApiError, ErrorCode};

/// Refuses a request without the member.
pub(in crate::sandbox) fn required<T>(member: &str, value: Option<T>) -> Result<T, ApiError> {
    value.ok_or_else(|| invalid_request(format!("{member} is required")))
}

/// Limits the length of a text that is given, in characters.
pub(in crate::sandbox) fn length(
    member: &str,
    value: Option<&str>,
    limits: RangeInclusive<usize>,
) -> Result<(), ApiError> {
    value.map_or(Ok(()), |value| within(member, value.chars().count(), limits, "characters"))
}

/// Limits the number of items in a list.
pub(super) fn items(member: &str, count: usize, limits: RangeInclusive<usize>) -> Result<(), ApiError> {
    within(member, count, limits, "items")
}

/// Limits the size of a map, in UTF-8 bytes.
pub(super) fn total(member: &str, bytes: usize, limit: usize) -> Result<(), ApiError> {
    if bytes <= limit {
        return Ok(());
    }
    Err(invalid_parameter(format!("{member} must have at most {limit} UTF-8 bytes in all; it has {bytes}")))
}

/// The error for a value that violates its own constraint.
pub(in crate::sandbox) fn invalid_parameter(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidParameter, message)
}

/// The error for a missing member, and for members that exclude each other.
pub(in crate::sandbox) fn invalid_request(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message)
}

fn within(member: &str, count: usize, limits: RangeInclusive<usize>, unit: &str) -> Result<(), ApiError> {
    if limits.contains(&count) {
        return Ok(());
    }
    let (least, most) = limits.into_inner();
    Err(invalid_parameter(format!("{member} must have {least} to {most} {unit}; it has {count}")))
}
