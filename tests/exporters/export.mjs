// Exports of JavaScript's tools: `node export.mjs FOLDER`, which holds table.json. Dates are Date objects, as database
// drivers return them: `opened_on` and `opened_at` are read as local times.
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const folder = process.argv[2];
const table = JSON.parse(readFileSync(join(folder, "table.json"), "utf8"));
const typed = {
  amount: Number,
  opened_on: (text) => new Date(`${text}T00:00:00`),
  opened_at: (text) => new Date(text.replace(" ", "T")),
  closed_at: (text) => new Date(text),
};
const rows = table.rows.map((row) =>
  row.map((value, i) => (value === null ? null : (typed[table.columns[i]] ?? ((same) => same))(value))),
);
const records = rows.map((row) => Object.fromEntries(row.map((value, i) => [table.columns[i], value])));

function version(name) {
  let text = JSON.parse(readFileSync(join("node_modules", name, "package.json"), "utf8")).version;
  appendFileSync(join(folder, "versions.tsv"), `${name}\t${text}, Node ${process.versions.node}\n`);
}

async function exceljs() {
  const ExcelJS = require("exceljs");
  const book = new ExcelJS.Workbook();
  const sheet = book.addWorksheet("tickets");
  sheet.addRow(table.columns);
  rows.forEach((row) => sheet.addRow(row));
  await book.csv.writeFile(join(folder, "exceljs.csv"));
  version("exceljs");
}

async function csvStringify() {
  const { stringify } = require("csv-stringify/sync");
  writeFileSync(join(folder, "csv-stringify.csv"), stringify(records, { header: true, columns: table.columns }));
  const named = { boolean: String, date: (at) => at.toISOString() };
  const options = { header: true, columns: table.columns, escape: "\\", cast: named };
  writeFileSync(join(folder, "csv-stringify-escape.csv"), stringify(records, options));
  version("csv-stringify");
}

async function fastCsv() {
  const { writeToBuffer } = require("fast-csv");
  writeFileSync(join(folder, "fast-csv.csv"), await writeToBuffer(records, { headers: table.columns }));
  version("fast-csv");
}

async function json2csv() {
  const { Parser } = require("@json2csv/plainjs");
  writeFileSync(join(folder, "json2csv.csv"), new Parser({ fields: table.columns }).parse(records));
  version("@json2csv/plainjs");
}

async function papaparse() {
  const Papa = require("papaparse");
  writeFileSync(join(folder, "papaparse.csv"), Papa.unparse(records));
  writeFileSync(join(folder, "papaparse-formulae.csv"), Papa.unparse(records, { escapeFormulae: true }));
  version("papaparse");
}

async function sheetjs() {
  const XLSX = require("xlsx");
  const sheet = XLSX.utils.aoa_to_sheet([table.columns, ...rows]);
  writeFileSync(join(folder, "sheetjs.csv"), XLSX.utils.sheet_to_csv(sheet));
  version("xlsx");
}

for (const write of [exceljs, csvStringify, fastCsv, json2csv, papaparse, sheetjs]) {
  try {
    await write();
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    console.log(`skipped: ${write.name}: not installed`);
  }
}
