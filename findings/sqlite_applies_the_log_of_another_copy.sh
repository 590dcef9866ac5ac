#!/usr/bin/env bash
# SQLite applies a write-ahead log to any database file of that name: nothing ties a log to the file that it was written for.
#
# Version: SQLite 3.51.0 in apsw 3.51.0.0.
# Seen: of two copies of a database one gets a row that is in its log alone, the other is changed and closed. The second file
# beside the log of the first opens without an error, has the row of the log, lacks its own row, and `integrity_check` says ok.
# Here: a ledger beside the log of another copy is refused; `copies::the_log_of_a_run_that_died_is_not_applied_to_another_copy`.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check apsw==3.51.0.0
cd -- "$folder"
"$folder/venv/bin/python" - <<'PY'
import os
import shutil

import apsw

first = apsw.Connection("first.db")
first.execute("PRAGMA journal_mode = WAL").fetchall()
first.execute("CREATE TABLE t (x); INSERT INTO t VALUES ('both')").fetchall()
first.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
shutil.copy("first.db", "second.db")
first.execute("INSERT INTO t VALUES ('in the log of the first')")
second = apsw.Connection("second.db")
second.execute("INSERT INTO t VALUES ('in the second file')")
second.close()

os.mkdir("mixed")
shutil.copy("second.db", "mixed/t.db")
shutil.copy("first.db-wal", "mixed/t.db-wal")
mixed = apsw.Connection("mixed/t.db")
seen = [row[0] for row in mixed.execute("SELECT x FROM t")], mixed.execute("PRAGMA integrity_check").fetchall()
print("SQLite", apsw.sqlite_lib_version(), *seen)
assert seen == (["both", "in the log of the first"], [("ok",)]), seen
PY
