#!/usr/bin/env bash
# `ottoscale up` beside a name server that never answers: 100 policies whose heartbeat's name hangs neither slow the one
# policy that is well nor hold up the exit.
#
# The process gets a mount and a network of its own, in which /etc/resolv.conf names a silent server on port 53. That
# takes root, or user namespaces: without either it is skipped (status 77).
if [ -z "${OTTOSCALE_OWN_NETWORK:-}" ]; then
  for user in "" --map-root-user; do
    # shellcheck disable=SC2086
    if unshare $user --mount --net true 2>/dev/null; then
      exec env OTTOSCALE_OWN_NETWORK=1 unshare $user --mount --net "$0" "$@"
    fi
  done
  echo "cannot make a network namespace: neither root nor user namespaces"
  exit 77
fi
. "$(dirname "$0")/lib.sh"

ip link set lo up
hanging=100
# Asked once a name, it is asked for 150 s before the resolver gives up.
printf 'nameserver 127.0.0.1\noptions timeout:30 attempts:5\n' >"$scratch/resolv.conf"
printf 'hosts: files dns\n' >"$scratch/nsswitch.conf"
mount --bind "$scratch/resolv.conf" /etc/resolv.conf || { echo "cannot mount a resolv.conf"; exit 77; }
mount --bind "$scratch/nsswitch.conf" /etc/nsswitch.conf || { echo "cannot mount an nsswitch.conf"; exit 77; }

export HEROKU_API_KEY=any-key-of-the-stand-in
background standin.log python3 "$here/heroku_standin.py" "$HEROKU_API_KEY"
background names.log python3 "$here/silent_name_server.py"
eventually 10 "the stand-in" says standin.log '^listening'
eventually 10 "the name server" says names.log '^listening'
cloud=http://127.0.0.1:$(sed -n 's/^listening //p' "$scratch/standin.log")
curl -fsS -X POST "$cloud/control?delay_ms=800" >/dev/null

mkdir "$scratch/policies"
# policy NAME APP URL POLL_SECONDS TIMEOUT_MILLISECONDS
policy() {
  cat <<YAML
---
apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: $1}
spec:
  pollPeriodSeconds: $4
  target: {type: HerokuFormation, herokuFormation: {accountRef: {name: heroku}, app: $2, processType: web}}
  maxCapacity: 4
  metrics:
  - name: heartbeat
    source: {type: HTTPHeartbeat, httpHeartbeat: {url: "$3", timeoutMilliseconds: $5}}
    strategy: {type: Threshold, threshold: {lower: 20, upper: 500, breachesToScaleOut: 2, breachesToScaleIn: 2}}
  behavior: {settleSeconds: 0}
YAML
}
{
  cat <<YAML
apiVersion: ottoscale.dev/v1alpha1
kind: CloudAccount
metadata: {name: heroku}
spec: {type: Heroku, heroku: {apiKeySecretRef: {name: heroku, key: apiKey}, apiURL: "$cloud"}}
YAML
  for number in $(seq "$hanging"); do
    policy "hangs-$number" "still-$number" "http://name-$number.example/" 60 60000
  done
  policy well shop "${cloud/127.0.0.1/localhost}/heartbeat" 5 3000
} >"$scratch/policies/all.yaml"

background up.log "$product" up --policies "$scratch/policies" --secret heroku/apiKey=env:HEROKU_API_KEY \
  --metrics-port 0 --api-port 0 --allow-endpoint "$cloud" --probe-allow-cidr 127.0.0.0/8 \
  --probe-allow-cidr ::1/128 --log-format logfmt
operator=$!
eventually 20 "up is ready" says up.log 'API +http://'
asked() { [ "$(sort -u "$scratch/names.log" | grep -c '^asked name-')" -ge "$hanging" ]; }
eventually 40 "every name is being asked for" asked
eventually 40 "the policy that is well scales beside them" says standin.log 'PATCH web 3 -> 4'
beats() { [ "$(grep -c '^heartbeat' "$scratch/standin.log")" -ge "$1" ]; }
eventually 40 "six heartbeats of the policy that is well" beats 6

# It is read every 5 s, from its first heartbeat to now.
sed -n 's/^heartbeat //p' "$scratch/standin.log" | awk '
  NR > 1 && $1 - last > 7 { print "a gap of " $1 - last " s between heartbeats"; late = 1 }
  { last = $1 }
  END { exit late }' || fail "the hanging names slow the policy that is well"

[ "$(find "/proc/$operator/task" -mindepth 1 -maxdepth 1 | wc -l)" -gt "$hanging" ] || fail "the names do not hang"
start=$(date +%s%N)
kill -TERM "$operator"
wait "$operator" && code=0 || code=$?
took=$((($(date +%s%N) - start) / 1000000))
[ "$code" -eq 0 ] || fail "SIGTERM ended with $code after $took ms"
[ "$took" -le 3000 ] || fail "SIGTERM took $took ms"
echo "ok: SIGTERM took $took ms beside $hanging hanging names"
