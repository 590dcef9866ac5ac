//! The next step after a run: its purpose, and the commands to paste. `run`, `status` and `report` say the same.

use std::path::Path;

use super::shell::{PastedIn, pasted, this_folder, this_program};
use crate::ledger::{RowState, RunRecord, StateCounts};
use crate::shell_word::shell_path;

/// Purpose of the command that resumes.
pub(super) const RESUME: &str = "To send the rows that wait or failed:";

/// Purpose of the command that looks for unknown rows, before anything else is done about them.
const VERIFY: &str = "To look for the contacts of the unknown rows, which may exist; verify searches by the attribute\n\
     under [verify] search_attribute, or by name:";

/// Purpose of the command that sends unknown rows again, after the other.
const RETRY: &str = "Then, to send the rows again that are still unknown, with the same client tokens:";

/// Purpose of that command where the contacts are gone.
const RETRY_AT_ONCE: &str = "The sandbox ended with the run, so verify cannot look for the contacts of the unknown rows.\n\
     To send them again, with the same client tokens:";

/// A purpose with its command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    /// Purpose, ending in a colon.
    pub(crate) purpose: &'static str,
    /// Command line, quoted for a shell.
    pub(crate) command: String,
}

/// Steps for unknown rows, in their order: `verify`, if it can look for them, then the run that `resume` repeats.
pub(super) fn unknown_steps(verify: Option<&str>, resume: &str) -> Vec<Step> {
    let retry = format!("{resume} --retry unknown");
    match verify {
        Some(verify) => vec![
            Step { purpose: VERIFY, command: verify.to_owned() },
            Step { purpose: RETRY, command: retry },
        ],
        None => vec![Step { purpose: RETRY_AT_ONCE, command: retry }],
    }
}

/// The next steps about a ledger with these rows after its latest run; empty if there is nothing to do.
pub(crate) fn next_steps(
    rows: &StateCounts,
    latest: &RunRecord,
    ledger: &Path,
    pasted_in: PastedIn,
) -> Vec<Step> {
    let of = |state| rows.of(state);
    let here = |command: &str| pasted(command, &latest.folder, pasted_in);
    if of(RowState::Pending) + of(RowState::InFlight) + of(RowState::Failed) > 0 {
        return vec![Step { purpose: RESUME, command: here(&latest.command) }];
    }
    if of(RowState::Unknown) > 0 {
        return unknown_steps(latest.verify.as_deref().map(here).as_deref(), &here(&latest.command));
    }
    if of(RowState::Rejected) > 0 {
        let command = format!("{} export --state rejected --ledger {}", this_program(), shell_path(ledger));
        let command = pasted(&command, &this_folder(), pasted_in);
        return vec![Step { purpose: "To see the rejected rows:", command }];
    }
    Vec::new()
}

/// The command that sends unknown rows of the ledger again.
pub(crate) fn retry_command(latest: &RunRecord) -> String {
    format!("{} --retry unknown", pasted(&latest.command, &latest.folder, PastedIn::ThisFolder))
}

/// The command that verifies the ledger. `None` if its contacts ended with the run.
pub(crate) fn verify_command(latest: &RunRecord, pasted_in: PastedIn) -> Option<String> {
    latest.verify.as_deref().map(|command| pasted(command, &latest.folder, pasted_in))
}
