//! One attempt of one row: permit → map → begin → submit → settle.
//!
//! It shares no state with the dispatcher: it asks the gate before it starts, is told no after a drain,
//! and reports what came of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug_span};

use super::in_flight::InFlightTracker;
use super::waiting::WaitingMappings;
use crate::intake::now;
use crate::ledger::{Cause, Claim, Ledger, LedgerError, SetAside, Settled};
use crate::mapping::MapFault;
use crate::pacing::{Pacer, Permit};
use crate::rehearsal::{CrashPoint, Rehearsal};
use crate::submission::{Attempt, AttemptContext, Decision, Policy, Submitter, abandon, decide};

/// What an attempt's task reports.
pub(super) enum Report {
    /// The run stopped before it began; the row waits as before.
    GivenBack,
    /// Rows are held, and another one finds out whether anybody answers; this one has its turn later.
    NotNow { claim: Claim, tries: u32 },
    /// The row was not sent: its token is too old, or it cannot be mapped.
    SetAside { settled: Settled, cause: Cause, _place: Place },
    /// An attempt was made and settled.
    Attempted {
        settled: Settled,
        decision: Decision,
        cause: Option<Cause>,
        permit: Permit,
        took: Duration,
        _place: Place,
    },
    /// The ledger failed; the run cannot go on.
    Failed(LedgerError),
}

/// The place of a request under way. What did not go well keeps it until the dispatcher has weighed that: until then
/// no other goes in its stead.
pub(super) type Place = Option<OwnedSemaphorePermit>;

/// What every attempt needs.
pub(super) struct Shared<S> {
    pub(super) ledger: Arc<Ledger>,
    pub(super) submitter: Arc<S>,
    pub(super) mappings: WaitingMappings,
    pub(super) pacer: Pacer,
    pub(super) policy: Policy,
    pub(super) idempotency_window: Duration,
    pub(super) rehearsal: Rehearsal,
    /// Requests under way.
    pub(super) flights: InFlightTracker,
    /// Places for requests under way.
    pub(super) places: Arc<Semaphore>,
    /// Whether only one row at a time is sent.
    pub(super) is_probing: AtomicBool,
    /// Leave to be that row.
    pub(super) probe: Semaphore,
    /// No new attempt.
    pub(super) drain: CancellationToken,
    /// Do not wait for answers any more.
    pub(super) abort: CancellationToken,
}

/// Whether an unanswered attempt lies too far back for its token to be used again.
fn is_too_old(claim: &Claim, window: Duration) -> bool {
    let now = jiff::Timestamp::now().as_millisecond();
    // One of the future is of a clock that was wrong, and may be of any age.
    let age = claim.in_doubt_since_ms().map(|since| now.abs_diff(since));
    age.is_some_and(|age| u128::from(age) > window.as_millis())
}

/// One attempt of one row.
pub(super) async fn attempt<S: Submitter>(
    shared: Arc<Shared<S>>,
    claim: Claim,
    known: AttemptContext,
) -> Report {
    match attempt_fallibly(&shared, claim, known).await {
        Ok(report) => report,
        Err(error) => Report::Failed(error),
    }
}

async fn attempt_fallibly<S: Submitter>(
    shared: &Shared<S>,
    claim: Claim,
    known: AttemptContext,
) -> Result<Report, LedgerError> {
    let leave = async {
        // It is never closed, so there is always a place to come.
        let place = shared.places.clone().acquire_owned().await.ok();
        (place, shared.pacer.permit().await)
    };
    let (place, permit) = tokio::select! {
        biased;
        () = shared.drain.cancelled() => return Ok(Report::GivenBack),
        leave = leave => leave,
    };
    // Attempts that were started before the outage was known have waited for their permits until now.
    let is_probing = shared.is_probing.load(Ordering::Relaxed);
    let probe = is_probing.then(|| shared.probe.try_acquire());
    if matches!(probe, Some(Err(_))) {
        return Ok(Report::NotNow { claim, tries: known.tries });
    }
    if is_too_old(&claim, shared.idempotency_window) {
        let message = "an earlier attempt went unanswered, and its token is too old to be used again";
        let cause = Cause { code: "TokenTooOld".into(), message: message.into() };
        return set_aside(shared, claim, place, SetAside::TokenTooOld(cause)).await;
    }
    if !shared.mappings.is_as_read(&claim) {
        let problem = format!("row {} is not what was read from its file", claim.row());
        return Err(LedgerError::Damaged { path: shared.ledger.path().to_owned(), problem });
    }
    // The intake has mapped the row before, unless it was told not to, or an earlier run left it behind.
    let mapped = match shared.mappings.of(&claim) {
        Ok(mapping) => mapping.map(claim.cells(), now()).map(|mapped| mapped.request.into_owned()),
        Err(problem) => Err(MapFault::Job(problem)),
    };
    let request = match mapped {
        Ok(request) => request,
        Err(MapFault::Row(rejection)) => {
            let cause = Cause { code: rejection.code.into(), message: rejection.to_string() };
            return set_aside(shared, claim, place, SetAside::Unmappable(cause)).await;
        }
        Err(MapFault::Job(error)) => {
            let cause = Cause { code: "Mapping".into(), message: error.to_string() };
            return set_aside(shared, claim, place, SetAside::Unmappable(cause)).await;
        }
    };
    shared.rehearsal.reach(CrashPoint::BeforeIntent);
    let in_flight = shared.ledger.begin(claim, request).await?;
    shared.rehearsal.reach(CrashPoint::AfterIntent);
    let departed = shared.flights.depart(in_flight.claim());
    shared.pacer.sent();
    let sent = Instant::now();
    let claim = in_flight.claim();
    let span = debug_span!("attempt", row = %claim.row(), file = claim.source(), line = claim.line());
    let attempt: Option<Attempt> = tokio::select! {
        attempt = shared.submitter.submit(&in_flight).instrument(span) => Some(attempt),
        () = shared.abort.cancelled() => None,
    };
    drop(departed);
    // What was created needs no weighing before another may go, only a note in the ledger.
    let place = place.filter(|_| !matches!(attempt, Some(Ok(_))));
    let took = sent.elapsed();
    shared.rehearsal.reach(CrashPoint::AfterAnswer);
    let (decision, cause) = match attempt {
        Some(attempt) => {
            let cause = attempt.as_ref().err().map(|trouble| trouble.cause().clone());
            (decide(attempt, known, shared.policy), cause)
        }
        None => {
            let message = "the run was stopped while it waited for the answer".to_owned();
            let cause = Cause { code: "Interrupted".into(), message };
            (abandon(cause.clone(), known, shared.policy), Some(cause))
        }
    };
    let settled = shared.ledger.settle(in_flight, decision.settlement.clone()).await?;
    Ok(Report::Attempted { settled, decision, cause, permit, took, _place: place })
}

/// A row that waits and is not sent.
async fn set_aside<S>(
    shared: &Shared<S>,
    claim: Claim,
    place: Place,
    reason: SetAside,
) -> Result<Report, LedgerError> {
    let cause = reason.cause().clone();
    let settled = shared.ledger.set_aside(claim, reason).await?;
    Ok(Report::SetAside { settled, cause, _place: place })
}
