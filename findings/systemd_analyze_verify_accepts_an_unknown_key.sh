#!/usr/bin/env bash
# systemd-analyze verify prints an unknown key of a unit, or an invalid value, and exits with 0.
#
# Version: the installed one; seen with systemd 252.
# Seen: of a service with `RestrtSec=15min` and `Restart=on-failures` it prints "Unknown key name 'RestrtSec' in section 'Service', ignoring."
# (252: "Unknown key 'RestrtSec' in section [Service], ignoring.") and a line of the invalid value, and succeeds: a pipeline that looks
# at the exit code installs a unit that never restarts.
# Here: tests/schedulers/validate.py takes every printed line about a sample for a fault.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
printf '[Service]\nType=oneshot\nExecStart=/bin/true\nRestart=on-failures\nRestrtSec=15min\n' >"$folder/import-x.service"
code=0
seen="$(systemd-analyze verify "$folder/import-x.service" 2>&1)" || code=$?
systemd-analyze --version | head -1
echo "exit code $code: ${seen//"$folder/"/}"
[ "$code" = 0 ]
[[ "$seen" = *RestrtSec* && "$seen" = *on-failures* ]]
