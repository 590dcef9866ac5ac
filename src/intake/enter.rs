//! Enters the rows of the input into the ledger.

use super::error::IntakeError;
use super::key_review::{KeyReview, KeyedRow, RowPlace};
use super::own_row::{OwnRow, reject_origin};
use super::prepared::{PreparedInput, RowSelection, Rules};
use super::read_ahead::{Visitor, read_all};
use super::review::InputReview;
use crate::crash_plan::{CrashPlan, CrashPoint};
use crate::event::{Reporter, RunEvent};
use crate::ledger::{
    IntakeRow, IntakeTotals, Ledger, LeftTo, Recognition, RowFingerprint, RowKind, RunRecord, ScanCounts,
};
use crate::mapping::{MapError, MappingError, Rejection};
use crate::shard::Shard;
use crate::shutdown::Shutdown;
use crate::source::{Header, Input, Record, RowKey};
use crate::token::ClientToken;

/// Parameters of an intake.
#[derive(Debug)]
pub struct Intake<'a> {
    /// Ledger that the rows are entered into.
    pub ledger: &'a Ledger,
    /// Receives the events.
    pub reporter: &'a Reporter,
    /// SIGINT and SIGTERM.
    pub shutdown: &'a Shutdown,
    /// Part of the rows that is entered; none is all.
    pub shard: Option<Shard>,
    /// Whether every row is mapped and validated now, and not only when it is sent.
    pub check: bool,
    /// Crash points for tests.
    pub crash_plan: CrashPlan,
}

impl Intake<'_> {
    /// Reads every input to its end, and emits the warnings about the rows that it entered. Blocks; must not be called on
    /// a thread of the async runtime.
    ///
    /// Rows of inputs that were read only in part stay in the ledger and are not sent.
    ///
    /// # Errors
    /// - [`IntakeError::Source`], [`IntakeError::Mapping`]: an input cannot be read, or shows that the mapping is faulty.
    /// - [`IntakeError::Ledger`]: the ledger cannot be read or written.
    /// - [`IntakeError::Interrupted`]: a signal arrived.
    pub fn take_in(&self, inputs: Vec<PreparedInput>) -> Result<RunRecord, IntakeError> {
        let mut input = InputIntake {
            intake: self,
            input: Input::Stdin,
            source: 0,
            header: 0,
            counts: ScanCounts::default(),
            totals: IntakeTotals::default(),
            review: InputReview::default(),
            keys: KeyReview::default(),
            inputs_begun: 0,
            has_mended_rows: false,
        };
        let files = inputs.iter().map(|prepared| &prepared.input).filter(|input| **input != Input::Stdin);
        let files: Vec<String> = files.map(Input::identity).collect();
        read_all(inputs, self.reporter, self.shutdown, &mut input)?;
        let mut keys = input.keys;
        if keys.has_waiting_keys() {
            keys = self.ledger.visit_earlier_keys(files, keys, KeyReview::known_key)?;
        }
        input.review.warn_all(keys.finish());
        let (warnings, _) = input.review.finish();
        let warnings = warnings.groups();
        for warning in &warnings {
            self.reporter.emit(RunEvent::InputWarned((*warning).clone()));
        }
        let record = self.ledger.finish_intake(input.totals)?;
        Ok(RunRecord { warnings: warnings.len() as u64, ..record })
    }

    /// Why a row cannot be sent; `None` if it can. `review` sees the row. `is_repeated`: an earlier row has its key.
    fn validate(
        &self,
        rules: &Rules,
        record: &Record,
        key: &RowKey,
        now: i64,
        is_repeated: bool,
        review: &mut InputReview,
    ) -> Result<Option<Rejection>, MappingError> {
        let validated = if self.check {
            review.cells(rules, record, key);
            let mapped = rules.map(record, key, now);
            review.dates(rules, record, key, mapped.is_err());
            // A row with the key of an earlier one is rejected, so that nothing of it is sent.
            mapped.map(|mapped| {
                if !is_repeated {
                    review.request(rules, record.line, key, &mapped)
                }
            })
        } else {
            rules.validate_form(record, key)
        };
        match validated {
            Ok(()) => Ok(None),
            Err(MapError::Row(rejection)) => Ok(Some(rejection)),
            Err(MapError::Job(error)) => Err(error),
        }
    }
}

/// The input whose rows are being entered.
struct InputIntake<'a> {
    intake: &'a Intake<'a>,
    input: Input,
    /// Id of the input in the ledger.
    source: i64,
    /// Id of the header in the ledger.
    header: i64,
    /// Rows read so far.
    counts: ScanCounts,
    totals: IntakeTotals,
    review: InputReview,
    /// Keys of the rows that are not created.
    keys: KeyReview,
    inputs_begun: usize,
    /// Whether rows of other shards are compared with the mended rows of the ledger.
    has_mended_rows: bool,
}

impl InputIntake<'_> {
    fn intake_row(
        &mut self,
        rules: &Rules,
        row: OwnRow<'_>,
        fingerprint: RowFingerprint,
        is_settled: bool,
        now: i64,
    ) -> Result<IntakeRow, IntakeError> {
        let OwnRow { record, key, unselectable, is_repeated, is_of_other_shard, reject } = row;
        let is_settled = is_settled || reject.as_ref().is_some_and(|reject| reject.left_to.is_some());
        let rejection = match unselectable {
            Some(rejection) => Some(rejection),
            None if is_settled => None,
            None => {
                let validated = self.intake.validate(rules, record, &key, now, is_repeated, &mut self.review);
                validated.map_err(|error| self.mapping_error(record, error))?
            }
        };
        self.intake.crash_plan.reach(CrashPoint::Check);
        let fields: Vec<&str> = record.fields.iter().collect();
        let fields = serde_json::Value::from(fields).to_string();
        let RowFingerprint { token, content, line, .. } = fingerprint;
        let (source, header) = (self.source, self.header);
        Ok(IntakeRow {
            key,
            token,
            source,
            header,
            line,
            content,
            record: fields,
            rejection,
            is_of_other_shard,
            reject,
        })
    }

    /// The rows that the ledger has or may have: those of this shard that the job's condition selects, and those of a
    /// rejects file. Counts the others.
    fn own_rows<'r>(&mut self, rules: &Rules, rows: &'r [Record]) -> Result<Vec<OwnRow<'r>>, IntakeError> {
        self.counts.rows += rows.len() as u64;
        let mut own = Vec::with_capacity(rows.len());
        for record in rows {
            let key = rules.key(record);
            let is_of_other_shard = self.intake.shard.is_some_and(|shard| !shard.contains(&key));
            let reject = record.reject.as_ref().and_then(|reject| reject.origin.zip(Some(reject)));
            if is_of_other_shard {
                let place = RowPlace { file: self.inputs_begun - 1, line: record.line };
                self.keys.row_elsewhere(place, &key, Some(self.intake.ledger.token(&key)))?;
                let left_to = Some(LeftTo::OtherShard);
                let reject = reject.map(|reject| reject_origin(reject, left_to));
                match reject.is_some() || self.has_mended_rows {
                    true => own.push(OwnRow {
                        record,
                        key,
                        unselectable: None,
                        is_repeated: false,
                        is_of_other_shard,
                        reject,
                    }),
                    false => self.counts.other_shards += 1,
                }
                continue;
            }
            // Before rows are passed over: such a row may hold others.
            self.review.form(record, &key);
            let selection = rules.select(record).map_err(|error| self.mapping_error(record, error))?;
            let left_to = matches!(selection, RowSelection::PassedOver).then_some(LeftTo::PassedOver);
            let reject = reject.map(|reject| reject_origin(reject, left_to));
            let unselectable = match selection {
                RowSelection::PassedOver if reject.is_none() => {
                    self.counts.passed_over += 1;
                    continue;
                }
                RowSelection::PassedOver | RowSelection::Selected => None,
                RowSelection::Faulty(rejection) => Some(rejection),
            };
            own.push(OwnRow { record, key, unselectable, is_repeated: false, is_of_other_shard, reject });
        }
        Ok(own)
    }

    /// Reviews the row's key; returns whether an earlier row of the input has it.
    fn review_key(&mut self, row: &OwnRow<'_>, token: ClientToken) -> Result<bool, IntakeError> {
        if matches!(row.key, RowKey::Unusable(_)) {
            return Ok(false);
        }
        let place = RowPlace { file: self.inputs_begun - 1, line: row.record.line };
        let keyed = KeyedRow { place, key: &row.key, token: Some(token), is_created: false };
        let occurrence = self.keys.row(keyed)?;
        // Rows without key columns that are identical are imported each.
        Ok(occurrence.number > 1 && matches!(row.key, RowKey::Columns(_)))
    }

    fn mapping_error(&self, record: &Record, error: MappingError) -> IntakeError {
        IntakeError::of_row(self.review.file(), record.line, error)
    }
}

impl Visitor for InputIntake<'_> {
    type Error = IntakeError;

    fn begin(&mut self, input: &Input, header: &Header) -> Result<(), IntakeError> {
        (self.source, self.header) = self.intake.ledger.enter_source(input, header)?;
        self.input = input.clone();
        self.inputs_begun += 1;
        self.keys.begin(&input.to_string());
        self.review.begin(input, header);
        self.counts = ScanCounts::default();
        self.has_mended_rows = self.intake.shard.is_some() && self.intake.ledger.has_mended_rows()?;
        Ok(())
    }

    fn rows(&mut self, rules: &Rules, rows: &[Record], now: i64) -> Result<(), IntakeError> {
        let ledger = self.intake.ledger;
        let own = self.own_rows(rules, rows)?;
        let fingerprint = |row: &OwnRow<'_>| RowFingerprint {
            token: ledger.token(&row.key),
            content: rules.header.content(&row.record.fields),
            line: row.record.line,
            kind: row.kind(),
        };
        let fingerprints: Vec<RowFingerprint> = own.iter().map(fingerprint).collect();
        // Rows that were created unchanged before are skipped without mapping them: a resumed run reads them all.
        let recognised = ledger.recognise(self.source, fingerprints.clone())?;
        let left = own.into_iter().zip(fingerprints).zip(recognised);
        let mut of_other_shards = 0;
        let left = left.filter(|((row, _), recognition)| {
            let is_elsewhere = row.kind() == RowKind::OfOtherShard && *recognition != Recognition::Mended;
            of_other_shards += u64::from(is_elsewhere && *recognition != Recognition::Unchanged);
            !is_elsewhere && *recognition != Recognition::Unchanged
        });
        let entered = left.map(|((mut row, fingerprint), recognition)| {
            // The keys of created rows are compared as those of the ledger.
            if recognition == Recognition::Waiting && !row.is_of_other_shard {
                let is_repeated = self.review_key(&row, fingerprint.token)?;
                // Whether a row of a rejects file has the key of another, the ledger decides.
                row.is_repeated = is_repeated && row.reject.is_none();
            }
            // Nothing more of the key is sent. Without key columns the row may be a further one of its content.
            let is_settled = recognition == Recognition::Mended
                || recognition == Recognition::Created && matches!(row.key, RowKey::Columns(_));
            self.intake_row(rules, row, fingerprint, is_settled, now)
        });
        let entered: Vec<IntakeRow> = entered.collect::<Result<_, _>>()?;
        self.counts.other_shards += of_other_shards;
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
        self.intake.ledger.leave_source(self.source, self.counts)?;
        self.totals.rows_read += self.counts.rows;
        if self.input != Input::Stdin {
            self.totals.files_read.push(self.source);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Mutex};

    use tempfile::TempDir;

    use super::*;
    use crate::event::Observer;
    use crate::intake::testing::{take_in, write_csv};
    use crate::ledger::testing::{ledger, new_run};
    use crate::ledger::{Contact, Note, NoteKind, RowState, Settlement};
    use crate::mapping::Rejection;
    use crate::shutdown::Signal;

    #[derive(Clone, Default)]
    struct NoteRecorder(Arc<Mutex<Vec<Note>>>);

    impl Observer for NoteRecorder {
        fn observe(&mut self, event: &RunEvent) {
            if let RunEvent::RowNoted { note, .. } = event {
                self.0.lock().unwrap().push(note.clone());
            }
        }
    }

    /// Runs an intake of the files into the folder's ledger, and returns its record and notes.
    fn run(folder: &Path, files: &[PathBuf]) -> (Result<RunRecord, IntakeError>, Vec<Note>) {
        let notes = NoteRecorder::default();
        let reporter = Arc::new(Reporter::start(vec![Box::new(notes.clone())]).unwrap());
        let ledger = ledger(folder);
        let result = take_in(&ledger, new_run(), files, &reporter, &Shutdown::manual().1);
        ledger.close().unwrap();
        reporter.finish();
        let notes = std::mem::take(&mut *notes.0.lock().unwrap());
        (result, notes)
    }

    /// As `run`, for rows that are pairs of id and name.
    fn run_rows(folder: &TempDir, rows: &[(&str, &str)]) -> (RunRecord, Vec<Note>) {
        let file = write_csv(folder.path(), "rows.csv", rows);
        let (result, notes) = run(folder.path(), &[file]);
        (result.unwrap(), notes)
    }

    /// Settles every waiting row as `settle` says.
    fn settle_all(folder: &Path, settle: impl Fn(&str) -> Settlement) {
        let ledger = ledger(folder);
        let empty = write_csv(folder, "empty.csv", &[]);
        let reporter = Reporter::start(Vec::new()).unwrap();
        take_in(&ledger, new_run(), &[empty], &reporter, &Shutdown::manual().1).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for claim in ledger.claim(100).await.unwrap() {
                let settlement = settle(&claim.key);
                let request = crate::request::ContactRequest::default();
                let in_flight = ledger.begin(claim, request).await.unwrap();
                ledger.settle(in_flight, settlement).await.unwrap();
            }
        });
        ledger.close().unwrap();
    }

    fn created(key: &str) -> Settlement {
        Settlement::Created(Contact { id: format!("contact-{key}"), arn: None })
    }

    #[test]
    fn rows_with_a_key_wait_to_be_sent_and_faulty_rows_are_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let long = "x".repeat(1025);
        let (record, notes) = run_rows(&folder, &[("1", "a"), ("2", &long), ("", "c"), ("4", "d")]);
        assert_eq!((record.rows_read, record.waiting(), record.rows.of(RowState::Rejected)), (4, 2, 2));
        let rejected = notes.iter().map(|note| match &note.kind {
            NoteKind::Rejected(rejection) => (note.line, rejection.code),
            kind => panic!("{kind:?}"),
        });
        assert_eq!(rejected.collect::<Vec<_>>(), [(3, "Validation"), (4, "EmptyKey")]);
    }

    #[test]
    fn the_second_row_of_a_key_is_rejected_and_the_first_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let (record, notes) = run_rows(&folder, &[("1", "a"), ("2", "b"), ("1", "c")]);
        assert_eq!((record.waiting(), record.rows.of(RowState::Rejected)), (2, 1));
        let [Note { line: 4, kind: NoteKind::Rejected(rejection), .. }] = &notes[..] else {
            panic!("{notes:?}")
        };
        assert_eq!(rejection.code, Rejection::DUPLICATE);
        assert!(rejection.to_string().contains("line 2"), "{rejection}");
    }

    #[test]
    fn a_second_run_of_the_same_rows_skips_the_created_ones() {
        let folder = tempfile::tempdir().unwrap();
        let rows = [("1", "a"), ("2", "b"), ("3", "c")];
        run_rows(&folder, &rows[..2]);
        settle_all(folder.path(), created);
        let (record, notes) = run_rows(&folder, &rows);
        assert_eq!((record.already_created, record.changed_created, record.waiting()), (2, 0, 1));
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn a_created_row_that_changed_is_noted_and_not_sent_again() {
        let folder = tempfile::tempdir().unwrap();
        run_rows(&folder, &[("1", "a"), ("2", "b")]);
        settle_all(folder.path(), created);
        let (record, notes) = run_rows(&folder, &[("1", "a"), ("2", "changed")]);
        assert_eq!((record.already_created, record.changed_created, record.waiting()), (2, 1, 0));
        assert!(
            matches!(&notes[..], [Note { line: 3, kind: NoteKind::ChangedSinceCreated, .. }]),
            "{notes:?}"
        );
    }

    #[test]
    fn a_rejected_row_waits_again_when_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let long = "x".repeat(1025);
        run_rows(&folder, &[("1", "a"), ("2", &long)]);
        let (record, _) = run_rows(&folder, &[("1", "a"), ("2", "corrected")]);
        assert_eq!((record.waiting(), record.rows.of(RowState::Rejected)), (2, 0));
    }

    #[test]
    fn rows_of_a_file_that_was_read_in_part_are_not_sent() {
        let folder = tempfile::tempdir().unwrap();
        let ids: Vec<String> = (0..1000).map(|id| id.to_string()).collect();
        let rows: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "a name")).collect();
        let broken = write_csv(folder.path(), "broken.csv", &rows);
        let text = std::fs::read_to_string(&broken).unwrap();
        std::fs::write(&broken, format!("{text}1000,\"never closed")).unwrap();
        let (result, _) = run(folder.path(), std::slice::from_ref(&broken));
        assert!(matches!(result, Err(IntakeError::Source(_))), "{result:?}");
        let other = write_csv(folder.path(), "other.csv", &[("a", "another name")]);
        let (result, _) = run(folder.path(), &[other]);
        let record = result.unwrap();
        assert_eq!((record.waiting(), record.stranded), (1, 1000));
        // Reading the corrected file takes them up.
        std::fs::write(&broken, text).unwrap();
        let (result, _) = run(folder.path(), &[broken]);
        assert_eq!(result.unwrap().waiting(), 1001);
    }

    #[test]
    fn a_signal_stops_the_reading() {
        let folder = tempfile::tempdir().unwrap();
        let file = write_csv(folder.path(), "rows.csv", &[("1", "a")]);
        let ledger = ledger(folder.path());
        let reporter = Reporter::start(Vec::new()).unwrap();
        let (sender, shutdown) = Shutdown::manual();
        sender.send(Some(Signal::Terminate)).unwrap();
        let result = take_in(&ledger, new_run(), &[file], &reporter, &shutdown);
        assert!(matches!(result, Err(IntakeError::Interrupted(Signal::Terminate))), "{result:?}");
    }
}
