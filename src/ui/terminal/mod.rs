//! Progress: a status area at the bottom of a terminal, or plain lines on standard error and in the log file.
//!
//! `status_area` is the only file that names indicatif. `progress` (the state of the process in words),
//! `causes` (problems, counted) and `layout` (what fits) are pure. Imports events and the words of
//! [`super::words`]; nothing of jobs or commands.

mod causes;
mod colour;
mod layout;
mod lines;
mod progress;
mod status_area;

pub(super) use colour::TerminalColours;
pub use colour::{foreseen_colour, set_colour};
pub(super) use lines::PlainLines;
pub(super) use status_area::{TerminalObserver, can_draw, leave_status_area, print_line, print_prompt};
