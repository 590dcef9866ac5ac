#!/usr/bin/env bash
# Drives the real binary against its own sandbox, which has no quota and answers at once, with the ledger
# durable; prints rows a second and CPU for each binary, and the ratios to the first.
#
#   tests/benches/no_quota.sh [ROWS] BINARY [BINARY...]        default: 20000 target/release/connect-import
#
# The binaries take turns, three rounds after a warm-up; the median counts. All traffic stays on loopback.
set -euo pipefail
export LC_ALL=C

rows=20000
if [[ ${1:-} =~ ^[0-9]+$ ]]; then
    rows=$1
    shift
fi
binaries=("$@")
[ ${#binaries[@]} -gt 0 ] || binaries=(target/release/connect-import)

work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf -- "$work"
}
trap finish EXIT

# One server for all of them, so that it is not what differs.
"${binaries[0]}" sandbox --rate 0 --port-file "$work/port" 2>"$work/server.log" &
server=$!
for _ in $(seq 200); do
    [ -s "$work/port" ] && break
    sleep 0.05
done
url="http://127.0.0.1:$(cat "$work/port")"

TIMEFORMAT='%R %U %S'
# one BINARY NAMESPACE: prints wall and CPU seconds of one import.
one() {
    local csv="$work/$2.csv"
    awk -v rows="$rows" -v run="$2" 'BEGIN {
        print "id,Name,Description,Attributes.a,Attributes.b"
        for (row = 0; row < rows; row++)
            printf "%s-%d,Task %d,A description of some eighty characters that says what was the matter here,%d,two\n", run, row, row, row
    }' >"$csv"
    { time "$1" run "$csv" --key id --sandbox --endpoint-url "$url" --rate 1000000 --burst 1000 \
        --concurrency 32 --progress none >"$work/out"; } 2>"$work/time"
    grep -q "^Done: every row is created" "$work/out"
    awk '{ print $1, $2 + $3 }' "$work/time"
    rm -f -- "$csv" "$work/$2".sandbox.ledger.db*
}

for index in "${!binaries[@]}"; do
    one "${binaries[$index]}" "warm$index" >/dev/null
done
for round in 1 2 3; do
    for index in "${!binaries[@]}"; do
        one "${binaries[$index]}" "r$round-$index" >>"$work/results.$index"
    done
done

printf '%-44s %10s %14s %8s %8s\n' binary "rows/s" "CPU s/1000" "rows ×" "CPU ×"
for index in "${!binaries[@]}"; do
    wall=$(sort -n "$work/results.$index" | awk 'NR == 2 { print $1 }')
    cpu=$(awk '{ print $2 }' "$work/results.$index" | sort -n | sed -n 2p)
    [ "$index" -gt 0 ] || { first_wall=$wall first_cpu=$cpu; }
    awk -v name="${binaries[$index]}" -v rows="$rows" -v wall="$wall" -v cpu="$cpu" \
        -v first_wall="$first_wall" -v first_cpu="$first_cpu" 'BEGIN {
        printf "%-44s %10.0f %14.3f %8.2f %8.2f\n", name, rows / wall, cpu * 1000 / rows, first_wall / wall, cpu / first_cpu
    }'
done
