#!/usr/bin/env bash
# Exports one table with every tool that can be had, imports each export into a sandbox, and compares every cell.
#
#   tests/exporters/run.sh [--binary FILE] [--keep FOLDER] [--update] [NAME…]
#
# --binary  the connect-import to test; without it, `cargo build` makes one
# --keep    folder that keeps the exports; without it, a temporary one is removed at the end
# --update  writes the table of src/handbook/exporters.md
# NAME      only these exports of exports.toml
#
# Installs the pinned packages of requirements.txt and package.json into the folder. Databases, R, Miller, jq, LibreOffice
# and the SQLite shell are those of the system; one that is missing is skipped with a line. Nothing runs as a service, and
# servers listen on a socket in the folder only. On Debian:
#   apt-get install mariadb-server-core mariadb-client-core postgresql r-base-core r-cran-readr r-cran-data.table \
#     miller jq sqlite3 libreoffice-calc-nogui python3-venv npm
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
binary="" folder="" names=() options=()
while [ $# -gt 0 ]; do
  case "$1" in
    --binary) binary="$(realpath "$2")"; shift 2 ;;
    --keep) mkdir -p "$2"; folder="$(realpath "$2")"; shift 2 ;;
    --update) options+=(--update); shift ;;
    -*) echo "unknown option $1" >&2; exit 2 ;;
    *) names+=("$1"); shift ;;
  esac
done
if [ -z "$binary" ]; then
  cargo build --locked --manifest-path "$root/Cargo.toml"
  binary="${CARGO_TARGET_DIR:-$root/target}/debug/connect-import"
fi
servers=()
clean() {
  for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; done
  [ -z "$temporary" ] || rm -rf -- "$temporary"
}
temporary=""
[ -n "$folder" ] || { temporary="$(mktemp -d)"; folder="$temporary"; }
trap clean EXIT
out="$folder/exports"
rm -rf "$out" && mkdir -p "$out"
# A zone with summer time shows which tools convert times.
export TZ=Europe/Berlin LC_ALL=C.UTF-8
python3 "$here/table.py" "$out"

has() {
  local tool
  for tool in "$@"; do command -v "$tool" >/dev/null || { echo "skipped: $tool: not installed"; return 1; }; done
}
version() { printf '%s\t%s\n' "$1" "$2" >>"$out/versions.tsv"; }
await() {  # until the command succeeds, 30 seconds at most
  for _ in $(seq 300); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done
  echo "no answer: $*" >&2; return 1
}

python_tools() {
  [ -x "$folder/venv/bin/python" ] || python3 -m venv "$folder/venv" || { echo "skipped: Python's tools: no venv"; return 0; }
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt" ||
    { echo "skipped: Python's tools: the packages cannot be installed"; return 0; }
  "$folder/venv/bin/python" "$here/export.py" "$out"
  PATH="$folder/venv/bin:$PATH" csvkit
}

csvkit() {
  in2csv -f json "$out/records.json" >"$out/csvkit.csv"
  in2csv -f json --no-inference --blanks "$out/records.json" >"$out/csvkit-no-inference.csv"
  version csvkit "$(in2csv --version | sed 's/.* //')"
}

node_tools() {
  has node npm || return 0
  mkdir -p "$folder/node" && cp "$here/package.json" "$folder/node/"
  (cd "$folder/node" && npm install --silent --no-audit --no-fund) ||
    { echo "skipped: JavaScript's tools: the packages cannot be installed"; return 0; }
  (cd "$folder/node" && node "$here/export.mjs" "$out")
}

r_tools() { has Rscript || return 0; Rscript "$here/export.R" "$out"; }

small_tools() {
  if has mlr; then
    mlr --ijson --ocsv unsparsify "$out/records.json" >"$out/miller.csv"
    mlr --ijson --otsv unsparsify "$out/records.json" >"$out/miller.tsv"
    version Miller "$(mlr --version | sed 's/.* //')"
  fi
  if has jq; then
    jq -r '(.[0] | keys_unsorted), (.[] | [.[]]) | @csv' "$out/records.json" >"$out/jq.csv"
    jq -r '(.[0] | keys_unsorted), (.[] | [.[]]) | @tsv' "$out/records.json" >"$out/jq.tsv"
    version jq "$(jq --version | sed 's/jq-//')"
  fi
  if has sqlite3; then
    sqlite3 "$out/tickets.sqlite" <"$out/sqlite.sql"
    sqlite3 "$out/tickets.sqlite" '.headers on' '.mode csv' 'SELECT * FROM tickets' >"$out/sqlite.csv"
    sqlite3 "$out/tickets.sqlite" '.headers on' '.mode csv' '.nullvalue NULL' 'SELECT * FROM tickets' >"$out/sqlite-null.csv"
    sqlite3 "$out/tickets.sqlite" '.headers on' '.mode tabs' 'SELECT * FROM tickets' >"$out/sqlite.tsv"
    version SQLite "$(sqlite3 --version | sed 's/ .*//')"
  fi
  if [ -f "$out/workbook.xlsx" ] && has soffice; then
    soffice "-env:UserInstallation=file://$folder/office" --headless --convert-to csv --outdir "$folder/office-csv" \
      "$out/workbook.xlsx" >/dev/null 2>&1
    mv "$folder/office-csv/workbook.csv" "$out/libreoffice.csv"
    soffice "-env:UserInstallation=file://$folder/office" --headless --convert-to \
      'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,false,false' --outdir "$folder/office-csv" \
      "$out/workbook.xlsx" >/dev/null 2>&1
    mv "$folder/office-csv/workbook.csv" "$out/libreoffice-values.csv"
    version LibreOffice "$(soffice --version | cut -d' ' -f2)"
  fi
}

postgresql() {
  local bin
  bin="$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)"
  PATH="$bin:$PATH" has initdb postgres psql || return 0
  # PostgreSQL refuses to run as root.
  local as=(env) data="$folder/postgresql"
  rm -rf "$data" && mkdir "$data"
  if [ "$(id -u)" = 0 ]; then
    as=(setpriv --reuid=65534 --regid=65534 --clear-groups env "HOME=$data")
    chown 65534:65534 "$data"
    chmod a+x "$folder"
  fi
  "${as[@]}" "$bin/initdb" -D "$data/db" -U import -A trust -E UTF8 --locale=C.UTF-8 >/dev/null
  "${as[@]}" "$bin/postgres" -D "$data/db" -c listen_addresses= -c "unix_socket_directories=$data" >"$data/log" 2>&1 &
  servers+=($!)
  local psql=(psql -X -q -h "$data" -U import -d postgres -v ON_ERROR_STOP=1)
  await "${psql[@]}" -c 'SELECT 1'
  "${psql[@]}" -c "SET TimeZone = 'UTC'" -f "$out/postgresql.sql"
  "${psql[@]}" -c 'COPY tickets TO STDOUT (FORMAT csv, HEADER)' >"$out/postgresql.csv"
  "${psql[@]}" -c "COPY tickets TO STDOUT (FORMAT csv, HEADER, NULL '\\N')" >"$out/postgresql-null.csv"
  "${psql[@]}" -c "COPY tickets TO STDOUT (FORMAT csv, HEADER, ESCAPE '\\')" >"$out/postgresql-escape.csv"
  "${psql[@]}" -c 'COPY tickets TO STDOUT (HEADER)' >"$out/postgresql.tsv"
  "${psql[@]}" -c 'COPY tickets TO STDOUT' >"$out/postgresql-no-header.tsv"
  "${psql[@]}" --csv -c 'SELECT * FROM tickets' >"$out/psql.csv"
  "${psql[@]}" -A -F $'\t' -P footer=off -c 'SELECT * FROM tickets' >"$out/psql-unaligned.tsv"
  version PostgreSQL "$("$bin/postgres" --version | cut -d' ' -f3)"
}

mariadb_tools() {
  has mariadbd mariadb mariadb-install-db || return 0
  local data="$folder/mariadb" user
  user="$(id -un)"
  rm -rf "$data" && mkdir "$data"
  mariadb-install-db --no-defaults --user="$user" --auth-root-authentication-method=normal --datadir="$data/db" \
    --skip-test-db >"$data/install.log" 2>&1
  mariadbd --no-defaults --user="$user" --datadir="$data/db" --socket="$data/socket" --skip-networking \
    --pid-file="$data/pid" --secure-file-priv= --character-set-server=utf8mb4 >"$data/log" 2>&1 &
  servers+=($!)
  local sql=(mariadb --no-defaults -u root -S "$data/socket" --default-character-set=utf8mb4)
  await "${sql[@]}" -e 'SELECT 1'
  "${sql[@]}" -e 'CREATE DATABASE db CHARACTER SET utf8mb4'
  (echo "SET time_zone = '+00:00';" && cat "$out/mariadb.sql") | "${sql[@]}" db
  "${sql[@]}" --batch db -e 'SELECT * FROM tickets' >"$out/mariadb-batch.tsv"
  "${sql[@]}" --batch --raw db -e 'SELECT * FROM tickets' >"$out/mariadb-raw.tsv"
  "${sql[@]}" db -e "SELECT * INTO OUTFILE '$out/mariadb-outfile.tsv' CHARACTER SET utf8mb4 FROM tickets"
  "${sql[@]}" db -e "SELECT * INTO OUTFILE '$out/mariadb-outfile.csv' CHARACTER SET utf8mb4 \
    FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' FROM tickets"
  "${sql[@]}" db -e "SELECT * INTO OUTFILE '$out/mariadb-outfile-double.csv' CHARACTER SET utf8mb4 \
    FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '\"' FROM tickets"
  version MariaDB "$(mariadbd --version | sed 's/.*Ver \([0-9.]*\).*/\1/')"
}

for tools in python_tools node_tools r_tools small_tools postgresql mariadb_tools; do "$tools"; done
for server in "${servers[@]}"; do kill "$server" 2>/dev/null || true; done
python3 "$here/compare.py" "$out" "$binary" "${options[@]}" "${names[@]}"
