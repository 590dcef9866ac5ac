//! The rows of a CSV as they are, and beside each what became of it.

use std::borrow::Cow;
use std::io;

use serde::{Serialize, Serializer};

use super::table::Table;
use super::{ExportError, Format, go_on, rejected};
use crate::ledger::{LedgerSet, ListedRow, Occurrences, Selection};
use crate::shutdown::Shutdown;
use crate::source::{CsvSource, Dialect, Header, Input, KeyColumns, Record, RowKey, fit_to_columns};
use crate::token::{ClientToken, TokenScheme};

/// What stands beside the columns of the CSV.
const BESIDE: [&str; 5] = ["_state", "_contact_id", "_contact_arn", "_code", "_message"];

/// Rows between two looks at whether to stop.
const ROWS: u64 = 1024;

/// An open CSV whose rows the ledgers can be asked for.
#[derive(Debug)]
pub struct Join {
    source: CsvSource,
    /// What the ledgers know the CSV by, if it was imported.
    identity: String,
    /// The header without what an earlier join has put beside it.
    header: Header,
    key: KeyColumns,
    scheme: TokenScheme,
}

impl Join {
    /// Opens the CSV and finds the ledgers' key in it.
    ///
    /// # Errors
    /// It cannot be read, or lacks a column of the key; the ledgers have different keys.
    pub fn open(input: Input, dialect: &Dialect, ledgers: &LedgerSet) -> Result<Self, ExportError> {
        let identity = ledgers.identity()?;
        let (file, own) = (input.to_string(), input.identity());
        let source = CsvSource::open(input, dialect)?;
        if source.is_rejects_file() {
            ledgers.readers().iter().try_for_each(|(_, reader)| reader.index_places())?;
        }
        let header = without_beside(source.header());
        let key = header.key_columns(&identity.key, &file)?;
        let scheme = TokenScheme::new(&identity.instance_id, identity.operation, &identity.namespace);
        Ok(Join { source, identity: own, header, key, scheme })
    }

    /// Writes every row of the CSV with what the ledgers know of it, in the order of the CSV, and returns how many;
    /// of a selection only rows that are in it, and so none that no ledger knows.
    ///
    /// # Errors
    /// The CSV or a ledger cannot be read, the output cannot be written, or a signal comes.
    pub fn write(
        mut self,
        ledgers: &LedgerSet,
        selection: &Selection,
        format: Format,
        out: &mut dyn io::Write,
        shutdown: &Shutdown,
    ) -> Result<u64, ExportError> {
        let mut table = Table::new(format, out);
        self.expect_no_clash(format)?;
        table.header(self.header.columns().iter().map(String::as_str).chain(BESIDE))?;
        let (mut read, mut count) = (0_u64, 0);
        let mut occurrences = Occurrences::default();
        let mut record = Record::default();
        while self.source.read_record(&mut record)? {
            if read.is_multiple_of(ROWS) {
                go_on(shutdown)?;
            }
            read += 1;
            // An earlier join's; of a ragged row nobody can tell which cells they are.
            if record.fields.len() == self.source.header().columns().len() {
                record.fields.truncate(self.header.columns().len());
            }
            let known = self.known(&record, ledgers, &mut occurrences)?;
            if known.as_ref().map_or(selection.is_all(), |row| selection.has(row)) {
                let cells = fit_to_columns(record.fields.iter(), self.header.columns().len());
                write_row(&mut table, &self.header, &cells, known.as_ref())?;
                count += 1;
            }
        }
        table.finish()?;
        Ok(count)
    }

    /// What the ledgers know of a row.
    fn known(
        &self,
        record: &Record,
        ledgers: &LedgerSet,
        occurrences: &mut Occurrences,
    ) -> Result<Option<ListedRow>, ExportError> {
        let key = self.header.key(&self.key, &record.fields);
        if let Some(reject) = &record.reject {
            return Ok(rejected::find(ledgers, &self.scheme, &self.identity, record, (reject, &key))?);
        }
        match token(&self.scheme, &key, ledgers, occurrences)? {
            Some(token) => Ok(ledgers.best(token)?),
            None => Ok(None),
        }
    }

    /// Two columns of one name would be told apart by nobody.
    fn expect_no_clash(&self, format: Format) -> Result<(), ExportError> {
        let clash = BESIDE.into_iter().find(|name| self.header.columns().iter().any(|column| column == name));
        match (format, clash) {
            (Format::Csv, Some(column)) => {
                Err(ExportError::Column { file: self.source.input().to_string(), column })
            }
            (Format::Csv | Format::Jsonl, _) => Ok(()),
        }
    }
}

/// The header without the columns of an earlier join, which come anew. Columns of such names elsewhere are the user's.
fn without_beside(header: &Header) -> Header {
    let columns = header.columns();
    let own = columns.len().saturating_sub(BESIDE.len());
    if columns[own..].iter().eq(BESIDE) { Header::new(columns[..own].to_vec()) } else { header.clone() }
}

/// The token by which the ledgers know a row; none if they surely do not. Rows of one key have one token, whichever of
/// them was imported. Rows that are their own key are numbered as a run numbers them.
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

/// What the ledger says of a row; its members are [`BESIDE`].
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Fate<'a> {
    /// The row's state; null if no ledger knows the row.
    _state: Option<&'static str>,
    /// The contact's id; of created rows.
    _contact_id: Option<&'a str>,
    /// The contact's ARN, where Connect has told it.
    _contact_arn: Option<&'a str>,
    /// The last error in a word: this tool's own, or Connect's.
    _code: Option<&'a str>,
    /// The last error for people.
    _message: Option<&'a str>,
}

impl<'a> Fate<'a> {
    fn of(row: &'a ListedRow) -> Self {
        let contact = row.contact.as_ref();
        Fate {
            _state: Some(row.state.name()),
            _contact_id: contact.map(|contact| contact.id.as_str()),
            _contact_arn: contact.and_then(|contact| contact.arn.as_deref()),
            _code: row.code.as_deref(),
            _message: row.message.as_deref(),
        }
    }
}

/// The cells under their columns' names, of which no two are the same.
struct Named<'a>(&'a Header, &'a [Cow<'a, str>]);

impl Serialize for Named<'_> {
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
    row: Named<'a>,
    #[serde(flatten)]
    fate: Fate<'a>,
}

fn write_row(
    table: &mut Table<'_>,
    header: &Header,
    cells: &[Cow<'_, str>],
    known: Option<&ListedRow>,
) -> Result<(), ExportError> {
    let fate = known.map(Fate::of).unwrap_or_default();
    match table {
        Table::Csv(_) => table.line(&(cells, fate)),
        Table::Jsonl(_) => table.line(&JoinedRow { row: Named(header, cells), fate }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_beside_a_row_has_the_names_of_its_columns() {
        let fate = serde_json::to_value(Fate::default()).unwrap();
        assert_eq!(fate.as_object().unwrap().keys().collect::<Vec<_>>(), BESIDE);
    }
}
