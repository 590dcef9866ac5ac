#!/usr/bin/env bash
# The AWS SDK for JavaScript sends a body that is no JSON when the client token is null or a date is invalid.
#
# Version: @aws-sdk/client-connect 3.1136.0 with @aws-sdk/core 3.981.2.
# Seen: with `ClientToken: null` the body has `"ClientToken":` and no value, with `ScheduledTime: new Date("soon")` it has
# `"ScheduledTime":NaN`. Nothing is thrown. Another member that is null is left out. An undefined token is drawn at random, so a script
# that is run again sends other tokens.
# Here: the token is derived from the row, and the sandbox refuses both bodies as invalid JSON, with line and column; its unit tests
# hold that.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @aws-sdk/client-connect@3.1136.0 @aws-sdk/core@3.981.2
cat >seen.cjs <<'JS'
const http = require("http");
const { ConnectClient, CreateContactCommand, StartTaskContactCommand } = require("@aws-sdk/client-connect");
const server = http.createServer(async (request, response) => {
  const body = (await request.toArray()).join("");
  console.log(body.replace(/[0-9a-f-]{36}/, "(random)"));
  response.setHeader("Content-Type", "application/json");
  response.end('{"ContactId":"c"}');
});
server.listen(0, "127.0.0.1", async () => {
  const endpoint = `http://127.0.0.1:${server.address().port}`;
  const credentials = { accessKeyId: "A", secretAccessKey: "B" };
  const client = new ConnectClient({ region: "us-east-1", endpoint, credentials });
  const row = { InstanceId: "i", Channel: "TASK", InitiationMethod: "API" };
  await client.send(new CreateContactCommand({ ...row, Name: null, ClientToken: undefined }));
  await client.send(new CreateContactCommand({ ...row, Name: null, ClientToken: null }));
  await client.send(new StartTaskContactCommand({ InstanceId: "i", Name: "x", ScheduledTime: new Date("soon") }));
  client.destroy();
  server.close();
});
JS
seen="$(env -i PATH="$PATH" HOME="$folder" NODE_NO_WARNINGS=1 node seen.cjs)"
echo "$seen"
[ "$seen" = '{"InstanceId":"i","Channel":"TASK","InitiationMethod":"API","ClientToken":"(random)"}
{"InstanceId":"i","Channel":"TASK","InitiationMethod":"API","ClientToken":}
{"InstanceId":"i","Name":"x","ClientToken":"(random)","ScheduledTime":NaN}' ]
