"""CreateContact in a loop with boto3, 32 threads, for a number of seconds; then one line of JSON.

python3 boto3_adaptive.py PORT adaptive|standard SECONDS

Adaptive mode has a maximum of attempts that no call reaches; standard mode has its default of three.
"""

import itertools
import json
import os
import sys
import threading
import time

import boto3
from botocore.config import Config

THREADS = 32

port, mode, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
retries = {"mode": mode}
if mode == "adaptive":
    retries["max_attempts"] = 100000
client = boto3.client(
    "connect",
    endpoint_url=f"http://127.0.0.1:{port}",
    region_name="us-east-1",
    aws_access_key_id="SANDBOX",
    aws_secret_access_key="SANDBOX",
    config=Config(retries=retries, max_pool_connections=THREADS, connect_timeout=10, read_timeout=30, proxies={}),
)
numbers = itertools.count()
lock = threading.Lock()
failed = 0


def work():
    global failed
    while True:
        number = next(numbers)
        try:
            client.create_contact(
                InstanceId="sandbox",
                ClientToken=f"boto3-{os.getpid()}-{number}",
                Channel="TASK",
                InitiationMethod="API",
                InitiateAs="COMPLETED",
                Name=f"Task {number}",
                Attributes={"a": str(number), "b": "two"},
            )
        except Exception:
            with lock:
                failed += 1


for _ in range(THREADS):
    threading.Thread(target=work, daemon=True).start()
time.sleep(seconds)
print(json.dumps({"calls": next(numbers), "failed": failed}), flush=True)
# Do not wait for threads that are between two attempts.
os._exit(0)
