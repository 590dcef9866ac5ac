//! The summary of a job file that `init` prints: the facts to review first.

use super::key_lines::gap_sentences;
use super::literals;
use super::references::Refused;
use super::roles::ColumnRoles;
use super::sample::CsvSample;

/// The rows that the guesses rest on, such as `the header and all 12 rows`.
pub(super) fn basis(sample: &CsvSample<'_>) -> String {
    match (sample.rows.len(), sample.is_complete) {
        (0, _) => "the header".to_owned(),
        (1, true) => "the header and the only row".to_owned(),
        (rows, true) => format!("the header and all {rows} rows"),
        (rows, false) => format!("the header and the first {rows} rows"),
    }
}

/// The recognized export, the key, the members and the dates, one a line.
pub(super) fn summary(sample: &CsvSample<'_>, roles: &ColumnRoles<'_>) -> String {
    let names = |columns: &[usize]| {
        let quoted = |index: &usize| format!("'{}'", literals::comment(roles.columns[*index].name));
        let names: Vec<String> = columns.iter().map(quoted).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let mut lines = vec![format!("guessed from {}", basis(sample))];
    lines.extend(roles.exporter.map(|exporter| format!("recognized: {}", exporter.name)));
    match &roles.key.key {
        Some(key) => {
            lines.push(format!("key: {}", names(&[key.column])));
            lines.extend(gap_sentences(sample, &key.gaps).into_iter().map(|gap| format!("  {gap}")));
            if key.is_row_number {
                lines.push(
                    "  it counts the rows from the first; if every export does so, name another key"
                        .to_owned(),
                );
            }
        }
        None => {
            let meaning = "so the whole row is the key, and a change of any cell makes a new contact";
            lines.push(format!("key: none, {meaning}"));
        }
    }
    let name = roles.name.as_ref().map_or(&[][..], |name| &name.columns);
    lines.push(format!("Name: {}", names(name)));
    let description: Vec<usize> = roles.description.iter().map(|guess| guess.column).collect();
    lines.push(format!("Description: {}", names(&description)));
    let dates = &roles.references.dates;
    lines.push(format!("dates: {}", names(&dates.iter().map(|date| date.column).collect::<Vec<_>>())));
    for date in dates {
        let column = names(&[date.column]);
        // `Guessed` or `AMBIGUOUS`, as the job file has it.
        if let Some((mark, _)) = date.evidence.as_ref().and_then(|evidence| evidence.split_once(':')) {
            let remedy = format!("see \"{mark}:\" at its reference in the job file");
            lines.push(format!("  {column}: the day or the month may be first; {remedy}"));
        }
        if date.dates.misfits.count > 0 {
            let misfits = date.dates.misfits.described("date", "dates", sample.lines);
            lines.push(format!("  {column}: {misfits}"));
        }
    }
    for (column, reason) in &roles.references.refused {
        if !matches!(reason, Refused::FewUrls(_)) {
            let reason =
                "no reference, since its cells are not certain to be dates; the job file has the reason";
            lines.push(format!("  {}: {reason}", names(&[*column])));
        }
    }
    lines.join("\n") + "\n"
}
