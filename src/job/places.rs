//! Paths of a job's ledgers and of its rejects file.

use std::io;
use std::path::{Path, PathBuf};

use super::destination::instance;
use super::file::JobFile;
use super::input::{is_pattern, operation, shard};
use super::{JobError, option_error};
use crate::cli::{JobArgs, LedgersArgs, RequestArgs, RunArgs, duration};
use crate::ledger::{LedgerError, NamedIdentity};
use crate::paths::{folder_of, resolved, uncompressed, with_suffix};
use crate::printable::ShownPath as _;
use crate::shard::Shard;

/// The ledgers of a job, for commands that only read them. Without `--ledger` and without a ledger of all rows, these
/// are the ledgers of shards beside it.
///
/// # Errors
/// [`JobError::NoLedger`]; [`JobError::Option`] if a ledger is named twice.
pub fn ledgers_of(args: &LedgersArgs, file: &JobFile) -> Result<Vec<PathBuf>, JobError> {
    let ledgers = match (&args.ledger[..], ledger_path(&job_args(args), file)) {
        ([], Ok(ledger)) => or_of_shards(ledger)?,
        ([], Err(JobError::NoInput)) => return Err(JobError::NoLedger),
        (_, Err(error)) => return Err(error),
        (named, Ok(_)) => named.to_vec(),
    };
    let mut seen = std::collections::HashSet::new();
    match ledgers.iter().find(|ledger| !seen.insert(resolved(ledger))) {
        Some(twice) => Err(option_error("--ledger", format!("names {} twice", twice.shown()))),
        None => Ok(ledgers),
    }
}

/// Refuses a CSV argument that is a mistake: the time of `--watch` without an equals sign, or a missing file beside
/// `--ledger`.
///
/// # Errors
/// [`JobError::Option`]
pub fn expect_csvs(args: &LedgersArgs, is_watched: bool) -> Result<(), JobError> {
    for file in
        args.files.iter().filter(|file| !is_pattern(file) && *file != Path::new("-") && !file.exists())
    {
        let word = file.shown();
        if is_watched && duration(&word.to_string()).is_ok() {
            let problem = format!(
                "takes its time after an equals sign: --watch={word}; apart from it '{word}' is a CSV"
            );
            return Err(option_error("--watch", problem));
        }
        if !args.ledger.is_empty() {
            let problem = format!("is named, so a CSV beside it is not needed; and there is no file {word}");
            return Err(option_error("--ledger", problem));
        }
    }
    Ok(())
}

/// The parts of a ledger's identity that the job file names.
///
/// # Errors
/// The instance or the operation that it names is impossible.
pub fn named_identity(args: &LedgersArgs, file: &JobFile) -> Result<NamedIdentity, JobError> {
    let request = RequestArgs::default();
    Ok(NamedIdentity {
        instance_id: instance(args.sandbox, &request, file)?.map(|instance| instance.id),
        operation: file.connect.operation.as_ref().map(|_| operation(&request, file)).transpose()?,
        namespace: file.connect.namespace.clone(),
        key: Some(file.source.key.clone()).filter(|key| !key.is_empty()),
        key_comparison: file.source.key_compare,
    })
}

/// The ledger, or if it is missing the ledgers of shards beside it, in the order of the shards.
fn or_of_shards(ledger: PathBuf) -> Result<Vec<PathBuf>, JobError> {
    let found = if is_there(&ledger)? { Vec::new() } else { shards_beside(&ledger)? };
    Ok(if found.is_empty() { vec![ledger] } else { found.into_iter().map(|(_, path)| path).collect() })
}

/// Whether the ledger exists. An error of the disk is not taken for a missing ledger.
pub(super) fn is_there(ledger: &Path) -> Result<bool, JobError> {
    ledger.try_exists().map_err(|source| unread(ledger, source))
}

fn unread(path: &Path, source: io::Error) -> JobError {
    LedgerError::Io { path: path.to_owned(), source: source.into() }.into()
}

/// The ledgers of shards beside the ledger of all rows, in the order of the shards.
fn shards_beside(ledger: &Path) -> Result<Vec<(Shard, PathBuf)>, JobError> {
    let folder = folder_of(ledger);
    let entries = match std::fs::read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(unread(folder, source)),
    };
    let paths = entries.iter().map(|entry| ledger.with_file_name(entry.file_name()));
    let mut found: Vec<_> = paths.filter_map(|path| Some((shard_of(ledger, &path)?, path))).collect();
    found.sort();
    Ok(found)
}

/// The path of a shard's own file: `tickets.ledger.db` is `tickets.0-of-4.ledger.db`, and `x.csv` is
/// `x.0-of-4.csv`.
pub(super) fn of_shard(path: PathBuf, shard: Option<Shard>) -> PathBuf {
    let Some(shard) = shard else { return path };
    let (before, after) = around_part(&path);
    // The user may have named the shard's file itself.
    if before.ends_with(&format!(".{}.", shard.file_part())) {
        return path;
    }
    path.with_file_name(format!("{before}{}{after}", shard.file_part()))
}

/// The shard that the name of a file beside `ledger` names.
fn shard_of(ledger: &Path, file: &Path) -> Option<Shard> {
    let (before, after) = around_part(ledger);
    let name = file.file_name()?.to_str()?;
    Shard::from_file_part(name.strip_prefix(&*before)?.strip_suffix(&*after)?)
}

/// The file name before and after the place of the shard.
fn around_part(path: &Path) -> (String, String) {
    const ENDINGS: [&str; 3] = [".sandbox.ledger.db", ".ledger.db", ".rejects.csv"];
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let own = || Path::new(&name).extension().map_or(name.len(), |own| name.len() - own.len() - 1);
    let known = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).map(str::len);
    let (before, after) = name.split_at(known.unwrap_or_else(own));
    (format!("{before}."), after.to_owned())
}

/// The arguments of a job with the first of its ledgers.
pub(super) fn job_args(args: &LedgersArgs) -> JobArgs {
    let LedgersArgs { files, job, ledger, sandbox } = args;
    JobArgs {
        files: files.clone(),
        job: job.clone(),
        ledger: ledger.first().cloned(),
        shard: None,
        sandbox: *sandbox,
    }
}

/// The path of the ledger: `--ledger`, or beside the job file, or beside the first CSV. Without `--ledger` the name of
/// a shard's ledger has the shard in it.
///
/// # Errors
/// [`JobError::NoInput`], [`JobError::LedgerUnnamed`]
pub(super) fn ledger_path(args: &JobArgs, file: &JobFile) -> Result<PathBuf, JobError> {
    match &args.ledger {
        Some(path) => Ok(path.clone()),
        None => Ok(of_shard(whole_path(args, file)?, shard(args, file))),
    }
}

/// The path of the ledger for a run, which may create it. Refused if the same import has ledgers of another number of
/// shards: a new ledger would know nothing of their rows and send them again. `--ledger` skips this check.
///
/// # Errors
/// As [`ledger_path`]; [`JobError::Option`] for a ledger of another number of shards.
pub(super) fn ledger_to_write(args: &JobArgs, file: &JobFile) -> Result<PathBuf, JobError> {
    let own = ledger_path(args, file)?;
    if args.ledger.is_some() {
        return Ok(own);
    }
    let (whole, shard) = (whole_path(args, file)?, shard(args, file));
    let is_other = |other: Shard| shard.map(Shard::count) != Some(other.count());
    let other = shards_beside(&whole)?.into_iter().find(|(other, _)| is_other(*other));
    let (path, with) = match other {
        Some((other, path)) => (path, format!("with --shard K/{}", other.count())),
        None if shard.is_some() && is_there(&whole)? => (whole, "without --shard".to_owned()),
        None => return Ok(own),
    };
    Err(option_error(
        "--shard",
        format!(
            "has changed: {} has rows of this import, which {} does not know and would send again. Run again {with}, or \
             move that ledger away if it does not count",
            path.shown(),
            own.shown()
        ),
    ))
}

/// The default path of the ledger of all rows.
fn whole_path(args: &JobArgs, file: &JobFile) -> Result<PathBuf, JobError> {
    if let (Some(path), false) = (&file.run.ledger, args.sandbox) {
        return Ok(file.beside(path));
    }
    let anchor = match (&file.path, args.files.first()) {
        (Some(job), _) => job.clone(),
        (None, Some(csv)) if csv == Path::new("-") || is_pattern(csv) => return Err(JobError::LedgerUnnamed),
        (None, Some(csv)) => uncompressed(csv),
        (None, None) => return Err(JobError::NoInput),
    };
    let suffix = if args.sandbox { ".sandbox.ledger.db" } else { ".ledger.db" };
    Ok(with_suffix(&anchor.with_extension(""), suffix))
}

/// The path of a run's rejects file: `--rejects`, the job file's unless the run is a rehearsal, or beside the ledger.
/// Each shard has its own.
pub(super) fn rejects_named(args: &RunArgs, file: &JobFile, ledger: &Path) -> PathBuf {
    let of_file = file.run.rejects.as_ref().filter(|_| !args.job.sandbox);
    let named = args.rejects.clone().or_else(|| of_file.map(|path| file.beside(path)));
    match named {
        Some(path) => of_shard(path, shard(&args.job, file)),
        None => with_suffix(ledger, ".rejects.csv"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ledgers_of_shards_are_taken_where_there_is_none_of_all_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let others = [
            "t.0-of-2.sandbox.ledger.db",
            "t.0-of-2.ledger.db.lock",
            "u.0-of-2.ledger.db",
            "t.2-of-2.ledger.db",
            "t.x.ledger.db",
        ];
        let or_of_shards = |ledger| or_of_shards(ledger).unwrap();
        let shards = ["t.0-of-12.ledger.db", "t.2-of-12.ledger.db", "t.10-of-12.ledger.db"].map(path);
        assert_eq!(or_of_shards(path("t.ledger.db")), [path("t.ledger.db")]);
        for file in others.map(path).iter().chain(&shards) {
            std::fs::write(file, "").unwrap();
        }
        assert_eq!(or_of_shards(path("t.ledger.db")), shards);
        assert_eq!(or_of_shards(path("t.sandbox.ledger.db")), [path("t.0-of-2.sandbox.ledger.db")]);
        std::fs::write(path("t.ledger.db"), "").unwrap();
        assert_eq!(or_of_shards(path("t.ledger.db")), [path("t.ledger.db")]);
    }
}
