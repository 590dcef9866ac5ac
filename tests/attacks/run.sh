#!/usr/bin/env bash
# Attacks imports with many seeds, and counts the attacks that held. The gate runs a few seeds of each.
#
#   tests/attacks/run.sh [--calls N] [--cuts N] [--lies N] [--first SEED]
#
# --calls  seeds of failing system calls, one to three calls each; default 100
# --cuts   seeds of power cuts, one to three cuts each; default 300
# --lies   seeds of a lying server, some six lies each; default 60
# --first  the first seed; default 1000
#
# Linux only. Needs cc, which compiles tests/suite/attacks/shim.c. A seed takes about two seconds on two slow cores.
# Prints one line in the end, such as: 102 failing system calls, 600 power cuts, 400 lies: held
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
calls=100 cuts=300 lies=60 first=1000
while [ $# -gt 0 ]; do
  case "$1" in
    --calls) calls="$2"; shift 2 ;;
    --cuts) cuts="$2"; shift 2 ;;
    --lies) lies="$2"; shift 2 ;;
    --first) first="$2"; shift 2 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
done
output="$(mktemp)"
trap 'rm -f -- "$output"' EXIT
held=()
attack() {  # MODULE SEEDS
  [ "$2" -gt 0 ] || return 0
  if ! ATTACK_SEEDS="$first..$((first + $2))" cargo test --locked --manifest-path "$root/Cargo.toml" --test suite -- \
    --nocapture "attacks::$1::" >"$output" 2>&1; then
    cat -- "$output" >&2
    exit 1
  fi
  held+=("$(sed -n 's/^.*held: //p' "$output")")
  [ -n "${held[-1]}" ] || { cat -- "$output" >&2; echo "no test of attacks::$1 ran" >&2; exit 1; }
}
attack failing_calls "$calls"
attack power_cuts "$cuts"
attack lying_server "$lies"
printf -v line '%s, ' "${held[@]}"
echo "${line%, }: held"
