#!/usr/bin/env bash
# jiff's strptime accepts a year of two digits under %Y and takes it literally: 22 is the year 22.
#
# Version: jiff 1.0.2.
# Seen: "05/11/22" under %d/%m/%Y is 0022-11-05, without an error. Python's strptime refuses the same text. As epoch seconds it is a
# date before 1970 that looks like any other number.
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
jiff = "=1.0.2"
TOML
cat >"$folder/src/main.rs" <<'RUST'
fn main() {
    let date = jiff::civil::Date::strptime("%d/%m/%Y", "05/11/22");
    println!("{}", date.map_or_else(|error| format!("error: {error}"), |date| date.to_string()));
}
RUST
seen="$(cargo run --quiet --manifest-path "$folder/Cargo.toml")"
echo "$seen"
[ "$seen" = "0022-11-05" ]
python3 -c 'import datetime
try:
    datetime.datetime.strptime("05/11/22", "%d/%m/%Y")
    raise SystemExit("Python accepts it as well")
except ValueError as error:
    print("Python:", error)' 
