//! `completions` and `man`: shell completions and manual pages.

use std::io::{self, Write as _};
use std::path::Path;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

use super::CommandError;
use crate::atomic_file::AtomicFile;
use crate::cli::{CompletionsArgs, ManArgs, described};
use crate::exit_code::ExitCode;
use crate::job::JobError;
use crate::output_file::OutputKind;
use crate::permissions::make_world_readable;
use crate::ui::to_stdout;

pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitCode, CommandError> {
    let mut script = Vec::new();
    let mut command = described();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if args.shell == Shell::Bash {
        // clap_complete 4.6 writes the name of a program with a hyphen in two ways (clap issue 6421), so that its commands
        // would not be completed.
        script = script.replace("connect__subcmd__import", "connect__import");
    }
    to_stdout(&script).map_err(super::io("cannot write the completions"))?;
    Ok(ExitCode::Complete)
}

pub(super) fn man(args: &ManArgs) -> Result<ExitCode, CommandError> {
    let written = match args.to.as_deref().filter(|folder| *folder != Path::new("-")) {
        Some(folder) => {
            expect_own_pages(folder)?;
            pages(folder)
        }
        None => rendered(&described()).and_then(|page| to_stdout(&String::from_utf8_lossy(&page))),
    };
    written.map_err(super::io("cannot write the manual"))?;
    Ok(ExitCode::Complete)
}

/// Writes one page for the program and one for each command.
fn pages(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (name, command) in documented() {
        let mut file = AtomicFile::create(&folder.join(name))?;
        make_world_readable(file.file())?;
        file.write_all(&rendered(&command)?)?;
        file.publish()?;
    }
    Ok(())
}

/// Checks that no file in the folder would be replaced that is no manual page.
fn expect_own_pages(folder: &Path) -> Result<(), JobError> {
    for (name, _) in documented() {
        OutputKind::ManualPage.expect_replaceable(&folder.join(name), false)?;
    }
    Ok(())
}

/// The program and its commands, with the names of their pages.
fn documented() -> Vec<(String, Command)> {
    let mut program = described().disable_help_subcommand(true);
    program.build();
    let all = std::iter::once(&program).chain(program.get_subcommands());
    let name = |command: &Command| command.get_display_name().unwrap_or(command.get_name()).to_owned();
    all.map(|command| (format!("{}.1", name(command)), command.clone())).collect()
}

/// Renders a page with the usage line as its synopsis: clap_mangen's own synopsis lists every option.
fn rendered(command: &Command) -> io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace('-', "\\-");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    // Justified or hyphenated commands could not be pasted.
    writeln!(page, ".ad l\n.nh")?;
    man.render_name_section(&mut page)?;
    writeln!(page, ".SH SYNOPSIS\n{usage}")?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    man.render_extra_section(&mut page)?;
    // Of the commands none has a version of its own.
    if command.get_version().is_some() {
        man.render_version_section(&mut page)?;
    }
    Ok(page)
}
