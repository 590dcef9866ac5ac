//! Cells that look like no value and are none of the texts under `[source] null`.

use std::collections::BTreeMap;

use crate::source::looks_like_null;
use crate::warning::{RowExample, WarnedRow, Warning, WarningCode, Warnings};

/// Counts such cells by column.
#[derive(Debug, Default)]
pub(super) struct NullLookAlikes {
    /// Position in `columns` of each column of the current header.
    current: Vec<usize>,
    columns: Vec<LookAlikeColumn>,
    /// Texts that the job lists already, for the remedy.
    listed: Vec<String>,
}

/// The look-alikes of one column, over all inputs.
#[derive(Debug)]
struct LookAlikeColumn {
    header: String,
    /// Cells by text.
    texts: BTreeMap<String, u64>,
    examples: Vec<RowExample>,
}

/// Texts of one column that are told apart. The list of look-alikes is short, but its letters may be in any case.
const TEXTS: usize = 8;

/// Examples kept for each column.
const EXAMPLES: usize = 3;

impl NullLookAlikes {
    /// Begins an input with these columns.
    pub(super) fn begin(&mut self, headers: &[String]) {
        let columns = &mut self.columns;
        let positions = headers.iter().map(|header| {
            columns.iter().position(|column| column.header == *header).unwrap_or_else(|| {
                let header = header.clone();
                columns.push(LookAlikeColumn { header, texts: BTreeMap::new(), examples: Vec::new() });
                columns.len() - 1
            })
        });
        self.current = positions.collect();
    }

    /// Counts the look-alikes of a row, in columns that are used. A cell that is still one of `nulls` was quoted, so it
    /// is a text.
    #[inline]
    pub(super) fn scan(
        &mut self,
        used: &[bool],
        nulls: &[String],
        cells: &csv::StringRecord,
        row: WarnedRow<'_>,
    ) {
        for (column, cell) in cells.iter().enumerate() {
            if may_look_like_null(cell)
                && looks_like_null(cell)
                && used.get(column) == Some(&true)
                && !nulls.iter().any(|null| null == cell)
            {
                if self.listed.is_empty() {
                    self.listed = nulls.to_vec();
                }
                self.count(column, cell, row);
            }
        }
    }

    #[cold]
    fn count(&mut self, column: usize, cell: &str, row: WarnedRow<'_>) {
        let Some(found) = self.current.get(column).and_then(|at| self.columns.get_mut(*at)) else { return };
        if let Some(count) = found.texts.get_mut(cell) {
            *count += 1;
        } else if found.texts.len() < TEXTS {
            found.texts.insert(cell.to_owned(), 1);
        } else {
            return;
        }
        if found.examples.len() < EXAMPLES {
            let (file, line, key) = (row.file.to_owned(), row.line, row.key.label());
            found.examples.push(RowExample { file, line, key, found: String::new() });
        }
    }

    /// Warns of every column with look-alikes.
    pub(super) fn warn(self, warnings: &mut Warnings) {
        let toml = |text: &String| toml::Value::from(text.as_str()).to_string();
        for LookAlikeColumn { header, texts, examples } in self.columns {
            if texts.is_empty() {
                continue;
            }
            let counts: Vec<String> = texts.iter().map(|(text, count)| format!("{text} ({count})")).collect();
            let message = format!("has cells that look like no value: {}", counts.join(", "));
            let list: Vec<String> = self.listed.iter().chain(texts.keys()).map(toml).collect();
            let remedy = format!("if they mean no value, set null = [{}] under [source]", list.join(", "));
            let mut warning = Warning::new(WarningCode::LookAlikeNull, message, remedy).about(&header);
            warning.examples = examples;
            warnings.warn(warning.times(texts.values().sum()));
        }
    }
}

/// Whether the cell is short and begins as one of the texts that stand for no value.
#[inline]
fn may_look_like_null(cell: &str) -> bool {
    let bytes = cell.as_bytes();
    bytes.len() <= 6
        && matches!(bytes.first(), Some(b'N' | b'n' | b'\\' | b'#' | b'-' | b'?' | b'(' | b'[' | b'<'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::RowKey;

    #[test]
    fn every_look_alike_passes_the_quick_test() {
        for text in [
            "\\N", "\\n", "NULL", "null", "(null)", "[NULL]", "<null>", "NA", "N/A", "#N/A", "<NA>", "NaN",
            "NaT", "None", "nil", "-", "--", "?",
        ] {
            assert!(looks_like_null(text) && may_look_like_null(text), "{text}");
        }
        for text in ["", " NULL", "a", "0", "\u{2013}"] {
            assert!(!may_look_like_null(text), "{text}");
        }
    }

    #[test]
    fn texts_are_counted_by_column_over_all_inputs() {
        let key = RowKey::Columns(vec!["K".to_owned()]);
        let mut nulls = NullLookAlikes::default();
        let scan = |nulls: &mut NullLookAlikes, file, line, cells: [&str; 2]| {
            let row = WarnedRow { file, line, key: &key };
            nulls.scan(
                &[true, line < 9],
                &["None".to_owned()],
                &csv::StringRecord::from(cells.to_vec()),
                row,
            );
        };
        nulls.begin(&["a".to_owned(), "b".to_owned()]);
        scan(&mut nulls, "1.csv", 2, ["NULL", "x"]);
        scan(&mut nulls, "1.csv", 3, ["\\N", "x"]);
        nulls.begin(&["b".to_owned(), "a".to_owned()]);
        scan(&mut nulls, "2.csv", 2, ["x", "NULL"]);
        scan(&mut nulls, "2.csv", 9, ["x", "NULL"]);
        scan(&mut nulls, "2.csv", 4, ["None", "x"]);
        let mut warnings = Warnings::default();
        nulls.warn(&mut warnings);
        let groups = warnings.groups();
        let [group] = &groups[..] else { panic!("{groups:?}") };
        assert_eq!((&*group.subject, group.count, group.examples.len()), ("a", 3, 3));
        assert!(group.message.ends_with("NULL (2), \\N (1)"), "{}", group.message);
        assert!(group.remedy.contains(r#"null = ["None", "NULL", '\N'] under"#), "{}", group.remedy);
    }
}
