"""`ottoscale operator` as a pod of the chart would run it, against a real kube-apiserver and a Heroku stand-in."""
import os
import re
import subprocess
import sys
import urllib.request

import yaml

from cluster import ROOT, Process, eventually, tool

PRODUCT = os.environ.get("OTTOSCALE", str(ROOT / "build/ottoscale"))
KEY = "canary-77c1d0e5-not-in-any-output"
POLICIES = "/apis/ottoscale.dev/v1alpha1/namespaces/%s/scalingpolicies"


class Cloud:
    """The Heroku stand-in. `writes` is what it was asked to change, in order."""

    def __init__(self, folder, name="cloud"):
        self._process = Process(name, [sys.executable, ROOT / "test/e2e/heroku_standin.py", KEY], folder / f"{name}.log").start()
        match = eventually("the stand-in listens", lambda: re.search(r"^listening (\d+)", self._process.text(), re.M))
        self.url = f"http://127.0.0.1:{match[1]}"

    def set(self, **state):
        query = "&".join(f"{name}={value}" for name, value in state.items())
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/control?{query}", method="POST"), timeout=10).close()

    @property
    def writes(self):
        """[("web", from, to)]."""
        return [(kind, int(a), int(b)) for kind, a, b in re.findall(r"PATCH (\w+) (\d+) -> (\d+)", self._process.text())]

    @property
    def refused(self):
        return self._process.text().count("PATCH refused")

    def close(self):
        self._process.kill()


def install(cluster, namespace, *values):
    """The chart's service account and rights (with `values`, "a.b=c"), and nothing else of it. The kubeconfig of the account."""
    rendered = subprocess.run([tool("helm4"), "template", "ottoscale", ROOT / "charts/ottoscale", "-n", namespace,
                               "--set", f"fullnameOverride=ottoscale-{namespace}", "--set", "crds.enabled=false",
                               *(word for value in values for word in ("--set", value))],
                              capture_output=True, text=True, check=True).stdout
    wanted = {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}
    objects = [one for one in yaml.safe_load_all(rendered) if one and one["kind"] in wanted]
    cluster.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=yaml.safe_dump_all(objects))
    account = next(one["metadata"]["name"] for one in objects if one["kind"] == "ServiceAccount")
    return cluster.service_account_kubeconfig(namespace, account)


class Operator:
    """One replica. Its flags are those of the tests; `flags` are more."""

    def __init__(self, kubeconfig, folder, cloud, *flags, name="operator", namespace="default"):
        arguments = [PRODUCT, "operator", "--kubeconfig", kubeconfig, "--listen", "127.0.0.1", "--metrics-port", "0",
                     "--allow-endpoint", cloud.url, "--probe-allow-cidr", "127.0.0.0/8", "--log-format", "logfmt",
                     "--leader-election-namespace", namespace, "--watch-namespaces", namespace, *flags]
        self.process = Process(name, arguments, folder / f"{name}.log", env={"PATH": os.environ["PATH"], "POD_NAME": name})

    def start(self):
        self.process.start()
        return self

    @property
    def log(self):
        return self.process.text()

    @property
    def url(self):
        return eventually("the operator says its port", lambda: re.findall(r"http://127\.0\.0\.1:\d+", self.log))[-1]

    def metrics(self):
        with urllib.request.urlopen(self.url + "/metrics", timeout=10) as response:
            return response.read().decode()


def manifests(cloud, name="shop-web", app="shop", process="web", spec="", url=None):
    """A policy with short times."""
    return f"""
apiVersion: ottoscale.dev/v1alpha1
kind: CloudAccount
metadata: {{name: heroku}}
spec: {{type: Heroku, heroku: {{apiKeySecretRef: {{name: heroku, key: apiKey}}, apiURL: "{cloud.url}", requestsPerMinute: 600}}}}
---
""" + policy(cloud, name, app, process, spec, url)


def policy(cloud, name="shop-web", app="shop", process="web", spec="", url=None):
    return f"""
apiVersion: ottoscale.dev/v1alpha1
kind: ScalingPolicy
metadata: {{name: {name}}}
spec:
  pollPeriodSeconds: 5
  target: {{type: HerokuFormation, herokuFormation: {{accountRef: {{name: heroku}}, app: {app}, processType: {process}}}}}
  maxCapacity: 4
  metrics:
  - name: heartbeat
    source: {{type: HTTPHeartbeat, httpHeartbeat: {{url: "{url or cloud.url + '/heartbeat'}", timeoutMilliseconds: 3000}}}}
    strategy: {{type: Threshold, threshold: {{lower: 20, upper: 500, breachesToScaleOut: 1, breachesToScaleIn: 1}}}}
  behavior: {{settleSeconds: 0, scaleIn: {{stabilizationWindowSeconds: 0, policies: []}}}}
{spec}
"""


def secret(cluster, namespace, key=KEY):
    answer = cluster.request("PATCH", f"/api/v1/namespaces/{namespace}/secrets/heroku?fieldManager=test&force=true",
                             {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "heroku"}, "stringData": {"apiKey": key}},
                             {"Content-Type": "application/apply-patch+yaml"})
    assert answer.status in (200, 201), answer.text


def status_of(cluster, namespace, name="shop-web"):
    answer = cluster.request("GET", f"{POLICIES % namespace}/{name}")
    return answer.json.get("status", {}) if answer.status == 200 else {}


def condition(status, kind):
    """"True Reason" of a condition; "" without it."""
    return next((f"{one['status']} {one['reason']}: {one['message']}" for one in status.get("conditions", []) if one["type"] == kind), "")
