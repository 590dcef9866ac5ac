#!/usr/bin/env bash
# csvkit writes every carriage return in a cell as a line feed, so that CR LF becomes two line ends.
#
# Version: csvkit 2.2.0 with agate 1.14.2.
# Seen: `in2csv -f json` of the text `one<CR><LF>two` writes `one<LF><LF>two`, with an empty line that the text does not have.
# `--no-inference` and `--blanks` do not change that. Without them, the texts NA, N/A, None, null and `.`, in any case, are no value.
# Here: the handbook's table of exporters says so; nothing in the file shows it.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check csvkit==2.2.0 agate==1.14.2
printf '[{"id": 1, "note": "one\\r\\ntwo"}, {"id": 2, "note": "None"}]' >"$folder/notes.json"
seen="$("$folder/venv/bin/in2csv" -f json --no-inference --blanks "$folder/notes.json")
$("$folder/venv/bin/in2csv" -f json "$folder/notes.json" | tail -1)"
echo "$seen"
[ "$seen" = 'id,note
1,"one

two"
2,None
2,' ]
