//! The outage policy: how a run treats attempts that are sent and not answered.
//!
//! One unanswered attempt may be the fault of its row. Unanswered attempts of two rows, without an answer in
//! between, are an outage, which lasts until an attempt is answered:
//!
//! - The pool pauses, longer each time; `pacing` sets the pauses and says when to give up (after about seven
//!   minutes). Throttling and failed connections pause the pool without an outage.
//! - An unanswered attempt uses up none of its row's attempts, except for rows that went unanswered before while
//!   others were answered.
//! - Two rows whose answers name no contact end the run at once: a pause would change nothing about the endpoint.
//! - With `on_unknown = hold`, a row that goes unanswered is lost to the run. One row at a time probes the service.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ledger::RowId;
use crate::pacing::PoolFailure;
use crate::submission::OnUnknown;

/// Tells an outage from rows that go unanswered on their own, and decides how many rows are sent during an outage.
pub(super) struct OutageDetector {
    on_unknown: OnUnknown,
    probe_gate: Arc<ProbeGate>,
    /// Rows that went unanswered since the last answer to any row.
    unanswered: HashSet<RowId>,
    /// Rows that went unanswered while others were answered. They are no evidence of an outage.
    row_specific: HashSet<RowId>,
}

impl OutageDetector {
    pub(super) fn new(on_unknown: OnUnknown, probe_gate: Arc<ProbeGate>) -> Self {
        OutageDetector { on_unknown, probe_gate, unanswered: HashSet::new(), row_specific: HashSet::new() }
    }

    /// Records the result of an attempt: `failure` is none if it was answered, other than by throttling. Returns the
    /// failure that the pool must react to.
    pub(super) fn record(&mut self, row: RowId, failure: Option<PoolFailure>) -> Option<PoolFailure> {
        match failure {
            None => self.row_specific.extend(self.unanswered.drain()),
            Some(PoolFailure::Unanswered) if !self.row_specific.contains(&row) => {
                self.unanswered.insert(row);
            }
            Some(_) => {}
        }
        let is_outage = self.is_outage();
        self.probe_gate.set_probing(is_outage && self.on_unknown == OnUnknown::Hold);
        failure.filter(|failure| *failure != PoolFailure::Unanswered || is_outage)
    }

    /// Forgets a row that this run makes no further attempt for.
    pub(super) fn forget(&mut self, row: RowId) {
        self.row_specific.remove(&row);
    }

    /// Whether two or more rows went unanswered since the last answer.
    pub(super) fn is_outage(&self) -> bool {
        self.unanswered.len() >= 2
    }

    /// Whether an unanswered attempt of this row would be the outage's fault.
    pub(super) fn is_outage_for(&self, row: RowId) -> bool {
        self.is_outage() && !self.row_specific.contains(&row)
    }

    /// Maximum number of attempt tasks, where the rate needs `needed` requests in flight.
    pub(super) fn max_attempts(&self, needed: usize) -> usize {
        match self.on_unknown {
            OnUnknown::Hold if self.is_outage() => 1,
            OnUnknown::Hold => needed,
            // The ledger is committing the results of as many again.
            OnUnknown::Resend => 2 * needed,
        }
    }

    /// Whether requests that stay unanswered for long may raise the number of requests in flight. With
    /// `on_unknown = hold` more requests would lose more rows.
    pub(super) fn may_raise_concurrency(&self) -> bool {
        self.on_unknown == OnUnknown::Resend
    }
}

/// Admits every attempt, or one at a time while the service is probed.
///
/// Attempts pass it after they got their permit: those that were started before the outage was known must not be
/// sent into it.
pub(super) struct ProbeGate {
    is_probing: AtomicBool,
    probe: Arc<Semaphore>,
}

/// Admission of one attempt. The next probe is admitted when it is dropped.
pub(super) struct Admission(#[expect(dead_code, reason = "held until dropped")] Option<OwnedSemaphorePermit>);

impl ProbeGate {
    pub(super) fn new() -> Self {
        ProbeGate { is_probing: AtomicBool::new(false), probe: Arc::new(Semaphore::new(1)) }
    }

    /// Admits an attempt; none while another row probes the service.
    pub(super) fn try_admit(&self) -> Option<Admission> {
        if !self.is_probing.load(Ordering::Relaxed) {
            return Some(Admission(None));
        }
        self.probe.clone().try_acquire_owned().ok().map(|permit| Admission(Some(permit)))
    }

    fn set_probing(&self, is_probing: bool) {
        self.is_probing.store(is_probing, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNANSWERED: Option<PoolFailure> = Some(PoolFailure::Unanswered);

    fn detector(on_unknown: OnUnknown) -> OutageDetector {
        OutageDetector::new(on_unknown, Arc::new(ProbeGate::new()))
    }

    #[test]
    fn two_rows_unanswered_without_an_answer_in_between_are_an_outage() {
        let mut detector = detector(OnUnknown::Resend);
        assert_eq!(detector.record(RowId(1), UNANSWERED), None);
        assert_eq!(detector.record(RowId(1), UNANSWERED), None);
        assert!(!detector.is_outage());
        assert_eq!(detector.record(RowId(2), UNANSWERED), UNANSWERED);
        assert!(detector.is_outage());
        detector.record(RowId(3), None);
        assert!(!detector.is_outage());
    }

    #[test]
    fn a_row_unanswered_while_others_are_answered_is_no_evidence_of_an_outage() {
        let mut detector = detector(OnUnknown::Resend);
        detector.record(RowId(1), UNANSWERED);
        detector.record(RowId(2), None);
        detector.record(RowId(1), UNANSWERED);
        detector.record(RowId(3), UNANSWERED);
        assert!(!detector.is_outage());
        detector.record(RowId(4), UNANSWERED);
        assert!(detector.is_outage_for(RowId(4)) && !detector.is_outage_for(RowId(1)));
        // A later attempt for the row, in another context, starts without this history.
        detector.forget(RowId(1));
        assert!(detector.is_outage_for(RowId(1)));
    }

    #[test]
    fn throttling_and_failed_connections_pause_the_pool_and_neither_start_nor_end_an_outage() {
        let mut detector = detector(OnUnknown::Resend);
        for failure in [PoolFailure::Throttled, PoolFailure::Unreachable, PoolFailure::CredentialsUnavailable]
        {
            assert_eq!(detector.record(RowId(1), Some(failure)), Some(failure));
            assert_eq!(detector.record(RowId(2), Some(failure)), Some(failure));
            assert!(!detector.is_outage());
        }
        detector.record(RowId(1), UNANSWERED);
        detector.record(RowId(3), Some(PoolFailure::Throttled));
        assert_eq!(detector.record(RowId(2), UNANSWERED), UNANSWERED);
    }

    #[test]
    fn with_hold_one_row_at_a_time_probes_during_an_outage() {
        let mut detector = detector(OnUnknown::Hold);
        let gate = detector.probe_gate.clone();
        let before = [gate.try_admit(), gate.try_admit()];
        assert!(before.iter().all(Option::is_some) && detector.max_attempts(8) == 8);
        detector.record(RowId(1), UNANSWERED);
        detector.record(RowId(2), UNANSWERED);
        assert_eq!(detector.max_attempts(8), 1);
        let probe = gate.try_admit();
        assert!(probe.is_some() && gate.try_admit().is_none());
        drop(probe);
        let _next = gate.try_admit().unwrap();
        detector.record(RowId(3), None);
        assert!(gate.try_admit().is_some() && detector.max_attempts(8) == 8);
    }

    #[test]
    fn with_resend_an_outage_admits_every_attempt() {
        let mut detector = detector(OnUnknown::Resend);
        detector.record(RowId(1), UNANSWERED);
        detector.record(RowId(2), UNANSWERED);
        let _first = detector.probe_gate.try_admit().unwrap();
        assert!(detector.probe_gate.try_admit().is_some());
        assert_eq!(detector.max_attempts(8), 16);
    }
}
