"""The rights that the chart gives are the rights that the program uses: none missing, none too many (R8).

The program runs with the arguments that the chart renders, as a pod would: its account's token, the cluster's CA and its
namespace as files, the address of the server in the environment. The server's audit log says what it asked for.
"""
import json
import os
import pathlib
import urllib.request

import pytest
import yaml

import faulty_cloud
from cluster import Cluster, Process, eventually, free_ports
from prometheus import Prometheus
from shipped import CHART, expressions, helm, helms

OPERATOR = "ottoscale-system"
TENANT = "team-a"
ACCOUNT = f"system:serviceaccount:{OPERATOR}:ottoscale"
MODES = {
    "one namespace": {"watch": {"namespaces": [TENANT]}},
    "named secrets": {"watch": {"namespaces": [TENANT]}, "rbac": {"secretNames": ["heroku", "denied", "throttled", "poor"]}},
    "all namespaces": {"watch": {"allNamespaces": True}},
}
# What the program asks for. A right that is missing in the chart would be noticed only when it is needed.
NEEDED = {
    ("list", "ottoscale.dev", "scalingpolicies"),
    ("watch", "ottoscale.dev", "scalingpolicies"),
    ("patch", "ottoscale.dev", "scalingpolicies/status"),
    ("list", "ottoscale.dev", "cloudaccounts"),
    ("watch", "ottoscale.dev", "cloudaccounts"),
    ("get", "", "secrets"),
    ("create", "events.k8s.io", "events"),
    ("patch", "events.k8s.io", "events"),
    ("create", "coordination.k8s.io", "leases"),
    ("get", "coordination.k8s.io", "leases"),
    ("update", "coordination.k8s.io", "leases"),
}
# What the cluster's own role system:basic-user gives to everybody who logs in: to ask who one is and what one may.
EVERYBODYS = {
    ("create", "authentication.k8s.io", "selfsubjectreviews"),
    ("create", "authorization.k8s.io", "selfsubjectaccessreviews"),
}
# A pod's view of the file system, in a mount namespace of its own.
AS_A_POD = """
mount --make-rprivate / && mount -t tmpfs tmpfs /run
mkdir -p /run/secrets/kubernetes.io && cp -r "$0" /run/secrets/kubernetes.io/serviceaccount
exec "$@"
"""


@pytest.fixture
def cluster(tmp_path):
    with Cluster(tmp_path / "cluster") as one:
        for name in (OPERATOR, TENANT):
            one.kubectl("create", "namespace", name)
        yield one


@pytest.fixture
def cloud():
    one = faulty_cloud.Cloud()
    yield one
    one.close()


class Pod:
    """The program with the chart's arguments, under the chart's account."""

    def __init__(self, cluster, product, folder, name="one", *more):
        deployment = json.loads(cluster.kubectl("get", "deployment", "ottoscale", "-n", OPERATOR, "-o", "json").stdout)
        spec = deployment["spec"]["template"]["spec"]
        self.port = free_ports(1)[0]
        arguments = [f"--metrics-port={self.port}" if "metrics-port" in word else word for word in spec["containers"][0]["args"]]
        files = pathlib.Path(folder) / f"account-{name}"
        files.mkdir()
        token = cluster.kubectl("create", "token", spec["serviceAccountName"], "-n", OPERATOR, "--duration=1h").stdout.strip()
        (files / "token").write_text(token)
        (files / "ca.crt").write_text((cluster.folder / "ca.crt").read_text())
        (files / "namespace").write_text(OPERATOR)
        environment = {"PATH": os.environ["PATH"], "KUBERNETES_SERVICE_HOST": "127.0.0.1", "HOSTNAME": f"pod-{name}"}
        environment["KUBERNETES_SERVICE_PORT"] = str(cluster.port)
        command = ["unshare", "--mount", "sh", "-ec", AS_A_POD, files, product, *arguments, *more]
        self.process = Process(f"operator-{name}", command, pathlib.Path(folder) / f"operator-{name}.log", env=environment)
        self.process.start()

    def metrics(self):
        assert self.process.code is None, self.process.text()[-2000:]
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
            return answer.read().decode()


def install(cluster, cloud, values):
    common = {
        "metrics": {"listen": "127.0.0.1"},
        "limits": {"allowedEndpoints": [cloud.url], "allowedProbeCIDRs": ["127.0.0.0/8"]},
    }
    path = cluster.folder / "values.yaml"
    path.write_text(yaml.safe_dump(common | values))
    done = helm(helms()[-1], f"--kubeconfig={cluster.kubeconfig}", "install", "ottoscale", CHART, "-n", OPERATOR, "-f", path)
    assert done.returncode == 0, done.stderr
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    for name in ("heroku", "denied", "throttled", "poor"):
        cluster.kubectl("create", "secret", "generic", name, "-n", TENANT, f"--from-literal=apiKey=key-of-{name}-0123456789")
    cluster.apply(yaml.safe_dump_all(faulty_cloud.fleet(cloud.url)), TENANT)


def granted(cluster):
    """{(verb, group, resource, namespace or "*", name or "*")} of the account's Roles, as the server has them."""
    rights = set()
    for kind, scope in (("rolebindings", None), ("clusterrolebindings", "*")):
        for binding in json.loads(cluster.kubectl("get", kind, "-A", "-o", "json").stdout)["items"]:
            if not any(one.get("name") == "ottoscale" and one["kind"] == "ServiceAccount" for one in binding.get("subjects", [])):
                continue
            namespace = scope or binding["metadata"]["namespace"]
            role = binding["roleRef"]
            where = ["-n", namespace] if role["kind"] == "Role" else []
            rules = json.loads(cluster.kubectl("get", role["kind"].lower(), role["name"], *where, "-o", "json").stdout)["rules"]
            rights |= {
                (verb, group, resource, namespace, name)
                for rule in rules
                for verb in rule["verbs"]
                for group in rule["apiGroups"]
                for resource in rule["resources"]
                for name in rule.get("resourceNames", ["*"])
            }
    return rights


def asked(cluster):
    """The same of what the audit log has, and every request that was not allowed."""
    used, denied = set(), []
    for line in (cluster.folder / "audit.log").read_text().splitlines():
        event = json.loads(line)
        if event["user"]["username"] != ACCOUNT:
            continue
        if event.get("responseStatus", {}).get("code") in (401, 403):
            denied.append(f"{event['verb']} {event['requestURI']}")
        if "objectRef" not in event:
            continue
        ref = event["objectRef"]
        resource = ref["resource"] + (f"/{ref['subresource']}" if "subresource" in ref else "")
        used.add((event["verb"], ref.get("apiGroup", ""), resource, ref.get("namespace", "*"), ref.get("name", "*")))
    return used, denied


def covers(right, request):
    verb, group, resource, namespace, name = right
    same = (verb, group, resource) == request[:3]
    return same and namespace in ("*", request[3]) and name in ("*", request[4])


@pytest.mark.parametrize("mode", MODES)
def test_the_rights_are_exactly_those_that_are_used(cluster, cloud, product, tmp_path, mode):
    install(cluster, cloud, MODES[mode])
    rights = granted(cluster)
    assert {right[:3] for right in rights} == NEEDED
    pod = Pod(cluster, product, tmp_path)

    def every_right_is_used():
        assert pod.process.code is None, pod.process.text()[-2000:]
        used, denied = asked(cluster)
        assert denied == []
        unused = {right for right in rights if not any(covers(right, request) for request in used)}
        assert unused == set()
        return True

    eventually("every right is used", every_right_is_used, 120, 1)
    eventually("it scaled something", lambda: cloud.writes, 60)
    requests = [line for line in pod.metrics().splitlines() if line.startswith("rest_client_requests_total{")]
    assert requests and not [line for line in requests if 'code="403"' in line]
    assert 'leader_election_master_status{name="ottoscale"} 1' in pod.metrics()
    assert pod.process.terminate() == 0
    used, denied = asked(cluster)
    assert denied == []
    unknown = {request for request in used if not any(covers(right, request) for right in rights)}
    assert {request[:3] for request in unknown} <= EVERYBODYS


def test_policies_elsewhere_are_left_alone(cluster, cloud, product, tmp_path):
    install(cluster, cloud, MODES["one namespace"])
    cluster.kubectl("create", "namespace", "team-b")
    cluster.apply(yaml.safe_dump(faulty_cloud.policy("elsewhere", cloud.url, app="max")), "team-b")
    pod = Pod(cluster, product, tmp_path)
    eventually("it works", lambda: cloud.writes, 60)
    assert "elsewhere" not in pod.metrics()
    status = cluster.kubectl("get", "scalingpolicy", "elsewhere", "-n", "team-b", "-o", "jsonpath={.status}").stdout
    assert status == ""
    assert pod.process.terminate() == 0


def test_rules_of_the_operator_answer_when_rights_and_leader_are_lost(cluster, cloud, product, tmp_path):
    """The alerts that no cloud can provoke, on a real Prometheus."""
    install(cluster, cloud, MODES["one namespace"])
    first = Pod(cluster, product, tmp_path, "one")
    eventually("the first leads", lambda: 'leader_election_master_status{name="ottoscale"} 1' in first.metrics(), 60)
    second = Pod(cluster, product, tmp_path, "two")
    eventually("the second waits", lambda: 'leader_election_master_status{name="ottoscale"} 0' in second.metrics(), 60)
    prometheus = Prometheus(tmp_path / "prometheus", [f"127.0.0.1:{pod.port}" for pod in (first, second)])
    rules = {where.removeprefix("rule "): text for where, text in expressions() if where.startswith("rule ")}
    try:
        eventually("both are scraped", lambda: len(prometheus.query("up == 1")) == 2, 30)
        eventually("one leads", lambda: prometheus.query("sum(leader_election_master_status) == 1"), 30)
        assert prometheus.query(rules["OttoscaleNoLeader"]) == []
        assert prometheus.query("count by (policy) (ottoscale_policy_info) > 1") == [], "only the leader exports policies"

        cluster.kubectl("delete", "role", "ottoscale", "-n", TENANT)
        eventually("requests are refused", lambda: prometheus.query(rules["OttoscaleAPIServerRefuses"]), 90, 1)

        cluster.kubectl("delete", "role", "ottoscale-leader-election", "-n", OPERATOR)
        eventually("no one leads", lambda: prometheus.query(rules["OttoscaleNoLeader"]), 90, 1)
        first.process.kill()
        second.process.kill()
        eventually("it is down", lambda: prometheus.query(rules["OttoscaleDown"]), 30, 1)
    finally:
        prometheus.close()
        first.process.kill()
        second.process.kill()
