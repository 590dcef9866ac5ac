#!/usr/bin/env bash
# clap_complete's bash script writes the name of a program with a hyphen in two ways, so that nothing behind a command completes.
#
# Version: clap_complete 4.6.12, clap 4.6.9.
# Seen: for a program `my-tool` with a command `run` the script sets the state my__tool__subcmd__run, and its branch for the command is
# labelled my__subcmd__tool__subcmd__run. The branch is never reached. For `mytool` both are mytool__subcmd__run.
# Here: `completions bash` replaces the name; the suite completes a real command line in bash.
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
clap = "=4.6.9"
clap_complete = "=4.6.12"
TOML
cat >"$folder/src/main.rs" <<'RUST'
use clap::Command;
use clap_complete::{Shell, generate};

fn main() {
    for name in ["my-tool", "mytool"] {
        let mut command = Command::new(name).subcommand(Command::new("run"));
        let mut script = Vec::new();
        generate(Shell::Bash, &mut command, name, &mut script);
        let script = String::from_utf8(script).expect("the script is text");
        let state = script.lines().map(str::trim).filter_map(|line| line.strip_prefix("cmd=\"")?.strip_suffix("run\""));
        let state = format!("{}run", state.min_by_key(|state| state.len()).unwrap_or_default());
        let is_reached = script.lines().any(|line| line.trim() == format!("{state})"));
        println!("{name}: state {state}, its branch exists: {is_reached}");
    }
}
RUST
seen="$(cargo run --quiet --manifest-path "$folder/Cargo.toml")"
echo "$seen"
[ "$seen" = "my-tool: state my__tool__subcmd__run, its branch exists: false
mytool: state mytool__subcmd__run, its branch exists: true" ]
