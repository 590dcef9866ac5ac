#!/usr/bin/env bash
# buildah run ignores --volume and --mount where the image declares a volume, without a message.
#
# Version: the installed one; seen with buildah 1.28.2. Needs root and busybox (busybox-static).
# Seen: of an image with `VOLUME /data`, `buildah run -v FOLDER:/data` mounts an empty volume of its own at /data; at another path the
# same folder is there. An import would begin with a new ledger, and what it writes is gone with the container. podman and docker
# mount the folder. `buildah config --volume /data- CONTAINER` removes the declaration.
# Here: tests/container/run.sh removes it from the container that it runs; the handbook runs images with docker or podman.
set -euo pipefail
folder="$(mktemp -d)"
b() { buildah --root "$folder/storage" --runroot "$folder/runtime" --storage-driver vfs "$@"; }
trap 'b rm --all >/dev/null; rm -rf -- "$folder"' EXIT
mkdir "$folder/data" && echo rows >"$folder/data/tickets.csv"
container="$(b from scratch)"
b copy --quiet "$container" "$(command -v busybox)" /bin/busybox >/dev/null
b config --volume /data "$container"
list() { b run --isolation chroot --volume "$folder/data:$1" "$container" -- /bin/busybox ls "$1"; }
echo "buildah $(b --version | cut -d' ' -f3), at the volume: '$(list /data)'; elsewhere: '$(list /other)'"
[ "$(list /data)" = "" ] && [ "$(list /other)" = tickets.csv ]
b config --volume /data- "$container"
echo "without the declaration: '$(list /data)'"
[ "$(list /data)" = tickets.csv ]
