//! Looks up created rows and searches for unknown ones.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::digest::Digest;
use crate::engine::Ending;
use crate::event::{FindingKind, Reporter, RunEvent, VerificationFinding};
use crate::ledger::{
    Cause, Contact, CreatedRow, InDoubtRow, Ledger, LedgerError, RequestDigest, RowId, RowState, SentRow,
    VerificationCounts, VerificationId,
};
use crate::mapping::{Mapping, MappingError, MappingSource};
use crate::request::Operation;
use crate::shutdown::Shutdown;
use crate::source::Header;
use crate::submission::{ContactDetails, ContactLookup, FoundContact, contact_arn};

use super::matching::{ExpectedContact, differences, expected_contact};
use super::paced::{CallResult, PacedOperation};

/// Most calls at the same time.
const CONCURRENCY: usize = 16;

/// Rows that are read from the ledger at a time.
const ROWS: usize = 256;

/// Number of missing contacts, before the first that exists, after which the instance is taken for the wrong one.
const MISSING_OF_WRONG_INSTANCE: u64 = 20;

/// Pages of one search that are read. A search with more finds too much to tell anything about a row.
const MAX_PAGES: usize = 10;

/// Created rows that are looked up between two records of the result so far: five seconds at the default rate.
const ROWS_BETWEEN_NOTES: u64 = 50;

/// Subjects of the progress, in order.
const CREATED: &str = "created rows";
const UNKNOWN: &str = "unknown rows";

/// Mappings by header id.
type Mappings = HashMap<i64, Result<Mapping, MappingError>>;

/// Compares Connect with a ledger.
#[derive(Debug)]
pub struct Verification<I> {
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// Its record of this verification.
    pub record: VerificationId,
    /// Reads contacts.
    pub lookup: Arc<I>,
    /// Receives the findings and the progress.
    pub reporter: Arc<Reporter>,
    /// Ends the verification on a signal.
    pub shutdown: Shutdown,
    /// Instance id, not the ARN.
    pub instance_id: String,
    /// Whether rows of another ledger may have the same name and attributes: of another namespace, or of other shards.
    pub is_repeated: bool,
    /// Operation that created the contacts.
    pub operation: Operation,
    /// Mapping of the unknown rows.
    pub mapping: MappingSource,
    /// Number of created rows to look up, drawn at random; `None` for all.
    pub sample: Option<u64>,
    /// Attribute that unknown rows are searched by; `None` for their name.
    pub search_attribute: Option<String>,
    /// Rate of DescribeContact, requests per second.
    pub describe_rate: f64,
    /// Rate of SearchContacts, requests per second.
    pub search_rate: f64,
}

/// Why a verification ended early.
enum EndedEarly {
    Ledger(LedgerError),
    Ending(Ending),
}

impl From<LedgerError> for EndedEarly {
    fn from(error: LedgerError) -> Self {
        EndedEarly::Ledger(error)
    }
}

impl From<Ending> for EndedEarly {
    fn from(ending: Ending) -> Self {
        EndedEarly::Ending(ending)
    }
}

impl<I: ContactLookup> Verification<I> {
    /// Looks up every row, until all are answered or something ends it, and returns the result so far.
    ///
    /// # Errors
    /// The ledger fails. Contacts found before are recorded.
    pub async fn run(self) -> Result<(Ending, VerificationCounts), LedgerError> {
        let mut shutdown = self.shutdown.clone();
        let run = VerificationRun {
            describe: PacedOperation::new(self.describe_rate, (self.describe_rate * 1.5).ceil() as u32),
            search: PacedOperation::new(self.search_rate, 1),
            counts: Mutex::default(),
            of: self,
        };
        let ending = tokio::select! {
            outcome = run.all() => match outcome {
                Ok(()) => Ending::Complete,
                Err(EndedEarly::Ending(Ending::Untrusted { cause, .. })) => {
                    Ending::Untrusted { cause, has_sent: run.describe.has_sent() || run.search.has_sent() }
                }
                Err(EndedEarly::Ending(ending)) => ending,
                Err(EndedEarly::Ledger(error)) => return Err(error),
            },
            // A lookup that is cancelled changes nothing.
            signal = shutdown.requested() => Ending::Interrupted(signal),
        };
        Ok((ending, run.counts()))
    }
}

struct VerificationRun<I> {
    of: Verification<I>,
    describe: PacedOperation,
    search: PacedOperation,
    counts: Mutex<VerificationCounts>,
}

impl<I: ContactLookup> VerificationRun<I> {
    async fn all(&self) -> Result<(), EndedEarly> {
        let counts = self.of.ledger.state_counts().await?;
        let (created, unknown) = (counts.of(RowState::Created), counts.of(RowState::Unknown));
        self.count(|counts| (counts.created, counts.unknown) = (created, unknown));
        self.note().await?;
        if let Some(count) = self.of.sample {
            self.of.ledger.draw_sample(count).await?;
        }
        let total = self.of.sample.map_or(created, |sample| sample.min(created));
        self.shared().await?;
        self.progress(0, total, CREATED);
        self.created(total).await?;
        self.unknown(unknown).await
    }

    /// Reports created rows that have the contact of another row, so that one of them has none.
    async fn shared(&self) -> Result<(), EndedEarly> {
        let (count, rows) = self.of.ledger.shared(ROWS).await?;
        self.count(|counts| counts.shared = count);
        for CreatedRow { row, contact_id } in rows {
            self.report(&row, Some(contact_id), FindingKind::Shared);
        }
        Ok(())
    }

    async fn created(&self, total: u64) -> Result<(), EndedEarly> {
        let pages = stream::try_unfold(RowId(0), |after| async move {
            let rows = self.of.ledger.created(after, ROWS, self.of.sample.is_some()).await?;
            let next = rows.last().map(|last| last.row.row);
            Ok::<_, EndedEarly>(
                next.map(|next| (stream::iter(rows.into_iter().map(Ok::<_, EndedEarly>)), next)),
            )
        });
        pages
            .try_flatten()
            .map(|row| async { self.check(row?).await })
            .buffer_unordered(CONCURRENCY)
            .try_for_each(|()| async {
                let asked = self.counts().asked;
                self.progress(asked, total, CREATED);
                if asked.is_multiple_of(ROWS_BETWEEN_NOTES) { self.note().await } else { Ok(()) }
            })
            .await
    }

    /// Looks up one created row.
    async fn check(&self, created: CreatedRow) -> Result<(), EndedEarly> {
        let CreatedRow { row, contact_id } = created;
        let finding = match self.describe.call(|| self.of.lookup.describe(&contact_id)).await? {
            CallResult::Refused(cause) => Some(FindingKind::Refused(cause)),
            CallResult::Answered(None) => Some(FindingKind::Missing),
            CallResult::Answered(Some(contact)) => {
                let members = self.differences(&row, row.digest, &contact);
                (!members.is_empty()).then_some(FindingKind::Different(members))
            }
        };
        self.count(|counts| {
            counts.asked += 1;
            match &finding {
                None => counts.same += 1,
                Some(FindingKind::Refused(_)) => counts.refused += 1,
                Some(FindingKind::Missing) => counts.missing += 1,
                Some(_) => counts.different += 1,
            }
        });
        if let Some(kind) = finding {
            self.report(&row, Some(contact_id), kind);
        }
        let VerificationCounts { asked, missing, .. } = self.counts();
        if missing == asked && asked >= MISSING_OF_WRONG_INSTANCE {
            let message = format!("none of {asked} contacts exists; Connect keeps contacts for 24 months");
            return Err(Ending::NotFound(Cause {
                code: "ResourceNotFoundException".into(),
                message: message.into(),
            })
            .into());
        }
        Ok(())
    }

    /// Searches for the contacts of unknown rows.
    async fn unknown(&self, total: u64) -> Result<(), EndedEarly> {
        self.of.ledger.list_in_doubt().await?;
        let mut mappings = Mappings::new();
        let with_same_content = self.count_same_contents(&mut mappings).await?;
        let mut described = HashMap::new();
        let (mut after, mut done) = (RowId(0), 0);
        self.progress(done, total, UNKNOWN);
        while let Some(row) = self.of.ledger.in_doubt(after).await? {
            after = row.row.row;
            if !row.is_unknown {
                continue;
            }
            match self.expected(&mut mappings, &row) {
                Ok(expected) => {
                    let rows = with_same_content.get(&expected.content_digest()).copied().unwrap_or(1);
                    // All rows of other ledgers count as one more.
                    let rows = rows + u32::from(self.of.is_repeated);
                    self.find(&row.row, &expected, rows, &mut described).await?;
                }
                Err(cause) => self.report_unsearchable(&row.row, cause),
            }
            done += 1;
            self.progress(done, total, UNKNOWN);
            self.note().await?;
        }
        Ok(())
    }

    /// Number of rows in doubt with the same name and attributes, if more than one.
    async fn count_same_contents(&self, mappings: &mut Mappings) -> Result<HashMap<Digest, u32>, EndedEarly> {
        let mut counts: HashMap<Digest, u32> = HashMap::new();
        let mut after = RowId(0);
        while let Some(row) = self.of.ledger.in_doubt(after).await? {
            after = row.row.row;
            if !row.is_unknown {
                self.count(|counts| counts.in_doubt += 1);
            }
            if let Ok(expected) = self.expected(mappings, &row) {
                *counts.entry(expected.content_digest()).or_default() += 1;
            }
        }
        counts.retain(|_, count| *count > 1);
        Ok(counts)
    }

    fn expected(&self, mappings: &mut Mappings, row: &InDoubtRow) -> Result<ExpectedContact, Cause> {
        let compile = || Mapping::compile(&self.of.mapping, &Header::new(row.columns.clone()));
        let mapping = mappings.entry(row.header).or_insert_with(compile);
        expected_contact(row, mapping, self.of.search_attribute.as_deref())
    }

    /// Searches for the contact of one unknown row, and settles the row if there is exactly one that no other row may have.
    /// `rows` have the same name and attributes.
    async fn find(
        &self,
        row: &SentRow,
        expected: &ExpectedContact,
        rows: u32,
        described: &mut HashMap<String, Option<ContactDetails>>,
    ) -> Result<(), EndedEarly> {
        let mut matching: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut page = None;
        let mut pages = 0;
        loop {
            let search = || self.of.lookup.search(&expected.search, page.clone());
            let found = match self.search.call(search).await? {
                CallResult::Answered(found) => found,
                CallResult::Refused(cause) => {
                    self.report_unsearchable(row, cause);
                    return Ok(());
                }
            };
            for FoundContact { id, name } in found.contacts {
                if name.is_some_and(|name| name != expected.name) || matching.contains_key(&id) {
                    continue;
                }
                if let Some(arn) = self.matching_arn(row, expected, &id, described).await? {
                    matching.insert(id, arn);
                }
            }
            pages += 1;
            page = found.next_token;
            if page.is_none() {
                break;
            }
            if pages == MAX_PAGES {
                let message = "its name or attribute finds more contacts than are read";
                self.report_unsearchable(row, Cause { code: "TooMany".into(), message: message.into() });
                return Ok(());
            }
        }
        if matching.is_empty() {
            self.count(|counts| counts.not_found += 1);
            self.report(row, None, FindingKind::NotFound);
            return Ok(());
        }
        if matching.len() > 1 || rows > 1 {
            self.count(|counts| counts.ambiguous += 1);
            let contacts = matching.into_keys().collect();
            self.report(row, None, FindingKind::Ambiguous { contacts, rows });
            return Ok(());
        }
        for (id, arn) in matching {
            self.of.ledger.settle_found(row.row, Contact { id: id.clone(), arn }).await?;
            self.count(|counts| counts.found += 1);
            self.report(row, Some(id), FindingKind::Found);
        }
        Ok(())
    }

    /// The ARN of a contact that was found, if it is as the row was sent and is no other row's.
    async fn matching_arn(
        &self,
        row: &SentRow,
        expected: &ExpectedContact,
        contact_id: &str,
        described: &mut HashMap<String, Option<ContactDetails>>,
    ) -> Result<Option<Option<String>>, EndedEarly> {
        if !described.contains_key(contact_id) {
            let contact = match self.describe.call(|| self.of.lookup.describe(contact_id)).await? {
                CallResult::Answered(contact) => contact,
                CallResult::Refused(_) => None,
            };
            described.insert(contact_id.to_owned(), contact);
        }
        let Some(Some(contact)) = described.get(contact_id) else { return Ok(None) };
        let is_as_sent =
            self.differences(row, expected.digest, contact).is_empty() && expected.has_attributes_in(contact);
        if !is_as_sent || self.of.ledger.has_contact(contact_id.to_owned()).await? {
            return Ok(None);
        }
        let arn = contact.arn.clone();
        Ok(Some(arn.and_then(|arn| contact_arn(arn, &self.of.instance_id, contact_id))))
    }

    fn differences(
        &self,
        row: &SentRow,
        digest: RequestDigest,
        contact: &ContactDetails,
    ) -> Vec<&'static str> {
        differences(&self.of.instance_id, self.of.operation, (row, digest), contact)
    }

    /// Records the result so far, for the case that the process is killed.
    async fn note(&self) -> Result<(), EndedEarly> {
        Ok(self.of.ledger.note_verification(self.of.record, self.counts()).await?)
    }

    fn report_unsearchable(&self, row: &SentRow, cause: Cause) {
        self.count(|counts| counts.unsearchable += 1);
        self.report(row, None, FindingKind::Refused(cause));
    }

    fn progress(&self, done: u64, total: u64, subject: &'static str) {
        if total > 0 {
            self.of.reporter.emit(RunEvent::Verifying { done, total, subject });
        }
    }

    fn report(&self, row: &SentRow, contact_id: Option<String>, kind: FindingKind) {
        self.of.reporter.emit(RunEvent::VerificationFinding(VerificationFinding {
            source: row.source.clone(),
            line: row.line,
            key: row.key.clone(),
            contact_id,
            kind,
        }));
    }

    fn count(&self, count: impl FnOnce(&mut VerificationCounts)) {
        count(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn counts(&self) -> VerificationCounts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
