//! How the dates of a row use the rules of time zones, for the warnings and the report of a check.
//!
//! A filter in a MiniJinja template knows neither the row nor the mapping. A row is mapped on one thread, so the
//! filters note it there, and the mapping takes it.

use std::cell::Cell;

use jiff::ZonedDateTime;

use crate::dates::zone_data;

/// How far the rules of time zones decide the dates of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ZoneUse {
    /// Every date is in UTC or has an offset of its own.
    #[default]
    None,
    /// The rules of a zone decide a date.
    Known,
    /// A date is later than the time-zone data can know.
    Predicted,
}

thread_local! {
    static ROW: Cell<ZoneUse> = const { Cell::new(ZoneUse::None) };
}

/// Notes a date that the rules of its zone decide.
pub(super) fn note(date: &ZonedDateTime) {
    let found = if date.date() > zone_data().known_until() { ZoneUse::Predicted } else { ZoneUse::Known };
    ROW.set(ROW.get().max(found));
}

/// Takes the use that was noted on this thread since the last call.
pub(in crate::mapping) fn take() -> ZoneUse {
    ROW.take()
}
