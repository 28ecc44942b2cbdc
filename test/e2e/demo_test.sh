#!/usr/bin/env bash
# The demo, as a newcomer sees it: ports said, scaled out within 30 s, in within 120 s, clean metrics, clean end.
. "$(dirname "$0")/lib.sh"

start=$SECONDS
background demo.log "$product" demo --for 130s --plain
demo=$!
eventually 10 "the API's address" says demo.log 'API +http://'
eventually 5 "the address of /metrics" says demo.log 'metrics +http://'
metrics=$(port_of demo.log metrics) api=$(port_of demo.log API)

eventually 30 "the first scale-out" says demo.log 'is above 1000 ms for 3 of 3 samples: 1 → 2 dynos'
[ $((SECONDS - start)) -le 30 ] || fail "the first scale-out took $((SECONDS - start)) s"
curl -fsS "http://127.0.0.1:$metrics/metrics" >"$scratch/metrics.txt"
promtool check metrics <"$scratch/metrics.txt" >"$scratch/promtool.log" 2>&1 || fail "promtool"
grep -q '^ottoscale_policy_desired_capacity{policy_namespace="default",policy="demo-shop"} [23]$' "$scratch/metrics.txt" ||
  fail "no desired capacity in /metrics"
curl -fsS "http://127.0.0.1:$metrics/healthz" >/dev/null || fail "healthz"
curl -fsS "http://127.0.0.1:$metrics/readyz" >/dev/null || fail "readyz"
curl -fsS "http://127.0.0.1:$api/apis/ottoscale.dev/v1alpha1/scalingpolicies" >"$scratch/policies.json"
grep -q 'is above 1000 ms' "$scratch/policies.json" || fail "the API does not say why"

eventually $((120 - (SECONDS - start))) "the first scale-in" says demo.log 'is below 200 ms for 5 of 5 samples: [23] → [12] dynos'
wait "$demo" && status=0 || status=$?
[ "$status" -eq 0 ] || fail "demo --for ended with $status"
says demo.log 'changes' || fail "no summary"

background interrupted.log "$product" demo --plain
demo=$!
eventually 10 "the second demo" says interrupted.log 'metrics +http://'
kill -INT "$demo"
wait "$demo" && status=0 || status=$?
[ "$status" -eq 0 ] || fail "Ctrl-C ended with $status"
says interrupted.log 'changes' || fail "no summary after Ctrl-C"
echo ok
