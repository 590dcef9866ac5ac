//! One string of the mapping: literal text, a bare column, or a MiniJinja template.

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use super::columns::{Columns, RowContext};
use super::filters::{self, FilterFault};

/// A compiled string.
#[derive(Debug, Clone)]
pub(super) enum Template {
    /// No template in it.
    Literal(String),
    /// Only a column, such as `{{ ticket_id }}`: the engine is not needed.
    Column(usize),
    /// The name of a template in the [`Compiler`]'s environment.
    Engine(String),
}

/// Why a template gave no text for a row.
#[derive(Debug)]
pub(super) enum RenderFault {
    /// The row's value does not fit; the text holds no value.
    Row(String),
    /// The template asks for a column that is not there.
    Job(String),
}

/// Owns the MiniJinja environment of one mapping.
pub(super) struct Compiler {
    environment: Environment<'static>,
}

impl Compiler {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        filters::install(&mut environment);
        Compiler { environment }
    }

    /// Compiles `text`, which stands at the member `path`.
    pub(super) fn compile(&mut self, path: &str, text: &str, columns: &Columns) -> Result<Template, String> {
        if !["{{", "{%", "{#"].iter().any(|open| text.contains(open)) {
            return Ok(Template::Literal(text.to_owned()));
        }
        if let Some(column) = bare_column(text, columns) {
            return column.map(Template::Column);
        }
        self.environment
            .add_template_owned(path.to_owned(), text.to_owned())
            .map_err(|error| format!("the template does not parse: {}", described(&error)))?;
        self.check_names(path, columns)?;
        self.check_functions(path, columns)?;
        Ok(Template::Engine(path.to_owned()))
    }

    /// Every name a template may look up, in whatever branch, must be a column or a function.
    fn check_names(&self, path: &str, columns: &Columns) -> Result<(), String> {
        let template = self.environment.get_template(path).map_err(|error| described(&error))?;
        let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        names.sort_unstable();
        for name in names {
            let is_global = self.environment.globals().any(|(global, _)| global == name);
            if name != "row" && !is_global {
                columns.identifier(&name)?;
            }
        }
        Ok(())
    }

    /// The engine knows a misspelt filter only when it meets it, so an empty row goes through. What
    /// stands in a branch that the empty row does not take is met when a row of the input does, which
    /// is still before anything is sent.
    fn check_functions(&self, path: &str, columns: &Columns) -> Result<(), String> {
        let template = Template::Engine(path.to_owned());
        match self.render(&template, &csv::StringRecord::new(), columns) {
            Err(RenderFault::Job(problem)) => Err(problem),
            Ok(_) | Err(RenderFault::Row(_)) => Ok(()),
        }
    }

    pub(super) fn render<'a>(
        &self,
        template: &'a Template,
        cells: &'a csv::StringRecord,
        columns: &Columns,
    ) -> Result<std::borrow::Cow<'a, str>, RenderFault> {
        match template {
            Template::Literal(text) => Ok(text.as_str().into()),
            Template::Column(index) => Ok(cells.get(*index).unwrap_or_default().into()),
            Template::Engine(template_name) => {
                let context = RowContext::new(columns, cells);
                let rendered = self
                    .environment
                    .get_template(template_name)
                    .and_then(|template| template.render(Value::from_dyn_object(context.clone())));
                if let Some((name, problem)) = context.missed() {
                    // A name that the template does not spell out was computed from data.
                    let source = self.environment.get_template(template_name);
                    let spelt_out = source.is_ok_and(|template| template.source().contains(&name));
                    let computed =
                        "row is asked for a column that is not there, by a computed name".to_owned();
                    return Err(RenderFault::Job(if spelt_out { problem } else { computed }));
                }
                rendered.map(Into::into).map_err(|error| fault(&error))
            }
        }
    }
}

/// `{{ name }}` or `{{ row['Exact Header'] }}` and nothing else.
fn bare_column(text: &str, columns: &Columns) -> Option<Result<usize, String>> {
    let inner = text.strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if inner.chars().all(is_word) && inner.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        let known_to_the_engine = ["row", "true", "false", "none", "True", "False", "None"];
        return (!known_to_the_engine.contains(&inner)).then(|| columns.identifier(inner));
    }
    let quoted = inner.strip_prefix("row[")?.strip_suffix(']')?.trim();
    let quote = quoted.chars().next().filter(|c| "'\"".contains(*c))?;
    let name = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
    (!name.contains([quote, '\\'])).then(|| columns.exact(name))
}

/// An error of the engine at compile time, when no row's data can be in it.
fn described(error: &minijinja::Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

/// An error of the engine for a row. Only our own filters' words are repeated: the engine's detail
/// may quote a value.
fn fault(error: &minijinja::Error) -> RenderFault {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        match inner.downcast_ref() {
            Some(FilterFault::Row(message)) => return RenderFault::Row(message.clone()),
            Some(FilterFault::Job(message)) => return RenderFault::Job(message.clone()),
            None => {}
        }
        source = inner.source();
    }
    let unknown = [ErrorKind::UnknownFilter, ErrorKind::UnknownTest, ErrorKind::UnknownFunction];
    if unknown.contains(&error.kind()) {
        return RenderFault::Job(described(error));
    }
    RenderFault::Row(format!("the template cannot be applied: {}", error.kind()))
}
