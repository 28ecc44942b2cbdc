#!/usr/bin/env bash
# Holds the architecture: check.sh [ROOT]. Prints one line a finding, and fails if there is any.
#
#   pkg/FLOORS        is in order (so: no cycles), and every #include "..." of pkg/ and operator/ obeys it
#   headers           third-party libraries are used only where that table says
#   clock_files       only these files read clocks, threads, chance or the environment
#   floors.cmake      only it links libraries, so that the linker sees the same list
#   no unfinished business is left in a comment
set -u
shopt -s lastpipe  # `finding` at the end of a pipe sets `failed` here
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}" || exit 2
failed=0

finding() {  # prints what it reads; that there is something is a failure
  local found
  found=$(cat)
  [ -z "$found" ] && return
  echo "$found"
  failed=1
}

folders=()
for folder in pkg operator test; do [ -d "$folder" ] && folders+=("$folder"); done

# Every folder of the plan is there; otherwise the plan is a fiction.
sed -n 's/^\([a-z][a-z/_]*\):.*/\1/p' pkg/FLOORS | while read -r floor; do
  [ -d "$floor" ] || echo "pkg/FLOORS: there is no folder $floor"
done | finding

mapfile -t sources < <(find "${folders[@]}" -name '*.cc' -o -name '*.h' | sort)
awk -f "$here/check.awk" pkg/FLOORS test/architecture/headers test/architecture/clock_files "${sources[@]}" || failed=1

find . -path ./build -prune -o \( -name CMakeLists.txt -o -name '*.cmake' \) -print | sed 's|^\./||' |
  grep -v '^pkg/cmake/floors\.cmake$' | xargs -r grep -nE '(target_link_libraries|link_libraries|target_link_options) *\(' /dev/null |
  sed 's/$/: only pkg\/cmake\/floors.cmake links libraries/' | finding

find . \( -path ./build -o -path ./.git -o -path ./test/architecture \) -prune -o -type f -size -512k -print | sed 's|^\./||' |
  xargs -r grep -nIwE 'TODO|FIXME|XXX|HACK' /dev/null | sed 's/$/: finish it, or say in words what is missing/' | finding

exit "$failed"
