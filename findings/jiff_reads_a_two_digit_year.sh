#!/usr/bin/env bash
# jiff's strptime accepts a year of two digits under %Y and takes it literally: 22 is the year 22.
#
# Version: jiff 1.0.2.
# Seen: "05/11/22" under %d/%m/%Y is 0022-11-05, without an error. Python's strptime refuses the same text. As epoch seconds it is a
# date before 1970 that looks like any other number. "1822-03-05" under %C%y-%m-%d is 2022-03-05: %y overwrites the century.
# Here: a year before 1900 is a fault of the row that names %y, and a format with %C is refused; the unit tests of `dates` hold
# both.
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
    for (format, text) in [("%d/%m/%Y", "05/11/22"), ("%C%y-%m-%d", "1822-03-05")] {
        let date = jiff::civil::Date::strptime(format, text);
        println!("{}", date.map_or_else(|error| format!("error: {error}"), |date| date.to_string()));
    }
}
RUST
seen="$(cargo run --quiet --manifest-path "$folder/Cargo.toml")"
echo "$seen"
[ "$seen" = "0022-11-05
2022-03-05" ]
python3 -c 'import datetime
try:
    datetime.datetime.strptime("05/11/22", "%d/%m/%Y")
    raise SystemExit("Python accepts it as well")
except ValueError as error:
    print("Python:", error)' 
