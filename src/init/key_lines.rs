//! Writes the key of a job file, with what the user should know about it.

use super::key::KeyGuess;
use super::literals;
use super::roles::ColumnRoles;
use super::sample::{CsvSample, KeyGaps};

/// The key with its comments, or the comments on its absence.
pub(super) fn key_lines(sample: &CsvSample<'_>, roles: &ColumnRoles<'_>) -> Vec<String> {
    match &roles.key.key {
        Some(key) => with_key(sample, roles, key),
        None => without_key(sample, roles),
    }
}

fn with_key(sample: &CsvSample<'_>, roles: &ColumnRoles<'_>, key: &KeyGuess) -> Vec<String> {
    let meaning = "# Column or columns that uniquely identify a row, in this file and in every later one.";
    let mut lines = vec![meaning.to_owned()];
    match (sample.rows.len(), key.gaps.rows()) {
        (rows, 0) if rows > 1 => lines.push(format!("# Guessed: its values differ in all {rows} rows.")),
        _ => lines.push("# Guessed from its header.".to_owned()),
    }
    lines.extend(gap_sentences(sample, &key.gaps).into_iter().map(|gap| format!("# {gap}.")));
    if key.is_row_number {
        lines.extend([
            "# Its cells count the rows from the first. If every export does so, name another key: with this"
                .to_owned(),
            "# one, the rows of a later export count as imported.".to_owned(),
        ]);
    }
    lines.push(format!("key = [{}]", literals::toml(roles.columns[key.column].name)));
    lines
}

fn without_key(sample: &CsvSample<'_>, roles: &ColumnRoles<'_>) -> Vec<String> {
    let name = |index: usize| literals::comment(roles.columns[index].name);
    let mut lines = vec![
        "# No column looks like the id of a row, so the whole row is the key: when any cell of a row changes,"
            .to_owned(),
        "# a later run makes a new contact of it. If columns uniquely identify a row, name them:".to_owned(),
        "# key = [\"Exact Header\"]".to_owned(),
    ];
    if let Some((column, gaps)) = &roles.key.refused {
        let gaps: Vec<String> = gap_counts(sample, gaps).into_iter().map(|(gap, _)| gap).collect();
        lines.push(format!("# '{}' would be one, but {}.", name(*column), gaps.join("; ")));
    }
    if !roles.key.distinct.is_empty() {
        lines.push(
            "# Not the key, though they differ in all rows: ids of other things, or counts of the rows:"
                .to_owned(),
        );
        lines.extend(roles.key.distinct.iter().map(|index| format!("#   {}", name(*index))));
    }
    lines
}

/// The rows that a key does not identify, one sentence each: `1 of 12 cells is empty, in line 3; that row is
/// rejected`.
pub(super) fn gap_sentences(sample: &CsvSample<'_>, gaps: &KeyGaps) -> Vec<String> {
    let sentence = |(gap, count): (String, usize)| match count {
        1 => format!("{gap}; that row is rejected"),
        _ => format!("{gap}; those rows are rejected"),
    };
    gap_counts(sample, gaps).into_iter().map(sentence).collect()
}

/// The kinds of gaps with their counts.
fn gap_counts(sample: &CsvSample<'_>, gaps: &KeyGaps) -> Vec<(String, usize)> {
    let rows = sample.rows.len();
    let line = |row: usize| sample.lines.get(row);
    let empty = gaps.first_empty.map(|first| {
        let are = if gaps.empty == 1 { "cells is" } else { "cells are" };
        let place = match line(first) {
            Some(line) if gaps.empty == 1 => format!(", in line {line}"),
            Some(line) => format!(", the first in line {line}"),
            None => String::new(),
        };
        (format!("{} of {rows} {are} empty{place}", gaps.empty), gaps.empty)
    });
    let repeated = gaps.first_repeated.map(|(repeated, first)| {
        let repeat = if gaps.repeated == 1 { "cells repeats" } else { "cells repeat" };
        let place = match (line(repeated), line(first)) {
            (Some(repeated), Some(first)) => format!(", as line {repeated} that of line {first}"),
            _ => String::new(),
        };
        (format!("{} of {rows} {repeat} another{place}", gaps.repeated), gaps.repeated)
    });
    empty.into_iter().chain(repeated).collect()
}
