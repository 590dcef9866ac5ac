#!/usr/bin/env bash
# boto3 reports success for CreateContact when a proxy answers 200 with an HTML page.
#
# Version: boto3 1.44.8.
# Seen: status 200, no ContactId in the result, no exception. A script that only waits for an exception counts the row as
# created.
# Here: an answer without a contact id is an unanswered attempt (code NoContactId), never a created row; the suite's
# `service_errors` holds that.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.8
env -i PATH="$PATH" AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null "$folder/venv/bin/python" - <<'PY'
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3

class Proxy(BaseHTTPRequestHandler):
    def do_PUT(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b"<html><body>Please accept the terms of use</body></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Proxy)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = boto3.client(
    "connect",
    region_name="us-east-1",
    endpoint_url=f"http://127.0.0.1:{server.server_port}",
    aws_access_key_id="A",
    aws_secret_access_key="B",
)
answer = client.create_contact(
    InstanceId="11111111-2222-3333-4444-555555555555", Channel="TASK", InitiationMethod="API", Name="x"
)
status = answer["ResponseMetadata"]["HTTPStatusCode"]
print("boto3", boto3.__version__, "status", status, "ContactId" in answer)
assert status == 200 and "ContactId" not in answer, answer
PY
