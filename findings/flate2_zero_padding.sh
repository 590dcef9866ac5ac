#!/usr/bin/env bash
# flate2's MultiGzDecoder takes zero bytes after a gzip member for the next member, and fails.
#
# Version: flate2 1.1.11 with its default backend, GNU gzip and the gzip module of Python for comparison.
# Seen: of a member and 512 zero bytes, as tapes and block storage pad files, read_to_string gives the text and then the error
# InvalidInput. GNU gzip decompresses the same file with exit code 0 and no warning (its manual, "Using gzip on tapes"), and
# gzip.decompress of Python returns the text.
# Here: `source::decompress` skips zero bytes after a member; its unit tests hold that.
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
flate2 = "=1.1.11"
TOML
cat >"$folder/src/main.rs" <<'RUST'
use std::io::Read as _;

fn main() {
    let bytes = std::fs::read(std::env::args().nth(1).expect("a file")).expect("the file is readable");
    let mut text = String::new();
    let outcome = flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_string(&mut text);
    println!("{text:?} {:?}", outcome.map_err(|error| error.kind()));
}
RUST
printf 'id,x\n' | gzip >"$folder/padded.gz"
head -c 512 /dev/zero >>"$folder/padded.gz"
seen="$(cargo run --quiet --manifest-path "$folder/Cargo.toml" -- "$folder/padded.gz")"
echo "flate2: $seen"
[ "$seen" = '"id,x\n" Err(InvalidInput)' ]
gnu="$(gzip -dc "$folder/padded.gz")"
python="$(python3 -c 'import gzip, sys; print(gzip.decompress(open(sys.argv[1], "rb").read()).decode(), end="")' \
  "$folder/padded.gz")"
echo "GNU gzip: $gnu; Python: $python"
[ "$gnu" = 'id,x' ] && [ "$python" = 'id,x' ]
