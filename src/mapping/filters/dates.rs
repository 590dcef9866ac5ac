//! Reads dates in the format of an export: the filters `epoch` and `iso`.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use crate::mapping::error::RenderError;

/// The format of a column's dates: a strtime format or, without one, ISO 8601; and the zone of dates without
/// an offset.
#[derive(Clone, Debug)]
pub(in crate::mapping) struct DateForm {
    /// `epoch` or `iso`.
    filter: &'static str,
    format: Option<String>,
    zone: TimeZone,
}

impl DateForm {
    /// The format and zone of a filter's arguments; the zone is UTC by default.
    ///
    /// # Errors
    /// The zone is unknown, or the format does not make a whole date.
    pub(super) fn new(
        filter: &'static str,
        format: Option<&str>,
        zone_name: Option<&str>,
    ) -> Result<Self, RenderError> {
        let zone_name = zone_name.unwrap_or("UTC");
        let zone = TimeZone::get(zone_name).map_err(|_| {
            let remedy = "use a name such as Europe/London";
            RenderError::Job(format!("{filter}: '{zone_name}' is not a time zone; {remedy}"))
        })?;
        let form = DateForm { filter, format: format.map(str::to_owned), zone };
        if let Some(format) = format {
            // A format that cannot write a date cannot read one.
            let moment = Timestamp::UNIX_EPOCH.to_zoned_datetime(TimeZone::UTC);
            let written = jiff::fmt::strtime::format(format, &moment).map_err(|error| {
                RenderError::Job(format!("{filter}: '{format}' is not a date format: {error}"))
            })?;
            if form.by_format(&written, format).is_none() {
                let problem = format!("{filter}: '{format}' does not make a whole date");
                return Err(RenderError::Job(problem));
            }
        }
        Ok(form)
    }

    /// The date as epoch seconds for `epoch`, and for `iso` as ISO 8601 with its offset, such as
    /// `2024-07-01T09:30:00+01:00`; empty for an empty text. An offset in the text wins over the zone.
    pub(super) fn convert(&self, text: &str) -> Result<String, RenderError> {
        Ok(match (text.trim(), self.filter) {
            ("", _) => String::new(),
            (text, "epoch") => self.read(text)?.timestamp().as_second().to_string(),
            (text, _) => self.read(text)?.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        })
    }

    fn read(&self, text: &str) -> Result<ZonedDateTime, RenderError> {
        let read = match &self.format {
            Some(format) => self.by_format(text, format),
            None => self.by_iso_8601(text),
        };
        read.ok_or_else(|| {
            let filter = self.filter;
            RenderError::Row(match &self.format {
                Some(format) => format!("{filter}: the cell is not a date of the form {format}"),
                None => {
                    format!("{filter}: the cell is not an ISO 8601 date; give the format, as in {filter}('%d/%m/%Y')")
                }
            })
        })
    }

    fn by_format(&self, text: &str, format: &str) -> Option<ZonedDateTime> {
        let parsed = jiff::fmt::strtime::parse(format, text).ok()?;
        if let Ok(zoned) = parsed.to_zoned_datetime() {
            return Some(zoned);
        }
        if let Ok(timestamp) = parsed.to_timestamp() {
            return Some(timestamp.to_zoned_datetime(self.zone.clone()));
        }
        let civil = parsed.to_datetime().or_else(|_| parsed.to_date().map(DateTime::from)).ok()?;
        civil.to_zoned_datetime(self.zone.clone()).ok()
    }

    fn by_iso_8601(&self, text: &str) -> Option<ZonedDateTime> {
        if let Ok(zoned) = text.parse::<ZonedDateTime>() {
            return Some(zoned);
        }
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            return Some(timestamp.to_zoned_datetime(self.zone.clone()));
        }
        let civil: DateTime = text.parse().ok()?;
        civil.to_zoned_datetime(self.zone.clone()).ok()
    }
}
