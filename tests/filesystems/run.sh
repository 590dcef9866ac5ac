#!/usr/bin/env bash
# Rehearses imports with the ledger on several file systems: kills, a second run, a full disk; compares rows with contacts.
#
#   tests/filesystems/run.sh [--binary FILE] [--install] [--table FILE] [NAME…]
#
# --binary   the connect-import to test; without it, `cargo build` makes one
# --install  apt-get install what is missing: btrfs-progs xfsprogs bindfs fuse-overlayfs sshfs openssh-server rclone
# --table    file for the results as a Markdown table
# NAME       only these of: tmpfs ext4 xfs btrfs overlay bindfs fuse-overlayfs sshfs rclone
#
# Needs Linux, root, python3, /dev/loop-control and, for FUSE, /dev/fuse. Disks are files in a temporary folder, mounted in a mount
# namespace of its own, so that nothing stays mounted. sshfs goes to an sshd on 127.0.0.1 with keys, port and configuration of
# its own. A file system whose tool is missing is skipped. About ten minutes.
set -uo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
binary="" table="" install="" names=()
arguments=("$@")
while [ $# -gt 0 ]; do
  case "$1" in
    --binary) binary="$(realpath "$2")"; shift 2 ;;
    --table) table="$2"; shift 2 ;;
    --install) install=yes; shift ;;
    -*) echo "unknown option $1" >&2; exit 2 ;;
    *) names+=("$1"); shift ;;
  esac
done
[ "$(uname -s)" = Linux ] && [ "$(id -u)" = 0 ] || { echo "needs Linux and root" >&2; exit 2; }
if [ -z "${IN_NAMESPACE:-}" ]; then
  if [ -n "$install" ]; then
    apt-get install --yes --quiet btrfs-progs xfsprogs bindfs fuse-overlayfs sshfs openssh-server rclone || exit 2
  fi
  if [ -z "$binary" ]; then
    cargo build --locked --manifest-path "$root/Cargo.toml" || exit 2
    arguments+=(--binary "${CARGO_TARGET_DIR:-$root/target}/debug/connect-import")
  fi
  IN_NAMESPACE=yes exec unshare --mount --propagation private -- "${BASH_SOURCE[0]}" "${arguments[@]}"
fi
[ "${#names[@]}" -gt 0 ] || names=(tmpfs ext4 xfs btrfs overlay bindfs fuse-overlayfs sshfs rclone)

folder="$(mktemp -d)"
own=() mounts=()
end_own() {
  local process
  for process in "${own[@]}"; do kill "$process" 2>/dev/null; wait "$process" 2>/dev/null; done
  own=()
}
leave_mounts() {
  local at
  for ((at = ${#mounts[@]} - 1; at >= 0; at--)); do
    for _ in 1 2 3 4 5; do umount "${mounts[at]}" 2>/dev/null && break; sleep 0.3; done
    mountpoint --quiet "${mounts[at]}" && umount --lazy "${mounts[at]}"
  done
  mounts=()
}
trap 'end_own; leave_mounts; rm -rf -- "$folder"' EXIT
trap 'exit 130' INT TERM

has() {
  local tool
  for tool in "$@"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$tool" >/dev/null || { reason="$tool is not installed"; return 1; }
  done
}
disk() {  # NAME MIB MKFS...: a disk in a file, mounted at $folder/NAME
  local image="$folder/$1.img" at="$folder/$1" size="$2"
  shift 2
  truncate --size "${size}M" "$image" && PATH="$PATH:/usr/sbin:/sbin" "$@" "$image" >"$folder/mkfs.log" 2>&1 &&
    mkdir -p "$at" && mount -o loop "$image" "$at" && mounts+=("$at") ||
    { reason="no disk: $(tail -1 "$folder/mkfs.log")"; return 1; }
}
fuse() {  # COMMAND... MOUNT: mounts by FUSE
  local at="${*: -1}"
  [ -e /dev/fuse ] || { reason="no /dev/fuse"; return 1; }
  mkdir -p "$at" && timeout 20 "$@" >"$folder/fuse.log" 2>&1 && mounts+=("$at") ||
    { reason="no mount: $(tail -1 "$folder/fuse.log")"; return 1; }
}

# Each sets `at`, the folder of the ledger; `other`, a second mount of it, or nothing; `version`; or `reason`, why it cannot.
mount_tmpfs() {
  at="$folder/tmpfs" version=""
  mkdir -p "$at" && mount -t tmpfs -o size=24m tmpfs "$at" && mounts+=("$at") || { reason="no mount"; return 1; }
}
mount_ext4() { has mkfs.ext4 && disk ext4 64 mkfs.ext4 -q && at="$folder/ext4" version=""; }
mount_xfs() { has mkfs.xfs && disk xfs 320 mkfs.xfs -q && at="$folder/xfs" version="xfsprogs $(mkfs.xfs -V | sed 's/.* //')"; }
mount_btrfs() {
  has mkfs.btrfs && disk btrfs 128 mkfs.btrfs -q && at="$folder/btrfs" version="$(mkfs.btrfs --version | sed 's/.*from //;s/, part.*//')"
}
mount_overlay() {
  disk below 64 mkfs.ext4 -q || return 1
  mkdir -p "$folder/below/"{lower,upper,work} "$folder/overlay"
  mount -t overlay -o "lowerdir=$folder/below/lower,upperdir=$folder/below/upper,workdir=$folder/below/work" overlay \
    "$folder/overlay" || { reason="no mount"; return 1; }
  mounts+=("$folder/overlay") at="$folder/overlay" version=""
}
mount_bindfs() {
  has bindfs && disk below 64 mkfs.ext4 -q && mkdir -p "$folder/below/data" || return 1
  fuse bindfs "$folder/below/data" "$folder/bindfs" && fuse bindfs "$folder/below/data" "$folder/bindfs2" || return 1
  at="$folder/bindfs" other="$folder/bindfs2" version="$(bindfs --version | sed -n 1p)"
}
mount_fuse-overlayfs() {
  has fuse-overlayfs && disk below 64 mkfs.ext4 -q || return 1
  mkdir -p "$folder/below/"{lower,upper,work}
  fuse fuse-overlayfs -o "lowerdir=$folder/below/lower,upperdir=$folder/below/upper,workdir=$folder/below/work" \
    "$folder/fuse-overlayfs" || return 1
  at="$folder/fuse-overlayfs" version="fuse-overlayfs $(fuse-overlayfs --version 2>&1 | sed -n 's/fuse-overlayfs: version //p')"
}
mount_sshfs() {
  has sshfs sshd ssh-keygen && disk below 64 mkfs.ext4 -q || return 1
  local port ssh="$folder/ssh"
  mkdir -p "$ssh" "$folder/below/data" /run/sshd && chmod 700 "$ssh"
  ssh-keygen -q -t ed25519 -N '' -f "$ssh/host" && ssh-keygen -q -t ed25519 -N '' -f "$ssh/user" || return 1
  cp "$ssh/user.pub" "$ssh/authorized"
  port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
  cat >"$ssh/config" <<CONFIG
ListenAddress 127.0.0.1:$port
HostKey $ssh/host
AuthorizedKeysFile $ssh/authorized
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
CONFIG
  "$(PATH="$PATH:/usr/sbin" command -v sshd)" -D -e -f "$ssh/config" 2>"$ssh/log" &
  own+=($!)
  sleep 1
  local options="IdentityFile=$ssh/user,UserKnownHostsFile=$ssh/known,StrictHostKeyChecking=accept-new,IdentitiesOnly=yes"
  fuse sshfs -F /dev/null -p "$port" -o "$options" "root@127.0.0.1:$folder/below/data" "$folder/sshfs" &&
    fuse sshfs -F /dev/null -p "$port" -o "$options" "root@127.0.0.1:$folder/below/data" "$folder/sshfs2" || return 1
  at="$folder/sshfs" other="$folder/sshfs2" version="$(sshfs --version 2>&1 | sed -n 's/^SSHFS version /sshfs /p')"
}
# As a bucket is: with --vfs-cache-mode off a file is written once, from its start to its end.
mount_rclone() {
  has rclone && mkdir -p "$folder/bucket" "$folder/rclone" || return 1
  fuse rclone mount --daemon --config "$folder/none.conf" --vfs-cache-mode off "$folder/bucket" "$folder/rclone" || return 1
  at="$folder/rclone" version="$(rclone version | sed -n 1p)"
}

python3 - "$folder/t.csv" <<'PYTHON'
import sys
with open(sys.argv[1], "w") as file:
    file.write("id,Name,Description\n")
    file.writelines(f"K{number},Task {number},{'x' * 600}\n" for number in range(2000))
PYTHON
start_sandbox() {
  rm -f "$folder/port"
  "$binary" sandbox --rate 0 --latency 5ms --port 0 --port-file "$folder/port" >/dev/null 2>&1 &
  sandbox=$!
  own+=($sandbox)
  for _ in $(seq 100); do [ -s "$folder/port" ] && break; sleep 0.1; done
  url="http://127.0.0.1:$(cat "$folder/port")"
}
options() {  # LEDGER
  printf '%s\n' --key id --sandbox --ledger "$1" --endpoint-url "$url" --rate 100000 --burst 1000 --concurrency 8 \
    --progress none --rejects "$folder/rejects.csv" --force
}
import() {  # FOLDER [OPTION…]: a run of at most two minutes; sets `code`
  local ledger="$1/t.ledger.db" own_options
  shift
  mapfile -t own_options < <(options "$ledger")
  # In a shell of its own, which does not report a crash point's signal.
  code="$({ timeout --signal KILL 120 "$binary" run "$folder/t.csv" "${own_options[@]}" "$@" >"$folder/out" 2>"$folder/err"
    echo $?; } 2>/dev/null)"
}
agrees() {  # the ledger has the sandbox's contacts, each row once
  python3 - "$1/t.ledger.db" "$url" "$2" <<'PYTHON'
import json, shutil, sqlite3, sys, tempfile, urllib.request
ledger, url, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
with tempfile.TemporaryDirectory() as folder:
    copy = shutil.copy(ledger, folder)
    found = sqlite3.connect(copy).execute("SELECT key, contact_id FROM rows WHERE state = 'created'").fetchall()
listed = json.load(urllib.request.urlopen(url + "/_sandbox/contacts"))
contacts = [contact["ContactId"] for contact in listed]
ids = [contact for _, contact in found]
assert len(found) == len(set(ids)) == rows, f"{len(found)} rows are created, {len(set(ids))} contacts in them, of {rows}"
assert sorted(ids) == sorted(contacts), f"{len(contacts)} contacts, {len(ids)} created rows"
PYTHON
}
fresh() { rm -rf "$1"/t.ledger.db* "$1"/fill*; kill "$sandbox" 2>/dev/null; wait "$sandbox" 2>/dev/null; start_sandbox; }

kills() {
  local ledger_folder="$1" point count=0
  for point in before-intent:40 after-intent:200 after-answer:500 before-commit:60 after-commit:90; do
    import "$ledger_folder" --crash-at "$point"
    [ "$code" = 137 ] || { why="--crash-at $point ended in $code: $(tail -1 "$folder/err")"; return 1; }
  done
  for count in 1 2 3; do
    local own_options
    mapfile -t own_options < <(options "$ledger_folder/t.ledger.db")
    "$binary" run "$folder/t.csv" "${own_options[@]}" >/dev/null 2>&1 &
    local run=$!
    sleep "0.$((count * 3))"
    kill -KILL "$run" 2>/dev/null
    wait "$run" 2>/dev/null
  done
  for _ in 1 2 3; do import "$ledger_folder"; [ "$code" = 75 ] || break; done
  [ "$code" = 0 ] || { why="the resumed run ended in $code: $(tail -1 "$folder/err")"; return 1; }
  why="$(agrees "$ledger_folder" 2000 2>&1 | tail -1)"
  [ -z "$why" ]
}
warned() {  # FOLDER: a run names the risk where doctor does, and nowhere else
  local expected=0 found
  case "$verdict" in warn:*"so that two runs would send the same rows"*) expected=1 ;; esac
  import "$1" --limit 1
  found="$(grep -c 't.ledger.db is on .*--ledger' "$folder/err")"
  [ "$found" = "$expected" ] || { why="$found warnings of run, not $expected"; return 1; }
}
second_run() {  # FOLDER SECOND: a run through SECOND while one is under way
  local own_options
  mapfile -t own_options < <(options "$1/t.ledger.db")
  "$binary" run "$folder/t.csv" "${own_options[@]}" --rate 200 --burst 1 >"$folder/first.out" 2>"$folder/first.err" &
  local first=$!
  sleep 2
  import "$2" --limit 500
  local second=$code
  kill -TERM "$first" 2>/dev/null
  wait "$first"
  first=$?
  told="second $second, first $first"
  if [ "$1" = "$2" ]; then
    [ "$second" = 11 ] || { why="the second run ended in $second: $(tail -1 "$folder/err")"; return 1; }
  else
    # Its index is not shared either, so that the ledger may be damaged. The damage must be told, and nothing more sent.
    case "$second $first" in *11* | *74* | *75*) ;; *) why="two runs did not notice each other ($told)"; return 1 ;; esac
    import "$1"
    told="$told, again $code"
    case $code in 0 | 74 | 75) return 0 ;; *) why="the next run ended in $code ($told)"; return 1 ;; esac
  fi
  for _ in 1 2 3; do import "$1"; [ "$code" = 75 ] || break; done
  [ "$code" = 0 ] || { why="the resumed run ended in $code ($told): $(tail -1 "$folder/err")"; return 1; }
  why="$(agrees "$1" 2000 2>&1 | tail -1)"
  [ -z "$why" ]
}
full_disk() {
  local own_options run
  mapfile -t own_options < <(options "$1/t.ledger.db")
  timeout --signal KILL 120 "$binary" run "$folder/t.csv" "${own_options[@]}" >"$folder/out" 2>"$folder/err" &
  run=$!
  for _ in $(seq 50); do [ -s "$1/t.ledger.db-wal" ] && break; sleep 0.05; done
  timeout 60 dd if=/dev/zero of="$1/fill" bs=64k count=6000 2>/dev/null
  timeout 60 dd if=/dev/zero of="$1/fill2" bs=4k count=1000 2>/dev/null
  wait "$run"
  code=$?
  told="full $code"
  case $code in 74 | 0) ;; *) why="on a full disk a run ended in $code: $(tail -1 "$folder/err")"; return 1 ;; esac
  import "$1"
  told="$told, again $code"
  case $code in 74 | 0) ;; *) why="the next run on a full disk ended in $code: $(tail -1 "$folder/err")"; return 1 ;; esac
  rm -f "$1/fill" "$1/fill2"
  sync
  for _ in 1 2 3; do import "$1"; [ "$code" = 75 ] || break; done
  [ "$code" = 0 ] || { why="the resumed run ended in $code ($told): $(tail -1 "$folder/err")"; return 1; }
  why="$(agrees "$1" 2000 2>&1 | tail -1)"
  [ -z "$why" ]
}
examined() {  # FOLDER: sets `verdict` to doctor's of the file system
  verdict="$("$binary" doctor "$folder/t.csv" --key id --sandbox --ledger "$1/t.ledger.db" --endpoint-url "$url" --output json |
    python3 -c 'import json, sys
for line in sys.stdin:
    found = json.loads(line)
    if found.get("check") == "file system": print(found["verdict"] + ": " + found["found"])')"
  [ -z "$(ls -A "$1" | grep doctor)" ]
}

passed=0 failed=0 skipped=0
verdict_of() {  # NAME CHECK COMMAND...: counts and prints
  local name="$1" check="$2"
  shift 2
  why="" told=""
  if "$@"; then
    passed=$((passed + 1)); echo "passed: $name: $check${told:+ ($told)}"; cell=held
  else
    failed=$((failed + 1)); echo "FAILED: $name: $check: $why"; cell="**failed**"
  fi
}
rows=()
for name in "${names[@]}"; do
  reason="" other="" at="" version=""
  if ! declare -F "mount_$name" >/dev/null; then echo "unknown file system $name" >&2; exit 2; fi
  if ! "mount_$name"; then
    skipped=$((skipped + 1)); echo "skipped: $name: ${reason:-cannot be mounted}"
    leave_mounts; end_own; rm -rf "$folder"/*.img "${folder:?}/ssh"
    continue
  fi
  start_sandbox
  verdict="" cells=()
  if [ "$name" = rclone ]; then
    verdict_of "$name" "doctor refuses it" examined "$at"
    case "$verdict" in
      fail:*) echo "        $verdict" ;;
      *) failed=$((failed + 1)); echo "FAILED: $name: doctor says $verdict" ;;
    esac
    rows+=("| $name | ${version:-–} | ${verdict%%:*} | – | – | – | – |")
  else
    verdict_of "$name" "doctor leaves nothing" examined "$at"
    echo "        $verdict"
    case "$verdict" in fail:* | "") failed=$((failed + 1)); echo "FAILED: $name: doctor refuses it" ;; esac
    verdict_of "$name" "run warns as doctor does" warned "$at"
    verdict_of "$name" "killed eight times and resumed" kills "$at"; cells+=("$cell"); fresh "$at"
    verdict_of "$name" "a second run" second_run "$at" "$at"; cells+=("$cell"); fresh "$at"
    if [ -n "$other" ]; then
      verdict_of "$name" "a second run through another mount" second_run "$at" "$other"; cells+=("$cell"); fresh "$at"
    else
      cells+=(–)
    fi
    verdict_of "$name" "a full disk" full_disk "$at"; cells+=("$cell")
    rows+=("| $name | ${version:-–} | ${verdict%%:*} | ${cells[0]} | ${cells[1]} | ${cells[2]} | ${cells[3]} |")
  fi
  end_own; leave_mounts; rm -rf "$folder"/*.img "${folder:?}/ssh"
done
if [ -n "$table" ]; then
  {
    echo "Linux $(uname -r | cut -d- -f1), $(date -u +%F), connect-import $("$binary" --version | cut -d' ' -f2)."
    echo
    echo "| file system | tool | doctor | killed eight times, resumed | second run | second run through another mount | full disk |"
    echo "|---|---|---|---|---|---|---|"
    printf '%s\n' "${rows[@]}"
  } >"$table"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
