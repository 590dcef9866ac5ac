//! `man`: the manual pages.

use std::io;
use std::path::Path;

use clap_mangen::Man;

use super::CommandError;
use crate::cli::{ManArgs, described};
use crate::exit_code::ExitCode;
use crate::report::to_stdout;

pub(super) fn man(args: &ManArgs) -> Result<ExitCode, CommandError> {
    let written = match &args.to {
        Some(folder) => pages(folder),
        None => page(),
    };
    written.map_err(|source| CommandError::Io { what: "cannot write the manual", source })?;
    Ok(ExitCode::Complete)
}

/// The page of the whole program.
fn page() -> io::Result<()> {
    let mut page = Vec::new();
    Man::new(described()).render(&mut page)?;
    to_stdout(&String::from_utf8_lossy(&page))
}

/// A page for the program and for each of its commands.
fn pages(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    clap_mangen::generate_to(described().disable_help_subcommand(true), folder)
}
