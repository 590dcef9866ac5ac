//! Work that ends early: by a signal, or when the time of the run is over.

use std::time::Duration;

use super::CommandError;
use crate::intake::IntakeError;
use crate::shutdown::Shutdown;

/// Awaits `work`, or fails if a signal comes first or the time of the run is over. Work that checks for both itself has a
/// second to do so; work that opens an input cannot check.
pub(super) async fn unless_interrupted<T>(
    mut shutdown: Shutdown,
    work: impl Future<Output = Result<T, CommandError>>,
) -> Result<T, CommandError> {
    const SELF_CHECK_TIME: Duration = Duration::from_secs(1);
    let budget = shutdown.budget();
    let over = async {
        budget.used_up().await;
        tokio::time::sleep(SELF_CHECK_TIME).await;
    };
    let interrupted = async {
        let signal = shutdown.requested().await;
        tokio::time::sleep(SELF_CHECK_TIME).await;
        signal
    };
    tokio::select! {
        result = work => result,
        signal = interrupted => Err(IntakeError::Interrupted(signal).into()),
        () = over => Err(IntakeError::TimeBudget.into()),
    }
}

/// Awaits `work`, or fails as soon as a signal comes meanwhile or the time of the run is over.
pub(super) async fn unless_signalled<T>(
    shutdown: &Shutdown,
    work: impl Future<Output = T>,
) -> Result<T, CommandError> {
    let (mut shutdown, budget) = (shutdown.clone(), shutdown.budget());
    tokio::select! {
        // Work that takes no time is done; the engine then ends the run with a summary.
        biased;
        result = work => Ok(result),
        signal = shutdown.requested() => Err(CommandError::Interrupted(signal)),
        () = budget.used_up() => Err(CommandError::TimeBudget),
    }
}
