//! Shutdown signals, SIGINT and SIGTERM: the first stops the command, a second one ends the process.
//!
//! - A thread of its own receives them from the start of the process. Other threads may block: on a pipe that nobody reads,
//!   a file system that does not answer, a lock. So the first signal always ends the process, in time.
//! - A command that has nothing to settle is ended at once. One that has takes part with [`Shutdown::listen`]: it sends no new
//!   request, awaits those in flight, and ends. If it has not ended [`SETTLE_TIME`] after its grace period, it is ended.
//! - Two signals within [`ONE_REQUEST`] are one.
//! - Ending the process is safe at any time: the ledger knows every request that was sent.

mod sequence;

use std::io;
use std::sync::mpsc;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::exit_code::ExitCode;
use crate::open_files::{LEAST_OF_SIGNALS, expect_open_files};
use crate::time_budget::TimeBudget;
pub use sequence::{ONE_REQUEST, SETTLE_TIME};
use sequence::{SignalEffect, SignalSequence};

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

/// Why the thread of the signals ends the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ForcedEnd {
    /// The command has nothing to settle.
    AtOnce,
    /// A second signal came.
    Again,
    /// The command has not ended within this time after the first signal.
    Overdue(Duration),
}

/// Called before the thread of the signals ends the process, on a thread that may block.
pub type Farewell = fn(Signal, ForcedEnd);

/// The process's thread of signals.
#[derive(Debug)]
struct Listener {
    received: watch::Receiver<Option<Signal>>,
}

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// How long the command waits for requests in flight after a signal; `None` while it has nothing to settle.
static GRACE: Mutex<Option<Duration>> = Mutex::new(None);

fn set_grace(grace: Duration) {
    *GRACE.lock().unwrap_or_else(PoisonError::into_inner) = Some(grace);
}

fn grace() -> Option<Duration> {
    *GRACE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Receives the signals of the process from now on, until a command listens itself: the first ends the process. Also as
/// process 1 of a container, for which the system ignores signals that it does not handle.
///
/// # Errors
/// The system refuses a signal handler or the thread, or the limit on open files is too low.
pub fn end_on_signal(farewell: Farewell) -> io::Result<()> {
    if LISTENER.get().is_some() {
        return Ok(());
    }
    // Tokio panics if it cannot open the files of its signal handlers.
    expect_open_files(LEAST_OF_SIGNALS).map_err(io::Error::other)?;
    let (sender, received) = watch::channel(None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        ShutdownSignals::install()?
    };
    let listen = async move {
        let started = Instant::now();
        let mut sequence = SignalSequence::default();
        let mut first = Signal::Terminate;
        loop {
            let time_left = sequence.time_left(started.elapsed());
            let overdue = async {
                match time_left {
                    Some(time) => tokio::time::sleep(time).await,
                    None => std::future::pending().await,
                }
            };
            let signal = tokio::select! {
                signal = signals.next() => signal,
                () = overdue => end_process(first, ForcedEnd::Overdue(sequence.allowed()), farewell),
            };
            match sequence.receive(started.elapsed(), grace()) {
                SignalEffect::Stop => {
                    first = signal;
                    // Without receivers nothing stops, and the time runs out.
                    let _ = sender.send(Some(signal));
                }
                SignalEffect::Repeated => {}
                SignalEffect::End => end_process(signal, ForcedEnd::AtOnce, farewell),
                SignalEffect::EndNow => end_process(signal, ForcedEnd::Again, farewell),
            }
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(move || runtime.block_on(listen))?;
    // Two starts at a time are tests' only, and the handlers of both are installed.
    let _ = LISTENER.set(Listener { received });
    Ok(())
}

/// Ends the process with the signal's exit code, whatever its other threads wait for.
fn end_process(signal: Signal, why: ForcedEnd, farewell: Farewell) -> ! {
    /// Time for the last line, which a full pipe would not take.
    const FAREWELL: Duration = Duration::from_secs(1);
    let (said, is_said) = mpsc::channel();
    let thread = std::thread::Builder::new().spawn(move || {
        farewell(signal, why);
        // The process may have stopped waiting.
        let _ = said.send(());
    });
    if thread.is_ok() {
        let _ = is_said.recv_timeout(FAREWELL);
    }
    // The standard library flushes standard output at the exit unless another thread holds it. A full pipe would block that.
    let (held, is_held) = mpsc::channel();
    let thread = std::thread::Builder::new().spawn(move || {
        let _stdout = io::stdout().lock();
        let _ = held.send(());
        loop {
            std::thread::park();
        }
    });
    if thread.is_ok() {
        // Where it does not come, another thread holds it.
        let _ = is_held.recv_timeout(FAREWELL / 10);
    }
    std::process::exit(i32::from(signal.exit_code().code()))
}

/// The first shutdown signal, once it arrives. Clones see the same signal.
#[derive(Clone, Debug)]
pub struct Shutdown {
    received: watch::Receiver<Option<Signal>>,
    budget: TimeBudget,
}

impl Shutdown {
    /// Takes part in the shutdown: from now on the first signal asks the command to stop, and ends the process only if the
    /// command has not ended after [`SETTLE_TIME`].
    ///
    /// # Errors
    /// The system refuses a signal handler or the thread of the signals.
    pub fn listen() -> io::Result<Self> {
        end_on_signal(|_, _| {})?;
        set_grace(Duration::ZERO);
        match LISTENER.get() {
            Some(listener) => {
                Ok(Shutdown { received: listener.received.clone(), budget: TimeBudget::default() })
            }
            None => Err(io::Error::other("no thread receives signals")),
        }
    }

    /// Allows the command to wait this long for requests in flight, in addition to [`SETTLE_TIME`]. It counts for a signal
    /// that comes from now on.
    pub fn allow(&self, grace: Duration) {
        set_grace(grace);
    }

    /// A shutdown that is requested through the sender, for tests and embedding.
    pub fn manual() -> (watch::Sender<Option<Signal>>, Self) {
        let (sender, received) = watch::channel(None);
        (sender, Shutdown { received, budget: TimeBudget::default() })
    }

    /// The same, for a run that stops of itself too.
    #[must_use]
    pub fn with_budget(self, budget: TimeBudget) -> Self {
        Shutdown { budget, ..self }
    }

    /// When the run stops of itself.
    pub fn budget(&self) -> TimeBudget {
        self.budget
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
