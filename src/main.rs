//! Parses, runs the command, and turns what comes of it into an exit code.

use std::io::ErrorKind;
use std::process::ExitCode;

use connect_import::cli::{Cli, Command, Output};
use connect_import::{commands, exit_code, logging, ui};

/// A call of the SDK allocates hundreds of times. Measured by the benchmark `speed no-quota`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Shows help, the version, or what is wrong with the command line.
fn tell(told: &clap::Error) -> ExitCode {
    let shown = told.print();
    let code = match shown {
        _ if told.use_stderr() => exit_code::ExitCode::Usage,
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            let message = format!("cannot write to standard output: {error}");
            ui::exit_error(Output::Text, exit_code::ExitCode::Storage, &message);
            exit_code::ExitCode::Storage
        }
        Ok(()) | Err(_) => exit_code::ExitCode::Complete,
    };
    code.into()
}

fn main() -> ExitCode {
    // Parsing may end in an error or in help, which are in colour too.
    ui::set_colour(ui::foreseen_colour());
    let (cli, matches) = match Cli::read() {
        Ok(read) => read,
        Err(told) => return tell(&told),
    };
    ui::set_colour(cli.global.color.unwrap_or_default());
    ui::hush_panics();
    logging::start(cli.global.log_format.unwrap_or_default(), cli.global.debug);
    let output = match cli.command {
        // Its output is rows alone, and a message among them would be taken for one.
        Command::Export(_) => Output::Text,
        _ => cli.global.output.unwrap_or_default(),
    };
    // One thread for all that waits, which is nearly everything; the ledger and whatever reads and writes files have
    // theirs. Handing every request on between several took a fifth of its cost. The same benchmark.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let message = format!("cannot start: {error}");
            ui::exit_error(output, exit_code::ExitCode::Storage, &message);
            return exit_code::ExitCode::Storage.into();
        }
    };
    let code = runtime.block_on(commands::execute(cli, &matches)).unwrap_or_else(|error| {
        let code = error.exit_code();
        ui::exit_error(output, code, &error.to_string());
        code
    });
    // Threads that still wait, such as for a signal, do not hold the exit up.
    runtime.shutdown_background();
    tracing::info!(exit_code = code.code(), "ends");
    code.into()
}
