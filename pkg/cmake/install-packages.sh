#!/bin/sh
# Installs what debian-packages lists for the named sets: `install-packages.sh build test`.
# Idempotent: does nothing, quickly, when everything is there. Needs root or sudo only when something is missing.
set -eu
here=$(dirname "$0")
sets=" $* "
missing=""
while read -r name minimum set _; do
  case "$name" in ""|\#*) continue ;; esac
  case "$sets" in *" $set "*) ;; *) continue ;; esac
  have=$(dpkg-query -W -f='${Status} ${Version}' "$name" 2>/dev/null | sed -n 's/^install ok installed //p')
  if [ -z "$have" ] || { [ "$minimum" != - ] && ! dpkg --compare-versions "$have" ge "$minimum"; }; then
    missing="$missing $name"
  fi
done < "$here/debian-packages"
if [ -z "$missing" ]; then
  echo "packages: everything for$(printf ' %s' "$@") is installed"
  exit 0
fi
echo "packages: installing$missing"
run=""
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "packages: not root and no sudo: install them yourself: apt-get install$missing" >&2; exit 1; }
  run=sudo
fi
export DEBIAN_FRONTEND=noninteractive
$run apt-get update -qq
# shellcheck disable=SC2086
$run apt-get install -y -qq --no-install-recommends $missing >/dev/null
echo "packages: done"
