//! What is written keeps away from what is read, and from ledgers.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::file::JobFile;
use super::places::{ledger_path, rejects_of_file, shard_of};
use super::{JobError, input, option_error};
use crate::atomic_file::draft_of;
use crate::cli::{GlobalArgs, JobArgs};
use crate::paths::{folder_of, links, resolved, with_suffix};
use crate::source::{CsvSource, Dialect, Input};

/// What a ledger's name ends in, unless somebody chose another.
const LEDGER: &str = ".ledger.db";

/// What lies beside a ledger under its name and one of these.
const COMPANIONS: [&str; 4] = ["-wal", "-shm", "-journal", ".lock"];

/// So do the rejects.
const REJECTS: &str = ".rejects.csv";

/// How every SQLite file begins.
const SQLITE: &[u8; 16] = b"SQLite format 3\0";

/// What belongs to a job, and is not written over by what one of its commands writes.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// LedgerSet, in use or not there yet.
    ledgers: Vec<PathBuf>,
    /// The job file, what it names, and what flags name.
    files: Vec<PathBuf>,
    /// Paths and patterns of CSVs.
    csvs: Vec<PathBuf>,
}

impl Kept {
    /// What belongs to this job, whose file may be at fault.
    pub(super) fn of(args: &JobArgs, global: &GlobalArgs, file: &JobFile) -> Self {
        let JobArgs { files, job, shard, .. } = args;
        // The ledger of rehearsals and that of the import, whichever is meant now.
        let beside = |sandbox| {
            let (files, job) = (files.clone(), job.clone());
            ledger_path(&JobArgs { files, job, ledger: None, shard: *shard, sandbox }, file).ok()
        };
        let ledgers = args.ledger.clone().into_iter().chain([false, true].into_iter().filter_map(beside));
        // A job file may name another, a skeleton.
        let skeleton = file.request.as_ref().map(|request| PathBuf::from(&request.file));
        let ca_bundle = file.connect.ca_bundle.as_ref().map(|path| file.beside(path));
        let files = [job.clone(), skeleton, ca_bundle, global.ca_bundle.clone(), rejects_of_file(args, file)];
        Kept {
            ledgers: ledgers.collect(),
            files: files.into_iter().flatten().collect(),
            csvs: input::named(args, file),
        }
    }

    /// The same, and these ledgers.
    pub(super) fn with_ledgers(mut self, ledgers: &[PathBuf]) -> Self {
        self.ledgers.extend_from_slice(ledgers);
        self
    }

    /// The same, and this CSV.
    pub(super) fn with_csv(mut self, csv: Option<PathBuf>) -> Self {
        self.csvs.extend(csv);
        self
    }

    /// The file that `named` leads to, if it may be written over.
    ///
    /// # Errors
    /// It is read by the job, or is a ledger or belongs to one, of whatever job; it is another job file, the rejects of
    /// some import, or no file at all.
    pub(super) fn target(&self, option: &'static str, named: &Path) -> Result<PathBuf, JobError> {
        let target = ordinary(option, named)?;
        let refused = |what: &str| {
            Err(option_error(
                option,
                format!("names {}, which is {what}; name a file of its own", target.display()),
            ))
        };
        let own = [target.clone(), draft_of(&target)];
        let is_ledgers =
            |path: &Path| is_ledgers(path) || self.ledgers.iter().any(|ledger| is_of(path, ledger));
        if own.iter().any(|path| is_ledgers(path)) {
            return Err(option_error(option, LEDGERS));
        }
        if self.files.iter().any(|file| own.contains(&resolved(file))) {
            return refused("the job file, or belongs to it");
        }
        let is_csv = |csv: &PathBuf| resolved(csv) == target || input::is_of_pattern(csv, &target);
        if self.csvs.iter().any(is_csv) {
            return refused("a CSV of the job");
        }
        if target.exists() && target.extension().is_some_and(|kind| kind == "toml") {
            return refused("a job file");
        }
        if is_rejects(&target) || without(&target, REJECTS).is_some_and(|ledger| is_ledgers(&ledger)) {
            return refused("a rejects file");
        }
        Ok(target)
    }
}

/// Makes sure that `target` is none of the inputs that a ledger was filled from, of which it knows the paths.
///
/// # Errors
/// It is.
pub fn keep_sources(option: &'static str, target: &Path, sources: &[String]) -> Result<(), JobError> {
    if sources.iter().any(|source| resolved(Path::new(source)) == target) {
        let problem = format!("names {}, which was imported; name a file of its own", target.display());
        return Err(option_error(option, problem));
    }
    Ok(())
}

/// The ordinary file that a path leads to, or would if it were there.
fn ordinary(option: &'static str, named: &Path) -> Result<PathBuf, JobError> {
    let is_open_file = |link: &PathBuf| {
        let folder = folder_of(link).canonicalize().unwrap_or_default();
        folder.starts_with("/proc") || folder == Path::new("/dev/fd")
    };
    if links(named).any(|link| is_open_file(&link)) {
        let problem = format!(
            "names {}, an open file of this process, which would be replaced and not written to; name a file, or for \
             standard output leave {option} out",
            named.display()
        );
        return Err(option_error(option, problem));
    }
    let refused = |what: &str| Err(option_error(option, format!("names {}, {what}", named.display())));
    if named.is_dir() {
        return refused("which is a folder; name a file in it");
    }
    if named.exists() && !named.is_file() {
        return refused("which is no ordinary file; name another");
    }
    if named.is_symlink() && !named.exists() {
        return refused("which is a link to nothing that is there; name another, or remove it");
    }
    Ok(resolved(named))
}

/// Why something is not written there.
const LEDGERS: &str = "names a ledger, or what belongs to one; name a file of its own";

/// Rejects never go where the ledger, what belongs to it, or the job file lies, nor to another ledger, nor does their draft.
pub(super) fn keep_apart(
    option: &'static str,
    target: &Path,
    ledger: &Path,
    job: Option<&Path>,
) -> Result<(), JobError> {
    let own = [resolved(target), draft_of(&resolved(target))];
    if own.iter().any(|path| is_ledgers(path) || is_of(path, ledger)) {
        Err(option_error(option, LEDGERS))
    } else if job.is_some_and(|job| own.contains(&resolved(job))) {
        Err(option_error(option, "names the job file; name a file of its own"))
    } else {
        Ok(())
    }
}

/// Whether a file is this ledger, or that of one of its shards, or belongs to it.
fn is_of(path: &Path, ledger: &Path) -> bool {
    let (ledger, own) = (resolved(ledger), bare(path));
    own == ledger || own == draft_of(&ledger) || shard_of(&ledger, &own).is_some()
}

/// Whether a file is some ledger, or another database, or belongs to one; or would by its name.
fn is_ledgers(path: &Path) -> bool {
    let path = bare(path);
    let begins = || {
        let mut start = [0; SQLITE.len()];
        std::fs::File::open(&path)?.read_exact(&mut start).map(|()| start == *SQLITE)
    };
    path.to_string_lossy().ends_with(LEDGER) || path.is_file() && begins().unwrap_or(false)
}

/// The path of the ledger that a file beside it is named after; any other path as it is.
fn bare(path: &Path) -> PathBuf {
    let ledger = COMPANIONS.iter().find_map(|companion| without(path, companion));
    ledger.unwrap_or_else(|| path.to_owned())
}

/// The path without this ending of its name, if it has it.
fn without(path: &Path, ending: &str) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix(ending)?;
    (!name.is_empty()).then(|| path.with_file_name(name))
}

/// Whether a rejects file lies there.
fn is_rejects(path: &Path) -> bool {
    path.is_file()
        && CsvSource::open(Input::File(path.to_owned()), &Dialect::default())
            .is_ok_and(|source| source.is_rejects_file())
}

/// A rejects file that is being read is never written over: the next one has a number.
pub(super) fn unless_an_input(rejects: PathBuf, inputs: &[Input]) -> PathBuf {
    let taken = |path: &Path| {
        let identity = Input::File(path.to_owned()).identity();
        inputs.iter().any(|input| input.identity() == identity)
    };
    if !taken(&rejects) {
        return rejects;
    }
    let stem = rejects.with_extension("");
    (2..)
        .map(|number: u32| with_suffix(&stem, &format!("-{number}.csv")))
        .find(|path| !taken(path))
        .unwrap_or(rejects)
}
