//! Speed, pacing and memory of the release binary over loopback, in one table.
//!
//!     cargo bench --bench speed [-- SECTION... OPTION...]
//!
//! Without a section all of them run; `--help` lists the sections and options. Every server and client is a
//! child process: the tool itself, nginx, python, or this program in another role.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "a benchmark prints, and stops at the first error"
)]

mod http;
mod process;
mod table;
mod tool;
mod endpoints;
mod quota_server;
mod sdk;
mod method;
mod trial;
mod options;
mod pacing;
mod throughput;
mod volume;
mod against;

use std::panic::catch_unwind;
use std::process::ExitCode;

use options::{Options, Section};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &arguments[..] {
        ["role", name, arguments @ ..] => role(name, arguments),
        _ => match Options::read(&arguments) {
            Ok(options) => return measure(&options),
            Err(usage) => {
                println!("{usage}");
                return ExitCode::from(2);
            }
        },
    }
    ExitCode::SUCCESS
}

/// Runs this program as a server or a client of another instance of it.
fn role(name: &str, arguments: &[&str]) {
    match name {
        "constant" => endpoints::serve_constant_role(),
        "quota" => quota_server::serve_quota_role(arguments),
        "bare" => sdk::bare_role(arguments),
        "sdk-adaptive" => sdk::adaptive_role(arguments),
        "other" => sdk::other_role(arguments),
        _ => eprintln!("unknown role {name}"),
    }
}

fn measure(options: &Options) -> ExitCode {
    println!("{}", table::machine());
    println!("{}\n", options.plan());
    table::print_header();
    let mut is_complete = true;
    for section in &options.sections {
        // A section panics if one of its assumptions fails; the others do not depend on it.
        if catch_unwind(|| run(*section, options)).is_err() {
            println!("{:<9} FAILED; the message is above", section.name());
            is_complete = false;
        }
    }
    if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(section: Section, options: &Options) {
    match section {
        Section::Quota => pacing::quota(options),
        Section::Auto => pacing::auto(options),
        Section::Change => pacing::change(options),
        Section::NoQuota => throughput::no_quota(options),
        Section::Resume => volume::resume(options),
        Section::Scale => volume::scale(options),
        Section::Start => throughput::start(),
        Section::Against => against::run(options),
    }
}
