//! Connect held against the ledger: whether created rows are there as they were sent, and whether unknown ones
//! are there at all.
//!
//! It asks and creates nothing. What it finds settles unknown rows; what it does not find proves nothing.

mod asker;
mod compare;
mod look;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::digest::Digest;
use crate::engine::Ending;
use crate::event::{FindingKind, Reporter, RunEvent, VerificationFinding};
use crate::ledger::{Cause, Contact, CreatedRow, InDoubtRow, Ledger, LedgerError, RowId, RowState, SentRow};
use crate::mapping::{Mapping, MappingError, MappingSource};
use crate::request::Operation;
use crate::shutdown::Shutdown;
use crate::source::Header;
use crate::submission::{ContactDetails, ContactLookup, FoundContact};
use asker::{Answer, Asker};
use compare::differences;
use look::{Wanted, wanted};

/// The documented quota of DescribeContact, requests a second (administrator guide, API throttling quotas); its
/// burst is one and a half times that.
pub const DESCRIBE_RATE: f64 = 10.0;

/// The documented quota of SearchContacts, requests a second; its burst is 1.
pub const SEARCH_RATE: f64 = 0.5;

/// Questions under way at most.
const CONCURRENCY: usize = 16;

/// Rows that are read from the ledger at a time.
const ROWS: usize = 256;

/// Contacts that are not there, before any that is, after which the instance is taken to be the wrong one.
const SUSPICIONS: u64 = 20;

/// What is asked for first.
const CREATED: &str = "created rows";

/// What is asked for then.
const UNKNOWN: &str = "unknown rows";

/// Mappings by header.
type Mappings = HashMap<i64, Result<Mapping, MappingError>>;

/// Pages of a search that are read; whatever finds more contacts than these hold says nothing about a row.
const PAGES: usize = 10;

/// A comparison of Connect with a ledger.
#[derive(Debug)]
pub struct Verification<I> {
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// Who asks.
    pub lookup: Arc<I>,
    /// Who is told.
    pub reporter: Arc<Reporter>,
    /// Whether to stop.
    pub shutdown: Shutdown,
    /// The bare id of the instance.
    pub instance_id: String,
    /// Whether rows that another ledger has may have been sent alike: the same rows under another name, or those of
    /// other shards.
    pub is_repeated: bool,
    /// The operation that made the contacts.
    pub operation: Operation,
    /// What unknown rows were made into.
    pub mapping: MappingSource,
    /// How many of the created rows are asked for, drawn by chance; none is all.
    pub sample: Option<u64>,
    /// The attribute that unknown rows are searched by; without one they are searched by name.
    pub search_attribute: Option<String>,
    /// DescribeContact, requests a second.
    pub describe_rate: f64,
    /// SearchContacts, requests a second.
    pub search_rate: f64,
}

/// What was found, in rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Findings {
    /// Created rows in the ledger.
    pub created: u64,
    /// Those that were asked for.
    pub asked: u64,
    /// There, as they were sent.
    pub same: u64,
    /// Not there.
    pub missing: u64,
    /// There, and different.
    pub different: u64,
    /// Connect refused to say.
    pub refused: u64,
    /// Unknown rows at the start.
    pub unknown: u64,
    /// Of those, found, and created from now on.
    pub found: u64,
    /// More than one contact fits, or another row may have the one that does.
    pub ambiguous: u64,
    /// Not found, which proves nothing.
    pub not_found: u64,
    /// Nothing to search by, or Connect refused the search.
    pub unsearchable: u64,
    /// Rows in doubt that wait for the next run.
    pub in_doubt: u64,
    /// Created rows that have the contact of another row.
    pub shared: u64,
}

impl Findings {
    /// Unknown rows that are so still.
    pub fn still_unknown(&self) -> u64 {
        self.unknown.saturating_sub(self.found)
    }

    /// Whether everything that was asked for is as the ledger says, and nothing is unknown or in doubt.
    pub fn is_sound(&self) -> bool {
        self.missing + self.different + self.refused + self.shared + self.in_doubt + self.still_unknown() == 0
    }
}

/// Why the walk ended early.
enum Stop {
    Ledger(LedgerError),
    Ending(Ending),
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Stop::Ledger(error)
    }
}

impl From<Ending> for Stop {
    fn from(ending: Ending) -> Self {
        Stop::Ending(ending)
    }
}

impl<I: ContactLookup> Verification<I> {
    /// Asks for every row, until all are answered or something stops it. What was found until then is returned.
    ///
    /// # Errors
    /// The ledger fails. What was found before is in it.
    pub async fn run(self) -> Result<(Ending, Findings), LedgerError> {
        let mut shutdown = self.shutdown.clone();
        let walk = Walk {
            describe: Asker::new(self.describe_rate, (self.describe_rate * 1.5).ceil() as u32),
            search: Asker::new(self.search_rate, 1),
            findings: Mutex::default(),
            of: self,
        };
        let ending = tokio::select! {
            walked = walk.all() => match walked {
                Ok(()) => Ending::Complete,
                Err(Stop::Ending(ending)) => ending,
                Err(Stop::Ledger(error)) => return Err(error),
            },
            // A question that is not awaited changes nothing.
            signal = shutdown.requested() => Ending::Interrupted(signal),
        };
        Ok((ending, walk.findings()))
    }
}

struct Walk<I> {
    of: Verification<I>,
    describe: Asker,
    search: Asker,
    findings: Mutex<Findings>,
}

impl<I: ContactLookup> Walk<I> {
    async fn all(&self) -> Result<(), Stop> {
        let counts = self.of.ledger.state_counts().await?;
        let (created, unknown) = (counts.of(RowState::Created), counts.of(RowState::Unknown));
        self.count(|findings| (findings.created, findings.unknown) = (created, unknown));
        if let Some(count) = self.of.sample {
            self.of.ledger.draw_sample(count).await?;
        }
        let total = self.of.sample.map_or(created, |sample| sample.min(created));
        self.shared().await?;
        self.progress(0, total, CREATED);
        self.created(total).await?;
        self.unknown(unknown).await
    }

    /// Created rows that have the contact of another row: then one of them has none.
    async fn shared(&self) -> Result<(), Stop> {
        let (count, rows) = self.of.ledger.shared(ROWS).await?;
        self.count(|findings| findings.shared = count);
        for CreatedRow { row, contact_id } in rows {
            self.tell(&row, Some(contact_id), FindingKind::Shared);
        }
        Ok(())
    }

    async fn created(&self, total: u64) -> Result<(), Stop> {
        let pages = stream::try_unfold(RowId(0), |after| async move {
            let rows = self.of.ledger.created(after, ROWS, self.of.sample.is_some()).await?;
            let next = rows.last().map(|last| last.row.row);
            Ok::<_, Stop>(next.map(|next| (stream::iter(rows.into_iter().map(Ok::<_, Stop>)), next)))
        });
        pages
            .try_flatten()
            .map(|row| async { self.check(row?).await })
            .buffer_unordered(CONCURRENCY)
            .try_for_each(|()| async {
                self.progress(self.findings().asked, total, CREATED);
                Ok(())
            })
            .await
    }

    /// Asks for one created row.
    async fn check(&self, created: CreatedRow) -> Result<(), Stop> {
        let CreatedRow { row, contact_id } = created;
        let described = match self.describe.ask(|| self.of.lookup.describe(&contact_id)).await? {
            Answer::Told(described) => described,
            Answer::Refused(cause) => {
                self.count(|findings| {
                    (findings.asked, findings.refused) = (findings.asked + 1, findings.refused + 1)
                });
                self.tell(&row, Some(contact_id), FindingKind::Refused(cause));
                return Ok(());
            }
        };
        let found = described.map(|described| differences(&self.of, &row, row.digest, &described));
        self.count(|findings| {
            findings.asked += 1;
            match &found {
                None => findings.missing += 1,
                Some(members) if !members.is_empty() => findings.different += 1,
                Some(_) => findings.same += 1,
            }
        });
        match found {
            None => self.tell(&row, Some(contact_id), FindingKind::Missing),
            Some(members) if !members.is_empty() => {
                self.tell(&row, Some(contact_id), FindingKind::Different(members));
            }
            Some(_) => {}
        }
        let Findings { asked, missing, .. } = self.findings();
        if missing == asked && asked >= SUSPICIONS {
            let message = format!("none of {asked} contacts is there; contacts are kept for 24 months");
            return Err(Ending::NotFound(Cause { code: "ResourceNotFoundException".into(), message }).into());
        }
        Ok(())
    }

    /// Looks for the contacts of unknown rows.
    async fn unknown(&self, total: u64) -> Result<(), Stop> {
        self.of.ledger.list_in_doubt().await?;
        let mut mappings = Mappings::new();
        let likenesses = self.likenesses(&mut mappings).await?;
        let mut described = HashMap::new();
        let (mut after, mut done) = (RowId(0), 0);
        self.progress(done, total, UNKNOWN);
        while let Some(row) = self.of.ledger.in_doubt(after).await? {
            after = row.row.row;
            if !row.is_unknown {
                continue;
            }
            match self.wanted(&mut mappings, &row) {
                Ok(wanted) => {
                    let alike = likenesses.get(&wanted.likeness()).copied().unwrap_or(1);
                    // Those of other ledgers count as one more row.
                    let alike = alike + u32::from(self.of.is_repeated);
                    self.look(&row.row, &wanted, alike, &mut described).await?;
                }
                Err(cause) => {
                    self.count(|findings| findings.unsearchable += 1);
                    self.tell(&row.row, None, FindingKind::Refused(cause));
                }
            }
            done += 1;
            self.progress(done, total, UNKNOWN);
        }
        Ok(())
    }

    /// How many rows that may exist were sent with each name and attributes, if more than one.
    async fn likenesses(&self, mappings: &mut Mappings) -> Result<HashMap<Digest, u32>, Stop> {
        let mut counts: HashMap<Digest, u32> = HashMap::new();
        let mut after = RowId(0);
        while let Some(row) = self.of.ledger.in_doubt(after).await? {
            after = row.row.row;
            if !row.is_unknown {
                self.count(|findings| findings.in_doubt += 1);
            }
            if let Ok(wanted) = self.wanted(mappings, &row) {
                *counts.entry(wanted.likeness()).or_default() += 1;
            }
        }
        counts.retain(|_, count| *count > 1);
        Ok(counts)
    }

    fn wanted(&self, mappings: &mut Mappings, row: &InDoubtRow) -> Result<Wanted, Cause> {
        let compile = || Mapping::compile(&self.of.mapping, &Header::new(row.columns.clone()));
        let mapping = mappings.entry(row.header).or_insert_with(compile);
        wanted(row, mapping, self.of.search_attribute.as_deref())
    }

    /// Looks for the contact of one unknown row, and settles the row if it is there and can be no other's.
    async fn look(
        &self,
        row: &SentRow,
        wanted: &Wanted,
        alike: u32,
        described: &mut HashMap<String, Option<ContactDetails>>,
    ) -> Result<(), Stop> {
        let mut fitting: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut page = None;
        let mut pages = 0;
        loop {
            let asked = self.search.ask(|| self.of.lookup.search(&wanted.search, page.clone())).await?;
            let answer = match asked {
                Answer::Told(answer) => answer,
                Answer::Refused(cause) => {
                    self.count(|findings| findings.unsearchable += 1);
                    self.tell(row, None, FindingKind::Refused(cause));
                    return Ok(());
                }
            };
            for FoundContact { id, name } in answer.contacts {
                if name.is_some_and(|name| name != wanted.name) || fitting.contains_key(&id) {
                    continue;
                }
                if let Some(arn) = self.fits(row, wanted, &id, described).await? {
                    fitting.insert(id, arn);
                }
            }
            pages += 1;
            page = answer.next_token;
            if page.is_none() {
                break;
            }
            if pages == PAGES {
                let message = "its name or attribute finds more contacts than are looked through";
                let cause = Cause { code: "TooMany".into(), message: message.into() };
                self.count(|findings| findings.unsearchable += 1);
                self.tell(row, None, FindingKind::Refused(cause));
                return Ok(());
            }
        }
        if fitting.is_empty() {
            self.count(|findings| findings.not_found += 1);
            self.tell(row, None, FindingKind::NotFound);
            return Ok(());
        }
        if fitting.len() > 1 || alike > 1 {
            self.count(|findings| findings.ambiguous += 1);
            let contacts = fitting.into_keys().collect();
            self.tell(row, None, FindingKind::Ambiguous { contacts, rows: alike });
            return Ok(());
        }
        for (id, arn) in fitting {
            self.of.ledger.settle_found(row.row, Contact { id: id.clone(), arn }).await?;
            self.count(|findings| findings.found += 1);
            self.tell(row, Some(id), FindingKind::Found);
        }
        Ok(())
    }

    /// Whether a contact that was found has what this row was sent with and is no other row's; then its ARN.
    async fn fits(
        &self,
        row: &SentRow,
        wanted: &Wanted,
        contact_id: &str,
        known: &mut HashMap<String, Option<ContactDetails>>,
    ) -> Result<Option<Option<String>>, Stop> {
        if !known.contains_key(contact_id) {
            let answer = self.describe.ask(|| self.of.lookup.describe(contact_id)).await?;
            let described = match answer {
                Answer::Told(described) => described,
                Answer::Refused(_) => None,
            };
            known.insert(contact_id.to_owned(), described);
        }
        let Some(Some(described)) = known.get(contact_id) else { return Ok(None) };
        let has = |(key, value): &(String, String)| {
            described.attributes.iter().any(|(k, v)| (k, v) == (key, value))
        };
        let fits = differences(&self.of, row, wanted.sent, described).is_empty()
            && wanted.attributes.iter().all(has);
        if !fits || self.of.ledger.has_contact(contact_id.to_owned()).await? {
            return Ok(None);
        }
        Ok(Some(described.arn.clone()))
    }

    fn progress(&self, done: u64, total: u64, what: &'static str) {
        if total > 0 {
            self.of.reporter.emit(RunEvent::Verifying { done, total, subject: what });
        }
    }

    fn tell(&self, row: &SentRow, contact_id: Option<String>, what: FindingKind) {
        self.of.reporter.emit(RunEvent::VerificationFinding(VerificationFinding {
            source: row.source.clone(),
            line: row.line,
            key: row.key.clone(),
            contact_id,
            kind: what,
        }));
    }

    fn count(&self, count: impl FnOnce(&mut Findings)) {
        count(&mut self.findings.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn findings(&self) -> Findings {
        *self.findings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
