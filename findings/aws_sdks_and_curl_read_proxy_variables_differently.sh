#!/usr/bin/env bash
# One set of proxy variables means different ways for boto3, curl and the AWS SDK for Rust.
#
# Version: boto3 1.44.8; curl 7.88.1; hyper-util 0.1.21, whose matcher aws-smithy-http-client 1.5.2 uses.
# Seen:
#   NO_PROXY with host:port          boto3 direct (if the URL names the port), curl and Rust by the proxy
#   NO_PROXY with 127.0.0.0/8        boto3 by the proxy, curl and Rust direct
#   entries separated by spaces      boto3 and Rust by the proxy, curl direct
#   http_proxy and HTTP_PROXY        boto3 and curl take the lower case, Rust the upper case
#   HTTP_PROXY alone                 boto3 and Rust by the proxy, curl direct
#   ALL_PROXY alone                  boto3 direct, curl and Rust by the proxy
#   metadata of EC2, http_proxy set  boto3 asks the proxy for 169.254.169.254, with the request for the role's keys
#   http_proxy is no URL             boto3 and curl fail, Rust direct
# Here: entries may have a port or be a network, commas and spaces separate them, lower case wins, and addresses of metadata
# are always reached directly; a value that names no proxy is refused. The suite's `proxies` and the unit tests of
# `submission::proxies` hold that.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.8
mkdir -p "$folder/rust/src"
cat >"$folder/rust/Cargo.toml" <<'TOML'
[package]
name = "matcher"
version = "0.0.0"
edition = "2024"

[dependencies]
http = "1"
hyper-util = { version = "=0.1.21", default-features = false, features = ["client-proxy"] }
TOML
cat >"$folder/rust/src/main.rs" <<'RUST'
fn main() {
    let url: http::Uri = std::env::args().nth(1).unwrap().parse().unwrap();
    let found = hyper_util::client::proxy::matcher::Matcher::from_env().intercept(&url);
    println!("{}", found.map_or("direct".to_owned(), |proxy| proxy.uri().to_string()));
}
RUST
cargo build --quiet --manifest-path "$folder/rust/Cargo.toml"
env -i PATH="$PATH" "$folder/venv/bin/python" - "$folder/rust/target/debug/matcher" <<'PY'
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append(self.path)
        body = self.server.label.encode()
        self.send_response(200)
        self.send_header("X-Way", self.server.label)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *_):
        pass


def serve(label):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.label, server.seen = label, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


service, lower, upper = serve("direct"), serve("lower"), serve("upper")
PORT = service.server_port
LOWER, UPPER = (f"http://127.0.0.1:{proxy.server_port}" for proxy in (lower, upper))
BASE = {"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
PROGRAM = """
import boto3, sys
from botocore.config import Config
client = boto3.client("connect", region_name="us-east-1", endpoint_url=sys.argv[1], aws_access_key_id="A",
                      aws_secret_access_key="B", config=Config(retries={"total_max_attempts": 1}))
answer = client.create_contact(InstanceId="i", Channel="TASK", InitiationMethod="API", Name="x")
print(answer["ResponseMetadata"]["HTTPHeaders"]["x-way"])
"""


def run(command, variables):
    return subprocess.run(command, env=BASE | variables, capture_output=True, text=True).stdout.strip()


def ways(url, variables):
    rust = run([sys.argv[1], url], variables)
    return (
        run([sys.executable, "-c", PROGRAM, url], variables),
        run(["curl", "--silent", url], variables),
        {LOWER + "/": "lower", UPPER + "/": "upper"}.get(rust, rust),
    )


by_name, by_address = f"http://localhost:{PORT}/", f"http://127.0.0.1:{PORT}/"
for what, url, variables, expected in [
    ("host:port", by_name, {"http_proxy": LOWER, "no_proxy": f"localhost:{PORT}"}, ("direct", "lower", "lower")),
    ("network", by_address, {"http_proxy": LOWER, "no_proxy": "127.0.0.0/8"}, ("lower", "direct", "direct")),
    ("spaces", by_name, {"http_proxy": LOWER, "no_proxy": "a.example localhost"}, ("lower", "direct", "lower")),
    ("both cases", by_name, {"http_proxy": LOWER, "HTTP_PROXY": UPPER}, ("lower", "lower", "upper")),
    ("HTTP_PROXY", by_name, {"HTTP_PROXY": UPPER}, ("upper", "direct", "upper")),
    ("ALL_PROXY", by_name, {"ALL_PROXY": UPPER}, ("direct", "upper", "upper")),
    ("no proxy at all", by_name, {"http_proxy": "http://proxy name:3128"}, ("", "", "direct")),
]:
    found = ways(url, variables)
    print(f"{what:15}  boto3 {found[0] or 'fails':7} curl {found[1] or 'fails':7} Rust {found[2]}")
    assert found == expected, (what, found, expected)
run([sys.executable, "-c", "import boto3; boto3.Session().get_credentials()"], {"http_proxy": LOWER})
print("metadata         boto3 asks the proxy for", lower.seen[-1])
assert "http://169.254.169.254/latest/api/token" in lower.seen, lower.seen
PY
