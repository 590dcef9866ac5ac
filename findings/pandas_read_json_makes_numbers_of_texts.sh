#!/usr/bin/env bash
# pandas.read_json turns JSON strings of digits into numbers, and one null in the column into rounded ones.
#
# Version: pandas 3.1.1.
# Seen: the string "00123" is read as the number 123. "9007199254740993" beside a null is 9007199254740992.0, the id of another row.
# JSON tells strings and numbers apart; read_json guesses nevertheless, and `dtype=False` stops it.
# Here: `export` writes keys as JSON strings; the chapter on operations names `dtype=False`.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pandas==3.1.1
"$folder/venv/bin/python" - <<'PY'
import io

import pandas

def keys(lines, **options):
    return pandas.read_json(io.StringIO(lines), lines=True, **options)["key"].tolist()

zeros = keys('{"key": "00123"}\n{"key": "00124"}\n')
long = keys('{"key": "9007199254740993"}\n{"key": null}\n')
exact = keys('{"key": "00123"}\n{"key": "9007199254740993"}\n', dtype=False)
print("pandas", pandas.__version__, zeros, long, exact)
assert zeros == [123, 124] and long[0] == 9007199254740992.0 and exact == ["00123", "9007199254740993"]
PY
