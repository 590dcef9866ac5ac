"""Writes the tables of src/handbook/exporters.md from the exports themselves."""

import re
from pathlib import Path

CHAPTER = Path(__file__).resolve().parents[2] / "src/handbook/exporters.md"
TIMES = ("opened_on", "opened_at", "closed_at")


def code(text):
    """A code span within a table."""
    return "`" + text.replace("|", "\\|") + "`" if text else "nothing"


def read(export, folder):
    text = (folder / export["file"]).read_bytes().decode("windows-1252" if "windows-1252" in export["source"] else "utf-8")
    if "semicolon" in export["source"]:
        return text, ";"
    return text, "\t" if export["file"].endswith(".tsv") else ","


def between(text, before, after):
    """What stands between two words of one cell."""
    found = re.search(re.escape(before) + "(.{1,4}?)" + re.escape(after), text, re.DOTALL)
    return found.group(1) if found else ""


def visible(text):
    """A line end within a cell, with what stands before it."""
    if text == "\\n":
        return code(text)
    name = text.lstrip("\\").replace("\r\n", "CR LF").replace("\n", "LF").replace("\r", "CR")
    return f"{code(chr(92))} and {name}" if text.startswith("\\") else name


def first_cell(text, separator, number):
    """The first cell of the row with this id, which is written on one line."""
    for line in re.split("\r?\n", text):
        found = re.match(f'(.*?){re.escape(separator)}"?{number}"?({re.escape(separator)}|$)', line)
        if found:
            return found.group(1)
    return ""


def plain_row(text, separator):
    """The cells of a row that needs no quotes."""
    line = next(line for line in re.split("\r?\n", text) if "last is no value" in line)
    return [cell.strip('"') for cell in line.split(separator)]


def form(export, folder, rows):
    """How the export writes what exports differ in. The last two rows are no value and empty throughout."""
    text, separator = read(export, folder)
    if '"plain"' in text:
        quotes = "every text"
    else:
        quotes = "where needed" if '"real' in text else "never"
    row_end = "CR LF" if re.search('last is no value[^\n]*\r\n', text) else "LF"
    cells = [code(first_cell(text, separator, row[1])) for row in rows[-2:]]
    cells += [quotes, code(between(text, "say ", "hi")), code(between(text, "C:", "temp"))]
    return [*cells, visible(between(text, "real", "line end")), row_end, code(plain_row(text, separator)[3])]


def source(export):
    lines = export["source"].strip().replace("[COLUMNS]", '["id", …]').splitlines()
    return "<br>".join(code(line) for line in lines) or "–"


def label(export):
    return ", ".join(name for name in (export["tool"], export.get("label")) if name)


def times(exports, filters, folder):
    """Each form of a time with the filter that reads it and the exports that have it."""
    found = {}
    for export in exports:
        cells = plain_row(*read(export, folder))
        for name, cell in zip(TIMES, cells[4:7]):
            if name in export.get("no_values", []):
                continue
            reads = export.get(name, filters[name]).replace("Europe/Berlin", "…")
            shape = re.sub("[A-Z][a-z]{2} [A-Z][a-z]{2} ", "Mon Jul ", re.sub("[0-9]", "0", cell))
            tools = found.setdefault((reads, shape), (cell, []))[1]
            if export["tool"] not in tools:
                tools.append(export["tool"])
    ordered = sorted(found.items(), key=lambda item: (item[0][0].startswith("epoch('"), "tz" not in item[0][0]))
    return "".join(f"| {code(cell)} | {code(reads)} | {', '.join(tools)} |\n" for (reads, _), (cell, tools) in ordered)


def write(exports, versions, filters, folder, rows):
    reading = "| tool | export | `[source]` | not in the export |\n|---|---|---|---|\n"
    written = "| export | no value | empty text | quotes | a quote | a backslash | line end in a cell | rows end with | true |\n"
    written += "|---|---|---|---|---|---|---|---|---|\n"
    tool = None
    for export in exports:
        named = "" if export["tool"] == tool else f"{export['tool']} {versions[export['tool']].split(', ')[0]}"
        tool = export["tool"]
        how = export["how"].replace("|", "\\|")
        reading += f"| {named} | {how} | {source(export)} | {export.get('lost', '')} |\n"
        written += f"| {label(export)} | {' | '.join(form(export, folder, rows))} |\n"
    dates = "| cell | filter | written by |\n|---|---|---|\n" + times(exports, filters, folder)
    chapter = CHAPTER.read_text(encoding="utf-8")
    for mark, table in (("reading", reading), ("form", written), ("times", dates)):
        begin, end = f"<!-- begin {mark} -->\n", f"<!-- end {mark} -->"
        before, rest = chapter.split(begin)
        chapter = before + begin + table + end + rest.split(end)[1]
    CHAPTER.write_text(chapter, encoding="utf-8")
    print(f"wrote {CHAPTER}")
