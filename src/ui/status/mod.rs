//! What ledgers hold, for people and for programs.

mod ledger;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Write as _;

use super::bar::{per_second, rounded};
use super::messages::{self, LedgersStatus, Message, SchemaVersion};
use super::printable::printable_lines;
use crate::ledger::{ErrorCount, RowState, StateCounts};
use crate::shard::Shard;
pub use ledger::LedgerStatus;
use ledger::{Left, OfLate, SHOWN, by_state, causes};

/// LedgerSet for which a command is printed, and missing shards that are named.
const NAMED: usize = 5;

/// One ledger or several of one import at a glance.
#[derive(Clone, Debug)]
pub struct Status {
    /// The ledgers, at least one, in the order in which they were named.
    pub ledgers: Vec<LedgerStatus>,
    /// Shards of the import whose ledgers are not among them.
    pub missing: Vec<Shard>,
}

impl Status {
    fn rows(&self) -> StateCounts {
        self.ledgers.iter().map(|ledger| ledger.rows).sum()
    }

    fn running(&self) -> bool {
        self.ledgers.iter().any(|ledger| ledger.running)
    }

    fn instance_id(&self) -> &str {
        let mut named = self.ledgers.iter().map(|ledger| ledger.instance_id.as_str());
        named.find(|id| !id.is_empty()).unwrap_or_default()
    }

    /// What the runs under way did of late, together.
    fn of_late(&self) -> Option<OfLate> {
        let each = self.ledgers.iter().filter_map(LedgerStatus::of_late);
        each.reduce(|one, other| OfLate {
            time: one.time.max(other.time),
            rate: one.rate + other.rate,
            attempts: one.attempts + other.attempts,
            throttled: one.throttled + other.throttled,
        })
    }

    /// Until the slowest is through.
    fn left(&self) -> Left {
        self.ledgers.iter().map(LedgerStatus::left).max().unwrap_or(Left::Nothing)
    }

    fn withdrawn(&self) -> u64 {
        self.ledgers.iter().map(|ledger| ledger.withdrawn.total()).sum()
    }

    fn held_back(&self) -> u64 {
        self.ledgers.iter().map(LedgerStatus::held_back).sum()
    }

    /// The causes of all ledgers, most frequent first; the example is that of the first ledger that has one.
    fn errors(&self) -> Vec<ErrorCount> {
        let mut errors: Vec<ErrorCount> = Vec::new();
        let mut known = HashMap::new();
        for error in self.ledgers.iter().flat_map(|ledger| &ledger.errors) {
            match known.entry((error.state, error.code.as_str())) {
                Entry::Vacant(place) => {
                    place.insert(errors.len());
                    errors.push(error.clone());
                }
                Entry::Occupied(place) => errors[*place.get()].rows += error.rows,
            }
        }
        errors.sort_by_key(|error| std::cmp::Reverse(error.rows));
        errors.truncate(SHOWN);
        errors
    }

    /// For people.
    pub fn text(&self) -> String {
        // Writing to a String cannot fail.
        let mut text = String::new();
        let _ = match &self.ledgers[..] {
            [only] => writeln!(text, "{} (instance {})", only.ledger.display(), only.instance_id),
            several => writeln!(text, "{} ledgers (instance {})", several.len(), self.instance_id()),
        };
        let _ = match missing_shards(&self.missing) {
            Some(missing) => writeln!(text, "{missing}\n"),
            None => writeln!(text),
        };
        let rows = self.rows();
        for state in RowState::ALL {
            let _ = writeln!(text, "  {:>9}  {state}", rows.of(state));
        }
        let _ = writeln!(text, "  {:>9}  in all", rows.total());
        let withdrawn = self.withdrawn();
        if withdrawn > 0 {
            let _ = writeln!(
                text,
                "\n  {withdrawn} of them withdrawn: they are no longer in their file, and are not sent"
            );
        }
        if let Some(OfLate { time, rate, attempts, throttled }) = self.of_late() {
            let _ = writeln!(
                text,
                "\n  {} created a second in the last {}; {:.1}% of the attempts throttled",
                per_second(rate),
                rounded(time),
                throttled as f64 * 100.0 / (attempts as f64).max(1.0)
            );
        }
        let _ = match (self.left(), &self.ledgers[..]) {
            (Left::Nothing, _) => Ok(()),
            (Left::Unknown, _) => {
                writeln!(text, "\n  the time left cannot be told: the latest run has created nothing of late")
            }
            (Left::Time(left), [_]) => {
                writeln!(text, "\n  {} left at the rate of the latest run", rounded(left))
            }
            (Left::Time(left), _) => {
                writeln!(text, "\n  {} left for the slowest, at the rate of its latest run", rounded(left))
            }
        };
        let held_back = self.held_back();
        if held_back > 0 {
            let _ = writeln!(text, "  {held_back} rows wait beyond --limit, for the next run");
        }
        if let [_, _, ..] = &self.ledgers[..] {
            text.push_str("\nLedgers:\n");
            for ledger in &self.ledgers {
                let _ = writeln!(text, "  {}", ledger.line());
            }
        }
        self.causes(&mut text);
        if let [only] = &self.ledgers[..] {
            text.push_str(&only.runs());
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

    /// A command for each ledger that needs one, those for the same end together.
    fn next_steps(&self, text: &mut String) {
        let steps: Vec<_> = self.ledgers.iter().filter_map(LedgerStatus::next_step).collect();
        let shown = &steps[..steps.len().min(NAMED)];
        let mut told: Vec<&str> = Vec::new();
        for (why, _) in shown {
            if !told.contains(why) {
                told.push(why);
                let _ = writeln!(text, "\n{why}");
                for (_, command) in shown.iter().filter(|(other, _)| other == why) {
                    let _ = writeln!(text, "  {command}");
                }
            }
        }
        if steps.len() > NAMED {
            let _ = writeln!(text, "  … and the like for {} more ledgers", steps.len() - NAMED);
        }
    }

    /// For programs: one line, without its end.
    pub fn json(&self) -> String {
        let shards_missing = self.missing.iter().map(Shard::to_string).collect();
        let errors = self.errors();
        let status = match &self.ledgers[..] {
            [only] => messages::Status::Ledger(messages::LedgerStatus {
                schema_version: SchemaVersion,
                ledger: only.state(),
                shards_missing,
            }),
            several => messages::Status::LedgerSet(LedgersStatus {
                schema_version: SchemaVersion,
                instance_id: self.instance_id(),
                running: self.running(),
                rows: by_state(&self.rows()),
                total: self.rows().total(),
                withdrawn: self.withdrawn(),
                rate_of_late: self.of_late().map(|of_late| of_late.rate),
                seconds_left: self.left().seconds(),
                errors: causes(&errors),
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
    let mut words: Vec<String> = missing.iter().take(NAMED).map(|shard| shard.index().to_string()).collect();
    match missing.len() {
        1 => return Some(format!("shard {} of {of} is not among the ledgers", words.concat())),
        more if more > NAMED => words.push(format!("{} more", more - NAMED)),
        _ => {}
    }
    let last = words.pop()?;
    Some(format!("shards {} and {last} of {of} are not among the ledgers", words.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_shards_are_named_up_to_a_few() {
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
