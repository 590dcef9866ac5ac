//! A date that was read, and its moment.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use super::fault::DateFault;

/// A date as its cell has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum DateReading {
    /// A moment with an offset or zone of its own.
    Zoned(ZonedDateTime),
    /// A moment in UTC.
    Instant(Timestamp),
    /// A time without any offset.
    Local(DateTime),
}

impl DateReading {
    /// The moment: a time without an offset is of `zone`. A time that the clock skips is taken as if it had
    /// not been put forward, and of a time that it repeats the first, as RFC 5545 has it.
    ///
    /// # Errors
    /// The moment is outside of the years -9999 to 9999.
    pub(crate) fn in_zone(self, zone: &TimeZone) -> Result<ZonedDateTime, DateFault> {
        match self {
            DateReading::Zoned(zoned) => Ok(zoned),
            DateReading::Instant(timestamp) => Ok(timestamp.to_zoned_datetime(zone.clone())),
            DateReading::Local(local) => local.to_zoned_datetime(zone.clone()).map_err(|_| DateFault::Year),
        }
    }

    /// The date as the cell has it, or in UTC for an instant.
    pub(super) fn date(&self) -> Date {
        match self {
            DateReading::Zoned(zoned) => zoned.date(),
            DateReading::Instant(timestamp) => timestamp.to_zoned_datetime(TimeZone::UTC).date(),
            DateReading::Local(local) => local.date(),
        }
    }

    /// Day and month of [`Self::date`].
    pub(crate) fn day_and_month(&self) -> (i8, i8) {
        let date = self.date();
        (date.day(), date.month())
    }

    /// Whether the date needs no zone.
    pub(crate) fn has_offset(&self) -> bool {
        !matches!(self, DateReading::Local(_))
    }
}
