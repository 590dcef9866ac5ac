//! One attempt of one row: permit → map → begin → submit → settle.
//!
//! An attempt is a task that shares no state with the dispatcher. It gets permits before it starts, does not start
//! after a drain, and returns a report.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, debug_span};

use super::in_flight::InFlightTracker;
use super::outage::{Admission, ProbeGate};
use crate::crash_plan::{CrashPlan, CrashPoint};
use crate::intake::now;
use crate::ledger::{Cause, Claim, Ledger, LedgerError, SetAside, Settled};
use crate::mapping::{MapError, Mapping, MappingError, MappingSource};
use crate::pacing::{Pacer, Permit};
use crate::request::ContactRequest;
use crate::source::Header;
use crate::submission::{Attempt, AttemptContext, Decision, Policy, Submitter, decide, decide_interrupted};

/// Result of an attempt's task.
pub(super) enum AttemptReport {
    /// The run stopped before the attempt started; the row waits as before.
    NotStarted,
    /// Another row probes the service; this row is sent later.
    Postponed { claim: Claim, attempts: u32 },
    /// The row was not sent: its client token is too old, or it cannot be mapped.
    SetAside { settled: Settled, cause: Cause, _in_flight_permit: InFlightPermit },
    /// The attempt was made, and the ledger has its result.
    Attempted {
        settled: Settled,
        decision: Box<Decision>,
        cause: Option<Cause>,
        permit: Permit,
        latency: Duration,
        _in_flight_permit: Option<InFlightPermit>,
    },
}

/// Right to have one request in flight. An attempt that fails keeps it until the dispatcher has handled the report:
/// the failure may mean that no other request must be sent.
pub(super) struct InFlightPermit {
    _slot: Option<OwnedSemaphorePermit>,
    _admission: Admission,
}

/// Dependencies shared by all attempts of a run.
pub(super) struct AttemptResources<S> {
    pub(super) ledger: Arc<Ledger>,
    pub(super) submitter: Arc<S>,
    pub(super) mappings: RowMappings,
    pub(super) pacer: Pacer,
    pub(super) policy: Policy,
    pub(super) idempotency_window: Duration,
    pub(super) crash_plan: CrashPlan,
    pub(super) in_flight: InFlightTracker,
    /// One permit for each request that may be in flight.
    pub(super) in_flight_slots: Arc<Semaphore>,
    pub(super) probe_gate: Arc<ProbeGate>,
    /// Cancelled when no new attempt may start.
    pub(super) drain: CancellationToken,
    /// Cancelled when answers are no longer awaited.
    pub(super) abort: CancellationToken,
}

impl<S: Submitter> AttemptResources<S> {
    /// Makes one attempt for a row.
    ///
    /// # Errors
    /// The ledger fails; the run cannot continue.
    pub(super) async fn attempt(
        self: Arc<Self>,
        claim: Claim,
        context: AttemptContext,
    ) -> Result<AttemptReport, LedgerError> {
        let permits = async {
            // The semaphore is never closed.
            let slot = self.in_flight_slots.clone().acquire_owned().await.ok();
            (slot, self.pacer.permit().await)
        };
        let (slot, permit) = tokio::select! {
            biased;
            () = self.drain.cancelled() => return Ok(AttemptReport::NotStarted),
            permits = permits => permits,
        };
        let Some(admission) = self.probe_gate.try_admit() else {
            return Ok(AttemptReport::Postponed { claim, attempts: context.attempts });
        };
        let in_flight_permit = InFlightPermit { _slot: slot, _admission: admission };
        if is_token_too_old(&claim, self.idempotency_window) {
            let message = "an earlier attempt went unanswered, and its token is too old to be used again";
            let cause = Cause { code: "TokenTooOld".into(), message: message.into() };
            return self.set_aside(claim, SetAside::TokenTooOld, cause, in_flight_permit).await;
        }
        if !self.mappings.has_intact_cells(&claim) {
            let problem = format!("row {} is not what was read from its file", claim.row);
            return Err(LedgerError::Damaged { path: self.ledger.path().to_owned(), problem });
        }
        let request = match self.mappings.request(&claim) {
            Ok(request) => request,
            Err(fault) => {
                let (code, message) = match fault {
                    MapError::Row(rejection) => (rejection.code, rejection.to_string()),
                    MapError::Job(error) => ("Mapping", error.to_string()),
                };
                let cause = Cause { code: code.into(), message: message.into() };
                return self.set_aside(claim, SetAside::Unmappable, cause, in_flight_permit).await;
            }
        };
        self.crash_plan.reach(CrashPoint::BeforeIntent);
        let in_flight = self.ledger.begin(claim, request).await?;
        self.crash_plan.reach(CrashPoint::AfterIntent);
        let tracked = self.in_flight.track(in_flight.claim());
        self.pacer.sent();
        let sent = Instant::now();
        let claim = in_flight.claim();
        let span = debug_span!("attempt", row = %claim.row, file = claim.source, line = claim.line);
        let attempt: Option<Attempt> = tokio::select! {
            attempt = self.submitter.submit(&in_flight).instrument(span) => Some(attempt),
            () = self.abort.cancelled() => None,
        };
        drop(tracked);
        // A created contact cannot stop other requests, so the next one need not wait for the ledger.
        let in_flight_permit = Some(in_flight_permit).filter(|_| !matches!(attempt, Some(Ok(_))));
        let latency = sent.elapsed();
        self.crash_plan.reach(CrashPoint::AfterAnswer);
        let (decision, cause) = match attempt {
            Some(attempt) => {
                let cause = attempt.as_ref().err().map(|error| error.cause().clone());
                (decide(attempt, context, self.policy), cause)
            }
            None => {
                let message = "the run was stopped while it waited for the answer".to_owned();
                let cause = Cause { code: "Interrupted".into(), message: message.into() };
                (decide_interrupted(cause.clone(), context, self.policy), Some(cause))
            }
        };
        let settled = self.ledger.settle(in_flight, decision.settlement.clone()).await?;
        let _in_flight_permit = in_flight_permit;
        let decision = Box::new(decision);
        Ok(AttemptReport::Attempted { settled, decision, cause, permit, latency, _in_flight_permit })
    }

    async fn set_aside(
        &self,
        claim: Claim,
        reason: SetAside,
        cause: Cause,
        _in_flight_permit: InFlightPermit,
    ) -> Result<AttemptReport, LedgerError> {
        let settled = self.ledger.set_aside(claim, reason, cause.clone()).await?;
        Ok(AttemptReport::SetAside { settled, cause, _in_flight_permit })
    }
}

/// Whether the row is in doubt for longer than its client token may be used again.
fn is_token_too_old(claim: &Claim, window: Duration) -> bool {
    let now = jiff::Timestamp::now().as_millisecond();
    // A time in the future was written by a wrong clock, so the token's age is unknown and may be as large.
    let age = claim.in_doubt_since_ms().map(|since| now.abs_diff(since));
    age.is_some_and(|age| u128::from(age) > window.as_millis())
}

/// The mapping compiled for the header of every waiting row. It may not fit headers of rows that earlier runs left.
#[derive(Debug)]
pub(super) struct RowMappings(HashMap<i64, (Header, Result<Mapping, MappingError>)>);

impl RowMappings {
    /// Compiles the mapping for every header that has waiting rows. Blocks.
    pub(super) fn compile(ledger: &Ledger, source: &MappingSource) -> Result<Self, LedgerError> {
        let compile = |(id, columns): (i64, Vec<String>)| {
            let header = Header::new(columns);
            let mapping = Mapping::compile(source, &header);
            (id, (header, mapping))
        };
        Ok(RowMappings(ledger.waiting_headers()?.into_iter().map(compile).collect()))
    }

    /// Whether the row's cells still have the digest that they were read with: the disk may have lost a bit.
    fn has_intact_cells(&self, claim: &Claim) -> bool {
        let header = self.0.get(&claim.header).map(|(header, _)| header);
        header.is_none_or(|header| header.content(&claim.cells) == claim.content)
    }

    /// Maps the row. The intake validated it already, unless it ran with `--no-check` or in an earlier run.
    fn request(&self, claim: &Claim) -> Result<ContactRequest<'static>, MapError> {
        match self.0.get(&claim.header) {
            Some((_, Ok(mapping))) => Ok(mapping.map(&claim.cells, now())?.request.into_owned()),
            Some((_, Err(error))) => Err(MapError::Job(error.clone())),
            None => {
                let problem = "has no header for this row".into();
                Err(MapError::Job(MappingError { place: "the ledger".into(), problem }))
            }
        }
    }
}
