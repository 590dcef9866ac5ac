//! What the answers say of the instance and of the quotas that no waiting helps against.

use std::collections::HashSet;

use super::Ending;
use crate::ledger::{Cause, Claim, RowId, Settlement};
use crate::submission::{Decision, Instance, Stop};

/// 404 answers, before any that proves the instance, after which the instance is taken to be wrong.
const SUSPICIONS: u32 = 5;

/// The same where an earlier run created rows: then bad ids in the rows are the likelier cause.
const SUSPICIONS_PROVEN_BEFORE: u32 = 20;

/// Tasks that met a hard quota, with none created in between, after which their chains are not to blame.
const FULL_CHAINS: u32 = 3;

/// What is known of the instance by now.
pub(super) struct InstanceProbe {
    is_given: bool,
    /// An earlier run created rows, though perhaps in another Region or before the instance was gone.
    before: bool,
    /// The rows that met a 404, and how often that was.
    suspects: HashSet<RowId>,
    suspicions: u32,
    /// Tasks that met a hard quota since the last one that was created.
    full_chains: u32,
}

impl InstanceProbe {
    pub(super) fn new(before: bool) -> Self {
        InstanceProbe { is_given: false, before, suspects: HashSet::new(), suspicions: 0, full_chains: 0 }
    }

    /// What is known of the instance when `row` is sent.
    pub(super) fn of(&self, row: RowId) -> Instance {
        if self.is_given {
            Instance::Proven
        } else if self.before && self.suspects.contains(&row) {
            // Its second 404 is taken to be its own.
            Instance::ProvenBefore
        } else {
            Instance::Unproven
        }
    }

    /// Takes note of what came of an attempt; how the run ends, if that is enough.
    pub(super) fn weigh(&mut self, claim: &Claim, decision: &Decision, cause: &Cause) -> Option<Ending> {
        self.is_given |= decision.instance_proven;
        if decision.suspicion {
            self.suspicions += 1;
            self.suspects.insert(claim.row());
            let enough = if self.before { SUSPICIONS_PROVEN_BEFORE } else { SUSPICIONS };
            if self.suspicions >= enough && !self.is_given {
                let Cause { code, message } = cause.clone();
                let row = format!("{}, line {}", claim.source(), claim.line());
                let message = format!("{message}; the last of {enough} times for {row}");
                return Some(Ending::NotFound(Cause { code, message }));
            }
        }
        if decision.chain_or_quota {
            self.full_chains += 1;
            if self.full_chains >= FULL_CHAINS {
                return Some(Ending::QuotaExceeded(cause.clone()));
            }
        } else if matches!(decision.settlement, Settlement::Created(_)) {
            self.full_chains = 0;
        }
        match &decision.stop {
            Some(Stop::Denied(cause)) => Some(Ending::Denied(cause.clone())),
            Some(Stop::QuotaExceeded(cause)) => Some(Ending::QuotaExceeded(cause.clone())),
            None => None,
        }
    }
}
