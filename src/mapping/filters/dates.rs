//! The filters `epoch` and `iso`: dates in the formats of an export.

use jiff::ZonedDateTime;
use jiff::tz::TimeZone;

use super::zone_use;
use crate::dates::{DateFault, DateReader, DateReading, zone_data};
use crate::mapping::error::RenderError;
use crate::source::looks_like_null_date;

/// The formats of a column's dates, tried in order, and the zone of dates without an offset.
#[derive(Clone, Debug)]
pub(in crate::mapping) struct DateForm {
    /// `epoch` or `iso`.
    filter: &'static str,
    /// At least one.
    readers: Vec<DateReader>,
    zone: TimeZone,
    /// Whether the zone has rules, which may change.
    has_rules: bool,
}

impl DateForm {
    /// The formats and zone of a filter's arguments. Without a format it is ISO 8601, without a zone UTC.
    ///
    /// # Errors
    /// The zone is unknown, or a format does not make a whole date.
    pub(super) fn new(
        filter: &'static str,
        formats: &[&str],
        zone_name: Option<&str>,
    ) -> Result<Self, RenderError> {
        let zone = match zone_name {
            None => TimeZone::UTC,
            Some(name) => zone_data().zone(name).ok_or_else(|| {
                let remedy = "use a name such as Europe/London";
                RenderError::Job(format!("{filter}: '{name}' is not a time zone; {remedy}"))
            })?,
        };
        let readers = match formats {
            [] => vec![DateReader::iso_8601()],
            formats => {
                let readers = formats.iter().map(|format| DateReader::new(format));
                let readers: Result<Vec<_>, String> = readers.collect();
                readers.map_err(|problem| RenderError::Job(format!("{filter}: {problem}")))?
            }
        };
        let has_rules = has_rules(&zone);
        Ok(DateForm { filter, readers, zone, has_rules })
    }

    /// The readers in the order in which they are tried.
    pub(in crate::mapping) fn readers(&self) -> &[DateReader] {
        &self.readers
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

    /// Reads by the first format that fits.
    fn read(&self, text: &str) -> Result<ZonedDateTime, RenderError> {
        let mut fault = DateFault::OtherForm;
        for reader in &self.readers {
            let reading = match reader.read(text) {
                Ok(reading) => reading,
                Err(found) => {
                    fault = fault.max(found);
                    continue;
                }
            };
            let needs_rules = match &reading {
                DateReading::Zoned(zoned) => has_rules(zoned.time_zone()),
                DateReading::Local(_) => self.has_rules,
                // The zone decides the offset that is written, and not the moment.
                DateReading::Instant(_) => self.has_rules && self.filter == "iso",
            };
            match reading.in_zone(&self.zone) {
                Ok(zoned) => {
                    if needs_rules {
                        zone_use::note(&zoned);
                    }
                    return Ok(zoned);
                }
                Err(found) => fault = fault.max(found),
            }
        }
        Err(RenderError::Row(self.described(fault, text)))
    }

    /// The fault of a cell. A date that stands for no value is quoted: it is one of a few texts, and no datum.
    fn described(&self, fault: DateFault, cell: &str) -> String {
        let filter = self.filter;
        let formats: Vec<&str> = self.readers.iter().filter_map(DateReader::format).collect();
        match (fault, &formats[..]) {
            (DateFault::OtherForm, []) => {
                format!(
                    "{filter}: the cell is not an ISO 8601 date; give the format, as in {filter}('%d/%m/%Y')"
                )
            }
            (DateFault::OtherForm, formats) => {
                format!("{filter}: the cell is not a date of the form {}", formats.join(" or "))
            }
            (DateFault::NullDate, _) if looks_like_null_date(cell) && cell.len() <= LONGEST_NULL_DATE => {
                format!("{filter}: {fault}: null = [{cell:?}]")
            }
            (fault, _) => format!("{filter}: {fault}"),
        }
    }
}

/// Length of `0001-01-01 00:00:00.0000000 +00:00`, the longest null date that is quoted.
const LONGEST_NULL_DATE: usize = 34;

/// Whether a zone is more than an offset. The zones `Etc/…` never change.
fn has_rules(zone: &TimeZone) -> bool {
    zone.to_fixed_offset().is_err() && !zone.iana_name().is_some_and(|name| name.starts_with("Etc/"))
}
