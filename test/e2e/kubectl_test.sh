#!/usr/bin/env bash
# kubectl against the API that `ottoscale up` serves: apply, get, describe, explain, edit, diff, wait, watch, delete, with the
# columns, defaults, refusals and descriptions that a cluster with crds/ would give. KUBECTL may name another kubectl than
# the one of test/tools.
. "$(dirname "$0")/lib.sh"

kubectl=${KUBECTL:-$("$here/../tools/build.sh" kubernetes)/kubectl}
export HEROKU_API_KEY=kubectl-test-key HOME=$scratch KUBECONFIG=$scratch/none
background standin.log python3 "$here/heroku_standin.py" "$HEROKU_API_KEY"
eventually 10 "the stand-in" says standin.log '^listening'
cloud=http://127.0.0.1:$(sed -n 's/^listening //p' "$scratch/standin.log")
mkdir "$scratch/policies"
cat >"$scratch/policies/console.yaml" <<'YAML'
apiVersion: ottoscale.dev/v1alpha1
kind: NotificationChannel
metadata: {name: console}
spec: {type: Log}
YAML
background up.log "$product" up --policies "$scratch/policies" --secret heroku/apiKey=env:HEROKU_API_KEY \
  --metrics-port 0 --api-port 0 --allow-endpoint "$cloud" --probe-allow-cidr 127.0.0.0/8 --log-format logfmt
eventually 10 "up is ready" says up.log 'API +http://'
k() { "$kubectl" --server "http://127.0.0.1:$(port_of up.log API)" "$@" 2>&1; }
# expect REGEX COMMAND...: the command's output has it. refuses REGEX COMMAND...: and it fails.
expect() {
  local wanted=$1 said
  shift
  said=$("$@") || fail "$* ended with $?: $said"
  grep -qE -- "$wanted" <<<"$said" || fail "$*: no '$wanted' in: $said"
}
refuses() {
  local wanted=$1 said
  shift
  if said=$("$@"); then fail "$* was taken: $said"; fi
  grep -qE -- "$wanted" <<<"$said" || fail "$*: no '$wanted' in: $said"
}
# manifest [MODE]: the account and a policy.
manifest() {
  cat <<YAML
apiVersion: ottoscale.dev/v1alpha1
kind: CloudAccount
metadata: {name: heroku}
spec: {type: Heroku, heroku: {apiKeySecretRef: {name: heroku, key: apiKey}, apiURL: "$cloud"}}
---
apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: shop-web, labels: {team: shop}}
spec:
  mode: ${1:-Recommend}
  pollPeriodSeconds: 5
  target: {type: HerokuFormation, herokuFormation: {accountRef: {name: heroku}, app: shop}}
  maxCapacity: 4
  metrics:
  - name: heartbeat
    source: {type: HTTPHeartbeat, httpHeartbeat: {url: "$cloud/heartbeat"}}
    strategy: {type: Threshold, threshold: {lower: 20, upper: 500}}
YAML
}
manifest >"$scratch/shop.yaml"

# What is served, and described.
expect 'scalingpolicies +spol +ottoscale.dev/v1alpha1 +true +ScalingPolicy' k api-resources
k explain spol --recursive >"$scratch/explain.log" || fail "explain"
for field in 'maxCapacity.*-required-' 'httpHeartbeat.*Object' 'stabilizationWindowSeconds.*integer' 'enum: Enforce, Recommend'; do
  says explain.log "$field" || fail "explain --recursive lacks '$field'"
done
expect 'In seconds, from 5 to 3600' k explain spol.spec.pollPeriodSeconds
expect 'name.*string' k explain cacct.metadata
expect 'How fast and how far' k explain scalingpolicy.spec.behavior

# Applied, twice the same; with the defaults of the schema.
expect 'scalingpolicy.ottoscale.dev/shop-web created' k apply -f "$scratch/shop.yaml"
expect 'shop-web (unchanged|configured)' k apply -f "$scratch/shop.yaml"  # defaults inside a list: kubectl sends the list again
expect '^1$' k get spol shop-web -o 'jsonpath={.metadata.generation}'
expect '^300 web 10000$' k get spol shop-web -o \
  'jsonpath={.spec.behavior.scaleIn.stabilizationWindowSeconds} {.spec.target.herokuFormation.processType} {.spec.metrics[0].source.httpHeartbeat.timeoutMilliseconds}'
expect 'condition met' k wait --for=condition=Ready spol/shop-web --timeout=30s
expect 'condition met' k wait --for=jsonpath='{.status.currentCapacity}'=2 spol/shop-web --timeout=30s

# Read: columns, selectors, descriptions.
expect '^NAME +MODE +TARGET +MIN +MAX +CURRENT +SET +DESIRED +METRICS +READY +ACTION +AGE' k get spol
expect '^shop-web +Recommend +heroku/shop/web +1 +4 +2 +2 ' k get spol
expect 'LAST SCALE +REASON +MESSAGE' k get spol -o wide
expect 'shop-web' k get spol -A -l team=shop --field-selector spec.target.type=HerokuFormation
expect 'No resources found' k get spol -l team=other
expect 'cloudaccount.ottoscale.dev/heroku' k get ottoscale -o name
expect 'TYPE +AGE' k get cacct heroku
expect 'Message:' k describe spol shop-web

# Changed in every way.
expect 'shop-web (edited|skipped)' env EDITOR='sed -i s/maxCapacity:.4/maxCapacity:\ 5/' bash -c "$(declare -f k port_of); kubectl=$kubectl scratch=$scratch; k edit spol shop-web"
expect '^5$' k get spol shop-web -o 'jsonpath={.spec.maxCapacity}'
sed 's/maxCapacity: 4/maxCapacity: 3/' "$scratch/shop.yaml" >"$scratch/changed.yaml"
if said=$(k diff -f "$scratch/changed.yaml"); then fail "diff found nothing: $said"; fi
grep -qE '^\+ +maxCapacity: 3' <<<"$said" || fail "diff: $said"
expect 'configured \(server dry run\)' k apply --dry-run=server -f "$scratch/changed.yaml"
expect '^5$' k get spol shop-web -o 'jsonpath={.spec.maxCapacity}'
expect 'shop-web configured' k apply -f "$scratch/changed.yaml"
expect 'patched' k patch spol shop-web --type=merge -p '{"spec":{"suspend":{"reason":"test"}}}'
expect '^All$' k get spol shop-web -o 'jsonpath={.spec.suspend.scope}'
expect 'patched' k patch spol shop-web --type=json -p '[{"op":"remove","path":"/spec/suspend"}]'
expect 'serverside-applied' k apply --server-side --force-conflicts -f "$scratch/shop.yaml"
expect 'labeled' k label spol shop-web tier=web
expect 'annotated' k annotate spol shop-web note=x

# Refused, in our words and with the path.
sed 's/maxCapacity: 4/maxCapcity: 4/' "$scratch/shop.yaml" >"$scratch/bad.yaml"
refuses 'unknown field "spec.maxCapcity"' k apply -f "$scratch/bad.yaml"
sed 's/maxCapacity: 4/maxCapacity: 4\n  minCapacity: 9/' "$scratch/shop.yaml" >"$scratch/bad.yaml"
refuses 'spec.minCapacity: .*must be less than or equal to maxCapacity \(4\), found 9' k apply -f "$scratch/bad.yaml"
refuses "spec.mode: .*must be 'Enforce' or 'Recommend', found 'Watch'" k patch spol shop-web --type=merge -p '{"spec":{"mode":"Watch"}}'
refuses 'NotFound' k get spol nosuch

# Watched, told of, deleted.
background watch.log "$kubectl" --server "http://127.0.0.1:$(port_of up.log API)" get spol -w
eventually 10 "the watch begins" says watch.log '^shop-web'
expect 'patched' k patch spol shop-web --type=merge -p '{"spec":{"mode":"Enforce"}}'
eventually 10 "the watch goes on" says watch.log '^shop-web +Enforce'
curl -fsS -X POST "$cloud/control?delay_ms=800" >/dev/null
eventually 60 "scaled out" says standin.log 'PATCH web 2 -> 3'
eventually 10 "the event" bash -c "$(declare -f k port_of); kubectl=$kubectl scratch=$scratch; k describe spol shop-web | grep -q ScaledOut"
expect 'ScaledOut' k get events
background events.log "$kubectl" --server "http://127.0.0.1:$(port_of up.log API)" get events -w
eventually 10 "the events are watched" says events.log 'ScaledOut'
expect 'deleted' k delete spol shop-web
refuses 'NotFound' k get spol shop-web
expect 'deleted' k delete -f "$scratch/shop.yaml" --ignore-not-found
echo ok
