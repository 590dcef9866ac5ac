//! The filters that this project adds to MiniJinja's own.

mod dates;
mod step;
pub(super) mod zone_use;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use minijinja::value::{Kwargs, Rest, StringInput, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::error::RenderError;
use super::none;
use crate::dates::zone_data;
use dates::DateForm;
pub(super) use step::{Argument, Arguments, FilterStep, OWN, Tables, take_cut};

/// Adds the filters to a MiniJinja environment.
pub(super) fn install(environment: &mut Environment<'static>, tables: &Tables) {
    for name in ["epoch", "iso"] {
        let known = DateSteps::default();
        let filter = move |state: &State, value: &Value, formats: Rest<String>, options: Kwargs| {
            let zone: Option<&str> = options.get("tz")?;
            options.assert_all_used()?;
            // An empty date needs neither, and a row without a date may have no zone.
            let is_empty = value.is_none() || value.as_str().is_some_and(|text| text.trim().is_empty());
            if is_empty { Ok(String::new()) } else { apply(known.step(name, &formats, zone), state, value) }
        };
        environment.add_filter(name, filter);
    }
    environment.add_filter("truncate", truncate);
    environment.add_filter("slug", |state: &State, value: &Value| apply(Ok(FilterStep::Slug), state, value));
    environment.add_filter("urlencode", urlencode);
    environment.add_filter("tojson", tojson);
    let tables = tables.clone();
    environment.add_filter("lookup", move |state: &State, value: &Value, name: String, options: Kwargs| {
        let default: Option<String> = options.get("default")?;
        options.assert_all_used()?;
        let step = FilterStep::lookup(&name, default, &tables);
        let problem = "lookup: the job file has no table of this name";
        apply(step.map_err(|_| RenderError::Row(problem.to_owned())), state, value)
    });
    environment.add_filter("required", |state: &State, value: &Value, message: Option<String>| {
        let message = message.unwrap_or_else(|| step::REQUIRED.into());
        apply(Ok(FilterStep::Required(message)), state, value)
    });
}

/// The steps of one date filter by its arguments. MiniJinja calls the filter for every row, and a step parses its
/// formats.
#[derive(Default)]
struct DateSteps(Mutex<Vec<DateStep>>);

/// A date filter with its arguments.
struct DateStep {
    formats: Vec<String>,
    zone: Option<String>,
    step: Arc<FilterStep>,
}

/// Steps of one date filter that are kept; a template could make formats of cells.
const MOST_DATE_STEPS: usize = 64;

impl DateSteps {
    /// # Errors
    /// The row is at fault, since a wrong literal is refused with its template. The message repeats no cell.
    fn step(
        &self,
        filter: &'static str,
        formats: &[String],
        zone: Option<&str>,
    ) -> Result<Arc<FilterStep>, RenderError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |known: &&DateStep| known.zone.as_deref() == zone && known.formats == formats;
        if let Some(found) = known.iter().find(is_same) {
            return Ok(found.step.clone());
        }
        let texts: Vec<&str> = formats.iter().map(String::as_str).collect();
        let form = DateForm::new(filter, &texts, zone).map_err(|_| {
            let is_zone = zone.is_none_or(|zone| zone_data().zone(zone).is_some());
            RenderError::Row(match is_zone {
                true => format!("{filter}: the format is not a date format such as %d/%m/%Y"),
                false => format!("{filter}: tz is empty or not a time zone such as Europe/London"),
            })
        })?;
        let step = Arc::new(FilterStep::Date(form));
        if known.len() < MOST_DATE_STEPS {
            let zone = zone.map(str::to_owned);
            known.push(DateStep { formats: formats.to_vec(), zone, step: step.clone() });
        }
        Ok(step)
    }
}

/// `truncate(n)` keeps the first `n` characters, `truncate(bytes=n)` the first `n` UTF-8 bytes.
fn truncate(state: &State, value: &Value, chars: Option<usize>, options: Kwargs) -> Result<String, Error> {
    let bytes: Option<usize> = options.get("bytes")?;
    options.assert_all_used()?;
    let step = match (chars, bytes) {
        (Some(chars), None) => Ok(FilterStep::Chars(chars)),
        (None, Some(bytes)) => Ok(FilterStep::Bytes(bytes)),
        (Some(_), Some(_)) | (None, None) => {
            Err(RenderError::Job("truncate: write truncate(1024) or truncate(bytes=1024)".into()))
        }
    };
    apply(step, state, value)
}

/// A text percent-encoded, or a map as the parameters of a URL: `q=a%20b&page=2`.
fn urlencode(state: &State, value: &Value) -> Result<String, Error> {
    match value.kind() {
        ValueKind::Map => minijinja::filters::urlencode(value),
        ValueKind::Seq | ValueKind::Iterable => {
            let problem =
                "urlencode: a list has no form in a URL; encode its entries, or a map of parameters";
            fail(RenderError::Job(problem.to_owned()))
        }
        _ => apply(Ok(FilterStep::UrlEncode), state, value),
    }
}

/// A value as JSON: a text with its quotes and escapes, none as null. MiniJinja's own filter also escapes for HTML,
/// where an apostrophe takes six characters.
fn tojson(state: &State, value: &Value) -> Result<String, Error> {
    // Entries that share one value are written each.
    none::holds_none(state, value)?;
    match serde_json::to_string(value) {
        Ok(text) => Ok(text),
        Err(_) => fail(RenderError::Row("tojson: the value has no form in JSON".to_owned())),
    }
}

fn fail<T>(error: RenderError) -> Result<T, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, error.to_string()).with_source(error))
}

/// Applies a filter to its input. None is an empty text here; MiniJinja would make it the text `None`.
fn apply(
    step: Result<impl Into<Arc<FilterStep>>, RenderError>,
    state: &State,
    value: &Value,
) -> Result<String, Error> {
    let text = if value.is_none() { None } else { Some(StringInput::new(state, value)?) };
    let text = text.as_ref().map_or("", StringInput::as_str);
    let outcome = step.and_then(|step| step.into().apply(text.into()).map(Cow::into_owned));
    outcome.or_else(fail)
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
        assert_eq!(render("{{ d | iso('%s') }}", "1719792000").unwrap(), "2024-07-01T00:00:00+00:00");
    }

    #[test]
    fn a_cell_that_is_not_a_date_is_refused_without_being_quoted() {
        let error = render("{{ d | epoch('%Y-%m-%d') }}", "secret").unwrap_err();
        assert!(error.contains("not a date of the form %Y-%m-%d"), "{error}");
        assert!(!error.contains("secret"));
    }

    #[test]
    fn a_zone_or_format_of_a_cell_is_a_fault_that_does_not_repeat_it() {
        let zone = "{{ '2024-07-01' | iso(tz=d) }}";
        assert_eq!(render(zone, "Europe/London").unwrap(), "2024-07-01T00:00:00+01:00");
        for wrong in ["Europe/Secret", ""] {
            let error = render(zone, wrong).unwrap_err();
            assert!(error.contains("tz is empty or not a time zone such as"), "{error}");
            assert!(!error.contains("Secret"));
        }
        assert_eq!(render("{{ '' | iso(tz=d) }}{{ none | epoch(d) }}", "Mars").unwrap(), "");
        let error = render("{{ '2024-07-01' | epoch(d) }}", "%Y-secret").unwrap_err();
        assert!(error.contains("the format is not a date format") && !error.contains("secret"), "{error}");
        let error = render("{{ 'x' | lookup(d) }}", "secret").unwrap_err();
        assert!(error.contains("no table of this name") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn formats_are_tried_in_order() {
        let both = "{{ d | epoch('%d/%m/%Y', '%Y-%m-%d', tz='Europe/London') }}";
        assert_eq!(render(both, "01/07/2024").unwrap(), "1719788400");
        assert_eq!(render(both, "2024-07-01").unwrap(), "1719788400");
        let error = render(both, "July").unwrap_err();
        assert!(error.contains("not a date of the form %d/%m/%Y or %Y-%m-%d"), "{error}");
        let years = "{{ d | iso('%d/%m/%Y', '%d/%m/%y') }}";
        assert_eq!(render(years, "05/11/22").unwrap(), "2022-11-05T00:00:00+00:00");
        let number = "{{ d | iso('unix_seconds', '%d/%m/%y', tz='Europe/Paris') }}";
        assert_eq!(render(number, "1709626500").unwrap(), "2024-03-05T09:15:00+01:00");
    }

    #[test]
    fn the_most_telling_fault_of_all_formats_is_told() {
        let both = "{{ d | epoch('%d/%m/%Y', '%Y-%m-%d') }}";
        for (cell, problem) in [
            ("05/11/22", "epoch: the year has fewer than four digits; write %y"),
            (
                "0000-00-00",
                "epoch: the date stands for no value; list it in [source] null as it is in the CSV: null = [\"0000",
            ),
            ("31/12/9999", "epoch: the date stands for no value; list it in [source] null"),
            ("05/11/1822", "epoch: the year is not between 1900 and 2199"),
        ] {
            let error = render(both, cell).unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
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
    fn lookup_replaces_a_text_by_its_entry() {
        assert_eq!(render("{{ d | lookup('status') }}", " Closed ").unwrap(), "DONE");
        assert_eq!(render("{{ d | lookup('status') }}", "").unwrap(), "");
        assert_eq!(render("{{ d | lookup('status', default='OTHER') }}", "New").unwrap(), "OTHER");
        let error = render("{{ d | lookup('status') }}", "secret").unwrap_err();
        assert!(error.contains("no entry for the cell") && !error.contains("secret"), "{error}");
        let error = render("{{ d | lookup('status', default=none) }}", "New").unwrap_err();
        assert!(error.contains("no entry for the cell"), "{error}");
    }

    #[test]
    fn required_refuses_an_empty_text() {
        assert_eq!(render("{{ d | required }}", "x").unwrap(), "x");
        let error = render("{{ d | required('every ticket has a subject') }}", " ").unwrap_err();
        assert!(error.contains("every ticket has a subject"), "{error}");
    }

    #[test]
    fn urlencode_keeps_a_cell_one_part_of_a_url() {
        let link = "https://x.example/?q={{ d | urlencode }}&page=1";
        assert_eq!(
            render(link, "a&b=c d#é/ü?").unwrap(),
            "https://x.example/?q=a%26b%3Dc%20d%23%C3%A9/%C3%BC%3F&page=1"
        );
        assert_eq!(render("{{ d | urlencode }}", "HD-17_a.b").unwrap(), "HD-17_a.b");
        assert_eq!(render("{{ {'q': d} | urlencode }}", "a b&c").unwrap(), "q=a%20b%26c");
        assert_eq!(render("{{ 42 | urlencode }}", "").unwrap(), "42");
        let all: String = (0..0x250).filter_map(char::from_u32).collect();
        let built_in = minijinja::filters::urlencode(&Value::from(&*all)).unwrap();
        assert_eq!(render("{{ d | urlencode }}", &all).unwrap(), built_in);
        assert!(render("{{ [d] | urlencode }}", "x").unwrap_err().contains("encode its entries"));
    }

    #[test]
    fn tojson_keeps_a_cell_one_string_of_a_json_text() {
        let cells = [
            "",
            "it's <b>",
            "a\"b\\c",
            "line\nbreak\ttab\r",
            "\u{0}\u{1b}",
            "\u{2028}",
            "ü 😀",
            "\", \"x\": 1",
        ];
        for cell in cells {
            for template in ["{\"a\": {{ d | tojson }}}", "{{ {'a': d} | tojson }}"] {
                let text = render(template, cell).unwrap();
                let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(parsed, serde_json::json!({ "a": cell }), "{text}");
            }
        }
        assert_eq!(render("{{ d | tojson }}", "it's <b> & more").unwrap(), "\"it's <b> & more\"");
        assert_eq!(render("{{ [d, 1, true, 1.5] | tojson }}", "x").unwrap(), "[\"x\",1,true,1.5]");
        assert_eq!(render("{{ [none, (d if false)] | tojson }}", "x").unwrap(), "[null,null]");
    }

    #[test]
    fn a_slug_is_a_valid_attribute_key() {
        assert_eq!(render("{{ d | slug }}", "Größe (cm)").unwrap(), "grosse_cm");
    }
}
