#!/usr/bin/env bash
# Builds the two peers that Ottoscale is raced against. Prints two lines on stdout, and what it does on stderr:
#
#   controller-runtime PATH    the program
#   kopf PYTHON SCRIPT         the interpreter that has the pinned libraries, and the program
#
# What is built lies in ${XDG_CACHE_HOME:-~/.cache}/ottoscale/peers/, by the hash of its inputs: a second run builds
# nothing. A peer is put there only after its decision has passed threshold_cases.json. Go is $GO, that of the PATH, or
# the one that test/tools/build.sh has fetched; Python is $PYTHON or /usr/bin/python3.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home=${XDG_CACHE_HOME:-$HOME/.cache}/ottoscale
cache=$home/peers
python=${PYTHON:-/usr/bin/python3}

say() { printf 'peers: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# at_least HAVE WANT: compares "1.26.8" with "1.26.0".
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

# Sets GO to a Go that is new enough for go.mod.
find_go() {
  local wanted have go
  wanted=$(awk '$1 == "go" { print $2 }' "$here/controller-runtime/go.mod")
  for go in "${GO:-}" "$(command -v go || true)" "$home"/tools/go-*/bin/go; do
    [ -x "$go" ] || continue
    have=$(GOTOOLCHAIN=local "$go" env GOVERSION | sed 's/^go//')
    if at_least "$have" "$wanted"; then GO=$go && return 0; fi
    say "$go is $have, go.mod asks for $wanted"
  done
  die "no Go >= $wanted: put one on the PATH, name one in GO, or run test/tools/build.sh, which fetches one"
}

# digest FILE...: of the contents, in this order.
digest() { cat "$@" | sha256sum | cut -c1-12; }

build_controller_runtime() {
  local source=$here/controller-runtime work
  mapfile -t inputs < <(find "$source" -name '*.go' -o -name 'go.*' | sort)
  binary=$cache/controller-runtime-$(digest "${inputs[@]}" "$here/threshold_cases.json")
  if [ -x "$binary" ]; then return 0; fi
  find_go
  say "building controller-runtime ..."
  work=$(mktemp -d "$cache/.building.XXXXXX")
  (
    cd "$source"
    export CGO_ENABLED=0 GOFLAGS=-mod=readonly GOTOOLCHAIN=local GOWORK=off
    "$GO" test -trimpath . && "$GO" build -trimpath -ldflags='-s -w' -o "$work/peer" .
  ) >"$work/log" 2>&1 || {
    tail -n 20 "$work/log" >&2
    rm -rf "$work"
    die "controller-runtime was not built (above: what Go said). Is a Go module proxy reachable?"
  }
  mv "$work/peer" "$binary"
  rm -rf "$work"
}

build_kopf() {
  local wanted=$here/kopf/requirements.txt work
  environment=$cache/kopf-$( (cat "$wanted" && "$python" --version) | sha256sum | cut -c1-12)
  if [ ! -x "$environment/bin/python" ]; then
    say "installing kopf ..."
    work=$environment.building
    rm -rf "$work"
    "$python" -m venv "$work" >&2 || die "cannot make a Python environment: is python3-venv installed?"
    "$work/bin/python" -m pip install --quiet --disable-pip-version-check -r "$wanted" >&2 ||
      die "cannot install $wanted from PyPI: is the index reachable?"
    mv "$work" "$environment"
  fi
  (cd "$here/kopf" && "$environment/bin/python" -B decide_test.py) >&2 || die "kopf decides otherwise than threshold_cases.json"
}

mkdir -p "$cache" || die "cannot make the cache folder $cache"
exec 9>"$cache/lock"
flock 9
build_kopf
build_controller_runtime
echo "controller-runtime $binary"
echo "kopf $environment/bin/python $here/kopf/peer.py"
