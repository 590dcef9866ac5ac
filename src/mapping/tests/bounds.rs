//! Templates whose work or text has no bound of its own: each ends as a fault of its row or of the job.

use std::sync::Arc;

use crate::mapping::bounds::{ROW_BYTES, STEPS};
use crate::mapping::columns::{Columns, RowView};
use crate::mapping::compiler::Compiler;
use crate::mapping::error::{RenderError, TOO_EXPENSIVE};
use crate::mapping::{MappingSource, MemberSource, OnTooLong, Rejection, RequestTemplates, RowCondition};
use crate::request::Operation;
use crate::source::Header;

fn header() -> Header {
    Header::new(["n", "text"].map(String::from).to_vec())
}

/// The outcome of a template for a row; errors of the job are the outer ones.
fn rendered(template: &str, n: &str, text: &str) -> Result<Result<String, RenderError>, String> {
    let mut compiler = Compiler::new(Arc::new(Columns::new(&header())), &Default::default());
    let template = compiler.compile(template)?;
    let (columns, cells) = (compiler.columns.clone(), csv::StringRecord::from(vec![n, text]));
    let row = RowView::new(&columns, &cells);
    let rendered = compiler.render(&template, &row);
    Ok(rendered.map(|text| text.into_owned()))
}

#[test]
fn a_template_that_a_row_makes_too_expensive_rejects_the_row() {
    let x = "x".repeat(2000);
    let y = "y".repeat(300);
    let growing = format!("{{{{ text | replace('x', '{y}') | replace('y', '{y}') }}}}");
    for template in [
        "{{ 'x' * (n | int) * 1000 }}",
        "{{ text * (n | int) }}",
        "{% for a in range((n | int) // 60) %}{% for b in range((n | int) // 60) %}x{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='x') %}{% for i in range((n | int) // 2590) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(l=[]) %}{% for i in range((n | int) // 35) %}{% set ns.l = ns.l + [text] %}{% endfor %}x",
        "{{ 'x' | indent((n | int) * 1000, true) }}",
        "{{ ('%' ~ n ~ '000d') | format(1) }}",
        "{{ [text] | batch((n | int) * 100, 'x') | list | length }}",
        "{% set l = range(n | int) | list %}{{ [l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l] }}",
        "{% set l = range(n | int) | list %}{{ [l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l, l] | tojson }}",
        "{{ text | join(text * 20) }}",
        &growing,
    ] {
        let outcome = rendered(template, "70000", &x);
        assert!(matches!(outcome, Ok(Err(RenderError::TooExpensive))), "{template}: {outcome:.300?}");
    }
}

#[test]
fn what_minijinja_bounds_itself_is_a_fault_of_the_row() {
    for template in [
        "{{ range((n | int) * 1000) | join }}",
        "{{ (n | int) ** 100000 }}",
        "{% for i in [n] recursive %}{{ loop([i]) }}{% endfor %}",
    ] {
        let outcome = rendered(template, "50000", "x");
        assert!(matches!(outcome, Ok(Err(RenderError::Row(_)))), "{template}: {outcome:.300?}");
    }
}

#[test]
fn a_namespace_that_a_loop_nests_is_a_fault_of_the_row_and_a_list_that_it_extends_is_not() {
    let in_loop = |set: &str| {
        format!(
            "{{% set ns = namespace(l=[]) %}}{{% for i in range(n | int) %}}{{% set ns.l = {set} %}}{{% endfor %}}{{{{ ns.l | length }}}}"
        )
    };
    for set in ["[ns.l, text]", "{'a': ns.l}", "[ns]", "[ns.l, ns.l]"] {
        let outcome = rendered(&in_loop(set), "12", "x");
        assert!(
            matches!(&outcome, Ok(Err(RenderError::Row(problem))) if problem.contains("ns.list + [entry]")),
            "{set}: {outcome:?}"
        );
    }
    assert_eq!(rendered(&in_loop("ns.l + [i]"), "300", "x").unwrap().unwrap(), "300");
    assert_eq!(rendered(&in_loop("ns.l[:1] + [i]"), "3000", "x").unwrap().unwrap(), "2");
    assert_eq!(rendered(&in_loop("i ~ text"), "30", "x").unwrap().unwrap(), "3");
    let trimmed =
        "{% set ns = namespace(a=1) -%} {%- set ns.a = {'b': [2, 3]} -%} {{ ns.a.b | join('-') }}{{ text }}";
    assert_eq!(rendered(trimmed, "", "x").unwrap().unwrap(), "2-3x");
}

#[test]
fn a_template_that_is_too_expensive_without_any_cell_is_an_error_of_the_job() {
    let nested = "{% for i in range(1100) %}{% for j in range(1100) %}{{ text }}{% endfor %}{% endfor %}";
    for template in ["{{ 'x' * 70000000 }}{{ text }}", nested] {
        assert_eq!(rendered(template, "", "x").unwrap_err(), TOO_EXPENSIVE);
    }
    let long = format!("{{{{ text }}}}{}", "x".repeat(5 << 20));
    assert!(rendered(&long, "", "").unwrap_err().contains("at most 4194304 are allowed"));
    for repeated in ["{{ [text] * 3 }}", "{{ 3 * [text] }}"] {
        assert!(rendered(repeated, "", "").unwrap_err().contains("a list cannot be repeated"), "{repeated}");
    }
    let chain = format!("{{{{ text{} }}}}", " ~ n".repeat(501));
    assert!(rendered(&chain, "", "").unwrap_err().contains("more than 500 operators in one block"));
    assert_eq!(
        rendered(&format!("{{{{ text{} }}}}", " ~ n".repeat(500)), "1", "x").unwrap().unwrap().len(),
        501
    );
}

#[test]
fn blocks_that_are_nested_deeply_do_not_compile_and_many_in_sequence_do() {
    for deep in [
        format!("{}x{}", "{% if n %}".repeat(501), "{% endif %}".repeat(501)),
        format!("{{% if n %}}{}{{% endif %}}", "{% elif n == '1' %}x".repeat(501)),
        format!("{{{{ {}n{} }}}}", "[".repeat(501), "]".repeat(501)),
        format!("{{{{ {}n }}}}", "not ".repeat(501)),
        format!("{{{{ n{} }}}}", "[0]".repeat(501)),
        format!("{{{{ {}n{} }}}}", "n if n else ".repeat(501), ""),
        format!("{{{{ n{} }}}}", " - n".repeat(501)),
        format!("{{{{ {}n }}}}", "- ".repeat(501)),
        format!("{{{{ n{} }}}}", "(1)".repeat(501)),
        format!("{{{{ n{} }}}}", ".a".repeat(501)),
        format!("{{{{ n{} }}}}", " is string".repeat(501)),
        format!("{{{{ n{} }}}}", " if n".repeat(501)),
        format!("{{% filter upper{} %}}x{{% endfilter %}}", "|upper".repeat(501)),
    ] {
        let outcome = rendered(&deep, "", "");
        assert!(outcome.is_err(), "{:.60}: {outcome:.300?}", deep);
    }
    let negative: String = (1..2000).map(|number| format!("-{number}, ")).collect();
    assert_eq!(
        rendered(&format!("{{{{ (n | int) in [{negative}] }}}}"), "-1999", "").unwrap().unwrap(),
        "True"
    );
    let many = "{% if n %}{{ text }}{% endif %}".repeat(2000);
    assert_eq!(rendered(&many, "1", "x").unwrap().unwrap().len(), 2000);
}

#[test]
fn the_longest_record_can_be_read_and_written_once_and_all_texts_of_a_row_count() {
    let (half, most) = ("a".repeat(ROW_BYTES / 2), "a".repeat(ROW_BYTES));
    assert_eq!(STEPS as usize * 64, ROW_BYTES);
    for (text, fits) in [(&half, true), (&most, true)] {
        assert_eq!(rendered("{{ text | upper }}", "", text).unwrap().is_ok(), fits);
    }
    assert!(rendered("{{ text | upper }}!", "", &most).unwrap().is_err());
    let mut compiler = Compiler::new(Arc::new(Columns::new(&header())), &Default::default());
    let template = compiler.compile("{{ text | upper }}").unwrap();
    let (columns, cells) = (compiler.columns.clone(), csv::StringRecord::from(vec!["", &*half]));
    let row = RowView::new(&columns, &cells);
    assert!(compiler.render(&template, &row).is_ok());
    assert!(compiler.render(&template, &row).is_ok());
    assert!(matches!(compiler.render(&template, &row), Err(RenderError::TooExpensive)));
    // A cell that is used as it is costs nothing.
    assert!(matches!(rendered("{{ text | truncate(5) }}", "", &most), Ok(Ok(text)) if text == "aaaaa"));
}

#[test]
fn a_condition_that_is_too_expensive_for_a_row_is_a_fault_with_the_code() {
    let mapping = MappingSource {
        operation: Operation::CreateContact,
        on_too_long: OnTooLong::Reject,
        members: MemberSource::Templates(RequestTemplates::default()),
    };
    let condition = RowCondition::compile("text * (n | int) == ''", &mapping, &header()).unwrap();
    let outcome = condition.is_true(&csv::StringRecord::from(vec!["70000000", "x"]));
    match outcome.unwrap_err() {
        crate::mapping::MapError::Row(rejection) => {
            assert_eq!(rejection.code, Rejection::TOO_EXPENSIVE);
            assert!(
                rejection.to_string().starts_with("cannot be selected by [source] where: its template"),
                "{rejection}"
            );
        }
        crate::mapping::MapError::Job(error) => panic!("{error}"),
    }
}
