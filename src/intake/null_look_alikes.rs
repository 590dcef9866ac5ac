//! Cells that look like no value and are none of the texts under `[source] null`.

use std::collections::{BTreeMap, HashMap};

use crate::source::{Record, looks_like_null, may_look_like_null};
use crate::warning::{RowExample, WarnedRow, Warning, WarningCode, Warnings};

/// Counts such cells by column.
#[derive(Debug, Default)]
pub(super) struct NullLookAlikes {
    /// Position in `columns` of each column of the current header; its listed texts follow.
    current: Vec<usize>,
    columns: Vec<LookAlikeColumn>,
    /// Position in `columns` of each header.
    places: HashMap<String, usize>,
    /// Texts that the job lists already, for the remedy.
    listed: Vec<String>,
    /// Whether any cell may have been one of them.
    has_nulls: bool,
}

/// The look-alikes of one column, over all inputs.
#[derive(Debug)]
struct LookAlikeColumn {
    header: String,
    /// Whether these are the texts that the job lists: their cells are quoted, so they are texts.
    are_listed: bool,
    /// Cells by text.
    texts: BTreeMap<String, u64>,
    examples: Vec<RowExample>,
}

/// Maximum number of texts counted for each column. Larger than the list of look-alikes, whose letters may be in any
/// case.
const TEXTS: usize = 32;

/// Examples kept for each column.
const EXAMPLES: usize = 3;

impl NullLookAlikes {
    /// Begins an input with these columns.
    pub(super) fn begin(&mut self, headers: &[String]) {
        let (columns, places) = (&mut self.columns, &mut self.places);
        let positions = headers.iter().map(|header| {
            *places.entry(header.clone()).or_insert_with(|| {
                for are_listed in [false, true] {
                    let (header, texts) = (header.clone(), BTreeMap::new());
                    columns.push(LookAlikeColumn { header, are_listed, texts, examples: Vec::new() });
                }
                columns.len() - 2
            })
        });
        self.current = positions.collect();
    }

    /// Counts the look-alikes of a row, in columns that are used. A cell that is still one of `nulls` was quoted.
    #[inline]
    pub(super) fn scan(&mut self, used: &[bool], nulls: &[String], record: &Record, row: WarnedRow<'_>) {
        self.has_nulls |= record.may_have_null;
        for (column, cell) in record.fields.iter().enumerate() {
            if may_look_like_null(cell) && looks_like_null(cell) && used.get(column) == Some(&true) {
                if self.listed.is_empty() {
                    self.listed = nulls.to_vec();
                }
                self.count(column, nulls.iter().any(|null| null == cell), cell, row);
            }
        }
    }

    #[cold]
    fn count(&mut self, column: usize, is_listed: bool, cell: &str, row: WarnedRow<'_>) {
        let at = self.current.get(column).map(|at| at + usize::from(is_listed));
        let Some(found) = at.and_then(|at| self.columns.get_mut(at)) else { return };
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

    /// Warns of every column with look-alikes. Of listed texts only if no cell was one of them: else the file quotes
    /// texts to tell them from no value.
    pub(super) fn warn(self, warnings: &mut Warnings) {
        let toml = |text: &String| toml::Value::from(text.as_str()).to_string();
        for LookAlikeColumn { header, are_listed, texts, examples } in self.columns {
            if texts.is_empty() || are_listed && self.has_nulls {
                continue;
            }
            let counts: Vec<String> = texts.iter().map(|(text, count)| format!("{text} ({count})")).collect();
            let (kind, why) = if are_listed {
                ("quoted cells", "null names quoted cells with their quotes: ")
            } else {
                ("cells", "")
            };
            let message = format!("has {kind} that look like no value: {}", counts.join(", "));
            let quoted: Vec<String> = texts.keys().map(|text| format!("\"{text}\"")).collect();
            let found: Vec<&String> =
                if are_listed { quoted.iter().collect() } else { texts.keys().collect() };
            let list: Vec<String> = self.listed.iter().chain(found).map(toml).collect();
            let remedy =
                format!("{why}if they mean no value, set null = [{}] under [source]", list.join(", "));
            let mut warning = Warning::new(WarningCode::LookAlikeNull, message, remedy).about(&header);
            warning.examples = examples;
            warnings.warn(warning.times(texts.values().sum()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::RowKey;

    #[test]
    fn texts_are_counted_by_column_over_all_inputs() {
        let key = RowKey::Columns(vec!["K".to_owned()]);
        let mut nulls = NullLookAlikes::default();
        let scan = |nulls: &mut NullLookAlikes, file, line, cells: [&str; 2]| {
            let row = WarnedRow { file, line, key: &key };
            let fields = csv::StringRecord::from(cells.to_vec());
            let record = Record { fields, may_have_null: line == 3, ..Record::default() };
            nulls.scan(&[true, line < 9], &["None".to_owned()], &record, row);
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

    #[test]
    fn a_column_may_have_every_look_alike() {
        let key = RowKey::Columns(vec!["K".to_owned()]);
        let texts = [
            "\\N", "NULL", "null", "Null", "(null)", "[NULL]", "<null>", "NA", "N/A", "n/a", "#N/A", "<NA>",
            "NaN", "nan", "NaT", "None", "none", "nil", "-", "--", "?",
        ];
        let mut nulls = NullLookAlikes::default();
        nulls.begin(&["a".to_owned()]);
        for text in texts {
            let record = Record { fields: csv::StringRecord::from(vec![text]), ..Record::default() };
            nulls.scan(&[true], &[], &record, WarnedRow { file: "1.csv", line: 2, key: &key });
        }
        let mut warnings = Warnings::default();
        nulls.warn(&mut warnings);
        let groups = warnings.groups();
        assert_eq!(groups[0].count, 21);
        assert!(texts.iter().all(|text| groups[0].message.contains(&format!("{text} (1)"))));
    }

    #[test]
    fn listed_texts_in_quotes_are_told_if_no_cell_is_one_of_them() {
        let key = RowKey::Columns(vec!["K".to_owned()]);
        for (may_have_null, expected) in [(false, 1), (true, 0)] {
            let mut nulls = NullLookAlikes::default();
            nulls.begin(&["a".to_owned()]);
            let fields = csv::StringRecord::from(vec!["NULL"]);
            let record = Record { fields, may_have_null, ..Record::default() };
            let row = WarnedRow { file: "1.csv", line: 2, key: &key };
            nulls.scan(&[true], &["NULL".to_owned()], &record, row);
            let mut warnings = Warnings::default();
            nulls.warn(&mut warnings);
            let groups = warnings.groups();
            assert_eq!(groups.len(), expected);
            for group in groups {
                assert!(group.message.contains("quoted cells"), "{}", group.message);
                assert!(
                    group.remedy.ends_with(r#"null = ["NULL", '"NULL"'] under [source]"#),
                    "{}",
                    group.remedy
                );
            }
        }
    }
}
