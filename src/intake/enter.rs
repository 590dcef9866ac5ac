//! The input into the ledger: every row is entered before the first is sent.

use super::{IntakeError, Prepared, ReadAhead, Rules, now};
use crate::event::{Reporter, RunEvent};
use crate::ledger::{IntakeRow, IntakeTotals, Ledger, RunRecord, Verdict};
use crate::mapping::{MapFault, MappingError};
use crate::shutdown::Shutdown;
use crate::source::{Input, Record};

/// Reads prepared inputs into a ledger.
#[derive(Debug)]
pub struct Intake<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// Who is told.
    pub reporter: &'a Reporter,
    /// Whether to stop.
    pub shutdown: &'a Shutdown,
    /// Whether every row is mapped and validated now. If not, that is done when its turn to be sent comes.
    pub check: bool,
}

impl Intake<'_> {
    /// Reads every input to its end. Blocks; not for the async runtime's threads.
    ///
    /// # Errors
    /// Reading or the ledger fails, or a signal comes. What was entered stays, waiting.
    pub fn take_in(&self, inputs: Vec<Prepared>) -> Result<RunRecord, IntakeError> {
        let mut totals = IntakeTotals::default();
        let mut bytes_before = 0;
        let sizes: Option<Vec<u64>> = inputs.iter().map(|input| input.bytes).collect();
        let bytes_total = sizes.map(|sizes| sizes.iter().sum());
        for prepared in inputs {
            let (csv, rules) = prepared.open()?;
            let input = csv.input().clone();
            let file = input.to_string();
            let (source, header) = self.ledger.enter_source(&input, csv.header())?;
            let reading = ReadAhead::start(csv).map_err(IntakeError::Thread)?;
            let (mut batch, mut bytes) = (None, 0);
            while let Some(next) = reading.next(batch.take())? {
                if let Some(signal) = self.shutdown.asked() {
                    return Err(IntakeError::Interrupted(signal));
                }
                let now = now();
                let rows = next.rows().iter().map(|record| {
                    self.row(&rules, record, source, header, now).map_err(|error| IntakeError::Mapping {
                        file: format!("{file}, line {}", record.line),
                        error,
                    })
                });
                let rows: Vec<IntakeRow> = rows.collect::<Result<_, _>>()?;
                totals.rows_read += rows.len() as u64;
                for note in self.ledger.take_in(rows)? {
                    self.reporter.tell(RunEvent::Noted { file: file.clone(), note });
                }
                bytes = next.bytes;
                let bytes = bytes_before + bytes;
                self.reporter.tell(RunEvent::Checking { rows: totals.rows_read, bytes, bytes_total });
                batch = Some(next);
            }
            bytes_before += bytes;
            self.ledger.leave_source(source)?;
            if input != Input::Stdin {
                totals.files_read.push(source);
            }
        }
        Ok(self.ledger.finish_intake(totals)?)
    }

    /// The row as the ledger takes it: its key, and what the mapping says of it.
    fn row(
        &self,
        rules: &Rules,
        record: &Record,
        source: i64,
        header: i64,
        now: i64,
    ) -> Result<IntakeRow, MappingError> {
        let key = rules.key(record);
        let assessed = if self.check {
            rules.map(record, &key, now).map(|_| ())
        } else {
            rules.check_form(record, &key).map_err(MapFault::from)
        };
        let verdict = match assessed {
            Ok(()) => Verdict::Ready,
            Err(MapFault::Row(rejection)) => Verdict::Rejected(rejection),
            Err(MapFault::Job(error)) => return Err(error),
        };
        let content = rules.header.content(&record.cells);
        let cells: Vec<&str> = record.cells.iter().collect();
        let record_json = serde_json::Value::from(cells).to_string();
        Ok(IntakeRow { key, source, header, line: record.line, content, record: record_json, verdict })
    }
}
