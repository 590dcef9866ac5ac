//! The lines of the bar, as a terminal of some size shows them: causes, the bar itself, and what there is to say. Pure.
//!
//! No line is as long as the terminal is wide. Where there is no room for everything, what matters least is left out,
//! and no word is cut.

use std::path::Path;

use unicode_width::UnicodeWidthStr as _;

use super::causes::{Cause, Causes};
use super::cells::{CELLS, cells};
use super::colour::Paint;
use super::foot::Size;
use super::printable::printable;
use super::view::{Part, View};

/// Causes at a time, if there is room for them; they have a third of the terminal at most.
const CAUSES: usize = 6;

/// The cells of the bar.
const FEWEST_CELLS: usize = 6;
const MOST_CELLS: usize = 40;

/// What stands between parts.
const BETWEEN: &str = " · ";

/// All lines; once the phase is over only what stays of them.
pub(super) fn frame(
    view: Option<&View>,
    causes: &Causes,
    size: Size,
    is_over: bool,
    paint: Paint,
) -> Vec<String> {
    let width = size.columns.saturating_sub(1);
    let mut lines = attention(causes, width, (size.rows / 3).clamp(1, CAUSES), paint);
    let Some(view) = view else { return lines };
    lines.push(bar(view, width, is_over, paint));
    if !is_over {
        let most = match size.rows {
            ..6 => 1,
            6..12 => 2,
            12.. => 3,
        };
        lines.extend(flow(view.parts.clone(), width, most).iter().map(|parts| joined(parts, paint)));
    }
    lines
}

/// The most frequent causes, a line each.
fn attention(causes: &Causes, width: usize, most: usize, paint: Paint) -> Vec<String> {
    let ranked = causes.ranked();
    let shown = if ranked.len() > most { most.saturating_sub(1).max(1) } else { most };
    let mut lines: Vec<String> = ranked.iter().take(shown).map(|cause| cause_line(cause, width)).collect();
    if ranked.len() > shown && lines.len() < most {
        lines.push(cut(&format!("  and {} other causes", ranked.len() - shown), width));
    }
    lines.iter().map(|line| paint.attention(line)).collect()
}

/// `! 12 rejected: Validation: Name: at most 1024 characters are allowed (first: tickets.csv, line 46)`.
fn cause_line(cause: &Cause, width: usize) -> String {
    /// Columns that the cause is worth before the whole example, and before its line alone.
    const WORTH: [usize; 2] = [48, 36];
    let whole = printable(&format!("! {}", cause.headline()));
    let examples = cause.first.as_ref().map(|(file, line)| {
        let name = Path::new(file).file_name().map_or(file.as_str().into(), |name| name.to_string_lossy());
        [printable(&format!(" (first: {name}, line {line})")), format!(" (line {line})")]
    });
    for (example, worth) in examples.iter().flatten().zip(WORTH) {
        let room = width.saturating_sub(example.width());
        if room >= worth || whole.width() <= room {
            return cut(&whole, room) + example;
        }
    }
    let shortened = cut(&whole, width);
    // The code says more than the beginning of it.
    let code = cause.why.split(':').next().unwrap_or_default();
    let without_message = format!("! {} {}: {code}", cause.count, cause.what);
    if without_message.width() <= width && shortened.width() < without_message.width() {
        return printable(&without_message);
    }
    shortened
}

/// `importing ██████░░░░ 1234 of 5678 rows · 21%`.
fn bar(view: &View, width: usize, is_over: bool, paint: Paint) -> String {
    let word = if is_over { view.over } else { view.phase };
    let mut amounts = view.amounts.clone();
    loop {
        let words = joined(&amounts, paint);
        let room = width.saturating_sub(word.width() + words.width() + 2);
        match view.share {
            Some(share) if room >= FEWEST_CELLS => {
                let cells = cells(share, room.min(MOST_CELLS));
                let (done, rest) = cells.split_at(cells.find(CELLS[1]).unwrap_or(cells.len()));
                return format!("{word} {}{rest} {words}", paint.done(done));
            }
            _ => {}
        }
        let line = format!("{word} {words}");
        let fits = line.width() <= width && view.share.is_none();
        if fits || amounts.len() < 2 {
            return cut(&line, width);
        }
        leave_out(&mut amounts);
    }
}

/// The parts in lines, `most` at most.
fn flow(mut parts: Vec<Part>, width: usize, most: usize) -> Vec<Vec<Part>> {
    parts.retain(|part| part.text.width() <= width);
    loop {
        let mut lines: Vec<Vec<Part>> = Vec::new();
        let mut used = 0;
        for part in &parts {
            let own = part.text.width();
            match lines.last_mut() {
                Some(line) if used + BETWEEN.width() + own <= width => {
                    used += BETWEEN.width() + own;
                    line.push(part.clone());
                }
                _ => {
                    used = own;
                    lines.push(vec![part.clone()]);
                }
            }
        }
        if lines.len() <= most {
            return lines;
        }
        leave_out(&mut parts);
    }
}

/// Leaves the least important part out; of several the last.
fn leave_out(parts: &mut Vec<Part>) {
    let least = parts.iter().enumerate().rev().min_by_key(|(_, part)| part.weight).map(|(index, _)| index);
    if let Some(index) = least {
        parts.remove(index);
    }
}

pub(super) fn joined(parts: &[Part], paint: Paint) -> String {
    let words = parts
        .iter()
        .map(|part| if part.needs_attention { paint.attention(&part.text) } else { part.text.clone() });
    words.collect::<Vec<_>>().join(BETWEEN)
}

/// As many words of a text as there is room for.
fn cut(text: &str, room: usize) -> String {
    let text = printable(text);
    if text.width() <= room {
        return text;
    }
    let mut end = 0;
    for (index, _) in text.match_indices(' ') {
        // For a space and the ellipsis.
        if text[..index].width() + 2 > room {
            break;
        }
        end = index;
    }
    if end > 0 {
        return format!("{} …", text[..end].trim_end_matches([' ', ':', ';', ',']));
    }
    // One long word.
    let mut start = String::new();
    for c in text.chars() {
        start.push(c);
        if start.width() + 1 > room {
            start.pop();
            break;
        }
    }
    if room > 0 { start + "…" } else { start }
}

#[cfg(test)]
mod tests;
