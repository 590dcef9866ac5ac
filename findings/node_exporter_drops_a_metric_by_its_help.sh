#!/usr/bin/env bash
# The node exporter's textfile collector drops a metric whose HELP differs from that of another file, and reports no error.
#
# Version: prometheus-node-exporter 1.5.0 of Debian 12.
# Seen: a.prom and b.prom have a metric with different labels. If a word of its HELP differs, that of b.prom is missing; so it is if the
# labels are the same. The file whose name sorts first wins, however old. The status is 200 and node_textfile_scrape_error 0; only
# promhttp_metric_handler_errors_total{cause="gathering"} counts it, one scrape later.
# Here: two jobs may have been run by two versions of the tool, so the HELP of a metric stays; a unit test of `ui::metrics` holds that.
# The handbook has an alert on the counter, and says that job files need different names.
set -euo pipefail
folder="$(mktemp -d)"
trap 'kill "${exporter:-}" 2>/dev/null || true; rm -rf -- "$folder"' EXIT
cd "$folder"
apt-get download -qq prometheus-node-exporter 2>apt.log || { cat apt.log; exit 1; }
dpkg -x prometheus-node-exporter_*.deb .
mkdir text
write() { printf '# HELP exit_code %s\n# TYPE exit_code gauge\nexit_code{import="%s"} %s\n' "$2" "$3" "$4" >"text/$1.prom"; }
port="$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')"
usr/bin/prometheus-node-exporter --collector.disable-defaults --collector.textfile --collector.textfile.directory=text \
    --web.listen-address="127.0.0.1:$port" 2>exporter.log &
exporter=$!
scrape() {
    curl -sf --retry 20 --retry-connrefused --retry-delay 1 "http://127.0.0.1:$port/metrics" |
        grep -E '^(exit_code|node_textfile_scrape_error|promhttp_metric_handler_errors_total.*gathering)'
}
write a "Exit code." uk 0
write b "Exit code." de 7
seen="$(scrape)"
write b "The exit code." de 7
seen+="
another HELP
$(scrape)"
write b "Exit code." uk 7
seen+="
the same labels
$(scrape)"
echo "$seen"
[ "$seen" = 'exit_code{import="de"} 7
exit_code{import="uk"} 0
node_textfile_scrape_error 0
promhttp_metric_handler_errors_total{cause="gathering"} 0
another HELP
exit_code{import="uk"} 0
node_textfile_scrape_error 0
promhttp_metric_handler_errors_total{cause="gathering"} 0
the same labels
exit_code{import="uk"} 0
node_textfile_scrape_error 0
promhttp_metric_handler_errors_total{cause="gathering"} 1' ]
