//! Report of `status`: the contents of one ledger or several.

mod ledger;

use std::fmt::Write as _;

use super::json::{LedgerSetStatus, LedgerStatusMessage, Message, RowsByState, StatusMessage};
use super::next_step::{Step, verify_command};
use super::shared_contacts::shared_contacts_text;
use super::shell::PastedIn;
use super::words::{per_second, rounded};
use crate::ledger::{ErrorCount, RowState, StateCounts};
use crate::printable::ShownPath as _;
use crate::printable::printable_lines;
use crate::shard::Shard;
pub use ledger::LedgerStatus;
use ledger::{MAX_CAUSES, RecentTraffic, TimeLeft};

/// Ledgers for which a command is printed, and missing shards that are listed.
const MAX_LISTED: usize = 5;

/// Contents of one ledger, or of several of one import.
#[derive(Clone, Debug)]
pub struct Status {
    /// Ledgers, at least one, in the order in which they were given.
    pub ledgers: Vec<LedgerStatus>,
    /// Shards of the import whose ledgers were not given.
    pub missing: Vec<Shard>,
}

impl Status {
    fn rows(&self) -> StateCounts {
        self.ledgers.iter().map(|ledger| ledger.rows).sum()
    }

    fn instance_id(&self) -> &str {
        let mut ids = self.ledgers.iter().map(|ledger| ledger.instance_id.as_str());
        ids.find(|id| !id.is_empty()).unwrap_or_default()
    }

    /// Name of the job, if the latest runs of all ledgers that have one agree.
    fn name(&self) -> Option<&str> {
        let mut names = self.ledgers.iter().filter_map(LedgerStatus::name);
        let first = names.next()?;
        names.all(|name| name == first).then_some(first)
    }

    /// Traffic of all current runs in the last minutes.
    fn recent_traffic(&self) -> Option<RecentTraffic> {
        let each = self.ledgers.iter().filter_map(LedgerStatus::recent_traffic);
        each.reduce(|one, other| RecentTraffic {
            time: one.time.max(other.time),
            rate: one.rate + other.rate,
            attempts: one.attempts + other.attempts,
            throttled: one.throttled + other.throttled,
        })
    }

    /// Time left of the ledger that takes longest.
    fn time_left(&self) -> TimeLeft {
        self.ledgers.iter().map(LedgerStatus::time_left).max().unwrap_or(TimeLeft::Nothing)
    }

    /// Most frequent causes of all ledgers.
    fn errors(&self) -> Vec<ErrorCount> {
        ErrorCount::merge(self.ledgers.iter().flat_map(|ledger| ledger.errors.clone()), MAX_CAUSES)
    }

    /// The report for people.
    pub fn text(&self) -> String {
        // Writing to a String cannot fail.
        let mut text = String::new();
        if let Some(name) = self.name() {
            let _ = write!(text, "{name}: ");
        }
        let _ = match &self.ledgers[..] {
            [only] => writeln!(text, "{} (instance {})", only.ledger.shown(), only.instance_id),
            several => writeln!(text, "{} ledgers (instance {})", several.len(), self.instance_id()),
        };
        let _ = match missing_shards(&self.missing) {
            Some(missing) => writeln!(text, "{missing}\n"),
            None => writeln!(text),
        };
        let rows = self.rows();
        let is_shown = |state: &RowState| {
            rows.of(*state) > 0 || !matches!(state, RowState::Accepted | RowState::Withdrawn)
        };
        for state in RowState::ALL.into_iter().filter(is_shown).filter(|state| *state != RowState::Withdrawn)
        {
            let _ = writeln!(text, "  {:>9}  {state}", rows.of(state));
        }
        let _ = writeln!(text, "  {:>9}  in all", rows.total());
        let withdrawn = rows.of(RowState::Withdrawn);
        if withdrawn > 0 {
            let _ = writeln!(
                text,
                "\n  {withdrawn} more withdrawn: no longer in their file, or passed over; not sent"
            );
        }
        if let Some(RecentTraffic { time, rate, attempts, throttled }) = self.recent_traffic() {
            let _ = writeln!(
                text,
                "\n  {} created a second in the last {}; {:.1}% of the attempts throttled",
                per_second(rate),
                rounded(time),
                throttled as f64 * 100.0 / (attempts as f64).max(1.0)
            );
        }
        let _ = match (self.time_left(), &self.ledgers[..]) {
            (TimeLeft::Nothing, _) => Ok(()),
            (TimeLeft::Unknown, _) if self.ledgers.iter().all(LedgerStatus::has_sent_nothing) => Ok(()),
            (TimeLeft::Unknown, _) => {
                writeln!(
                    text,
                    "\n  the time left is unknown: the latest run has created nothing in the last minutes"
                )
            }
            (TimeLeft::Known(left), [_]) => {
                writeln!(text, "\n  {} left at the rate of the latest run", rounded(left))
            }
            (TimeLeft::Known(left), _) => {
                writeln!(text, "\n  {} left for the slowest, at the rate of its latest run", rounded(left))
            }
        };
        let held_back: u64 = self.ledgers.iter().map(LedgerStatus::held_back).sum();
        if held_back > 0 {
            let _ = writeln!(text, "  {held_back} rows wait beyond --limit, for the next run");
        }
        if let [_, _, ..] = &self.ledgers[..] {
            text.push_str("\nLedgers:\n");
            for ledger in &self.ledgers {
                let _ = writeln!(text, "  {}", ledger.line());
            }
        }
        let shared = |ledger: &LedgerStatus| {
            let verify = ledger.runs.first().and_then(|run| verify_command(run, PastedIn::ThisFolder));
            shared_contacts_text(&ledger.shared, verify.as_deref())
        };
        for shared in self.ledgers.iter().filter_map(shared) {
            let _ = write!(text, "\n{shared}");
        }
        self.causes(&mut text);
        if let [only] = &self.ledgers[..] {
            text.push_str(&only.runs());
            if let Some(line) = only.verification_line() {
                let _ = writeln!(text, "\n{line}");
            }
        } else {
            self.unverified(&mut text);
        }
        self.next_steps(&mut text);
        printable_lines(&text)
    }

    fn causes(&self, text: &mut String) {
        let errors = self.errors();
        if !errors.is_empty() {
            text.push_str("\nCauses, most frequent first:\n");
        }
        for error in errors {
            let _ = writeln!(
                text,
                "  {:>9}  {} {}: {} ({}, line {})",
                error.rows, error.state, error.code, error.message, error.source, error.line
            );
        }
    }

    /// How many of several ledgers have created rows and no verification.
    fn unverified(&self, text: &mut String) {
        let unverified =
            |ledger: &&LedgerStatus| ledger.rows.of(RowState::Created) > 0 && ledger.verification.is_none();
        let paths: Vec<String> = self
            .ledgers
            .iter()
            .filter(unverified)
            .map(|ledger| ledger.ledger.to_string_lossy().into_owned())
            .collect();
        if let Some(first) = paths.first() {
            let _ = writeln!(
                text,
                "\n{} of {} ledgers not verified yet, such as {first}",
                paths.len(),
                self.ledgers.len()
            );
        }
    }

    /// Commands of the next steps, grouped by purpose.
    fn next_steps(&self, text: &mut String) {
        let ledgers: Vec<Vec<Step>> =
            self.ledgers.iter().map(LedgerStatus::next_steps).filter(|steps| !steps.is_empty()).collect();
        let shown: Vec<&Step> = ledgers.iter().take(MAX_LISTED).flatten().collect();
        let mut purposes: Vec<&str> = Vec::new();
        for Step { purpose, .. } in &shown {
            if !purposes.contains(purpose) {
                purposes.push(purpose);
                let _ = writeln!(text, "\n{purpose}");
                for step in shown.iter().filter(|other| other.purpose == *purpose) {
                    let _ = writeln!(text, "  {}", step.command);
                }
            }
        }
        if ledgers.len() > MAX_LISTED {
            let _ =
                writeln!(text, "  … and similar commands for {} more ledgers", ledgers.len() - MAX_LISTED);
        }
    }

    /// The report as a JSON message.
    pub fn json(&self) -> String {
        let shards_missing = self.missing.iter().map(Shard::to_string).collect();
        let errors = self.errors();
        let status = match &self.ledgers[..] {
            [only] => {
                StatusMessage::Ledger(Box::new(LedgerStatusMessage { ledger: only.state(), shards_missing }))
            }
            several => StatusMessage::LedgerSet(LedgerSetStatus {
                name: self.name(),
                instance_id: self.instance_id(),
                running: self.ledgers.iter().any(|ledger| ledger.is_running),
                rows: RowsByState::of(&self.rows()),
                total: self.rows().total(),
                rate_of_late: self.recent_traffic().map(|traffic| traffic.rate),
                seconds_left: self.time_left().seconds(),
                errors: &errors,
                ledgers: several.iter().map(LedgerStatus::state).collect(),
                shards_missing,
            }),
        };
        Message::Status(status).to_string()
    }
}

/// `shards 2 and 3 of 4 are not among the ledgers`; none where none is missing.
pub fn missing_shards(missing: &[Shard]) -> Option<String> {
    let of = missing.first()?.count();
    let mut indices: Vec<String> =
        missing.iter().take(MAX_LISTED).map(|shard| shard.index().to_string()).collect();
    match missing.len() {
        1 => return Some(format!("shard {} of {of} is not among the ledgers", indices.concat())),
        more if more > MAX_LISTED => indices.push(format!("{} more", more - MAX_LISTED)),
        _ => {}
    }
    let last = indices.pop()?;
    Some(format!("shards {} and {last} of {of} are not among the ledgers", indices.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_shards_are_listed_up_to_five() {
        let of = |of: u32, there: u32| {
            let first: Shard = format!("0/{of}").parse().unwrap();
            let missing: Vec<Shard> = first.all().filter(|shard| shard.index() >= there).collect();
            missing_shards(&missing)
        };
        assert_eq!(of(4, 4), None);
        assert_eq!(of(4, 3).unwrap(), "shard 3 of 4 is not among the ledgers");
        assert_eq!(of(4, 2).unwrap(), "shards 2 and 3 of 4 are not among the ledgers");
        assert_eq!(of(6, 1).unwrap(), "shards 1, 2, 3, 4 and 5 of 6 are not among the ledgers");
        assert_eq!(of(100, 1).unwrap(), "shards 1, 2, 3, 4, 5 and 94 more of 100 are not among the ledgers");
    }
}
