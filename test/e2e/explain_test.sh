#!/usr/bin/env bash
# `ottoscale explain`: what a running `up` decided, stage by stage, for people and as JSON; from standard input; and every
# way to be wrong with its exit code.
. "$(dirname "$0")/lib.sh"

key=canary-1c7e5b3a9f204d68-not-in-any-output
export HEROKU_API_KEY=$key
background standin.log python3 "$here/heroku_standin.py" "$key"
eventually 10 "the stand-in" says standin.log '^listening'
cloud=http://127.0.0.1:$(sed -n 's/^listening //p' "$scratch/standin.log")
curl -fsS -X POST "$cloud/control?delay_ms=800" >/dev/null
mkdir "$scratch/policies"
# policy NAME STRATEGY: in Recommend, so that several may look at one target.
policy() {
  cat >"$scratch/policies/$1.yaml" <<YAML
apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: $1}
spec:
  mode: Recommend
  pollPeriodSeconds: 5
  target: {type: HerokuFormation, herokuFormation: {accountRef: {name: heroku}, app: shop}}
  maxCapacity: 4
  metrics:
  - name: heartbeat
    source: {type: HTTPHeartbeat, httpHeartbeat: {url: "$cloud/heartbeat", timeoutMilliseconds: 3000}}
    strategy: $2
YAML
}
cat >"$scratch/policies/account.yaml" <<YAML
apiVersion: ottoscale.dev/v1alpha1
kind: CloudAccount
metadata: {name: heroku}
spec: {type: Heroku, heroku: {apiKeySecretRef: {name: heroku, key: apiKey}, apiURL: "$cloud"}}
YAML
policy shop-web '{type: Threshold, threshold: {lower: 20, upper: 500, breachesToScaleOut: 1}}'
policy tracked '{type: TargetTracking, targetTracking: {target: 400}}'
policy stepped '{type: StepTable, stepTable: {steps: [{upper: 20, change: -1}, {lower: 500, change: 2}], breachesToScaleOut: 1}}'
policy promised '{type: LatencyGoal, latencyGoal: {goalMilliseconds: 400, serviceMilliseconds: 50}}'
background up.log "$product" up --policies "$scratch/policies" --secret heroku/apiKey=env:HEROKU_API_KEY --metrics-port 0 \
  --api-port 0 --allow-endpoint "$cloud" --probe-allow-cidr 127.0.0.0/8
eventually 10 "up is ready" says up.log 'API +http://'
server=http://127.0.0.1:$(port_of up.log API)

explained() { "$product" explain shop-web --server "$server" >"$scratch/words.log" 2>&1 && says words.log "$1"; }
eventually 30 "a decision" explained '^WouldScaleOut 2 → 3: [A-Z][A-Za-z]+, 20'
says words.log '^default/shop-web: heroku/shop/web, Recommend$' || fail "the head"
says words.log '^  heartbeat +[0-9.]+ ms +AboveUpper' || fail "the metric"
says words.log '^  Strategy +heartbeat +2 → 3 +ThresholdBreached +what the metric asks for' || fail "the strategy's stage"
says words.log '^  Mode .*RecommendOnly' || fail "the last stage"

says words.log '^What would change it, as of 20' || fail "the counterfactual"
says words.log '^  heartbeat +at 500 ms +instead of [0-9.]+ ms +2 +WithinThresholds +at once' || fail "the nearest value"

# Why not 4? One step leads to 3, whatever is read.
"$product" explain shop-web --server "$server" --why-not 4 >"$scratch/whynot.log" || fail "--why-not"
says whynot.log '^Why not 4$' || fail "why not 4"
says whynot.log '^  The metrics ask for 3 ' || fail "what the metrics ask for"
says whynot.log '^  heartbeat: no reading of it alone$' || fail "no reading leads to 4"
"$product" explain shop-web --server "$server" --why-not 3 >"$scratch/whynot.log" || fail "--why-not"
says whynot.log '^  That is what was decided\.$' || fail "3 is what was decided"

"$product" explain default/shop-web --server "$server/" -o json --why-not 2 >"$scratch/explained.json" || fail "as JSON"
python3 - "$scratch/explained.json" <<'PY' || fail "the JSON"
import json, sys
told = json.load(open(sys.argv[1]))
assert told["name"] == "shop-web" and told["current"] is True, told
assert told["decision"]["action"] == "WouldScaleOut" and told["decision"]["stages"], told
nearest = told["counterfactual"]["metrics"][0]["below"]["atOnce"]
assert nearest["value"] == 500 and nearest["to"] == 2, told
assert told["whyNot"]["capacity"] == 2 and told["whyNot"]["metrics"][0]["nearest"] == nearest, told
PY
curl -fsS "$server/apis/ottoscale.dev/v1alpha1/scalingpolicies" | "$product" explain - >"$scratch/list.log" || fail "a list"
says list.log '^WouldScaleOut 2 → 3' || fail "a list has the policy in it"

# Each strategy asks for more, in its own words.
for row in tracked=OffTarget stepped=StepReached promised=LatencyAboveGoal; do
  name=${row%=*}
  "$product" explain "$name" --server "$server" >"$scratch/$name.log" || fail "explain $name"
  says "$name.log" '^WouldScaleOut 2 → [34]: ' || fail "$name does not scale out"
  says "$name.log" "^  Strategy +heartbeat +2 → [0-9]+ +${row#*=} " || fail "$name does not say ${row#*=}"
done

# ends CODE SAYS ARGUMENTS...
ends() {
  local code=$1 sentence=$2 got=0
  shift 2
  "$product" explain "$@" >"$scratch/out.log" 2>"$scratch/wrong.log" </dev/null || got=$?
  [ "$got" -eq "$code" ] || fail "explain $*: ended with $got, not $code"
  says wrong.log "$sentence" || fail "explain $*: no '$sentence'"
  [ ! -s "$scratch/out.log" ] || fail "explain $*: a mistake on stdout"
}
ends 1 'there is no ScalingPolicy default/shop-wep on http' shop-wep --server "$server"
ends 1 'there is no ScalingPolicy other/shop-web' shop-web -n other --server "$server"
ends 4 'ottoscale: .+' shop-web --server http://127.0.0.1:1
ends 2 'excludes' shop-web --server "$server" --context x
ends 2 'policy is required' --server "$server"
ends 2 'why-not' shop-web --server "$server" --why-not many
KUBECONFIG=$scratch/absent ends 2 'ottoscale up' shop-web
ends 1 'is empty' -
grep -q "$key" "$scratch"/*.log && fail "the key got out"
echo ok
