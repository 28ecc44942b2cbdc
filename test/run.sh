#!/usr/bin/env bash
# Every suite: installs what is missing, builds the product and the instrumented tests, runs everything, and ends with the
# plain line "N passed, N failed" (", N skipped" when something could not run, each named above it).
# In CI (CI=true) a skip is a failure.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0 bad=()

say() { printf '\n== %s\n' "$*"; }
finish() {
  if [ "${CI:-}" = true ] && [ "$skipped" -gt 0 ]; then
    failed=$((failed + skipped)) skipped=0
    bad+=("skips are failures in CI")
  fi
  for name in "${bad[@]}"; do echo "NOT PASSED: $name"; done
  if [ "$skipped" -gt 0 ]; then echo "$passed passed, $failed failed, $skipped skipped"; else echo "$passed passed, $failed failed"; fi
  [ "$failed" -eq 0 ]
  exit
}
# check NAME COMMAND...: one check that passes or fails as a whole; with status 77 it says that it cannot run here, and why.
check() {
  local name=$1 log status
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1
  status=$?
  case $status in
    0) passed=$((passed + 1)) && echo "ok   $name" ;;
    77)
      skipped=$((skipped + 1)) && bad+=("$name (skipped: $(tail -n 1 "$log"))")
      echo "SKIP $name: $(tail -n 1 "$log")"
      ;;
    *)
      failed=$((failed + 1)) && bad+=("$name")
      echo "FAIL $name" && tail -n 60 "$log"
      ;;
  esac
  rm -f "$log"
}
# suite BINARY [ARGUMENTS]: a GoogleTest binary; counts its tests, names what failed or was skipped.
suite() {
  local name log start status p f s
  name=$(basename "$1" _test)
  log=$(mktemp) start=$SECONDS
  "$@" >"$log" 2>&1
  status=$?
  p=$(grep -c '^\[       OK \]' "$log") f=$(grep -c '^\[  FAILED  \] .*(.* ms)$' "$log") s=$(grep -c '^\[  SKIPPED \] .*(.* ms)$' "$log")
  if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1 && bad+=("$name ended with status $status"); fi
  if [ "$status" -eq 0 ] && [ "$((p + s))" -eq 0 ]; then f=1 && bad+=("$name ran no test"); fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  printf '%-4s %-28s %5d passed %3d failed %3d skipped %4d s\n' "$([ "$f" -eq 0 ] && echo ok || echo FAIL)" "$name" "$p" "$f" "$s" $((SECONDS - start))
  grep -E '^\[(orders|seeds|worlds|mutants)\]' "$log"
  if [ "$f" -gt 0 ]; then tail -n 80 "$log"; fi
  while read -r line; do bad+=("$line"); done < <(sed -n 's/^\[  \(FAILED\|SKIPPED \)  *\] \(.*\) (.* ms)$/\2/p' "$log" | tr -d ']')
  rm -f "$log"
}

# pytests FOLDER: the pytest suites of a folder, under the Python that pkg/cmake/debian-packages furnishes; counts their tests, names what failed or was skipped.
pytests() {
  local log start status p f s
  log=$(mktemp) start=$SECONDS
  /usr/bin/python3 -m pytest -q -rfEs --durations=8 "$1" >"$log" 2>&1
  status=$?
  count() { sed -n 's/^\(.* \)\?\([0-9][0-9]*\) '"$1"'.* in [0-9.]*s.*/\2/p' "$log" | tail -1; }
  p=$(count passed) f=$(count failed) s=$(count skipped)
  p=${p:-0} f=$((${f:-0} + $(count error | grep . || echo 0))) s=${s:-0}
  if [ "$status" -ne 0 ] && [ "$f" -eq 0 ]; then f=1 && bad+=("$1 ended with status $status"); fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  printf '%-4s %-28s %5d passed %3d failed %3d skipped %4d s\n' "$([ "$f" -eq 0 ] && echo ok || echo FAIL)" "$1" "$p" "$f" "$s" $((SECONDS - start))
  if [ "$f" -gt 0 ]; then tail -n 150 "$log"; fi
  while read -r line; do bad+=("$line"); done < <(sed -n 's/^\(FAILED\|ERROR\|SKIPPED\) /&/p' "$log")
  rm -f "$log"
}

say "set-up"
pkg/cmake/install-packages.sh build test || { failed=1 bad+=("set-up"); finish; }

check "real servers: kube-apiserver, etcd, kubectl, Helm" test/tools/build.sh

say "build"
configure() { cmake -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 -S . "$@"; }
check "configure product and worlds (optimised)" configure -B build -DCMAKE_BUILD_TYPE=Release -DOTTOSCALE_TESTS=ON
check "build product and worlds" cmake --build build --target ottoscale simulation_test
check "configure tests (ASan+UBSan)" configure -B build/asan -DCMAKE_BUILD_TYPE=Debug -DOTTOSCALE_SANITIZE=address,undefined
check "build tests" cmake --build build/asan
[ "$failed" -eq 0 ] || finish

say "architecture"
check "floors, clocks, third-party headers" test/architecture/check.sh
check "crds/ is what make generate writes" crds/generate.py --check
check "the architecture check finds what it should" test/architecture/check_test.sh

say "suites (ASan+UBSan)"
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 OTTOSCALE_WORLDS=${OTTOSCALE_ASAN_WORLDS:-40}
for binary in build/asan/tests/*_test; do suite "$binary"; done

say "worlds (optimised, 1,000 seeds)"
OTTOSCALE_WORLDS=${OTTOSCALE_FAST_WORLDS:-1000} suite build/tests/simulation_test

say "end to end (the product)"
for script in test/e2e/*_test.sh; do check "$(basename "$script" _test.sh)" "$script" "$PWD/build/ottoscale"; done

say "against the real kube-apiserver, Helm and Prometheus"
for folder in test/conformance test/e2e; do pytests "$folder"; done
finish
