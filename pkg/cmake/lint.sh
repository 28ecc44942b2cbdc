#!/usr/bin/env bash
# Layout of every source (clang-format), static analysis (clang-tidy) of what has not been found clean as it is.
#
#   pkg/cmake/lint.sh            every source
#   pkg/cmake/lint.sh --changed  what differs from origin/main (without one: from the last commit)
#   pkg/cmake/lint.sh --again    every source, also what was found clean before
#   pkg/cmake/lint.sh FILE...    these; a header stands for the sources of its folder that include it
#
# A source is clean until it, a header of ours below it, .clang-tidy or the analyser changes: build/lint has a stamp for
# each clean source, the list of all those files with their hashes. A new header of a library does not count: --again.
# Needs build/asan for its compile commands and precompiled headers: makes it when it is not there.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=build/asan stamps=build/lint
failed=0

mapfile -t files < <(git ls-files --cached --others --exclude-standard -- {pkg,operator,test}/'*.'{cc,h} | sort -u |
  while read -r file; do [ -f "$file" ] && echo "$file"; done)
echo "clang-format: ${#files[@]} files"
printf '%s\n' "${files[@]}" | xargs -P 2 -n 40 clang-format-19 --dry-run -Werror || failed=1

changed() {
  git diff --name-only --diff-filter=d "$(git merge-base HEAD origin/main 2>/dev/null || echo HEAD)" -- pkg operator test
  git ls-files --others --exclude-standard -- pkg operator test
}
# Reads names of files and gives the sources to analyse.
sources() {
  while read -r file; do
    case $file in
      *.cc) echo "$file" ;;
      *.h) grep -lF "#include \"$file\"" "$(dirname "$file")"/*.cc 2>/dev/null ;;
    esac
  done | sort -u
}
# Writes for each source SOURCE.now: the hashes of what its findings depend on.
inputs() {
  local tool
  tool=$(clang-tidy-19 --version | tr -s ' \n' ' ')
  { sha256sum "${files[@]}" .clang-tidy && grep -H '^#include "' "${files[@]}"; } | awk -v tool="$tool" -v stamps="$stamps" '
    $1 ~ /:#include$/ { from = substr($1, 1, index($1, ":") - 1); below[from] = below[from] " " substr($2, 2, length($2) - 2); next }
    { hash[$2] = $1; order[++count] = $2 }
    function visit(file,   list, n, i) {
      if (file in seen || !(file in hash)) return
      seen[file] = 1
      n = split(below[file], list, " ")
      for (i = 1; i <= n; ++i) visit(list[i])
    }
    END {
      for (s = 1; s <= count; ++s) {
        if (order[s] !~ /\.cc$/) continue
        delete seen
        visit(order[s]); seen[".clang-tidy"] = 1
        name = order[s]; gsub("/", ":", name); out = stamps "/" name ".now"
        print tool >out
        for (i = 1; i <= count; ++i) if (order[i] in seen) print hash[order[i]], order[i] >out
        close(out)
      }
    }'
}
# One source. What the analyser writes on stderr counts the warnings of foreign headers: shown when something is wrong.
analyse() {
  local log=$stamps/${1//\//:}
  if clang-tidy-19 -p "$build" --quiet "$1" >"$log.log" 2>&1; then
    mv "$log.now" "$log.clean"
    return 0
  fi
  grep -vE '(warnings|errors?)( and [0-9]+ errors?)? generated\.$|^$' "$log.log"
  return 1
}
export -f analyse
export build stamps

case ${1:-} in
  "" | --again) mapfile -t wanted < <(printf '%s\n' "${files[@]}" | sources) ;;
  --changed) mapfile -t wanted < <(changed | sources) ;;
  *) mapfile -t wanted < <(printf '%s\n' "$@" | sources) ;;
esac
mkdir -p "$stamps"
if [ "${1:-}" = --again ]; then rm -f "$stamps"/*; fi
inputs
todo=()
for source in "${wanted[@]}"; do
  stamp=$stamps/${source//\//:}
  cmp -s "$stamp.now" "$stamp.clean" || todo+=("$source")
done
echo "clang-tidy: ${#todo[@]} of ${#wanted[@]} files (the others were found clean)"
if [ "${#todo[@]}" -gt 0 ]; then
  [ -f "$build/build.ninja" ] ||
    cmake -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 -S . -B "$build" -DCMAKE_BUILD_TYPE=Debug \
      -DOTTOSCALE_SANITIZE=address,undefined >/dev/null || exit 1
  ninja -C "$build" precompiled precompiled_test >/dev/null || exit 1
  # shellcheck disable=SC2016
  printf '%s\n' "${todo[@]}" | xargs -P "${LINT_JOBS:-2}" -I FILE bash -c 'analyse "$1"' analyse FILE || failed=1
fi
rm -f "$stamps"/*.now "$stamps"/*.log

if [ "$failed" -eq 0 ]; then echo "lint: clean"; else echo "lint: see above"; fi
exit "$failed"
