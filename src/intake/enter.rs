//! The input into the ledger: every row is entered before the first is sent.

use super::{IntakeError, Prepared, Rules, Visitor, read_all};
use crate::event::{Reporter, RunEvent};
use crate::ledger::{IntakeRow, IntakeTotals, Ledger, RunRecord, Verdict};
use crate::mapping::{MapFault, MappingError};
use crate::rehearsal::{CrashPoint, Rehearsal};
use crate::shutdown::Shutdown;
use crate::source::{Header, Input, Record};

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
    /// Where it crashes, if it is to.
    pub rehearsal: Rehearsal,
}

impl Intake<'_> {
    /// Reads every input to its end. Blocks; not for the async runtime's threads.
    ///
    /// # Errors
    /// Reading or the ledger fails, or a signal comes. What was entered stays, waiting.
    pub fn take_in(&self, inputs: Vec<Prepared>) -> Result<RunRecord, IntakeError> {
        let totals = IntakeTotals::default();
        let mut entry = Entry { intake: self, input: Input::Stdin, source: 0, header: 0, totals };
        read_all(inputs, self.reporter, self.shutdown, &mut entry)?;
        Ok(self.ledger.finish_intake(entry.totals)?)
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
        self.rehearsal.reach(CrashPoint::Check);
        let content = rules.header.content(&record.cells);
        let cells: Vec<&str> = record.cells.iter().collect();
        let record_json = serde_json::Value::from(cells).to_string();
        Ok(IntakeRow { key, source, header, line: record.line, content, record: record_json, verdict })
    }
}

/// The input that is being entered.
struct Entry<'a> {
    intake: &'a Intake<'a>,
    input: Input,
    /// Its id in the ledger.
    source: i64,
    /// Its header's.
    header: i64,
    totals: IntakeTotals,
}

impl Visitor for Entry<'_> {
    type Error = IntakeError;

    fn begin(&mut self, input: &Input, header: &Header) -> Result<(), IntakeError> {
        (self.source, self.header) = self.intake.ledger.enter_source(input, header)?;
        self.input = input.clone();
        Ok(())
    }

    fn rows(&mut self, rules: &Rules, rows: &[Record], now: i64) -> Result<(), IntakeError> {
        let file = self.input.to_string();
        let entered = rows.iter().map(|record| {
            let row = self.intake.row(rules, record, self.source, self.header, now);
            let place = || format!("{file}, line {}", record.line);
            row.map_err(|error| IntakeError::Mapping { file: place(), error })
        });
        let entered: Vec<IntakeRow> = entered.collect::<Result<_, _>>()?;
        for note in self.intake.ledger.take_in(entered)? {
            self.intake.reporter.tell(RunEvent::Noted { file: file.clone(), note });
        }
        self.totals.rows_read += rows.len() as u64;
        Ok(())
    }

    fn end(&mut self) -> Result<(), IntakeError> {
        self.intake.ledger.leave_source(self.source)?;
        if self.input != Input::Stdin {
            self.totals.files_read.push(self.source);
        }
        Ok(())
    }
}
