#!/usr/bin/env bash
# MiniJinja's undeclared_variables leaves out a variable that the template also assigns, and none becomes the word None.
#
# Version: minijinja 3.1.0.
# Seen: `{% set x = x|default('-') %}{{ x }}` reports no undeclared variable, though its first x comes from outside; with the
# variable missing it renders "-", also with UndefinedBehavior::Strict. `{{ none }}` and `{{ 'a' ~ none }}` render None and aNone.
# A tool that checks templates with undeclared_variables accepts a misspelt column, and sends "no value" as a word.
# Here: the row's context notes every failed lookup, which is an error before anything is sent, and a member that renders to none is
# left out; the unit tests of `mapping` hold both.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
mkdir "$folder/src"
cat >"$folder/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
minijinja = "=3.1.0"
TOML
cat >"$folder/src/main.rs" <<'RUST'
use minijinja::{Environment, UndefinedBehavior, context};

fn main() {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for source in ["{% set x = x|default('-') %}{{ x }}", "{{ x|default('-') }}", "{{ none }}", "{{ 'a' ~ none }}"] {
        let template = environment.template_from_str(source).expect("the template compiles");
        let undeclared = template.undeclared_variables(false).len();
        let text = template.render(context! {}).unwrap_or_else(|error| format!("error: {:?}", error.kind()));
        println!("{source} -> {undeclared} undeclared, '{text}'");
    }
}
RUST
seen="$(cargo run --quiet --manifest-path "$folder/Cargo.toml")"
echo "$seen"
[ "$seen" = "{% set x = x|default('-') %}{{ x }} -> 0 undeclared, '-'
{{ x|default('-') }} -> 1 undeclared, '-'
{{ none }} -> 0 undeclared, 'None'
{{ 'a' ~ none }} -> 0 undeclared, 'aNone'" ]
