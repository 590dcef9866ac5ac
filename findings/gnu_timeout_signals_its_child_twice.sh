#!/usr/bin/env bash
# GNU timeout sends its signal to its child, and then to the whole process group, so the child gets it twice within microseconds.
#
# Version: coreutils 9.1 of Debian 12; strace (installed) shows the calls.
# Seen: kill(CHILD, SIGTERM) and kill(0, SIGTERM). The system merges the two if the second comes before the child has handled the first;
# under load it does not. With --foreground there is the first only.
# Here: a program whose second SIGTERM means "at once" ends without its clean-up. Two signals within a second are one for
# connect-import: src/shutdown/sequence.rs.
set -euo pipefail
command -v strace >/dev/null || { echo "strace is missing"; exit 1; }
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
apt-get download -qq coreutils=9.1\* 2>apt.log || { cat apt.log; exit 1; }
dpkg -x coreutils_*.deb .
usr/bin/timeout --version | head -1
calls() {
    strace -f -e trace=kill -e signal=none -o calls usr/bin/timeout "$@" 0.2 sleep 60 || true
    sed -nE 's/.*kill\(([0-9]+), SIGTERM\).*/\1/p' calls | sed -E 's/^[1-9][0-9]*$/the child/; s/^0$/the group/'
}
seen="$(calls)
--foreground
$(calls --foreground)"
echo "$seen"
[ "$seen" = 'the child
the group
--foreground
the child' ]
