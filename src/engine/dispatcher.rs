//! Rows from the ledger to Connect and back: claim → permit → begin → submit → settle → event.
//!
//! The dispatcher owns everything that decides; an attempt is a task that shares no state with it,
//! asks the gate before it starts, is told no after a drain, and reports back.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering as AtomicOrdering};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::attempt::{Report, Shared, attempt};
use super::in_flight::InFlightTracker;
use super::instance_probe::InstanceProbe;
use super::meter::Meter;
use super::outage::OutageDetector;
use super::rows::{Job, Rows};
use super::traffic::Gathered;
use super::waiting::{WaitingMappings, mappings_of_waiting_rows};
use super::{Ending, ErrorBudget};
use crate::control_signals::{ControlSignal, ControlSignals};
use crate::event::{Progress, Reporter, RunEvent};
use crate::ledger::{Cause, Claim, Ledger, LedgerError, RowState, RunRecord, Settled};
use crate::mapping::MappingSource;
use crate::pacing::{Concurrency, Pacer, Permit, PoolFailure, Rate, Reaction};
use crate::rehearsal::{CrashPoint, Rehearsal};
use crate::shutdown::Shutdown;
use crate::submission::{AttemptContext, Decision, OnUnknown, Policy, Submitter};

/// How often progress is told.
const TICK: Duration = Duration::from_millis(200);

/// An import of what waits in a ledger.
#[derive(Debug)]
pub struct Import<S> {
    /// The ledger, after the intake.
    pub ledger: Arc<Ledger>,
    /// Who sends.
    pub submitter: Arc<S>,
    /// Who is told.
    pub reporter: Arc<Reporter>,
    /// Whether to stop.
    pub shutdown: Shutdown,
    /// What else the operator asks for.
    pub wishes: ControlSignals,
    /// Where the rate is read again.
    pub rate_source: RateSource,
    /// The mapping.
    pub mapping: MappingSource,
    /// How fast.
    pub rate: Rate,
    /// Requests that may leave at once.
    pub burst: u32,
    /// Requests under way at most.
    pub concurrency: usize,
    /// How often a row is tried.
    pub policy: Policy,
    /// How long a token may be used again after a row's first attempt.
    pub idempotency_window: Duration,
    /// How long requests under way are awaited when the run stops.
    pub grace: Duration,
    /// Rows to send.
    pub to_send: u64,
    /// Rows that wait too and are not to be sent, by the limit.
    pub held_back: u64,
    /// How many rows may go wrong; none is any number.
    pub max_errors: Option<ErrorBudget>,
    /// When no further request is made; none is never.
    pub until: Option<Instant>,
    /// Where it crashes, if it is to.
    pub rehearsal: Rehearsal,
}

/// Reads the rate again, or says why it stays.
pub struct RateSource(pub Box<dyn Fn() -> Result<Rate, String> + Send>);

impl fmt::Debug for RateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RateSource")
    }
}

/// The import had to be given up.
#[derive(Debug, Error)]
pub enum ImportError {
    /// The ledger failed; nothing was sent after that.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A task of the import failed; a bug. What was in flight is durable as such.
    #[error("the import failed inside; run again to go on, and report the line above")]
    Task(#[from] tokio::task::JoinError),
}

impl<S: Submitter> Import<S> {
    /// Sends what waits, until all of it is settled or something stops the run.
    ///
    /// # Errors
    /// The ledger fails. Whatever was in flight is durable as such, and the next run settles it.
    pub async fn run(self, checked: &RunRecord) -> Result<(Ending, Progress), ImportError> {
        let ledger = self.ledger.clone();
        let mapping = self.mapping.clone();
        ledger.note_held_back(self.held_back).await?;
        // The calling task may not block on the ledger.
        let mappings =
            tokio::task::spawn_blocking(move || mappings_of_waiting_rows(&ledger, &mapping)).await??;
        Dispatcher::new(self, mappings, checked).run().await
    }
}

struct Dispatcher<S> {
    shared: Arc<Shared<S>>,
    reporter: Arc<Reporter>,
    shutdown: Shutdown,
    wishes: ControlSignals,
    rate_source: RateSource,
    until: Option<Instant>,
    concurrency: Concurrency,
    /// Whether it was told that the concurrency holds the rate.
    told_crowded: bool,
    grace: Duration,
    /// The rate that the ledger knows to be found.
    noted: Option<f64>,
    attempts: JoinSet<Report>,
    rows: Rows,
    /// Rows that may still be claimed.
    claimable: u64,
    /// Whether rows wait beyond those.
    is_limited: bool,
    /// What the answers say of the instance.
    proof: InstanceProbe,
    /// What the want of answers says.
    silence: OutageDetector,
    /// Why the last row went unanswered that this run has left to the next.
    left_in_doubt: Option<Cause>,
    ending: Option<Ending>,
    progress: Progress,
    /// Rows of the input and those that wait of others, which a budget in per cent is a share of.
    rows_read: u64,
    max_errors: Option<ErrorBudget>,
    meter: Meter,
    traffic: Gathered,
    started: Instant,
}

impl<S: Submitter> Dispatcher<S> {
    fn new(import: Import<S>, mappings: WaitingMappings, checked: &RunRecord) -> Self {
        let progress = Progress {
            to_send: import.to_send,
            rejected: checked.rows.of(RowState::Rejected),
            unknown: checked.rows.of(RowState::Unknown),
            ..Progress::default()
        };
        Dispatcher {
            shared: Arc::new(Shared {
                ledger: import.ledger,
                submitter: import.submitter,
                mappings,
                pacer: Pacer::new(import.rate, checked.rate, import.burst),
                policy: import.policy,
                idempotency_window: import.idempotency_window,
                rehearsal: import.rehearsal,
                places: Arc::new(Semaphore::new(import.concurrency.min(Semaphore::MAX_PERMITS))),
                is_probing: AtomicBool::new(false),
                probe: Semaphore::new(1),
                flights: InFlightTracker::default(),
                drain: CancellationToken::new(),
                abort: CancellationToken::new(),
            }),
            reporter: import.reporter,
            shutdown: import.shutdown,
            wishes: import.wishes,
            rate_source: import.rate_source,
            until: import.until,
            concurrency: Concurrency::new(import.concurrency),
            told_crowded: false,
            grace: import.grace,
            noted: None,
            attempts: JoinSet::new(),
            rows: Rows::default(),
            claimable: import.to_send,
            is_limited: import.held_back > 0,
            proof: InstanceProbe::new(checked.instance_proven),
            silence: OutageDetector::default(),
            left_in_doubt: None,
            ending: None,
            progress,
            rows_read: checked.own_rows() + checked.adopted,
            max_errors: import.max_errors,
            meter: Meter::default(),
            traffic: Gathered::new(),
            started: Instant::now(),
        }
    }

    async fn run(mut self) -> Result<(Ending, Progress), ImportError> {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shutdown = self.shutdown.clone();
        let mut deadline: Option<Instant> = None;
        self.weigh_errors();
        self.watch_the_clock();
        loop {
            if self.ending.is_none() {
                self.refill().await?;
                self.launch();
            } else if deadline.is_none() {
                deadline = Some(Instant::now() + self.grace);
                self.shared.drain.cancel();
                self.shared.rehearsal.reach(CrashPoint::Shutdown);
            }
            if self.attempts.is_empty() && (self.ending.is_some() || self.rows.due().is_none()) {
                break;
            }
            let due = self.rows.due();
            let running = self.ending.is_none();
            tokio::select! {
                Some(report) = self.attempts.join_next() => match report {
                    Ok(report) => self.receive(report)?,
                    // An attempt that panicked leaves its row in flight, which is the truth.
                    Err(error) => return Err(error.into()),
                },
                signal = shutdown.requested(), if running => self.end(Ending::Interrupted(signal)),
                wish = self.wishes.next() => self.grant(wish).await?,
                () = sleep_until(self.until), if running && self.until.is_some() => self.watch_the_clock(),
                () = sleep_until(due), if running && due.is_some() => {
                    let is_outage = self.silence.is_outage();
                    self.rows.wake(is_outage);
                }
                // Attempts settle themselves as unanswered then, which takes no longer than the disk.
                () = sleep_until(deadline), if !self.shared.abort.is_cancelled() => self.shared.abort.cancel(),
                _ = ticks.tick() => self.look_around().await?,
            }
        }
        self.note_found().await?;
        self.note_traffic(true).await?;
        self.tell_progress();
        let all_done = if self.is_limited { Ending::LimitReached } else { Ending::Complete };
        let by_itself = self.left_in_doubt.map_or(all_done, Ending::Unanswered);
        Ok((self.ending.unwrap_or(by_itself), self.progress))
    }

    /// Ends the run when its time is up.
    fn watch_the_clock(&mut self) {
        if self.until.is_some_and(|until| until <= Instant::now()) {
            self.end(Ending::TimeBudget);
        }
    }

    async fn grant(&mut self, wish: ControlSignal) -> Result<(), LedgerError> {
        let event = match wish {
            ControlSignal::ShowInFlight => RunEvent::InFlightListed(self.shared.flights.list()),
            ControlSignal::ReadRate => {
                let rate = (self.rate_source.0)();
                if let Ok(rate) = rate {
                    self.shared.pacer.set_rate(rate);
                    let per_second = self.shared.pacer.rate_set();
                    self.shared.ledger.set_rate(per_second, rate == Rate::Auto).await?;
                }
                RunEvent::RateReloaded(rate)
            }
        };
        self.reporter.emit(event);
        Ok(())
    }

    /// Claims more rows when fewer are at hand than can be sent at once.
    async fn refill(&mut self) -> Result<(), LedgerError> {
        let needed = self.needed();
        if self.rows.ready() >= needed || self.claimable == 0 {
            return Ok(());
        }
        let wanted = (2 * needed).max(64).min(usize::try_from(self.claimable).unwrap_or(usize::MAX));
        let claims = self.shared.ledger.claim(wanted).await?;
        self.claimable =
            if claims.is_empty() { 0 } else { self.claimable.saturating_sub(claims.len() as u64) };
        self.rows.take(claims);
        Ok(())
    }

    fn launch(&mut self) {
        let is_probing = self.shared.is_probing.load(AtomicOrdering::Relaxed);
        let needed = self.needed();
        let most = match self.shared.policy.on_unknown {
            OnUnknown::Hold if is_probing => 1,
            OnUnknown::Hold => needed,
            // As many again wait for the ledger to note what came of them.
            OnUnknown::Resend => 2 * needed,
        };
        while self.attempts.len() < most {
            let Some(job) = self.rows.next() else { return };
            let row = job.claim.row();
            let known = AttemptContext {
                tries: job.tries,
                instance: self.proof.of(row),
                outage: self.silence.is_outage() && !self.silence.is_odd(row),
            };
            self.attempts.spawn(attempt(self.shared.clone(), job.claim, known));
        }
    }

    /// The requests that the rate of now needs under way.
    fn needed(&self) -> usize {
        self.concurrency.needed(self.shared.pacer.rate())
    }

    fn receive(&mut self, report: Report) -> Result<(), ImportError> {
        match report {
            Report::GivenBack => {}
            Report::NotNow { claim, tries } => self.rows.take_back(Job { claim, tries }, Duration::ZERO),
            Report::Failed(error) => return Err(error.into()),
            Report::SetAside { settled, cause, _place } => self.settled(&settled, Some(cause), true, None),
            Report::Attempted { settled, decision, cause, permit, took, _place } => {
                self.concurrency.answered(took);
                self.traffic.add(&decision, took);
                self.progress.attempts += 1;
                self.weigh(&settled.claim, &decision, cause.as_ref(), permit);
                let waits = settled.status.state == RowState::Pending;
                let latency = decision.pool.is_none().then_some(took);
                self.settled(&settled, cause.clone(), !waits || decision.next.is_none(), latency);
                let job = Job { claim: settled.claim, tries: decision.tries };
                match decision.next {
                    _ if !waits => {}
                    None => self.left_in_doubt = cause,
                    Some(delay) => self.rows.take_back(job, delay),
                }
            }
        }
        Ok(())
    }

    /// What an attempt means for the pool and for the run.
    fn weigh(&mut self, claim: &Claim, decision: &Decision, cause: Option<&Cause>, permit: Permit) {
        let cause = cause.cloned().unwrap_or(Cause { code: String::new(), message: String::new() });
        if let Some(ending) = self.proof.weigh(claim, decision, &cause) {
            self.end(ending);
        }
        match decision.pool {
            None => {
                self.silence.is_broken();
                self.shared.pacer.answered();
            }
            Some(PoolFailure::Unanswered) => {
                self.progress.unanswered += 1;
                self.silence.goes_on(claim.row());
                if self.silence.is_outage() {
                    self.set_back(PoolFailure::Unanswered, cause, permit);
                }
            }
            Some(failure) => {
                self.progress.throttled += u64::from(failure == PoolFailure::Throttled);
                self.set_back(failure, cause, permit);
            }
        }
        self.mind_the_held();
    }

    /// Where rows are held, each that goes into an outage is lost to the run: one at a time does.
    fn mind_the_held(&self) {
        let is_probing = self.shared.policy.on_unknown == OnUnknown::Hold && self.silence.is_outage();
        self.shared.is_probing.store(is_probing, AtomicOrdering::Relaxed);
    }

    /// Holds the pool back, or ends the run when patience is at its end.
    fn set_back(&mut self, failure: PoolFailure, cause: Cause, permit: Permit) {
        // What comes in while a run ends says nothing new.
        if self.ending.is_some() {
            return;
        }
        match self.shared.pacer.set_back(failure, permit, fastrand::f64()) {
            Reaction::None => {}
            Reaction::Pause(pause) => {
                self.reporter.emit(RunEvent::Paused { failure, cause, pause });
            }
            Reaction::GiveUp => self.end(Ending::after(failure, cause)),
        }
    }

    fn settled(&mut self, settled: &Settled, cause: Option<Cause>, done: bool, latency: Option<Duration>) {
        let state = settled.status.state;
        match state {
            RowState::Created => self.progress.created += 1,
            RowState::Rejected => self.progress.rejected += 1,
            RowState::Failed => self.progress.failed += 1,
            RowState::Unknown => self.progress.unknown += 1,
            RowState::Pending | RowState::InFlight => {}
        }
        if done {
            self.progress.done += 1;
            self.silence.forget(settled.claim.row());
            self.weigh_errors();
        }
        debug!(row = %settled.claim.row(), line = settled.claim.line(), %state, done, "settled");
        self.reporter.emit(RunEvent::RowSettled {
            source: settled.claim.source().to_owned(),
            line: settled.claim.line(),
            key: settled.claim.key().to_owned(),
            state,
            done,
            cause,
            latency,
        });
    }

    /// Ends the run when more rows have gone wrong than may; those of the check count.
    fn weigh_errors(&mut self) {
        let errors = self.progress.rejected + self.progress.failed + self.progress.unknown;
        if let Some(budget) = self.max_errors.filter(|budget| budget.is_spent(errors, self.rows_read)) {
            self.end(Ending::ErrorBudget(budget));
        }
    }

    /// No new attempt from here on. The first reason stands.
    fn end(&mut self, ending: Ending) {
        if self.ending.is_some() {
            return;
        }
        let signal = ending.signal();
        self.ending = Some(ending);
        let in_flight = self.shared.flights.len();
        self.reporter.emit(RunEvent::Draining { signal, in_flight, grace: self.grace });
    }

    /// What time alone changes.
    async fn look_around(&mut self) -> Result<(), LedgerError> {
        // Where rows are held, silence is no reason to send more into it.
        if self.shared.policy.on_unknown == OnUnknown::Resend {
            self.concurrency.look(self.shared.flights.oldest());
        }
        self.shared.pacer.keep_up();
        self.note_found().await?;
        self.note_traffic(false).await?;
        self.watch_the_crowd();
        self.tell_progress();
        Ok(())
    }

    /// Has the ledger know the rate that was found, so that the next run starts from it, however this one ends.
    async fn note_found(&mut self) -> Result<(), LedgerError> {
        let found = self.shared.pacer.found();
        if let Some(rate) = found.filter(|_| found != self.noted) {
            self.shared.ledger.note_found(rate).await?;
            self.noted = found;
        }
        Ok(())
    }

    /// Has the ledger keep a record of what went over the wire.
    async fn note_traffic(&mut self, is_over: bool) -> Result<(), LedgerError> {
        match self.traffic.take(self.shared.pacer.rate(), is_over) {
            Some((minute, traffic)) => self.shared.ledger.note_traffic(minute, traffic).await,
            None => Ok(()),
        }
    }

    /// Tells once that more requests under way would make more a second.
    fn watch_the_crowd(&mut self) {
        let rate = self.shared.pacer.rate();
        let under_way = self.shared.flights.len();
        let is_full = under_way > 0 && under_way >= self.concurrency.most();
        if let Some(possible) = self.concurrency.held_at(rate).filter(|_| is_full && !self.told_crowded) {
            self.told_crowded = true;
            let latency = self.concurrency.latency();
            self.reporter.emit(RunEvent::ConcurrencyLimited {
                in_flight: under_way,
                latency,
                rate: possible,
            });
        }
    }

    fn tell_progress(&mut self) {
        self.progress.rate_set = self.shared.pacer.rate_set();
        self.progress.elapsed = self.started.elapsed();
        self.progress.in_flight = self.shared.flights.len();
        self.meter.measure(&mut self.progress);
        self.reporter.emit(RunEvent::Progress(self.progress));
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
