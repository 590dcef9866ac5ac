//! Requests over time, in steps that fit on a plot.

use serde::Serialize;

use crate::ledger::{LedgerError, LedgerReader, RunTraffic};

/// Possible lengths of a step, minutes: round on the clock.
const STEPS: [i64; 15] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 40_320];

/// Requests of all runs of all ledgers in one step of time.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize)]
pub(super) struct Step {
    /// Start, Unix milliseconds.
    pub(super) from_ms: i64,
    /// End as plotted, Unix milliseconds: at least a second after the start unless another step follows.
    pub(super) to_ms: i64,
    /// Time in which a run was sending, seconds.
    pub(super) seconds: f64,
    /// Attempts that ended in the step.
    pub(super) attempts: u64,
    /// Attempts that created a contact.
    pub(super) created: u64,
    /// Throttled attempts.
    pub(super) throttled: u64,
    /// Unanswered attempts.
    pub(super) unanswered: u64,
    /// Target rate, requests per second: the mean over the time of sending. Rates of ledgers that send at the same time
    /// add up.
    pub(super) rate: f64,
}

impl Step {
    /// Created contacts per second of sending.
    pub(super) fn contacts_per_second(&self) -> f64 {
        self.created as f64 / self.seconds
    }

    /// Share of throttled attempts, from 0 to 1.
    pub(super) fn throttled_share(&self) -> f64 {
        self.throttled as f64 / self.attempts.max(1) as f64
    }

    /// Share of unanswered attempts, from 0 to 1.
    pub(super) fn unanswered_share(&self) -> f64 {
        self.unanswered as f64 / self.attempts.max(1) as f64
    }
}

/// The steps of all ledgers and the minutes of a step: the shortest length with at most `at_most` steps, if there is
/// one.
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
        runs.push(ledger.run_traffic(minutes)?);
    }
    Ok((minutes, merge_runs(runs, at_most, now_ms)))
}

/// Minimum plotted length of a step. Shorter ones could not be seen.
const SEEN_MS: i64 = 1000;

/// Merges the runs of each ledger into steps that do not overlap. Successive runs within a step length stay separate
/// steps unless these are more than `at_most`.
fn merge_runs(ledgers: Vec<Vec<RunTraffic>>, at_most: u64, now_ms: i64) -> Vec<Step> {
    let mut stretches: Vec<RunTraffic> =
        ledgers.into_iter().flat_map(|runs| without_overlap(runs, now_ms)).collect();
    stretches.sort_unstable_by_key(|stretch| (stretch.step, stretch.from_ms));
    let mut steps = merge_stretches(&stretches, false);
    if steps.len() as u64 > at_most {
        steps = merge_stretches(&stretches, true);
    }
    steps.sort_by_key(|step| step.from_ms);
    for at in 1..steps.len() {
        steps[at - 1].to_ms = steps[at - 1].to_ms.min(steps[at].from_ms);
    }
    steps
}

/// The runs of one ledger, which never send at the same time: a run that died ends where the next one starts.
fn without_overlap(mut runs: Vec<RunTraffic>, now_ms: i64) -> Vec<RunTraffic> {
    runs.sort_unstable_by_key(|run| run.from_ms);
    let mut next_ms = i64::MAX;
    for run in runs.iter_mut().rev() {
        // A burst takes less time than its rate allows, which would show as a higher rate.
        let least_ms = (run.attempts as f64 * 1000.0 / run.rate).min(1000.0) as i64;
        let to_ms = run.to_ms.min(now_ms).max(run.from_ms + least_ms);
        run.to_ms = to_ms.min(next_ms).max(run.from_ms + 1);
        next_ms = run.from_ms;
    }
    runs
}

/// One step for each group of overlapping stretches, or with `joins_all` for all stretches of a step length.
fn merge_stretches(stretches: &[RunTraffic], joins_all: bool) -> Vec<Step> {
    let mut groups: Vec<(i64, Vec<RunTraffic>)> = Vec::new();
    for stretch in stretches {
        let seen_ms = stretch.to_ms.max(stretch.from_ms + SEEN_MS);
        match groups.last_mut() {
            Some((until, group))
                if group[0].step == stretch.step && (joins_all || stretch.from_ms < *until) =>
            {
                *until = seen_ms.max(*until);
                group.push(*stretch);
            }
            Some(_) | None => groups.push((seen_ms, vec![*stretch])),
        }
    }
    groups.iter().filter_map(|(until, group)| sum_up(group, *until)).collect()
}

fn sum_up(stretches: &[RunTraffic], until_ms: i64) -> Option<Step> {
    let from_ms = stretches.first()?.from_ms;
    let mut step = Step { from_ms, to_ms: until_ms, ..Step::default() };
    let (mut sending_ms, mut sendable, mut sent_until) = (0, 0.0, from_ms);
    for stretch in stretches {
        let RunTraffic { from_ms, to_ms, .. } = *stretch;
        // Shards send at the same time, and their rates add up.
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

    fn stretch(from_s: i64, to_s: i64, created: u64, rate: f64) -> RunTraffic {
        let (from_ms, to_ms) = (from_s * 1000, to_s * 1000);
        let attempts = created + 1;
        RunTraffic { step: 0, from_ms, to_ms, attempts, created, throttled: 1, unanswered: 0, rate }
    }

    #[test]
    fn rates_are_means_over_the_time_of_sending() {
        let steps = merge_runs(vec![vec![stretch(5, 17, 240, 20.0)]], 9, LATE);
        assert_eq!((steps[0].from_ms, steps[0].to_ms, steps[0].contacts_per_second()), (5000, 17_000, 20.0));
        // Two runs, with an hour between them.
        let runs = vec![stretch(3600, 3660, 60, 2.0), stretch(0, 60, 60, 2.0)];
        let two = merge_runs(vec![runs.clone()], 2, LATE);
        assert_eq!((two.len(), two[1].from_ms, two[1].contacts_per_second()), (2, 3_600_000, 1.0));
        let one = merge_runs(vec![runs], 1, LATE);
        assert_eq!((one.len(), one[0].contacts_per_second(), one[0].rate), (1, 1.0, 2.0));
        assert_eq!(one[0].throttled_share(), 2.0 / 122.0);
    }

    #[test]
    fn rates_of_simultaneous_ledgers_add_up() {
        let two = merge_runs(vec![vec![stretch(0, 60, 60, 1.0)], vec![stretch(0, 60, 60, 1.0)]], 9, LATE);
        assert_eq!((two[0].seconds, two[0].contacts_per_second(), two[0].rate), (60.0, 2.0, 2.0));
        let three = merge_runs(
            vec![vec![stretch(0, 60, 60, 1.0)], vec![stretch(10, 20, 9, 1.0), stretch(30, 60, 30, 1.0)]],
            9,
            LATE,
        );
        assert_eq!((three.len(), three[0].created, three[0].seconds), (1, 99, 60.0));
    }

    #[test]
    fn short_runs_of_one_ledger_show_the_target_rate() {
        // 300 runs one after another, each of which sends one row in 10 ms, every 150 ms.
        let run = |number: i64| RunTraffic {
            from_ms: number * 150,
            to_ms: number * 150 + 10,
            throttled: 0,
            ..stretch(0, 0, 1, 500.0)
        };
        let runs: Vec<RunTraffic> = (0..300).map(run).collect();
        for at_most in [9, 900] {
            let steps = merge_runs(vec![runs.clone()], at_most, LATE);
            assert_eq!((steps.len(), steps[0].rate, steps[0].seconds), (1, 500.0, 3.0));
            assert_eq!(steps[0].contacts_per_second(), 100.0);
        }
        // The end of a run that died is known to the minute only, in which the next run sends too.
        let died = vec![stretch(0, 60, 20, 2.0), stretch(20, 60, 80, 4.0)];
        let steps = merge_runs(vec![died], 1, LATE);
        assert_eq!((steps[0].seconds, steps[0].rate), (60.0, (20.0 * 2.0 + 40.0 * 4.0) / 60.0));
    }

    #[test]
    fn a_burst_lasts_as_long_as_its_rate_requires_and_an_open_step_ends_now() {
        let burst = RunTraffic { to_ms: 5001, ..stretch(5, 5, 9, 20.0) };
        let step = merge_runs(vec![vec![burst]], 9, LATE)[0];
        assert_eq!((step.contacts_per_second(), step.rate, step.to_ms), (18.0, 20.0, 6000));
        let of_a_second = RunTraffic { rate: 2.0, ..burst };
        assert_eq!(merge_runs(vec![vec![of_a_second]], 9, LATE)[0].contacts_per_second(), 9.0);
        let under_way = merge_runs(vec![vec![stretch(0, 60, 20, 2.0)]], 9, 10_000);
        assert_eq!((under_way[0].to_ms, under_way[0].contacts_per_second()), (10_000, 2.0));
    }

    #[test]
    fn steps_do_not_overlap() {
        let end_of_a_minute = RunTraffic { from_ms: 59_800, to_ms: 59_900, ..stretch(59, 59, 9, 2.0) };
        let next = RunTraffic { step: 1, ..stretch(60, 90, 60, 2.0) };
        let steps = merge_runs(vec![vec![next, end_of_a_minute]], 9, LATE);
        assert_eq!((steps[0].from_ms, steps[0].to_ms, steps[1].from_ms), (59_800, 60_000, 60_000));
        assert_eq!((steps[1].seconds, steps[1].rate), (30.0, 2.0));
    }
}
