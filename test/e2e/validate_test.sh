#!/usr/bin/env bash
# `ottoscale validate`: the examples are clean; ten mistakes are ten lines with their places and exit code 1.
. "$(dirname "$0")/lib.sh"
root=$(cd "$here/../.." && pwd)

"$product" validate "$root/deploy/examples" >"$scratch/examples.log" 2>&1 || fail "the examples"
says examples.log 'no mistakes' || fail "no summary"
cat >"$scratch/bad.yaml" <<'YAML'
apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: shop_web}
spec:
  mode: Enforced
  pollPeriodSeconds: 1
  target: {type: HerokuFormation, herokuFormation: {accountRef: {name: heroku}, ap: shop}}
  minCapacity: 7
  maxCapacity: 5
  maxCapactiy: 6
  schedule: {timeZone: America/Vancuover}
  metrics:
  - name: heartbeat
    source: {type: HTTPHeartbeat, httpHeartbeat: {url: "ftp://shop.example/"}}
    strategy: {type: Threshold, threshold: {lower: 1000, upper: 200, breachesToScaleOut: 0}}
YAML
"$product" validate "$scratch/bad.yaml" >"$scratch/stdout.log" 2>"$scratch/bad.log" && fail "mistakes ended with 0"
[ $? -ne 2 ] || true
for place in ':3:[0-9]+: metadata.name' ':5:9: spec.mode: .*Enforce' ':6:22: spec.pollPeriodSeconds' \
  'herokuFormation.*ap.*did you mean' ':8:[0-9]+: spec.minCapacity' ':10:3: spec.maxCapactiy: .*did you mean .maxCapacity' \
  'spec.schedule.timeZone' 'spec.metrics\[0\].source.httpHeartbeat.url' 'spec.metrics\[0\].strategy.threshold.*lower' \
  'spec.metrics\[0\].strategy.threshold.breachesToScaleOut'; do
  says bad.log "bad.yaml$place" || says bad.log "bad.yaml:[0-9]+:[0-9]+: .*$place" || fail "no line for $place"
done
[ ! -s "$scratch/stdout.log" ] || fail "problems belong on stderr"
"$product" validate "$scratch/absent" >/dev/null 2>"$scratch/absent.log" && fail "an absent path ended with 0"
says absent.log 'No such file' || fail "absent path"
"$product" validat >/dev/null 2>"$scratch/typo.log" && fail "a typo ended with 0"
says typo.log "did you mean 'validate'" || fail "no hint"
"$product" version | grep -q '^ottoscale 0' || fail "version"
echo ok
