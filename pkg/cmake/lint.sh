#!/usr/bin/env bash
# Layout of every tracked source (clang-format), static analysis of the changed ones (clang-tidy).
#
#   pkg/cmake/lint.sh            analyses what differs from origin/main (without one: from the commit before this)
#   pkg/cmake/lint.sh --all      analyses every source
#   pkg/cmake/lint.sh FILE...    analyses these; a header is analysed in the sources of its folder that include it
#
# Needs build/asan for its compile commands and precompiled headers: makes it when it is not there.
set -u
cd "$(dirname "$0")/../.." || exit 2
build=build/asan
failed=0

mapfile -t sources < <(git ls-files -- 'pkg/*.cc' 'pkg/*.h' 'operator/*.cc' 'operator/*.h' 'test/*.cc' 'test/*.h')
echo "clang-format: ${#sources[@]} files"
printf '%s\n' "${sources[@]}" | xargs -P 2 -n 40 clang-format-19 --dry-run -Werror || failed=1

changed() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse --verify -q HEAD~1 || git rev-parse HEAD)
  git diff --name-only --diff-filter=d "$base" -- pkg operator test
  git ls-files --others --exclude-standard -- pkg operator test
}
# Reads names of files and gives the sources to analyse.
to_analyse() {
  while read -r file; do
    case $file in
      *.cc) echo "$file" ;;
      *.h) grep -lF "#include \"$file\"" "$(dirname "$file")"/*.cc 2>/dev/null ;;
    esac
  done | sort -u
}
case ${1:-} in
  --all) mapfile -t analysed < <(printf '%s\n' "${sources[@]}" | grep '\.cc$') ;;
  "") mapfile -t analysed < <(changed | to_analyse) ;;
  *) mapfile -t analysed < <(printf '%s\n' "$@" | to_analyse) ;;
esac

echo "clang-tidy: ${#analysed[@]} files"
if [ "${#analysed[@]}" -gt 0 ]; then
  [ -f "$build/build.ninja" ] ||
    cmake -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 -S . -B "$build" -DCMAKE_BUILD_TYPE=Debug \
      -DOTTOSCALE_SANITIZE=address,undefined >/dev/null || exit 1
  ninja -C "$build" precompiled precompiled_test >/dev/null || exit 1
  errors=$(mktemp)
  trap 'rm -f "$errors"' EXIT
  # It counts the warnings of foreign headers on stderr: shown only when something is wrong.
  printf '%s\n' "${analysed[@]}" | xargs -P 2 -n 1 clang-tidy-19 -p "$build" --quiet 2>"$errors" ||
    { failed=1 && grep -vE '(warnings|errors?)( and [0-9]+ errors?)? generated\.$|^$' "$errors"; }
fi

if [ "$failed" -eq 0 ]; then echo "lint: clean"; else echo "lint: see above"; fi
exit "$failed"
