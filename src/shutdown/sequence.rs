//! What each signal of a sequence does, as a function of their times. Pure.

use std::time::Duration;

/// Two signals within this time are one request. GNU timeout signals its child and then the child's group, and a wrapper
/// passes on a signal that its group got as well: `findings/gnu_timeout_signals_its_child_twice.sh`.
pub const ONE_REQUEST: Duration = Duration::from_secs(1);

/// Time beyond the grace period after which the process is ended. What is left to do then is to write the rejects and the
/// summary; AWS Batch allows 30 s in all, and its sample has a grace period of 15 s.
pub const SETTLE_TIME: Duration = Duration::from_secs(10);

/// The effect of a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SignalEffect {
    /// The command is asked to stop.
    Stop,
    /// None: the signal repeats the first one.
    Repeated,
    /// The process ends, since there is nothing that the command has to settle.
    End,
    /// The process ends, since the first signal was to no avail.
    EndNow,
}

/// The signals of a process. Times are those of a clock that never goes back.
#[derive(Debug, Default)]
pub(super) struct SignalSequence {
    first: Option<First>,
}

#[derive(Debug)]
struct First {
    at: Duration,
    allowed: Duration,
}

impl SignalSequence {
    /// Receives a signal at `now`; the two kinds are equal. `grace` is how long the command waits for requests in flight; `None` if it
    /// has nothing to settle.
    pub(super) fn receive(&mut self, now: Duration, grace: Option<Duration>) -> SignalEffect {
        match (&self.first, grace) {
            (None, None) => SignalEffect::End,
            (None, Some(grace)) => {
                self.first = Some(First { at: now, allowed: grace.saturating_add(SETTLE_TIME) });
                SignalEffect::Stop
            }
            (Some(first), _) if now.saturating_sub(first.at) < ONE_REQUEST => SignalEffect::Repeated,
            (Some(_), _) => SignalEffect::EndNow,
        }
    }

    /// Time left at `now` until the process is ended, after the first signal.
    pub(super) fn time_left(&self, now: Duration) -> Option<Duration> {
        self.first.as_ref().map(|first| first.at.saturating_add(first.allowed).saturating_sub(now))
    }

    /// How long the command was allowed after the first signal.
    pub(super) fn allowed(&self) -> Duration {
        self.first.as_ref().map_or(Duration::ZERO, |first| first.allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Option<Duration> = Some(Duration::from_secs(30));

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn effects(times: &[u64]) -> Vec<SignalEffect> {
        let mut sequence = SignalSequence::default();
        times.iter().map(|time| sequence.receive(ms(*time), GRACE)).collect()
    }

    #[test]
    fn signals_within_a_second_of_the_first_are_one_request() {
        use SignalEffect::{EndNow, Repeated, Stop};
        assert_eq!(effects(&[5_000, 5_000]), [Stop, Repeated]);
        assert_eq!(effects(&[5_000, 5_001, 5_500, 5_999]), [Stop, Repeated, Repeated, Repeated]);
        assert_eq!(effects(&[5_000, 6_000]), [Stop, EndNow]);
        // Measured from the first, so that a user who presses Ctrl-C again and again ends the process.
        assert_eq!(effects(&[0, 700, 1_400]), [Stop, Repeated, EndNow]);
    }

    #[test]
    fn without_anything_to_settle_the_first_signal_ends_the_process() {
        assert_eq!(SignalSequence::default().receive(ms(3), None), SignalEffect::End);
    }

    #[test]
    fn the_process_is_ended_after_the_grace_period_and_the_settle_time() {
        let mut sequence = SignalSequence::default();
        assert_eq!(sequence.time_left(ms(1)), None);
        sequence.receive(ms(2_000), GRACE);
        assert_eq!(sequence.allowed(), ms(40_000));
        assert_eq!(sequence.time_left(ms(12_000)), Some(ms(30_000)));
        // A repeated signal does not prolong it.
        sequence.receive(ms(2_500), GRACE);
        assert_eq!(sequence.time_left(ms(42_000)), Some(Duration::ZERO));
        assert_eq!(sequence.time_left(ms(50_000)), Some(Duration::ZERO));
        let mut endless = SignalSequence::default();
        endless.receive(ms(1), Some(Duration::MAX));
        assert!(endless.time_left(ms(2)).is_some());
    }
}
