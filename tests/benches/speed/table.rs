//! The table that every result is printed into as soon as it is known, and the headline about the machine.

use std::fs;
use std::process::Command;

/// One result: its name, its value, and a ratio to another value or the target, or nothing.
pub(crate) type Measurement = (String, String, String);

/// Prints the columns' names.
pub(crate) fn print_header() {
    print("section", "case", "measure", "value", "ratio or target");
}

/// Prints the results of one section and case.
pub(crate) fn print_rows(section: &str, case: &str, measurements: impl IntoIterator<Item = Measurement>) {
    for (measure, value, reference) in measurements {
        print(section, case, &measure, &value, &reference);
    }
}

fn print(section: &str, case: &str, measure: &str, value: &str, reference: &str) {
    let line = format!("{section:<9} {case:<36} {measure:<38} {value:>15}  {reference}");
    println!("{}", line.trim_end());
}

/// A share as a percentage.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// Bytes in megabytes, if they are known.
pub(crate) fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "unknown".into(), |bytes| format!("{:.0} MB", bytes as f64 / 1e6))
}

/// The median; `values` must not be empty.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// CPU, cores, memory, kernel and disk of this machine, as far as they are known.
pub(crate) fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = proc_field("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let memory =
        proc_field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse().ok());
    let memory = memory.map_or_else(String::new, |kib: f64| format!(", {:.1} GB", kib * 1024.0 / 1e9));
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = format!("{} {}", std::env::consts::OS, release.trim());
    format!("{cpu}, {cores} cores{memory}, {}, {}", kernel.trim(), disk())
}

/// The value of a line `name : value`.
fn proc_field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start_matches([' ', '\t', ':']).to_owned())
}

/// The file system and the kind of disk of the temporary folder, which contains the ledgers.
fn disk() -> String {
    let folder = std::env::temp_dir();
    let output = Command::new("df").arg("--output=source,fstype").arg(&folder).output();
    let output =
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let mut words = output.lines().nth(1).unwrap_or_default().split_whitespace();
    let (Some(device), Some(system)) = (words.next(), words.next()) else {
        return "disk unknown".to_owned();
    };
    let name = device.trim_start_matches("/dev/");
    // Only the disk has a queue, not its partitions.
    let names = [name, name.trim_end_matches(|c: char| c.is_ascii_digit())];
    let rotational =
        names.iter().find_map(|name| fs::read_to_string(format!("/sys/block/{name}/queue/rotational")).ok());
    let kind = match rotational.as_deref().map(str::trim) {
        Some("0") => " (solid state)",
        Some("1") => " (rotational)",
        _ => "",
    };
    format!("{system} on {device}{kind}")
}
