#!/usr/bin/env bash
# `ottoscale up` against a Heroku stand-in that shares no code with the project: scales out and in, survives kill -9 in the
# middle, notices a human, and says every mistake in a sentence without writing anything.
. "$(dirname "$0")/lib.sh"

key=canary-4f7c2a9d8e6b1035-not-in-any-output
export HEROKU_API_KEY=$key
background standin.log python3 "$here/heroku_standin.py" "$key"
eventually 10 "the stand-in" says standin.log '^listening'
port=$(sed -n 's/^listening //p' "$scratch/standin.log")
cloud=http://127.0.0.1:$port
control() { curl -fsS -X POST "$cloud/control?$1" >/dev/null; }
mkdir "$scratch/policies"
# policy [FIELD LINES]: the account and one policy.
policy() {
  cat >"$scratch/policies/shop.yaml" <<YAML
apiVersion: ottoscale.dev/v1alpha1
kind: CloudAccount
metadata: {name: heroku}
spec: {type: Heroku, heroku: {apiKeySecretRef: {name: heroku, key: apiKey}, apiURL: "$cloud"}}
---
apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: shop-web}
spec:
  pollPeriodSeconds: 5
  target: {type: HerokuFormation, herokuFormation: {accountRef: {name: heroku}, app: ${APP:-shop}, processType: ${TYPE:-web}}}
  maxCapacity: 4
  metrics:
  - name: heartbeat
    source: {type: HTTPHeartbeat, httpHeartbeat: {url: "${URL:-$cloud/heartbeat}", timeoutMilliseconds: 3000}}
    strategy: {type: Threshold, threshold: {lower: 20, upper: 500, breachesToScaleOut: 2, breachesToScaleIn: 2}}
  behavior: {settleSeconds: 0, scaleIn: {stabilizationWindowSeconds: 0, policies: []}}
YAML
}
up() {
  background "$1" "$product" up --policies "$scratch/policies" --secret "${SECRET:-heroku/apiKey=env:HEROKU_API_KEY}" \
    --metrics-port 0 --api-port 0 --allow-endpoint "$cloud" --probe-allow-cidr 127.0.0.0/8 --log-format logfmt
  operator=$!
  eventually 10 "up is ready" says "$1" 'API +http://'
  api=$(port_of "$1" API)
}
status() { curl -fsS "http://127.0.0.1:$api/apis/ottoscale.dev/v1alpha1/namespaces/default/scalingpolicies/shop-web"; }
status_says() { status >"$scratch/status.json" && grep -qE -- "$1" "$scratch/status.json"; }
stop() {
  kill -TERM "$operator"
  wait "$operator" && code=0 || code=$?
  [ "$code" -eq 0 ] || fail "SIGTERM ended with $code"
}

policy
control delay_ms=800
up out.log
eventually 40 "scaled out twice" says standin.log 'PATCH web 3 -> 4'
says standin.log 'PATCH web 2 -> 3' || fail "not step by step"
eventually 15 "at the maximum" status_says 'LimitedByMaxCapacity'
kill -9 "$operator"

control delay_ms=1
up in.log
eventually 60 "scaled in after kill -9" says standin.log 'PATCH web 4 -> 3'
control 'web=1&delay_ms=100'
eventually 20 "the human is noticed" status_says '"targetCapacity": ?1'
stop

before=$(grep -c PATCH "$scratch/standin.log")
# mistake NAME REGEX: `up` says so in a condition and writes nothing.
mistake() {
  up "$1.log"
  eventually 20 "$1: $2" status_says "$2"
  stop
}
APP=nosuch policy && mistake app "app 'nosuch'.*(not|n't)"
TYPE=wbe policy && mistake type "has no process type 'wbe' \(it has 'web' and 'worker'\)"
policy
HEROKU_API_KEY=wrong-key-wrong-key mistake key 'CredentialsInvalid'
SECRET=heroku/token=env:HEROKU_API_KEY mistake secret "has no key 'apiKey' \(it has 'token'\)"
SECRET=other/apiKey=env:HEROKU_API_KEY mistake nosecret "Secret 'heroku' does not exist"
export LINE_KEY=$key$'\n'
SECRET=heroku/apiKey=env:LINE_KEY mistake newline 'ends in a newline'
URL=http://no-such-host.invalid/ policy && mistake resolve 'ProbeFailed'
URL=http://127.0.0.1:1/ policy && mistake refused 'ProbeFailed'
policy
control mode=redirect && mistake redirect 'UnexpectedAnswer.*elsewhere.example'
control mode=teapot && mistake teapot 'UnexpectedAnswer.*418'
control mode=huge && mistake huge 'UnexpectedAnswer'
control mode=refuse500 && mistake server 'ServerError'
[ "$(grep -c PATCH "$scratch/standin.log")" -eq "$before" ] || fail "something was written on bad input"

# The key appears nowhere but at its own host.
if grep -rqF "$key" "$scratch" --include='*.log' --include='*.json'; then fail "the key is in an output"; fi
echo ok
