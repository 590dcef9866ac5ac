//! What the page tells, read from the ledgers.

use serde::Serialize;

use super::ReportError;
use super::accounting::{Accounting, Tally};
use super::entries::{Cause, DoubtfulRow, Run};
use super::shards::Share;
use super::timeline::{Step, steps};
use super::words::{count, rows};
use crate::job::SANDBOX;
use crate::ledger::{ErrorCount, Latencies, LedgerError, LedgerReader, LedgerSet, is_locked};

/// Steps of time on a plot, at most.
const PLOTTED: u64 = 200;

/// Steps of time in a table, at most.
const LISTED: u64 = 60;

/// Rows in doubt that are shown by key.
pub(super) const DOUBTFUL: usize = 200;

/// Causes that are shown, and runs.
const SHOWN: usize = 50;

/// What the page tells.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Facts {
    /// The instance; none if no ledger has come so far that it would say.
    pub(super) instance: Option<String>,
    /// Whether no contact was made in earnest.
    pub(super) is_rehearsal: bool,
    /// The operation's name.
    pub(super) operation: Option<&'static str>,
    /// The name of a second import; or empty.
    pub(super) namespace: String,
    /// The ledgers.
    pub(super) ledgers: Vec<String>,
    /// Whether a run holds one of them.
    pub(super) is_under_way: bool,
    /// From when to when, in milliseconds since 1970.
    pub(super) period: Option<(i64, i64)>,
    /// What became of the rows, file by file.
    pub(super) accounting: Accounting,
    /// Whether a run died that was sending: what it sent last is on no record.
    pub(super) has_died: bool,
    /// Whether a run is sending.
    pub(super) is_sending: bool,
    /// The result in a sentence.
    pub(super) headline: String,
    /// Why rows are no contacts, the most frequent cause first.
    pub(super) causes: Vec<Cause>,
    /// Rows that may or may not be contacts.
    pub(super) doubtful: Vec<DoubtfulRow>,
    /// How many more there are.
    pub(super) doubtful_more: u64,
    /// The latest runs, newest first.
    pub(super) runs: Vec<Run>,
    /// How many more there are.
    pub(super) runs_more: u64,
    /// What went over the wire, as plots show it, and how many minutes a step has.
    #[serde(skip)]
    pub(super) plotted: (i64, Vec<Step>),
    /// The same, as tables list it.
    #[serde(skip)]
    pub(super) listed: (i64, Vec<Step>),
    /// How long answers took.
    #[serde(skip)]
    pub(super) latencies: Latencies,
}

impl Facts {
    /// Reads the ledgers. All that is counted in one of them is of one moment; what went over the wire is read after it.
    pub(super) fn gather(ledgers: &LedgerSet, now_ms: i64) -> Result<Self, ReportError> {
        let mut facts = Facts::default();
        let mut shares = Vec::new();
        let mut causes: Vec<ErrorCount> = Vec::new();
        let readers = ledgers.readers();
        for (path, reader) in readers {
            let name = path.display().to_string();
            // Asked first: a run that ends now has then told all.
            let is_under_way = is_locked(path);
            let mut read = |reader: &LedgerReader| {
                facts.read_identity(reader)?;
                facts.read_doubtful(reader, is_under_way)?;
                facts.read_runs(reader, (readers.len() > 1).then_some(&name), is_under_way, now_ms)?;
                merge(&mut causes, reader.error_counts(SHOWN as u32)?);
                facts.latencies.merge(&reader.latencies(None)?);
                let period = reader.period()?;
                facts.period = match (facts.period, period) {
                    (Some((from, to)), Some((first, last))) => Some((from.min(first), to.max(last))),
                    (one, other) => one.or(other),
                };
                shares.push(Share {
                    ledger: name.clone(),
                    shard: reader.identity()?.and_then(|identity| identity.shard),
                    accounts: reader.accounts()?,
                });
                Ok::<(), LedgerError>(())
            };
            reader.at_one_moment(&mut read)?;
            facts.is_under_way |= is_under_way;
            facts.ledgers.push(name);
        }
        causes.sort_by_key(|cause| std::cmp::Reverse(cause.rows));
        causes.truncate(SHOWN);
        facts.causes = causes.into_iter().map(Cause::of).collect();
        facts.runs.sort_by_key(|run| std::cmp::Reverse(run.started_ms));
        facts.runs_more += facts.runs.len().saturating_sub(SHOWN) as u64;
        facts.runs.truncate(SHOWN);
        facts.accounting = Accounting::of(&shares);
        facts.headline = headline(&facts.accounting.sum.tally, facts.accounting.sum.elsewhere);
        let readers: Vec<&LedgerReader> = readers.iter().map(|(_, reader)| reader).collect();
        facts.plotted = steps(&readers, PLOTTED, now_ms)?;
        facts.listed = steps(&readers, LISTED, now_ms)?;
        Ok(facts)
    }

    fn read_identity(&mut self, reader: &LedgerReader) -> Result<(), LedgerError> {
        if let (None, Some(identity)) = (&self.instance, reader.identity()?) {
            self.is_rehearsal = identity.instance_id == SANDBOX;
            self.instance = Some(identity.instance_id);
            self.operation = Some(identity.operation.name());
            self.namespace = identity.namespace;
        }
        Ok(())
    }

    fn read_doubtful(&mut self, reader: &LedgerReader, is_under_way: bool) -> Result<(), LedgerError> {
        let room = DOUBTFUL - self.doubtful.len();
        let found = reader.doubtful(room, is_under_way)?;
        self.doubtful_more += found.total.saturating_sub(found.rows.len() as u64);
        self.doubtful.extend(found.rows.into_iter().map(DoubtfulRow::of));
        Ok(())
    }

    fn read_runs(
        &mut self,
        reader: &LedgerReader,
        ledger: Option<&String>,
        is_under_way: bool,
        now_ms: i64,
    ) -> Result<(), LedgerError> {
        let runs = reader.latest_runs(SHOWN as u32)?;
        let all = runs.first().and_then(|run| u64::try_from(run.id.0).ok()).unwrap_or_default();
        self.runs_more += all.saturating_sub(runs.len() as u64);
        for (index, run) in runs.into_iter().enumerate() {
            let is_under_way = is_under_way && index == 0;
            let has_sent = run.ended_ms.is_none() && run.sending_ms.is_some();
            self.has_died |= has_sent && !is_under_way;
            self.is_sending |= has_sent && is_under_way;
            self.runs.push(Run::of(run, ledger.cloned(), is_under_way, now_ms));
        }
        Ok(())
    }
}

/// Adds causes of another ledger.
fn merge(causes: &mut Vec<ErrorCount>, others: Vec<ErrorCount>) {
    for other in others {
        match causes.iter_mut().find(|cause| cause.state == other.state && cause.code == other.code) {
            Some(cause) => cause.rows += other.rows,
            None => causes.push(other),
        }
    }
}

/// The result in a sentence.
fn headline(tally: &Tally, elsewhere: u64) -> String {
    let (all, contacts) = (tally.total(), tally.contacts);
    let kinds = [
        (tally.waiting, "still waiting"),
        (tally.withdrawn, "withdrawn"),
        (tally.rejected, "rejected"),
        (tally.duplicates, "duplicates"),
        (tally.failed, "failed"),
        (tally.unknown, "unknown"),
    ];
    let others: Vec<String> = kinds
        .into_iter()
        .filter(|(rows, _)| *rows > 0)
        .map(|(rows, kind)| match (rows, kind) {
            (1, "duplicates") => "1 duplicate".to_owned(),
            (rows, kind) => format!("{} {kind}", count(rows)),
        })
        .collect();
    let mut headline = match (all, all - contacts) {
        (0, _) => "No row has been read yet.".to_owned(),
        (1, 0) => "The one row is a contact.".to_owned(),
        (all, 0) => format!("All {} rows are contacts.", count(all)),
        (all, left) => {
            let are = |number: u64| if number == 1 { "is a contact" } else { "are contacts" };
            let left = format!(
                "{} {} not: {}.",
                count(left),
                if left == 1 { "is" } else { "are" },
                others.join(", ")
            );
            format!("{} of {} {}; {left}", count(contacts), rows(all), are(contacts))
        }
    };
    if elsewhere > 0 {
        let more =
            format!(" {} more belong to shards whose ledgers are not part of this page.", rows(elsewhere));
        headline.push_str(&more);
    }
    headline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_a_sentence() {
        let some = Tally { contacts: 19_412, rejected: 12, duplicates: 570, unknown: 6, ..Tally::default() };
        assert_eq!(
            headline(&some, 0),
            "19,412 of 20,000 rows are contacts; 588 are not: 12 rejected, 570 duplicates, 6 unknown."
        );
        let contacts = |contacts| Tally { contacts, ..Tally::default() };
        assert_eq!(headline(&contacts(320), 0), "All 320 rows are contacts.");
        assert_eq!(headline(&contacts(1), 0), "The one row is a contact.");
        assert_eq!(headline(&Tally::default(), 0), "No row has been read yet.");
        let gone = Tally { contacts: 2, waiting: 1, withdrawn: 3, ..Tally::default() };
        assert_eq!(headline(&gone, 0), "2 of 6 rows are contacts; 4 are not: 1 still waiting, 3 withdrawn.");
        let one = Tally { contacts: 1, failed: 1, ..Tally::default() };
        assert_eq!(headline(&one, 0), "1 of 2 rows is a contact; 1 is not: 1 failed.");
        assert_eq!(
            headline(&contacts(2), 1000),
            "All 2 rows are contacts. 1,000 rows more belong to shards whose ledgers are not part of this page."
        );
    }
}
