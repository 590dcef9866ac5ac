#!/usr/bin/env bash
# exceljs turns the dates of an XLSX into other instants when it writes them as CSV.
#
# Version: exceljs 4.4.0.
# Seen: a sheet has no zones. exceljs reads 2024-07-01 as midnight UTC, and writes the CSV in the zone of the machine with its offset:
# in New York 2024-06-30T20:00:00-04:00, the day before. The offset makes it look exact. `dateUTC: true` writes 2024-07-01T00:00:00Z.
# Here: an offset in a cell overrides `tz`, so the wrong day would be sent; the handbook's chapter on exporters names the option.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund exceljs@4.4.0
cat >seen.cjs <<'JS'
const ExcelJS = require("exceljs");
(async () => {
  const made = new ExcelJS.Workbook();
  made.addWorksheet("tickets").addRow([new Date("2024-07-01T00:00:00Z")]);
  await made.xlsx.writeFile("tickets.xlsx");
  const read = new ExcelJS.Workbook();
  await read.xlsx.readFile("tickets.xlsx");
  console.log(String(await read.csv.writeBuffer()));
  console.log(String(await read.csv.writeBuffer({ dateUTC: true })));
})();
JS
seen="$(TZ=America/New_York node seen.cjs)"
echo "$seen"
[ "$seen" = "2024-06-30T20:00:00-04:00
2024-07-01T00:00:00Z" ]
