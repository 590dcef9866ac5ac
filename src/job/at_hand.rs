//! The job at hand: `connect-import.toml` in the working directory, which is the job where a command names none.
//!
//! [`take_job_at_hand`] decides for every command, so that no command has a rule of its own: it completes the arguments as
//! if `--job connect-import.toml` had been given.

use std::path::{Path, PathBuf};

use crate::cli::{Command, JobArgs, LedgersArgs};

/// Name of the job file that is used where a command names neither a job file nor an input.
pub const JOB_AT_HAND: &str = "connect-import.toml";

/// What becomes of a [`JOB_AT_HAND`] in the working directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JobAtHand {
    /// It is the job of the command.
    Taken,
    /// It is not used, since the command names a CSV.
    PassedOver,
}

/// Makes [`JOB_AT_HAND`] in `folder`, the working directory, the job of a command that names no job file, no CSV and, if
/// it only reads ledgers, no ledger. `None` if there is no such file, or the command takes no job or has one.
///
/// A ledger that `status`, `export` or `report` names may belong to another import, with which the job file would not
/// agree; those commands need nothing else, so they run without a job.
pub fn take_job_at_hand(command: &mut Command, folder: &Path) -> Option<JobAtHand> {
    let (job, has_csv, has_all) = match command {
        Command::Run(args) => of_job(&mut args.job),
        Command::Check(args) => of_job(&mut args.job),
        Command::Doctor(args) => of_job(&mut args.job),
        Command::Verify(args) => of_job(&mut args.job),
        Command::Status(args) => of_ledgers(&mut args.ledgers),
        Command::Export(args) => of_ledgers(&mut args.ledgers),
        Command::Report(args) => of_ledgers(&mut args.ledgers),
        Command::Init(_) | Command::Sandbox(_) | Command::Completions(_) | Command::Man(_) => return None,
    };
    if job.is_some() || has_all || !is_at_hand(folder) {
        return None;
    }
    if has_csv {
        return Some(JobAtHand::PassedOver);
    }
    *job = Some(PathBuf::from(JOB_AT_HAND));
    Some(JobAtHand::Taken)
}

/// The job file, whether a CSV is named, and whether the command needs no job.
fn of_job(args: &mut JobArgs) -> (&mut Option<PathBuf>, bool, bool) {
    (&mut args.job, !args.files.is_empty(), false)
}

fn of_ledgers(args: &mut LedgersArgs) -> (&mut Option<PathBuf>, bool, bool) {
    let has_csv = !args.files.is_empty();
    (&mut args.job, has_csv, !args.ledger.is_empty() && !has_csv)
}

/// Whether `folder` has the file. A link that leads nowhere counts: reading it is an error that names it.
fn is_at_hand(folder: &Path) -> bool {
    let file = folder.join(JOB_AT_HAND);
    file.symlink_metadata().is_ok() && !file.is_dir()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::Cli;

    /// What becomes of the job at hand in `folder`, and the job of the command then.
    fn taken(folder: &Path, words: &str) -> (Option<JobAtHand>, Option<PathBuf>) {
        let words = ["connect-import"].into_iter().chain(words.split(' '));
        let mut command = Cli::try_parse_from(words).unwrap().command;
        let at_hand = take_job_at_hand(&mut command, folder);
        let job = match command {
            Command::Run(args) => args.job.job,
            Command::Check(args) => args.job.job,
            Command::Doctor(args) => args.job.job,
            Command::Verify(args) => args.job.job,
            Command::Status(args) => args.ledgers.job,
            Command::Export(args) => args.ledgers.job,
            Command::Report(args) => args.ledgers.job,
            Command::Init(args) => args.job,
            Command::Sandbox(_) | Command::Completions(_) | Command::Man(_) => None,
        };
        (at_hand, job)
    }

    const WITH_A_JOB: [&str; 7] = ["run", "check", "doctor", "verify", "status", "export", "report"];

    #[test]
    fn every_command_that_takes_a_job_takes_the_one_at_hand_unless_a_job_or_a_csv_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for command in WITH_A_JOB {
            assert_eq!(taken(folder, command), (None, None));
        }
        std::fs::write(folder.join(JOB_AT_HAND), "").unwrap();
        let job = Some(PathBuf::from(JOB_AT_HAND));
        for command in WITH_A_JOB {
            assert_eq!(taken(folder, command), (Some(JobAtHand::Taken), job.clone()), "{command}");
            let other = taken(folder, &format!("{command} --job x.toml"));
            assert_eq!(other, (None, Some("x.toml".into())), "{command}");
            let csv = taken(folder, &format!("{command} t.csv"));
            assert_eq!(csv, (Some(JobAtHand::PassedOver), None), "{command}");
        }
        assert_eq!(taken(folder, "init t.csv"), (None, None));
        assert_eq!(taken(folder, "sandbox"), (None, None));
    }

    #[test]
    fn a_named_ledger_is_read_without_the_job_and_imported_into_with_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(JOB_AT_HAND), "").unwrap();
        for command in ["status", "export", "report"] {
            assert_eq!(taken(folder.path(), &format!("{command} --ledger x.db")), (None, None), "{command}");
        }
        for command in ["run", "check", "doctor", "verify"] {
            let found = taken(folder.path(), &format!("{command} --ledger x.db")).0;
            assert_eq!(found, Some(JobAtHand::Taken), "{command}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_of_that_name_is_no_job_and_a_broken_link_is_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(JOB_AT_HAND);
        std::fs::create_dir(&file).unwrap();
        assert_eq!(taken(folder.path(), "run").0, None);
        std::fs::remove_dir(&file).unwrap();
        std::os::unix::fs::symlink("missing.toml", &file).unwrap();
        assert_eq!(taken(folder.path(), "run").0, Some(JobAtHand::Taken));
    }
}
