//! Evidence from answers: whether the instance exists, and whether a hard quota is exhausted. Pure.

use std::collections::HashSet;

use super::ending::Ending;
use crate::ledger::{Cause, Claim, RowId};
use crate::submission::{Decision, InstanceEvidence, StopReason};

/// Answers of 404 without any evidence that the instance exists, after which the run ends.
const MAX_NOT_FOUND: u32 = 5;

/// As `MAX_NOT_FOUND`, for a ledger with created rows: there, wrong ids in the rows are more likely.
const MAX_NOT_FOUND_AFTER_CREATED: u32 = 20;

/// Tasks refused for their chain or for a quota, without a created one in between, after which the quota is blamed.
const MAX_CHAIN_OR_QUOTA: u32 = 3;

/// Collects evidence that the instance exists and has quota left.
#[derive(Default)]
pub(super) struct InstanceProbe {
    /// An answer of this run proves that the instance exists.
    is_proven: bool,
    /// An earlier run created rows, though perhaps in another Region, or before the instance was deleted.
    was_proven_before: bool,
    /// Rows that were answered 404.
    not_found_rows: HashSet<RowId>,
    /// Answers of 404 that the instance may be to blame for.
    not_found: u32,
    /// Tasks refused for their chain or a quota since the last created one.
    chain_or_quota: u32,
}

impl InstanceProbe {
    /// `was_proven_before` says whether an earlier run created rows.
    pub(super) fn new(was_proven_before: bool) -> Self {
        InstanceProbe { was_proven_before, ..InstanceProbe::default() }
    }

    /// Evidence to judge an attempt of `row` by.
    pub(super) fn evidence_for(&self, row: RowId) -> InstanceEvidence {
        if self.is_proven {
            InstanceEvidence::Proven
        } else if self.was_proven_before && self.not_found_rows.contains(&row) {
            InstanceEvidence::ProvenBefore
        } else {
            InstanceEvidence::Unproven
        }
    }

    /// Records the result of an attempt; `cause` is none if the row was created. Returns how the run ends, if the
    /// evidence suffices.
    pub(super) fn record(
        &mut self,
        claim: &Claim,
        decision: &Decision,
        cause: Option<&Cause>,
    ) -> Option<Ending> {
        self.is_proven |= decision.instance_proven;
        let Some(cause) = cause else {
            self.chain_or_quota = 0;
            return None;
        };
        if decision.doubts_instance {
            self.not_found += 1;
            self.not_found_rows.insert(claim.row);
            let max = if self.was_proven_before { MAX_NOT_FOUND_AFTER_CREATED } else { MAX_NOT_FOUND };
            if self.not_found >= max && !self.is_proven {
                let Cause { code, message } = cause.clone();
                let row = format!("{}, line {}", claim.source, claim.line);
                let message = format!("{message}; answered {max} times, the last time for {row}");
                return Some(Ending::NotFound(Cause { code, message: message.into() }));
            }
        }
        if decision.may_be_full_chain {
            self.chain_or_quota += 1;
            if self.chain_or_quota >= MAX_CHAIN_OR_QUOTA {
                return Some(Ending::QuotaExceeded(cause.clone()));
            }
        }
        match &decision.stop {
            Some(StopReason::Denied(cause)) => Some(Ending::Denied(cause.clone())),
            Some(StopReason::NoCredentials(cause)) => Some(Ending::NoCredentials(cause.clone())),
            Some(StopReason::Clock(refusal)) => Some(Ending::Clock(refusal.clone())),
            Some(StopReason::QuotaExceeded(cause)) => Some(Ending::QuotaExceeded(cause.clone())),
            Some(StopReason::Untrusted(cause)) => {
                Some(Ending::Untrusted { cause: cause.clone(), has_sent: false })
            }
            None => None,
        }
    }
}
