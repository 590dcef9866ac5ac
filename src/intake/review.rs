//! Warnings about rows and their requests, and the members that the rows fill. `check` prints them; `run` shows the
//! warnings before its first request.
//!
//! It sees every row of the input, so it allocates nothing for a row without a warning.

use super::day_month_tally::DayMonthTally;
use super::member_tally::{MemberCount, MemberTally};
use super::null_look_alikes::NullLookAlikes;
use super::prepared::Rules;
use crate::dates::zone_data;
use crate::mapping::{FilledValue, Mapped, ZoneUse};
use crate::request::Operation;
use crate::source::{Header, Input, NonRow, Record, RowKey};
use crate::warning::{WarnedRow, Warning, WarningCode, Warnings};

/// Collects the warnings and the filled members of the rows of all inputs.
#[derive(Debug, Default)]
pub struct InputReview {
    warnings: Warnings,
    /// Name of the current input.
    file: String,
    members: MemberTally,
    nulls: NullLookAlikes,
    day_month: DayMonthTally,
}

impl InputReview {
    /// Begins an input.
    pub fn begin(&mut self, input: &Input, header: &Header) {
        self.file = input.to_string();
        self.members.begin();
        self.nulls.begin(header.names());
    }

    /// Name of the current input.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Reviews the form of a row, before it may be passed over: it may hold others.
    #[inline]
    pub fn form(&mut self, record: &Record, key: &RowKey) {
        if record.is_suspect() {
            warn_of_form(&mut self.warnings, WarnedRow { file: &self.file, line: record.line, key }, record);
        }
    }

    /// Reviews the cells of a row, before it is mapped: one that looks like no value may be why it has a fault.
    #[inline]
    pub fn cells(&mut self, rules: &Rules, record: &Record, key: &RowKey) {
        let row = WarnedRow { file: &self.file, line: record.line, key };
        self.nulls.scan(rules.used_columns(), rules.nulls(), record, row);
    }

    /// Reviews the dates of a row. A date that is rejected may show that the format has the wrong order.
    #[inline]
    pub fn dates(&mut self, rules: &Rules, record: &Record, key: &RowKey, is_rejected: bool) {
        let row = WarnedRow { file: &self.file, line: record.line, key };
        for column in rules.mapping().day_month_columns() {
            self.day_month.record(column, &record.fields, row, is_rejected);
        }
    }

    /// Reviews the request of a row.
    pub fn request(&mut self, rules: &Rules, line: u64, key: &RowKey, mapped: &Mapped<'_>) {
        let InputReview { warnings, file, members, .. } = self;
        let row = WarnedRow { file, line, key };
        for member in &mapped.cuts {
            warnings.warn_of_row(WarningCode::TextCut, member, row, || {
                let remedy =
                    "the rest of the text is not sent; shorten it, or send it in another member as well";
                ["is cut to fit".to_owned(), remedy.to_owned()]
            });
        }
        let request = &mapped.request;
        if request.name.is_none() && request.operation == Operation::CreateContact {
            warnings.warn_of_row(WarningCode::NoName, "Name", row, || {
                let remedy =
                    "fill the column, or write a default: {{ subject | default('no subject', true) }}";
                ["is left out, so the contact has no name".to_owned(), remedy.to_owned()]
            });
        }
        if mapped.zone_use == ZoneUse::Predicted {
            warnings.warn_of_row(WarningCode::DateBeyondZoneData, "", row, || {
                let zones = zone_data();
                let (release, last) = (zones.described(), zones.known_until());
                [
                    format!("has a date after {last}, whose offset time-zone data {release} predicts"),
                    "update the system's tzdata or connect-import first, or export dates with their offset"
                        .to_owned(),
                ]
            });
        }
        let mapping = rules.mapping();
        members.row(mapping.members());
        mapping.for_each_filled(request, &mut |index, value| {
            members.fill(index, value, file, line);
            match value {
                FilledValue::Text(text) | FilledValue::Url(text) if is_padded(text) => {
                    warn_of_padding(warnings, &mapping.members()[index].path, row);
                }
                FilledValue::Url(text) if !is_url(text) => {
                    warn_of_url(warnings, &mapping.members()[index].path, row);
                }
                FilledValue::Text(_) | FilledValue::Url(_) | FilledValue::Other => {}
            }
        });
    }

    /// Adds a warning.
    pub fn warn(&mut self, warning: Warning) {
        self.warnings.warn(warning);
    }

    /// Adds warnings that were collected apart.
    pub fn warn_all(&mut self, warnings: Warnings) {
        self.warnings.extend(warnings);
    }

    /// Adds a warning about a row. `text` makes message and remedy; it is called for the first rows only.
    pub fn warn_of_row(
        &mut self,
        code: WarningCode,
        subject: &str,
        line: u64,
        key: &RowKey,
        text: impl FnOnce() -> [String; 2],
    ) {
        self.warnings.warn_of_row(code, subject, WarnedRow { file: &self.file, line, key }, text);
    }

    /// The warnings, and how many rows fill each member.
    pub fn finish(mut self) -> (Warnings, Vec<MemberCount>) {
        self.nulls.warn(&mut self.warnings);
        self.day_month.warnings().for_each(|warning| self.warnings.warn(warning));
        (self.warnings, self.members.finish())
    }
}

#[cold]
fn warn_of_form(warnings: &mut Warnings, row: WarnedRow<'_>, record: &Record) {
    if record.may_hold_rows {
        warnings.warn_of_row(WarningCode::SwallowedRows, "", row, || {
            let message =
                "has several lines, each with as many cells as the header: a quote may have swallowed rows";
            [message.to_owned(), "if the file has no quotes, set --format text, or --quote none".to_owned()]
        });
    }
    let is_no_row = match record.non_row {
        Some(NonRow::Total) => Some((WarningCode::TotalRow, "looks like a total, not like a row")),
        Some(NonRow::Title) => {
            Some((WarningCode::TitleRow, "has words in its first cell alone, as a title or footer has"))
        }
        _ => None,
    };
    if let Some((code, message)) = is_no_row {
        warnings.warn_of_row(code, "", row, || {
            let remedy = "remove the line if it is none; if it is a row, nothing is to be done";
            [message.to_owned(), remedy.to_owned()]
        });
    }
    if record.has_short_end {
        warnings.warn_of_row(WarningCode::TruncatedFile, "", row, || {
            [
                "is the last row, has no line end, and is shorter than the others: the file may be cut off"
                    .to_owned(),
                "compare its size with the original, or export or download it again".to_owned(),
            ]
        });
    }
    if let Some(text) = record.malformed.filter(|text| text.is_hundredth) {
        warnings.warn_of_row(WarningCode::SuspectEncoding, "", row, || {
            let name = text.expected.name;
            let message = format!(
                "is the 100th row that is not {name}; no row before has valid letters outside of ASCII"
            );
            [message, format!("the encoding is probably another: {}", text.expected.remedy)]
        });
    }
}

#[cold]
fn warn_of_padding(warnings: &mut Warnings, member: &str, row: WarnedRow<'_>) {
    warnings.warn_of_row(WarningCode::PaddedValue, member, row, || {
        let message = "begins or ends with white space, which is sent";
        [message.to_owned(), "to remove it, write {{ column | trim }}".to_owned()]
    });
}

#[cold]
fn warn_of_url(warnings: &mut Warnings, member: &str, row: WarnedRow<'_>) {
    warnings.warn_of_row(WarningCode::InvalidUrl, member, row, || {
        let message = "has the type URL and is no URL, such as https://example.com/1";
        let remedy =
            "correct the cells, complete them: https://example.com/{{ column }}, or set Type = \"STRING\"";
        [message.to_owned(), remedy.to_owned()]
    });
}

/// Whether the text begins or ends with white space, a no-break space or an invisible space.
#[inline]
fn is_padded(text: &str) -> bool {
    let is_visible = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    // Most texts begin and end with a character of ASCII.
    !(is_visible(bytes.first()) && is_visible(bytes.last())) && is_padded_by_any(text)
}

#[cold]
fn is_padded_by_any(text: &str) -> bool {
    let is_space = |c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}');
    text.starts_with(is_space) || text.ends_with(is_space)
}

/// Whether the text has the form of a URL: a scheme, something after it, and no white space.
#[inline]
fn is_url(text: &str) -> bool {
    let is_web = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match is_web {
        Some(content) => is_url_content(content),
        None => is_other_url(text),
    }
}

/// A URL of another scheme than the usual two.
#[cold]
fn is_other_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let content = match rest.strip_prefix("//") {
        Some(path) if scheme == "file" => path.trim_start_matches('/'),
        Some(content) => content,
        // Without slashes any word before a colon would be a scheme.
        None if ["mailto", "tel", "sip", "sips", "urn", "data"].contains(&scheme) => rest,
        None => return false,
    };
    is_scheme && is_url_content(content)
}

/// Whether the text after the scheme names something and has no white space.
#[inline]
fn is_url_content(text: &str) -> bool {
    // One pass over the bytes without a branch.
    let (blank, beyond_ascii) = text.bytes().fold((false, false), |(blank, beyond), byte| {
        (blank | (byte <= b' ') | (byte == 0x7f), beyond | (byte >= 0x80))
    });
    let has_host = text.as_bytes().first().is_some_and(|byte| !b"/?#:".contains(byte));
    has_host && !blank && !(beyond_ascii && text.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_invisible_spaces_at_either_end_are_padding() {
        for text in [" a", "a ", "a\n", "\u{a0}a", "a\u{a0}", "\u{feff}a", "a\u{200b}", "\u{3000}a", " "] {
            assert!(is_padded(text), "{text:?}");
        }
        for text in ["", "a", "a b", "é", "ü\u{a0}ü", "日本"] {
            assert!(!is_padded(text), "{text:?}");
        }
    }

    #[test]
    fn a_url_has_a_scheme_and_no_white_space() {
        for text in [
            "https://example.com",
            "http://h/a?b=c#d",
            "HTTPS://EXAMPLE.COM/ü",
            "ftp://h",
            "s3://bucket/key",
            "file:///srv/a",
            "mailto:a@b",
            "tel:+4912",
            "salesforce1://sObject/1",
        ] {
            assert!(is_url(text), "{text}");
        }
        for text in [
            "",
            "example.com",
            "www.example.com/1",
            "HD:123",
            "https://",
            "https:///path",
            "https:// example.com",
            "https://example.com/a b",
            "://x",
            "1http://x",
            "https:/example.com",
            "https://example.com/a\u{a0}b",
            "https://example.com/a\nb",
            "file://",
            "ticket 7: https://example.com",
        ] {
            assert!(!is_url(text), "{text}");
        }
    }
}
