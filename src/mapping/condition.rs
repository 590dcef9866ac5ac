//! The expression of `[source] where`, which selects the rows to import.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bounds::check_source;
use super::columns::{Columns, RowView};
use super::comparison::compared_with_text;
use super::compiler::Compiler;
use super::error::{MapError, MappingError, Rejection, RenderError};
use super::lexer;
use super::source::{MappingSource, MemberSource};
use super::template::Template;
use crate::source::Header;

/// Place of the expression in messages.
const PLACE: &str = "[source] where";

/// An expression compiled for one header. It is true for the rows to import.
pub struct RowCondition {
    columns: Arc<Columns>,
    compiler: Compiler,
    template: Template,
}

impl std::fmt::Debug for RowCondition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowCondition").finish_non_exhaustive()
    }
}

impl RowCondition {
    /// Compiles `expression`, such as `status == 'Closed'`, for the columns of `header`. It may use the lookup tables of
    /// `mapping`.
    ///
    /// # Errors
    /// The expression does not parse, names an unknown column, filter or table, compares text with a number or a truth
    /// value, has too many operators, or uses no column.
    pub fn compile(expression: &str, mapping: &MappingSource, header: &Header) -> Result<Self, MappingError> {
        let wrong = |problem: String| MappingError { place: PLACE.to_owned(), problem };
        let no_tables = BTreeMap::new();
        let tables = match &mapping.members {
            MemberSource::Templates(templates) => &templates.tables,
            MemberSource::HeaderPaths { .. } => &no_tables,
        };
        let columns = Arc::new(Columns::new(header));
        let mut compiler = Compiler::new(columns.clone(), tables);
        // In parentheses, so that a filter applies to its operand alone and an `else` stays inside.
        let text = format!("{{{{ ({expression}) }}}}");
        let parts = lexer::parts(&text);
        check_source(&text, &parts).map_err(wrong)?;
        compiler.check_expression(expression).map_err(wrong)?;
        for part in &parts {
            if let Some(value) = compared_with_text(part.lexemes()) {
                let is_number = value.starts_with(|c: char| c.is_ascii_digit());
                let remedy = match is_number {
                    true => format!(", or make a number of the cell, as in (column | int) > {value}"),
                    false => String::new(),
                };
                let kind = if is_number { "the number " } else { "" };
                return Err(wrong(format!(
                    "compares a cell, which is text, with {kind}{value}; write '{value}'{remedy}"
                )));
            }
        }
        let template = compiler.compile(&text).map_err(wrong)?;
        if compiler.uses_no_column() {
            return Err(wrong("uses no column, so it is the same for every row".to_owned()));
        }
        Ok(RowCondition { columns, compiler, template })
    }

    /// Whether the row is to be imported.
    ///
    /// # Errors
    /// [`MapError::Row`]: the expression is neither true nor false for the row, or cannot be applied to it;
    /// [`MapError::Job`]: it looks up a column that the header does not have.
    pub fn is_true(&self, cells: &csv::StringRecord) -> Result<bool, MapError> {
        let row = RowView::new(&self.columns, cells);
        let rejected = |found: &str, rule: &str| Rejection::of_row("Mapping", found, rule).into();
        match self.compiler.render(&self.template, &row) {
            // A cell may say it too, in the spelling of its exporter.
            Ok(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Ok(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Ok(_) => {
                let rule = "compare the cell with a text, as in where = \"status == 'Closed'\"";
                Err(rejected("is neither true nor false for [source] where", rule))
            }
            Err(RenderError::Row(problem)) => Err(rejected("cannot be selected by [source] where", &problem)),
            Err(error @ RenderError::TooExpensive) => {
                let rule = format!("cannot be selected by [source] where: {error}");
                Err(Rejection::of_row(Rejection::TOO_EXPENSIVE, "", rule).into())
            }
            Err(RenderError::Job(problem)) => Err(MappingError { place: PLACE.to_owned(), problem }.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{OnTooLong, RequestTemplates};
    use crate::request::Operation;

    const COLUMNS: [&str; 3] = ["Status", "Ticket Type", "count"];

    fn compile(expression: &str) -> Result<RowCondition, String> {
        let table = BTreeMap::from([("Closed".to_owned(), "done".to_owned())]);
        let tables = BTreeMap::from([("state".to_owned(), table)]);
        let mapping = MappingSource {
            operation: Operation::CreateContact,
            on_too_long: OnTooLong::Reject,
            members: MemberSource::Templates(RequestTemplates { tables, ..RequestTemplates::default() }),
        };
        let header = Header::new(COLUMNS.map(str::to_owned).to_vec());
        RowCondition::compile(expression, &mapping, &header).map_err(|error| error.to_string())
    }

    fn outcome(expression: &str, cells: [&str; 3]) -> Result<bool, String> {
        let condition = compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        condition.is_true(&csv::StringRecord::from(cells.to_vec())).map_err(|error| error.to_string())
    }

    #[test]
    fn rows_are_selected_by_any_expression_of_the_templates() {
        for (expression, expected) in [
            ("status == 'Closed'", true),
            ("status != 'Closed'", false),
            ("row['Ticket Type'] == 'bug' and status in ['Closed', 'Solved']", true),
            ("not status", false),
            ("status | lower == 'closed'", true),
            ("(count | int) > 9", true),
            ("10 <= count | int", true),
            ("status | lookup('state') == 'done'", true),
            ("ticket_type is startingwith 'bu'", true),
            ("'x' in status or count == '10'", true),
            ("count == '010'", false),
        ] {
            assert_eq!(outcome(expression, ["Closed", "bug", "10"]), Ok(expected), "{expression}");
        }
    }

    #[test]
    fn a_cell_that_says_true_or_false_is_a_condition_and_any_other_text_is_a_fault() {
        assert_eq!(outcome("status", ["TRUE", "", ""]), Ok(true));
        assert_eq!(outcome("status", ["false", "", ""]), Ok(false));
        for text in ["", "t", "1", "Closed"] {
            let problem = outcome("status", [text, "", ""]).unwrap_err();
            assert!(problem.contains("neither true nor false"), "{problem}");
        }
    }

    #[test]
    fn an_expression_that_cannot_be_applied_is_a_fault_of_the_row() {
        let problem = outcome("(count | int) > 3", ["", "", "ten"]).unwrap_err();
        assert!(problem.starts_with("cannot be selected by [source] where, "), "{problem}");
        assert!(!problem.contains("ten"), "{problem}");
    }

    #[test]
    fn many_alternatives_are_a_list() {
        let ids: Vec<String> = (0..5000).map(|id| format!("'{id}'")).collect();
        let list = format!("count in [{}]", ids.join(", "));
        assert_eq!(outcome(&list, ["", "", "4999"]), Ok(true));
        let chain: Vec<String> = ids.iter().map(|id| format!("count == {id}")).collect();
        assert!(compile(&chain[..502].join(" or ")).unwrap_err().contains("as in id in ['1', '2']"));
        assert_eq!(outcome(&chain[..400].join(" or "), ["", "", "399"]), Ok(true));
    }

    #[test]
    fn a_wrong_expression_is_refused_with_a_suggestion() {
        for (expression, expected) in [
            ("statsu == 'Closed'", "did you mean 'status'?"),
            ("row['Ticket Typ'] == 'x'", "did you mean 'Ticket Type'?"),
            ("status | lowr == 'x'", "did you mean 'lower'?"),
            ("status = 'Closed'", "compare with =="),
            ("status ==", "does not parse"),
            ("status == 'x') }}{{ (count", "without {{ }}"),
            ("status == 'x') }} (count", "does not parse"),
            ("{{ status == 'x' }}", "without {{ }}"),
            ("", "does not parse"),
            ("1 == 1", "uses no column"),
            ("count > 3", "write '3', or make a number of the cell"),
            ("status == 'x' and 3 == row['Ticket Type']", "write '3'"),
            ("count == 3", "write '3'"),
            ("count | trim not in [3, 4]", "write '3', or make a number of the cell"),
            ("status == true", "compares a cell, which is text, with true; write 'true'"),
        ] {
            let problem = compile(expression).unwrap_err();
            assert!(
                problem.starts_with("[source] where: ") && problem.contains(expected),
                "{expression}: {problem}"
            );
        }
    }
}
