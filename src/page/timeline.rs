//! What went over the wire, in steps of time that fit on a plot.

use crate::ledger::{LedgerError, LedgerReader, Stretch};

/// Minutes that a step may have, so that its bounds are those of the clock.
const STEPS: [i64; 15] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 40_320];

/// What went over the wire in one step of time, by all runs of all ledgers.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Step {
    /// From when, in milliseconds since 1970.
    pub(super) from_ms: i64,
    /// Until when.
    pub(super) to_ms: i64,
    /// How long a run was sending in that time, in seconds; at least one.
    pub(super) seconds: f64,
    /// Attempts that ended.
    pub(super) attempts: u64,
    /// Of those, the ones that made a contact.
    pub(super) created: u64,
    /// The ones that Connect throttled.
    pub(super) throttled: u64,
    /// The ones that went unanswered.
    pub(super) unanswered: u64,
    /// The rate that was set or found, requests a second, of all runs that were sending.
    pub(super) rate: f64,
}

impl Step {
    /// Contacts a second while a run was sending.
    pub(super) fn contacts_a_second(&self) -> f64 {
        self.created as f64 / self.seconds
    }

    /// The share of the attempts that Connect throttled, from 0 to 1.
    pub(super) fn throttled_share(&self) -> f64 {
        self.throttled as f64 / self.attempts.max(1) as f64
    }

    /// The share of the attempts that went unanswered, from 0 to 1.
    pub(super) fn unanswered_share(&self) -> f64 {
        self.unanswered as f64 / self.attempts.max(1) as f64
    }
}

/// The steps of all ledgers, and how many minutes each has: the fewest with which there are no more steps than
/// `at_most`, as far as a year allows.
pub(super) fn steps(
    ledgers: &[&LedgerReader],
    at_most: u64,
    now_ms: i64,
) -> Result<(i64, Vec<Step>), LedgerError> {
    let mut minutes = STEPS[STEPS.len() - 1];
    for candidate in STEPS {
        let mut steps = 0;
        for ledger in ledgers {
            steps += ledger.steps(candidate)?;
        }
        if steps <= at_most {
            minutes = candidate;
            break;
        }
    }
    let mut stretches = Vec::new();
    for ledger in ledgers {
        stretches.extend(ledger.stretches(minutes)?);
    }
    Ok((minutes, folded(stretches, at_most, now_ms)))
}

/// One step for all that was sent in it; runs that follow one another in it have each their own, if these are no more
/// than `at_most`. No two steps overlap.
fn folded(mut stretches: Vec<Stretch>, at_most: u64, now_ms: i64) -> Vec<Step> {
    for stretch in &mut stretches {
        // A burst is over in no time, and would be a rate that nobody has set.
        stretch.to_ms = stretch.to_ms.min(now_ms).max(stretch.from_ms + 1000);
    }
    stretches.sort_unstable_by_key(|stretch| (stretch.step, stretch.from_ms));
    let mut steps = grouped(&stretches, false);
    if steps.len() as u64 > at_most {
        steps = grouped(&stretches, true);
    }
    steps.sort_by_key(|step| step.from_ms);
    for at in 1..steps.len() {
        steps[at - 1].to_ms = steps[at - 1].to_ms.min(steps[at].from_ms);
    }
    steps
}

/// One step for all of a step's stretches, or for those of them that overlap.
fn grouped(stretches: &[Stretch], is_joined: bool) -> Vec<Step> {
    let mut groups: Vec<(i64, Vec<Stretch>)> = Vec::new();
    for stretch in stretches {
        match groups.last_mut() {
            Some((until, group))
                if group[0].step == stretch.step && (is_joined || stretch.from_ms < *until) =>
            {
                *until = stretch.to_ms.max(*until);
                group.push(*stretch);
            }
            Some(_) | None => groups.push((stretch.to_ms, vec![*stretch])),
        }
    }
    groups.iter().filter_map(|(_, group)| fold(group)).collect()
}

fn fold(stretches: &[Stretch]) -> Option<Step> {
    let from_ms = stretches.first()?.from_ms;
    let mut step = Step { from_ms, to_ms: from_ms, ..Step::default() };
    let (mut sending_ms, mut sendable) = (0, 0.0);
    for stretch in stretches {
        let Stretch { from_ms, to_ms, .. } = *stretch;
        // Ledgers of shards send at the same time.
        sending_ms += (to_ms - from_ms.max(step.to_ms)).max(0);
        sendable += stretch.rate * (to_ms - from_ms) as f64;
        step.to_ms = step.to_ms.max(to_ms);
        step.attempts += stretch.attempts;
        step.created += stretch.created;
        step.throttled += stretch.throttled;
        step.unanswered += stretch.unanswered;
    }
    step.seconds = sending_ms as f64 / 1000.0;
    step.rate = sendable / sending_ms as f64;
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATE: i64 = i64::MAX;

    fn stretch(from_s: i64, to_s: i64, created: u64, rate: f64) -> Stretch {
        let (from_ms, to_ms) = (from_s * 1000, to_s * 1000);
        let attempts = created + 1;
        Stretch { step: 0, from_ms, to_ms, attempts, created, throttled: 1, unanswered: 0, rate }
    }

    #[test]
    fn a_rate_is_that_of_the_time_in_which_something_was_sent() {
        let steps = folded(vec![stretch(5, 17, 240, 20.0)], 9, LATE);
        assert_eq!((steps[0].from_ms, steps[0].to_ms, steps[0].contacts_a_second()), (5000, 17_000, 20.0));
        // Two runs, with an hour between them.
        let runs = vec![stretch(3600, 3660, 60, 2.0), stretch(0, 60, 60, 2.0)];
        let two = folded(runs.clone(), 2, LATE);
        assert_eq!((two.len(), two[1].from_ms, two[1].contacts_a_second()), (2, 3_600_000, 1.0));
        let one = folded(runs, 1, LATE);
        assert_eq!((one.len(), one[0].contacts_a_second(), one[0].rate), (1, 1.0, 2.0));
        assert_eq!(one[0].throttled_share(), 2.0 / 122.0);
    }

    #[test]
    fn ledgers_that_send_at_the_same_time_add_up() {
        let two = folded(vec![stretch(0, 60, 60, 1.0), stretch(0, 60, 60, 1.0)], 9, LATE);
        assert_eq!((two[0].seconds, two[0].contacts_a_second(), two[0].rate), (60.0, 2.0, 2.0));
        let three =
            folded(vec![stretch(0, 60, 60, 1.0), stretch(10, 20, 9, 1.0), stretch(30, 60, 30, 1.0)], 9, LATE);
        assert_eq!((three.len(), three[0].created, three[0].seconds), (1, 99, 60.0));
    }

    #[test]
    fn a_burst_lasts_a_second_and_a_step_under_way_ends_now() {
        let burst = Stretch { to_ms: 5001, ..stretch(5, 5, 10, 2.0) };
        assert_eq!(folded(vec![burst], 9, LATE)[0].contacts_a_second(), 10.0);
        let under_way = folded(vec![stretch(0, 60, 20, 2.0)], 9, 10_000);
        assert_eq!((under_way[0].to_ms, under_way[0].contacts_a_second()), (10_000, 2.0));
    }

    #[test]
    fn time_never_runs_backwards() {
        let end_of_a_minute = Stretch { to_ms: 59_900, ..stretch(59, 59, 9, 2.0) };
        let next = Stretch { step: 1, ..stretch(60, 90, 60, 2.0) };
        let steps = folded(vec![next, Stretch { from_ms: 59_800, ..end_of_a_minute }], 9, LATE);
        assert_eq!((steps[0].from_ms, steps[0].to_ms, steps[1].from_ms), (59_800, 60_000, 60_000));
        assert_eq!(steps[0].contacts_a_second(), 9.0);
    }
}
