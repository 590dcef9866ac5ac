//! The rows of a CSV with the ledger's columns appended.

use std::borrow::Cow;
use std::io;

use serde::{Serialize, Serializer};

use super::table::Table;
use super::{ExportError, ExportFormat, expect_no_signal};
use crate::ledger::{LedgerSet, ListedRow, Occurrences, Selection};
use crate::mapping::{KeyRule, Rejection};
use crate::shutdown::Shutdown;
use crate::source::{
    CsvSource, Dialect, Header, Input, MalformedText, Record, RowKey, RowOrigin, SourceError, fit_to_columns,
};
use crate::token::{ClientToken, TokenScheme};

/// Columns that a join appends to those of the CSV.
pub(crate) const JOIN_COLUMNS: [&str; 5] = ["_state", "_contact_id", "_contact_arn", "_code", "_message"];

/// Number of rows between two checks for a signal.
const SIGNAL_CHECK_INTERVAL: u64 = 1024;

/// An open CSV whose rows are looked up in the ledgers.
#[derive(Debug)]
pub struct Join {
    source: CsvSource,
    /// Whether rows of the ledgers were mended in rejects files.
    has_mended_rows: bool,
    /// The header without the columns of an earlier join.
    header: Header,
    key: KeyRule,
    scheme: TokenScheme,
}

impl Join {
    /// Opens the CSV and finds the key columns of the ledgers in it.
    ///
    /// # Errors
    /// [`ExportError::Source`] if it cannot be read; [`ExportError::Key`] if the key does not fit it;
    /// [`ExportError::Ledger`] if the ledgers have different keys.
    pub fn open(input: Input, dialect: &Dialect, ledgers: &LedgerSet) -> Result<Self, ExportError> {
        let identity = ledgers.identity()?;
        let file = input.to_string();
        let source = CsvSource::open(input, dialect)?;
        let header = without_join_columns(source.header());
        let key = KeyRule::compile(&identity.key, identity.key_comparison, &header, &file)?;
        let scheme = TokenScheme::new(&identity.instance_id, identity.operation, &identity.namespace);
        let has_mended_rows = ledgers.has_mended_rows()?;
        Ok(Join { source, has_mended_rows, header, key, scheme })
    }

    /// Writes the rows of the CSV in their order, each with its state in the ledgers, and returns their number. A
    /// selection leaves out rows that no ledger has.
    ///
    /// # Errors
    /// Every variant of [`ExportError`].
    pub fn write(
        mut self,
        ledgers: &LedgerSet,
        selection: &Selection,
        format: ExportFormat,
        out: &mut dyn io::Write,
        shutdown: &Shutdown,
    ) -> Result<u64, ExportError> {
        let mut table = Table::new(format, out);
        self.expect_no_clash(format)?;
        table.header(self.header.columns().iter().map(String::as_str).chain(JOIN_COLUMNS))?;
        let (mut read, mut count) = (0_u64, 0);
        let mut occurrences = Occurrences::default();
        let mut record = Record::default();
        while self.source.read_record(&mut record)? {
            if read.is_multiple_of(SIGNAL_CHECK_INTERVAL) {
                expect_no_signal(shutdown)?;
            }
            read += 1;
            // Cells of an earlier join. In a ragged row they cannot be told from the others.
            if record.fields.len() == self.source.header().columns().len() {
                record.fields.truncate(self.header.columns().len());
            }
            let known = self.find(&record, ledgers, &mut occurrences)?;
            self.expect_text(&record, known.as_ref())?;
            if known.as_ref().map_or(selection.is_all(), |row| selection.has(row)) {
                let cells = fit_to_columns(record.fields.iter(), self.header.columns().len());
                write_row(&mut table, &self.header, &cells, known.as_ref())?;
                count += 1;
            }
        }
        table.finish()?;
        Ok(count)
    }

    /// Malformed text in any row but one that was rejected for it shows that the run read the CSV in another encoding.
    fn expect_text(&self, record: &Record, known: Option<&ListedRow>) -> Result<(), SourceError> {
        let was_malformed = known.is_some_and(|row| row.code.as_deref() == Some(Rejection::MALFORMED));
        match record.malformed.filter(|_| !was_malformed) {
            Some(MalformedText { column, expected, .. }) => {
                let (file, column) = (self.source.input().to_string(), column + 1);
                Err(SourceError::Encoding { file, line: record.line, column, expected })
            }
            None => Ok(()),
        }
    }

    /// The row of the ledgers that a record of the CSV is.
    fn find(
        &self,
        record: &Record,
        ledgers: &LedgerSet,
        occurrences: &mut Occurrences,
    ) -> Result<Option<ListedRow>, ExportError> {
        // A row of a rejects file says which row it is. Its key may belong to another row.
        if let Some(origin) = record.reject.as_ref().and_then(|reject| reject.origin) {
            return Ok(ledgers.best_origin(origin)?);
        }
        let key = self.key.key_of(record);
        if self.has_mended_rows {
            return self.find_among_mended(record, &key, ledgers, occurrences);
        }
        let Some(token) = token(&self.scheme, &key, ledgers, occurrences)? else { return Ok(None) };
        Ok(ledgers.best(token)?)
    }

    /// The row of the ledgers that a record is, which may have been mended in a rejects file.
    fn find_among_mended(
        &self,
        record: &Record,
        key: &RowKey,
        ledgers: &LedgerSet,
        occurrences: &mut Occurrences,
    ) -> Result<Option<ListedRow>, ExportError> {
        let first = self.scheme.token(key, 1);
        let number = occurrences.count(first.0, 0)?.number;
        let token = self.scheme.token(key, number);
        let content = self.header.content(&record.fields);
        if let Some(row) = ledgers.best_mended(RowOrigin { token: token.0, content })? {
            return Ok(Some(row));
        }
        match key {
            // The first row of a key may have another one since it was mended.
            RowKey::Columns(_) => match ledgers.best(first)? {
                None => Ok(ledgers.best(token)?),
                found => Ok(found),
            },
            RowKey::Content(_) | RowKey::Unusable(_) => Ok(ledgers.best(token)?),
        }
    }

    /// A CSV cannot have two columns of one name that mean different things.
    fn expect_no_clash(&self, format: ExportFormat) -> Result<(), ExportError> {
        let columns = self.header.columns();
        match JOIN_COLUMNS.into_iter().find(|name| columns.iter().any(|column| column == name)) {
            Some(column) if format != ExportFormat::Jsonl => {
                Err(ExportError::Column { file: self.source.input().to_string(), column })
            }
            _ => Ok(()),
        }
    }
}

/// The header without the columns of an earlier join at its end. Columns of such names elsewhere are the user's.
fn without_join_columns(header: &Header) -> Header {
    let columns = header.columns();
    let own = columns.len().saturating_sub(JOIN_COLUMNS.len());
    if columns[own..].iter().eq(JOIN_COLUMNS) { Header::new(columns[..own].to_vec()) } else { header.clone() }
}

/// The client token of a row, or `None` if no ledger has it. Rows of one key have one token. Rows without key columns are
/// numbered in the same way as by a run.
fn token(
    scheme: &TokenScheme,
    key: &RowKey,
    ledgers: &LedgerSet,
    occurrences: &mut Occurrences,
) -> Result<Option<ClientToken>, ExportError> {
    let token = scheme.token(key, 1);
    match key {
        RowKey::Columns(_) => Ok(Some(token)),
        RowKey::Content(_) | RowKey::Unusable(_) => {
            if !ledgers.has(token)? {
                return Ok(None);
            }
            match occurrences.count(token.0, 0)?.number {
                1 => Ok(Some(token)),
                number => Ok(Some(scheme.token(key, number))),
            }
        }
    }
}

/// The appended cells; the members are [`JOIN_COLUMNS`].
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct JoinedState<'a> {
    /// The row's state; null if no ledger has the row.
    _state: Option<&'static str>,
    /// Id of the contact of a created row.
    _contact_id: Option<&'a str>,
    /// The contact's ARN, if Connect returned it.
    _contact_arn: Option<&'a str>,
    /// Code of the last error: this tool's or Connect's.
    _code: Option<&'a str>,
    /// Message of the last error.
    _message: Option<&'a str>,
}

impl<'a> JoinedState<'a> {
    fn of(row: &'a ListedRow) -> Self {
        let contact = row.contact.as_ref();
        JoinedState {
            _state: Some(row.state.name()),
            _contact_id: contact.map(|contact| contact.id.as_str()),
            _contact_arn: contact.and_then(|contact| contact.arn.as_deref()),
            _code: row.code.as_deref(),
            _message: row.message.as_deref(),
        }
    }
}

/// Cells by the unique names of their columns.
struct CellsByName<'a>(&'a Header, &'a [Cow<'a, str>]);

impl Serialize for CellsByName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.names().iter().zip(self.1))
    }
}

/// A row of a CSV as export --join writes it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct JoinedRow<'a> {
    /// The row's cells under the names of their columns.
    #[cfg_attr(test, schemars(with = "std::collections::BTreeMap<String, String>"))]
    row: CellsByName<'a>,
    #[serde(flatten)]
    state: JoinedState<'a>,
}

fn write_row(
    table: &mut Table<'_>,
    header: &Header,
    cells: &[Cow<'_, str>],
    known: Option<&ListedRow>,
) -> Result<(), ExportError> {
    let state = known.map(JoinedState::of).unwrap_or_default();
    match table {
        Table::Csv(_) | Table::Spreadsheet(_) => table.write(&(cells, state)),
        Table::Jsonl(_) => table.write(&JoinedRow { row: CellsByName(header, cells), state }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_appended_cells_are_in_the_order_of_their_columns() {
        let state = serde_json::to_value(JoinedState::default()).unwrap();
        assert_eq!(state.as_object().unwrap().keys().collect::<Vec<_>>(), JOIN_COLUMNS);
    }
}
