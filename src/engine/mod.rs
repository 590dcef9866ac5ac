//! The import itself: what waits in the ledger goes to Connect.

mod attempt;
mod budget;
mod dispatcher;
mod flights;
mod meter;
mod waiting;

pub use budget::ErrorBudget;
pub use dispatcher::{Ending, Import, ImportError, RateSource};
