#!/usr/bin/env bash
# boto3 takes an empty AWS_PROFILE for the name of a profile, an empty AWS_MAX_ATTEMPTS for a number, and other empty
# variables for unset ones; and it prefers names that other SDKs do not read.
#
# Version: boto3 1.44.8.
# Seen: AWS_PROFILE= is "The config profile () could not be found", AWS_MAX_ATTEMPTS= a ValueError; empty keys, session
# tokens and endpoints are unset. AWS_DEFAULT_PROFILE beats AWS_PROFILE, AWS_SECURITY_TOKEN beats AWS_SESSION_TOKEN, and
# AWS_REGION is not read: AWS_DEFAULT_REGION alone is. Keys keep a line feed at their end.
# Here: an empty variable is unset, all of them; the old names of profile and token count as in boto3; a Region is taken from
# AWS_REGION, then from AWS_DEFAULT_REGION, and the block before the first request names it. The suite's
# `environment_variables` holds that.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check boto3==1.44.8
printf '[profile a]\nregion = eu-west-1\n[profile b]\nregion = eu-west-2\n' > "$folder/config"
env -i PATH="$PATH" AWS_CONFIG_FILE="$folder/config" AWS_SHARED_CREDENTIALS_FILE=/dev/null \
    AWS_EC2_METADATA_DISABLED=true "$folder/venv/bin/python" - <<'PY'
import os

import boto3

def ask(question, **variables):
    os.environ.update(variables)
    try:
        return question(boto3.Session())
    except Exception as error:
        return type(error).__name__
    finally:
        for name in variables:
            del os.environ[name]

profile = lambda session: session.profile_name
region = lambda session: session.region_name
endpoint = lambda session: session.client("connect", region_name="eu-west-2").meta.endpoint_url
keys = lambda session: tuple(session.get_credentials().get_frozen_credentials())[:3]
own = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S\n"}
seen = [
    ("AWS_PROFILE=", ask(profile, AWS_PROFILE=""), "ProfileNotFound"),
    ("AWS_MAX_ATTEMPTS=", ask(endpoint, AWS_MAX_ATTEMPTS=""), "ValueError"),
    ("AWS_ENDPOINT_URL=", ask(endpoint, AWS_ENDPOINT_URL=""), "https://connect.eu-west-2.amazonaws.com"),
    ("AWS_SESSION_TOKEN=", ask(keys, **own, AWS_SESSION_TOKEN=""), ("A", "S\n", None)),
    ("both profiles", ask(profile, AWS_PROFILE="a", AWS_DEFAULT_PROFILE="b"), "b"),
    ("both tokens", ask(keys, **own, AWS_SESSION_TOKEN="new", AWS_SECURITY_TOKEN="old"), ("A", "S\n", "old")),
    ("AWS_REGION", ask(region, AWS_REGION="eu-west-3"), None),
    ("both Regions", ask(region, AWS_REGION="eu-west-3", AWS_DEFAULT_REGION="eu-west-2"), "eu-west-2"),
]
print("boto3", boto3.__version__)
for what, found, expected in seen:
    print(f"{what:20} {found!r}")
    assert found == expected, (what, found)
PY
