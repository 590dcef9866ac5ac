#!/usr/bin/env bash
# Validates the samples for schedulers against what their schedulers publish: the schemas of every Kubernetes version that a
# sample claims, the service model of AWS Batch, systemd's own verification, and cron's syntax.
#
#   tests/schedulers/run.sh [FOLDER]
#
# FOLDER  keeps the pinned packages of requirements.txt; without it target/schedulers
#
# Each kind of file is also validated with faults in it, which must be found. Needs python3 (3.11 or newer) with venv, and a package index
# for the first run. systemd is verified where systemd-analyze is installed; it is not worth installing for that.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
folder="${1:-${CARGO_TARGET_DIR:-$root/target}/schedulers}"
mkdir -p "$folder"
if ! cmp -s "$here/requirements.txt" "$folder/installed.txt"; then
  rm -rf -- "$folder/venv"
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$folder/installed.txt"
fi
exec "$folder/venv/bin/python" "$here/validate.py" "$root/samples/schedulers"
