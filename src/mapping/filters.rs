//! Filters of this project beside MiniJinja's own.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind};
use thiserror::Error as ThisError;

/// A filter's complaint. It never holds a row's value.
#[derive(Clone, Debug, ThisError)]
pub(super) enum FilterFault {
    /// The row's value does not fit.
    #[error("{0}")]
    Row(String),
    /// The template's own words make no sense.
    #[error("{0}")]
    Job(String),
}

pub(super) fn install(environment: &mut Environment<'static>) {
    environment.add_filter("epoch", epoch);
    environment.add_filter("truncate", truncate);
}

fn failed(fault: FilterFault) -> Error {
    Error::new(ErrorKind::InvalidOperation, fault.to_string()).with_source(fault)
}

/// `epoch(format, tz='UTC')`: a date or time as epoch seconds; nothing stays nothing.
///
/// Without a format ISO 8601 is read. An offset in the text itself wins over `tz`.
fn epoch(text: String, format: Option<String>, options: Kwargs) -> Result<String, Error> {
    let zone_name: Option<String> = options.get("tz")?;
    options.assert_all_used()?;
    let zone_name = zone_name.as_deref().unwrap_or("UTC");
    let zone = TimeZone::get(zone_name).map_err(|_| {
        let words = format!("epoch: '{zone_name}' is not a time zone; use a name such as Europe/London");
        failed(FilterFault::Job(words))
    })?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    let seconds = match &format {
        Some(format) => by_format(text, format, zone),
        None => by_iso_8601(text, zone),
    };
    let words = || match &format {
        Some(format) => format!("epoch: the cell is not a date of the form {format}"),
        None => "epoch: the cell is not an ISO 8601 date; give the format, as in epoch('%d/%m/%Y')".into(),
    };
    seconds.map(|seconds| seconds.to_string()).ok_or_else(|| failed(FilterFault::Row(words())))
}

fn by_format(text: &str, format: &str, zone: TimeZone) -> Option<i64> {
    let parsed = jiff::fmt::strtime::parse(format, text).ok()?;
    if let Ok(timestamp) = parsed.to_timestamp() {
        return Some(timestamp.as_second());
    }
    let civil = parsed.to_datetime().or_else(|_| parsed.to_date().map(DateTime::from)).ok()?;
    Some(civil.to_zoned(zone).ok()?.timestamp().as_second())
}

fn by_iso_8601(text: &str, zone: TimeZone) -> Option<i64> {
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Some(zoned.timestamp().as_second());
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp.as_second());
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(zone).ok()?.timestamp().as_second())
}

/// `truncate(n)`: the first `n` characters.
fn truncate(text: String, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(template: &str, cell: &str) -> Result<String, String> {
        let mut environment = Environment::new();
        install(&mut environment);
        let context = minijinja::Value::from_pairs([("d", cell)]);
        environment.render_str(template, context).map_err(|error| error.to_string())
    }

    #[test]
    fn a_date_is_midnight_in_the_given_zone() {
        let london = "{{ d | epoch('%Y-%m-%d', tz='Europe/London') }}";
        assert_eq!(render(london, "2024-07-01").unwrap(), "1719788400");
        assert_eq!(render("{{ d | epoch('%Y-%m-%d') }}", "2024-07-01").unwrap(), "1719792000");
    }

    #[test]
    fn an_offset_in_the_text_wins() {
        let berlin = "{{ d | epoch(tz='Europe/Berlin') }}";
        assert_eq!(render(berlin, "2024-07-01T00:00:00Z").unwrap(), "1719792000");
        assert_eq!(render(berlin, "2024-07-01T00:00:00").unwrap(), "1719784800");
        let format = "{{ d | epoch('%Y-%m-%d %H:%M %z') }}";
        assert_eq!(render(format, "2024-07-01 02:00 +0200").unwrap(), "1719792000");
    }

    #[test]
    fn a_cell_that_is_no_date_is_refused_without_being_quoted() {
        let error = render("{{ d | epoch('%Y-%m-%d') }}", "secret").unwrap_err();
        assert!(error.contains("not a date of the form %Y-%m-%d"), "{error}");
        assert!(!error.contains("secret"));
    }

    #[test]
    fn a_misspelt_zone_is_the_jobs_fault_even_for_an_empty_cell() {
        assert!(render("{{ d | epoch(tz='Europe/Londn') }}", "").unwrap_err().contains("Europe/Londn"));
    }

    #[test]
    fn an_empty_date_stays_empty() {
        assert_eq!(render("{{ d | epoch }}", " ").unwrap(), "");
    }

    #[test]
    fn truncate_counts_characters() {
        assert_eq!(render("{{ d | truncate(3) }}", "größer").unwrap(), "grö");
        assert_eq!(render("{{ d | truncate(9) }}", "größer").unwrap(), "größer");
    }
}
