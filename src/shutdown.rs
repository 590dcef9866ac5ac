//! Signals: the first drains, the second ends the process at once.

use std::io;
use std::sync::mpsc;

use tokio::sync::watch;

use crate::exit_code::ExitCode;

/// A request to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Signal {
    /// SIGINT, or Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// The exit code that tells of it.
    pub fn exit_code(self) -> ExitCode {
        match self {
            Signal::Interrupt => ExitCode::Interrupted,
            Signal::Terminate => ExitCode::Terminated,
        }
    }

    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }
}

/// Whether the process has been asked to stop.
#[derive(Clone, Debug)]
pub struct Shutdown {
    asked: watch::Receiver<Option<Signal>>,
}

impl Shutdown {
    /// Listens for signals from now on, for as long as the process lives, in a thread of its own: the others may be
    /// stuck, such as before a pipe that nobody reads.
    ///
    /// # Errors
    /// The system refuses a signal handler or the thread.
    pub fn listen() -> io::Result<Self> {
        let (sender, asked) = watch::channel(None);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let (set_up, is_set_up) = mpsc::sync_channel(1);
        let listen = async move {
            let mut signals = match Signals::new() {
                Ok(signals) => signals,
                Err(error) => return set_up.send(Err(error)).unwrap_or_default(),
            };
            let _ = set_up.send(Ok(()));
            let first = signals.next().await;
            // Nobody may be listening any more; then the second signal still counts.
            let _ = sender.send(Some(first));
            let second = signals.next().await;
            // Whatever is in flight is durable as such; there is nothing to wait for.
            std::process::exit(i32::from(second.exit_code().code()));
        };
        std::thread::Builder::new().name("signals".into()).spawn(move || runtime.block_on(listen))?;
        is_set_up.recv().map_err(io::Error::other)??;
        Ok(Shutdown { asked })
    }

    /// A shutdown that is asked for through the sender; for tests and embedding.
    pub fn by_hand() -> (watch::Sender<Option<Signal>>, Self) {
        let (sender, asked) = watch::channel(None);
        (sender, Shutdown { asked })
    }

    /// The signal that asked the process to stop, if one did.
    pub fn asked(&self) -> Option<Signal> {
        *self.asked.borrow()
    }

    /// Waits to be asked.
    pub async fn requested(&mut self) -> Signal {
        match self.asked.wait_for(Option::is_some).await.map(|signal| *signal) {
            Ok(Some(signal)) => signal,
            // The sender is gone, so nobody will ever ask.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// A file that may not grow any more then fails a write, as a full disk does, and kills nobody.
    _file_size: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
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
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Signals)
    }

    async fn next(&mut self) -> Signal {
        // A handler that cannot be set up never fires.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
