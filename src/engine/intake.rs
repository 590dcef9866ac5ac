//! The input into the ledger: every row is read, mapped and entered before the first is sent.

use std::collections::HashMap;

use thiserror::Error;

use crate::event::{Reporter, RunEvent};
use crate::ledger::{Claim, IntakeRow, IntakeTotals, Ledger, LedgerError, RunRecord, Verdict};
use crate::mapping::{MapFault, Mapping, MappingError, MappingSource, Rejection};
use crate::shutdown::{Shutdown, Signal};
use crate::source::{CsvSource, Header, Input, KeyColumns, Record, RowKey, SourceError};

/// The code of rows with more or fewer cells than the header.
const RAGGED: &str = "RaggedRow";

/// Rows that go to the ledger at a time.
const BATCH: usize = 512;

/// The input cannot be taken in.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// A file is at fault.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The mapping does not fit a file.
    #[error("{file}: {error}")]
    Mapping {
        /// The CSV.
        file: String,
        /// What is wrong.
        error: MappingError,
    },
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A signal asked the process to stop before everything was read.
    #[error("interrupted while the input was read; nothing was sent; run the same command again")]
    Interrupted(Signal),
}

/// An input that is open, with a mapping that fits its header.
#[derive(Debug)]
pub struct Prepared {
    source: CsvSource,
    key: KeyColumns,
    mapping: Mapping,
}

/// Opens every input and compiles the mapping for it, so that what is wrong with a file's name,
/// header or columns is known before anything else happens.
///
/// # Errors
/// The first input that does not open or fit.
pub fn prepare(
    inputs: &[Input],
    key: &[String],
    mapping: &MappingSource,
) -> Result<Vec<Prepared>, IntakeError> {
    let prepare = |input: &Input| {
        let source = CsvSource::open(input.clone())?;
        let file = input.to_string();
        let columns = source.header().key_columns(key, &file)?;
        let mapping = Mapping::compile(mapping, source.header())
            .map_err(|error| IntakeError::Mapping { file, error })?;
        Ok(Prepared { source, key: columns, mapping })
    };
    inputs.iter().map(prepare).collect()
}

/// Reads prepared inputs into a ledger.
#[derive(Debug)]
pub struct Intake<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// Who is told.
    pub reporter: &'a Reporter,
    /// Whether to stop.
    pub shutdown: &'a Shutdown,
}

impl Intake<'_> {
    /// Reads every input to its end. Blocks; not for the async runtime's threads.
    ///
    /// # Errors
    /// Reading or the ledger fails, or a signal comes. What was entered stays, waiting.
    pub fn take_in(&self, inputs: Vec<Prepared>) -> Result<RunRecord, IntakeError> {
        let mut totals = IntakeTotals::default();
        let mut bytes_before = 0;
        let sizes: Option<Vec<u64>> = inputs.iter().map(|input| input.source.progress().1).collect();
        let bytes_total = sizes.map(|sizes| sizes.iter().sum());
        for mut input in inputs {
            let (source, header) = self.ledger.enter_source(input.source.input(), input.source.header())?;
            let mut at_end = false;
            while !at_end {
                if let Some(signal) = self.shutdown.asked() {
                    return Err(IntakeError::Interrupted(signal));
                }
                let mut rows = Vec::with_capacity(BATCH);
                while rows.len() < BATCH && !at_end {
                    match input.source.next_record()? {
                        Some(record) => rows.push(input.row(&record, source, header)?),
                        None => at_end = true,
                    }
                }
                totals.rows_read += rows.len() as u64;
                let file = input.source.input().to_string();
                for note in self.ledger.take_in(rows)? {
                    self.reporter.tell(RunEvent::Noted { file: file.clone(), note });
                }
                let bytes = bytes_before + input.source.progress().0;
                self.reporter.tell(RunEvent::Checking { rows: totals.rows_read, bytes, bytes_total });
            }
            bytes_before += input.source.progress().0;
            if *input.source.input() != Input::Stdin {
                totals.files_read.push(source);
            }
        }
        Ok(self.ledger.finish_intake(totals)?)
    }
}

impl Prepared {
    /// The row as the ledger takes it: its key, and what the mapping says of it.
    fn row(&self, record: &Record, source: i64, header: i64) -> Result<IntakeRow, IntakeError> {
        let content = self.source.header().content(&record.cells);
        let key = self.source.header().key(&self.key, &record.cells, content);
        let verdict = match self.verdict(record, &key) {
            Ok(()) => Verdict::Ready,
            Err(MapFault::Row(rejection)) => Verdict::Rejected(rejection),
            Err(MapFault::Job(error)) => {
                let file = format!("{}, line {}", self.source.input(), record.line);
                return Err(IntakeError::Mapping { file, error });
            }
        };
        let cells: Vec<&str> = record.cells.iter().collect();
        let record_json = serde_json::Value::from(cells).to_string();
        Ok(IntakeRow { key, source, header, line: record.line, content, record: record_json, verdict })
    }

    fn verdict(&self, record: &Record, key: &RowKey) -> Result<(), MapFault> {
        let (cells, columns) = (record.cells.len(), self.source.header().columns().len());
        if cells != columns {
            let message =
                format!("has {cells} cells, the header has {columns}; look for a stray quote or delimiter");
            return Err(Rejection { code: RAGGED, message }.into());
        }
        if record.rejected_with.as_deref() == Some(RAGGED) {
            // The rejects file had to pad or join its cells, and nobody can tell whether they are mended.
            let message = "was ragged; mend its cells and empty its _code".into();
            return Err(Rejection { code: RAGGED, message }.into());
        }
        if matches!(key, RowKey::Unusable(_)) {
            let message = "has nothing in its key columns".into();
            return Err(Rejection { code: "EmptyKey", message }.into());
        }
        self.mapping.map(&record.cells).map(|_| ())
    }
}

/// The mapping, compiled for every header that rows wait under; those that earlier runs left behind
/// may stand under one that it does not fit.
#[derive(Debug)]
pub(super) struct WaitingMappings(HashMap<i64, Result<Mapping, MappingError>>);

impl WaitingMappings {
    /// The mapping for a row, or why there is none.
    pub(super) fn of(&self, claim: &Claim) -> Result<&Mapping, MappingError> {
        match self.0.get(&claim.header()) {
            Some(Ok(mapping)) => Ok(mapping),
            Some(Err(error)) => Err(error.clone()),
            None => {
                Err(MappingError { place: "the ledger".into(), problem: "has no header for this row".into() })
            }
        }
    }
}

pub(super) fn mappings_of_waiting_rows(
    ledger: &Ledger,
    source: &MappingSource,
) -> Result<WaitingMappings, LedgerError> {
    let compile = |(id, columns): (i64, Vec<String>)| (id, Mapping::compile(source, &Header::new(columns)));
    Ok(WaitingMappings(ledger.waiting_headers()?.into_iter().map(compile).collect()))
}
