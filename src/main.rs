//! Corrects the environment, parses the command line, runs the command and returns its exit code.

use std::process::ExitCode;

use connect_import::cli::Cli;
use connect_import::{commands, environment, logging, open_files, shutdown, ui};

/// The SDK allocates hundreds of times per call. Measured with the benchmark `speed no-quota`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything opens a file.
    open_files::count_inherited();
    // Early, since anything later may wait, for example for a pipe. A command that needs the signals reports the error.
    let _ = shutdown::end_on_signal(commands::on_forced_end);
    match environment::correct() {
        Ok(None) => {}
        Ok(Some(code)) => return code.into(),
        Err(error) => return commands::end_of_start(&error).into(),
    }
    // Before parsing, since help and usage errors are coloured as well.
    ui::set_colour(ui::foreseen_colour());
    let (cli, matches) = match Cli::read() {
        Ok(parsed) => parsed,
        Err(error) => return commands::end_of_parsing(&error).into(),
    };
    ui::set_colour(cli.global.color.unwrap_or_default());
    ui::hide_panic_messages();
    ui::set_quiet(cli.global.quiet);
    logging::start(cli.global.log_format.unwrap_or_default(), cli.global.debug, cli.global.verbose);
    commands::run_to_end(cli, &matches).into()
}
