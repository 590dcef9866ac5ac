//! Numbers and states as people read them.

use std::path::Path;

use crate::ledger::RowState;
use crate::mapping::Rejection;

/// `1234567` is `1,234,567`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 row`, `2 rows`.
pub(super) fn rows(number: u64) -> String {
    format!("{} {}", count(number), if number == 1 { "row" } else { "rows" })
}

/// A share as a percentage: `0%`, `0.02%`, `1.5%`, `23%`.
pub(super) fn percent(share: f64) -> String {
    match share * 100.0 {
        nothing if nothing <= 0.0 => "0%".to_owned(),
        little if little < 0.1 => format!("{:.2}%", little.max(0.01)),
        some if some < 10.0 => format!("{some:.1}%"),
        much => format!("{much:.0}%"),
    }
}

/// How long an answer took: `40 ms`, `1.25 s`.
pub(super) fn latency(seconds: f64) -> String {
    if seconds < 0.9995 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.2} s") }
}

/// The first characters of a text that may have megabytes.
pub(super) fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The name of an input and the folder that it lies in, which may be empty.
pub(super) fn file(source: &str) -> (String, String) {
    let path = Path::new(source);
    match (path.file_name(), path.parent()) {
        (_, _) if source == "-" => ("Standard input".to_owned(), String::new()),
        (Some(name), Some(folder)) => (name.to_string_lossy().into_owned(), folder.display().to_string()),
        (_, _) => (source.to_owned(), String::new()),
    }
}

/// A message without the templates that it quotes, in which data of the job file may stand.
pub(super) fn without_templates(code: &str, message: &str) -> String {
    match message.split_once(" (from ") {
        Some((first, _)) if Rejection::CODES.contains(&code) => first.to_owned(),
        Some(_) | None => message.to_owned(),
    }
}

/// What a cause comes to, for people who know no codes.
pub(super) fn cause(state: RowState, code: &str) -> &'static str {
    match (code, state) {
        (Rejection::DUPLICATE, _) => "Another row has the same key; only the first one is imported",
        ("Mapping", _) => "The row cannot be made into a contact as the job file asks",
        ("Validation", _) => "The contact would break a limit of Amazon Connect",
        ("RaggedRow", _) => "The row has too few or too many cells",
        ("StrayQuote", _) => "A stray quotation mark: it may have swallowed other rows",
        ("EmptyKey", _) => "The row has nothing in its key columns",
        ("NoAnswer", _) => "Amazon Connect did not answer: the contact may exist or not",
        ("Withdrawn", _) => "Sent without an answer, and since then taken out of its file",
        (_, RowState::Rejected) => "Amazon Connect refused it",
        (_, RowState::Failed) => "Every attempt failed; no contact was made",
        (_, RowState::Unknown | RowState::InFlight) => {
            "It was sent, and the answer does not say whether the contact exists"
        }
        (_, RowState::Pending) => "It was sent without an answer, and waits to be sent again",
        (_, RowState::Created) => "It is a contact",
    }
}

/// How a run ended, in words.
pub(super) fn ending(ending: Option<&str>, is_under_way: bool) -> &str {
    match ending {
        Some("complete") => "came to its end",
        Some("interrupted") => "was interrupted",
        Some("denied") => "was denied access",
        Some("quota exceeded") => "met a hard quota",
        Some("not found") => "did not find the instance",
        Some("throttled") => "was throttled for too long",
        Some("out of reach") => "could not reach Connect",
        Some("unanswered") => "got no answers any more",
        Some("error budget") => "stopped: too many rows went wrong",
        Some("time budget") => "used up its time",
        Some(other) => other,
        None if is_under_way => "is under way",
        None => "broke off",
    }
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
    fn templates_are_no_part_of_a_message_and_long_texts_end() {
        let message = "Name is too long (from {{ name ~ 'secret (x)' }}); more (from {{ b }})";
        assert_eq!(without_templates("Validation", message), "Name is too long");
        assert_eq!(without_templates("ThrottlingException", "quoted (from x)"), "quoted (from x)");
        assert_eq!((shortened("Größe", 3), shortened("abc", 3)), ("Grö…".to_owned(), "abc".to_owned()));
    }
}
