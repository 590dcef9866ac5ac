//! Misspelt columns are errors of the job; members that render to none are left out.

use serde_json::json;

use super::{map, member};

/// Templates that use `subjekt` where the header has `Subject`.
const MISSPELT_IDENTIFIERS: [&str; 23] = [
    "{{ subjekt | length }}",
    "{{ subjekt | default('x') }}",
    "{{ subjekt | slug | lower }}",
    "{{ subject | replace('x', subjekt) }}",
    "{{ subject | default(subjekt, true) }}",
    "{{ subjekt is defined }}",
    "{{ subjekt is none }}",
    "{{ subject is divisibleby(subjekt) }}",
    "{{ subjekt == 'x' }}",
    "{{ 'x' in subjekt }}",
    "{{ 'x' if subjekt else 'y' }}",
    "{{ subject if true else subjekt }}",
    "{{ 'x' ~ subjekt }}",
    "{{ [subjekt, subject] | join(' ') }}",
    "{{ {'x': subjekt}.x }}",
    "{{ range(subjekt) }}",
    "{% if subjekt %}x{% endif %}",
    "{% if false %}{{ subjekt }}{% endif %}",
    "{% for c in subjekt %}x{% endfor %}",
    "{% for c in [] %}{{ subjekt }}{% endfor %}",
    "{% set x %}{{ subjekt }}{% endset %}",
    "{% macro m() %}{{ subjekt }}{% endmacro %}{{ m() }}",
    "{% do subjekt() %}",
];

#[test]
fn a_misspelt_identifier_is_an_error_wherever_it_stands_in_a_template() {
    for template in MISSPELT_IDENTIFIERS {
        let error = map(&format!("Name = \"\"\"{template}\"\"\""), &["Subject"], &["x"]).unwrap_err();
        assert!(error.starts_with("job.toml, line 7, [request] Name: the CSV has no column"), "{error}");
        assert!(error.ends_with("did you mean 'subject'?"), "{template}: {error}");
    }
}

#[test]
fn a_misspelt_identifier_is_an_error_even_if_the_template_assigns_its_name() {
    for template in [
        "{% set subjekt = subjekt %}{{ subjekt }}",
        "{% set subjekt = subjekt | default('x') %}{{ subjekt }}",
        "{% set subjekt = subjekt %}{{ subjekt is defined }}",
        "{% set subjekt = subjekt %}{% if subjekt %}x{% endif %}",
        "{% with subjekt = subjekt %}{{ subjekt | length }}{% endwith %}",
        "{% macro m(subjekt=subjekt) %}{{ subjekt | default('x') }}{% endmacro %}{{ m() }}",
        "{% filter default(subjekt) %}x{% endfilter %}",
        "{% set x | replace('x', subjekt) %}x{% endset %}{{ x }}",
    ] {
        let error = map(&format!("Name = \"\"\"{template}\"\"\""), &["Subject"], &["x"]).unwrap_err();
        assert!(error.starts_with("job.toml, line 7, [request] Name: the CSV has no column"), "{error}");
        assert!(error.ends_with("did you mean 'subject'?"), "{template}: {error}");
    }
}

#[test]
fn a_misspelt_header_is_an_error_wherever_it_stands_in_a_template() {
    for header in ["row['Subjekt']", "row.Subjekt", "(row | attr('Subjekt'))"] {
        for template in [
            "{{ X | length }}",
            "{{ X | default('x') }}",
            "{{ X is defined }}",
            "{{ 'x' if X else 'y' }}",
            "{{ subject | default(X) }}",
            "{% if X %}x{% endif %}",
            "{% for c in X %}x{% endfor %}",
            "{% set x = X %}{{ x | default('x') }}",
        ] {
            let template = template.replace('X', header);
            let error = map(&format!("Name = \"\"\"{template}\"\"\""), &["Subject"], &["x"]).unwrap_err();
            assert!(error.starts_with("job.toml, line 7, [request] Name: the CSV has no column"), "{error}");
            assert!(error.ends_with("did you mean 'Subject'?"), "{template}: {error}");
        }
    }
    let template = "{% set subject = row %}{{ subject['Subjekt'] | default('x') }}";
    let error = map(&format!("Name = \"{template}\""), &["Subject"], &["x"]).unwrap_err();
    assert!(error.ends_with("did you mean 'Subject'?"), "{error}");
}

#[test]
fn a_misspelt_column_is_an_error_in_attributes_references_and_keys() {
    for toml in [
        "[Attributes]\nx = \"{{ subjekt | length }}\"",
        "[Attributes]\n\"{{ subjekt | default('x') }}\" = \"{{ subject }}\"",
        "[References.Link]\nType = \"URL\"\nValue = \"{{ subjekt | default('https://x') }}\"",
        "[References.\"{{ subjekt | slug }}\"]\nType = \"URL\"\nValue = \"https://x\"",
        "[SegmentAttributes.\"connect:x\"]\nValueString = \"{{ subjekt | length }}\"",
        "ExpiryDurationInMinutes = \"{{ subjekt | length }}\"",
    ] {
        let error = map(toml, &["Subject"], &["x"]).unwrap_err();
        assert!(error.ends_with("identifier 'subjekt'; did you mean 'subject'?"), "{toml}: {error}");
    }
}

#[test]
fn a_member_of_a_column_is_an_error_since_a_column_is_text() {
    for template in ["{{ a.b }}", "{{ a.b | default('x') }}", "{{ row.a.b is defined }}", "{{ a.upper() }}"] {
        let error = map(&format!("Name = \"{template}\""), &["a"], &["x"]).unwrap_err();
        let expected = "job.toml, line 7, [request] Name: the column 'a' is text and has no '";
        assert!(error.starts_with(expected), "{template}: {error}");
    }
}

#[test]
fn functions_and_macros_of_the_engine_are_no_missing_columns() {
    for (template, expected) in [
        ("{{ range(3) | list | length }}{{ a }}", "3x"),
        ("{% macro m() %}{{ range(2) | list | length }}{% endmacro %}{{ m() }}{{ a }}", "2x"),
        ("{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}{{ a }}", "Falsex"),
        ("{% macro m(b) %}{{ b | default('none') }}{% endmacro %}{{ m() }}{{ a }}", "nonex"),
    ] {
        assert_eq!(member("Name", &format!("Name = \"{template}\""), &["a"], &["x"]), expected, "{template}");
    }
}

/// Templates that render to nothing for a column `a` with the text `x`.
const NONE: [&str; 33] = [
    "{{ none }}",
    "{{ None }}",
    "{{ 'x' if false else none }}",
    "{{ a if a == 'y' }}",
    "{{ a if a == 'y' else none }}",
    "{% if a == 'y' %}{{ a }}{% endif %}",
    "{% set b = none %}{{ b }}",
    "{% set b %}{{ none }}{% endset %}{{ b }}",
    "{% set b %}{{ '' ~ none }}{% endset %}{{ b | trim }}",
    "{% macro m(b=none) %}{{ b ~ '' }}{% endmacro %}{{ m() }}{{ m(none) }}{{ m(b=none) }}",
    "{% for b in [none, None] %}{{ b }}{% endfor %}",
    "{{ none ~ None }}",
    "{{ none ~ '' ~ (a if a == 'y') }}",
    "{{ (a if a == 'y') ~ (a if a == 'y' else none) }}",
    "{{ [none, (a if a == 'y' else none)] | join }}",
    "{{ [none] | join(', ') }}",
    "{{ [a if a == 'y'] | join(', ') | upper }}",
    "{{ none | upper }}{{ none | lower }}{{ none | title }}{{ none | capitalize }}",
    "{{ none | trim }}{{ none | string }}{{ none | escape }}{{ none | safe }}{{ none | indent }}",
    "{{ none | replace('None', 'x') }}{{ none | replace('n', none) }}",
    "{{ a | replace(a, none) }}",
    "{{ none | default(none) }}{{ none | d(none, true) }}",
    "{{ '' | default(none, true) | upper }}",
    "{{ none | list | join }}{{ none | string | lines | join }}",
    "{{ '%s' | format(none) }}{{ none | first | default('') }}{{ [none] | first | upper }}",
    "{{ {'b': none}.b ~ '' }}{{ {'b': none}['b'] | upper }}",
    "{{ [[none, a]] | map('first') | join }}",
    "{{ (a if a == 'y' else none) | slug }}",
    "{{ (a if a == 'y' else none) | epoch('%Y-%m-%d') }}",
    "{{ none | truncate(2) }}{{ none | iso }}{{ none | lookup('status') }}{{ none | urlencode }}",
    "{{ (a if a == 'y') | truncate(2) | lookup('status') | slug | urlencode }}",
    "{{ a | trim(a) ~ none }}",
    "{{ (none or none) ~ (none and a) ~ (a and none) }}",
];

#[test]
fn a_member_that_renders_to_none_is_left_out() {
    for template in NONE {
        let toml = format!(
            "Description = \"{{{{ a }}}}\"\nName = \"{template}\"\nExpiryDurationInMinutes = \"{template}\"\n\
             [Attributes]\nx = \"{template}\"\n\
             [References.Link]\nType = \"URL\"\nValue = \"{template}\"\n\
             [SegmentAttributes.\"connect:x\"]\nValueString = \"{template}\""
        );
        let request = map(&toml, &["a"], &["x"]).unwrap_or_else(|error| panic!("{template}: {error}"));
        let sent: Vec<&String> = request.as_object().unwrap().keys().collect();
        assert_eq!(sent, ["Channel", "InitiationMethod", "InitiateAs", "Description"], "{template}");
    }
}

#[test]
fn none_beside_text_adds_nothing() {
    let toml = "Name = \"HD-{{ a }}{{ none }}\"\n[Attributes]\n\"x{{ none }}\" = \"{{ a }}\"";
    let request = map(toml, &["a"], &["7"]).unwrap();
    assert_eq!((&request["Name"], &request["Attributes"]), (&json!("HD-7"), &json!({"x": "7"})));
}

#[test]
fn none_counts_as_missing_in_tests_and_filters() {
    for (template, expected) in [
        ("{{ none | default('x') }}", "x"),
        ("{{ (a if a == 'y' else none) | default('x') }}", "x"),
        ("{{ (a if a == 'y') | default('x') }}", "x"),
        (
            "{{ none is none }}{{ (a if a == 'y') is none }}{{ a is none }}{{ a is not none }}",
            "TrueTrueFalseTrue",
        ),
        ("{% set b = none %}{{ b is none }}{{ b == none }}{{ a == none }}", "TrueTrueFalse"),
        ("{{ 'yes' if none else 'no' }}", "no"),
        ("{{ a | split(none, 1) | join('-') }}", "7-8 9"),
        ("{{ [a, none] | reject('none') | join(', ') }}", "7 8 9"),
        ("{{ [a, none, 'b'] | select | join(', ') }}", "7 8 9, b"),
        ("{{ a ~ none ~ '!' }}", "7 8 9!"),
        ("{{ {'a': none, 'b': [none]} | tojson }}{{ a }}", "{\"a\":null,\"b\":[null]}7 8 9"),
        ("{{ 'None' }} {{ \"none\" ~ a }}", "None none7 8 9"),
        ("{{ [a, 'b'] }}", "['7 8 9', 'b']"),
    ] {
        let toml = format!("Name = '''{template}'''\nDescription = \"{{{{ a }}}}\"");
        assert_eq!(member("Name", &toml, &["a"], &["7 8 9"]), expected, "{template}");
    }
}

#[test]
fn a_list_with_none_in_it_is_no_text() {
    for list in ["[a, none]", "{'b': none}", "[[a if a == 'y']]", "{'b': [none]}"] {
        let toml = format!("Name = \"{{{{ {list} }}}}\"\nDescription = \"{{{{ a }}}}\"");
        let error = map(&toml, &["a"], &["x"]).unwrap_err();
        assert!(error.starts_with("Name the template renders a list or map with none in it"), "{error}");
    }
}

#[test]
fn a_key_that_renders_to_none_is_refused_as_an_empty_key_is() {
    let error = map("[Attributes]\n\"{{ none }}\" = \"{{ a }}\"", &["a"], &["x"]).unwrap_err();
    assert!(error.contains("has a value under an empty key"), "{error}");
}

#[test]
fn required_refuses_none() {
    let error = map("Name = \"{{ (a if a == 'y' else none) | required }}\"", &["a"], &["x"]).unwrap_err();
    assert!(error.starts_with("Name is required"), "{error}");
}
