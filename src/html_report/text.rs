//! Texts of the page: numbers, names of files, explanations of errors and of a run's end.

use std::path::Path;

use crate::ledger::RowState;
use crate::mapping::Rejection;
use crate::printable::ShownPath as _;

/// Formats `1234567` as `1,234,567`.
pub(super) fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// Formats a number of rows: `1 row`, `2 rows`.
pub(super) fn rows(number: u64) -> String {
    format!("{} {}", count(number), if number == 1 { "row" } else { "rows" })
}

/// Formats a share from 0 to 1 as a percentage: `0%`, `0.02%`, `1.5%`, `23%`.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        nothing if nothing <= 0.0 => "0%".to_owned(),
        little if little < 0.1 => format!("{:.2}%", little.max(0.01)),
        some if some < 10.0 => format!("{some:.1}%"),
        much => format!("{much:.0}%"),
    }
}

/// Formats a latency in seconds: `40 ms`, `1.25 s`.
pub(super) fn latency(seconds: f64) -> String {
    if seconds < 0.9995 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.2} s") }
}

/// The first `characters` of a text, which may have megabytes.
pub(super) fn truncate(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Name and folder of an input. The folder may be empty.
pub(super) fn file(source: &str) -> (String, String) {
    let path = Path::new(source);
    match (path.file_name(), path.parent()) {
        (_, _) if source == "-" => ("Standard input".to_owned(), String::new()),
        (Some(name), Some(folder)) => (name.to_string_lossy().into_owned(), folder.shown()),
        (_, _) => (source.to_owned(), String::new()),
    }
}

/// The message without quoted templates, which may contain data of the job file.
pub(super) fn without_templates(code: &str, message: &str) -> String {
    match message.split_once(" (from ") {
        Some((first, _)) if Rejection::CODES.contains(&code) => first.to_owned(),
        Some(_) | None => message.to_owned(),
    }
}

/// Explains an error code to readers who do not know the codes. `service` is the name of the service within a sentence.
pub(super) fn explain_error(state: RowState, code: &str, service: &str) -> String {
    let explained = match (code, state) {
        (Rejection::DUPLICATE, _) => "Another row has the same key; only the first one is imported",
        ("Mapping", _) => "The templates of the job file cannot be filled from this row",
        ("Validation", _) => "The request would exceed a limit of Amazon Connect's API",
        ("RaggedRow", _) => "The row has fewer or more cells than the header",
        ("StrayQuote", _) => "A stray quotation mark may have joined several rows",
        ("HeaderRow" | "RuleRow" | "CountRow", _) => "The line is no row: a header, dashes or a count",
        ("EmptyKey", _) => "The key columns are empty",
        ("NoAnswer", _) => return capitalized(&format!("{service} did not answer; the contact may exist")),
        ("Withdrawn", _) => "Sent without an answer, and later removed from its file",
        (_, RowState::Rejected | RowState::Accepted) => {
            return capitalized(&format!("{service} refused the request"));
        }
        (_, RowState::Failed) => "Every attempt failed; no contact was created",
        (_, RowState::Unknown | RowState::InFlight) => {
            "Sent, but the answer does not say whether the contact exists"
        }
        (_, RowState::Pending) => "Sent without an answer, and waiting to be sent again",
        (_, RowState::Created) => "Created",
        (_, RowState::Withdrawn) => "Removed from its file before it was created",
    };
    explained.to_owned()
}

/// The text with its first letter in upper case.
pub(super) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Explains how a run ended. `service` is the name of the service within a sentence.
pub(super) fn explain_ending(ending: Option<&str>, is_under_way: bool, service: &str) -> String {
    let explained = match ending {
        Some("complete") => "completed",
        Some("interrupted") => "was interrupted",
        Some("denied") => "was denied access",
        Some("no credentials") => "had no credentials",
        Some("credentials out of reach") => "could not reach the source of its credentials",
        Some("untrusted") => "did not trust the server",
        Some("quota exceeded") => "reached a hard quota",
        Some("not found") => "did not find the instance",
        Some("throttled") => "was throttled for too long",
        Some("out of reach") => return format!("could not reach {service}"),
        Some("unanswered") => "no longer got answers",
        Some("error budget") => "stopped after too many failed rows",
        Some("time budget") => "used up its time",
        Some(other) => other,
        None if is_under_way => "running",
        None => "ended abnormally",
    };
    explained.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(count(number), text);
        }
        assert_eq!((rows(1), rows(20_000)), ("1 row".into(), "20,000 rows".into()));
        assert_eq!(
            [0.0, 0.000_01, 0.004, 0.22, 1.0].map(percent),
            ["0%", "0.01%", "0.4%", "22%", "100%"].map(str::to_owned)
        );
        assert_eq!([0.04, 0.9994, 1.25].map(latency), ["40 ms", "999 ms", "1.25 s"].map(str::to_owned));
    }

    #[test]
    fn messages_lose_their_templates_and_long_texts_are_truncated() {
        let message = "Name is too long (from {{ name ~ 'secret (x)' }}); more (from {{ b }})";
        assert_eq!(without_templates("Validation", message), "Name is too long");
        assert_eq!(without_templates("ThrottlingException", "quoted (from x)"), "quoted (from x)");
        assert_eq!((truncate("Größe", 3), truncate("abc", 3)), ("Grö…".to_owned(), "abc".to_owned()));
    }
}
