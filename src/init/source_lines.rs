//! Lines of `[source]` about a file's form: keys, each with the reason as a comment.

use super::literals;
use crate::source::{Dialect, EscapeScope, GuessedSyntax, ShortRows, SourceFormat, SyntaxGuess};

/// The lines for keys that an option sets or that were guessed, and for rows that are not valid in the encoding, of which
/// `malformed` has the lines. `short` is the number of rows with fewer cells than the header.
pub fn source_lines(
    dialect: &Dialect,
    guess: Option<SyntaxGuess>,
    malformed: &[u64],
    short: usize,
    long: &[u64],
) -> Vec<String> {
    let mut lines = Vec::new();
    match guess {
        Some(guess) => lines.extend(guessed(guess)),
        None if dialect.format == SourceFormat::Text => lines.push("format = \"text\"".to_owned()),
        None => {}
    }
    if dialect.escape_in == EscapeScope::Quoted {
        lines.push("escape_in = \"quoted\"".to_owned());
    }
    if dialect.short_rows == ShortRows::Pad {
        lines.push("short_rows = \"pad\"".to_owned());
    } else if short > 0 {
        lines.push(format!("# {}. If the exporter leaves empty cells out:", missing_cells(short)));
        lines.push("# short_rows = \"pad\"".to_owned());
    }
    if let Some(first) = long.first() {
        let (rows, have) = if long.len() == 1 { ("row", "has") } else { ("rows", "have") };
        let header = if dialect.columns.is_empty() { "the header" } else { "columns" };
        let count = long.len();
        lines.push(format!(
            "# {count} {rows} {have} more cells than {header}, the first in line {first}: rejected."
        ));
    }
    let encoding = dialect.encoding.map_or("UTF-8", |encoding| encoding.name());
    lines.extend(malformed_rows(malformed, encoding).into_iter().flatten());
    lines
}

fn missing_cells(rows: usize) -> String {
    match rows {
        1 => "The last cells are missing in 1 row".to_owned(),
        rows => format!("The last cells are missing in {rows} rows"),
    }
}

fn guessed(guess: SyntaxGuess) -> [String; 2] {
    let (reason, key) = match (guess.syntax, guess.is_only_reading) {
        (GuessedSyntax::Text, true) => (
            "every line has the header's number of cells if quotes are text; as CSV, quotes swallow cells or rows",
            "format = \"text\"",
        ),
        (GuessedSyntax::Text, false) => {
            ("no cell is quoted, and each backslash begins an escape such as \\n", "format = \"text\"")
        }
        (GuessedSyntax::Escaped | GuessedSyntax::EscapedInQuotes, _) => {
            ("every row has the header's number of cells only if backslashes are escapes", r#"escape = '\'"#)
        }
        (GuessedSyntax::Unquoted, _) => {
            ("every line has the header's number of cells only if quotes are text", "quote = \"none\"")
        }
    };
    [format!("# Guessed: {reason}."), key.to_owned()]
}

/// The comment about rows that are not valid in the encoding; none without such rows.
fn malformed_rows(lines: &[u64], encoding: &str) -> Option<[String; 2]> {
    const MOST: usize = 10;
    let named: Vec<String> = lines.iter().take(MOST).map(u64::to_string).collect();
    let more = lines.len().saturating_sub(MOST);
    let lines = match lines {
        [] => return None,
        [line] => format!("line {line}"),
        _ if more == 0 => format!("lines {}", named.join(", ")),
        _ => format!("lines {} and {more} more", named.join(", ")),
    };
    Some([
        format!("# Not {encoding}: {lines}."),
        "# These rows are rejected until the file is corrected; all others are imported.".to_owned(),
    ])
}

/// The keys for lines before the header, and for the names of columns without one. `is_guessed` tells whether the lines
/// were found to be a title, and not given by an option.
pub fn lines_before_rows(skip_lines: u64, is_guessed: bool, columns: &[String]) -> Vec<String> {
    let mut lines = Vec::new();
    if is_guessed {
        let line = skip_lines + 1;
        lines.push(format!("# Guessed: the header is on line {line}, below a title or other lines."));
    }
    if skip_lines > 0 {
        lines.push(format!("skip_lines = {skip_lines}"));
    }
    if !columns.is_empty() {
        let names: Vec<String> = columns.iter().map(|name| literals::toml(name)).collect();
        lines.push(format!("columns = [{}]", names.join(", ")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_more_cells_are_counted() {
        let lines = |dialect: &Dialect, long: &[u64]| source_lines(dialect, None, &[], 0, long).join("\n");
        let mut dialect = Dialect::default();
        assert_eq!(
            lines(&dialect, &[4]),
            "# 1 row has more cells than the header, the first in line 4: rejected."
        );
        dialect.columns = vec!["id".to_owned()];
        assert_eq!(
            lines(&dialect, &[1, 2]),
            "# 2 rows have more cells than columns, the first in line 1: rejected."
        );
        assert_eq!(lines(&dialect, &[]), "");
    }

    #[test]
    fn at_most_ten_malformed_lines_are_named() {
        let comment = |lines: &[u64]| malformed_rows(lines, "UTF-8").map(|[first, _]| first);
        assert_eq!(comment(&[]), None);
        assert_eq!(comment(&[9]).unwrap(), "# Not UTF-8: line 9.");
        assert_eq!(comment(&[3, 9]).unwrap(), "# Not UTF-8: lines 3, 9.");
        let many: Vec<u64> = (1..=12).collect();
        assert_eq!(comment(&many).unwrap(), "# Not UTF-8: lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 2 more.");
    }

    #[test]
    fn every_key_that_was_set_or_guessed_is_written() {
        let dialect = Dialect { format: SourceFormat::Text, ..Dialect::default() };
        let lines = source_lines(&dialect, None, &[], 3, &[]).join("\n");
        let table: toml::Table = lines.parse().unwrap();
        assert_eq!(table["format"].as_str(), Some("text"));
        assert!(lines.contains("missing in 3 rows"), "{lines}");
        for (syntax, key, value) in [
            (GuessedSyntax::Text, "format", "text"),
            (GuessedSyntax::Escaped, "escape", "\\"),
            (GuessedSyntax::EscapedInQuotes, "escape", "\\"),
            (GuessedSyntax::Unquoted, "quote", "none"),
        ] {
            let guess = SyntaxGuess { syntax, delimiter: b',', is_only_reading: true };
            let lines = source_lines(&Dialect::default(), Some(guess), &[], 0, &[]).join("\n");
            assert_eq!(lines.parse::<toml::Table>().unwrap()[key].as_str(), Some(value));
        }
    }
}
