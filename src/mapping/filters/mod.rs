//! Filters of this project beside MiniJinja's own.

mod dates;
mod step;

use std::borrow::Cow;

use minijinja::value::{Kwargs, StringInput};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use thiserror::Error as ThisError;

use dates::DateForm;
pub(super) use step::{Argument, Arguments, Step, Tables};

/// The filters of this project.
pub(super) const OWN: [&str; 6] = ["epoch", "iso", "truncate", "slug", "lookup", "required"];

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

/// Makes the filters known to the engine.
pub(super) fn install(environment: &mut Environment<'static>, tables: &Tables) {
    environment.add_filter(
        "epoch",
        |state: &State, value: &Value, format: Option<String>, options: Kwargs| {
            let form = date_form("epoch", format, &options)?;
            applied(form.map(Step::Epoch), text(state, value)?)
        },
    );
    environment.add_filter("iso", |state: &State, value: &Value, format: Option<String>, options: Kwargs| {
        let form = date_form("iso", format, &options)?;
        applied(form.map(Step::Iso), text(state, value)?)
    });
    environment.add_filter("truncate", truncate);
    environment
        .add_filter("slug", |state: &State, value: &Value| applied(Ok(Step::Slug), text(state, value)?));
    let tables = tables.clone();
    environment.add_filter("lookup", move |state: &State, value: &Value, name: String, options: Kwargs| {
        let default: Option<String> = options.get("default")?;
        options.assert_all_used()?;
        applied(Step::lookup(&name, default, &tables), text(state, value)?)
    });
    environment.add_filter("required", |state: &State, value: &Value, message: Option<String>| {
        let step = Step::Required(message.unwrap_or_else(|| step::NOTHING.into()));
        applied(Ok(step), text(state, value)?)
    });
}

fn date_form(
    filter: &'static str,
    format: Option<String>,
    options: &Kwargs,
) -> Result<Result<DateForm, FilterFault>, Error> {
    let zone: Option<String> = options.get("tz")?;
    options.assert_all_used()?;
    Ok(DateForm::new(filter, format, zone.as_deref()))
}

/// `truncate(n)`: the first `n` characters; `truncate(bytes=n)`: the first `n` UTF-8 bytes.
fn truncate(state: &State, value: &Value, chars: Option<usize>, options: Kwargs) -> Result<String, Error> {
    let bytes: Option<usize> = options.get("bytes")?;
    options.assert_all_used()?;
    let step = match (chars, bytes) {
        (Some(chars), None) => Ok(Step::Chars(chars)),
        (None, Some(bytes)) => Ok(Step::Bytes(bytes)),
        (Some(_), Some(_)) | (None, None) => Err(FilterFault::Job(
            "truncate: say how much may stay, as truncate(1024) or truncate(bytes=1024)".into(),
        )),
    };
    applied(step, text(state, value)?)
}

/// A filter's input as text; none is empty.
fn text(state: &State, value: &Value) -> Result<String, Error> {
    if value.is_none() {
        return Ok(String::new());
    }
    Ok(StringInput::new(state, value)?.as_str().to_owned())
}

fn applied(step: Result<Step, FilterFault>, text: String) -> Result<String, Error> {
    let outcome = match &step {
        Ok(step) => step.apply(Cow::Owned(text)).map(Cow::into_owned),
        Err(fault) => Err(fault.clone()),
    };
    outcome.map_err(|fault| Error::new(ErrorKind::InvalidOperation, fault.to_string()).with_source(fault))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;

    fn render(template: &str, cell: &str) -> Result<String, String> {
        let mut environment = Environment::new();
        let table = BTreeMap::from([("Closed".to_owned(), "DONE".to_owned())]);
        install(&mut environment, &Tables::from([("status".to_owned(), Arc::new(table))]));
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
    fn a_date_is_written_as_iso_8601_with_its_offset() {
        let london = "{{ d | iso('%d.%m.%Y %H:%M', tz='Europe/London') }}";
        assert_eq!(render(london, "01.07.2024 09:30").unwrap(), "2024-07-01T09:30:00+01:00");
        assert_eq!(render("{{ d | iso }}", "2024-07-01T09:30:00Z").unwrap(), "2024-07-01T09:30:00+00:00");
        assert_eq!(render("{{ d | iso('%s') }}", "0").unwrap(), "1970-01-01T00:00:00+00:00");
    }

    #[test]
    fn a_cell_that_is_no_date_is_refused_without_being_quoted() {
        let error = render("{{ d | epoch('%Y-%m-%d') }}", "secret").unwrap_err();
        assert!(error.contains("not a date of the form %Y-%m-%d"), "{error}");
        assert!(!error.contains("secret"));
    }

    #[test]
    fn a_misspelt_zone_or_format_is_the_jobs_fault_even_for_an_empty_cell() {
        assert!(render("{{ d | epoch(tz='Europe/Londn') }}", "").unwrap_err().contains("Europe/Londn"));
        assert!(render("{{ d | epoch('%Y-%1') }}", "").unwrap_err().contains("not a format of dates"));
    }

    #[test]
    fn an_empty_date_stays_empty() {
        assert_eq!(render("{{ d | epoch }}", " ").unwrap(), "");
    }

    #[test]
    fn truncate_counts_characters_or_bytes() {
        assert_eq!(render("{{ d | truncate(3) }}", "größer").unwrap(), "grö");
        assert_eq!(render("{{ d | truncate(9) }}", "größer").unwrap(), "größer");
        assert_eq!(render("{{ d | truncate(bytes=3) }}", "größer").unwrap(), "gr");
        assert!(render("{{ d | truncate }}", "x").unwrap_err().contains("truncate(1024)"));
    }

    #[test]
    fn a_table_has_a_word_for_a_text() {
        assert_eq!(render("{{ d | lookup('status') }}", " Closed ").unwrap(), "DONE");
        assert_eq!(render("{{ d | lookup('status') }}", "").unwrap(), "");
        assert_eq!(render("{{ d | lookup('status', default='OTHER') }}", "New").unwrap(), "OTHER");
        let error = render("{{ d | lookup('status') }}", "secret").unwrap_err();
        assert!(error.contains("no entry for the cell") && !error.contains("secret"), "{error}");
        let error = render("{{ d | lookup('statsu') }}", "New").unwrap_err();
        assert!(error.contains("did you mean 'status'?"), "{error}");
    }

    #[test]
    fn what_is_required_must_be_there() {
        assert_eq!(render("{{ d | required }}", "x").unwrap(), "x");
        let error = render("{{ d | required('every ticket has a subject') }}", " ").unwrap_err();
        assert!(error.contains("every ticket has a subject"), "{error}");
    }

    #[test]
    fn a_slug_is_a_key_of_attributes() {
        assert_eq!(render("{{ d | slug }}", "Größe (cm)").unwrap(), "grosse_cm");
    }
}
