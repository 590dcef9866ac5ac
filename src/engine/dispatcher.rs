//! The dispatcher: claims rows, starts attempts, and decides from their reports how the run goes on.
//!
//! Attempts share no state with it. Everything that happens reaches it through the one `select!` of its loop.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::attempt::{AttemptReport, AttemptResources, RowMappings};
use super::ending::Ending;
use super::import::{Import, ImportError};
use super::in_flight::InFlightTracker;
use super::instance_probe::InstanceProbe;
use super::outage::{OutageDetector, ProbeGate};
use super::queue::{QueuedRow, RowQueue};
use super::statistics::{RateMeter, TrafficCounter};
use crate::control_signals::ControlSignal;
use crate::crash_plan::CrashPoint;
use crate::event::{Progress, RunEvent};
use crate::ledger::{Cause, Claim, LedgerError, RowState, RunRecord, Settled};
use crate::pacing::{Concurrency, Pacer, Pause, Permit, PoolFailure, Rate, Reaction};
use crate::submission::{AttemptContext, Decision, Submitter, is_contact_unnamed};

/// Interval of progress events, and of decisions that depend on time alone.
const TICK: Duration = Duration::from_millis(200);

impl<S: Submitter> Import<S> {
    /// Sends the waiting rows until all are settled or something stops the run. `run` is the run's record after the
    /// intake.
    ///
    /// # Errors
    /// - [`ImportError::Ledger`]: the ledger cannot be read or written.
    /// - [`ImportError::Task`]: a task panicked.
    pub async fn run(self, run: &RunRecord) -> Result<(Ending, Progress), ImportError> {
        let ledger = self.ledger.clone();
        let mapping = self.mapping.clone();
        ledger.note_held_back(self.held_back).await?;
        let mappings = tokio::task::spawn_blocking(move || RowMappings::compile(&ledger, &mapping)).await??;
        Dispatcher::new(self, mappings, run).run().await
    }
}

struct Dispatcher<S> {
    import: Import<S>,
    resources: Arc<AttemptResources<S>>,
    concurrency: Concurrency,
    is_concurrency_reported: bool,
    /// Found rate that the ledger has, requests per second.
    saved_rate: Option<f64>,
    attempts: JoinSet<Result<AttemptReport, LedgerError>>,
    queue: RowQueue,
    /// Rows that may still be claimed.
    claimable: u64,
    instance_probe: InstanceProbe,
    outage: OutageDetector,
    /// Whether an answer refused the time of a signature, so that requests are signed with the service's time since.
    is_clock_corrected: bool,
    /// Error of the last row that is left in doubt for the next run.
    left_in_doubt: Option<Cause>,
    ending: Option<Ending>,
    /// Whether a request was sent.
    has_sent: bool,
    progress: Progress,
    /// Rows of the input, and waiting rows of other inputs: the whole of an error budget in per cent.
    rows_read: u64,
    rate_meter: RateMeter,
    traffic: TrafficCounter,
    started: Instant,
}

impl<S: Submitter> Dispatcher<S> {
    fn new(import: Import<S>, mappings: RowMappings, run: &RunRecord) -> Self {
        let probe_gate = Arc::new(ProbeGate::new());
        let resources = AttemptResources {
            ledger: import.ledger.clone(),
            submitter: import.submitter.clone(),
            mappings,
            pacer: Pacer::new(import.rate, run.rate, import.burst),
            policy: import.policy,
            idempotency_window: import.idempotency_window,
            crash_plan: import.crash_plan.clone(),
            in_flight: InFlightTracker::default(),
            in_flight_slots: Arc::new(Semaphore::new(import.concurrency.min(Semaphore::MAX_PERMITS))),
            probe_gate: probe_gate.clone(),
            drain: CancellationToken::new(),
            abort: CancellationToken::new(),
        };
        let progress = Progress {
            to_send: import.to_send,
            rejected: run.rows.of(RowState::Rejected),
            accepted: run.rows.of(RowState::Accepted),
            unknown: run.rows.of(RowState::Unknown),
            ..Progress::default()
        };
        Dispatcher {
            resources: Arc::new(resources),
            concurrency: Concurrency::new(import.concurrency),
            is_concurrency_reported: false,
            saved_rate: None,
            attempts: JoinSet::new(),
            queue: RowQueue::default(),
            claimable: import.to_send,
            instance_probe: InstanceProbe::new(run.instance_proven),
            outage: OutageDetector::new(import.policy.on_unknown, probe_gate),
            is_clock_corrected: false,
            left_in_doubt: None,
            ending: None,
            has_sent: false,
            progress,
            rows_read: run.own_rows() + run.adopted,
            rate_meter: RateMeter::default(),
            traffic: TrafficCounter::new(),
            started: Instant::now(),
            import,
        }
    }

    /// Runs until no row is left to send, or the run has ended and its attempts are settled.
    async fn run(mut self) -> Result<(Ending, Progress), ImportError> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shutdown = self.import.shutdown.clone();
        let mut abort_at: Option<Instant> = None;
        self.enforce_error_budget();
        self.enforce_deadline();
        loop {
            if self.ending.is_none() {
                self.claim_rows().await?;
                self.start_attempts();
            } else if abort_at.is_none() {
                abort_at = Some(Instant::now() + self.import.grace);
                self.resources.crash_plan.reach(CrashPoint::Shutdown);
            }
            let next_due = self.queue.next_due();
            if self.attempts.is_empty() && (self.ending.is_some() || next_due.is_none()) {
                break;
            }
            let is_sending = self.ending.is_none();
            tokio::select! {
                // If the attempt panicked, it may have been sent: its row stays in flight in the ledger.
                Some(report) = self.attempts.join_next() => self.handle_report(report??),
                signal = shutdown.requested(), if is_sending => self.end(Ending::Interrupted(signal)),
                signal = self.import.control_signals.next() => self.handle_control_signal(signal).await?,
                () = sleep_until(self.import.deadline), if is_sending => self.enforce_deadline(),
                () = sleep_until(next_due), if is_sending => {
                    self.queue.release_due(self.outage.is_outage());
                }
                // Attempts then settle their rows as unanswered, which takes no longer than a commit.
                () = sleep_until(abort_at), if !self.resources.abort.is_cancelled() => {
                    self.resources.abort.cancel();
                }
                _ = ticks.tick() => self.handle_tick().await?,
            }
        }
        self.save_found_rate().await?;
        self.save_traffic(true).await?;
        self.emit_progress();
        let all_sent = if self.import.held_back > 0 { Ending::LimitReached } else { Ending::Complete };
        let all_sent = self.left_in_doubt.map_or(all_sent, Ending::Unanswered);
        let ending = match self.ending.unwrap_or(all_sent) {
            // Requests that were in flight when it was found are known only now.
            Ending::Untrusted { cause, .. } => Ending::Untrusted { cause, has_sent: self.has_sent },
            ending => ending,
        };
        Ok((ending, self.progress))
    }

    /// Claims rows when fewer are ready than can be sent at once.
    async fn claim_rows(&mut self) -> Result<(), LedgerError> {
        let needed = self.needed_concurrency();
        if self.queue.ready_len() >= needed || self.claimable == 0 {
            return Ok(());
        }
        let limit = (2 * needed).max(64).min(usize::try_from(self.claimable).unwrap_or(usize::MAX));
        let claims = self.resources.ledger.claim(limit).await?;
        self.claimable =
            if claims.is_empty() { 0 } else { self.claimable.saturating_sub(claims.len() as u64) };
        self.queue.extend(claims);
        Ok(())
    }

    fn start_attempts(&mut self) {
        let max = self.outage.max_attempts(self.needed_concurrency());
        while self.attempts.len() < max {
            let Some(QueuedRow { claim, attempts }) = self.queue.pop() else { return };
            let context = AttemptContext {
                attempts,
                instance: self.instance_probe.evidence_for(claim.row),
                outage: self.outage.is_outage_for(claim.row),
                is_clock_corrected: self.is_clock_corrected,
            };
            self.attempts.spawn(self.resources.clone().attempt(claim, context));
        }
    }

    /// Requests that the current rate needs in flight.
    fn needed_concurrency(&self) -> usize {
        self.concurrency.needed(self.resources.pacer.rate())
    }

    fn handle_report(&mut self, report: AttemptReport) {
        match report {
            AttemptReport::NotStarted => {}
            AttemptReport::Postponed { claim, attempts } => {
                self.queue.requeue(QueuedRow { claim, attempts }, Duration::ZERO);
            }
            AttemptReport::SetAside { settled, cause, _in_flight_permit } => {
                self.record_settled(&settled, Some(cause), true, None);
            }
            AttemptReport::Attempted { settled, decision, cause, permit, latency, _in_flight_permit } => {
                self.concurrency.answered(latency);
                self.traffic.count(&decision, latency);
                self.progress.attempts += 1;
                self.apply_to_pool(&settled.claim, &decision, cause.as_ref(), permit);
                let is_waiting = settled.status.state == RowState::Pending;
                let latency = decision.pool_failure.is_none().then_some(latency);
                let is_done = !is_waiting || decision.retry_in.is_none();
                self.record_settled(&settled, cause.clone(), is_done, latency);
                let row = QueuedRow { claim: settled.claim, attempts: decision.attempts };
                match decision.retry_in {
                    _ if !is_waiting => {}
                    None => self.left_in_doubt = cause,
                    Some(delay) => self.queue.requeue(row, delay),
                }
            }
        }
    }

    /// Applies the result of an attempt to the pool of requests and to the run.
    fn apply_to_pool(&mut self, claim: &Claim, decision: &Decision, cause: Option<&Cause>, permit: Permit) {
        if let Some(ending) = self.instance_probe.record(claim, decision, cause) {
            self.end(ending);
        }
        self.has_sent |= decision.may_have_sent();
        match decision.pool_failure {
            None => self.resources.pacer.answered(),
            Some(PoolFailure::Throttled) => self.progress.throttled += 1,
            Some(PoolFailure::Unanswered) => self.progress.unanswered += 1,
            Some(PoolFailure::Unreachable | PoolFailure::CredentialsUnavailable) => {}
        }
        // Requests in flight at the first correction are refused, too.
        if let Some(offset) = decision.clock_correction.filter(|_| !self.is_clock_corrected) {
            self.is_clock_corrected = true;
            self.import.reporter.emit(RunEvent::ClockCorrected(offset));
        }
        let counted = self.outage.record(claim.row, decision.pool_failure);
        if let (Some(failure), Some(cause)) = (decision.pool_failure, cause) {
            let is_counted = counted.is_some();
            self.pause_or_give_up(failure, is_counted, decision.retry_after, cause.clone(), permit);
        }
    }

    /// Pauses the pool after a failure. One that is not counted pauses it only if the service asks for a pause.
    fn pause_or_give_up(
        &mut self,
        failure: PoolFailure,
        is_counted: bool,
        asked: Option<Duration>,
        cause: Cause,
        permit: Permit,
    ) {
        // No request will be sent, so there is nothing to pause.
        if self.ending.is_some() {
            return;
        }
        // An endpoint that names no contact for two rows names none for any: each further row would be one more in doubt.
        if is_counted && failure == PoolFailure::Unanswered && is_contact_unnamed(&cause.code) {
            return self.end(Ending::Unanswered(cause));
        }
        let pacer = &self.resources.pacer;
        let reaction = match asked {
            _ if is_counted => pacer.report_failure(failure, asked, permit, fastrand::f64()),
            Some(asked) => pacer.hold(asked),
            None => Reaction::None,
        };
        match reaction {
            Reaction::None => {}
            Reaction::Pause(Pause { duration: pause, is_asked }) => {
                self.import.reporter.emit(RunEvent::Paused { failure, cause, pause, is_asked });
            }
            Reaction::GiveUp => self.end(Ending::after(failure, cause)),
        }
    }

    fn record_settled(
        &mut self,
        settled: &Settled,
        cause: Option<Cause>,
        is_done: bool,
        latency: Option<Duration>,
    ) {
        let state = settled.status.state;
        match state {
            RowState::Created => self.progress.created += 1,
            RowState::Rejected => self.progress.rejected += 1,
            RowState::Accepted => self.progress.accepted += 1,
            RowState::Failed => self.progress.failed += 1,
            RowState::Unknown => self.progress.unknown += 1,
            RowState::Pending | RowState::InFlight | RowState::Withdrawn => {}
        }
        if is_done {
            self.progress.done += 1;
            self.outage.forget(settled.claim.row);
            self.enforce_error_budget();
        }
        debug!(row = %settled.claim.row, line = settled.claim.line, %state, done = is_done, "settled");
        self.import.reporter.emit(RunEvent::RowSettled {
            source: settled.claim.source.clone(),
            line: settled.claim.line,
            key: settled.claim.key.clone(),
            state,
            done: is_done,
            cause,
            latency,
        });
    }

    async fn handle_control_signal(&mut self, signal: ControlSignal) -> Result<(), LedgerError> {
        let event = match signal {
            ControlSignal::ShowInFlight => RunEvent::InFlightListed(self.resources.in_flight.list()),
            ControlSignal::ReloadRate => {
                let rate = (self.import.rate_source)();
                if let Ok(rate) = rate {
                    self.resources.pacer.set_rate(rate);
                    let per_second = self.resources.pacer.target_rate();
                    self.resources.ledger.set_rate(per_second, rate == Rate::Auto).await?;
                }
                RunEvent::RateReloaded(rate)
            }
        };
        self.import.reporter.emit(event);
        Ok(())
    }

    /// Ends the run when more rows have failed than the budget allows, including those rejected by the intake.
    fn enforce_error_budget(&mut self) {
        let errors = self.progress.rejected + self.progress.failed + self.progress.unknown;
        if let Some(budget) =
            self.import.max_errors.filter(|budget| budget.is_exceeded(errors, self.rows_read))
        {
            self.end(Ending::ErrorBudget(budget));
        }
    }

    fn enforce_deadline(&mut self) {
        if self.import.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            self.end(Ending::TimeBudget);
        }
    }

    /// Stops sending. A second reason is ignored: the first explains the run's end.
    fn end(&mut self, ending: Ending) {
        if self.ending.is_some() {
            return;
        }
        let signal = if let Ending::Interrupted(signal) = ending { Some(signal) } else { None };
        self.ending = Some(ending);
        // Before the report that ends the run frees its in-flight permit: no waiting attempt may get that.
        self.resources.drain.cancel();
        let in_flight = self.resources.in_flight.len();
        self.import.reporter.emit(RunEvent::Draining { signal, in_flight, grace: self.import.grace });
    }

    async fn handle_tick(&mut self) -> Result<(), LedgerError> {
        if self.outage.may_raise_concurrency() {
            self.concurrency.note_oldest(self.resources.in_flight.oldest());
        }
        self.resources.pacer.update();
        self.save_found_rate().await?;
        self.save_traffic(false).await?;
        self.report_concurrency_limit();
        self.emit_progress();
        Ok(())
    }

    /// Writes the found rate to the ledger while the run goes on: the next run starts from it even after a crash.
    async fn save_found_rate(&mut self) -> Result<(), LedgerError> {
        let found = self.resources.pacer.found_rate();
        if let Some(rate) = found.filter(|_| found != self.saved_rate) {
            self.resources.ledger.note_found(rate).await?;
            self.saved_rate = found;
        }
        Ok(())
    }

    async fn save_traffic(&mut self, is_final: bool) -> Result<(), LedgerError> {
        match self.traffic.take_due(self.resources.pacer.rate(), is_final) {
            Some((minute, traffic)) => self.resources.ledger.note_traffic(minute, traffic).await,
            None => Ok(()),
        }
    }

    /// Reports once per run that the maximum concurrency keeps the rate below its target.
    fn report_concurrency_limit(&mut self) {
        let rate = self.resources.pacer.rate();
        let in_flight = self.resources.in_flight.len();
        let is_full = in_flight > 0 && in_flight >= self.concurrency.max();
        let possible =
            self.concurrency.attainable_below(rate).filter(|_| is_full && !self.is_concurrency_reported);
        if let Some(rate) = possible {
            self.is_concurrency_reported = true;
            let latency = self.concurrency.latency();
            self.import.reporter.emit(RunEvent::ConcurrencyLimited { in_flight, latency, rate });
        }
    }

    fn emit_progress(&mut self) {
        self.progress.rate_set = self.resources.pacer.target_rate();
        self.progress.elapsed = self.started.elapsed();
        self.progress.in_flight = self.resources.in_flight.len();
        self.rate_meter.measure(&mut self.progress);
        self.import.reporter.emit(RunEvent::Progress(self.progress));
    }
}

/// Sleeps until `time`, or never returns without one.
async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}
