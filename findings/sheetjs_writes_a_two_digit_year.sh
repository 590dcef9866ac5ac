#!/usr/bin/env bash
# SheetJS writes a date without its time of day and with two digits of the year, and leaves a lone carriage return unquoted.
#
# Version: xlsx 0.18.5, the newest one on its registry.
# Seen: sheet_to_csv of a Date writes 1/2/99 for the second of January 1999, 03:04:05, since a cell's default format is m/d/yy; a time
# cannot be got back, and 1/2/29 is 1929 or 2029. `dateNF` writes whole dates. A cell `a<CR>b` is written without quotes.
# Here: a year below 1900 under `%Y` is a fault, and where the first line ends with LF a carriage return alone is text; unit tests
# of `dates::reader` and `source::csv_source` hold that.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund xlsx@0.18.5
cat >seen.cjs <<'JS'
const XLSX = require("xlsx");
const csv = (options) => {
  const sheet = XLSX.utils.aoa_to_sheet([[new Date(1999, 0, 2, 3, 4, 5), "a\rb"]], options);
  console.log(JSON.stringify(XLSX.utils.sheet_to_csv(sheet)));
};
csv();
csv({ dateNF: "yyyy-mm-dd hh:mm:ss" });
JS
seen="$(TZ=UTC node seen.cjs)"
echo "$seen"
[ "$seen" = '"1/2/99,a\rb"
"1999-01-02 03:04:05,a\rb"' ]
