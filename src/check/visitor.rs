//! The rows of a check: each is compared with the ledger and the rows before it, and mapped unless that settles it.

use std::collections::HashSet;

use super::findings::{CheckFindings, FoundFault, RowClass};
use super::ledger_lookup::{LookedUpReject, LookedUpRow};
use super::shown::ShownRow;
use super::{Check, CheckError, RowSink};
use crate::digest::Digest;
use crate::intake::{
    InputReview, IntakeError, KeyReview, KeyedRow, PreparedInput, RowPlace, RowSelection, Rules, Visitor,
};
use crate::ledger::{LeftTo, Occurrence, Occurrences, RowId};
use crate::mapping::{MapError, Mapped, MappingError, Rejection, RowFault};
use crate::request::limits::{CHAINED_TASKS, SCHEDULED_DAYS};
use crate::request::{ContactRequest, Operation};
use crate::source::{Header, Input, Record, RowKey};
use crate::warning::WarningCode;

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// Checks the rows of one input after the other.
pub(super) struct CheckVisitor<'a, 's> {
    check: &'a Check<'a>,
    sink: &'s mut dyn RowSink,
    inputs_begun: usize,
    findings: CheckFindings,
    review: InputReview,
    /// Keys, or contents of rows without key columns.
    keys: KeyReview,
    /// Ids of previous contacts that tasks follow.
    previous_contacts: Occurrences,
    /// Rows that wait in the ledger, and that it has from an input that is not read now.
    waiting_from_other_inputs: u64,
    /// Rows of the ledger that rows of a rejects file give another key.
    rekeyed: HashSet<RowId>,
    /// Mended rows of the ledger that rows before are.
    mended: HashSet<RowId>,
}

impl Visitor for CheckVisitor<'_, '_> {
    type Error = CheckError;

    fn begin(&mut self, input: &Input, header: &Header) -> Result<(), CheckError> {
        self.inputs_begun += 1;
        self.review.begin(input, header);
        self.keys.begin(&input.to_string());
        Ok(())
    }

    fn rows(&mut self, rules: &Rules, rows: &[Record], now: i64) -> Result<(), CheckError> {
        rows.iter().try_for_each(|record| self.check_row(rules, record, now))
    }

    fn end(&mut self) -> Result<(), CheckError> {
        Ok(())
    }
}

impl<'a, 's> CheckVisitor<'a, 's> {
    pub(super) fn new(check: &'a Check<'a>, inputs: &[PreparedInput], sink: &'s mut dyn RowSink) -> Self {
        CheckVisitor {
            check,
            sink,
            inputs_begun: 0,
            findings: CheckFindings::new(inputs, check.accept),
            review: InputReview::default(),
            keys: KeyReview::default(),
            previous_contacts: Occurrences::default(),
            waiting_from_other_inputs: 0,
            rekeyed: HashSet::new(),
            mended: HashSet::new(),
        }
    }

    /// The findings, after the last input.
    pub(super) fn finish(mut self) -> Result<CheckFindings, CheckError> {
        if let Some(ledger) = self.check.ledger {
            if self.keys.has_waiting_keys() {
                ledger.review_keys(&mut self.keys)?;
            }
            // Rows that this input has as well are counted already.
            let waiting = ledger.waiting_from_other_inputs()?;
            self.findings.elsewhere = waiting.saturating_sub(self.waiting_from_other_inputs);
        }
        self.review.warn_all(self.keys.finish());
        self.findings.add_review(self.review);
        Ok(self.findings)
    }

    fn check_row(&mut self, rules: &Rules, record: &Record, now: i64) -> Result<(), CheckError> {
        let place = RowPlace { file: self.inputs_begun - 1, line: record.line };
        self.findings.rows += 1;
        self.findings.files[place.file].rows += 1;
        let key = rules.key(record);
        if self.check.shard.is_some_and(|shard| !shard.contains(&key)) {
            self.findings.of_other_shards += 1;
            let token = self.check.ledger.map(|ledger| ledger.token(&key, 1));
            return Ok(self.keys.row_elsewhere(place, &key, token)?);
        }
        // Before rows are passed over: such a row may hold others.
        self.review.form(record, &key);
        let unselectable = match rules.select(record).map_err(|error| self.mapping_error(place, error))? {
            RowSelection::PassedOver => {
                self.findings.passed_over += 1;
                return Ok(());
            }
            RowSelection::Selected => None,
            RowSelection::Faulty(rejection) => Some(rejection),
        };
        let KnownToLedger { row, occurrence, held_by } = self.known(rules, record, &key, place)?;
        if let Some(left_to) = row.left_to {
            match left_to {
                LeftTo::OtherShard => self.findings.of_other_shards += 1,
                LeftTo::PassedOver => self.findings.passed_over += 1,
            }
            return Ok(());
        }
        let (first, number) = (RowPlace::from_number(occurrence.first), occurrence.number);
        // Identical rows without key columns have a token each; rows that share a key have one token.
        let (token_number, is_duplicate) = match key {
            RowKey::Content(_) => (number, false),
            RowKey::Columns(_) | RowKey::Unusable(_) => {
                (1, held_by.is_some() || number > 1 && row.mended.is_none())
            }
        };
        if token_number > 1 {
            self.review.warn_of_row(WarningCode::IdenticalRows, "", place.line, &key, || {
                let message = "equals an earlier row; without a key each is imported";
                let remedy = "if these are repetitions, remove them or name the key columns: --key COLUMN";
                [message.to_owned(), remedy.to_owned()]
            });
        }
        let class = match &unselectable {
            Some(rejection) if row.mended.is_none() => self.report_rejection(place, &key, rejection)?,
            _ => self.classify(rules, record, &key, (row, is_duplicate), place, now)?,
        };
        let duplicate = is_duplicate.then(|| match held_by {
            Some((file, line)) => Rejection::duplicate(line, Some(&file)),
            None => self.duplicate(place, first),
        });
        let class = if is_duplicate { self.findings.class_of(Rejection::DUPLICATE) } else { class };
        if self.check.shown.includes(self.findings.checked(), &key) {
            let rejection = duplicate.as_ref().or(unselectable.as_ref());
            self.show(rules, record, &key, (token_number, class, row.is_sent_unchanged), rejection, now)?;
        }
        self.findings.count(class);
        match duplicate {
            Some(rejection) => self.report_rejection(place, &key, &rejection).map(drop),
            None => {
                self.waiting_from_other_inputs += u64::from(row.waits_from_other_input);
                Ok(())
            }
        }
    }

    /// What the ledger knows of the row, and how often its key came up.
    fn known(
        &mut self,
        rules: &Rules,
        record: &Record,
        key: &RowKey,
        place: RowPlace,
    ) -> Result<KnownToLedger, CheckError> {
        let ledger = self.check.ledger;
        let content = || rules.header.content(&record.fields);
        let token = |number| ledger.map(|ledger| ledger.token(key, number));
        let mut keyed = KeyedRow { place, key, token: None, is_created: false };
        let origin = record.reject.as_ref().and_then(|reject| Some((reject.origin?, reject.code.as_str())));
        if let Some((ledger, origin)) = ledger.zip(origin) {
            let LookedUpReject { row, duplicate_of } =
                ledger.reject(origin, key, content(), &mut self.rekeyed)?;
            keyed.is_created = row.is_created();
            if let RowKey::Columns(_) = key {
                keyed.token = token(1);
            }
            let occurrence = match key {
                RowKey::Unusable(_) => Occurrence { number: 1, first: 0, look_alike: None },
                RowKey::Columns(_) | RowKey::Content(_) => self.keys.row(keyed)?,
            };
            return Ok(KnownToLedger { row, occurrence, held_by: duplicate_of });
        }
        let look_up = |token| match ledger.zip(token) {
            Some((ledger, token)) => ledger.row(token, content),
            None => Ok(LookedUpRow::default()),
        };
        let (row, occurrence) = match key {
            RowKey::Columns(_) => {
                keyed.token = token(1);
                let row = look_up(keyed.token)?;
                keyed.is_created = row.is_created();
                let occurrence = self.keys.row(keyed)?;
                let mended = match ledger.zip(token(occurrence.number)) {
                    Some((ledger, token)) if occurrence.number > 1 => ledger.mended_row(token, content)?,
                    _ => None,
                };
                // An earlier row of the key may be the mended one, and not this.
                let is_other = row.mended.is_some_and(|mended| !self.mended.insert(mended));
                (mended.unwrap_or(if is_other { LookedUpRow::default() } else { row }), occurrence)
            }
            RowKey::Content(_) => {
                let occurrence = self.keys.row(keyed)?;
                (look_up(token(occurrence.number))?, occurrence)
            }
            RowKey::Unusable(_) => (look_up(token(1))?, Occurrence { number: 1, first: 0, look_alike: None }),
        };
        Ok(KnownToLedger { row, occurrence, held_by: None })
    }

    /// Maps the row, unless the ledger alone decides what a run does with it.
    fn classify(
        &mut self,
        rules: &Rules,
        record: &Record,
        key: &RowKey,
        (row, is_duplicate): (LookedUpRow, bool),
        place: RowPlace,
        now: i64,
    ) -> Result<RowClass, CheckError> {
        let is_settled = |class: &RowClass| {
            row.mended.is_some() || !matches!(class, RowClass::Refused | RowClass::Accepted)
        };
        if let Some(class) = row.class.filter(is_settled) {
            return Ok(class);
        }
        self.review.cells(rules, record, key);
        let mapped = rules.map(record, key, now);
        self.review.dates(rules, record, key, mapped.is_err());
        match mapped {
            Ok(mapped) => {
                // The others are not sent.
                if row.class.is_none() && !is_duplicate {
                    self.record_mapped(rules, &mapped, place, key, now)?;
                }
                Ok(row.class.unwrap_or(RowClass::Ready))
            }
            Err(MapError::Row(_)) if row.is_sent_unchanged => Ok(RowClass::Ready),
            // It may have been created, and cannot be sent again to find out.
            Err(MapError::Row(_)) if row.is_in_doubt => Ok(RowClass::Unknown),
            Err(MapError::Row(rejection)) => self.report_rejection(place, key, &rejection),
            Err(MapError::Job(error)) => Err(self.mapping_error(place, error)),
        }
    }

    fn mapping_error(&self, place: RowPlace, error: MappingError) -> CheckError {
        IntakeError::of_row(self.review.file(), place.line, error).into()
    }

    fn report_rejection(
        &mut self,
        place: RowPlace,
        key: &RowKey,
        rejection: &Rejection,
    ) -> Result<RowClass, CheckError> {
        let label = key.label();
        for fault in &rejection.faults {
            self.report(place, &label, rejection.code, fault)?;
        }
        Ok(self.findings.class_of(rejection.code))
    }

    fn record_mapped(
        &mut self,
        rules: &Rules,
        mapped: &Mapped<'_>,
        place: RowPlace,
        key: &RowKey,
        now: i64,
    ) -> Result<(), CheckError> {
        self.findings.zone_use = self.findings.zone_use.max(mapped.zone_use);
        self.review.request(rules, place.line, key, mapped);
        let request = &mapped.request;
        self.findings.longest.record(place.file, place.line, request);
        if request.operation == Operation::StartTaskContact {
            self.record_open_task(request, place, key, now)?;
        }
        Ok(())
    }

    /// Counts what the service may refuse an open task for, though its row alone shows no fault.
    fn record_open_task(
        &mut self,
        request: &ContactRequest<'_>,
        place: RowPlace,
        key: &RowKey,
        now: i64,
    ) -> Result<(), CheckError> {
        if request.scheduled_time.is_some_and(|time| time > now + SCHEDULED_DAYS * DAY_SECONDS) {
            self.review.warn_of_row(WarningCode::ScheduledFar, "ScheduledTime", place.line, key, || {
                let message = format!("is more than {SCHEDULED_DAYS} days ahead");
                let remedy = format!("the API reference allows {SCHEDULED_DAYS} days, the quota page 90");
                [message, remedy]
            });
        }
        if let Some(previous) = &request.previous_contact_id {
            let digest = Digest::of([previous.as_bytes()]);
            let followers = self.previous_contacts.count(digest, 0)?.number;
            if u64::from(followers) > CHAINED_TASKS {
                self.review.warn_of_row(WarningCode::LongChain, "PreviousContactId", place.line, key, || {
                    let message = format!("names a contact that {CHAINED_TASKS} earlier rows name");
                    let remedy = "Connect does not allow more tasks than that after one contact".to_owned();
                    [message, remedy]
                });
            }
        }
        Ok(())
    }

    /// The rejection of a row whose key an earlier row has.
    fn duplicate(&self, place: RowPlace, first: RowPlace) -> Rejection {
        let other = (first.file != place.file).then(|| &*self.findings.files[first.file].name);
        Rejection::duplicate(first.line, other)
    }

    /// Shows the row's request, mapped once more, or its faults.
    fn show(
        &mut self,
        rules: &Rules,
        record: &Record,
        key: &RowKey,
        (token_number, class, is_sent_unchanged): (u32, RowClass, bool),
        duplicate: Option<&Rejection>,
        now: i64,
    ) -> Result<(), CheckError> {
        let mapped = match rules.map(record, key, now) {
            Ok(mapped) => Ok(mapped),
            Err(MapError::Row(rejection)) => Err(rejection),
            // It ends the check, unless the ledger decides about the row without a request.
            Err(MapError::Job(_)) => return Ok(()),
        };
        let body = match (duplicate, &mapped) {
            (Some(rejection), _) | (None, Err(rejection)) => Err(rejection),
            (None, Ok(mapped)) => Ok(self.check.shown.body(&mapped.request, key, token_number)),
        };
        let (file, line, label) = (self.review.file(), record.line, key.label());
        self.findings.shown_keys.extend(self.check.shown.named(&label).cloned());
        Ok(self.sink.show(&ShownRow { file, line, key: &label, class, is_sent_unchanged, body })?)
    }

    fn report(&mut self, place: RowPlace, key: &str, code: &str, fault: &RowFault) -> Result<(), CheckError> {
        let file = self.findings.files[place.file].name.clone();
        let is_accepted = self.findings.is_accepted(code);
        let found = FoundFault { file: &file, line: place.line, key, code, fault, is_accepted };
        self.sink.fault(&found)?;
        self.findings.count_fault(place.file, &found);
        Ok(())
    }
}

/// What is known of a row before it is mapped.
struct KnownToLedger {
    row: LookedUpRow,
    /// How often its key came up.
    occurrence: Occurrence,
    /// Input and line of a row of the ledger that has the key of this row of a rejects file.
    held_by: Option<(String, u64)>,
}
