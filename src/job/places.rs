//! Where a job's ledger and its rejects lie.

use std::path::{Path, PathBuf};

use super::apart::{keep_apart, unless_an_input};
use super::file::JobFile;
use super::input::{is_pattern, shard};
use super::{JobError, input, option_error};
use crate::cli::{JobArgs, LedgersArgs, RunArgs, duration};
use crate::ledger::NamedIdentity;
use crate::paths::{folder_of, resolved, uncompressed, with_suffix};
use crate::shard::Shard;
use crate::source::Input;

/// The ledgers of a job, for commands that only read them and may be given several. Where none is named and there is
/// none of all rows, those of shards that lie in its place are taken.
///
/// # Errors
/// Nothing says where a ledger is, or one is named twice.
pub fn ledgers_of(args: &LedgersArgs, file: &JobFile) -> Result<Vec<PathBuf>, JobError> {
    let ledgers = match (&args.ledger[..], ledger_path(&job_args(args), file)) {
        ([], Ok(ledger)) => or_of_shards(ledger),
        ([], Err(JobError::NoInput)) => return Err(JobError::NoLedger),
        (_, Err(error)) => return Err(error),
        (named, Ok(_)) => named.to_vec(),
    };
    let mut seen = std::collections::HashSet::new();
    match ledgers.iter().find(|ledger| !seen.insert(resolved(ledger))) {
        Some(twice) => Err(option_error("--ledger", format!("names {} twice", twice.display()))),
        None => Ok(ledgers),
    }
}

/// Makes sure that what is taken for a CSV is none by mistake: a time that was to be that of `--watch`, or what is not
/// there and says nothing beside `--ledger`.
///
/// # Errors
/// It is.
pub fn expect_csvs(args: &LedgersArgs, is_watched: bool) -> Result<(), JobError> {
    for file in
        args.files.iter().filter(|file| !is_pattern(file) && *file != Path::new("-") && !file.exists())
    {
        let word = file.display();
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

/// What a job says of whose its ledgers are, for the same commands: nothing of what it does not name.
///
/// # Errors
/// What it says is no identity.
pub fn named_identity(args: &LedgersArgs, file: &JobFile) -> Result<NamedIdentity, JobError> {
    input::named_identity(&job_args(args), file)
}

/// The ledger, or if it is not there those of shards beside it, in their order.
fn or_of_shards(ledger: PathBuf) -> Vec<PathBuf> {
    let folder = if ledger.exists() { None } else { std::fs::read_dir(folder_of(&ledger)).ok() };
    let mut found: Vec<(Shard, PathBuf)> = Vec::new();
    for name in folder.into_iter().flatten().flatten().map(|entry| entry.file_name()) {
        let path = ledger.with_file_name(&name);
        found.extend(shard_of(&ledger, &path).map(|shard| (shard, path)));
    }
    found.sort();
    if found.is_empty() { vec![ledger] } else { found.into_iter().map(|(_, path)| path).collect() }
}

/// The file of the same name for one shard: `tickets.ledger.db` is `tickets.0-of-4.ledger.db`, and `x.csv` is
/// `x.0-of-4.csv`.
pub(super) fn of_shard(path: PathBuf, shard: Option<Shard>) -> PathBuf {
    let Some(shard) = shard else { return path };
    let (before, after) = around_part(&path);
    // Whoever has named the shard in it means that one.
    if before.ends_with(&format!(".{}.", shard.part())) {
        return path;
    }
    path.with_file_name(format!("{before}{}{after}", shard.part()))
}

/// The shard of this ledger's rows that the file beside it is for, by its name.
pub(super) fn shard_of(ledger: &Path, file: &Path) -> Option<Shard> {
    let (before, after) = around_part(ledger);
    let name = file.file_name()?.to_str()?;
    let part = name.strip_prefix(&*before)?.strip_suffix(&*after)?;
    Shard::from_part(part).filter(|_| file.parent() == ledger.parent())
}

/// What stands before and after the part of a name that is the shard's.
fn around_part(path: &Path) -> (String, String) {
    const ENDINGS: [&str; 3] = [".sandbox.ledger.db", ".ledger.db", ".rejects.csv"];
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let own = || Path::new(&name).extension().map_or(name.len(), |own| name.len() - own.len() - 1);
    let known = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).map(str::len);
    let (before, after) = name.split_at(known.unwrap_or_else(own));
    (format!("{before}."), after.to_owned())
}

/// The same job with the first of its ledgers.
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

/// Beside the job file, or without one beside the first CSV; each shard has its own, which its name tells, unless a flag
/// names it.
pub(super) fn ledger_path(args: &JobArgs, file: &JobFile) -> Result<PathBuf, JobError> {
    match &args.ledger {
        Some(path) => Ok(path.clone()),
        None => Ok(of_shard(whole_path(args, file)?, shard(args, file))),
    }
}

/// The same for a run, which may make the ledger: where rows of the same import lie in ledgers of another division, it
/// would know nothing of them, and send them all again. Whoever names the ledger has seen to that.
///
/// # Errors
/// Nothing says where the ledger is, or there is a ledger of another division in its place.
pub(super) fn ledger_to_write(args: &JobArgs, file: &JobFile) -> Result<PathBuf, JobError> {
    let own = ledger_path(args, file)?;
    if args.ledger.is_some() {
        return Ok(own);
    }
    let (whole, shard) = (whole_path(args, file)?, shard(args, file));
    let entries = std::fs::read_dir(folder_of(&whole)).into_iter().flatten().flatten();
    let beside = entries.map(|entry| whole.with_file_name(entry.file_name()));
    let part = |path: &Path| shard_of(&whole, path).map(|other| (path.to_owned(), other));
    let other =
        beside.filter_map(|path| part(&path)).find(|(_, other)| shard.map(Shard::of) != Some(other.of()));
    let (path, with) = match other {
        Some((path, other)) => (path, format!("with --shard K/{}", other.of())),
        None if shard.is_some() && whole.exists() => (whole, "without --shard".to_owned()),
        None => return Ok(own),
    };
    Err(option_error(
        "--shard",
        format!(
            "is not as it was: {} has rows of this import, which {} would know nothing of and send again. Go on {with}; \
             or, if that ledger is of no import that counts, move it away",
            path.display(),
            own.display()
        ),
    ))
}

/// Where the ledger of all rows lies, or would lie.
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

/// Where rows that were not created are written: beside the ledger, if nothing else is said.
///
/// # Errors
/// It is where the ledger, what belongs to it, or the job file lies.
pub(super) fn rejects_path(
    args: &RunArgs,
    file: &JobFile,
    ledger: &Path,
    inputs: &[Input],
) -> Result<PathBuf, JobError> {
    let rejects = rejects_named(args, file, ledger);
    keep_apart("--rejects", &rejects, ledger, file.path.as_deref())?;
    Ok(unless_an_input(rejects, inputs))
}

/// The same, whatever lies there. Each shard has its own. A rehearsal does not heed the job file's.
pub(super) fn rejects_named(args: &RunArgs, file: &JobFile, ledger: &Path) -> PathBuf {
    let from_file = || rejects_of_file(&args.job, file).filter(|_| !args.job.sandbox);
    let named = args.rejects.clone().map(|path| of_shard(path, shard(&args.job, file)));
    let rejects = named.or_else(from_file);
    rejects.unwrap_or_else(|| with_suffix(ledger, ".rejects.csv"))
}

/// Where the job file has them written, if it says so.
pub(super) fn rejects_of_file(args: &JobArgs, file: &JobFile) -> Option<PathBuf> {
    file.run.rejects.as_ref().map(|path| of_shard(file.beside(path), shard(args, file)))
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
