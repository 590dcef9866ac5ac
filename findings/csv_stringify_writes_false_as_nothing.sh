#!/usr/bin/env bash
# csv-stringify writes the boolean false as an empty cell, and a date as milliseconds.
#
# Version: csv-stringify 6.9.0.
# Seen: `{ vip: false }`, `{ vip: null }` and `{ vip: '' }` give the same line, and `{ vip: true }` gives 1. A Date is written as
# milliseconds since 1970, which a reader of epoch seconds takes for a date 50,000 years ahead. The option `cast` replaces both.
# Here: an empty cell is no value; the handbook's table of exporters says that false is lost, and names the filter for milliseconds.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund csv-stringify@6.9.0
cat >seen.cjs <<'JS'
const { stringify } = require("csv-stringify/sync");
const at = new Date("2024-07-01T07:30:00Z");
process.stdout.write(stringify([[1, true, at], [2, false, at], [3, null, at], [4, "", at]]));
JS
seen="$(node seen.cjs)"
echo "$seen"
[ "$seen" = "1,1,1719819000000
2,,1719819000000
3,,1719819000000
4,,1719819000000" ]
