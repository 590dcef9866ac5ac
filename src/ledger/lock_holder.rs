//! The process that holds a lock, as the lock record names it, and whether it has surely ended.

use std::fmt;
use std::str::FromStr;

/// A random number of a run or verification. Those of the same number in two copies of a ledger differ in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Nonce(pub(super) i64);

impl Nonce {
    /// A new one.
    pub(super) fn random() -> Self {
        Nonce(fastrand::i64(..))
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Nonce {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u64::from_str_radix(text, 16).map(|number| Nonce(number.cast_signed()))
    }
}

/// A run or verification, and its process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Holder {
    /// For people: the process, its machine and the time at which it took the lock.
    pub(super) name: String,
    /// Random number of the run or verification.
    pub(super) nonce: Nonce,
    /// Where and when the process started, where the system tells.
    process: Option<ProcessStart>,
}

/// A process among all of all machines.
#[derive(Clone, PartialEq, Eq, Debug)]
struct ProcessStart {
    id: u32,
    /// Ticks of the clock since the machine started.
    ticks: u64,
    /// Where numbers of processes mean the same processes: the start of the machine, and the namespace.
    space: String,
}

impl Holder {
    /// A new run or verification of this process.
    pub(super) fn new() -> Self {
        let id = std::process::id();
        let machine = machine().map(|name| format!(" on {name}")).unwrap_or_default();
        Holder {
            name: format!("process {id}{machine}, since {:.0}", jiff::Timestamp::now()),
            nonce: Nonce::random(),
            process: process_space().and_then(|space| Some(ProcessStart { id, ticks: start_of(id)?, space })),
        }
    }

    /// Whether the process is this one, or has ended. `false` if that is not known, as of another machine or container.
    pub(super) fn has_ended(&self) -> bool {
        let Some(ProcessStart { id, ticks, space }) = &self.process else { return false };
        let is_known_here = process_space().as_ref() == Some(space);
        is_known_here && (*id == std::process::id() || start_of(*id) != Some(*ticks))
    }

    /// The lines of a lock file for it.
    pub(super) fn lines(&self) -> String {
        let process = self
            .process
            .as_ref()
            .map(|ProcessStart { id, ticks, space }| format!(", process {id} of tick {ticks} in {space}"));
        format!("{}\nnonce {}{}\n", self.name, self.nonce, process.unwrap_or_default())
    }

    /// Reads the two lines.
    pub(super) fn parse(name: &str, line: &str) -> Option<Self> {
        let (nonce, process) = match line.strip_prefix("nonce ")?.split_once(", process ") {
            Some((nonce, process)) => (nonce, Some(ProcessStart::parse(process)?)),
            None => (line.strip_prefix("nonce ")?, None),
        };
        Some(Holder { name: name.to_owned(), nonce: nonce.parse().ok()?, process })
    }
}

impl ProcessStart {
    fn parse(text: &str) -> Option<Self> {
        let (id, rest) = text.split_once(" of tick ")?;
        let (ticks, space) = rest.split_once(" in ")?;
        Some(ProcessStart { id: id.parse().ok()?, ticks: ticks.parse().ok()?, space: space.to_owned() })
    }
}

/// Name of this machine, where `/proc` tells.
fn machine() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty() && !name.contains(char::is_whitespace))
}

fn process_space() -> Option<String> {
    let start = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{} {}", start.trim(), namespace.to_str()?))
}

/// When a process started. `None` if there is none, or none that runs any more.
fn start_of(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may have any character. Fields 3 (state) and 22 (start) of proc_pid_stat(5).
    let mut fields = status.rsplit_once(')')?.1.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(holder: &Holder) -> Option<Holder> {
        let lines = holder.lines();
        let (name, line) = lines.trim_end().split_once('\n')?;
        Holder::parse(name, line)
    }

    #[test]
    fn a_holder_is_read_as_it_was_written_and_other_lines_are_none() {
        let own = Holder::new();
        assert_eq!(read(&own), Some(own.clone()));
        let elsewhere = Holder { process: None, ..own };
        assert_eq!(read(&elsewhere), Some(elsewhere));
        for line in ["", "nonce", "nonce x", "nonce 1, process 2", "nonce 1, process 2 of tick x in y"] {
            assert_eq!(Holder::parse("process 1", line), None, "{line}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_has_ended_if_its_number_is_free_or_another_process_has_it() {
        let own = Holder::new();
        assert!(own.has_ended(), "it is this process");
        let of = |change: &dyn Fn(&mut ProcessStart)| {
            let mut process = own.process.clone().unwrap();
            change(&mut process);
            Holder { process: Some(process), ..own.clone() }
        };
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let id = child.id();
        let ticks = start_of(id).unwrap();
        let running = of(&|process| (process.id, process.ticks) = (id, ticks));
        assert!(!running.has_ended());
        assert!(of(&|process| (process.id, process.ticks) = (id, ticks + 1)).has_ended());
        child.kill().unwrap();
        // Killed, and perhaps not awaited yet.
        child.wait().unwrap();
        assert!(running.has_ended());
        // The same number on another machine says nothing.
        assert!(!of(&|process| process.space = "another machine".to_owned()).has_ended());
        assert!(!Holder { process: None, ..own }.has_ended());
    }
}
