//! Layout of the status area for the size of the terminal: causes, the bar between phase and amounts, details. Pure.
//!
//! Where there is no room for everything, the phrases of the lowest weight are left out.

use std::path::Path;

use console::{measure_text_width, truncate_str};

use super::causes::{Causes, CountedCause};
use super::colour::TerminalColours;
use super::progress::{Phrase, ProgressReport};
use crate::printable::printable;

/// Most cause lines; they take at most a third of the terminal.
const MAX_CAUSES: usize = 6;

/// Fewest and most cells of the bar.
const MIN_CELLS: usize = 6;
const MAX_CELLS: usize = 40;

/// Columns of a cause for which the file of its first row is left out, and for which the line is.
const MIN_CAUSE_WIDTHS: [usize; 2] = [48, 36];

/// Separator of phrases.
const SEPARATOR: &str = " · ";

/// Size of the terminal, in characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

/// Text of the status area, and the bar between its two parts.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Layout {
    /// Cause lines, and the phase before the bar.
    pub(super) before: String,
    /// The bar, if a share is known and there is room for it.
    pub(super) bar: Option<Bar>,
    /// Amounts after the bar, and the lines of details.
    pub(super) after: String,
}

/// A bar of cells.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Bar {
    /// Share that is done, from 0 to 1.
    pub(super) share: f64,
    /// Cells.
    pub(super) cells: usize,
}

impl Layout {
    /// Layout of everything while the phase lasts.
    pub(super) fn new(
        report: Option<&ProgressReport>,
        causes: &Causes,
        size: Size,
        colours: TerminalColours,
    ) -> Self {
        let max_causes = (size.rows / 3).clamp(1, MAX_CAUSES);
        let mut before: Vec<String> = cause_lines(causes, size.columns, max_causes, colours);
        let Some(report) = report else {
            return Layout { before: before.join("\n"), ..Layout::default() };
        };
        let mut layout = Layout::of_bar(report.phase, report, size.columns, colours);
        before.push(layout.before);
        layout.before = before.join("\n");
        let max_lines = match size.rows {
            ..6 => 1,
            6..12 => 2,
            12.. => 3,
        };
        for line in fit(report.details.clone(), size.columns, max_lines, colours) {
            layout.after = format!("{}\n{line}", layout.after);
        }
        layout
    }

    /// Layout of the bar alone.
    pub(super) fn of_bar(
        phase: &str,
        report: &ProgressReport,
        columns: usize,
        colours: TerminalColours,
    ) -> Self {
        // A space on either side of the bar.
        let room = columns.saturating_sub(phase.len() + 2);
        if let Some(share) = report.share {
            let amounts = fit(report.amounts.clone(), room.saturating_sub(MIN_CELLS), 1, colours).concat();
            let cells = room.saturating_sub(measure_text_width(&amounts)).min(MAX_CELLS);
            if !amounts.is_empty() && cells >= MIN_CELLS {
                let bar = Some(Bar { share, cells });
                return Layout { before: phase.to_owned(), bar, after: amounts };
            }
        }
        let amounts = fit(report.amounts.clone(), room, 1, colours).concat();
        let line = format!("{phase} {amounts}");
        Layout { before: truncate_str(line.trim_end(), columns, "…").into_owned(), ..Layout::default() }
    }

    /// Whether nothing is shown.
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty()
    }
}

/// The most frequent causes, a line each.
pub(super) fn cause_lines(
    causes: &Causes,
    columns: usize,
    max: usize,
    colours: TerminalColours,
) -> Vec<String> {
    let ranked = causes.ranked();
    let shown = if ranked.len() > max { max.saturating_sub(1).max(1) } else { max };
    let mut lines: Vec<String> = ranked.iter().take(shown).map(|cause| cause_line(cause, columns)).collect();
    if ranked.len() > shown && lines.len() < max {
        lines.push(format!("  and {} other causes", ranked.len() - shown));
    }
    lines.iter().map(|line| colours.attention(&truncate_str(line, columns, "…"))).collect()
}

/// `! 12 rejected: Validation: Name: at most 1024 characters are allowed (first: tickets.csv, line 46)`.
fn cause_line(cause: &CountedCause, columns: usize) -> String {
    let headline = printable(&format!("! {}", cause.headline()));
    let Some((file, line)) = &cause.first else { return headline };
    let name = Path::new(file).file_name().map_or(file.as_str().into(), |name| name.to_string_lossy());
    let first = [printable(&format!(" (first: {name}, line {line})")), format!(" (line {line})")];
    for (first, min_width) in first.into_iter().zip(MIN_CAUSE_WIDTHS) {
        let room = columns.saturating_sub(measure_text_width(&first));
        if room >= min_width || measure_text_width(&headline) <= room {
            return format!("{}{first}", truncate_str(&headline, room, "…"));
        }
    }
    headline
}

/// `phrases` in at most `max_lines` lines, without those of the lowest weight that have no room.
fn fit(mut phrases: Vec<Phrase>, columns: usize, max_lines: usize, colours: TerminalColours) -> Vec<String> {
    phrases.retain(|phrase| measure_text_width(&phrase.text) <= columns);
    loop {
        let lines = wrap(&phrases, columns);
        if lines.len() <= max_lines {
            return lines.into_iter().map(|line| joined(line, colours)).collect();
        }
        let lightest = phrases.iter().enumerate().min_by_key(|(_, phrase)| phrase.weight);
        let Some((index, _)) = lightest else { return Vec::new() };
        phrases.remove(index);
    }
}

/// Splits phrases into lines of at most `columns`.
fn wrap(phrases: &[Phrase], columns: usize) -> Vec<&[Phrase]> {
    let mut lines = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (index, phrase) in phrases.iter().enumerate() {
        let width = measure_text_width(&phrase.text);
        let with_separator = used + measure_text_width(SEPARATOR) + width;
        if index > start && with_separator <= columns {
            used = with_separator;
            continue;
        }
        if index > start {
            lines.push(&phrases[start..index]);
        }
        (start, used) = (index, width);
    }
    if start < phrases.len() {
        lines.push(&phrases[start..]);
    }
    lines
}

/// `created 118 · rejected 2 · in flight 1`.
pub(super) fn joined(phrases: &[Phrase], colours: TerminalColours) -> String {
    let words = phrases.iter().map(
        |Phrase { text, is_problem, .. }| {
            if *is_problem { colours.attention(text) } else { text.clone() }
        },
    );
    words.collect::<Vec<_>>().join(SEPARATOR)
}
