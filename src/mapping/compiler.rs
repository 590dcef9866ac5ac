//! Compiles the strings of a mapping, checks the names in them, and renders them with MiniJinja where needed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior};

use super::columns::{Columns, MissingName, RowView};
use super::error::{RenderError, TOO_EXPENSIVE};
use super::filters::{self, Tables};
use super::template::{PlainPart, Template, check_filter_calls, plain_parts};
use super::{bounds, lexer, none};
use crate::suggest::did_you_mean;

/// The strings of one mapping and their MiniJinja environment.
pub(super) struct Compiler {
    environment: Environment<'static>,
    /// Number of templates in the environment.
    templates: usize,
    tables: Tables,
    pub(super) columns: Arc<Columns>,
    /// The columns that templates use.
    used: BTreeSet<usize>,
    /// Whether a template may use columns that it does not spell out.
    pub(super) hides_columns: bool,
}

impl Compiler {
    pub(super) fn new(columns: Arc<Columns>, tables: &BTreeMap<String, BTreeMap<String, String>>) -> Self {
        let tables: Tables =
            tables.iter().map(|(name, table)| (name.clone(), Arc::new(table.clone()))).collect();
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.add_test("none", none::is_none);
        environment.set_formatter(|output, state, value| {
            if none::holds_none(state, value)? {
                let problem = "the template renders a list or map with none in it; render its entries";
                let error = RenderError::Row(problem.to_owned());
                return Err(Error::new(ErrorKind::InvalidOperation, problem).with_source(error));
            }
            minijinja::escape_formatter(output, state, value)
        });
        // They print values for the authors of templates, such as `undefined` for none.
        environment.remove_filter("pprint");
        environment.remove_global("debug");
        filters::install(&mut environment, &tables);
        bounds::install(&mut environment);
        Compiler { environment, templates: 0, tables, columns, used: BTreeSet::new(), hides_columns: false }
    }

    /// The columns that no template so far uses.
    pub(super) fn unused_columns(&self) -> Vec<usize> {
        (0..self.columns.names.len()).filter(|column| !self.used.contains(column)).collect()
    }

    /// The columns that the templates so far use.
    pub(super) fn used_columns(&self) -> impl Iterator<Item = usize> {
        self.used.iter().copied()
    }

    /// Whether no template uses any column.
    pub(super) fn uses_no_column(&self) -> bool {
        self.used.is_empty() && !self.hides_columns
    }

    /// The template `{{ column }}`.
    pub(super) fn column(&mut self, column: usize) -> Template {
        self.used.insert(column);
        Template::Plain(vec![PlainPart::Cell(column, Vec::new())])
    }

    /// Checks the syntax of an expression, which stands outside of any block.
    ///
    /// # Errors
    /// A message: the expression does not parse.
    pub(super) fn check_expression(&self, expression: &str) -> Result<(), String> {
        let problem = match self.environment.compile_expression(expression) {
            Ok(_) => return Ok(()),
            Err(_) if lexer::is_template(expression) => {
                "write the expression without {{ }} and {% %}".to_owned()
            }
            Err(error) => format!("the expression does not parse: {}", described(&error)),
        };
        let is_assignment = expression.contains('=') && !expression.contains("==");
        Err(if is_assignment { format!("{problem}; compare with ==") } else { problem })
    }

    /// Compiles `text`.
    ///
    /// # Errors
    /// A message: the template does not parse, or uses an unknown column, filter, test, function or table.
    pub(super) fn compile(&mut self, text: &str) -> Result<Template, String> {
        if !lexer::is_template(text) {
            return Ok(Template::Literal(text.to_owned()));
        }
        let parts = lexer::parts(text);
        bounds::check_source(text, &parts)?;
        for part in &parts {
            for header in lexer::uses_of_row(part.lexemes()) {
                match header {
                    Some(header) => {
                        self.used.insert(self.columns.exact(&header)?);
                    }
                    None => self.hides_columns = true,
                }
            }
            // A name that the template assigns may stand for its column elsewhere in it.
            self.hides_columns |=
                lexer::assigned(part.lexemes()).any(|name| self.columns.identifier(name).is_ok());
            for filter in lexer::filters(part.lexemes()) {
                self.check_filter(filter)?;
            }
            check_filter_calls(part.lexemes(), &self.tables)?;
        }
        if let Some(parts) = plain_parts(&parts, &self.columns, &self.tables)? {
            self.used.extend(parts.iter().filter_map(|part| match part {
                PlainPart::Cell(column, _) => Some(*column),
                PlainPart::Text(_) => None,
            }));
            return Ok(Template::Plain(parts));
        }
        // Named by number, since two members may share a path.
        let name = self.templates.to_string();
        self.templates += 1;
        self.environment
            .add_template_owned(
                name.clone(),
                lexer::with_guarded_namespaces(&none::without_none(text, &parts)),
            )
            .map_err(|error| format!("the template does not parse: {}", described(&error)))?;
        self.check_names(&name)?;
        self.check_empty_row(&name)?;
        Ok(Template::Engine(name))
    }

    /// Refuses a name that is neither a column nor a function of MiniJinja, in any branch of the template.
    fn check_names(&mut self, template: &str) -> Result<(), String> {
        let template = self.environment.get_template(template).map_err(|error| described(&error))?;
        let mut paths: Vec<String> = template.undeclared_variables(true).into_iter().collect();
        paths.sort_unstable();
        for path in paths {
            let mut steps = path.split('.');
            let column = match steps.next().unwrap_or_default() {
                "row" => match steps.next() {
                    Some(header) => self.columns.exact(header)?,
                    None => continue,
                },
                // A column hides a function of the same name.
                name => match self.columns.identifier(name) {
                    Ok(column) => column,
                    Err(_) if self.is_function(name) => continue,
                    Err(problem) => return Err(problem),
                },
            };
            if let Some(member) = steps.next() {
                let column = &self.columns.names[column];
                return Err(format!("the column '{column}' is text and has no '{member}'; use a filter"));
            }
            self.used.insert(column);
        }
        Ok(())
    }

    fn is_function(&self, name: &str) -> bool {
        self.environment.globals().any(|(global, _)| global == name)
    }

    /// MiniJinja looks up a filter only when it applies it, so an empty text is put through it here.
    fn check_filter(&self, filter: &str) -> Result<(), String> {
        let probe = self.environment.render_str(&format!("{{{{ ''|{filter} }}}}"), ());
        match probe {
            Err(error) if error.kind() == ErrorKind::UnknownFilter => {
                let known =
                    filters::OWN.into_iter().map(|(name, _)| name).chain(BUILT_IN_FILTERS.split_whitespace());
                let hint = did_you_mean(filter, known).unwrap_or_default();
                Err(format!("there is no filter '{filter}'{hint}"))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Renders an empty row, which finds an unknown test, and a template that exceeds its bounds without any cell. One in
    /// a branch that the empty row does not take is found by the first row that takes it.
    fn check_empty_row(&self, name: &str) -> Result<(), String> {
        match self.render_by_engine(name, &RowView::new(&self.columns, &csv::StringRecord::new())) {
            Err(RenderError::Job(problem)) => Err(problem),
            Err(RenderError::TooExpensive) => Err(TOO_EXPENSIVE.to_owned()),
            Ok(_) | Err(RenderError::Row(_)) => Ok(()),
        }
    }

    /// Renders `template` for a row.
    ///
    /// # Errors
    /// The row's cells do not fit, or the template is wrong in a branch that no earlier row took.
    pub(super) fn render<'a>(
        &self,
        template: &'a Template,
        row: &RowView<'a>,
    ) -> Result<Cow<'a, str>, RenderError> {
        match template {
            Template::Literal(text) => Ok(text.as_str().into()),
            Template::Plain(parts) => match &parts[..] {
                [part] => part.render(row),
                parts => {
                    let mut joined = String::new();
                    for part in parts {
                        let text = part.render(row)?;
                        row.charge(text.len())?;
                        joined.push_str(&text);
                    }
                    Ok(joined.into())
                }
            },
            Template::Engine(name) => {
                let text = self.render_by_engine(name, row)?;
                row.charge(text.len())?;
                Ok(text.into())
            }
        }
    }

    fn render_by_engine(&self, name: &str, row: &RowView<'_>) -> Result<String, RenderError> {
        let context = row.context();
        let template = self.environment.get_template(name).map_err(|error| render_error(&error))?;
        let rendered = template.render(Value::from_dyn_object(context.clone()));
        for missing in context.take_missing() {
            self.check_missing(missing, template.source())?;
        }
        rendered.map_err(|error| match render_error(&error) {
            // A template may compose a filter's message of cells.
            RenderError::Row(problem) if repeats_cell(&problem, template.source(), row) => {
                RenderError::Row("the template refuses the row".to_owned())
            }
            error @ (RenderError::Row(_) | RenderError::TooExpensive | RenderError::Job(_)) => error,
        })
    }

    /// Refuses a name that the template looked up without success. Such a lookup is undefined, which
    /// `default` and `is defined` hide.
    fn check_missing(&self, missing: MissingName, template: &str) -> Result<(), RenderError> {
        let found = match missing {
            // A header that the template does not spell out was computed from cells.
            MissingName::Header(header) if header.is_empty() || !template.contains(&header) => {
                let problem = "row is asked for a column that does not exist, by a computed name";
                return Err(RenderError::Row(problem.to_owned()));
            }
            MissingName::Header(header) => self.columns.exact(&header),
            // A macro may ask whether it has a caller.
            MissingName::Identifier(name) if name == "caller" || self.is_function(&name) => return Ok(()),
            MissingName::Identifier(name) => self.columns.identifier(&name),
        };
        found.map(drop).map_err(RenderError::Job)
    }
}

/// Whether `message` contains a cell that is not part of the template.
fn repeats_cell(message: &str, template: &str, row: &RowView<'_>) -> bool {
    let mut cells = row.cells.iter().map(str::trim).filter(|cell| cell.chars().count() > 3);
    cells.any(|cell| message.contains(cell) && !template.contains(cell))
}

/// MiniJinja's own filters, for suggestions.
const BUILT_IN_FILTERS: &str = "\
    abs attr batch bool capitalize chain count d default dictsort escape first float format groupby \
    indent int items join last length lines list lower map max min reject replace reverse round select \
    slice sort split string sum title trim unique upper";

/// An error of MiniJinja before any row is rendered, so that it holds no cell.
fn described(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// An error of MiniJinja for a row. Of its text only messages of this project's filters are kept: MiniJinja's
/// details may hold a cell.
fn render_error(error: &minijinja::Error) -> RenderError {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(error) = inner.downcast_ref::<RenderError>() {
            return error.clone();
        }
        if inner.downcast_ref::<Error>().is_some_and(|error| error.kind() == ErrorKind::OutOfFuel) {
            return RenderError::TooExpensive;
        }
        source = inner.source();
    }
    match error.kind() {
        ErrorKind::OutOfFuel => RenderError::TooExpensive,
        ErrorKind::UnknownFilter
        | ErrorKind::UnknownTest
        | ErrorKind::UnknownFunction
        | ErrorKind::UnknownMethod
        | ErrorKind::TooManyArguments
        | ErrorKind::MissingArgument => RenderError::Job(described(error)),
        kind => RenderError::Row(format!("the template cannot be applied: {kind}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Header;

    fn compiler() -> Compiler {
        let header = Header::new(["A b", "c"].map(String::from).to_vec());
        let table = BTreeMap::from([("x".to_owned(), "y".to_owned())]);
        Compiler::new(Arc::new(Columns::new(&header)), &BTreeMap::from([("t".to_owned(), table)]))
    }

    const PLAIN: [&str; 17] = [
        "{{ a_b }}",
        "{{ row['A b'] }}!",
        "<{{c}}|{{ a_b|upper }}>",
        "{{ c | lower | trim }}",
        "{{ c | truncate(2) }}{{ c | truncate(bytes=3) }}",
        "{{ c | default('none', true) }}",
        "{{ c | replace('a', 'b') }}",
        "{{ c | slug }}",
        "{{ c | required }}",
        "{{ c | required('gone') }}",
        "{{ c | lookup('t') }}",
        "{{ c | lookup('t', default='z') }}",
        "{{ c | epoch('%Y-%m-%d', tz='Europe/London') }}",
        "{{ c | epoch }}{{ c | iso }}",
        "{{ c | iso('%d.%m.%Y', 'iso_8601', tz='America/Havana') }}",
        "{{ c | urlencode }}",
        "{\"c\": {{ c | tojson }}}",
    ];

    #[test]
    fn plain_templates_do_not_need_minijinja() {
        for text in PLAIN {
            assert!(matches!(compiler().compile(text), Ok(Template::Plain(_))), "{text}");
        }
        for text in
            ["{% if c %}{{ c }}{% endif %}", "{{ c ~ a_b }}", "{{- c }}", "{{ c }}\n", "{{ c|title }}"]
        {
            assert!(matches!(compiler().compile(text), Ok(Template::Engine(_))), "{text}");
        }
    }

    #[test]
    fn every_suggested_filter_exists() {
        for filter in
            filters::OWN.into_iter().map(|(name, _)| name).chain(BUILT_IN_FILTERS.split_whitespace())
        {
            assert_eq!(compiler().check_filter(filter), Ok(()), "{filter}");
        }
        let problem = compiler().check_filter("uper").unwrap_err();
        assert_eq!(problem, "there is no filter 'uper'; did you mean 'upper'?");
    }

    #[test]
    fn a_misspelt_filter_or_column_is_found_in_a_branch_that_no_row_takes() {
        let problem = compiler().compile("{% if false %}{{ c | uper }}{% endif %}").unwrap_err();
        assert!(problem.contains("did you mean 'upper'?"), "{problem}");
        let problem = compiler().compile("{% if false %}{{ row['A bb'] }}{% endif %}").unwrap_err();
        assert!(problem.contains("did you mean 'A b'?"), "{problem}");
    }

    #[test]
    fn no_filter_makes_a_word_of_none() {
        let names = filters::OWN.into_iter().map(|(name, _)| name).chain(BUILT_IN_FILTERS.split_whitespace());
        let mut rendered = 0;
        for filter in names.filter(|name| *name != "tojson") {
            for template in
                ["{{ none | F }}", "{{ '' ~ (none | F) }}", "{{ [none | F, (c if false) | F] | join }}"]
            {
                let mut compiler = compiler();
                // A filter with a required argument.
                let Ok(template) = compiler.compile(&template.replace('F', filter)) else { continue };
                let columns = compiler.columns.clone();
                let cells = csv::StringRecord::from(vec!["", ""]);
                if let Ok(text) = compiler.render(&template, &RowView::new(&columns, &cells)) {
                    rendered += 1;
                    let words = ["none", "undefined", "null"];
                    assert!(!words.iter().any(|word| text.to_lowercase().contains(word)), "{filter}: {text}");
                }
            }
        }
        assert!(rendered > 60, "{rendered}");
    }

    #[test]
    fn columns_named_by_a_template_count_as_used() {
        for text in ["{{ c }}", "{{ c | title }}", "{% if row['c'] %}x{% endif %}"] {
            let mut compiler = compiler();
            compiler.compile(text).unwrap();
            assert_eq!(compiler.unused_columns(), [0], "{text}");
        }
    }

    fn outcome(rendered: Result<Cow<'_, str>, RenderError>) -> Result<String, String> {
        rendered.map(Cow::into_owned).map_err(|error| match error {
            RenderError::Row(problem) => problem,
            RenderError::TooExpensive => TOO_EXPENSIVE.to_owned(),
            RenderError::Job(problem) => format!("job: {problem}"),
        })
    }

    proptest::proptest! {
        #[test]
        fn plain_templates_render_as_minijinja_renders_them(a in "[ a-zäX{}]{0,9}|\\PC{0,9}|x|2024-07-01", c in "[ a-zäX{}]{0,9}|\\PC{0,9}|x|2024-07-01") {
            let cells = csv::StringRecord::from(vec![a, c]);
            for text in PLAIN {
                let mut compiler = compiler();
                let fast = compiler.compile(text).unwrap();
                compiler.environment.add_template_owned("X", text).unwrap();
                let engine = Template::Engine("X".into());
                let columns = compiler.columns.clone();
                let row = RowView::new(&columns, &cells);
                proptest::prop_assert_eq!(outcome(compiler.render(&fast, &row)), outcome(compiler.render(&engine, &row)), "{}", text);
            }
        }

        #[test]
        fn no_template_panics(text in "([{}%|'a-c_\\[\\]. (),=0-9]|\\{\\{ c |\\}\\}|\\{% if |%\\}|row\\['A b'\\]){0,12}", c in "\\PC{0,9}") {
            let mut compiler = compiler();
            if let Ok(template) = compiler.compile(&text) {
                let cells = csv::StringRecord::from(vec!["", &c]);
                let columns = compiler.columns.clone();
                let _ = compiler.render(&template, &RowView::new(&columns, &cells));
            }
        }
    }
}
