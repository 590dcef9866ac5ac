//! What a child has used of the machine, from /proc: no other way is known that does without unsafe code.

use std::fs;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// How often a clock of the kernel ticks for user space, in every Linux on x86 and ARM.
const TICKS_PER_SECOND: f64 = 100.0;

/// How often the peak is looked at. Once a child is dead its memory is gone, so growth in its last moments is
/// not seen.
const LOOK: Duration = Duration::from_millis(5);

/// What a child took from its start to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) wall: Duration,
    /// User and system time, to a hundredth of a second.
    pub(crate) cpu: Option<f64>,
    /// The peak of its resident memory, in bytes.
    pub(crate) peak: Option<u64>,
}

/// Waits until the child has ended, looking at it meanwhile. `started` is when it was.
///
/// # Errors
/// The system does not know the child.
pub(crate) fn wait(child: &mut Child, started: Instant) -> std::io::Result<(ExitStatus, Usage)> {
    let id = child.id();
    let peak = std::thread::spawn(move || watch_peak(id));
    let dead = await_death(id);
    let wall = started.elapsed();
    // It is dead and not yet reaped: its times are still there.
    let cpu = cpu(id);
    dead?;
    let peak = peak.join().ok().flatten();
    Ok((child.wait()?, Usage { wall, cpu, peak }))
}

/// Waits for the end of the child and leaves it to be reaped.
#[cfg(unix)]
fn await_death(id: u32) -> std::io::Result<()> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).ok_or(std::io::ErrorKind::InvalidInput)?;
    waitid(WaitId::Pid(id), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    Ok(())
}

#[cfg(not(unix))]
fn await_death(_id: u32) -> std::io::Result<()> {
    Ok(())
}

/// Fields 14 and 15 of the line, whose second is a name in parentheses.
fn cpu(id: u32) -> Option<f64> {
    let line = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = line.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

/// The last peak that was seen before the process died.
fn watch_peak(id: u32) -> Option<u64> {
    let mut peak = None;
    while let Some(seen) = peak_of(id) {
        peak = Some(seen);
        std::thread::sleep(LOOK);
    }
    peak
}

fn peak_of(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    kib.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
