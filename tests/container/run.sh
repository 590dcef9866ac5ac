#!/usr/bin/env bash
# Builds the image of samples/Containerfile and runs connect-import in it: with buildah's chroot isolation, which needs no
# engine and no daemon, and as process 1 of a sealed container: user 10001, read-only root, no capability. As root:
#
#   tests/container/run.sh [--binary FILE | --compile IMAGE] [--keep FOLDER]
#
# --binary   the static connect-import to put into the image; without it, `cargo build` makes one in the dev profile
# --compile  compiles in the build stage, in this image with Rust: docker.io/library/rust:1.95-slim-bookworm, oci:FOLDER
# --keep     folder that keeps the image and the imports; without it, a temporary one is removed at the end
#
# Without --compile the build stage has BusyBox and the root certificates of this machine instead of Rust, so that no
# registry is needed. On Debian:
#   apt-get install buildah busybox-static ca-certificates openssl util-linux
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
binary="" compile="" folder=""
while [ $# -gt 0 ]; do
  case "$1" in
    --binary) binary="$(realpath "$2")"; shift 2 ;;
    --compile) compile="$2"; shift 2 ;;
    --keep) mkdir -p "$2"; folder="$(realpath "$2")"; shift 2 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
done
[ "$(id -u)" = 0 ] || { echo "mounts are made: run it as root" >&2; exit 2; }
for tool in buildah busybox openssl unshare setpriv python3; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed; the head of this script names the packages" >&2; exit 2; }
done
if [ -z "$binary$compile" ]; then
  target="$(rustc --print host-tuple)"
  RUSTFLAGS="-C target-feature=+crt-static" cargo build --locked --manifest-path "$root/Cargo.toml" --target "$target"
  binary="${CARGO_TARGET_DIR:-$root/target}/$target/debug/connect-import"
fi

server="" temporary=""
clean() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$temporary" ] || rm -rf -- "$temporary"
}
trap clean EXIT
[ -n "$folder" ] || { temporary="$(mktemp -d)"; folder="$temporary"; }
# Neither the images of this machine nor its settings take part.
export BUILDAH_ISOLATION=chroot
for name in "${!AWS_@}" "${!CONNECT_IMPORT_@}"; do unset "$name"; done
rm -rf -- "$folder"/{storage,runtime,data,context,port,key.pem,first,build.log}
b() { buildah --root "$folder/storage" --runroot "$folder/runtime" --storage-driver vfs "$@"; }

passed=0 failed=0
# is WHAT FOUND EXPECTED
is() {
  if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); printf 'FAILED %s: %s, not %s\n' "$1" "$2" "$3"; fi
}
# exits WHAT CODE: the last run
exits() {
  is "$1" "$code" "$2"
  [ "$code" = "$2" ] || printf '%s\n' "$text"
}
# has WHAT TEXT PART
has() {
  case "$2" in
    *"$3"*) passed=$((passed + 1)) ;;
    *) failed=$((failed + 1)); printf 'FAILED %s: no %s in:\n%s\n' "$1" "$3" "$2" ;;
  esac
}

# The image.
mkdir "$folder/context"
cp -r "$root"/{Cargo.toml,Cargo.lock,build.rs,src,migrations} "$folder/context/"
if [ -n "$compile" ]; then
  b tag "$(b pull --quiet "$compile")" localhost/tools
  given=()
else
  tools="$(b from scratch)"
  at="$(b mount "$tools")"
  mkdir -p "$at/bin" "$at/etc/ssl/certs"
  cp "$(command -v busybox)" "$at/bin/busybox"
  chroot "$at" /bin/busybox --install -s /bin
  cp -L /etc/ssl/certs/ca-certificates.crt "$at/etc/ssl/certs/"
  b umount "$tools" >/dev/null
  b commit --quiet "$tools" localhost/tools >/dev/null
  cp "$binary" "$folder/context/a-binary"
  # The image's user must be able to run it all the same.
  chmod 700 "$folder/context/a-binary"
  given=(--build-arg BINARY=a-binary)
fi
b bud --quiet --build-arg BUILD_IMAGE=localhost/tools "${given[@]}" --file "$root/samples/Containerfile" \
  --tag connect-import "$folder/context" >"$folder/build.log" 2>&1 || { cat "$folder/build.log"; exit 1; }
container="$(b from localhost/connect-import)"
# `buildah run` ignores --volume where the image has a volume.
b config --volume /data- "$container"
at="$(b mount "$container")"
is "the image has these files only" "$(cd "$at" && find . -mindepth 1 -printf '%m %U:%G %p\n' | LC_ALL=C sort -k3)" \
  "$(cat <<EOF
700 10001:10001 ./data
755 0:0 ./etc
644 0:0 ./etc/group
644 0:0 ./etc/passwd
755 0:0 ./etc/ssl
755 0:0 ./etc/ssl/certs
644 0:0 ./etc/ssl/certs/ca-certificates.crt
1777 0:0 ./tmp
755 0:0 ./usr
755 0:0 ./usr/local
755 0:0 ./usr/local/bin
755 0:0 ./usr/local/bin/connect-import
EOF
)"
setting() { b inspect --type image --format "{{$1}}" localhost/connect-import; }
is "user" "$(setting .OCIv1.Config.User)" 10001:10001
is "working folder" "$(setting .OCIv1.Config.WorkingDir)" /data
is "volume" "$(setting .OCIv1.Config.Volumes)" 'map[/data:{}]'
is "entry point" "$(setting .OCIv1.Config.Entrypoint)" '[connect-import]'
is "variables" "$(setting .OCIv1.Config.Env)" '[PATH=/usr/local/bin HOME=/data]'
is "version" "$(setting 'index .OCIv1.Config.Labels "org.opencontainers.image.version"')" \
  "$(sed -n 's/^version = "\(.*\)"/\1/p' "$root/Cargo.toml" | head -1)"
binary="$at/usr/local/bin/connect-import"
more=$(( $(du -sb "$at" | cut -f1) - $(stat -c %s "$binary") ))
is "the image is at most 1 MB larger than the binary" "$([ "$more" -lt 1000000 ] && echo yes || echo "$more bytes")" yes

# imports NAME: an empty folder of an import, owned by the image's user.
imports() {
  rm -rf -- "${folder:?}/data" && mkdir -m 700 "$folder/data"
  cat >"$folder/data/tickets.csv" <<'EOF'
id,name,day
1,one,2026-07-01 12:00
2,two,2026-01-01 12:00
3,three,2026-07-01 12:00
4,four,2026-07-01 12:00
EOF
  cat >"$folder/data/tickets.toml" <<'EOF'
[source]
files = ["tickets.csv"]
key = ["id"]
[request]
Name = "{{ name }}"
[request.References.Day]
Type = "DATE"
Value = "{{ day | epoch('%Y-%m-%d %H:%M', tz='Europe/London') }}"
[pacing]
rate = 1000
burst = 100
EOF
  chown -R 10001:10001 "$folder/data"
}
# run ARGUMENTS…: in the image as buildah runs it; sets `code` and `text`. `variables` holds options of buildah.
variables=()
run() {
  code=0
  text="$(b run "${variables[@]}" --volume "$folder/data:/data" "$container" -- connect-import "$@" 2>&1 </dev/null)" || code=$?
}
# sealed PREPARATION ARGUMENTS…: as process 1 of a PID namespace, user 10001, on a read-only root, without /proc. The
# preparation is shell code that runs before, with the root in $at. `environment` holds variables.
environment=()
sealed() {
  local preparation="$1"; shift
  env -i PATH="$PATH" at="$at" data="$folder/data" "${environment[@]}" unshare --mount --pid --fork --kill-child bash -c '
    set -e
    mount --bind "$at" "$at"
    mount --bind "$data" "$at/data"
    mount -t tmpfs -o mode=1777 tmpfs "$at/tmp"
    '"$preparation"'
    mount -o remount,bind,ro "$at"
    # The shell is process 1, and exec keeps it so. As another user the program has no capabilities.
    exec env -u at -u data -u PWD -u SHLVL -u OLDPWD PATH=/usr/local/bin "$(command -v setpriv)" --no-new-privs "$(command -v chroot)" \
      --userspec=10001:10001 --groups=10001 "$at" connect-import "$@"' bash "$@"
}
run_sealed() {
  code=0
  text="$(sealed "$@" 2>&1 </dev/null)" || code=$?
}
# created LEDGER: its created rows
created() {
  python3 -c 'import sqlite3, sys
print(sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True).execute("SELECT count(*) FROM rows WHERE state = '"'created'"'").fetchone()[0])' \
    "$folder/data/$1" || echo 0
}

# A rehearsal in the folder that is mounted at /data.
imports
run --version
exits "--version" 0
run run --job tickets.toml --sandbox --progress plain
exits "a rehearsal" 0
has "a rehearsal" "$text" "Done: every row is created"
is "created" "$(created tickets.sandbox.ledger.db)" 4
is "owner and mode of the ledger" "$(stat -c '%u:%g %a' "$folder/data/tickets.sandbox.ledger.db")" "10001:10001 600"
is "files of other users" "$(find "$folder/data" ! -user 10001 -o ! -group 10001)" ""
run run --job tickets.toml --sandbox --progress plain
exits "a second rehearsal" 0
has "a second rehearsal" "$text" "Nothing to send"

# Time zones, without any in the image: noon in London is 11:00 UTC in July and 12:00 UTC in January.
run check --job tickets.toml --show-key 1 --show-key 2
exits "check" 0
has "a date in summer" "$text" "$(date --utc --date '2026-07-01 11:00' +%s)"
has "a date in winter" "$text" "$(date --utc --date '2026-01-01 12:00' +%s)"
has "origin of the zones" "$text" "(bundled)"
variables=(--env TZ=Asia/Tokyo)
run check --job tickets.toml
has "local time" "$text" " JST"
variables=()

# Root certificates: a server with a certificate of nobody is refused as such, and --ca-bundle trusts it.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=nobody" -addext "subjectAltName=IP:127.0.0.1" \
  -addext basicConstraints=critical,CA:FALSE \
  -keyout "$folder/key.pem" -out "$folder/data/nobody.pem" 2>/dev/null
chown 10001:10001 "$folder/data/nobody.pem"
python3 - "$folder/data/nobody.pem" "$folder/key.pem" "$folder/port" <<'EOF' &
import ssl, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Refuse(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(403); self.send_header("Content-Length", "0"); self.end_headers()
    do_PUT = do_GET = do_POST
    def log_message(self, *_): pass
class Server(HTTPServer):
    def handle_error(self, *_): pass
server = Server(("127.0.0.1", 0), Refuse)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
open(sys.argv[3], "w").write(str(server.server_port))
server.serve_forever()
EOF
server=$!
for _ in $(seq 100); do [ -s "$folder/port" ] && break; sleep 0.1; done
variables=(--env AWS_EC2_METADATA_DISABLED=true)
mkdir "$folder/data/.aws"
printf '[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = secret\n' >"$folder/data/.aws/credentials"
chown -R 10001:10001 "$folder/data/.aws"
real=(run --job tickets.toml --yes --instance-id 11111111-2222-3333-4444-555555555555 --region eu-west-2 \
  --endpoint-url "https://127.0.0.1:$(cat "$folder/port")" --progress plain)
run "${real[@]}"
exits "a certificate of nobody" 2
has "a certificate of nobody" "$text" "is not trusted"
has "a certificate of nobody" "$text" "nobody"
has "AWS files of the home folder" "$text" "credentials  profile default"
chown -R 10002:10002 "$folder/data"
variables+=(--user 10002:10002)
run "${real[@]}"
has "AWS files of the home folder, as a user that the image does not name" "$text" "credentials  profile default"
chown -R 10001:10001 "$folder/data"
variables=(--env AWS_EC2_METADATA_DISABLED=true)
run "${real[@]}" --ca-bundle nobody.pem
exits "a certificate of the bundle" 7
variables=()

# As process 1 of a sealed container: the commands of the samples.
batch=($(python3 -c 'import json, sys; print(*json.load(open(sys.argv[1]))["containerProperties"]["command"])' \
  "$root/samples/schedulers/aws-batch-job-definition.json"))
imports
for child in 0 1; do
  environment=(CONNECT_IMPORT_SANDBOX=true AWS_BATCH_JOB_ARRAY_INDEX=$child AWS_BATCH_JOB_ARRAY_SIZE=2)
  run_sealed "" "${batch[@]}"
  exits "the command of Batch, child $child" 0
done
is "created by Batch" "$(($(created tickets.0-of-2.sandbox.ledger.db) + $(created tickets.1-of-2.sandbox.ledger.db)))" 4
imports
environment=(CONNECT_IMPORT_SANDBOX=true)
# The command of the sample is the image's entry point.
kubernetes=($(sed -n '/command: \[connect-import\]/,/securityContext/s/^ *- //p' "$root/samples/schedulers/kubernetes-cronjob.yaml"))
run_sealed "" "${kubernetes[@]}"
exits "the command of the CronJob" 0
is "created by the CronJob" "$(created tickets.sandbox.ledger.db)" 4

# The environment is corrected by a new start of the program, with and without /proc.
for proc in "" 'mkdir -p "$at/proc"; mount -t proc proc "$at/proc";'; do
  environment=(CONNECT_IMPORT_SANDBOX=true AWS_PROFILE= AWS_REGION=)
  imports
  run_sealed "$proc" run --job /data/tickets.toml --progress plain
  exits "variables that are set to nothing (${proc:-no /proc})" 0
done

# Signals: process 1 gets only those that it handles, and SIGKILL.
imports
sed -i "s/^rate = .*/rate = 0.5/; s/^burst = .*/burst = 1/" "$folder/data/tickets.toml"
environment=()
sealed "" run --job /data/tickets.toml --sandbox --progress plain >"$folder/first" 2>&1 </dev/null &
job=$!
for _ in $(seq 100); do
  [ "$(created tickets.sandbox.ledger.db 2>/dev/null || true)" = 1 ] && break
  sleep 0.1
done
# The last of the shell's descendants: unshare, then process 1 of its namespace.
first="$job"
while child="$(pgrep -P "$first")"; do first="$child"; done
is "the number of the process in its namespace" "$(sed -n 's/^NSpid:.*\t//p' "/proc/$first/status")" 1
kill -TERM "$first"
code=0; wait "$job" || code=$?
text="$(cat "$folder/first")"
exits "SIGTERM to process 1" 143
has "SIGTERM to process 1" "$text" "SIGTERM: stopping"
run_sealed "" run --job /data/tickets.toml --sandbox --rate 1000 --burst 100 --progress plain
exits "a run after SIGTERM" 0
is "created after SIGTERM" "$(created tickets.sandbox.ledger.db)" 4

# A crash as by kill -9, which process 1 cannot send itself.
imports
run_sealed "" run --job /data/tickets.toml --sandbox --progress plain --crash-at after-answer
is "a planned crash ends the run" "$([ "$code" -gt 128 ] && echo yes || echo "$code: $text")" yes
run_sealed "" run --job /data/tickets.toml --sandbox --progress plain
exits "a run after a crash" 0
is "created after a crash" "$(created tickets.sandbox.ledger.db)" 4

# Wrong mounts are refused before anything is sent.
imports
run_sealed "" run --job /data/tickets.toml --sandbox --limit 1
ledger='mount --bind "$data/tickets.sandbox.ledger.db" "$at/data/tickets.sandbox.ledger.db"'
run_sealed "$ledger" run --job /data/tickets.toml --sandbox --progress plain
exits "a ledger that is mounted by itself" 2
has "a ledger that is mounted by itself" "$text" "mount"
imports
chown -R 0:0 "$folder/data" && chmod 755 "$folder/data"
run_sealed "" run --job /data/tickets.toml --sandbox --progress plain
is "a folder of another user" "$([ "$code" = 2 ] || [ "$code" = 74 ] && echo yes || echo "$code")" yes
has "a folder of another user" "$text" "Permission denied"

echo "$passed passed, $failed failed: $(b --version | cut -d' ' -f1-3), a binary of $(($(stat -c %s "$binary") / 1000000)) MB"
b umount "$container" >/dev/null
[ "$failed" = 0 ]
