#!/usr/bin/env bash
# `make bench`: installs and builds what the figures need, prints the cost of a decision, and runs the race (its arguments).
set -eu
cd "$(dirname "$0")/../.."
pkg/cmake/install-packages.sh build test bench
test/tools/build.sh >/dev/null
cmake -G Ninja -DCMAKE_CXX_COMPILER=clang++-19 -S . -B build -DCMAKE_BUILD_TYPE=Release -DOTTOSCALE_TESTS=ON >/dev/null
cmake --build build --target bench_cloud decide_benchmark year_benchmark
for each in decide year; do
  build/${each}_benchmark --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
done
exec /usr/bin/python3 test/bench/race.py --idle "$@"
