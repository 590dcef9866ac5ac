//! Enters the rows of the input into the ledger.

use super::Intake;
use super::error::IntakeError;
use super::key_review::{KeyReview, KeyedRow, RowPlace};
use super::prepared::{RowSelection, Rules};
use super::read_ahead::Visitor;
use super::review::InputReview;
use crate::crash_plan::CrashPoint;
use crate::event::RunEvent;
use crate::ledger::{
    IntakeRow, IntakeTotals, LeftTo, Recognition, RejectOrigin, RowFingerprint, RowKind, RunRecord,
    ScanCounts,
};
use crate::mapping::{MapError, MappingError, Rejection};
use crate::source::{Header, Input, Record, Reject, RowKey, RowOrigin};
use crate::token::ClientToken;

impl Intake<'_> {
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

/// A row that the ledger has or may have.
struct OwnRow<'a> {
    /// The row.
    record: &'a Record,
    /// Its key.
    key: RowKey,
    /// Why the job's condition cannot be applied to it.
    unselectable: Option<Rejection>,
    /// Whether an earlier row of the input has its key.
    is_repeated: bool,
    /// Whether its key belongs to another shard, and the ledger may have it only because it was mended.
    is_of_other_shard: bool,
    /// The row that it is, if it was read from a rejects file.
    reject: Option<RejectOrigin>,
}

impl OwnRow<'_> {
    /// Kind of the row for the ledger.
    fn kind(&self) -> RowKind {
        match self.reject {
            Some(_) => RowKind::Reject,
            None if self.is_of_other_shard => RowKind::OfOtherShard,
            None => RowKind::Own,
        }
    }
}

/// The row that a row of a rejects file is.
fn reject_origin((origin, reject): (RowOrigin, &Reject), left_to: Option<LeftTo>) -> RejectOrigin {
    RejectOrigin { origin, file: reject.file.clone(), line: reject.line, code: reject.code.clone(), left_to }
}

/// The input whose rows are being entered.
pub(super) struct InputIntake<'a> {
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

impl<'a> InputIntake<'a> {
    pub(super) fn new(intake: &'a Intake<'a>) -> Self {
        InputIntake {
            intake,
            input: Input::Stdin,
            source: 0,
            header: 0,
            counts: ScanCounts::default(),
            totals: IntakeTotals::default(),
            review: InputReview::default(),
            keys: KeyReview::default(),
            inputs_begun: 0,
            has_mended_rows: false,
        }
    }

    /// Ends the intake of these files, and of standard input, and emits the warnings.
    pub(super) fn finish(self, files: Vec<String>) -> Result<RunRecord, IntakeError> {
        let Intake { ledger, reporter, .. } = self.intake;
        let mut keys = self.keys;
        if keys.has_waiting_keys() {
            keys = ledger.visit_earlier_keys(files, keys, KeyReview::known_key)?;
        }
        let mut review = self.review;
        review.warn_all(keys.finish());
        let (warnings, _) = review.finish();
        let warnings = warnings.groups();
        for warning in &warnings {
            reporter.emit(RunEvent::InputWarned((*warning).clone()));
        }
        let record = ledger.finish_intake(self.totals)?;
        Ok(RunRecord { warnings: warnings.len() as u64, ..record })
    }

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
