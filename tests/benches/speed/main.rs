//! How fast the tool is and how well it paces itself, measured at the real binary over loopback. One table.
//!
//!     cargo bench --bench speed [-- SECTION... OPTION...]
//!
//! Without a section all of them run; `--help` says which there are, and what can be set. Every server and
//! client that takes part is a child process: the tool itself, nginx, python, or this program in another
//! role.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a benchmark prints, and stops when it cannot go on"
)]

mod analysis;
mod auto;
mod child;
mod constant;
mod http;
mod ledger;
mod machine;
mod method;
mod no_quota;
mod options;
mod quota;
mod quota_server;
mod resume;
mod scale;
mod scenario;
mod sdk;
mod server;
mod start;
mod table;
mod tool;
mod trial;
mod usage;

use std::panic::catch_unwind;
use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &words[..] {
        ["role", name, rest @ ..] => role(name, rest),
        _ => match Options::read(&words) {
            Ok(options) => return measure(&options),
            Err(usage) => {
                println!("{usage}");
                return ExitCode::from(2);
            }
        },
    }
    ExitCode::SUCCESS
}

/// What this program is to another instance of it.
fn role(name: &str, rest: &[&str]) {
    match name {
        "constant" => constant::role(),
        "quota" => quota_server::role(rest),
        "bare" => sdk::bare(rest),
        "sdk-adaptive" => sdk::adaptive(rest),
        "other" => sdk::other(rest),
        _ => eprintln!("there is no role {name}"),
    }
}

fn measure(options: &Options) -> ExitCode {
    println!("{}", machine::headline());
    println!("{}\n", options.plan());
    table::headline();
    let mut whole = true;
    for section in &options.sections {
        // A section asserts what it relies on; the others do not depend on it.
        if catch_unwind(|| section.run(options)).is_err() {
            println!("{:<9} FAILED; what went wrong is said above", section.name());
            whole = false;
        }
    }
    if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
