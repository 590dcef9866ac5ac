"""Exports of Python's tools: `export.py FOLDER`, which holds table.json, and clickhouse.sql and duckdb.sql."""

import csv
import datetime
import json
import sys
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path

folder = Path(sys.argv[1])
table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
UTC = datetime.timezone.utc


def typed(name, value):
    if value is None:
        return None
    match name:
        case "amount":
            return Decimal(value)
        case "opened_on":
            return datetime.date.fromisoformat(value)
        case "opened_at":
            return datetime.datetime.fromisoformat(value)
        case "closed_at":
            return datetime.datetime.fromisoformat(value)
        case _:
            return value


columns = {
    name: [typed(name, value) for value in column]
    for name, column in zip(table["columns"], zip(*table["rows"]))
}


def statements(name):
    """A script with the carriage returns that its texts hold."""
    return (folder / name).read_bytes().decode("utf-8")


def state(name, text):
    with open(folder / "versions.tsv", "a", encoding="utf-8") as versions:
        versions.write(f"{name}\t{text}\n")


def with_pandas():
    import pandas

    state("pandas", f"{version('pandas')}, Python {sys.version.split()[0]}")
    frame = pandas.DataFrame(columns)
    frame["amount"] = frame["amount"].astype("float64")
    frame["is_vip"] = frame["is_vip"].astype("boolean")
    for name in ("opened_on", "opened_at"):
        frame[name] = pandas.to_datetime(frame[name])
    frame["closed_at"] = pandas.to_datetime(frame["closed_at"], utc=True)
    frame.to_csv(folder / "pandas.csv", index=False)
    frame.to_csv(folder / "pandas-na.csv", index=False, na_rep="NULL", quoting=csv.QUOTE_NONNUMERIC)
    frame.to_csv(folder / "pandas-escapechar.csv", index=False, escapechar="\\", doublequote=False)
    frame.to_csv(folder / "pandas-none.tsv", index=False, sep="\t", quoting=csv.QUOTE_NONE, escapechar="\\")


def with_polars():
    import polars

    state("polars", version("polars"))
    frame = polars.DataFrame(columns)
    frame.write_csv(folder / "polars.csv")
    frame.write_csv(folder / "polars-null.csv", null_value="NULL", quote_style="non_numeric")


def with_duckdb():
    import duckdb

    state("DuckDB", version("duckdb"))
    db = duckdb.connect()
    db.execute("SET TimeZone = 'Europe/Berlin'")
    db.execute(statements("duckdb.sql"))
    db.execute(f"COPY tickets TO '{folder / 'duckdb.csv'}'")
    db.execute(f"COPY tickets TO '{folder / 'duckdb-null.csv'}' (NULL 'NULL')")
    db.execute(f"COPY tickets TO '{folder / 'duckdb-escape.csv'}' (DELIM ';', ESCAPE '\\')")


def with_clickhouse():
    from chdb import session

    db = session.Session()
    state("ClickHouse", f"{db.query('SELECT version()', 'TSVRaw').data().strip()}, chdb {version('chdb')}")
    create, insert = statements("clickhouse.sql").split(";\nINSERT", 1)
    db.query(f"{create} ENGINE = Memory")
    db.query("INSERT" + insert.rstrip().rstrip(";"))
    for name, form in [("clickhouse.csv", "CSVWithNames"), ("clickhouse.tsv", "TSVWithNames")]:
        answer = db.query("SELECT * FROM tickets ORDER BY id", form)
        (folder / name).write_bytes(answer.bytes())


def xlsx():
    """The workbook that LibreOffice converts. Openpyxl refuses control characters other than line ends and tabs."""
    import openpyxl

    state("openpyxl", version("openpyxl"))
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(table["columns"])
    for row in zip(*columns.values()):
        cells = []
        for value in row:
            if isinstance(value, str):
                value = value.replace("\b", "").replace("\f", "")
            if isinstance(value, datetime.datetime) and value.tzinfo:
                value = value.astimezone(UTC).replace(tzinfo=None)
            cells.append(value)
        sheet.append(cells)
        for cell in sheet[sheet.max_row]:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    book.save(folder / "workbook.xlsx")


if __name__ == "__main__":
    for export in (with_pandas, with_polars, with_duckdb, with_clickhouse, xlsx):
        try:
            export()
        except ImportError as error:
            print(f"skipped: {export.__name__}: {error}")
