//! `init`: writes a job file guessed from a CSV.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::CommandError;
use crate::atomic_file::AtomicFile;
use crate::cli::InitArgs;
use crate::exit_code::ExitCode;
use crate::file_kind::is_pipe;
use crate::init::{
    CsvSample, GuessedJob, guess_encoding, guess_nulls, job_file, lines_before_rows, source_lines,
};
use crate::job::{JobError, JobFile, dialect};
use crate::output_file::expect_regular;
use crate::paths::{folder_of, uncompressed};
use crate::permissions::make_world_readable;
use crate::printable::ShownPath as _;
use crate::shell_word::shell_path;
use crate::source::{
    CsvSource, Dialect, EscapeScope, GuessedSyntax, Input, Record, SourceError, SourceFormat, first_bytes,
    guess_syntax,
};
use crate::ui::{notice, skeleton, this_program, to_stdout};

/// Maximum rows to sample.
const ROWS: usize = 10_000;

/// Approximate maximum of sampled bytes.
const BYTES: usize = 16 << 20;

/// Bytes from which the encoding is guessed.
const ENCODING_BYTES: u64 = 4 << 20;

/// The job file cannot be written.
#[derive(Debug, Error)]
pub enum InitError {
    /// The CSV cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Standard input has no name to derive the job file's from.
    #[error("init cannot read standard input; name a CSV file")]
    Stdin,
    /// A pipe can be read once, and the guesses need several readings.
    #[error("init reads a CSV several times, and {} is a pipe; name an ordinary file", .0.shown())]
    Pipe(PathBuf),
    /// The job file exists.
    #[error("{} exists and is not overwritten; name another file with --job", .0.shown())]
    Exists(PathBuf),
    /// The job file cannot be written.
    #[error("cannot write {}: {source}", path.shown())]
    Write {
        /// The file.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
}

pub(super) fn init(args: &InitArgs) -> Result<ExitCode, CommandError> {
    if let Some(operation) = args.skeleton {
        to_stdout(&skeleton(operation)).map_err(super::io("cannot write the skeleton"))?;
        return Ok(ExitCode::Complete);
    }
    let dialect = dialect(&args.dialect, &JobFile::default())?;
    let csv = args.csv.clone().unwrap_or_default();
    if csv == Path::new("-") {
        return Err(InitError::Stdin.into());
    }
    if is_pipe(&csv) {
        return Err(InitError::Pipe(csv).into());
    }
    let job = args.job.clone().unwrap_or_else(|| uncompressed(&csv).with_extension("toml"));
    expect_regular("--job", &job).map_err(JobError::from)?;
    if job.symlink_metadata().is_ok() {
        return Err(InitError::Exists(job).into());
    }
    let guessed = guess(args, &csv, &job, dialect)?;
    write_new(&job, &guessed.text)?;
    to_stdout(&guessed.summary).map_err(super::io("cannot write the guesses"))?;
    let (name, program) = (shell_path(&job), this_program());
    notice(&format!(
        "{name} written; review its guesses, then run\n  {program} check --job {name}\n  \
         {program} run --job {name} --sandbox"
    ));
    Ok(ExitCode::Complete)
}

fn guess(args: &InitArgs, csv: &Path, job: &Path, mut dialect: Dialect) -> Result<GuessedJob, InitError> {
    let (guessed, read) = guess_with_nulls(args, csv, job, dialect.clone())?;
    let null = with_quotes(csv, read, &guessed.null, &dialect.null)?;
    if null == guessed.null {
        return Ok(guessed);
    }
    dialect.null = null;
    Ok(guess_with_nulls(args, csv, job, dialect)?.0)
}

/// `markers` as `[source] null` matches them: with the file's quotes if all cells that are exactly this have quotes.
/// Markers that are `given` stay as they are. `dialect` is that of the file.
fn with_quotes(
    csv: &Path,
    mut dialect: Dialect,
    markers: &[String],
    given: &[String],
) -> Result<Vec<String>, InitError> {
    let Some(quote) = dialect.quote.map(char::from).filter(|_| markers.len() > given.len()) else {
        return Ok(markers.to_vec());
    };
    let mut cells_with = |null: &[String]| {
        dialect.null = null.to_vec();
        let sampled = sample(csv, &dialect)?;
        Ok::<Vec<usize>, InitError>(markers.iter().map(|marker| sampled.count(marker)).collect())
    };
    let (all, quoted) = (cells_with(given)?, cells_with(markers)?);
    let with_quotes = |(marker, (all, quoted)): (&String, (usize, usize))| {
        let is_quoted = quoted > 0 && quoted == all && !given.contains(marker);
        if is_quoted { format!("{quote}{marker}{quote}") } else { marker.clone() }
    };
    Ok(markers.iter().zip(all.into_iter().zip(quoted)).map(with_quotes).collect())
}

/// The guesses, and the dialect that the file was read in.
fn guess_with_nulls(
    args: &InitArgs,
    csv: &Path,
    job: &Path,
    mut dialect: Dialect,
) -> Result<(GuessedJob, Dialect), InitError> {
    let mut sampled = sample(csv, &dialect);
    let mut skips_title = false;
    if let (Err(SourceError::Preamble { header_line, .. }), None) = (&sampled, args.dialect.skip_lines) {
        dialect.skip_lines = header_line - 1;
        skips_title = true;
        sampled = sample(csv, &dialect);
    }
    let is_malformed = match &sampled {
        Ok(sampled) => !sampled.malformed_lines.is_empty(),
        Err(error) => matches!(error, SourceError::Encoding { .. }),
    };
    if is_malformed && dialect.encoding.is_none() {
        // No encoding is given, and the file is not all UTF-8.
        let start = first_bytes(&Input::File(csv.to_owned()), ENCODING_BYTES)?;
        dialect.encoding = guess_encoding(&start);
        if dialect.encoding.is_some() {
            sampled = sample(csv, &dialect);
        }
    }
    let given = &args.dialect;
    let is_open = given.format.is_none() && given.quote.is_none() && given.escape.is_none();
    let found = match &sampled {
        Ok(sampled) => vec![sampled.source.dialect().delimiter],
        // Read in another syntax, the quotes may be text.
        Err(SourceError::UnclosedQuote { .. } | SourceError::StrayQuote(_) | SourceError::TooLong { .. }) => {
            dialect.delimiter.map_or(b",;\t|".to_vec(), |delimiter| vec![delimiter])
        }
        Err(_) => Vec::new(),
    };
    let mut guess = None;
    for delimiter in found.into_iter().filter(|_| is_open) {
        guess = guess_syntax(&Input::File(csv.to_owned()), &dialect, delimiter)?;
        if guess.is_some() {
            break;
        }
    }
    if let Some(guess) = guess {
        dialect.delimiter = Some(guess.delimiter);
        match guess.syntax {
            GuessedSyntax::Text => {
                dialect.format = SourceFormat::Text;
                (dialect.quote, dialect.escape) = (None, Some(b'\\'));
            }
            GuessedSyntax::Escaped => dialect.escape = Some(b'\\'),
            GuessedSyntax::EscapedInQuotes => {
                (dialect.escape, dialect.escape_in) = (Some(b'\\'), EscapeScope::Quoted);
            }
            GuessedSyntax::Unquoted => dialect.quote = None,
        }
        sampled = sample(csv, &dialect);
    }
    if dialect.null.is_empty()
        && let Ok(plain) = &sampled
        && let Some(found) = with_nulls(csv, &mut dialect, plain)?
    {
        sampled = Ok(found);
    }
    let Sampled { source, rows, lines, malformed_lines, short_rows, long_rows, is_complete } = sampled?;
    let delimiter = char::from(source.dialect().delimiter);
    let is_default =
        delimiter == ',' && args.dialect.delimiter.is_none() && dialect.format == SourceFormat::Csv;
    let mut lines_of_source = lines_before_rows(dialect.skip_lines, skips_title, &dialect.columns);
    lines_of_source.extend(source_lines(&dialect, guess, &malformed_lines, short_rows, &long_rows));
    let sample = CsvSample {
        file: &relative(csv, job),
        columns: source.header().names(),
        rows: &rows,
        lines: &lines,
        is_complete,
        delimiter: (!is_default).then_some(delimiter),
        quote: args.dialect.quote.as_deref(),
        escape: args.dialect.escape.as_deref(),
        encoding: dialect.encoding.map(|encoding| encoding.name()),
        source_lines: &lines_of_source,
        null: &dialect.null,
    };
    let guessed = job_file(&sample, &shell_path(job));
    Ok((guessed, dialect))
}

/// Guesses the texts that stand for no value, and reads the first rows with them; none if there are none. A marker that
/// stands in quotes is text where another one stands without them.
fn with_nulls(csv: &Path, dialect: &mut Dialect, plain: &Sampled) -> Result<Option<Sampled>, SourceError> {
    let guessed = guess_nulls(&plain.rows);
    let quote = dialect.quote.map(char::from);
    let quoted = quote.map(|quote| guessed.iter().map(|text| format!("{quote}{text}{quote}")).collect());
    let forms: [Option<Vec<String>>; 2] = [Some(guessed.clone()), quoted];
    for markers in forms.into_iter().flatten().filter(|markers| !markers.is_empty()) {
        dialect.null = markers;
        let sampled = sample(csv, dialect)?;
        // An escaped marker, such as `\\N`, is text in any case.
        let mut texts = guessed.iter();
        dialect.null.retain(|_| texts.next().is_some_and(|text| sampled.count(text) < plain.count(text)));
        if !dialect.null.is_empty() {
            return Ok(Some(sampled));
        }
    }
    Ok(None)
}

/// The first rows of a CSV.
struct Sampled {
    source: CsvSource,
    rows: Vec<Vec<String>>,
    /// The line of each row.
    lines: Vec<u64>,
    /// The lines of rows with malformed text.
    malformed_lines: Vec<u64>,
    /// Number of rows with fewer cells than the header.
    short_rows: usize,
    /// The lines of rows with more cells than the header.
    long_rows: Vec<u64>,
    /// Whether these are all rows.
    is_complete: bool,
}

impl Sampled {
    /// Number of cells that are exactly `text`.
    fn count(&self, text: &str) -> usize {
        self.rows.iter().flatten().filter(|cell| *cell == text).count()
    }
}

/// Reads the first rows.
fn sample(csv: &Path, dialect: &Dialect) -> Result<Sampled, SourceError> {
    let source = CsvSource::open(Input::File(csv.to_owned()), dialect)?;
    let columns = source.header().columns().len();
    let mut sampled = Sampled {
        source,
        rows: Vec::new(),
        lines: Vec::new(),
        malformed_lines: Vec::new(),
        short_rows: 0,
        long_rows: Vec::new(),
        is_complete: false,
    };
    let mut bytes = 0;
    let mut record = Record::default();
    while sampled.rows.len() < ROWS && bytes < BYTES {
        if !sampled.source.read_record(&mut record)? {
            sampled.is_complete = true;
            break;
        }
        bytes += record.fields.as_slice().len();
        // The cells of a ragged row belong to unknown columns, and a row of dashes or totals to none.
        if record.malformed.is_some() {
            sampled.malformed_lines.push(record.line);
        } else if record.fields.len() == columns && record.non_row.is_none() {
            sampled.rows.push(record.fields.iter().map(str::to_owned).collect());
            sampled.lines.push(record.line);
        } else if record.fields.len() < columns {
            sampled.short_rows += 1;
        } else if record.non_row.is_none() {
            sampled.long_rows.push(record.line);
        }
    }
    Ok(sampled)
}

/// Path of the CSV for the job file: its name if both lie in the same folder, else absolute.
fn relative(csv: &Path, job: &Path) -> String {
    match csv.file_name() {
        Some(name) if folder_of(csv) == folder_of(job) => name.to_string_lossy().into_owned(),
        _ => crate::paths::resolved(csv).to_string_lossy().into_owned(),
    }
}

/// Writes the file atomically; fails if it exists.
fn write_new(path: &Path, text: &str) -> Result<(), InitError> {
    let write = || {
        let mut file = AtomicFile::create(path)?;
        file.write_all(text.as_bytes())?;
        // A job file holds no secrets, but temporary files have mode 0600.
        make_world_readable(file.file())?;
        file.publish_new()
    };
    write().map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists(path.to_owned()),
        _ => InitError::Write { path: path.to_owned(), source },
    })
}
