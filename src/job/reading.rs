//! What is read, and what is made of it: the same for a check and for a run.

use std::path::{Path, PathBuf};

use super::destination::instance;
use super::file::JobFile;
use super::instance::Instance;
use super::{JobError, wrong};
use crate::cli::{DialectArgs, JobArgs, MadeArgs, ReadArgs};
use crate::ledger::{Identity, NamedIdentity};
use crate::mapping::{MappingSource, Members};
use crate::paths::{folder_of, resolved};
use crate::request::Operation;
use crate::shard::Shard;
use crate::source::{CsvSource, Dialect, Input, parse_delimiter, parse_encoding, parse_escape, parse_quote};
use crate::suggest::did_you_mean;

/// What is read, and what is made of it.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The inputs, at least one.
    pub inputs: Vec<Input>,
    /// How they are written.
    pub dialect: Dialect,
    /// What makes a row the same row; none is its content.
    pub key: Vec<String>,
    /// The name of a second, deliberate import; or empty.
    pub namespace: String,
    /// The mapping.
    pub mapping: MappingSource,
    /// The part of the rows that is taken; none is all.
    pub shard: Option<Shard>,
}

impl Reading {
    pub(super) fn resolve(job: &JobArgs, args: &ReadArgs, file: &JobFile) -> Result<Self, JobError> {
        let key = key(&args.made, file);
        let mapping = mapping(&args.made, file)?;
        let dialect = dialect(&args.dialect, file)?;
        Ok(Reading {
            inputs: inputs(job, file, &dialect)?,
            dialect,
            key,
            namespace: namespace(&args.made, file),
            mapping,
            shard: shard(job, file),
        })
    }
}

/// What makes a row the same row; none is its content.
fn key(args: &MadeArgs, file: &JobFile) -> Vec<String> {
    if args.key.is_empty() { file.source.key.clone() } else { args.key.clone() }
}

/// The name of a second, deliberate import; or empty.
fn namespace(args: &MadeArgs, file: &JobFile) -> String {
    args.namespace.clone().or(file.connect.namespace.clone()).unwrap_or_default()
}

/// The part of the rows that is taken; none is all.
pub(super) fn shard(job: &JobArgs, file: &JobFile) -> Option<Shard> {
    job.shard.or(file.run.shard)
}

/// Whose a job's ledger is.
pub(super) fn identity(
    instance: Instance,
    job: &JobArgs,
    args: &MadeArgs,
    file: &JobFile,
) -> Result<Identity, JobError> {
    Ok(Identity {
        instance_id: instance.id,
        operation: operation(args, file)?,
        namespace: namespace(args, file),
        key: key(args, file),
        shard: shard(job, file),
    })
}

/// The parts of that which the job names.
pub(super) fn named_identity(job: &JobArgs, file: &JobFile) -> Result<NamedIdentity, JobError> {
    let made = MadeArgs::default();
    Ok(NamedIdentity {
        instance_id: instance(job, &made, file)?.map(|instance| instance.id),
        operation: file.connect.operation.as_ref().map(|_| operation(&made, file)).transpose()?,
        namespace: file.connect.namespace.clone(),
        key: Some(file.source.key.clone()).filter(|key| !key.is_empty()),
    })
}

/// What is made of a row.
pub(super) fn mapping(args: &MadeArgs, file: &JobFile) -> Result<MappingSource, JobError> {
    Ok(MappingSource {
        operation: operation(args, file)?,
        on_too_long: args.on_too_long.or(file.mapping.on_too_long).unwrap_or_default(),
        members: match &file.request {
            Some(templates) => Members::Templates(templates.clone()),
            None => Members::HeaderPaths { key: key(args, file) },
        },
    })
}

fn operation(args: &MadeArgs, file: &JobFile) -> Result<Operation, JobError> {
    match (args.operation, file.connect.operation.as_deref()) {
        (Some(operation), _) => Ok(operation),
        (None, None) => Ok(Operation::CreateContact),
        (None, Some(name)) => Operation::from_name(name).ok_or_else(|| {
            let known = Operation::ALL.map(Operation::name);
            let hint = did_you_mean(name, known.into_iter()).unwrap_or_default();
            wrong(
                "[connect] operation",
                format!("'{name}' is not known{hint}; it can be {}", known.join(" or ")),
            )
        }),
    }
}

/// How the CSVs are written, as flags and the job file say.
///
/// # Errors
/// A word says nothing, or two of the characters are the same.
pub(super) fn dialect(args: &DialectArgs, file: &JobFile) -> Result<Dialect, JobError> {
    let own = Dialect::default();
    let of_file = &file.source;
    // The word that counts, and where it stands.
    let word = |flag: &Option<String>, key: &Option<String>, names: [&'static str; 2]| match (flag, key) {
        (Some(word), _) => Some((word.clone(), names[0])),
        (None, Some(word)) => Some((word.clone(), names[1])),
        (None, None) => None,
    };
    let dialect = Dialect {
        delimiter: match word(&args.delimiter, &of_file.delimiter, ["--delimiter", "[source] delimiter"]) {
            Some((word, place)) => parse_delimiter(&word).map_err(|problem| wrong(place, problem))?,
            None => own.delimiter,
        },
        quote: match word(&args.quote, &of_file.quote, ["--quote", "[source] quote"]) {
            Some((word, place)) => parse_quote(&word).map_err(|problem| wrong(place, problem))?,
            None => own.quote,
        },
        escape: match word(&args.escape, &of_file.escape, ["--escape", "[source] escape"]) {
            Some((word, place)) => parse_escape(&word).map_err(|problem| wrong(place, problem))?,
            None => own.escape,
        },
        encoding: match word(&args.encoding, &of_file.encoding, ["--encoding", "[source] encoding"]) {
            Some((word, place)) => Some(parse_encoding(&word).map_err(|problem| wrong(place, problem))?),
            None => own.encoding,
        },
    };
    match dialect.check() {
        Ok(()) => Ok(dialect),
        Err(problem) => Err(wrong("--delimiter, --quote, --escape:", problem)),
    }
}

/// The paths and patterns that are named.
pub(super) fn named(args: &JobArgs, file: &JobFile) -> Vec<PathBuf> {
    if args.files.is_empty() {
        file.source.files.iter().map(|path| file.beside(path)).collect()
    } else {
        args.files.clone()
    }
}

/// The inputs that are named, and what patterns of them match.
pub(super) fn inputs(args: &JobArgs, file: &JobFile, dialect: &Dialect) -> Result<Vec<Input>, JobError> {
    let mut inputs = Vec::new();
    for path in named(args, file) {
        inputs.extend(matching(&path, dialect)?);
    }
    if inputs.is_empty() {
        return Err(JobError::NoInput);
    }
    let mut seen = std::collections::HashSet::new();
    if let Some(twice) = inputs.iter().find(|input| !seen.insert(input.identity())) {
        return Err(wrong("CSV", format!("{twice} is named twice")));
    }
    Ok(inputs)
}

/// Whether a path is a pattern of files, and not one itself.
pub(super) fn is_pattern(path: &Path) -> bool {
    !path.exists() && path.to_string_lossy().contains(['*', '?', '['])
}

/// Whether `path` is a pattern that `file` matches, or would if it were there.
pub(super) fn is_of_pattern(path: &Path, file: &Path) -> bool {
    // A pattern's folder may be a link; its last part is where the stars most often are.
    let (folder, Some(name)) = (folder_of(path), path.file_name()) else { return false };
    let whole = std::path::absolute(resolved(folder).join(name)).unwrap_or_else(|_| path.to_owned());
    let of = |pattern: &Path| {
        glob::Pattern::new(&pattern.to_string_lossy()).is_ok_and(|pattern| pattern.matches_path(file))
    };
    is_pattern(path) && (of(&whole) || of(path))
}

/// The files that `path` stands for: itself, or what a pattern in it matches, by name. Rows that this tool
/// rejected are read again only from a file that is named: beside their originals they would count twice.
fn matching(path: &Path, dialect: &Dialect) -> Result<Vec<Input>, JobError> {
    if !is_pattern(path) {
        return Ok(vec![Input::from_argument(path)]);
    }
    let text = path.to_string_lossy();
    let failed = |problem: String| wrong("CSV", format!("'{text}' {problem}"));
    let pattern = glob::glob(&text).map_err(|error| failed(format!("is no pattern of files: {error}")))?;
    let mut files = Vec::new();
    for found in pattern {
        let found = found.map_err(|error| failed(format!("cannot be searched: {error}")))?;
        let input = Input::File(found.clone());
        let is_rejects =
            || CsvSource::open(input.clone(), dialect).is_ok_and(|source| source.is_rejects_file());
        // A link to what is not there, such as a disk that is not mounted, is an input that cannot be opened.
        if !found.is_dir() && !is_rejects() {
            files.push(input);
        }
    }
    expect_names_that_match(path).map_err(failed)?;
    if files.is_empty() {
        return Err(failed("matches no file".to_owned()));
    }
    Ok(files)
}

/// No pattern matches a name that is not UTF-8, and a file that is passed over is not missed by anybody.
fn expect_names_that_match(pattern: &Path) -> Result<(), String> {
    let last = pattern.file_name().and_then(|name| glob::Pattern::new(name.to_str()?).ok());
    let Some(last) = last else { return Ok(()) };
    let names = std::fs::read_dir(folder_of(pattern)).into_iter().flatten().flatten();
    let mut names = names.map(|entry| entry.file_name()).filter(|name| name.to_str().is_none());
    match names.find(|name| last.matches(&name.to_string_lossy())) {
        None => Ok(()),
        Some(name) => Err(format!(
            "would leave out '{}', whose name is not UTF-8; rename it, or name the files one by one",
            name.display()
        )),
    }
}
