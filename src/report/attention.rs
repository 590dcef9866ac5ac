//! What deserves a line of its own beside the progress; each kind a few times, not thousands.

use crate::event::RunEvent;
use crate::ledger::{Cause, Note, RowState};
use crate::pacing::Setback;

/// Lines of one kind before the rest is only counted.
const SHOWN: u32 = 5;

/// Decides what is worth a line.
#[derive(Debug, Default)]
pub(super) struct Attention {
    noted: u32,
    changed: u32,
    unknown: u32,
    settled: u32,
}

impl Attention {
    /// The line for an event, if it deserves one.
    pub(super) fn line(&mut self, event: &RunEvent) -> Option<String> {
        match event {
            RunEvent::Noted { file, note } => self.note(file, note),
            RunEvent::Settled { source, line, key, state, cause } => {
                if !matches!(state, RowState::Rejected | RowState::Failed | RowState::Unknown) {
                    return None;
                }
                let why = cause.as_ref().map(|cause| format!(": {}: {}", cause.code, cause.message));
                let why = why.unwrap_or_default();
                few(&mut self.settled, format!("{source}, line {line} (key {key}) is {state}{why}"))
            }
            RunEvent::Paused { setback, cause, pause } => {
                let what = match setback {
                    Setback::Throttled => return None,
                    Setback::OutOfReach => "Connect is out of reach",
                    Setback::Unanswered => "Connect does not answer",
                    Setback::NoCredentialsYet => "the credentials are out of reach",
                };
                let Cause { code, message } = cause;
                Some(format!("{what} ({code}: {message}); going on in {:.1} s", pause.as_secs_f64()))
            }
            RunEvent::Draining { signal, in_flight, grace } => {
                let why = signal.map(|signal| format!("{}: ", signal.name())).unwrap_or_default();
                let wait = if *in_flight > 0 {
                    format!("; waiting up to {} s for requests under way", grace.as_secs())
                } else {
                    String::new()
                };
                Some(format!("{why}no new request is made{wait}"))
            }
            RunEvent::Checking { .. } | RunEvent::Checked { .. } | RunEvent::Progress(_) => None,
        }
    }

    fn note(&mut self, file: &str, note: &Note) -> Option<String> {
        match note {
            Note::Rejected { line, key, rejection } => few(
                &mut self.noted,
                format!("{file}, line {line} (key {key}) is rejected: {}: {rejection}", rejection.code),
            ),
            Note::ChangedSinceCreated { line, key } => few(
                &mut self.changed,
                format!(
                    "{file}, line {line} (key {key}) has changed since it was created; it is not sent again"
                ),
            ),
            Note::Unknown { line, key } => few(
                &mut self.unknown,
                format!(
                    "{file}, line {line} (key {key}) is unknown: it may have been created; it is not sent again"
                ),
            ),
        }
    }
}

/// The first few lines of a kind, and a word that there are more.
fn few(shown: &mut u32, line: String) -> Option<String> {
    *shown += 1;
    match *shown {
        n if n <= SHOWN => Some(line),
        n if n == SHOWN + 1 => Some("… and more of this kind; they are counted in the summary".into()),
        _ => None,
    }
}
