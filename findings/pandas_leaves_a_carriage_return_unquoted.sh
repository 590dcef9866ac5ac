#!/usr/bin/env bash
# DataFrame.to_csv does not quote a cell with a lone carriage return, and quotes the text that stands for no value.
#
# Version: pandas 3.1.1 with the csv module of Python 3.11.
# Seen: the cell `a<CR>b` is written without quotes between LF line ends; read_csv of the same pandas makes two rows of it, and so
# does every reader for which CR ends a line. With `na_rep="NULL", quoting=csv.QUOTE_NONNUMERIC` no value is the quoted cell
# "NULL", in columns of numbers too, so it cannot be told from the text.
# Here: where the first line ends with LF, a carriage return alone is text, and `null = ['"NULL"']` names a quoted marker; unit tests
# of `source::csv_source` hold both.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1
"$folder/venv/bin/python" - <<'PY'
import csv
import io
import sys

import pandas

text = pandas.DataFrame({"id": [1], "note": ["a\rb"]}).to_csv(index=False)
rows = pandas.read_csv(io.StringIO(text, newline="")).shape[0]
marker = pandas.DataFrame({"n": [1.5, None], "t": ["NULL", None]}).to_csv(
    index=False, na_rep="NULL", quoting=csv.QUOTE_NONNUMERIC
)
print(f"Python {sys.version.split()[0]}: {text!r}, read as {rows} rows; {marker!r}")
assert text == "id,note\n1,a\rb\n" and rows == 2, (text, rows)
assert marker == '"n","t"\n1.5,"NULL"\n"NULL","NULL"\n', marker
PY
