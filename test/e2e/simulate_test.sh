#!/usr/bin/env bash
# `ottoscale simulate`: its outputs against golden files, the same bytes twice, its exit codes, and a sentence for every
# mistake. UPDATE=1 writes the golden file anew.
. "$(dirname "$0")/lib.sh"
files=$here/simulate
cd "$files"

# expect CODE LOG ARGUMENTS...: runs simulate; stdout to LOG.out, stderr to LOG.log.
expect() {
  local code=$1 log=$2 found=0
  shift 2
  "$product" simulate "$@" >"$scratch/$log.out" 2>"$scratch/$log.log" </dev/null || found=$?
  [ "$found" -eq "$code" ] || fail "simulate $*: ended with $found, expected $code"
}
# refuses CODE PATTERN ARGUMENTS...: one sentence on stderr, nothing on stdout.
refuses() {
  local code=$1 pattern=$2
  shift 2
  expect "$code" refused "$@"
  [ ! -s "$scratch/refused.out" ] || fail "simulate $*: wrote to stdout"
  says refused.log "$pattern" || fail "simulate $*: no sentence like $pattern"
}

expect 0 first --policy policy.yaml --series load.csv --capacity 100 -o json
[ -z "${UPDATE:-}" ] || cp "$scratch/first.out" report.json
diff -u report.json "$scratch/first.out" || fail "the JSON differs from the golden file"
[ ! -s "$scratch/first.log" ] || fail "words on stderr"
expect 0 second --policy policy.yaml --series load.csv --capacity 100 -o json
cmp "$scratch/first.out" "$scratch/second.out" || fail "two runs differ"
"$product" simulate --policy policy.yaml --series - --capacity 100 -o json <load.csv >"$scratch/piped.out" || fail "a pipe"
sed 's/standard input/load.csv/' "$scratch/piped.out" | cmp - report.json || fail "a pipe gives another result"
for key in serverHours requestsOverCapacityPercent thetaUPercent thetaOPercent tauUPercent tauOPercent instabilityPercent \
  adaptations reversals longestUnderSeconds; do
  grep -q "\"$key\": " "$scratch/first.out" || fail "no $key"
done

expect 0 text --policy policy.yaml --series load.csv --capacity 100
tr -s '\n ' ' ' <"$scratch/text.out" >"$scratch/text.flat"  # lines are wrapped
for words in 'heartbeat reads the response time' 'one instance serves 100 requests per minute' '1 gap without samples' '█ load' \
  'desired dynos' 'It scaled out' 'serverHours'; do
  grep -q "$words" "$scratch/text.flat" || fail "the text does not say: $words"
done
! grep -q $'\x1b' "$scratch/text.out" || fail "colours in a pipe"

expect 0 files --policy policy.yaml --series load.csv --capacity 100 --timeline "$scratch/t.csv" --html "$scratch/r.html" -o json
[ "$(head -n 1 "$scratch/t.csv")" = timestamp,load,ready,ordered,responseMilliseconds,samples,action,reason,message ] ||
  fail "the timeline's header"
passes=$(grep -o '"passes": [0-9]*' "$scratch/files.out" | grep -o '[0-9]*')
[ "$(wc -l <"$scratch/t.csv")" -eq $((passes + 1)) ] || fail "the timeline has not one row a pass"
grep -q 'ScaleOut,ThresholdBreached' "$scratch/t.csv" || fail "no scale-out in the timeline"
# The one address that is left is the name of SVG.
! grep -vF http://www.w3.org/2000/svg "$scratch/r.html" | grep -qE '(src|href)=|https?://|@import|url\(' ||
  fail "the page needs the network"
grep -q 'id="data">{' "$scratch/r.html" || fail "the page has no data"

expect 0 two --policy policy.yaml --against other.yaml#predecessor --series load.csv --capacity 100 --baseline all -o json
[ "$(grep -c '"serverHours": ' "$scratch/two.out")" -gt 10 ] || fail "no baselines"
grep -q 'predecessor is in mode Recommend; it is run as if it were enforced' "$scratch/two.out" || fail "no note on Recommend"
expect 0 table --policy policy.yaml --against other.yaml#predecessor --series load.csv --capacity 100 --baseline hpa
grep -q 'by instance hours' "$scratch/table.out" || fail "no comparison"

expect 0 metric --policy other.yaml#by-load --series load.csv --series-metric requests
tr -s '\n ' ' ' <"$scratch/metric.out" >"$scratch/metric.flat"
grep -q '95.2 is assumed, so that the peak takes 6 instances at 70 %' "$scratch/metric.flat" || fail "the assumption is not said"
grep -q 'requests reads the load (requests per minute)' "$scratch/metric.flat" || fail "what a metric reads is not said"

expect 0 tracked --policy other.yaml#tracking --series load.csv --series-metric requests -o json \
  --assert 'requestsOverCapacityPercent<0.2' --assert 'adaptations>2'
grep -q '100 is assumed, of which the target of .requests. is 70 %' "$scratch/tracked.out" || fail "no assumption of a target"
expect 0 holds --policy policy.yaml --series load.csv --capacity 100 --assert 'adaptations>=1' -o json
expect 3 misses --policy policy.yaml --series load.csv --capacity 100 --assert 'adaptations>=1' --assert 'serverHours<0.5' -o json
says misses.log 'serverHours < 0.5 does not hold: found [0-9.]+' || fail "the miss does not say what was found"
grep -q '"holds": false' "$scratch/misses.out" || fail "the JSON does not have the miss"

expect 0 plant --print-plant
expect 0 printed --policy policy.yaml --series load.csv --capacity 100 --plant "$scratch/plant.out" -o json
cmp "$scratch/printed.out" report.json || fail "the printed defaults are not the defaults"

refuses 2 'needs --policy' --series load.csv
refuses 2 'needs --series' --policy policy.yaml
refuses 2 "did you mean 'serverHours'" --policy policy.yaml --series load.csv --assert 'serverHour<1'
refuses 2 "did you mean 'hpa" --policy policy.yaml --series load.csv --baseline hpaa
refuses 2 "the policy has no metric 'x'" --policy policy.yaml --series load.csv --series-metric x
refuses 2 'capacity' --policy policy.yaml --series load.csv --capacity 0
refuses 2 'gap' --policy policy.yaml --series load.csv --gap soon
refuses 2 "did you mean '--series'" --policy policy.yaml --serie load.csv
refuses 1 'absent.yaml.*No such file' --policy absent.yaml --series load.csv
refuses 1 'absent.csv: No such file' --policy policy.yaml --series absent.csv
refuses 1 'other.yaml: has 3 policies' --policy other.yaml --series load.csv
refuses 1 "has no ScalingPolicy 'x': it has 'predecessor', 'by-load' and 'tracking'" --policy other.yaml#x --series load.csv
printf '0,1\n60,-2\n' >"$scratch/bad.csv"
refuses 1 "bad.csv: line 2: value '-2' is negative" --policy policy.yaml --series "$scratch/bad.csv"
printf 'boot: {type: Fixed, fixed: {second: 3}}\n' >"$scratch/bad.yaml"
refuses 1 "bad.yaml:1:[0-9]+: boot.fixed.second: .*did you mean .seconds" --policy policy.yaml --series load.csv \
  --plant "$scratch/bad.yaml"
printf '0,1\n40000000000,1\n' >"$scratch/long.csv"
refuses 1 'more than 100 million steps' --policy policy.yaml --series "$scratch/long.csv"
refuses 1 'nowhere/r.html: No such file' --policy policy.yaml --series load.csv --html "$scratch/nowhere/r.html"
sed 's/maxCapacity: 6/maxCapactiy: 6/' policy.yaml >"$scratch/typo.yaml"
refuses 1 "typo.yaml:[0-9]+:[0-9]+: spec.maxCapactiy: .*did you mean" --policy "$scratch/typo.yaml" --series load.csv
echo ok
