//! The key of a row as the job names it: columns, and templates of the row.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;

use super::columns::{Columns, RowView};
use super::compiler::Compiler;
use super::error::{MapError, MappingError, Rejection, RenderError, RowFault};
use super::lexer;
use super::template::Template;
use crate::source::{Header, KeyComparison, Record, RowKey, SourceError, has_visible};

/// Place of an error of the key.
const PLACE: &str = "[source] key";

/// Derives the keys of the rows under one header.
#[derive(Debug)]
pub struct KeyRule {
    parts: Vec<KeyPart>,
    comparison: KeyComparison,
    header: Header,
    columns: Arc<Columns>,
}

/// One part of a key.
enum KeyPart {
    /// The cell of a column, by index.
    Column(usize),
    /// A template of the row.
    Template {
        compiler: Box<Compiler>,
        template: Template,
        /// The template in the job.
        text: String,
        /// The columns that it names, by index. If their cells are empty, the row has no key, whatever text the template
        /// has between them.
        columns: Vec<usize>,
    },
}

impl std::fmt::Debug for KeyPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeyPart::Column(index) => write!(f, "column {index}"),
            KeyPart::Template { text, .. } => f.write_str(text),
        }
    }
}

/// The key of a job does not fit a header.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A key column is missing or ambiguous.
    #[error(transparent)]
    Column(#[from] SourceError),
    /// A template of the key does not compile, or uses no column.
    #[error(transparent)]
    Template(#[from] MappingError),
}

/// Whether an entry of the job's `key` is a template, and not the name of a column, which may have braces too.
fn is_template(entry: &str, columns: &Columns) -> bool {
    let is_column = || columns.named(entry.trim()).is_some();
    (entry.contains("{{") || entry.contains("{%")) && !is_column()
}

impl KeyRule {
    /// Compiles the job's `key`, columns and templates, for the header of `file`.
    ///
    /// # Errors
    /// - [`KeyError::Column`]: a column is missing, or there are several of its name.
    /// - [`KeyError::Template`]: a template does not parse, names an unknown column, uses a lookup table, or uses no
    ///   column, so that all rows would have one key.
    pub fn compile(
        key: &[String],
        comparison: KeyComparison,
        header: &Header,
        file: &str,
    ) -> Result<Self, KeyError> {
        let columns = Arc::new(Columns::new(header));
        let part = |entry: &String| match is_template(entry, &columns) {
            true => Ok(KeyPart::compile(entry, &columns)?),
            false => Ok(KeyPart::Column(header.key_column(entry, file)?)),
        };
        let parts = key.iter().map(part).collect::<Result<_, KeyError>>()?;
        Ok(KeyRule { parts, comparison, header: header.clone(), columns })
    }

    /// The indices of the columns that it names.
    pub fn columns(&self) -> BTreeSet<usize> {
        let columns = self.parts.iter().flat_map(|part| match part {
            KeyPart::Column(index) => std::slice::from_ref(index),
            KeyPart::Template { columns, .. } => columns,
        });
        columns.copied().collect()
    }

    /// The key of a row, which is unusable if it has malformed text.
    pub fn key_of(&self, record: &Record) -> RowKey {
        let is_intact = |key: &RowKey| match key {
            RowKey::Columns(texts) => !texts.iter().any(|text| text.contains(char::REPLACEMENT_CHARACTER)),
            RowKey::Content(_) | RowKey::Unusable(_) => false,
        };
        match self.key(&record.fields) {
            key if record.malformed.is_none() || is_intact(&key) => key,
            _ => RowKey::Unusable(self.header.content(&record.fields)),
        }
    }

    /// The key of a row's cells.
    pub fn key(&self, cells: &csv::StringRecord) -> RowKey {
        if cells.len() != self.header.columns().len() {
            return RowKey::Unusable(self.header.content(cells));
        }
        if self.parts.is_empty() {
            return RowKey::Content(self.header.content(cells));
        }
        let compared = self.compared(cells);
        let row = RowView::new(&self.columns, &compared);
        let text = |part: &KeyPart| match part {
            KeyPart::Column(index) => Ok(self.comparison.counted(row.cell(*index)).to_owned()),
            KeyPart::Template { compiler, template, .. } => {
                compiler.render(template, &row).map(|text| self.comparison.counted(&text).to_owned())
            }
        };
        match self.parts.iter().map(text).collect::<Result<Vec<String>, _>>() {
            Ok(key) if self.parts.iter().zip(&key).any(|(part, text)| part.is_filled(text, &row)) => {
                RowKey::Columns(key)
            }
            Ok(_) | Err(_) => RowKey::Unusable(self.header.content(cells)),
        }
    }

    /// The cells as templates see them: padding must not count inside of a key either.
    fn compared<'c>(&self, cells: &'c csv::StringRecord) -> Cow<'c, csv::StringRecord> {
        let counted = |cell| self.comparison.counted(cell);
        let has_template = self.parts.iter().any(|part| matches!(part, KeyPart::Template { .. }));
        match has_template && cells.iter().any(|cell| counted(cell).len() < cell.len()) {
            true => Cow::Owned(cells.iter().map(counted).collect()),
            false => Cow::Borrowed(cells),
        }
    }

    /// Why the row's key is unusable, if that is the key's fault and not that of the number of cells.
    ///
    /// # Errors
    /// - [`MapError::Row`]: every part of the key is empty, or a template refuses the row.
    /// - [`MapError::Job`]: a template is faulty, in a branch that no earlier row took.
    pub fn expect_usable(&self, cells: &csv::StringRecord) -> Result<(), MapError> {
        let compared = self.compared(cells);
        let row = RowView::new(&self.columns, &compared);
        for part in &self.parts {
            let KeyPart::Template { compiler, template, text, .. } = part else { continue };
            match compiler.render(template, &row) {
                Ok(_) => {}
                Err(RenderError::Job(problem)) => return Err(key_error(text, problem).into()),
                Err(error @ (RenderError::Row(_) | RenderError::TooExpensive)) => {
                    let rule = format!("has no key: {error}");
                    let fault = RowFault { rule, origin: text.clone(), ..RowFault::default() };
                    return Err(Rejection { code: error.code(), faults: vec![fault] }.into());
                }
            }
        }
        let rule = match self.parts.iter().all(|part| matches!(part, KeyPart::Column(_))) {
            true => "has nothing in its key columns",
            false => "has nothing in its key",
        };
        Err(Rejection::of_row("EmptyKey", "", rule).into())
    }
}

impl KeyPart {
    fn compile(text: &str, columns: &Arc<Columns>) -> Result<Self, MappingError> {
        let mut filters = lexer::parts(text);
        filters.retain(|part| lexer::filters(part.lexemes()).any(|filter| filter == "lookup"));
        if !filters.is_empty() {
            let problem = "a key cannot use a lookup table: an entry that changes would make new contacts of known rows";
            return Err(key_error(text, problem));
        }
        let (compiler, template) = compiled(text, columns).map_err(|problem| key_error(text, problem))?;
        if compiler.uses_no_column() {
            return Err(key_error(text, "uses no column, so every row would have the same key"));
        }
        let columns = compiler.used_columns().collect();
        Ok(KeyPart::Template { compiler: Box::new(compiler), template, text: text.to_owned(), columns })
    }

    /// Whether the part, with this text for the row, tells rows apart.
    fn is_filled(&self, text: &str, row: &RowView<'_>) -> bool {
        let has_cells = match self {
            KeyPart::Column(_) => true,
            KeyPart::Template { columns, .. } => {
                columns.is_empty() || columns.iter().any(|column| has_visible(row.cell(*column)))
            }
        };
        has_cells && has_visible(text)
    }
}

/// The columns of this name or in these templates of the job's key, which need not be members of a request. Faulty
/// entries have none: [`KeyRule::compile`] reports them.
pub(super) fn columns_of_key(key: &[String], columns: &Arc<Columns>) -> BTreeSet<usize> {
    let columns_of = |entry: &String| -> Vec<usize> {
        match is_template(entry, columns) {
            true => compiled(entry, columns)
                .map(|(compiler, _)| compiler.used_columns().collect())
                .unwrap_or_default(),
            false => columns.named(entry.trim()).into_iter().collect(),
        }
    };
    key.iter().flat_map(columns_of).collect()
}

fn compiled(text: &str, columns: &Arc<Columns>) -> Result<(Compiler, Template), String> {
    let mut compiler = Compiler::new(columns.clone(), &Default::default());
    let template = compiler.compile(text)?;
    Ok((compiler, template))
}

fn key_error(text: &str, problem: impl std::fmt::Display) -> MappingError {
    MappingError { place: PLACE.to_owned(), problem: format!("'{text}': {problem}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{ExpectedEncoding, MalformedText};

    const HEADER: [&str; 3] = ["Ticket ID", "region", "x"];

    fn rule(key: &[&str], comparison: KeyComparison) -> Result<KeyRule, String> {
        let key: Vec<String> = key.iter().map(|entry| entry.to_string()).collect();
        let header = Header::new(HEADER.map(String::from).to_vec());
        KeyRule::compile(&key, comparison, &header, "t.csv").map_err(|error| error.to_string())
    }

    fn key(rule: &KeyRule, cells: &[&str]) -> RowKey {
        rule.key(&cells.iter().copied().collect())
    }

    fn columns(cells: &[&str]) -> RowKey {
        RowKey::Columns(cells.iter().map(|cell| cell.to_string()).collect())
    }

    #[test]
    fn a_key_with_malformed_text_is_unusable() {
        let record = |id: &str| Record {
            fields: ["x", id, "y"].into_iter().collect(),
            malformed: Some(MalformedText {
                column: 1,
                expected: ExpectedEncoding { name: "UTF-8", remedy: "" },
                is_hundredth: false,
            }),
            ..Record::default()
        };
        let region = rule(&["region"], KeyComparison::Trim).unwrap();
        assert!(matches!(region.key_of(&record("7\u{fffd}")), RowKey::Unusable(_)));
        assert_eq!(region.key_of(&record("7")), columns(&["7"]));
        let whole = rule(&[], KeyComparison::Trim).unwrap();
        assert!(matches!(whole.key_of(&record("7")), RowKey::Unusable(_)));
    }

    fn refusal(rule: &KeyRule, cells: &[&str]) -> String {
        match rule.expect_usable(&cells.iter().copied().collect()).unwrap_err() {
            MapError::Row(rejection) => format!("{} {rejection}", rejection.code),
            MapError::Job(error) => format!("job {error}"),
        }
    }

    #[test]
    fn cells_are_compared_without_white_space_at_their_ends_or_as_they_stand() {
        let trim = rule(&["Ticket ID"], KeyComparison::Trim).unwrap();
        assert_eq!(key(&trim, &[" HD-1 \u{a0}", "", ""]), columns(&["HD-1"]));
        let exact = rule(&["Ticket ID"], KeyComparison::Exact).unwrap();
        assert_eq!(key(&exact, &[" HD-1 ", "", ""]), columns(&[" HD-1 "]));
        for rule in [trim, exact] {
            assert!(matches!(key(&rule, &[" \u{a0}", "x", ""]), RowKey::Unusable(_)));
            assert!(matches!(key(&rule, &["\u{200b}\u{feff}", "x", ""]), RowKey::Unusable(_)));
            assert!(matches!(key(&rule, &["7"]), RowKey::Unusable(_)));
        }
    }

    #[test]
    fn a_row_without_key_columns_has_its_content_as_its_key_and_padding_counts() {
        let rule = rule(&[], KeyComparison::Trim).unwrap();
        assert!(matches!(key(&rule, &["1", "", ""]), RowKey::Content(_)));
        assert_ne!(key(&rule, &["1", "", ""]), key(&rule, &["1 ", "", ""]));
    }

    #[test]
    fn templates_of_the_row_are_parts_of_a_key() {
        let upper = rule(&["{{ ticket_id | upper }}", "region"], KeyComparison::Trim).unwrap();
        assert_eq!(key(&upper, &[" hd-1", "EU ", ""]), columns(&["HD-1", "EU"]));
        let joined = rule(&["{{ row['region'] }}-{{ ticket_id }}"], KeyComparison::Exact).unwrap();
        assert_eq!(key(&joined, &["1 ", "EU", ""]), columns(&["EU-1 "]));
        assert_eq!(key(&joined, &["", "EU", ""]), columns(&["EU-"]));
        let trimmed = rule(&["{{ row['region'] }}-{{ ticket_id }}"], KeyComparison::Trim).unwrap();
        assert_eq!(key(&trimmed, &["1 ", "EU\u{a0}", ""]), columns(&["EU-1"]));
        assert!(matches!(key(&joined, &[" ", "", "x"]), RowKey::Unusable(_)));
        let branch =
            rule(&["{% if region %}{{ region }}/{{ ticket_id }}{% endif %}"], KeyComparison::Trim).unwrap();
        assert_eq!(key(&branch, &["1", "EU", ""]), columns(&["EU/1"]));
        assert!(matches!(key(&branch, &["1", "", ""]), RowKey::Unusable(_)));
        assert_eq!(refusal(&branch, &["1", "", ""]), "EmptyKey has nothing in its key");
    }

    #[test]
    fn a_row_for_which_a_template_fails_has_no_key_and_the_reason_is_told() {
        let rule = rule(&["{{ ticket_id | epoch('%Y-%m-%d') }}"], KeyComparison::Trim).unwrap();
        assert!(matches!(key(&rule, &["2026-13-01", "", ""]), RowKey::Unusable(_)));
        let reason = refusal(&rule, &["2026-13-01", "", ""]);
        assert!(reason.starts_with("Mapping has no key: "), "{reason}");
        assert!(!reason.contains("2026-13-01"), "{reason}");
    }

    #[test]
    fn a_column_whose_name_has_braces_is_a_column() {
        for name in ["{% if %}", "{{ ticket"] {
            let header = Header::new(vec![name.to_owned(), "x".to_owned()]);
            let rule = KeyRule::compile(&[name.to_owned()], KeyComparison::Trim, &header, "t.csv").unwrap();
            assert_eq!(key(&rule, &["7", "y"]), columns(&["7"]), "{name}");
        }
    }

    #[test]
    fn an_impossible_template_is_refused_before_any_row() {
        for (key, problem) in [
            ("{{ ticket }}", "the CSV has no column with the identifier 'ticket'"),
            ("{{ 'x' | upper }}", "uses no column"),
            ("{{ x | lookup('t') }}", "a key cannot use a lookup table"),
            ("{{ x | uper }}", "there is no filter 'uper'; did you mean 'upper'?"),
            ("{{ x ", "the template does not parse"),
        ] {
            let error = rule(&["region", key], KeyComparison::Trim).unwrap_err();
            assert!(error.starts_with("[source] key: '") && error.contains(problem), "{error}");
        }
        let missing = rule(&["Ticket Id"], KeyComparison::Trim).unwrap_err();
        assert!(missing.contains("did you mean 'Ticket ID'?"), "{missing}");
    }

    #[test]
    fn columns_in_templates_are_columns_of_the_key() {
        let header = Header::new(HEADER.map(String::from).to_vec());
        let columns = Arc::new(Columns::new(&header));
        let key = ["x ", "{{ ticket_id | upper }}", "{{ nothing }}"].map(String::from);
        assert_eq!(columns_of_key(&key, &columns), BTreeSet::from([0, 2]));
    }
}
