# For the end-to-end scripts: a scratch folder, background processes that end with the script, waiting for facts.
set -euo pipefail
product=$1
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]:-}"; do [ -n "$pid" ] && kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

fail() {
  echo "FAIL: $*"
  for file in "$scratch"/*.log; do [ -f "$file" ] && { echo "--- $file"; tail -n 40 "$file"; }; done
  exit 1
}
# background LOG COMMAND...: starts it; its process id is $!.
background() {
  local log=$1
  shift
  "$@" >"$scratch/$log" 2>&1 &
  pids+=($!)
}
# eventually SECONDS WHAT COMMAND...: until the command succeeds.
eventually() {
  local limit=$1 what=$2
  shift 2
  for _ in $(seq $((limit * 5))); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.2
  done
  fail "not within $limit s: $what"
}
says() { grep -qE -- "$2" "$scratch/$1"; }
# The port behind "WORD http://127.0.0.1:PORT" in a log.
port_of() { sed -nE "s|.*$2[^0-9]*http://127.0.0.1:([0-9]+).*|\1|p" "$scratch/$1" | head -n 1; }
