//! Everything that can be known of an import before its first request: faults, repeated keys, what the
//! ledger knows already, and how much is left to send. It writes nothing and sends nothing.

mod findings;
mod known;
mod repeats;
mod sorter;

use std::io;

use thiserror::Error;

use crate::digest::Digest;
use crate::event::Reporter;
use crate::intake::{IntakeError, Prepared, Rules, Visitor, read_all};
use crate::ledger::LedgerError;
use crate::mapping::{MapError, Mapped, Rejection, RowFault};
use crate::request::limits::{CHAINED_TASKS, SCHEDULED_DAYS};
use crate::request::{ContactRequest, Operation};
use crate::shard::Shard;
use crate::shutdown::Shutdown;
use crate::source::{Header, Input, Record, RowKey};
pub use findings::{Example, FileFacts, Findings, FoundFault, Group, Longest};
pub use known::Known;
use known::Met;
pub use repeats::Class;
use repeats::{Marks, Place, each_repeat, entry};
use sorter::Sorter;

const DAY: i64 = 24 * 60 * 60;

/// A check had to be given up.
#[derive(Debug, Error)]
pub enum CheckError {
    /// The input cannot be read or does not fit.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// The faults or the temporary files cannot be written.
    #[error("cannot write what the check found: {0}")]
    Write(#[from] io::Error),
}

impl From<LedgerError> for CheckError {
    fn from(error: LedgerError) -> Self {
        CheckError::Intake(error.into())
    }
}

/// Called with every fault, in the order of the input; repeated keys come last.
pub type Sink<'a> = &'a mut dyn FnMut(&FoundFault<'_>) -> io::Result<()>;

/// A check of an input.
pub struct Check<'a> {
    /// The part of the rows that is looked at; none is all.
    pub shard: Option<Shard>,
    /// What the ledger knows, if there is one.
    pub known: Option<&'a Known>,
    /// Who is told of the progress.
    pub reporter: &'a Reporter,
    /// Whether to stop.
    pub shutdown: &'a Shutdown,
}

impl Check<'_> {
    /// Reads every input to its end. Memory does not grow with the input. Blocks; not for the async
    /// runtime's threads.
    ///
    /// # Errors
    /// An input, the ledger or `sink` fails, or a signal comes.
    pub fn run(&self, inputs: Vec<Prepared>, sink: Sink<'_>) -> Result<Findings, CheckError> {
        let files = inputs.iter().map(FileFacts::of).collect();
        let mut rows = Rows {
            check: self,
            sink,
            begun: 0,
            findings: Findings::new(files),
            keys: Sorter::new(),
            contents: Sorter::new(),
            chains: Sorter::new(),
        };
        read_all(inputs, self.reporter, self.shutdown, &mut rows)?;
        rows.finish()
    }
}

/// The rows met so far.
struct Rows<'a, 's> {
    check: &'a Check<'a>,
    sink: Sink<'s>,
    /// Inputs that have begun.
    begun: usize,
    findings: Findings,
    /// Keys.
    keys: Sorter,
    /// Contents of rows without one.
    contents: Sorter,
    /// Ids of previous contacts.
    chains: Sorter,
}

impl Visitor for Rows<'_, '_> {
    type Error = CheckError;

    fn begin(&mut self, _: &Input, _: &Header) -> Result<(), CheckError> {
        self.begun += 1;
        Ok(())
    }

    fn rows(&mut self, rules: &Rules, rows: &[Record], now: i64) -> Result<(), CheckError> {
        rows.iter().try_for_each(|record| self.meet(rules, self.begun - 1, record, now))
    }

    fn end(&mut self) -> Result<(), CheckError> {
        Ok(())
    }
}

impl Rows<'_, '_> {
    fn meet(&mut self, rules: &Rules, file: usize, record: &Record, now: i64) -> Result<(), CheckError> {
        self.findings.rows += 1;
        self.findings.files[file].rows += 1;
        let place = Place { file, line: record.line };
        let key = rules.key(record);
        if self.check.shard.is_some_and(|shard| !shard.contains(&key)) {
            self.findings.of_other_shards += 1;
            return Ok(());
        }
        let content = || rules.header.content(&record.fields);
        let met = match self.check.known {
            Some(known) => known.meet(&key, 1, content)?,
            None => Met::default(),
        };
        self.findings.met_elsewhere += u64::from(met.elsewhere);
        let mut marks = Marks { unmappable: false, elsewhere: met.elsewhere };
        let class = match met.settled {
            // Rows that equal a created one are imported too, if they map.
            Some(class) if class != Class::Refused => {
                let assessed = matches!(key, RowKey::Content(_)).then(|| rules.map(record, &key, now));
                marks.unmappable = matches!(assessed, Some(Err(_)));
                class
            }
            other => match rules.map(record, &key, now) {
                Ok(mapped) => {
                    self.mapped(&mapped, place, now)?;
                    other.unwrap_or(Class::Ready)
                }
                Err(MapError::Row(_)) if met.as_it_was => Class::Ready,
                // It may have been created, and cannot be sent again to find out.
                Err(MapError::Row(_)) if met.in_doubt => Class::Unknown,
                Err(MapError::Row(rejection)) => {
                    self.faulty(place, &key, &rejection)?;
                    Class::Faulty
                }
                Err(MapError::Job(error)) => {
                    let file = format!("{}, line {}", self.findings.files[file].name, record.line);
                    return Err(IntakeError::Mapping { file, error }.into());
                }
            },
        };
        self.findings.count(class);
        match key {
            RowKey::Unusable(_) => {}
            RowKey::Columns(_) => self.keys.push(entry(key.digest(), place, class, marks))?,
            RowKey::Content(_) => self.contents.push(entry(key.digest(), place, class, marks))?,
        }
        Ok(())
    }

    fn mapped(&mut self, mapped: &Mapped<'_>, place: Place, now: i64) -> Result<(), CheckError> {
        for cut in &mapped.cuts {
            self.findings.cut(&cut.member);
        }
        let request = &mapped.request;
        self.findings.longest.meet(place.file, place.line, request);
        if request.operation == Operation::StartTaskContact {
            self.open_task(request, place, now)?;
        }
        Ok(())
    }

    /// What the service may refuse an open task for, though nobody can say it of one row.
    fn open_task(&mut self, request: &ContactRequest<'_>, place: Place, now: i64) -> Result<(), CheckError> {
        if request.scheduled_time.is_some_and(|time| time > now + SCHEDULED_DAYS * DAY) {
            self.findings.scheduled_far += 1;
        }
        if let Some(previous) = &request.previous_contact_id {
            let digest = Digest::of([previous.as_bytes()]);
            self.chains.push(entry(digest, place, Class::Ready, Marks::default()))?;
        }
        Ok(())
    }

    fn faulty(&mut self, place: Place, key: &RowKey, rejection: &Rejection) -> Result<(), CheckError> {
        let label = key.label();
        for fault in &rejection.faults {
            self.tell(place, &label, rejection.code, fault)?;
        }
        Ok(())
    }

    fn tell(&mut self, place: Place, key: &str, code: &str, fault: &RowFault) -> Result<(), CheckError> {
        let file = &self.findings.files[place.file].name;
        (self.sink)(&FoundFault { file, line: place.line, key, code, fault })?;
        self.findings.tell(place.file, place.line, key, code, fault);
        Ok(())
    }

    /// What repeats is known when everything has been read.
    fn finish(mut self) -> Result<Findings, CheckError> {
        let take = |sorter: &mut Sorter| std::mem::replace(sorter, Sorter::new());
        let (keys, contents, chains) =
            (take(&mut self.keys), take(&mut self.contents), take(&mut self.chains));
        each_repeat(contents, |repeat| {
            self.findings.identical += 1;
            let Some(known) = self.check.known else { return Ok::<_, CheckError>(()) };
            // It has a token of its own, by its number.
            let key = RowKey::Content(repeat.digest);
            let met = known.meet(&key, repeat.occurrence, || repeat.digest)?;
            let is_faulty = repeat.class == Class::Faulty || repeat.marks.unmappable;
            let class = met.settled.unwrap_or(if is_faulty { Class::Faulty } else { Class::Ready });
            self.findings.met_elsewhere -= u64::from(repeat.marks.elsewhere);
            self.findings.met_elsewhere += u64::from(met.elsewhere);
            self.findings.recount(repeat.class, class);
            if class == Class::Faulty && repeat.class != Class::Faulty {
                let rule = "does not map any more, though an equal row was created before".to_owned();
                let fault = RowFault { rule, ..RowFault::default() };
                self.tell(repeat.place, &key.label(), "Mapping", &fault)?;
            }
            Ok(())
        })?;
        each_repeat(chains, |repeat| {
            if u64::from(repeat.occurrence) == CHAINED_TASKS + 1 {
                self.findings.long_chains += 1;
                self.findings.long_chain_at.get_or_insert((repeat.place.file, repeat.place.line));
            }
            Ok::<_, CheckError>(())
        })?;
        self.duplicates(keys)?;
        if let Some(known) = self.check.known {
            // Those that this input brings up again are counted already.
            let waiting = known.waiting_elsewhere()?;
            self.findings.elsewhere = waiting.saturating_sub(self.findings.met_elsewhere);
        }
        Ok(self.findings)
    }

    /// Only the first row of a key is imported; the others are told of in the order of the input.
    fn duplicates(&mut self, keys: Sorter) -> Result<(), CheckError> {
        let mut in_order = Sorter::new();
        each_repeat(keys, |repeat| {
            // The ledger has one row of the key.
            self.findings.met_elsewhere -= u64::from(repeat.marks.elsewhere);
            let (place, first) = (repeat.place.number(), repeat.first.number());
            in_order.push([place, first, repeat.class.number(), 0]).map_err(CheckError::from)
        })?;
        let mut duplicates = in_order.sorted()?;
        while let Some([place, first, class, _]) = duplicates.next()? {
            let (place, first) = (Place::of(place), Place::of(first));
            self.findings.recount(Class::of(class), Class::Faulty);
            let of = if first.file == place.file {
                String::new()
            } else {
                format!(" of {}", self.findings.files[first.file].name)
            };
            let fault = RowFault {
                found: format!("has the key of line {}{of}", first.line),
                rule: "only the first row of a key is imported".into(),
                ..RowFault::default()
            };
            self.tell(place, "", Rejection::DUPLICATE, &fault)?;
        }
        Ok(())
    }
}
