#!/usr/bin/env bash
# botocore reads the date 20261201 as seconds since 1970, and 05/11/2026 month first but 13/11/2026 day first.
#
# Version: boto3 1.44.8.
# Seen: StartTaskContact takes any text for ScheduledTime. "20261201" is sent as the second 20261201, in August of 1970. Of "05/11/2026"
# and "13/11/2026" the first is the 11th of May, the second the 13th of November. A time without a zone is UTC whatever TZ says, also
# as a datetime, which Python itself takes for local time. Nothing is raised.
# Here: a member that is a time takes epoch seconds alone, which the filter epoch makes by a format and a zone, and a time in the past
# is a fault of the row; unit tests of `mapping` and `request::validate` hold that.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.8
env -i PATH="$PATH" TZ=Europe/Berlin AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null \
    "$folder/venv/bin/python" - <<'PY'
import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3

class Connect(BaseHTTPRequestHandler):
    def do_PUT(self):
        sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["ScheduledTime"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"ContactId": "c"}')

    def log_message(self, *_):
        pass

sent = []
server = HTTPServer(("127.0.0.1", 0), Connect)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = boto3.client(
    "connect",
    region_name="us-east-1",
    endpoint_url=f"http://127.0.0.1:{server.server_port}",
    aws_access_key_id="A",
    aws_secret_access_key="B",
)
local = datetime(2026, 12, 1, 9)
for time in ["20261201", "05/11/2026", "13/11/2026", local]:
    client.start_task_contact(InstanceId="i", Name="x", ScheduledTime=time)
seen = [datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M") for seconds in sent]
print("boto3", boto3.__version__, seen, "Python:", datetime.fromtimestamp(local.timestamp(), UTC).strftime("%H:%M"))
assert seen == ["1970-08-23 12:06", "2026-05-11 00:00", "2026-11-13 00:00", "2026-12-01 09:00"], seen
PY
