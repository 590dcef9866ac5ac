//! Output table of an export: CSV or JSON Lines.

use std::io;

use serde::Serialize;

use super::{CellStyle, ExportError, ExportFormat};
use crate::ledger::ListedRow;

/// Columns of an export without `--join`, and its JSON keys.
pub(crate) const EXPORT_COLUMNS: [&str; 11] = [
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
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ExportedRow<'a> {
    /// The input's path, or -.
    file: &'a str,
    /// The line of the file on which the row begins.
    line: u64,
    /// The row's key, as it is displayed.
    key: &'a str,
    #[cfg_attr(test, schemars(extend("enum" =
        ["pending", "in_flight", "created", "rejected", "failed", "unknown"])))]
    state: &'static str,
    /// Id of the contact of a created row.
    contact_id: Option<&'a str>,
    /// The contact's ARN, if Connect returned it.
    contact_arn: Option<&'a str>,
    /// Number of attempts.
    attempts: u64,
    /// Time of the first attempt, RFC 3339 in UTC.
    first_sent: Option<String>,
    /// Time of the last attempt, RFC 3339 in UTC.
    last_sent: Option<String>,
    /// Code of the last error: this tool's or Connect's.
    code: Option<&'a str>,
    /// Message of the last error.
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
            first_sent: row.first_sent_ms.and_then(rfc3339),
            last_sent: row.last_sent_ms.and_then(rfc3339),
            code: row.code.as_deref(),
            message: row.message.as_deref(),
        }
    }
}

/// Unix time in milliseconds as RFC 3339; `None` out of jiff's range.
fn rfc3339(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms).ok().map(|time| format!("{time:.3}"))
}

/// Writer of one format.
pub(super) enum Table<'a> {
    Csv(Box<csv::Writer<&'a mut dyn io::Write>>),
    Spreadsheet(SpreadsheetWriter<'a>),
    Jsonl(&'a mut dyn io::Write),
}

impl<'a> Table<'a> {
    pub(super) fn new(format: ExportFormat, out: &'a mut dyn io::Write) -> Self {
        match format {
            ExportFormat::Csv(style) => {
                let writer = csv::WriterBuilder::new().has_headers(false).from_writer(out);
                match style {
                    CellStyle::Exact => Table::Csv(Box::new(writer)),
                    CellStyle::Spreadsheet => Table::Spreadsheet(SpreadsheetWriter(Box::new(writer))),
                }
            }
            ExportFormat::Jsonl => Table::Jsonl(out),
        }
    }

    /// Writes the header of a CSV.
    pub(super) fn header<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) -> Result<(), ExportError> {
        match self {
            Table::Csv(writer) => Ok(writer.write_record(names)?),
            Table::Spreadsheet(writer) => writer.write_cells(names),
            Table::Jsonl(_) => Ok(()),
        }
    }

    /// Writes a row.
    pub(super) fn write(&mut self, row: &impl Serialize) -> Result<(), ExportError> {
        match self {
            Table::Csv(writer) => Ok(writer.serialize(row)?),
            Table::Spreadsheet(writer) => writer.write(row),
            Table::Jsonl(out) => {
                serde_json::to_writer(&mut *out, row)?;
                Ok(out.write_all(b"\n")?)
            }
        }
    }

    /// Flushes the output.
    pub(super) fn finish(self) -> Result<(), ExportError> {
        match self {
            Table::Csv(mut writer) | Table::Spreadsheet(SpreadsheetWriter(mut writer)) => Ok(writer.flush()?),
            Table::Jsonl(out) => Ok(out.flush()?),
        }
    }
}

/// Writer of a CSV whose cells a spreadsheet does not run.
pub(super) struct SpreadsheetWriter<'a>(Box<csv::Writer<&'a mut dyn io::Write>>);

impl SpreadsheetWriter<'_> {
    fn write_cells<'c>(&mut self, cells: impl IntoIterator<Item = &'c str>) -> Result<(), ExportError> {
        for cell in cells {
            self.0.write_field(CellStyle::Spreadsheet.cell(cell).as_bytes())?;
        }
        Ok(self.0.write_record(None::<&[u8]>)?)
    }

    /// The row goes through a CSV of its own, since serde shows the cells of a row to a writer alone.
    fn write(&mut self, row: &impl Serialize) -> Result<(), ExportError> {
        let mut line = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        line.serialize(row)?;
        let line = line.into_inner().map_err(csv::IntoInnerError::into_error)?;
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&*line);
        let mut record = csv::StringRecord::new();
        reader.read_record(&mut record)?;
        self.write_cells(&record)
    }
}

/// The I/O error of a CSV writer. The csv crate's own conversion loses its kind.
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

    fn written(format: ExportFormat) -> String {
        let mut out = Vec::new();
        let mut table = Table::new(format, &mut out);
        table.header(EXPORT_COLUMNS).unwrap();
        table.write(&ExportedRow::of(&row())).unwrap();
        table.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_json_row_has_the_columns_as_its_keys() {
        let text = written(ExportFormat::Jsonl);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line.as_object().unwrap().keys().collect::<Vec<_>>(), EXPORT_COLUMNS);
        assert_eq!((&line["line"], &line["contact_arn"]), (&2.into(), &serde_json::Value::Null));
    }

    #[test]
    fn a_spreadsheet_gets_the_same_cells_with_marked_formulas() {
        let mut out = Vec::new();
        let mut table = Table::new(ExportFormat::Csv(CellStyle::Spreadsheet), &mut out);
        table.header(["a", "=b", "c", "d", "e"]).unwrap();
        table.write(&(["=\"1\"", "a, \"b\"\nc"], [Some(" -1+1"), None], 7)).unwrap();
        table.finish().unwrap();
        let expected = "a,'=b,c,d,e\n\"'=\"\"1\"\"\",\"a, \"\"b\"\"\nc\",' -1+1,,7\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_csv_row_is_quoted_where_needed_and_dated_to_the_millisecond() {
        let text = written(ExportFormat::Csv(CellStyle::Exact));
        assert_eq!(
            text.split_once('\n').unwrap().1,
            "/d/t.csv,2,\"a, \"\"b\"\"\nc\",created,id,,1,1970-01-01T00:00:00.000Z,2023-11-14T22:13:20.007Z,,\n"
        );
    }
}
