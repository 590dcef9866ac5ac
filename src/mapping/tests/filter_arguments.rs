//! Arguments of filters: wrong literals are errors of the job, wrong cells faults of their rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::mapping::columns::{Columns, RowView};
use crate::mapping::compiler::Compiler;
use crate::mapping::error::RenderError;
use crate::mapping::template::Template;
use crate::source::Header;

fn compiler() -> Compiler {
    let header = Header::new(["A b", "c"].map(String::from).to_vec());
    let table = BTreeMap::from([("x".to_owned(), "y".to_owned())]);
    Compiler::new(Arc::new(Columns::new(&header)), &BTreeMap::from([("t".to_owned(), table)]))
}

#[test]
fn wrong_arguments_of_a_filter_are_found_in_a_branch_that_no_row_takes() {
    for (call, problem) in [
        ("epoch(tz='Europe/Londn')", "'Europe/Londn' is not a time zone"),
        ("iso('%d/%m/%Y', '%Y-%1')", "'%Y-%1' is not a date format"),
        ("lookup('tt')", "did you mean 't'?"),
        ("truncate", "write truncate(1024)"),
        ("lower | epoch('dd/mm')", "'dd/mm' is not a date format"),
    ] {
        for text in [
            "{{ c | F if c == 'x' }}",
            "{% if c %}{{ c | F }}{% endif %}",
            "{{- c | F }}",
            "{% set x = c | F %}{{ c }}",
        ] {
            let text = text.replace('F', call);
            let found = compiler().compile(&text).unwrap_err();
            assert!(found.contains(problem), "{text}: {found}");
        }
    }
    for text in
        ["{{ c | epoch(tz=a_b) }}", "{{ c | lookup(a_b) }}", "{{ row[c] }}", "{{ c | epoch(a_b, tz='UTC') }}"]
    {
        assert!(matches!(compiler().compile(text), Ok(Template::Engine(_))), "{text}");
    }
}

#[test]
fn a_name_from_a_cell_is_a_fault_of_its_row() {
    for (text, c) in [
        ("{{ '2024-03-05' | iso(tz=c) }}", "Mars/North"),
        ("{{ row[c] }}", "A x"),
        ("{{ a_b | lookup(c) }}", "u"),
    ] {
        let mut compiler = compiler();
        let template = compiler.compile(text).unwrap();
        let cells = csv::StringRecord::from(vec!["x", c]);
        let columns = compiler.columns.clone();
        let rendered = compiler.render(&template, &RowView::new(&columns, &cells));
        assert!(matches!(rendered, Err(RenderError::Row(_))), "{text}: {rendered:?}");
    }
}
