//! Input files, CSV dialect, key and mapping: what `check` and `run` share.

use std::path::{Path, PathBuf};

use super::file::JobFile;
use super::instance::Instance;
use super::{JobError, option_error};
use crate::cli::{DialectArgs, ImportArgs, JobArgs, RequestArgs};
use crate::ledger::{BusyWait, Identity, LedgerError, LedgerReader};
use crate::mapping::{MappingSource, MemberSource};
use crate::paths::{folder_of, resolved};
use crate::printable::ShownPath as _;
use crate::request::Operation;
use crate::shard::Shard;
use crate::source::{
    CsvSource, Dialect, Input, KeyComparison, SourceFormat, check_column_names, is_remote, parse_delimiter,
    parse_encoding, parse_escape, parse_quote,
};
use crate::suggest::did_you_mean;
use crate::ui::tell_of_ledger;

/// Input files, CSV dialect, key and mapping.
#[derive(Clone, Debug)]
pub struct InputSettings {
    /// The inputs, at least one.
    pub inputs: Vec<Input>,
    /// CSV dialect of all inputs.
    pub dialect: Dialect,
    /// Key columns and templates; empty: the content of the row is its key.
    pub key: Vec<String>,
    /// Comparison of keys.
    pub key_comparison: KeyComparison,
    /// Expression that is true for the rows to import; `None`: all rows.
    pub condition: Option<String>,
    /// Name of a second, deliberate import; else empty.
    pub namespace: String,
    /// Source of the mapping.
    pub mapping: MappingSource,
    /// Part of the rows to import; `None`: all.
    pub shard: Option<Shard>,
}

impl InputSettings {
    /// `ledger` is the path of the job's ledger; `None` if no argument implies one.
    pub(super) fn resolve(
        job: &JobArgs,
        args: &ImportArgs,
        file: &JobFile,
        ledger: Option<&Path>,
    ) -> Result<Self, JobError> {
        let key = key(&args.request, file);
        let mapping = mapping(&args.request, file)?;
        let dialect = dialect(&args.dialect, file)?;
        Ok(InputSettings {
            inputs: inputs(job, file, &dialect)?,
            dialect,
            key,
            key_comparison: key_comparison(&args.request, file, ledger)?,
            condition: args.condition.clone().or_else(|| file.source.condition.clone()),
            namespace: namespace(&args.request, file),
            mapping,
            shard: shard(job, file),
        })
    }
}

fn key(args: &RequestArgs, file: &JobFile) -> Vec<String> {
    if args.key.is_empty() { file.source.key.clone() } else { args.key.clone() }
}

/// The comparison that is named; otherwise that of the ledger, if it exists.
///
/// # Errors
/// The ledger cannot be read now, and may have another comparison than the default.
fn key_comparison(
    args: &RequestArgs,
    file: &JobFile,
    ledger: Option<&Path>,
) -> Result<KeyComparison, JobError> {
    if let Some(named) = args.key_compare.or(file.source.key_compare) {
        return Ok(named);
    }
    let Some(ledger) = ledger else { return Ok(KeyComparison::default()) };
    let busy = BusyWait::telling(tell_of_ledger);
    let identity = LedgerReader::open_waiting(ledger, &busy).and_then(|reader| reader.identity());
    match identity {
        Err(
            unread @ (LedgerError::Busy { .. } | LedgerError::Sqlite { .. } | LedgerError::Misread { .. }),
        ) => Err(unread.into()),
        // Another error is reported when the ledger is opened.
        identity => Ok(identity.ok().flatten().map(|identity| identity.key_comparison).unwrap_or_default()),
    }
}

fn namespace(args: &RequestArgs, file: &JobFile) -> String {
    args.namespace.clone().or(file.connect.namespace.clone()).unwrap_or_default()
}

pub(super) fn shard(job: &JobArgs, file: &JobFile) -> Option<Shard> {
    job.shard.or(file.run.shard)
}

/// Identity of the job's ledger.
pub(super) fn identity(
    instance: Instance,
    job: &JobArgs,
    args: &RequestArgs,
    file: &JobFile,
    ledger: &Path,
) -> Result<Identity, JobError> {
    Ok(Identity {
        instance_id: instance.id,
        operation: operation(args, file)?,
        namespace: namespace(args, file),
        key: key(args, file),
        key_comparison: key_comparison(args, file, Some(ledger))?,
        shard: shard(job, file),
    })
}

pub(super) fn mapping(args: &RequestArgs, file: &JobFile) -> Result<MappingSource, JobError> {
    Ok(MappingSource {
        operation: operation(args, file)?,
        on_too_long: args.on_too_long.or(file.mapping.on_too_long).unwrap_or_default(),
        members: match &file.request {
            Some(templates) => MemberSource::Templates(templates.clone()),
            None => MemberSource::HeaderPaths { key: key(args, file) },
        },
    })
}

pub(super) fn operation(args: &RequestArgs, file: &JobFile) -> Result<Operation, JobError> {
    match (args.operation, file.connect.operation.as_deref()) {
        (Some(operation), _) => Ok(operation),
        (None, None) => Ok(Operation::CreateContact),
        (None, Some(name)) => Operation::from_name(name).ok_or_else(|| {
            let known = Operation::ALL.map(Operation::name);
            let hint = did_you_mean(name, known.into_iter()).unwrap_or_default();
            option_error(
                "[connect] operation",
                format!("'{name}' is not known{hint}; it can be {}", known.join(" or ")),
            )
        }),
    }
}

/// CSV dialect from flags and the job file.
///
/// # Errors
/// A value is invalid, or two of the characters are equal.
pub fn dialect(args: &DialectArgs, file: &JobFile) -> Result<Dialect, JobError> {
    let (own, table) = (Dialect::default(), &file.source);
    let delimiter =
        parsed(&args.delimiter, &table.delimiter, ["--delimiter", "[source] delimiter"], parse_delimiter)?;
    let quote = parsed(&args.quote, &table.quote, ["--quote", "[source] quote"], parse_quote)?;
    let escape = parsed(&args.escape, &table.escape, ["--escape", "[source] escape"], parse_escape)?;
    let format = args.format.or(table.format).unwrap_or(own.format);
    if format == SourceFormat::Text && quote.flatten().is_some() {
        let name = if args.quote.is_some() { "--quote" } else { "[source] quote" };
        let problem = "cells of the text format are never quoted; remove it, or set --format csv";
        return Err(option_error(name, problem.to_owned()));
    }
    let (own_quote, own_escape) = match format {
        SourceFormat::Csv => (own.quote, own.escape),
        SourceFormat::Text => (None, Some(b'\\')),
    };
    let dialect = Dialect {
        delimiter: delimiter.unwrap_or(own.delimiter),
        quote: quote.unwrap_or(own_quote),
        escape: escape.unwrap_or(own_escape),
        escape_in: args.escape_in.or(table.escape_in).unwrap_or(own.escape_in),
        encoding: parsed(
            &args.encoding,
            &table.encoding,
            ["--encoding", "[source] encoding"],
            parse_encoding,
        )?,
        format,
        null: listed(&args.null, &table.null),
        skip_lines: args.skip_lines.or(table.skip_lines).unwrap_or(own.skip_lines),
        columns: listed(&args.columns, &table.columns),
        short_rows: args.short_rows.or(table.short_rows).unwrap_or(own.short_rows),
    };
    if dialect.null.len() > MOST_NULLS {
        let option = if args.null.is_empty() { "[source] null" } else { "--null" };
        let problem = format!("has {} texts, at most {MOST_NULLS} are allowed", dialect.null.len());
        return Err(option_error(option, problem));
    }
    check_column_names(&dialect.columns).map_err(|problem| {
        let option = if args.columns.is_empty() { "[source] columns" } else { "--columns" };
        option_error(option, problem)
    })?;
    match dialect.check() {
        Ok(()) => Ok(dialect),
        Err(problem) => Err(option_error("--delimiter, --quote, --escape:", problem)),
    }
}

/// Maximum number of texts for no value. Each cell is compared with each.
const MOST_NULLS: usize = 1000;

/// The flag's values, or else those of the job file.
fn listed(flag: &[String], key: &Option<Vec<String>>) -> Vec<String> {
    if flag.is_empty() { key.clone().unwrap_or_default() } else { flag.to_owned() }
}

/// Parses the flag, or else the value of the job file. `names` are their names in messages.
fn parsed<T>(
    flag: &Option<String>,
    key: &Option<String>,
    names: [&'static str; 2],
    parse: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, JobError> {
    let (text, name) = match (flag, key) {
        (Some(text), _) => (text, names[0]),
        (None, Some(text)) => (text, names[1]),
        (None, None) => return Ok(None),
    };
    parse(text).map(Some).map_err(|problem| option_error(name, problem))
}

/// Paths and patterns from the command line, else from the job file.
pub(super) fn named(args: &JobArgs, file: &JobFile) -> Vec<PathBuf> {
    if args.files.is_empty() {
        file.source.files.iter().map(|path| file.beside(path)).collect()
    } else {
        args.files.clone()
    }
}

/// All inputs, with patterns expanded.
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
        return Err(option_error("CSV", format!("{twice} is named twice")));
    }
    Ok(inputs)
}

/// Whether `path` is a glob pattern. An existing file with such a name is a file.
pub(super) fn is_pattern(path: &Path) -> bool {
    !path.exists() && !is_remote(path) && path.to_string_lossy().contains(['*', '?', '['])
}

/// Whether `path` is a pattern that matches `file`, whether or not the file exists.
pub(super) fn is_of_pattern(path: &Path, file: &Path) -> bool {
    // The folder may be a symbolic link, so the pattern is matched resolved and as it was written.
    let (folder, Some(name)) = (folder_of(path), path.file_name()) else { return false };
    let whole = std::path::absolute(resolved(folder).join(name)).unwrap_or_else(|_| path.to_owned());
    let of = |pattern: &Path| {
        glob::Pattern::new(&pattern.to_string_lossy()).is_ok_and(|pattern| pattern.matches_path(file))
    };
    is_pattern(path) && (of(&whole) || of(path))
}

/// The files that `path` names: itself, or those that the pattern matches, sorted by name. Rejects files are read only if
/// named explicitly: a pattern would read their rows beside the originals.
fn matching(path: &Path, dialect: &Dialect) -> Result<Vec<Input>, JobError> {
    if !is_pattern(path) {
        return Ok(vec![Input::from_argument(path)]);
    }
    let text = path.to_string_lossy();
    let failed = |problem: String| option_error("CSV", format!("'{text}' {problem}"));
    let pattern = glob::glob(&text).map_err(|error| failed(format!("is not a valid pattern: {error}")))?;
    let mut files = Vec::new();
    for found in pattern {
        let found = found.map_err(|error| failed(format!("cannot be searched: {error}")))?;
        let input = Input::File(found.clone());
        let is_rejects =
            || CsvSource::open(input.clone(), dialect).is_ok_and(|source| source.is_rejects_file());
        // A dangling link stays an input, so that opening it reports an error, such as for an unmounted disk. A pipe is not
        // opened, since that waits for its other end: an output may be one.
        let is_candidate = found.is_file() || !found.exists();
        if is_candidate && !is_rejects() {
            files.push(input);
        }
    }
    expect_names_that_match(path).map_err(failed)?;
    if files.is_empty() {
        return Err(failed("matches no file".to_owned()));
    }
    Ok(files)
}

/// Refuses a pattern that would skip a file whose name is not UTF-8: the crate `glob` never matches those.
fn expect_names_that_match(pattern: &Path) -> Result<(), String> {
    let last = pattern.file_name().and_then(|name| glob::Pattern::new(name.to_str()?).ok());
    let Some(last) = last else { return Ok(()) };
    let names = std::fs::read_dir(folder_of(pattern)).into_iter().flatten().flatten();
    let mut names = names.map(|entry| entry.file_name()).filter(|name| name.to_str().is_none());
    match names.find(|name| last.matches(&name.to_string_lossy())) {
        None => Ok(()),
        Some(name) => Err(format!(
            "would skip '{}', whose name is not UTF-8; rename it, or name the files one by one",
            name.shown()
        )),
    }
}
