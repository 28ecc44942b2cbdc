#!/usr/bin/env bash
# The architecture check finds what it should: a small sound tree passes, and each of its copies with one violation fails
# with the sentence that belongs to it.
set -u
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 cases=0

sound_tree() {
  rm -rf "$work/tree"
  mkdir -p "$work"/tree/{pkg/base,pkg/async,pkg/http,pkg/policy,pkg/codec,pkg/cmake,operator,test/architecture,test/contracts,test/scenarios}
  cd "$work/tree" || exit 2
  printf '# plan\npkg/base:\npkg/async: pkg/base\npkg/codec: pkg/base\npkg/http: pkg/base pkg/async\npkg/policy: pkg/base\noperator: pkg/base pkg/http pkg/policy\n' >pkg/FLOORS
  cp "$here/headers" test/architecture/headers
  printf '# list\npkg/async/loop.cc   the clock\n' >test/architecture/clock_files
  printf '#include "pkg/base/text.h"\n#include "absl/strings/str_cat.h"\nint Rand(); // rand() and absl::Now() in a comment\nint strand(int);\n' >pkg/base/text.h
  printf '#include <boost/asio.hpp>\n#include "pkg/base/text.h"\nauto now = clock_gettime(1);\n' >pkg/async/loop.cc
  printf '#include "pkg/async/loop.h"\n#include <boost/beast/http.hpp>\nauto a = loop.random().time();\n' >pkg/http/server.cc
  printf '#include "test/contracts/wire.h"\n#include "pkg/http/server.h"\nSleep(1);\n' >pkg/http/server_test.cc
  printf '#include "pkg/http/server.h"\n#include "operator/plot.h"\n#include <CLI/CLI.hpp>\n' >operator/main.cc
  printf '#include "pkg/policy/policy.h"\n#include "test/contracts/wire.h"\n' >test/scenarios/run_test.cc
  printf '#include "yaml-cpp/parser.h"\nYAML::Parser p;\n' >pkg/codec/yaml.cc
  printf 'struct Policy {};\n' >pkg/policy/policy.h
  printf 'target_link_libraries(x)\n' >pkg/cmake/floors.cmake
  printf 'include(floors)\n' >CMakeLists.txt
}

# finds SENTENCE COMMAND...: the tree after COMMAND has this finding.
finds() {
  local sentence=$1 output status
  shift
  cases=$((cases + 1))
  sound_tree
  "$@"
  output=$("$here/check.sh" "$work/tree" 2>&1)
  status=$?
  if [ "$status" -eq 0 ] || ! grep -qF -- "$sentence" <<<"$output"; then
    printf 'NOT FOUND (status %s): %s\n  after: %s\n%s\n' "$status" "$sentence" "$*" "$output"
    failed=1
  fi
}
append() { printf '%s\n' "$2" >>"$1"; }

sound_tree
if ! output=$("$here/check.sh" "$work/tree" 2>&1); then
  printf 'a sound tree does not pass:\n%s\n' "$output"
  failed=1
fi

# Floors.
finds 'pkg/base/text.h:5: pkg/base may not include pkg/http' append pkg/base/text.h '#include "pkg/http/server.h"'
finds 'pkg/policy may not include pkg/async' append pkg/policy/policy.h '  #  include "pkg/async/loop.h"'
finds 'operator may not include pkg/async' append operator/main.cc '#include "pkg/async/loop.h"'
finds 'pkg/http may not include test/contracts' append pkg/http/server.cc '#include "test/contracts/wire.h"'
finds 'pkg/http may not include test/scenarios' append pkg/http/server_test.cc '#include "test/scenarios/world.h"'
finds 'test/scenarios may not include test/simulation' append test/scenarios/run_test.cc '#include "test/simulation/world.h"'
finds '"loop.h" is not a full path' append pkg/async/loop.cc '#include "loop.h"'
finds 'pkg/base may not use pkg/http: it does not stand above' sed -i 's/^pkg\/base:/pkg\/base: pkg\/http/' pkg/FLOORS
finds 'pkg/base may not use pkg/base' sed -i 's/^pkg\/base:/pkg\/base: pkg\/base/' pkg/FLOORS
finds 'pkg/async stands twice' append pkg/FLOORS 'pkg/async: pkg/base'
finds 'pkg/async names pkg/base twice' sed -i 's/^pkg\/async:.*/pkg\/async: pkg\/base pkg\/base/' pkg/FLOORS
finds 'there is no folder pkg/gone' append pkg/FLOORS 'pkg/gone: pkg/base'
finds 'a line is `folder: folders`' append pkg/FLOORS 'pkg/gone pkg/base'
finds 'pkg/policy has no line in pkg/FLOORS' sed -i '/^pkg\/policy/d' pkg/FLOORS

# Libraries at home.
finds '<cpprest/...> may be included only in pkg/http/cloud_client.cc' append pkg/http/server.cc '#include <cpprest/http_client.h>'
finds '<boost/beast...> may be included only in pkg/http' append pkg/async/loop.cc '#include <boost/beast/core.hpp>'
finds '<boost/...> may be included only in' append pkg/policy/policy.h '#include <boost/asio.hpp>'
finds '<yaml-cpp/...> may be included only in' append pkg/codec/json.cc '#include "yaml-cpp/yaml.h"'
finds 'YAML:: may be used only in' append pkg/codec/json.cc 'YAML::Node node;'
finds '<prometheus/...> may be included only in pkg/telemetry' append pkg/http/server.cc '#include <prometheus/registry.h>'
finds '<spdlog/...> may be included only in' append pkg/http/server.cc '#include <spdlog/spdlog.h>'
finds '<CLI/...> may be included only in operator' append pkg/http/server.cc '#include <CLI/CLI.hpp>'
finds '<nlohmann/...> may be included only in other folders than' append pkg/policy/policy.h '#include <nlohmann/json.hpp>'
finds 'nlohmann:: may be used only in other folders than' append pkg/policy/policy.h 'nlohmann::json value;'
finds 'boost:: may be used only in' append pkg/policy/policy.h 'using X = ::boost::asio::io_context;'

# Clocks, threads, chance, environment.
while read -r code; do
  finds 'pkg/policy/policy.h:2: reads a clock' append pkg/policy/policy.h "$code"
done <<'CODE'
auto now = absl::Now();
auto now = std::chrono::system_clock::now();
auto now = std::chrono::steady_clock::now();
clock_gettime(CLOCK_BOOTTIME, &now);
auto now = time(nullptr);
std::thread t([] {});
std::jthread t([] {});
auto f = std::async(Work);
std::random_device device;
int x = rand();
int x = std::rand();
std::srand(seed);
const char* home = getenv("HOME");
const char* home = ::secure_getenv("HOME");
sleep(1);
usleep(10);
std::this_thread::sleep_for(d);
std::this_thread::sleep_until(t);
CODE
finds 'pkg/policy/policy.h is not there or needs none of this' append test/architecture/clock_files 'pkg/policy/policy.h  because'
finds 'pkg/async/loop.cc has no reason' sed -i 's/ *the clock//' test/architecture/clock_files

# Links, and what is unfinished. (The words are put together here, so that this file does not contain them.)
finds 'only pkg/cmake/floors.cmake links libraries' append CMakeLists.txt 'target_link_libraries(ottoscale_base PUBLIC zlib)'
finds 'only pkg/cmake/floors.cmake links libraries' append pkg/http/CMakeLists.txt 'target_link_libraries (x y)'
finds 'pkg/policy/policy.h:2:' append pkg/policy/policy.h "// TO""DO later"
finds 'operator/notes.md:1:' append operator/notes.md "FIX""ME"

echo "$cases violations tried"
exit "$failed"
