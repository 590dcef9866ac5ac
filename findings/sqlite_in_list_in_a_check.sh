#!/usr/bin/env bash
# SQLite evaluates a CHECK constraint with IN and three or more values by building an ephemeral index at every write.
#
# Version: SQLite 3.51.0 in apsw 3.51.0.0.
# Seen: EXPLAIN of an INSERT has 1 OpenEphemeral for `state IN ('a', 'b', 'c')`, none for the same condition with OR, and none
# for a list of two values. The index is filled and dropped for every row, so the constraint can cost more than the row.
# Here: the ledger's constraints are spelt out with OR; the unit test `the_constraints_of_rows_have_no_lists_of_values` holds that.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check apsw==3.51.0.0
"$folder/venv/bin/python" - <<'PY'
import apsw

def ephemeral(condition):
    db = apsw.Connection(":memory:")
    db.execute(f"CREATE TABLE t (state TEXT CHECK ({condition}))")
    program = db.execute("EXPLAIN INSERT INTO t VALUES ('a')").fetchall()
    return sum(step[1] == "OpenEphemeral" for step in program)

seen = {
    "IN, three values": ephemeral("state IN ('a', 'b', 'c')"),
    "OR, three values": ephemeral("state = 'a' OR state = 'b' OR state = 'c'"),
    "IN, two values": ephemeral("state IN ('a', 'b')"),
}
print("SQLite", apsw.sqlite_lib_version(), seen)
assert seen == {"IN, three values": 1, "OR, three values": 0, "IN, two values": 0}, seen
PY
