#!/usr/bin/env python3
"""The race: the main job on a real kube-apiserver, done by Ottoscale, by a controller-runtime operator and by a kopf one.

    race.py [--policies 1000] [--poll 30] [--seconds 120] [--swinging 20] [--of ottoscale,controller-runtime,kopf] [--idle]

Each contender in turn gets a fresh etcd and kube-apiserver, the same policies and the same simulated Heroku
(test/bench/cloud.cc), and is watched for `--seconds` after a warm-up (`--warm-up`). What is counted:

  CPU        user and system time of the contender's process, from /proc
  polls      heartbeats that reached the cloud
  RSS        at the end, and the highest ever (VmHWM)
  lateness   how much later than due polls began, as the contender itself counts it
  API        requests that kube-apiserver answered, without those of this program, per policy and minute
  wake       from kube-apiserver's answer to an edit of a policy to the first request to the cloud that it causes
  start      from the start of the process to its first request to the cloud

Figures of single runs on one machine: the ratios say more than the seconds.
"""
import argparse
import concurrent.futures
import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "test/e2e"))

from cluster import Cluster, Process, eventually, free_ports, send  # noqa: E402
from running import PRODUCT, install  # noqa: E402

CLOUD = os.environ.get("BENCH_CLOUD", str(ROOT / "build/bench_cloud"))
POLICIES_OF_A_NAMESPACE = 200
POLICIES_OF_AN_ACCOUNT = 50  # 50 policies, 3 requests a poll, 2 polls a minute: 300 of the 600 requests allowed a minute
TICKS = os.sysconf("SC_CLK_TCK")
GROUP = "/apis/ottoscale.dev/v1alpha1"


class Cloud:
    def __init__(self, folder, apps, swinging):
        self.process = Process("cloud", [CLOUD, apps, swinging], folder / "cloud.log").start()
        port = eventually("the cloud listens", lambda: re.search(r"listening (\d+)", self.process.text()))[1]
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path, method="GET"):
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def counts(self):
        return self.get("/bench/counts")


class Usage:
    """What a process has used so far."""

    def __init__(self, pid):
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        self.cpu = (int(stat[11]) + int(stat[12])) / TICKS
        status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
        self.rss, self.peak = (int(status[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))


def objects(cloud, count, poll):
    """(path, manifest) of everything the contenders need, namespaces first."""
    heroku = {"apiURL": cloud.url, "requestsPerMinute": 600}
    for number in range(count):
        namespace = f"team-{number // POLICIES_OF_A_NAMESPACE}"
        account = number // POLICIES_OF_AN_ACCOUNT
        if number % POLICIES_OF_A_NAMESPACE == 0:
            yield 0, "/api/v1/namespaces", {"metadata": {"name": namespace}}
        if number % POLICIES_OF_AN_ACCOUNT == 0:
            name = f"heroku-{account}"
            yield 1, f"/api/v1/namespaces/{namespace}/secrets", {
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"apiKey": f"key-{account}"}}
            yield 1, f"{GROUP}/namespaces/{namespace}/cloudaccounts", {
                "apiVersion": "ottoscale.dev/v1alpha1", "kind": "CloudAccount", "metadata": {"name": name},
                "spec": {"type": "Heroku", "heroku": heroku | {"apiKeySecretRef": {"name": name, "key": "apiKey"}}}}
        yield 2, f"{GROUP}/namespaces/{namespace}/scalingpolicies", {
            "apiVersion": "ottoscale.dev/v1alpha1", "kind": "ScalingPolicy", "metadata": {"name": f"app-{number}"},
            "spec": {
                "pollPeriodSeconds": poll,
                "target": {"type": "HerokuFormation", "herokuFormation": {
                    "accountRef": {"name": f"heroku-{account}"}, "app": f"app-{number}"}},
                "maxCapacity": 2,
                "metrics": [{"name": "heartbeat", "suddenDrop": "Accept",
                             "source": {"type": "HTTPHeartbeat", "httpHeartbeat": {
                                 "url": f"{cloud.url}/heartbeat/app-{number}", "timeoutMilliseconds": 5000}},
                             "strategy": {"type": "Threshold", "threshold": {
                                 "lower": 50, "upper": 200, "breachesToScaleOut": 1, "breachesToScaleIn": 1}}}],
                "behavior": {"settleSeconds": 0, "scaleIn": {"stabilizationWindowSeconds": 0, "policies": []}}}}


def create(cluster, wanted):
    def post(batch):
        with contextlib.closing(cluster.connect(60)) as connection:
            for path, manifest in batch:
                answer = send(connection, "POST", path, manifest)
                assert answer.status == 201, f"{path}: {answer.status} {answer.text[:300]}"

    for step in (0, 1, 2):
        rows = [(path, manifest) for which, path, manifest in wanted if which == step]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(post, [rows[i::4] for i in range(4)]))


def answered(cluster):
    """Requests that kube-apiserver has answered, by verb and resource; its own (to itself) left out."""
    found = {}
    for line in cluster.request("GET", "/metrics").text.splitlines():
        match = re.match(r"apiserver_request_total\{(.*)\} (\S+)", line)
        if not match:
            continue
        labels = dict(re.findall(r'(\w+)="([^"]*)"', match[1]))
        if labels["resource"] in ("scalingpolicies", "cloudaccounts", "events", "secrets", "notificationchannels"):
            key = f"{labels['verb']} {labels['resource']}{'/' + labels['subresource'] if labels['subresource'] else ''}"
            found[key] = found.get(key, 0) + float(match[2])
    return found


# ---- contenders: what is started, and how it tells its lateness ----


class Ottoscale:
    name = "ottoscale"
    watches = True

    def __init__(self, cluster, cloud, folder, flags=()):
        self.port = free_ports(1)[0]
        kubeconfig = install(cluster, "default", "watch.allNamespaces=true")
        self.process = Process(self.name, [
            PRODUCT, "operator", "--kubeconfig", kubeconfig, "--listen", "127.0.0.1", "--metrics-port", self.port,
            "--allow-endpoint", cloud.url, "--probe-allow-cidr", "127.0.0.0/8", "--log-format", "logfmt",
            "--leader-election-namespace", "default", *flags],
            folder / "ottoscale.log", env={"PATH": os.environ["PATH"], "POD_NAME": "ottoscale"})

    def metrics(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as response:
            return response.read().decode()

    def mark(self):
        return self.metrics()

    def lateness(self, before, after):
        """p50 and p99 by linear interpolation in the histogram's buckets, as histogram_quantile does."""
        def buckets(text):
            return [(float(bound), float(count)) for bound, count in
                    re.findall(r'^ottoscale_reconcile_lag_seconds_bucket\{[^}]*le="([^"]+)"[^}]*\} (\S+)', text, re.M)]

        rows = [(bound, late - early) for (bound, late), (_, early) in zip(buckets(after), buckets(before))]

        def quantile(share):
            rank, low, below = share * rows[-1][1], 0.0, 0.0
            for bound, count in rows:
                if count >= rank:
                    return low if bound == float("inf") else low + (bound - low) * (rank - below) / max(count - below, 1e-9)
                low, below = bound, count
            return low

        stall = re.search(r"^ottoscale_event_loop_longest_stall_seconds(?:\{[^}]*\})? (\S+)", after, re.M)
        errors = sum(float(one) for one in re.findall(
            r'^controller_runtime_reconcile_errors_total\{[^}]*\} (\S+)', after, re.M))
        return {"lateness_p50_ms": 1000 * quantile(0.5), "lateness_p99_ms": 1000 * quantile(0.99), "errors": errors,
                **({"longest_stall_ms": 1000 * float(stall[1])} if stall else {})}


class Peer:
    def __init__(self, cluster, cloud, folder):
        out = subprocess.run([ROOT / "test/bench/peers/build.sh"], capture_output=True, text=True, check=True).stdout
        command = next(line.split()[1:] for line in out.splitlines() if line.startswith(self.name + " "))
        if len(command) == 2:
            command.insert(1, "-B")
        self.out = folder / f"{self.name}.jsonl"
        self.process = Process(self.name, [*command, "--kubeconfig", cluster.kubeconfig, "--metrics-out", self.out],
                               folder / f"{self.name}.log", env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]})

    def mark(self):
        before = self.out.read_text().count("\n") if self.out.exists() else 0
        self.process.signal(signal.SIGUSR1)
        eventually("it tells its figures", lambda: self.out.exists() and self.out.read_text().count("\n") > before)
        return json.loads(self.out.read_text().splitlines()[-1])

    def lateness(self, _, after):
        late = after["requested_lateness_ms"]
        return {"lateness_p50_ms": late["p50"], "lateness_p99_ms": late["p99"], "errors": after["errors"]}


class ControllerRuntime(Peer):
    name = "controller-runtime"
    watches = True


class Kopf(Peer):
    name = "kopf"
    watches = False  # a daemon sees an edit at its next poll


CONTENDERS = {one.name: one for one in (Ottoscale, ControllerRuntime, Kopf)}


def run(contender, options, folder):
    with Cluster(folder / "cluster") as cluster, contextlib.ExitStack() as stack:
        cluster.apply_crds()
        cloud = Cloud(folder, options.policies, options.swinging)
        stack.callback(cloud.process.kill)
        create(cluster, list(objects(cloud, options.policies, options.poll)))
        time.sleep(3)  # kube-apiserver settles
        racer = contender(cluster, cloud, folder)
        stack.callback(racer.process.kill)
        started = time.time()
        racer.process.start()
        try:
            first = eventually("it asks the cloud", lambda: cloud.counts()["first"], 120, 0.02)
            time.sleep(options.warm_up or 1.5 * options.poll)
            early, used, seen = racer.mark(), Usage(racer.process.pid), cloud.counts()
            asked, at = answered(cluster), time.monotonic()
            time.sleep(options.seconds)
            late, now, counts = racer.mark(), Usage(racer.process.pid), cloud.counts()
            asked_now, seconds = answered(cluster), time.monotonic() - at
            if racer.process.code is not None:
                raise AssertionError(f"{racer.name} ended")
        except AssertionError:
            print(racer.process.text()[-3000:], file=sys.stderr)
            raise
        woken = wakes(cluster, cloud, options) if racer.watches else {}
        polls, cpu = counts["heartbeats"] - seen["heartbeats"], now.cpu - used.cpu
        requests = {key: asked_now[key] - asked.get(key, 0) for key in asked_now if asked_now[key] > asked.get(key, 0)}
        return {
            "name": racer.name, "policies": options.policies, "seconds": round(seconds, 1), "polls": polls,
            "polls_of_planned": polls / (options.policies * seconds / options.poll),
            "cpu_percent": 100 * cpu / seconds, "cpu_ms_per_poll": 1000 * cpu / max(polls, 1),
            "rss_mib": now.rss, "peak_rss_mib": now.peak, "start_s": first - started,
            **racer.lateness(early, late), **woken, "cloud_writes": counts["writes"] - seen["writes"],
            "api_per_policy_minute": sum(requests.values()) / options.policies / (seconds / 60),
            "api_requests": dict(sorted(requests.items()))}


def wakes(cluster, cloud, options, edits=100):
    """Edits policies one by one, from the last of them, which do not swing."""
    late = []
    with contextlib.closing(cluster.connect()) as connection:
        for number in range(options.policies - 1, max(options.policies - 1 - edits, options.swinging), -1):
            path = f"{GROUP}/namespaces/team-{number // POLICIES_OF_A_NAMESPACE}/scalingpolicies/app-{number}"
            cloud.get(f"/bench/watch?app-{number}", "POST")
            answer = send(connection, "PATCH", path, {"spec": {"maxCapacity": 3}}, {"Content-Type": "application/merge-patch+json"})
            at = time.time()
            assert answer.status == 200, answer.text
            try:
                seen = eventually("the edit is acted on", lambda: cloud.get("/bench/seen"), 10, 0.005)
            except AssertionError:
                seen = at + 10  # a contender that is behind with everything: it counts as so late, and once is enough
            late.append(max(0.0, 1000 * (seen - at)))
            if late[-1] >= 10000:
                break
            time.sleep(0.05)
    late.sort()
    return {"wake_p50_ms": late[len(late) // 2], "wake_p99_ms": late[int(len(late) * 0.99) - 1]} if late else {}


COLUMNS = [("name", "{}"), ("polls", "{}"), ("polls_of_planned", "{:.2f}"), ("cpu_percent", "{:.1f}"), ("cpu_ms_per_poll", "{:.2f}"),
           ("rss_mib", "{:.0f}"), ("peak_rss_mib", "{:.0f}"), ("lateness_p50_ms", "{:.1f}"), ("lateness_p99_ms", "{:.1f}"),
           ("longest_stall_ms", "{:.0f}"), ("wake_p50_ms", "{:.1f}"), ("wake_p99_ms", "{:.1f}"), ("start_s", "{:.2f}"), ("api_per_policy_minute", "{:.2f}"), ("cloud_writes", "{}"),
           ("errors", "{:.0f}")]


def idle(folder):
    """RSS in MiB of Ottoscale with nothing to do, after ten seconds."""
    with Cluster(folder / "cluster") as cluster, contextlib.ExitStack() as stack:
        cluster.apply_crds()
        cloud = Cloud(folder, 0, 0)
        stack.callback(cloud.process.kill)
        racer = Ottoscale(cluster, cloud, folder)
        stack.callback(racer.process.kill)
        racer.process.start()
        eventually("it leads", lambda: "leader_election_master_status" in racer.metrics(), 60)
        time.sleep(10)
        return Usage(racer.process.pid).rss


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policies", type=int, default=1000)
    parser.add_argument("--poll", type=int, default=30, help="seconds")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--warm-up", type=int, help="seconds (default: a poll and a half); thousands write their first status in it")
    parser.add_argument("--swinging", type=int, default=20, help="apps that scale out and in for ever")
    parser.add_argument("--of", default=",".join(CONTENDERS), help="with commas: who runs, in this order")
    parser.add_argument("--json", help="write the figures there as well")
    parser.add_argument("--keep", help="folder for logs (default: thrown away)")
    parser.add_argument("--idle", action="store_true", help="also the memory of an operator with nothing to do")
    options = parser.parse_args()
    rows = []
    with contextlib.ExitStack() as stack:
        root = pathlib.Path(options.keep or stack.enter_context(tempfile.TemporaryDirectory()))
        for name in options.of.split(","):
            folder = root / name
            folder.mkdir(parents=True)
            rows.append(run(CONTENDERS[name], options, folder))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(rows, indent=1) + "\n")
    shown = [[head for head, _ in COLUMNS]] + [[form.format(row[key]) if key in row else "-" for key, form in COLUMNS] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown)]
    if options.idle:
        with tempfile.TemporaryDirectory() as folder:
            print(f"ottoscale with no policy: {idle(pathlib.Path(folder)):.1f} MiB RSS")
    for line in shown:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths)))


if __name__ == "__main__":
    main()
