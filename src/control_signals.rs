//! What an operator may ask of a run that goes on: SIGHUP and SIGUSR1.

/// Something to be done without stopping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlSignal {
    /// SIGHUP: the rate is to be read from the job file again.
    ReadRate,
    /// SIGUSR1: the rows in flight are to be shown.
    ShowInFlight,
}

/// The wishes of a process. What is asked before anybody listens is kept, once of a kind.
#[derive(Debug)]
pub struct ControlSignals {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    #[cfg(unix)]
    user: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl ControlSignals {
    /// Listens from now on. Must be called inside the async runtime.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(ControlSignals {
            hangup: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
        })
    }

    /// Waits for the next wish.
    pub async fn next(&mut self) -> ControlSignal {
        tokio::select! {
            Some(()) = self.hangup.recv() => ControlSignal::ReadRate,
            Some(()) = self.user.recv() => ControlSignal::ShowInFlight,
            else => std::future::pending().await,
        }
    }
}

#[cfg(not(unix))]
impl ControlSignals {
    /// There are no such signals here.
    ///
    /// # Errors
    /// None.
    pub fn listen() -> std::io::Result<Self> {
        Ok(ControlSignals {})
    }

    /// Never comes.
    pub async fn next(&mut self) -> ControlSignal {
        std::future::pending().await
    }
}
