#!/usr/bin/env python3
"""Where a policy that states nothing but a target stands among other autoscalers, on recorded loads.

    test/bench/front.py load.csv=600,50 ...    load.csv: `timestamp,rate` as `ottoscale simulate` reads it;
                                               600: what one instance serves, in the unit of the rate; 50: the maximum

Each series is run by `ottoscale simulate` on the plant of its defaults (`--print-plant`): once by a TargetTracking
policy with a target of 70 % of what an instance serves, a minimum of 1, the maximum, and the defaults of everything
else; and by every baseline of pkg/simulation/baselines with the same target. The front of the peers is made of those to
which no other peer is better in one of (server-hours, requests over capacity) and no worse in the other. No peers are
the oracle and the two static sizes, which know the series beforehand; they are printed, too.

Ends with 1 when a peer dominates the policy on a series.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROPHETS = ("oracle", "static-peak", "static-mean")
OURS = "ottoscale"

POLICY = """
apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {{name: default}}
spec:
  target: {{type: HerokuFormation, herokuFormation: {{accountRef: {{name: none}}, app: simulated}}}}
  minCapacity: 1
  maxCapacity: {maximum}
  metrics:
  - name: load
    source: {{type: HTTPHeartbeat, httpHeartbeat: {{url: "https://simulated.example/"}}}}
    basis: PerInstance
    strategy: {{type: TargetTracking, targetTracking: {{target: "{target:.12g}"}}}}
"""


@dataclass(frozen=True)
class Row:
    name: str
    hours: float
    over: float

    def dominates(self, other):
        no_worse = self.hours <= other.hours and self.over <= other.over
        return no_worse and (self.hours < other.hours or self.over < other.over)


def rows_of(program, series, capacity, maximum):
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as policy:
        policy.write(POLICY.format(maximum=maximum, target=0.7 * capacity))
        policy.flush()
        done = subprocess.run(
            [program, "simulate", "--policy", policy.name, "--series", series, "--series-metric", "load",
             "--capacity", str(capacity), "--baseline", "all", "-o", "json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{series}: {done.stderr.strip()}")
    report = json.loads(done.stdout)
    runs = [(OURS, report["policies"][0])] + [(run["name"], run) for run in report["baselines"]]
    return [Row(name, run["figures"]["serverHours"], run["figures"]["requestsOverCapacityPercent"]) for name, run in runs]


def describe(rows, markdown):
    """Prints one series, and says who dominates us."""
    peers = [row for row in rows if row.name not in (OURS, *PROPHETS)]
    ours = next(row for row in rows if row.name == OURS)
    better = [peer.name for peer in peers if peer.dominates(ours)]
    if markdown:
        print("| | server-hours | requests over capacity % | |\n|---|---|---|---|")
    for row in sorted(rows, key=lambda row: (row.hours, row.over)):
        if row.name in PROPHETS:
            note = "knows the series"
        elif row is ours:
            note = f"behind {', '.join(better)}" if better else "outside the front"
        else:
            note = "" if any(peer.dominates(row) for peer in peers) else "front"
        hours, over = f"{row.hours:.2f}", f"{row.over:.6f}"
        print(f"| {row.name} | {hours} | {over} | {note} |" if markdown else f"  {row.name:22}{hours:>10}{over:>12}  {note}")
    return better


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("series", nargs="+", metavar="FILE=CAPACITY,MAX")
    parser.add_argument("--ottoscale", default=str(ROOT / "build" / "ottoscale"), help="the program (build/ottoscale)")
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    args = parser.parse_args()
    behind = 0
    for each in args.series:
        file, _, numbers = each.rpartition("=")
        try:
            capacity, maximum = numbers.split(",")
            rows = rows_of(args.ottoscale, file, float(capacity), int(maximum))
        except ValueError:
            parser.error(f"'{each}' is not FILE=CAPACITY,MAX, such as load.csv=600,50")
        print(f"\n{Path(file).name}: {capacity} an instance, at most {maximum}\n")
        behind += bool(describe(rows, args.markdown))
    if behind:
        print(f"\nbehind a peer on {behind} of {len(args.series)} series")
    sys.exit(1 if behind else 0)


if __name__ == "__main__":
    main()
