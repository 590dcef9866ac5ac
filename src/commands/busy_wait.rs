//! Waiting for other programs that keep the ledger busy, as a command with events tells it.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Reporter, RunEvent};
use crate::ledger::BusyWait;
use crate::shutdown::Shutdown;
use crate::ui::tell_of_ledger;

/// Waits for other programs that keep the ledger busy, up to `grace` after a signal, and tells that as events.
pub(super) fn busy_wait(reporter: &Arc<Reporter>, shutdown: &Shutdown, grace: Duration) -> BusyWait {
    // The reporter ends with its last reference, and the ledger is closed after it.
    let reporter = Arc::downgrade(reporter);
    let tell = move |notice| match reporter.upgrade() {
        Some(reporter) => reporter.emit(RunEvent::LedgerNoticed(notice)),
        None => tell_of_ledger(notice),
    };
    BusyWait::telling(tell).until(shutdown.clone(), grace)
}
