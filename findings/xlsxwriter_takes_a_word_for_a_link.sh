#!/usr/bin/env bash
# XlsxWriter, with which pandas and polars write workbooks, takes `internal:` and `mailto:` off the beginning of a text.
#
# Version: XlsxWriter 3.3.1, pandas 3.1.1, polars 2.1.0, read with openpyxl 3.1.5.
# Seen: a text that begins with internal:, external:, mailto: or file:// becomes a hyperlink, and the cell holds the rest:
# "internal: call Ann" is " call Ann". A URL of more than 2,079 characters is left out, with a warning. pandas takes XlsxWriter where it
# is installed, else openpyxl, which keeps the texts. `{"strings_to_urls": False}` does so here.
# Here: a rejects file that is mended as a workbook and saved as CSV has the shorter texts; the handbook names the option.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    pandas==3.1.1 polars==2.1.0 xlsxwriter==3.3.1 openpyxl==3.1.5
"$folder/venv/bin/python" -W ignore - <<'PY'
import io

import openpyxl
import pandas
import polars
import xlsxwriter

texts = ["internal: call Ann", "mailto:ann@example.com", "file://share/a", "https://example.com/?" + "q" * 2080]

def cells(workbook):
    sheet = openpyxl.load_workbook(workbook).active
    return [cell.value for cell in sheet["A"][1:]] + [None] * (1 + len(texts) - sheet.max_row)

def with_pandas(**options):
    workbook = io.BytesIO()
    with pandas.ExcelWriter(workbook, **options) as writer:
        pandas.DataFrame({"note": texts}).to_excel(writer, index=False)
    return cells(workbook)

workbook = io.BytesIO()
polars.DataFrame({"note": texts}).write_excel(workbook)
seen = {"pandas": with_pandas(), "polars": cells(workbook)}
print("XlsxWriter", xlsxwriter.__version__, seen)
assert all(found == [" call Ann", "ann@example.com", "share\\a", None] for found in seen.values())
assert with_pandas(engine_kwargs={"options": {"strings_to_urls": False}}) == texts
assert with_pandas(engine="openpyxl") == texts
PY
