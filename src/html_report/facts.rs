//! Contents of the page, read from the ledgers.

use serde::Serialize;

use super::ReportError;
use super::accounting::{Accounting, FileAccount, LedgerAccounts};
use super::details::{ReportedError, ReportedRow, ReportedRun, ReportedShared};
use super::text::{count, rows};
use super::timeline::{Step, steps};
use super::verification::LedgerVerifications;
use crate::job::SANDBOX;
use crate::ledger::{ErrorCount, Latencies, LedgerError, LedgerReader, LedgerSet, RunRecord, is_locked};
use crate::printable::ShownPath as _;
use crate::submission::Service;
use crate::ui::{self, PastedIn, next_steps};

/// Maximum number of time steps of a plot.
const PLOTTED: u64 = 200;

/// Maximum number of time steps of a table.
const LISTED: u64 = 60;

/// Maximum number of rows in doubt that are shown.
const DOUBTFUL: usize = 200;

/// Maximum number of errors and of runs that are shown.
const SHOWN: usize = 50;

/// Contents of the page.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Facts {
    /// Name of the job.
    pub(super) name: Option<String>,
    /// Title of the page: the name of the job, or the service.
    pub(super) title: String,
    /// Name of the service within a sentence.
    pub(super) service: String,
    /// Where requests went and on whose behalf, newest first.
    pub(super) targets: Vec<Target>,
    /// Id of the instance, or `None` if no ledger has an identity yet.
    pub(super) instance: Option<String>,
    /// Whether the import ran against a sandbox.
    pub(super) is_rehearsal: bool,
    /// Name of the operation.
    pub(super) operation: Option<&'static str>,
    /// Namespace of the import; may be empty.
    pub(super) namespace: String,
    /// Paths of the ledgers.
    pub(super) ledgers: Vec<String>,
    /// Whether a run holds one of the ledgers.
    pub(super) is_under_way: bool,
    /// First and last time in the ledgers, Unix milliseconds.
    pub(super) period: Option<(i64, i64)>,
    /// Rows by file and outcome.
    pub(super) accounting: Accounting,
    /// Whether a run died while it was sending. The ledger lacks its last seconds.
    pub(super) has_died: bool,
    /// Whether a run is sending.
    pub(super) is_sending: bool,
    /// The result in a sentence.
    pub(super) headline: String,
    /// What to do next.
    pub(super) next: Option<NextStep>,
    /// Verifications of each ledger.
    #[serde(skip)]
    pub(super) verified: Vec<LedgerVerifications>,
    /// Created rows that have the contact of another row.
    pub(super) shared: u64,
    /// The first of them.
    pub(super) shared_rows: Vec<ReportedShared>,
    /// Errors for which rows were not created, the most frequent first.
    pub(super) errors: Vec<ReportedError>,
    /// Errors of unknown rows, whose contacts may exist, the most frequent first.
    pub(super) errors_of_unknown: Vec<ReportedError>,
    /// Rows whose contact may exist.
    pub(super) doubtful: Vec<ReportedRow>,
    /// Number of rows in doubt that are not listed.
    pub(super) doubtful_more: u64,
    /// The latest runs, newest first.
    pub(super) runs: Vec<ReportedRun>,
    /// Number of runs that are not listed.
    pub(super) runs_more: u64,
    /// Time steps of the plots, and the minutes of a step.
    #[serde(skip)]
    pub(super) plotted: (i64, Vec<Step>),
    /// Time steps of the table, and the minutes of a step.
    #[serde(skip)]
    pub(super) listed: (i64, Vec<Step>),
    /// Latencies of the answers.
    #[serde(skip)]
    pub(super) latencies: Latencies,
}

/// An endpoint and the credentials that were used there.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct Target {
    /// Host, with its port if that is not the scheme's.
    pub(super) endpoint: Option<String>,
    /// Region.
    pub(super) region: Option<String>,
    /// Account of the credentials.
    pub(super) account: Option<String>,
    /// ARN of the credentials' identity.
    pub(super) caller: Option<String>,
}

impl Target {
    fn of(run: &RunRecord) -> Self {
        let RunRecord { endpoint, region, account, caller, .. } = run.clone();
        Target { endpoint, region, account, caller }
    }
}

/// What to do next: a purpose, and a command if there is one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub(super) struct NextStep {
    /// Purpose; ends in a colon before a command.
    pub(super) purpose: String,
    /// Command line, quoted for a shell.
    pub(super) command: Option<String>,
}

impl Facts {
    /// Reads the ledgers. The counts of a ledger are of one snapshot; its time steps are read later.
    pub(super) fn gather(ledgers: &LedgerSet, now_ms: i64) -> Result<Self, ReportError> {
        let mut facts = Facts { service: Service::default().name(), ..Facts::default() };
        let mut steps_of_ledgers: Vec<ui::Step> = Vec::new();
        let mut accounts = Vec::new();
        let mut errors: Vec<ErrorCount> = Vec::new();
        let readers = ledgers.readers();
        for (path, reader) in readers {
            let name = path.shown();
            // Before the ledger is read: if a run ends in between, its end is read too.
            let is_under_way = is_locked(path);
            let mut read = |reader: &LedgerReader| {
                facts.read_identity(reader)?;
                let runs = reader.latest_runs(SHOWN as u32)?;
                facts.read_targets(&runs);
                facts.read_doubtful(reader, is_under_way)?;
                let shared = reader.shared_contacts()?;
                facts.shared += shared.total;
                facts.shared_rows.extend(shared.rows.into_iter().map(ReportedShared::of));
                facts.verified.push(LedgerVerifications::read(
                    &name,
                    facts.is_rehearsal,
                    reader,
                    runs.first(),
                )?);
                if let (Some(latest), false) = (runs.first(), is_under_way) {
                    steps_of_ledgers.extend(
                        next_steps(&reader.state_counts()?, latest, path, PastedIn::AnyFolder)
                            .into_iter()
                            .next(),
                    );
                }
                facts.add_runs(runs, (readers.len() > 1).then_some(&name), is_under_way, now_ms);
                errors.extend(reader.error_counts(SHOWN as u32)?);
                facts.latencies.merge(&reader.latencies(None)?);
                let period = reader.period()?;
                facts.period = match (facts.period, period) {
                    (Some((from, to)), Some((first, last))) => Some((from.min(first), to.max(last))),
                    (one, other) => one.or(other),
                };
                accounts.push(LedgerAccounts {
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
        let errors = ErrorCount::merge(errors, SHOWN).into_iter();
        (facts.errors_of_unknown, facts.errors) = errors
            .map(|error| ReportedError::of(error, &facts.service))
            .partition(ReportedError::is_of_unknown_rows);
        facts.next = facts.next_step(steps_of_ledgers);
        facts.runs.sort_by_key(|run| std::cmp::Reverse(run.started_ms));
        facts.runs_more += facts.runs.len().saturating_sub(SHOWN) as u64;
        facts.runs.truncate(SHOWN);
        facts.accounting = Accounting::of(&accounts);
        facts.headline = headline(&facts.accounting.sum, facts.shared);
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
        let found = reader.rows_in_doubt(room, is_under_way)?;
        self.doubtful_more += found.total.saturating_sub(found.rows.len() as u64);
        let service = &self.service;
        self.doubtful.extend(found.rows.into_iter().map(|row| ReportedRow::of(row, service)));
        Ok(())
    }

    /// Names the service by the first ledger whose runs know it, and the page by the latest name.
    fn read_targets(&mut self, runs: &[RunRecord]) {
        let is_named = self.targets.iter().any(|target| target.endpoint.is_some());
        if !is_named {
            let service = Service::of_runs(self.is_rehearsal, runs);
            self.service = service.name();
            if self.name.is_none() {
                self.title = format!("Import into {}", service.introduced());
            }
        }
        if let (None, Some(name)) = (&self.name, runs.iter().find_map(|run| run.name.clone())) {
            self.title = name.clone();
            self.name = Some(name);
        }
        // The port of a sandbox says nothing.
        for target in runs.iter().map(Target::of).filter(|_| !self.is_rehearsal) {
            if target != Target::default() && !self.targets.contains(&target) {
                self.targets.push(target);
            }
        }
    }

    /// What to do next about the whole import. `steps` are the first steps of the ledgers that have one.
    fn next_step(&self, steps: Vec<ui::Step>) -> Option<NextStep> {
        let step =
            |purpose: &str, command: Option<String>| Some(NextStep { purpose: purpose.to_owned(), command });
        if self.is_under_way {
            return step("A run is under way: wait until it ends, and make the report again.", None);
        }
        let more = steps.len().saturating_sub(1);
        if let Some(ui::Step { purpose, command }) = steps.into_iter().next() {
            let of_more = match more {
                0 => String::new(),
                more => format!(" (one of {} ledgers)", count(more as u64 + 1)),
            };
            let purpose = purpose.strip_suffix(':').unwrap_or(purpose);
            return step(&format!("{purpose}{of_more}:"), Some(command));
        }
        let unproven =
            |own: &&LedgerVerifications| own.created > 0 && !own.is_proof() && own.command.is_some();
        if let Some(own) = self.verified.iter().find(unproven) {
            let purpose = match own {
                own if own.has_differences() => {
                    "To list the contacts that are missing or not as they were sent, and decide about each:"
                }
                own if own.latest.is_some() => "To look up every contact again:",
                _ => "To look up whether every contact is there, as it was sent:",
            };
            return step(purpose, own.command.clone());
        }
        self.period.and_then(|_| step("Nothing is left to do.", None))
    }

    fn add_runs(&mut self, runs: Vec<RunRecord>, ledger: Option<&String>, is_under_way: bool, now_ms: i64) {
        let all = runs.first().and_then(|run| u64::try_from(run.id.0).ok()).unwrap_or_default();
        self.runs_more += all.saturating_sub(runs.len() as u64);
        for (index, run) in runs.into_iter().enumerate() {
            let is_under_way = is_under_way && index == 0;
            let has_sent = run.ended_ms.is_none() && run.sending_ms.is_some();
            self.has_died |= has_sent && !is_under_way;
            self.is_sending |= has_sent && is_under_way;
            self.runs.push(ReportedRun::of(run, ledger.cloned(), &self.service, is_under_way, now_ms));
        }
    }
}

/// The result in a sentence. `shared` rows have the contact of another row.
fn headline(sum: &FileAccount, shared: u64) -> String {
    let FileAccount { counts, other_shards, passed_over, .. } = sum;
    let others = [
        (counts.waiting, "waiting"),
        (counts.withdrawn, "withdrawn"),
        (counts.rejected, "rejected"),
        (counts.duplicates, "duplicate"),
        (counts.failed, "failed"),
        (counts.accepted, "accepted"),
        (counts.unknown, "unknown"),
    ];
    let mut headline = match counts.total() {
        0 if *passed_over > 0 || *other_shards > 0 => "No row to import has been read yet".to_owned(),
        0 => "No row has been read yet".to_owned(),
        all => format!("{} of {} imported", count(counts.contacts), rows(all)),
    };
    for (index, (number, state)) in others.into_iter().filter(|(number, _)| *number > 0).enumerate() {
        headline.push_str(&format!("{} {} {state}", if index == 0 { ";" } else { "," }, count(number)));
    }
    headline.push('.');
    if counts.unknown > 0 {
        headline.push_str(" Contacts of unknown rows may exist.");
    }
    if shared > 0 {
        let more = format!(" {} share a contact, so not each of them has one of its own.", rows(shared));
        headline.push_str(&more);
    }
    if *passed_over > 0 {
        headline.push_str(&format!(" {} passed over: where is false for them.", rows(*passed_over)));
    }
    if *other_shards > 0 {
        let more =
            format!(" {} of other shards, whose ledgers were not given, are left out.", rows(*other_shards));
        headline.push_str(&more);
    }
    headline
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html_report::accounting::OutcomeCounts;

    #[test]
    fn the_result_is_a_sentence() {
        let some = OutcomeCounts {
            contacts: 19_412,
            rejected: 12,
            duplicates: 570,
            unknown: 6,
            ..OutcomeCounts::default()
        };
        let sentence = |counts: OutcomeCounts, other_shards| {
            headline(&FileAccount { counts, other_shards, ..FileAccount::default() }, 0)
        };
        assert_eq!(
            sentence(some, 0),
            "19,412 of 20,000 rows imported; 12 rejected, 570 duplicate, 6 unknown. Contacts of unknown rows may exist."
        );
        let contacts = |contacts| OutcomeCounts { contacts, ..OutcomeCounts::default() };
        assert_eq!(sentence(contacts(320), 0), "320 of 320 rows imported.");
        assert_eq!(sentence(contacts(1), 0), "1 of 1 row imported.");
        assert_eq!(sentence(OutcomeCounts::default(), 0), "No row has been read yet.");
        let of_others = sentence(OutcomeCounts::default(), 4);
        assert!(
            of_others.starts_with("No row to import has been read yet. 4 rows of other shards"),
            "{of_others}"
        );
        let gone = OutcomeCounts { contacts: 2, waiting: 1, withdrawn: 3, ..OutcomeCounts::default() };
        assert_eq!(sentence(gone, 0), "2 of 3 rows imported; 1 waiting, 3 withdrawn.");
        assert_eq!(
            sentence(contacts(2), 1000),
            "2 of 2 rows imported. 1,000 rows of other shards, whose ledgers were not given, are left out."
        );
        let selected = FileAccount { counts: contacts(2), passed_over: 3, ..FileAccount::default() };
        let shared = headline(&FileAccount { counts: contacts(3), ..FileAccount::default() }, 2);
        assert_eq!(
            shared,
            "3 of 3 rows imported. 2 rows share a contact, so not each of them has one of its own."
        );
        assert_eq!(
            headline(&selected, 0),
            "2 of 2 rows imported. 3 rows passed over: where is false for them."
        );
    }
}
