//! The kind of a cell by its form, to tell a header from a row.

use crate::source::null_markers::looks_like_null;

/// The kind of a cell.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum CellKind {
    /// Nothing, or a text that stands for no value.
    Nothing,
    /// A whole number from 1900 to 2100, which may name a column.
    Year,
    Number,
    /// A date, a time, or both.
    Date,
    /// An e-mail address.
    Address,
    Url,
    /// A code with digits, such as `HD-0001`: the code with each run of digits as one `9`.
    Code(String),
    Text,
}

impl CellKind {
    pub(super) fn of(cell: &str) -> Self {
        let cell = cell.trim();
        if cell.is_empty() || looks_like_null(cell) {
            CellKind::Nothing
        } else if is_number(cell) {
            let year = cell.parse::<u16>().ok().filter(|year| (1900..=2100).contains(year));
            if year.is_some() { CellKind::Year } else { CellKind::Number }
        } else if is_date(cell) {
            CellKind::Date
        } else if is_address(cell) {
            CellKind::Address
        } else if cell.contains("://") && !cell.contains(char::is_whitespace) {
            CellKind::Url
        } else if let Some(mask) = mask(cell) {
            CellKind::Code(mask)
        } else {
            CellKind::Text
        }
    }

    /// Whether cells of this kind are values, and never the name of a column.
    pub(super) fn is_value(&self) -> bool {
        matches!(self, CellKind::Date | CellKind::Address | CellKind::Url)
    }

    /// A noun with its article, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            CellKind::Nothing => "empty",
            CellKind::Year | CellKind::Number => "a number",
            CellKind::Date => "a date",
            CellKind::Address => "an e-mail address",
            CellKind::Url => "a URL",
            CellKind::Code(_) => "a code as in the rows below",
            CellKind::Text => "a text",
        }
    }
}

/// Whether the cell is a number, which may have a sign, a currency, a percent sign and separators.
fn is_number(cell: &str) -> bool {
    let bare = cell.trim_start_matches(['+', '-', '(', '$', '€', '£', ' ']);
    let bare = bare.trim_end_matches([')', '%', '$', '€', '£', ' ']);
    let has_digits = bare.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
    let is_mantissa = |text: &str| {
        text.chars().all(|c| c.is_ascii_digit() || ".,' \u{a0}\u{202f}".contains(c))
            && text.contains(|c: char| c.is_ascii_digit())
    };
    match bare.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            is_mantissa(mantissa)
                && !exponent.is_empty()
                && exponent.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => has_digits && is_mantissa(bare) && !is_date(bare),
    }
}

/// Whether the cell begins with a date or a time, as in `2024-03-05`, `5.3.24 09:15`, `05-MAR-24`, `Mar 5, 2024` and
/// `09:15:00`, and has no other words but those of times.
fn is_date(cell: &str) -> bool {
    const LONGEST: usize = 48;
    if cell.len() > LONGEST || !cell.contains(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let parts: Vec<&str> =
        cell.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let separators = |from: &str, to: &str| -> Option<char> {
        let start = from.as_ptr() as usize + from.len() - cell.as_ptr() as usize;
        let end = to.as_ptr() as usize - cell.as_ptr() as usize;
        cell.get(start..end)?.chars().next()
    };
    if let [hour, minute, ..] = parts[..]
        && separators(hour, minute) == Some(':')
    {
        return is_within(hour, 0, 23) && is_within(minute.get(..2).unwrap_or(minute), 0, 59);
    }
    let [first, second, third, ..] = parts[..] else { return false };
    let third_number = third.split(['T', 't']).next().unwrap_or(third);
    let (day, month) = (|text: &str| is_within(text, 1, 31), |text: &str| is_within(text, 1, 12));
    let year = |text: &str| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let any_year = |text: &str| year(text) || text.len() == 2 && is_within(text, 0, 99);
    let separator = separators(first, second);
    let has_separators =
        separator.is_some_and(|c| "-/.".contains(c)) && separator == separators(second, third);
    let is_numeric = has_separators
        && (year(first) && day(second) && day(third_number)
            || day(first) && day(second) && (month(first) || month(second)) && any_year(third_number));
    // A name of a month in the middle or in front, or of a weekday before either.
    let named =
        |day_part: &str, name: &str, year_part: &str| day(day_part) && is_month(name) && any_year(year_part);
    let is_named = named(first, second, third)
        || named(second, first, third)
        || parts.get(3).is_some_and(|fourth| {
            is_weekday(first) && (named(second, third, fourth) || named(third, second, fourth))
                || is_weekday(first) && is_month(second) && day(third)
        });
    is_numeric || is_named
}

fn is_within(text: &str, least: u32, most: u32) -> bool {
    let is_short = text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_short && text.parse().is_ok_and(|number| (least..=most).contains(&number))
}

/// English names and abbreviations; those of other languages stand in dates that begin with digits.
fn is_month(text: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = text.get(..3).unwrap_or_default();
    text.len() <= 9 && MONTHS.iter().any(|month| start.eq_ignore_ascii_case(month))
}

fn is_weekday(text: &str) -> bool {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let start = text.get(..3).unwrap_or_default();
    text.len() <= 9 && DAYS.iter().any(|day| start.eq_ignore_ascii_case(day))
}

fn is_address(cell: &str) -> bool {
    let Some((local, domain)) = cell.split_once('@') else { return false };
    !local.is_empty() && domain.contains('.') && !cell.contains(char::is_whitespace)
}

/// The form of a code: one word of letters, digits and marks, with each run of digits as one `9`.
fn mask(cell: &str) -> Option<String> {
    const LONGEST: usize = 40;
    let has_digit = cell.contains(|c: char| c.is_ascii_digit());
    if !has_digit || cell.len() > LONGEST || cell.contains(char::is_whitespace) {
        return None;
    }
    let mut mask = String::new();
    for c in cell.chars() {
        let c = if c.is_ascii_digit() { '9' } else { c };
        if c != '9' || !mask.ends_with('9') {
            mask.push(c);
        }
    }
    Some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_known_by_its_form() {
        for (kind, cells) in [
            (CellKind::Nothing, &["", " ", "NULL", "\\N"][..]),
            (CellKind::Year, &["2023", "1900"]),
            (
                CellKind::Number,
                &["1", "-5.00", "1,234.50", "1.234,50 €", "$5", "12%", "1.2E+17", "(3)", "2500", ".5"],
            ),
            (
                CellKind::Date,
                &[
                    "2024-03-05",
                    "2024-03-05 09:15:00+00",
                    "2024-03-05T09:15:00Z",
                    "2024/3/5",
                    "5.3.2024",
                    "05/11/22",
                    "3/15/2024 9:15:00 AM",
                    "05-MAR-24",
                    "05-MAR-24 09.15.00.000 AM",
                    "5 March 2024",
                    "Mar 5, 2024",
                    "Tue, 05 Mar 2024 09:15:00 +0000",
                    "Tue Mar 05 2024 09:15:00 GMT+0100 (CET)",
                    "09:15",
                    "09:15:00",
                    "5-March-2024",
                ],
            ),
            (CellKind::Address, &["a@example.org"]),
            (CellKind::Url, &["https://example.org/x?y=1"]),
            (CellKind::Code("HD-9".into()), &["HD-0001", "HD-7"]),
            (CellKind::Code("v9.9".into()), &["v1.2", "v10.20"]),
            (
                CellKind::Text,
                &[
                    "id",
                    "Ticket ID",
                    "created at",
                    "May 2024 total",
                    "a @ b",
                    "E",
                    "-x",
                    "Day/Month/Year",
                    "Sum €",
                    "Mean time",
                    "mon",
                    "Q 1",
                ],
            ),
        ] {
            for cell in cells {
                assert_eq!(CellKind::of(cell), kind, "{cell}");
            }
        }
    }
}
