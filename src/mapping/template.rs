//! One string of the mapping: literal text, columns with filters, or a MiniJinja template.

use std::borrow::Cow;
use std::collections::BTreeSet;

use minijinja::value::Value;
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use super::columns::{Columns, MissingName, Row};
use super::filters::{self, Argument, Arguments, FilterFault, Step, Tables};
use super::lexer::{self, Part, Word};
use crate::suggest::did_you_mean;

/// A compiled string.
#[derive(Debug, Clone)]
pub(super) enum Template {
    /// No template in it.
    Literal(String),
    /// Text and columns with filters in a row, such as `HD-{{ ticket_id }}`: most mappings are no more
    /// than that, and the engine is not needed.
    Pieces(Vec<Piece>),
    /// The name of a template in the [`Compiler`]'s environment.
    Engine(String),
}

/// A piece of a plain template.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Text as it stands.
    Text(String),
    /// A column, through filters.
    Cell(usize, Vec<Step>),
}

/// Why a template gave no text for a row.
#[derive(Debug)]
pub(super) enum RenderFault {
    /// The row's value does not fit; the text holds no value.
    Row(String),
    /// The template asks for what is not there.
    Job(String),
}

impl Template {
    /// The text, where it is borrowed: a literal, or a column that its filters leave as it is.
    #[inline]
    pub(super) fn plain<'a>(&'a self, row: &Row<'a>) -> Option<&'a str> {
        match self {
            Template::Literal(text) => Some(text),
            Template::Pieces(pieces) => match &pieces[..] {
                [Piece::Cell(column, steps)] => {
                    steps.iter().try_fold(row.cell(*column), |text, step| step.borrowed(text))
                }
                _ => None,
            },
            Template::Engine(_) => None,
        }
    }
}

impl From<FilterFault> for RenderFault {
    fn from(fault: FilterFault) -> Self {
        match fault {
            FilterFault::Row(problem) => RenderFault::Row(problem),
            FilterFault::Job(problem) => RenderFault::Job(problem),
        }
    }
}

/// Names that the engine knows by itself.
const KEYWORDS: [&str; 9] = ["row", "true", "false", "none", "True", "False", "None", "not", "loop"];

/// Owns the MiniJinja environment of one mapping.
pub(super) struct Compiler {
    environment: Environment<'static>,
    tables: Tables,
    columns: Columns,
    /// The columns that some template names.
    used: BTreeSet<usize>,
    /// Whether some template uses columns that it does not spell out.
    hides_columns: bool,
    /// Templates so far; each is known to the engine by its number, since two members may have one path.
    count: usize,
}

impl Compiler {
    pub(super) fn new(columns: Columns, tables: Tables) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_formatter(|output, state, value| match value.is_none() {
            // MiniJinja writes `None`; a member that is none is left out.
            true => Ok(()),
            false => minijinja::escape_formatter(output, state, value),
        });
        filters::install(&mut environment, &tables);
        Compiler { environment, tables, columns, used: BTreeSet::new(), hides_columns: false, count: 0 }
    }

    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The columns that no template has named so far.
    pub(super) fn unused(&self) -> Vec<usize> {
        (0..self.columns.names().len()).filter(|column| !self.used.contains(column)).collect()
    }

    /// Whether some template uses columns that it does not spell out.
    pub(super) fn hides_columns(&self) -> bool {
        self.hides_columns
    }

    /// Whether no template uses any column.
    pub(super) fn uses_none(&self) -> bool {
        self.used.is_empty() && !self.hides_columns
    }

    /// A template that is one column.
    pub(super) fn column(&mut self, column: usize) -> Template {
        self.used.insert(column);
        Template::Pieces(vec![Piece::Cell(column, Vec::new())])
    }

    /// Compiles `text`.
    pub(super) fn compile(&mut self, text: &str) -> Result<Template, String> {
        if !lexer::is_template(text) {
            return Ok(Template::Literal(text.to_owned()));
        }
        let parts = lexer::parts(text);
        for part in &parts {
            for header in lexer::headers(part.words()) {
                let column = self.columns.exact(&header)?;
                self.used.insert(column);
            }
            // A name that is given another value may stand for its column, or not.
            let hidden = lexer::assigned(part.words()).any(|name| self.columns.identifier(name).is_ok());
            self.hides_columns |= hidden || lexer::hides_columns(part.words());
            for filter in lexer::filters(part.words()) {
                self.check_filter(filter)?;
            }
        }
        if let Some(pieces) = self.pieces(&parts)? {
            return Ok(Template::Pieces(pieces));
        }
        self.count += 1;
        let name = self.count.to_string();
        self.environment
            .add_template_owned(name.clone(), text.to_owned())
            .map_err(|error| format!("the template does not parse: {}", described(&error)))?;
        self.check_names(&name)?;
        self.check_functions(&name)?;
        Ok(Template::Engine(name))
    }

    /// The pieces of a template that needs no engine.
    fn pieces(&mut self, parts: &[Part<'_>]) -> Result<Option<Vec<Piece>>, String> {
        let mut pieces = Vec::with_capacity(parts.len());
        for (index, part) in parts.iter().enumerate() {
            match part {
                // The engine takes a line break off the end.
                Part::Text(text) if index + 1 == parts.len() && text.ends_with(['\n', '\r']) => {
                    return Ok(None);
                }
                Part::Text(text) => pieces.push(Piece::Text((*text).to_owned())),
                Part::Expression(words) => match self.piece(words)? {
                    Some(piece) => pieces.push(piece),
                    None => return Ok(None),
                },
                Part::Statement(_) | Part::Controlled(_) | Part::Other => return Ok(None),
            }
        }
        Ok(Some(pieces))
    }

    /// `name` or `row['Exact Header']`, and filters whose arguments are literals.
    fn piece(&mut self, words: &[Word<'_>]) -> Result<Option<Piece>, String> {
        let (column, mut rest) = match words {
            [Word::Name("row"), Word::Sign('['), Word::Text(header), Word::Sign(']'), rest @ ..]
                if !header.contains('\\') =>
            {
                (self.columns.exact(header), rest)
            }
            [Word::Name(name), rest @ ..] if !KEYWORDS.contains(name) => {
                (self.columns.identifier(name), rest)
            }
            _ => return Ok(None),
        };
        let mut steps = Vec::new();
        while let [Word::Sign('|'), Word::Name(filter), after @ ..] = rest {
            let Some((arguments, after)) = arguments(after) else { return Ok(None) };
            match Step::of(filter, &arguments, &self.tables) {
                Some(Ok(step)) => steps.push(step),
                Some(Err(fault)) => return Err(fault.to_string()),
                None => return Ok(None),
            }
            rest = after;
        }
        if !rest.is_empty() {
            return Ok(None);
        }
        let column = column?;
        self.used.insert(column);
        Ok(Some(Piece::Cell(column, steps)))
    }

    /// Every name that a template looks up, in any branch, must be a column or a function of the engine.
    fn check_names(&mut self, template: &str) -> Result<(), String> {
        let template = self.environment.get_template(template).map_err(|error| described(&error))?;
        let mut paths: Vec<String> = template.undeclared_variables(true).into_iter().collect();
        paths.sort_unstable();
        for path in paths {
            let mut steps = path.split('.');
            let name = steps.next().unwrap_or_default();
            let column = match (name, steps.next()) {
                // The lexer has checked `row.header`.
                ("row", Some(header)) => self.columns.exact(header)?,
                ("row", None) => continue,
                (name, member) => {
                    // A column hides a function of the same name.
                    let column = match self.columns.identifier(name) {
                        Ok(column) => column,
                        Err(_) if self.is_global(name) => continue,
                        Err(problem) => return Err(problem),
                    };
                    if let Some(member) = member {
                        return Err(no_member(name, member));
                    }
                    column
                }
            };
            if let Some(member) = steps.next() {
                return Err(no_member(name, member));
            }
            self.used.insert(column);
        }
        Ok(())
    }

    fn is_global(&self, name: &str) -> bool {
        self.environment.globals().any(|(global, _)| global == name)
    }

    /// The engine knows a misspelt filter only when it meets it.
    fn check_filter(&self, filter: &str) -> Result<(), String> {
        let probe = self.environment.render_str(&format!("{{{{ ''|{filter} }}}}"), ());
        match probe {
            Err(error) if error.kind() == ErrorKind::UnknownFilter => {
                let hint = did_you_mean(filter, filters::OWN.into_iter().chain(BUILT_IN)).unwrap_or_default();
                Err(format!("there is no filter '{filter}'{hint}"))
            }
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// An empty row goes through, which meets a misspelt test, zone or table. What stands in a branch
    /// that the empty row does not take is met when a row of the input does.
    fn check_functions(&self, name: &str) -> Result<(), String> {
        let template = Template::Engine(name.to_owned());
        match self.render(&template, &Row::new(&self.columns, &csv::StringRecord::new())) {
            Err(RenderFault::Job(problem)) => Err(problem),
            Ok(_) | Err(RenderFault::Row(_)) => Ok(()),
        }
    }

    pub(super) fn render<'a>(
        &self,
        template: &'a Template,
        row: &Row<'a>,
    ) -> Result<Cow<'a, str>, RenderFault> {
        match template {
            Template::Literal(text) => Ok(text.as_str().into()),
            Template::Pieces(pieces) => match &pieces[..] {
                [piece] => rendered(piece, row),
                _ => {
                    let mut text = String::new();
                    for piece in pieces {
                        text.push_str(&rendered(piece, row)?);
                    }
                    Ok(text.into())
                }
            },
            Template::Engine(name) => self.render_by_engine(name, row).map(Cow::Owned),
        }
    }

    fn render_by_engine(&self, name: &str, row: &Row<'_>) -> Result<String, RenderFault> {
        let context = row.context();
        let template = self.environment.get_template(name).map_err(|error| fault(&error))?;
        let rendered = template.render(Value::from_dyn_object(context.clone()));
        for missing in context.take_missing() {
            match missing {
                // A name that the template does not spell out was computed from cells.
                MissingName::Header(header) if !template.source().contains(&header) => {
                    let problem = "row is asked for a column that does not exist, by a computed name";
                    return Err(RenderFault::Job(problem.to_owned()));
                }
                MissingName::Header(header) => {
                    self.columns.exact(&header).map_err(RenderFault::Job)?;
                }
                // A macro may ask whether it has a caller.
                MissingName::Identifier(name) if name == "caller" || self.is_global(&name) => {}
                MissingName::Identifier(name) => {
                    self.columns.identifier(&name).map_err(RenderFault::Job)?;
                }
            }
        }
        rendered.map_err(|error| match fault(&error) {
            // A template may make a message of a cell.
            RenderFault::Row(problem) if !self.is_spelt_out(name, &problem, row) => {
                RenderFault::Row("the template refuses the row".to_owned())
            }
            fault @ (RenderFault::Row(_) | RenderFault::Job(_)) => fault,
        })
    }

    /// Whether no cell's text is in `problem` that the template does not have itself.
    fn is_spelt_out(&self, name: &str, problem: &str, row: &Row<'_>) -> bool {
        let template = self.environment.get_template(name);
        let own = template.as_ref().map_or("", |template| template.source());
        let is_private =
            |cell: &str| cell.chars().count() > 3 && problem.contains(cell) && !own.contains(cell);
        !row.cells.iter().any(|cell| is_private(cell.trim()))
    }
}

fn rendered<'a>(piece: &'a Piece, row: &Row<'a>) -> Result<Cow<'a, str>, RenderFault> {
    match piece {
        Piece::Text(text) => Ok(text.as_str().into()),
        Piece::Cell(column, steps) => {
            let mut text = Cow::Borrowed(row.cell(*column));
            for step in steps {
                text = step.apply(text)?;
            }
            Ok(text)
        }
    }
}

fn no_member(column: &str, member: &str) -> String {
    format!("the column '{column}' is text and has no '{member}'; use a filter, such as {column} | upper")
}

/// The literals in a filter's parentheses, and what follows them; none if there is anything else.
fn arguments<'w, 'a>(words: &'w [Word<'a>]) -> Option<(Arguments, &'w [Word<'a>])> {
    let [Word::Sign('('), inside @ ..] = words else {
        return Some((Arguments::default(), words));
    };
    let end = inside.iter().position(|word| *word == Word::Sign(')'))?;
    let mut arguments = Arguments::default();
    if end > 0 {
        for argument in inside[..end].split(|word| *word == Word::Sign(',')) {
            match argument {
                [Word::Name(name), Word::Sign('='), value] => {
                    arguments.named.push(((*name).to_owned(), literal(value)?));
                }
                [value] if arguments.named.is_empty() => arguments.positional.push(literal(value)?),
                _ => return None,
            }
        }
    }
    Some((arguments, &inside[end + 1..]))
}

fn literal(word: &Word<'_>) -> Option<Argument> {
    match word {
        Word::Text(text) if !text.contains('\\') => Some(Argument::Text((*text).to_owned())),
        Word::Number(number) => number.parse().ok().map(Argument::Number),
        Word::Name("true" | "True") => Some(Argument::True),
        Word::Text(_) | Word::Name(_) | Word::Sign(_) => None,
    }
}

/// MiniJinja's own filters, for suggestions.
const BUILT_IN: [&str; 41] = [
    "abs",
    "attr",
    "batch",
    "bool",
    "capitalize",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "escape",
    "first",
    "float",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "replace",
    "reverse",
    "round",
    "select",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
];

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
        if let Some(fault) = inner.downcast_ref::<FilterFault>() {
            return fault.clone().into();
        }
        source = inner.source();
    }
    // Mistakes of the template, whatever the row.
    let unknown = [
        ErrorKind::UnknownFilter,
        ErrorKind::UnknownTest,
        ErrorKind::UnknownFunction,
        ErrorKind::UnknownMethod,
        ErrorKind::TooManyArguments,
        ErrorKind::MissingArgument,
    ];
    if unknown.contains(&error.kind()) {
        return RenderFault::Job(described(error));
    }
    RenderFault::Row(format!("the template cannot be applied: {}", error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Header;

    fn compiler() -> Compiler {
        let header = Header::new(["A b", "c"].map(String::from).to_vec());
        let table = std::collections::BTreeMap::from([("x".to_owned(), "y".to_owned())]);
        let tables = Tables::from([("t".to_owned(), std::sync::Arc::new(table))]);
        Compiler::new(Columns::new(&header), tables)
    }

    const PLAIN: [&str; 14] = [
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
    ];

    #[test]
    fn plain_templates_need_no_engine() {
        for text in PLAIN {
            assert!(matches!(compiler().compile(text), Ok(Template::Pieces(_))), "{text}");
        }
        for text in
            ["{% if c %}{{ c }}{% endif %}", "{{ c ~ a_b }}", "{{- c }}", "{{ c }}\n", "{{ c|title }}"]
        {
            assert!(matches!(compiler().compile(text), Ok(Template::Engine(_))), "{text}");
        }
    }

    #[test]
    fn every_filter_that_is_suggested_is_there() {
        for filter in filters::OWN.into_iter().chain(BUILT_IN) {
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
    fn the_columns_that_a_template_names_are_known() {
        for text in ["{{ c }}", "{{ c | title }}", "{% if row['c'] %}x{% endif %}"] {
            let mut compiler = compiler();
            compiler.compile(text).unwrap();
            assert_eq!(compiler.unused(), [0], "{text}");
        }
    }

    fn outcome(rendered: Result<Cow<'_, str>, RenderFault>) -> Result<String, String> {
        rendered.map(Cow::into_owned).map_err(|fault| match fault {
            RenderFault::Row(problem) => problem,
            RenderFault::Job(problem) => format!("job: {problem}"),
        })
    }

    proptest::proptest! {
        #[test]
        fn the_fast_way_and_the_engine_agree(a in "[ a-zäX{}]{0,9}|\\PC{0,9}|x|2024-07-01", c in "[ a-zäX{}]{0,9}|\\PC{0,9}|x|2024-07-01") {
            let cells = csv::StringRecord::from(vec![a, c]);
            for text in PLAIN {
                let mut compiler = compiler();
                let fast = compiler.compile(text).unwrap();
                compiler.environment.add_template_owned("X", text).unwrap();
                let engine = Template::Engine("X".into());
                let columns = compiler.columns.clone();
                let row = Row::new(&columns, &cells);
                proptest::prop_assert_eq!(outcome(compiler.render(&fast, &row)), outcome(compiler.render(&engine, &row)), "{}", text);
            }
        }

        #[test]
        fn no_template_makes_it_fail(text in "([{}%|'a-c_\\[\\]. (),=0-9]|\\{\\{ c |\\}\\}|\\{% if |%\\}|row\\['A b'\\]){0,12}", c in "\\PC{0,9}") {
            let mut compiler = compiler();
            if let Ok(template) = compiler.compile(&text) {
                let cells = csv::StringRecord::from(vec!["", &c]);
                let columns = compiler.columns.clone();
                let _ = compiler.render(&template, &Row::new(&columns, &cells));
            }
        }
    }
}
