//! The engine: sends the rows that wait in the ledger to Connect, within the rate and the concurrency.
//!
//! [`Import::run`] starts a dispatcher, which claims rows from the ledger and starts an attempt task for each. An
//! attempt gets its permits, makes its intent durable, submits the request and settles the row; the dispatcher then
//! decides about further attempts and the end of the run, and emits events. A request is sent only after the ledger
//! has committed its intent, and an event is emitted only after the ledger has committed the result.
//!
//! It may import everything up to `event`; it does not know the command line, the job file or the user interface.

mod attempt;
mod dispatcher;
mod ending;
mod import;
mod in_flight;
mod instance_probe;
mod outage;
mod queue;
mod statistics;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use ending::{Ending, ErrorBudget};
pub use import::{Import, ImportError, RateSource};
