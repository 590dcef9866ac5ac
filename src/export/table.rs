//! Lines of an export, as CSV or JSON Lines.

use std::io;

use serde::Serialize;

use super::{ExportError, Format};
use crate::ledger::ListedRow;

/// The columns of an export, and its JSON keys.
pub(super) const COLUMNS: [&str; 11] = [
    "file",
    "line",
    "key",
    "state",
    "contact_id",
    "contact_arn",
    "attempts",
    "first_sent",
    "last_sent",
    "code",
    "message",
];

/// A row of the ledger as export writes it.
// Its members are [`COLUMNS`].
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExportedRow<'a> {
    /// The input's path, or -.
    file: &'a str,
    /// The line of the file on which the row begins.
    line: u64,
    /// The row's key.
    key: &'a str,
    #[cfg_attr(test, schemars(extend("enum" =
        ["pending", "in_flight", "created", "rejected", "failed", "unknown"])))]
    state: &'static str,
    /// The contact's id; of created rows.
    contact_id: Option<&'a str>,
    /// The contact's ARN, where Connect has told it.
    contact_arn: Option<&'a str>,
    /// How often it was sent.
    attempts: u64,
    /// When it was sent first, in UTC.
    first_sent: Option<String>,
    /// When it was sent last, in UTC.
    last_sent: Option<String>,
    /// The last error in a word: this tool's own, or Connect's.
    code: Option<&'a str>,
    /// The last error for people.
    message: Option<&'a str>,
}

impl<'a> ExportedRow<'a> {
    pub(super) fn of(row: &'a ListedRow) -> Self {
        let contact = row.contact.as_ref();
        ExportedRow {
            file: &row.source,
            line: row.line,
            key: &row.key,
            state: row.state.name(),
            contact_id: contact.map(|contact| contact.id.as_str()),
            contact_arn: contact.and_then(|contact| contact.arn.as_deref()),
            attempts: row.attempts,
            first_sent: row.first_sent_ms.and_then(time),
            last_sent: row.last_sent_ms.and_then(time),
            code: row.code.as_deref(),
            message: row.message.as_deref(),
        }
    }
}

/// Milliseconds since 1970 as RFC 3339; none if they are beyond the calendar.
fn time(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms).ok().map(|time| format!("{time:.3}"))
}

/// Where lines go.
pub(super) enum Table<'a> {
    Csv(Box<csv::Writer<&'a mut dyn io::Write>>),
    Jsonl(&'a mut dyn io::Write),
}

impl<'a> Table<'a> {
    pub(super) fn new(format: Format, out: &'a mut dyn io::Write) -> Self {
        match format {
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new();
                Table::Csv(Box::new(writer.has_headers(false).from_writer(out)))
            }
            Format::Jsonl => Table::Jsonl(out),
        }
    }

    /// Writes the names of the columns, where they do not stand beside each cell.
    pub(super) fn header<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) -> Result<(), ExportError> {
        match self {
            Table::Csv(writer) => Ok(writer.write_record(names)?),
            Table::Jsonl(_) => Ok(()),
        }
    }

    /// Writes a line.
    pub(super) fn line(&mut self, line: &impl Serialize) -> Result<(), ExportError> {
        match self {
            Table::Csv(writer) => Ok(writer.serialize(line)?),
            Table::Jsonl(out) => {
                serde_json::to_writer(&mut *out, line)?;
                Ok(out.write_all(b"\n")?)
            }
        }
    }

    /// Hands on what is left.
    pub(super) fn finish(self) -> Result<(), ExportError> {
        match self {
            Table::Csv(mut writer) => Ok(writer.flush()?),
            Table::Jsonl(out) => Ok(out.flush()?),
        }
    }
}

/// What the system said. The csv crate's own conversion makes every error one of another kind.
pub(crate) fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Contact, RowId, RowState, RunId};

    fn row() -> ListedRow {
        ListedRow {
            row: RowId(1),
            run: RunId(1),
            source: "/d/t.csv".into(),
            line: 2,
            key: "a, \"b\"\nc".into(),
            state: RowState::Created,
            may_exist: false,
            contact: Some(Contact { id: "id".into(), arn: None }),
            attempts: 1,
            first_sent_ms: Some(0),
            last_sent_ms: Some(1_700_000_000_007),
            code: None,
            message: None,
        }
    }

    fn written(format: Format) -> String {
        let mut out = Vec::new();
        let mut table = Table::new(format, &mut out);
        table.header(COLUMNS).unwrap();
        table.line(&ExportedRow::of(&row())).unwrap();
        table.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_of_json_has_the_columns_as_its_keys() {
        let text = written(Format::Jsonl);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line.as_object().unwrap().keys().collect::<Vec<_>>(), COLUMNS);
        assert_eq!((&line["line"], &line["contact_arn"]), (&2.into(), &serde_json::Value::Null));
    }

    #[test]
    fn a_line_of_csv_is_quoted_where_it_must_be_and_dated_to_the_millisecond() {
        let text = written(Format::Csv);
        assert_eq!(
            text.split_once('\n').unwrap().1,
            "/d/t.csv,2,\"a, \"\"b\"\"\nc\",created,id,,1,1970-01-01T00:00:00.000Z,2023-11-14T22:13:20.007Z,,\n"
        );
    }
}
