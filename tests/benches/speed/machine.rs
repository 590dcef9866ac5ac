//! What the numbers were measured on.

use std::fs;
use std::process::Command;

/// CPU, cores, memory, kernel and disk, as far as they are known.
pub(crate) fn headline() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory = field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse().ok());
    let memory = memory.map_or_else(String::new, |kib: f64| format!(", {:.1} GB", kib * 1024.0 / 1e9));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = format!("{} {}", std::env::consts::OS, kernel.trim());
    format!("{cpu}, {cores} cores{memory}, {}, {}", kernel.trim(), disk())
}

/// The value of a line `name : value`.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
}

/// The file system and the kind of disk under the folder for temporary files, where the ledgers lie.
fn disk() -> String {
    let folder = std::env::temp_dir();
    let asked = Command::new("df").arg("--output=source,fstype").arg(&folder).output();
    let answer = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut words = answer.lines().nth(1).unwrap_or_default().split_whitespace();
    let (Some(device), Some(system)) = (words.next(), words.next()) else {
        return "disk unknown".to_owned();
    };
    let name = device.trim_start_matches("/dev/");
    // A partition has no queue of its own; its disk has.
    let names = [name, name.trim_end_matches(|c: char| c.is_ascii_digit())];
    let rotational =
        names.iter().find_map(|name| fs::read_to_string(format!("/sys/block/{name}/queue/rotational")).ok());
    let kind = match rotational.as_deref().map(str::trim) {
        Some("0") => " (not rotating)",
        Some("1") => " (says it rotates)",
        _ => "",
    };
    format!("{system} on {device}{kind}")
}
