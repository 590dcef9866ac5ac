//! The import itself: the input goes into the ledger, and what waits in the ledger goes to Connect.

mod attempt;
mod dispatcher;
mod intake;
mod meter;

pub use dispatcher::{Ending, Import, ImportError};
pub use intake::{Intake, IntakeError, Prepared, prepare};
