//! The import itself: what waits in the ledger goes to Connect.

mod attempt;
mod budget;
mod dispatcher;
mod ending;
mod flights;
mod meter;
mod proof;
mod rows;
mod silence;
mod traffic;
mod waiting;

pub use budget::ErrorBudget;
pub use dispatcher::{Import, ImportError, RateSource};
pub use ending::Ending;
