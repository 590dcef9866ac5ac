//! Verifications: the scope and the result of each comparison with Connect, and what was created since.

use rusqlite::{OptionalExtension as _, Row, params, params_from_iter};
use serde::Serialize;

use super::error::{LedgerError, Stored};
use super::handle::Ledger;
use super::lock_record::Author;
use super::reader::LedgerReader;
use super::schema::now_ms;
use super::writer::Session;

/// Ending of a verification that looked up every row of its scope.
const COMPLETE: &str = "complete";

/// Rows that a verification is about, and where it asks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VerificationScope {
    /// Host that is asked, with its port if that is not the scheme's. `None` if it is not known, as the Region.
    pub endpoint: Option<String>,
    /// Region.
    pub region: Option<String>,
    /// Number of created rows to look up, drawn at random; `None` for all.
    pub sample: Option<u64>,
    /// Attribute that unknown rows are searched by; `None` for their name.
    pub search_attribute: Option<String>,
}

/// Number of a verification in its ledger.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VerificationId(i64);

/// Result of a verification, numbers of rows.
// Published in the messages of `verify` and `status`, with these descriptions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct VerificationCounts {
    /// Created rows of the ledger.
    pub created: u64,
    /// Created rows that were looked up.
    pub asked: u64,
    /// Contacts with the name and attributes that were sent.
    pub same: u64,
    /// Contacts that differ from what was sent.
    pub different: u64,
    /// Rows whose contact Connect does not know.
    pub missing: u64,
    /// Rows whose lookup Connect refused.
    pub refused: u64,
    /// Unknown rows at the start of the verification.
    pub unknown: u64,
    /// Unknown rows whose contact was found; they are created from now on.
    pub found: u64,
    /// Unknown rows with several matching contacts or rows.
    pub ambiguous: u64,
    /// Created rows that have the contact of another row.
    pub shared: u64,
    /// Rows in doubt, which the next run sends again.
    pub in_doubt: u64,
    /// Unknown rows without a matching contact, which does not prove that there is none.
    pub not_found: u64,
    /// Unknown rows that could not be searched for.
    pub unsearchable: u64,
}

impl VerificationCounts {
    /// Rows that are still unknown.
    pub fn still_unknown(&self) -> u64 {
        self.unknown.saturating_sub(self.found)
    }

    /// Whether every contact is as the ledger says, and no row is unknown or in doubt.
    pub fn is_sound(&self) -> bool {
        self.missing + self.different + self.refused + self.shared + self.in_doubt + self.still_unknown() == 0
    }
}

/// A column of the table and its member.
type Counted = (&'static str, fn(&mut VerificationCounts) -> &mut u64);

const COUNTED: [Counted; 13] = [
    ("created", |counts| &mut counts.created),
    ("asked", |counts| &mut counts.asked),
    ("same", |counts| &mut counts.same),
    ("different", |counts| &mut counts.different),
    ("missing", |counts| &mut counts.missing),
    ("refused", |counts| &mut counts.refused),
    ("unknown", |counts| &mut counts.unknown),
    ("found", |counts| &mut counts.found),
    ("ambiguous", |counts| &mut counts.ambiguous),
    ("shared", |counts| &mut counts.shared),
    ("in_doubt", |counts| &mut counts.in_doubt),
    ("not_found", |counts| &mut counts.not_found),
    ("unsearchable", |counts| &mut counts.unsearchable),
];

/// Record of a verification.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VerificationRecord {
    /// Rows that it was about, and where it asked.
    pub scope: VerificationScope,
    /// Start, milliseconds since 1970, as all times.
    pub started_ms: i64,
    /// Time of the counts: the end, if it has ended.
    pub last_ms: i64,
    /// How it ended. `None` while it lasts, or if it died.
    pub ending: Option<String>,
    /// Result, or the result so far.
    pub counts: VerificationCounts,
    /// Rows that runs created after its start, so that they are not verified.
    pub created_since: u64,
}

impl VerificationRecord {
    /// Whether it looked up every row of its scope.
    pub fn is_complete(&self) -> bool {
        self.ending.as_deref() == Some(COMPLETE)
    }

    /// Whether it looked up every created row of its time.
    pub fn is_full(&self) -> bool {
        self.is_complete() && self.scope.sample.is_none()
    }

    /// Whether it proves that every contact of the ledger is as it was sent: nothing was created since.
    pub fn is_proof(&self) -> bool {
        self.is_full() && self.counts.is_sound() && self.created_since == 0
    }
}

impl Ledger {
    /// Records that a verification begins.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn start_verification(&self, scope: VerificationScope) -> Result<VerificationId, LedgerError> {
        self.call(move |session| {
            session.connection.execute(
                "INSERT INTO verifications
                     (run_id, endpoint, region, sample, search_attribute, started_ms, last_ms, nonce)
                 VALUES ((SELECT coalesce(max(id), 0) FROM runs), ?1, ?2, ?3, ?4, ?5, ?5, ?6)",
                params![
                    scope.endpoint,
                    scope.region,
                    scope.sample,
                    scope.search_attribute,
                    now_ms(),
                    session.recorder.nonce().0
                ],
            )?;
            let id = session.connection.last_insert_rowid();
            session.recorder.begin(&session.connection, Author::Verification(id), None)?;
            Ok(VerificationId(id))
        })
        .await
    }

    /// Records the result so far, for the case that the verification dies.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn note_verification(
        &self,
        verification: VerificationId,
        counts: VerificationCounts,
    ) -> Result<(), LedgerError> {
        self.call(move |session| session.note_verification(verification, counts)).await
    }

    /// Records the result, and how the verification ended.
    ///
    /// # Errors
    /// The ledger cannot be written.
    pub async fn end_verification(
        &self,
        verification: VerificationId,
        counts: VerificationCounts,
        ending: &'static str,
    ) -> Result<(), LedgerError> {
        self.call(move |session| {
            session.note_verification(verification, counts)?;
            let end = "UPDATE verifications SET ending = ?2 WHERE id = ?1";
            session.connection.execute(end, params![verification.0, ending])?;
            Ok(())
        })
        .await
    }
}

impl Session {
    fn note_verification(&self, verification: VerificationId, mut counts: VerificationCounts) -> Stored<()> {
        let columns: String = COUNTED.iter().map(|(column, _)| format!(", {column} = ?")).collect();
        let update = format!("UPDATE verifications SET last_ms = ?{columns} WHERE id = ?");
        let numbers = COUNTED.iter().map(|(_, member)| *member(&mut counts) as i64);
        let values = [now_ms()].into_iter().chain(numbers).chain([verification.0]);
        self.connection.prepare_cached(&update)?.execute(params_from_iter(values))?;
        Ok(())
    }
}

impl LedgerReader {
    /// The latest verification.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn latest_verification(&self) -> Result<Option<VerificationRecord>, LedgerError> {
        self.latest_of("true")
    }

    /// The latest verification that looked up every created row of its time.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub fn latest_full_verification(&self) -> Result<Option<VerificationRecord>, LedgerError> {
        self.latest_of(&format!("ending = '{COMPLETE}' AND sample IS NULL"))
    }

    fn latest_of(&self, condition: &str) -> Result<Option<VerificationRecord>, LedgerError> {
        let sql = format!(
            "SELECT *, (SELECT coalesce(sum(rows), 0) FROM row_counts
                        WHERE state = 'created' AND row_counts.run_id > verifications.run_id) AS created_since
             FROM verifications WHERE {condition} ORDER BY id DESC LIMIT 1"
        );
        self.read(|connection| connection.query_row(&sql, [], record).optional())
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<VerificationRecord> {
    let mut counts = VerificationCounts::default();
    for (column, member) in COUNTED {
        *member(&mut counts) = row.get(column)?;
    }
    Ok(VerificationRecord {
        scope: VerificationScope {
            endpoint: row.get("endpoint")?,
            region: row.get("region")?,
            sample: row.get("sample")?,
            search_attribute: row.get("search_attribute")?,
        },
        started_ms: row.get("started_ms")?,
        last_ms: row.get("last_ms")?,
        ending: row.get("ending")?,
        counts,
        created_since: row.get("created_since")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::testing::{ledger, new_run, run_with};

    #[tokio::test]
    async fn a_verification_is_recorded_when_it_begins_and_when_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let own = ledger(folder.path());
        let reader = || LedgerReader::open(&folder.path().join("x.db")).unwrap();
        let (tx, rx) = std::sync::mpsc::channel();
        let own = tokio::task::spawn_blocking(move || {
            run_with(&own, new_run(), &[("1", "a")]);
            tx.send(()).unwrap();
            own
        })
        .await
        .unwrap();
        rx.recv().unwrap();
        assert_eq!(reader().latest_verification().unwrap(), None);
        let scope = VerificationScope { endpoint: Some("h:1".into()), sample: Some(9), ..Default::default() };
        let id = own.start_verification(scope.clone()).await.unwrap();
        let begun = reader().latest_verification().unwrap().unwrap();
        assert_eq!((begun.ending.as_deref(), &begun.scope), (None, &scope));
        // A number of its own for each member, so that no column has another's.
        let mut counts = VerificationCounts::default();
        COUNTED.iter().zip(1..).for_each(|((_, member), number)| *member(&mut counts) = number);
        own.note_verification(id, counts).await.unwrap();
        let noted = reader().latest_verification().unwrap().unwrap();
        assert!(!noted.is_complete() && noted.counts == counts, "{noted:?}");
        own.end_verification(id, counts, COMPLETE).await.unwrap();
        let sampled = reader().latest_verification().unwrap().unwrap();
        assert!(sampled.is_complete() && !sampled.is_full() && !sampled.is_proof());
        assert_eq!(reader().latest_full_verification().unwrap(), None);

        let full = own.start_verification(VerificationScope::default()).await.unwrap();
        own.end_verification(full, VerificationCounts::default(), COMPLETE).await.unwrap();
        let later = own.start_verification(VerificationScope::default()).await.unwrap();
        own.end_verification(later, VerificationCounts::default(), "interrupted").await.unwrap();
        let proof = reader().latest_full_verification().unwrap().unwrap();
        assert!(proof.is_proof());
        assert_eq!(reader().latest_verification().unwrap().unwrap().ending.as_deref(), Some("interrupted"));
    }
}
