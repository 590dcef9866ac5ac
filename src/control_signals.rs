//! Control signals: SIGHUP and SIGUSR1 tell a run to do something without stopping it.

use std::io;

use tokio::sync::mpsc;

/// A control signal. Windows has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ControlSignal {
    /// SIGHUP: read the rate from the job file again.
    ReloadRate,
    /// SIGUSR1: list the requests in flight.
    ShowInFlight,
}

/// Signals that may wait for the run to handle them. The system merges signals of one kind as well.
const QUEUED: usize = 8;

/// Receives the control signals of the process. Those that arrive before the run waits for them are kept.
#[derive(Debug)]
pub struct ControlSignals {
    receiver: mpsc::Receiver<ControlSignal>,
}

impl ControlSignals {
    /// Installs the signal handlers; without them, these signals end the process. Must be called inside the async
    /// runtime.
    ///
    /// # Errors
    /// The system refuses a signal handler.
    pub fn listen() -> io::Result<Self> {
        let (sender, signals) = ControlSignals::manual();
        forward(sender)?;
        Ok(signals)
    }

    /// Control signals that are sent through the sender, for tests and embedding.
    pub fn manual() -> (mpsc::Sender<ControlSignal>, Self) {
        let (sender, receiver) = mpsc::channel(QUEUED);
        (sender, ControlSignals { receiver })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> ControlSignal {
        match self.receiver.recv().await {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
fn forward(sender: mpsc::Sender<ControlSignal>) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    let mut user = signal(SignalKind::user_defined1())?;
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                Some(()) = hangup.recv() => ControlSignal::ReloadRate,
                Some(()) = user.recv() => ControlSignal::ShowInFlight,
                else => return,
            };
            if sender.send(signal).await.is_err() {
                return;
            }
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn forward(_sender: mpsc::Sender<ControlSignal>) -> io::Result<()> {
    Ok(())
}
