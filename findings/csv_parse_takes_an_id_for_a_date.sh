#!/usr/bin/env bash
# csv-parse's `cast` makes 0 of every hexadecimal id, and its `cast_date` a day of 2001 of HD-1.
#
# Version: csv-parse 7.0.3 in Node 20.
# Seen: with `cast: true` the cells 0x1F and 0x2B are both 0, 007 is 7, and +44 is 44. With `cast_date: true` HD-1 to HD-12 are the first
# days of the months of 2001, and HD-13 stays a text: every text that Date.parse of V8 understands counts as a date.
# Here: the handbook says to mend a rejects file without either option, as csv-parse reads it by default.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund csv-parse@7.0.3
cat >seen.cjs <<'JS'
const { parse } = require("csv-parse/sync");
const cells = (text, options) => JSON.stringify(parse(text, options).flat());
console.log(cells("0x1F,0x2B,007,+44", { cast: true }));
console.log(cells("HD-1,HD-12,HD-13", { cast: true, cast_date: true }));
console.log(cells("0x1F,007,HD-1"));
JS
seen="$(TZ=UTC node seen.cjs)"
echo "$seen"
[ "$seen" = '[0,0,7,44]
["2001-01-01T00:00:00.000Z","2001-12-01T00:00:00.000Z","HD-13"]
["0x1F","007","HD-1"]' ]
