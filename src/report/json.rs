//! JSON Lines on standard output. New members may come; none changes its meaning.

use std::time::Duration;

use serde_json::json;

use super::lines::Every;
use super::to_stdout;
use crate::event::{Discrepancy, Finding, Observer, RunEvent};
use crate::ledger::{Note, RowState};

/// `status` every so often, and `error` for every row that is not created.
#[derive(Debug)]
pub(super) struct JsonLines {
    every: Every,
}

impl JsonLines {
    pub(super) fn new(every: Duration) -> Self {
        JsonLines { every: Every::new(every) }
    }

    fn line(&mut self, event: &RunEvent) -> Option<serde_json::Value> {
        match event {
            RunEvent::Noted { file, note: Note::Rejected { line, key, rejection } } => Some(json!({
                "message_type": "error",
                "file": file, "line": line, "key": key, "state": RowState::Rejected.name(),
                "code": rejection.code, "message": rejection.to_string(),
            })),
            RunEvent::Settled { source, line, key, state, cause: Some(cause), .. }
                if matches!(state, RowState::Rejected | RowState::Failed | RowState::Unknown) =>
            {
                Some(json!({
                    "message_type": "error",
                    "file": source, "line": line, "key": key, "state": state.name(),
                    "code": cause.code, "message": cause.message,
                }))
            }
            RunEvent::Verifying { done, total, what } if self.every.is_due() => Some(json!({
                "message_type": "status", "phase": "verifying", "what": what, "done": done, "total": total,
            })),
            RunEvent::Verified(Finding { source, line, key, contact_id, what }) => {
                let (members, contacts, cause) = match what {
                    Discrepancy::Different(members) => (Some(members), None, None),
                    Discrepancy::Ambiguous { contacts, .. } => (None, Some(contacts), None),
                    Discrepancy::Refused(cause) => (None, None, Some(cause)),
                    Discrepancy::Missing
                    | Discrepancy::Found
                    | Discrepancy::Shared
                    | Discrepancy::NotFound => (None, None, None),
                };
                Some(json!({
                    "message_type": "finding", "file": source, "line": line, "key": key,
                    "contact_id": contact_id, "finding": what.name(), "members": members,
                    "contact_ids": contacts, "code": cause.map(|cause| &cause.code),
                    "message": cause.map(|cause| &cause.message),
                }))
            }
            RunEvent::Checking { rows, .. } if self.every.is_due() => {
                Some(json!({"message_type": "status", "phase": "checking", "rows_read": rows}))
            }
            RunEvent::Checked { run, to_send } => Some(json!({
                "message_type": "status", "phase": "checked", "rows_read": run.rows_read,
                "of_other_shards": run.elsewhere, "to_send": to_send,
                "unknown": run.doubts.unknown, "in_doubt": run.doubts.waiting,
                "in_doubt_closing": run.doubts.closing,
            })),
            RunEvent::Progress(progress) if self.every.is_due() => Some(json!({
                "message_type": "status", "phase": "importing",
                "to_send": progress.to_send, "done": progress.done, "created": progress.created,
                "rejected": progress.rejected, "failed": progress.failed, "unknown": progress.unknown,
                "in_flight": progress.in_flight, "throttled": progress.throttled,
                "rate_now": progress.rate_now, "rate_set": progress.rate_set,
                "seconds_elapsed": progress.elapsed.as_secs_f64(),
                "seconds_left": progress.time_left().as_secs_f64(),
            })),
            RunEvent::Noted { .. }
            | RunEvent::Settled { .. }
            | RunEvent::Checking { .. }
            | RunEvent::Verifying { .. }
            | RunEvent::NewLedger { .. }
            | RunEvent::Sharded { .. }
            | RunEvent::Opening(_)
            | RunEvent::Crowded { .. }
            | RunEvent::FewFiles { .. }
            | RunEvent::InFlight(_)
            | RunEvent::RateRead(_)
            | RunEvent::Paused { .. }
            | RunEvent::Draining { .. }
            | RunEvent::Progress(_) => None,
        }
    }
}

impl Observer for JsonLines {
    fn observe(&mut self, event: &RunEvent) {
        if let Some(line) = self.line(event) {
            // Whoever does not read is not told; the ledger has it all.
            let _ = to_stdout(&format!("{line}\n"));
        }
    }
}
