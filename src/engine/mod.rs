//! The import itself: what waits in the ledger goes to Connect.

mod attempt;
mod budget;
mod dispatcher;
mod ending;
mod in_flight;
mod meter;
mod instance_probe;
mod rows;
mod outage;
mod traffic;
mod waiting;

pub use budget::ErrorBudget;
pub use dispatcher::{Import, ImportError, RateSource};
pub use ending::Ending;
