//! Shutdown signals: the first drains the run, the second aborts the process.
//!
//! Draining sends no new request and awaits those in flight. Aborting is safe at any time: the ledger knows every
//! request that was sent.

use std::io;

use tokio::sync::watch;

use crate::exit_code::ExitCode;

/// A signal that stops the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIGINT, or Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// Exit code of a process that the signal stopped: 128 plus the signal's number.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Signal::Interrupt => ExitCode::Interrupted,
            Signal::Terminate => ExitCode::Terminated,
        }
    }

    /// POSIX name, such as `SIGINT`.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }
}

/// The first shutdown signal, once it arrives. Clones see the same signal.
#[derive(Clone, Debug)]
pub struct Shutdown {
    received: watch::Receiver<Option<Signal>>,
}

impl Shutdown {
    /// Installs the signal handlers for the rest of the process. They run in a thread of their own, since the other
    /// threads may block, for example on a full pipe.
    ///
    /// # Errors
    /// The system refuses a signal handler or the thread.
    pub fn listen() -> io::Result<Self> {
        let (sender, received) = watch::channel(None);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _inside = runtime.enter();
            ShutdownSignals::install()?
        };
        let listen = async move {
            let first = signals.next().await;
            // Without receivers nothing drains; the second signal still aborts.
            let _ = sender.send(Some(first));
            let second = signals.next().await;
            std::process::exit(i32::from(second.exit_code().code()));
        };
        std::thread::Builder::new().name("signals".into()).spawn(move || runtime.block_on(listen))?;
        Ok(Shutdown { received })
    }

    /// A shutdown that is requested through the sender, for tests and embedding.
    pub fn manual() -> (watch::Sender<Option<Signal>>, Self) {
        let (sender, received) = watch::channel(None);
        (sender, Shutdown { received })
    }

    /// The signal that arrived, if one did.
    pub fn signal(&self) -> Option<Signal> {
        *self.received.borrow()
    }

    /// Waits for the signal.
    pub async fn requested(&mut self) -> Signal {
        match self.received.wait_for(Option::is_some).await.map(|signal| *signal) {
            Ok(Some(signal)) => signal,
            // The sender was dropped, so no signal can arrive.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
struct ShutdownSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// Handled so that a write beyond the file size limit (ulimit -f) fails, as on a full disk, instead of killing
    /// the process.
    _file_size: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl ShutdownSignals {
    fn install() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(ShutdownSignals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            _file_size: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct ShutdownSignals;

#[cfg(not(unix))]
impl ShutdownSignals {
    fn install() -> io::Result<Self> {
        Ok(ShutdownSignals)
    }

    async fn next(&mut self) -> Signal {
        // Without a handler no signal can arrive.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
