//! The input into the ledger: every row is entered before the first is sent.

use super::{IntakeError, Prepared, Rules, Visitor, read_all};
use crate::crash_plan::{CrashPlan, CrashPoint};
use crate::event::{Reporter, RunEvent};
use crate::ledger::{IntakeRow, IntakeTotals, Ledger, RowFingerprint, RunRecord, Verdict};
use crate::mapping::{MapError, MappingError};
use crate::shard::Shard;
use crate::shutdown::Shutdown;
use crate::source::{Header, Input, Record, RowKey};

/// Reads prepared inputs into a ledger.
#[derive(Debug)]
pub struct Intake<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// Who is told.
    pub reporter: &'a Reporter,
    /// Whether to stop.
    pub shutdown: &'a Shutdown,
    /// The part of the rows that is entered; none is all.
    pub shard: Option<Shard>,
    /// Whether every row is mapped and validated now. If not, that is done when its turn to be sent comes.
    pub check: bool,
    /// Where it crashes, if it is to.
    pub crash_plan: CrashPlan,
}

impl Intake<'_> {
    /// Reads every input to its end. Blocks; not for the async runtime's threads.
    ///
    /// # Errors
    /// Reading or the ledger fails, or a signal comes. What was entered stays, waiting.
    pub fn take_in(&self, inputs: Vec<Prepared>) -> Result<RunRecord, IntakeError> {
        let totals = IntakeTotals::default();
        let mut entry =
            Entry { intake: self, input: Input::Stdin, source: 0, header: 0, rows: 0, elsewhere: 0, totals };
        read_all(inputs, self.reporter, self.shutdown, &mut entry)?;
        Ok(self.ledger.finish_intake(entry.totals)?)
    }

    /// What the mapping says of a row.
    fn verdict(
        &self,
        rules: &Rules,
        record: &Record,
        key: &RowKey,
        now: i64,
    ) -> Result<Verdict, MappingError> {
        let assessed = if self.check {
            rules.map(record, key, now).map(|_| ())
        } else {
            rules.check_form(record, key).map_err(MapError::from)
        };
        match assessed {
            Ok(()) => Ok(Verdict::Ready),
            Err(MapError::Row(rejection)) => Ok(Verdict::Rejected(rejection)),
            Err(MapError::Job(error)) => Err(error),
        }
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
    /// Its rows so far.
    rows: u64,
    /// Of those, rows of other shards.
    elsewhere: u64,
    totals: IntakeTotals,
}

impl Entry<'_> {
    /// The row as the ledger takes it, with what the mapping says of it.
    fn row(
        &self,
        rules: &Rules,
        record: &Record,
        key: RowKey,
        sighting: RowFingerprint,
        now: i64,
    ) -> Result<IntakeRow, IntakeError> {
        let verdict = self.intake.verdict(rules, record, &key, now).map_err(|error| {
            let file = format!("{}, line {}", self.input, record.line);
            IntakeError::Mapping { file, error }
        })?;
        self.intake.crash_plan.reach(CrashPoint::Check);
        let cells: Vec<&str> = record.fields.iter().collect();
        let cells = serde_json::Value::from(cells).to_string();
        let RowFingerprint { token, content, line } = sighting;
        let (source, header) = (self.source, self.header);
        Ok(IntakeRow { key, token, source, header, line, content, record: cells, verdict })
    }
}

impl Visitor for Entry<'_> {
    type Error = IntakeError;

    fn begin(&mut self, input: &Input, header: &Header) -> Result<(), IntakeError> {
        (self.source, self.header) = self.intake.ledger.enter_source(input, header)?;
        self.input = input.clone();
        (self.rows, self.elsewhere) = (0, 0);
        Ok(())
    }

    fn rows(&mut self, rules: &Rules, rows: &[Record], now: i64) -> Result<(), IntakeError> {
        let ledger = self.intake.ledger;
        let shard = self.intake.shard;
        let keyed = rows.iter().map(|record| (record, rules.key(record)));
        let own = keyed.filter(|(_, key)| shard.is_none_or(|shard| shard.contains(key)));
        let (own, keys): (Vec<&Record>, Vec<RowKey>) = own.unzip();
        self.rows += rows.len() as u64;
        self.elsewhere += (rows.len() - own.len()) as u64;
        let sightings = own.iter().zip(&keys).map(|(record, key)| RowFingerprint {
            token: ledger.token(key),
            content: rules.header.content(&record.fields),
            line: record.line,
        });
        let sightings: Vec<RowFingerprint> = sightings.collect();
        let done = ledger.recognise(self.source, sightings.clone())?;
        let open = own.into_iter().zip(keys).zip(sightings).zip(done).filter(|(_, done)| !done);
        let entered = open.map(|(((record, key), sighting), _)| self.row(rules, record, key, sighting, now));
        let entered: Vec<IntakeRow> = entered.collect::<Result<_, _>>()?;
        if entered.is_empty() {
            return Ok(());
        }
        let file = self.input.to_string();
        for note in ledger.take_in(entered)? {
            self.intake.reporter.emit(RunEvent::RowNoted { file: file.clone(), note });
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), IntakeError> {
        self.intake.ledger.leave_source(self.source, self.rows, self.elsewhere)?;
        self.totals.rows_read += self.rows;
        if self.input != Input::Stdin {
            self.totals.files_read.push(self.source);
        }
        Ok(())
    }
}
