"""The table that every tool exports: cells that break CSV in one way or another, beside typed columns.

`python3 table.py FOLDER` writes it for the generators: table.json (typed), texts.json (all cells as texts), and table.sql
(standard SQL, for PostgreSQL, MariaDB, SQLite, DuckDB and ClickHouse with few replacements).
"""

import json
import sys
from pathlib import Path

COLUMNS = ["first", "id", "amount", "is_vip", "opened_on", "opened_at", "closed_at", "note", "last"]
TEXT_COLUMNS = ["first", "note", "last"]

# None is no value. Every text stands once in each of the columns `first`, `note` and `last`.
TEXTS = [
    "plain",
    'say "hi" to them',
    '"',
    '""',
    '"quoted whole"',
    '"begins with a quote',
    'ends with a quote"',
    'a""b',
    '"x","y"',
    "\\",
    "\\\\",
    "C:\\temp\\new",
    "ends with a backslash\\",
    '\\"',
    '"\\',
    "a\\,b",
    "literal \\n and \\t",
    "real\nline end",
    "\nbegins with a line end",
    "ends with a line end\n",
    "a backslash, then a line end \\\nnext line",
    "CR LF\r\nin a cell",
    "CR\rin a cell",
    "a tab\tin a cell",
    "\t",
    "a,b;c|d",
    ",",
    "three lines,\nwith \"quotes\",\n1,2,3,4,5,6,7,8,9",
    "\\.",
    "\\N",
    "NULL",
    "null",
    "NA",
    "NaN",
    "None",
    "true",
    "00123",
    "+44 20 7946 0000",
    "12345678901234567890",
    "1.50",
    "1E5",
    "2024-01-02",
    "05/11/22",
    " leading and trailing ",
    "   ",
    "#comment",
    "--",
    "=1+1",
    "'single' quotes",
    "Zoë – Größe 10 €",
    "日本語 😀",
    "no\u00a0break",
    "e\u0301 combining",
    "<a href=\"x\">&amp;</a>",
    "{{ braces }}",
    "\b and \f",
    "",
    None,
]

DATES = ["2024-07-01", "1999-12-31", "2024-02-29"]
TIMES = ["2024-07-01 09:30:00", "1999-12-31 23:59:59", "2024-02-29 00:00:00"]
# Instants, written in UTC.
INSTANTS = ["2024-07-01T07:30:00Z", "1999-12-31T23:59:59Z", "2024-01-15T12:00:00Z"]
AMOUNTS = ["12.50", "-0.05", "1234567.89"]


def rows():
    count = len(TEXTS)
    for i in range(count):
        texts = [TEXTS[(i + shift) % count] for shift in (13, 0, 7)]
        typed = [AMOUNTS[i % 3], i % 2 == 0, DATES[i % 3], TIMES[i % 3], INSTANTS[i % 3]]
        if i % 10 == 4:
            typed = [None] * 5
        yield [texts[0], i + 1, *typed, texts[1], texts[2]]
    # Rows whose last cells are empty, and rows that are empty but for the id.
    full = [AMOUNTS[0], True, DATES[0], TIMES[0], INSTANTS[0]]
    yield ["last is no value", count + 1, *full, "x", None]
    yield ["both are no value", count + 2, *full, None, None]
    yield ["both are empty", count + 3, *full, "", ""]
    yield [None, count + 4, *[None] * 7]
    yield ["", count + 5, *[None] * 5, "", ""]


def sql_text(text):
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def sql(types, text=sql_text, instant=lambda at: f"'{at[:-1].replace('T', ' ')}+00'", boolean=str):
    """CREATE TABLE and one INSERT, with the types of a dialect."""
    quoted = lambda value: "NULL" if value is None else f"'{value}'"
    values = []
    for first, number, amount, vip, on, at, closed, note, last in rows():
        cells = [text(first), str(number), amount or "NULL", "NULL" if vip is None else boolean(vip)]
        cells += [quoted(on), quoted(at), "NULL" if closed is None else instant(closed), text(note), text(last)]
        values.append("(" + ", ".join(cells) + ")")
    columns = ", ".join(f"{name} {kind}" for name, kind in zip(COLUMNS, types))
    return f"CREATE TABLE tickets ({columns});\nINSERT INTO tickets VALUES\n" + ",\n".join(values) + ";\n"


def r_source():
    """A data frame; R has no JSON of its own."""
    kinds = {"id": int, "amount": float, "is_vip": bool}

    def cell(name, value):
        if value is None:
            return "NA"
        if kinds.get(name) is bool:
            return str(value).upper()
        return str(value) if name in kinds else json.dumps(value, ensure_ascii=False)

    columns = [
        f"{name} = c({', '.join(cell(name, value) for value in column)})"
        for name, column in zip(COLUMNS, zip(*rows()))
    ]
    return "tickets <- data.frame(stringsAsFactors = FALSE,\n" + ",\n".join(columns) + ")\n"


def main():
    folder = Path(sys.argv[1])
    table = {"columns": COLUMNS, "rows": list(rows())}
    (folder / "table.json").write_text(json.dumps(table), encoding="utf-8")
    records = [dict(zip(COLUMNS, row)) for row in rows()]
    (folder / "records.json").write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")

    (folder / "table.R").write_text(r_source(), encoding="utf-8", newline="")

    def write(name, text):
        (folder / name).write_text(text, encoding="utf-8", newline="")

    write(
        "postgresql.sql",
        sql(["text", "int", "numeric(12,2)", "boolean", "date", "timestamp", "timestamptz", "text", "text"]),
    )
    write(
        "mariadb.sql",
        sql(
            ["text", "int", "decimal(12,2)", "boolean", "date", "datetime", "timestamp null", "text", "text"],
            # The client reads CR LF as LF.
            text=lambda text: sql_text(text and text.replace("\\", "\\\\").replace("\r", "\\r")),
            instant=lambda at: f"'{at[:-1].replace('T', ' ')}'",
        ),
    )
    write(
        "sqlite.sql",
        sql(
            ["text", "int", "numeric", "boolean", "text", "text", "text", "text", "text"],
            # The shell reads CR LF as LF.
            text=lambda text: sql_text(text).replace("\r", "' || char(13) || '"),
            instant=lambda at: f"'{at}'",
            boolean=lambda value: str(int(value)),
        ),
    )
    write(
        "duckdb.sql",
        sql(["text", "int", "decimal(12,2)", "boolean", "date", "timestamp", "timestamptz", "text", "text"]),
    )
    nullable = [f"Nullable({kind})" for kind in ["String", "Int32", "Decimal(12,2)", "Bool", "Date", "DateTime", "DateTime('UTC')"]]
    write(
        "clickhouse.sql",
        sql(
            [*nullable, nullable[0], nullable[0]],
            text=lambda text: sql_text(text and text.replace("\\", "\\\\")),
            instant=lambda at: f"'{at[:-1].replace('T', ' ')}'",
        ),
    )


if __name__ == "__main__":
    main()
