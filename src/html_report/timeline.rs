//! What went over the wire, in steps of time that fit on a plot.

use crate::ledger::{LedgerError, LedgerReader, Stretch};

/// Minutes that a step may have, so that its bounds are those of the clock.
const STEPS: [i64; 15] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 40_320];

/// What went over the wire in one step of time, by all runs of all ledgers.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Step {
    /// From when, in milliseconds since 1970.
    pub(super) from_ms: i64,
    /// Until when it is drawn: at least a second later, but for the next step.
    pub(super) to_ms: i64,
    /// How long a run was sending in that time, in seconds.
    pub(super) seconds: f64,
    /// Attempts that ended.
    pub(super) attempts: u64,
    /// Of those, the ones that made a contact.
    pub(super) created: u64,
    /// The ones that Connect throttled.
    pub(super) throttled: u64,
    /// The ones that went unanswered.
    pub(super) unanswered: u64,
    /// The rate that was set or found, requests a second: the mean over the time of sending, in which those of
    /// ledgers that send at the same time add up.
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
    let mut runs = Vec::new();
    for ledger in ledgers {
        runs.push(ledger.stretches(minutes)?);
    }
    Ok((minutes, folded(runs, at_most, now_ms)))
}

/// A step is drawn for at least so long, so that it can be seen and its label is unlike that of the next.
const SEEN_MS: i64 = 1000;

/// One step for all that was sent in it; runs that follow one another in it have each their own, if these are no more
/// than `at_most`. No two steps overlap. `ledgers` are the runs of each.
fn folded(ledgers: Vec<Vec<Stretch>>, at_most: u64, now_ms: i64) -> Vec<Step> {
    let mut stretches: Vec<Stretch> =
        ledgers.into_iter().flat_map(|runs| one_after_another(runs, now_ms)).collect();
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

/// The runs of one ledger, of which no two send at the same time: where one died, the next one's beginning is its end.
fn one_after_another(mut runs: Vec<Stretch>, now_ms: i64) -> Vec<Stretch> {
    runs.sort_unstable_by_key(|run| run.from_ms);
    let mut next_ms = i64::MAX;
    for run in runs.iter_mut().rev() {
        // A burst is over in no time, and would be a rate that nobody has set.
        let least_ms = (run.attempts as f64 * 1000.0 / run.rate).min(1000.0) as i64;
        let to_ms = run.to_ms.min(now_ms).max(run.from_ms + least_ms);
        run.to_ms = to_ms.min(next_ms).max(run.from_ms + 1);
        next_ms = run.from_ms;
    }
    runs
}

/// One step for all of a step's stretches, or for those of them that overlap.
fn grouped(stretches: &[Stretch], is_joined: bool) -> Vec<Step> {
    let mut groups: Vec<(i64, Vec<Stretch>)> = Vec::new();
    for stretch in stretches {
        let seen_ms = stretch.to_ms.max(stretch.from_ms + SEEN_MS);
        match groups.last_mut() {
            Some((until, group))
                if group[0].step == stretch.step && (is_joined || stretch.from_ms < *until) =>
            {
                *until = seen_ms.max(*until);
                group.push(*stretch);
            }
            Some(_) | None => groups.push((seen_ms, vec![*stretch])),
        }
    }
    groups.iter().filter_map(|(until, group)| fold(group, *until)).collect()
}

fn fold(stretches: &[Stretch], until_ms: i64) -> Option<Step> {
    let from_ms = stretches.first()?.from_ms;
    let mut step = Step { from_ms, to_ms: until_ms, ..Step::default() };
    let (mut sending_ms, mut sendable, mut sent_until) = (0, 0.0, from_ms);
    for stretch in stretches {
        let Stretch { from_ms, to_ms, .. } = *stretch;
        // LedgerSet of shards send at the same time, and their rates add up.
        sending_ms += (to_ms - from_ms.max(sent_until)).max(0);
        sendable += stretch.rate * (to_ms - from_ms) as f64;
        sent_until = sent_until.max(to_ms);
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
        let steps = folded(vec![vec![stretch(5, 17, 240, 20.0)]], 9, LATE);
        assert_eq!((steps[0].from_ms, steps[0].to_ms, steps[0].contacts_a_second()), (5000, 17_000, 20.0));
        // Two runs, with an hour between them.
        let runs = vec![stretch(3600, 3660, 60, 2.0), stretch(0, 60, 60, 2.0)];
        let two = folded(vec![runs.clone()], 2, LATE);
        assert_eq!((two.len(), two[1].from_ms, two[1].contacts_a_second()), (2, 3_600_000, 1.0));
        let one = folded(vec![runs], 1, LATE);
        assert_eq!((one.len(), one[0].contacts_a_second(), one[0].rate), (1, 1.0, 2.0));
        assert_eq!(one[0].throttled_share(), 2.0 / 122.0);
    }

    #[test]
    fn ledgers_that_send_at_the_same_time_add_up() {
        let two = folded(vec![vec![stretch(0, 60, 60, 1.0)], vec![stretch(0, 60, 60, 1.0)]], 9, LATE);
        assert_eq!((two[0].seconds, two[0].contacts_a_second(), two[0].rate), (60.0, 2.0, 2.0));
        let three = folded(
            vec![vec![stretch(0, 60, 60, 1.0)], vec![stretch(10, 20, 9, 1.0), stretch(30, 60, 30, 1.0)]],
            9,
            LATE,
        );
        assert_eq!((three.len(), three[0].created, three[0].seconds), (1, 99, 60.0));
    }

    #[test]
    fn short_runs_of_one_ledger_have_the_rate_that_was_set() {
        // 300 runs one after another, each of which sends one row in 10 ms, every 150 ms.
        let run = |number: i64| Stretch {
            from_ms: number * 150,
            to_ms: number * 150 + 10,
            throttled: 0,
            ..stretch(0, 0, 1, 500.0)
        };
        let runs: Vec<Stretch> = (0..300).map(run).collect();
        for at_most in [9, 900] {
            let steps = folded(vec![runs.clone()], at_most, LATE);
            assert_eq!((steps.len(), steps[0].rate, steps[0].seconds), (1, 500.0, 3.0));
            assert_eq!(steps[0].contacts_a_second(), 100.0);
        }
        // Of a run that died it is only known in which minute, and in that the next one sends.
        let died = vec![stretch(0, 60, 20, 2.0), stretch(20, 60, 80, 4.0)];
        let steps = folded(vec![died], 1, LATE);
        assert_eq!((steps[0].seconds, steps[0].rate), (60.0, (20.0 * 2.0 + 40.0 * 4.0) / 60.0));
    }

    #[test]
    fn a_burst_lasts_as_long_as_its_rate_asks_and_a_step_under_way_ends_now() {
        let burst = Stretch { to_ms: 5001, ..stretch(5, 5, 9, 20.0) };
        let step = folded(vec![vec![burst]], 9, LATE)[0];
        assert_eq!((step.contacts_a_second(), step.rate, step.to_ms), (18.0, 20.0, 6000));
        let of_a_second = Stretch { rate: 2.0, ..burst };
        assert_eq!(folded(vec![vec![of_a_second]], 9, LATE)[0].contacts_a_second(), 9.0);
        let under_way = folded(vec![vec![stretch(0, 60, 20, 2.0)]], 9, 10_000);
        assert_eq!((under_way[0].to_ms, under_way[0].contacts_a_second()), (10_000, 2.0));
    }

    #[test]
    fn time_never_runs_backwards() {
        let end_of_a_minute = Stretch { from_ms: 59_800, to_ms: 59_900, ..stretch(59, 59, 9, 2.0) };
        let next = Stretch { step: 1, ..stretch(60, 90, 60, 2.0) };
        let steps = folded(vec![vec![next, end_of_a_minute]], 9, LATE);
        assert_eq!((steps[0].from_ms, steps[0].to_ms, steps[1].from_ms), (59_800, 60_000, 60_000));
        assert_eq!((steps[1].seconds, steps[1].rate), (30.0, 2.0));
    }
}
