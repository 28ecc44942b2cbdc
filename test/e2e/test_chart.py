"""The chart by both majors of Helm against a real kube-apiserver. There is no kubelet: `Nodes` plays one, and runs the program
where a test needs it to run."""
import copy
import json
import pathlib
import subprocess
import tempfile
import threading
import time

import pytest
import yaml

from cluster import Cluster
from shipped import CHART, DEPLOY, ROOT, helm, helms

HELMS = [pytest.param(path, id=pathlib.Path(path).name) for path in helms()]
VALUE_FILES = sorted((CHART / "ci").glob("*-values.yaml"))
NAMESPACE = "ottoscale-system"
RELEASE = "ottoscale"
CRDS = {"cloudaccounts.ottoscale.dev", "notificationchannels.ottoscale.dev", "scalingpolicies.ottoscale.dev"}


class Nodes:
    """Says of each Deployment that its pods are there, and runs what pods of `helm test` ask for."""

    def __init__(self, cluster, product):
        self.cluster, self.product = cluster, product
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._work, daemon=True)
        self.thread.start()

    def close(self):
        self.over.set()
        self.thread.join()

    def _work(self):
        while not self.over.wait(0.2):
            listed = self.cluster.kubectl("get", "deployments,pods", "-A", "-o", "json", check=False)
            for item in json.loads(listed.stdout or "{}").get("items", []):
                if item["kind"] == "Deployment":
                    self._deployment(item)
                elif item.get("status", {}).get("phase", "Pending") == "Pending":
                    self._pod(item)

    def _patch(self, item, status):
        patch = json.dumps({"status": status})
        where = ("-n", item["metadata"]["namespace"], item["kind"].lower(), item["metadata"]["name"])
        self.cluster.kubectl("patch", *where, "--subresource=status", "--type=merge", "-p", patch, check=False)

    def _deployment(self, item):
        generation, count = item["metadata"]["generation"], item["spec"]["replicas"]
        if item.get("status", {}).get("observedGeneration") == generation:
            return
        self._replica_set(item, generation)
        ready = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}
        progress = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
        numbers = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "updatedReplicas"), count)
        self._patch(item, {"observedGeneration": generation, "conditions": [ready, progress]} | numbers)

    def _replica_set(self, item, generation):
        """Helm 3 looks at the newest one."""
        meta, spec = item["metadata"], copy.deepcopy(item["spec"])
        mark = {"pod-template-hash": str(generation)}
        spec["template"]["metadata"]["labels"] |= mark
        spec["selector"]["matchLabels"] |= mark
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": meta["name"], "uid": meta["uid"], "controller": True}
        own = {"name": f"{meta['name'][:40]}-{meta['uid'][:8]}-{generation}", "namespace": meta["namespace"]}
        own |= {"labels": spec["template"]["metadata"]["labels"], "ownerReferences": [owner]}
        own["labels"] = {key: value for key, value in own["labels"].items() if key != "app.kubernetes.io/part-of"}
        wanted = {key: spec[key] for key in ("replicas", "selector", "template")}
        body = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": own, "spec": wanted}
        self.cluster.request("POST", f"/apis/apps/v1/namespaces/{meta['namespace']}/replicasets", body)
        numbers = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas", "fullyLabeledReplicas"), spec["replicas"])
        self._patch(body, {"observedGeneration": 1} | numbers)

    def _pod(self, item):
        spec = item["spec"]
        container = spec["containers"][0]
        with tempfile.TemporaryDirectory() as folder:
            arguments = list(container.get("args", []))
            volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
            for mount in container.get("volumeMounts", []):
                source = volumes[mount["name"]].get("configMap")
                if source is None:
                    continue
                found = self.cluster.kubectl("get", "configmap", source["name"], "-n", item["metadata"]["namespace"], "-o", "json")
                for name, text in json.loads(found.stdout)["data"].items():
                    (pathlib.Path(folder) / name).write_text(text)
                arguments = [argument.replace(mount["mountPath"], folder) for argument in arguments]
            done = subprocess.run([self.product, *arguments], capture_output=True)
        self._patch(item, {"phase": "Succeeded" if done.returncode == 0 else "Failed"})


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """One of its own: the releases here own the kinds, and take them away."""
    with Cluster(tmp_path_factory.mktemp("chart")) as one:
        yield one


@pytest.fixture(scope="module")
def nodes(cluster, product):
    playing = Nodes(cluster, product)
    yield playing
    playing.close()


@pytest.fixture(scope="module")
def place(cluster):
    """Namespaces that admit only pods of the profile `restricted`, and the kinds of the Prometheus Operator."""
    for name in (NAMESPACE, "team-a", "team-b"):
        cluster.kubectl("create", "namespace", name, check=False)
        cluster.kubectl("label", "--overwrite", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    for kind in ("ServiceMonitor", "PrometheusRule"):
        cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(monitoring_kind(kind)))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")


@pytest.fixture(autouse=True)
def no_release_left(request):
    """A test that failed with its release in place fails alone."""
    yield
    if "place" in request.fixturenames:
        cluster = request.getfixturevalue("cluster")
        helm(helms()[0], f"--kubeconfig={cluster.kubeconfig}", "uninstall", RELEASE, "--ignore-not-found", "-n", NAMESPACE)


def monitoring_kind(kind):
    plural = kind.lower() + "s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    group = "monitoring.coreos.com"
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    meta = {"name": f"{plural}.{group}"}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta, "spec": spec}


def release(tool, cluster, verb, *arguments):
    done = helm(tool, f"--kubeconfig={cluster.kubeconfig}", verb, *arguments, "-n", NAMESPACE)
    assert done.returncode == 0, (verb, done.stdout[-500:], done.stderr)
    return done.stdout


def manifests(text):
    return [item for item in yaml.safe_load_all(text) if item]


def rendered(tool, *arguments):
    done = helm(tool, "template", RELEASE, CHART, "-n", NAMESPACE, "--kube-version", "1.36.0", *arguments)
    assert done.returncode == 0, done.stderr
    return manifests(done.stdout)


def rest_of(cluster):
    """Whatever a release of ours has left, kinds excepted."""
    kinds = "deployments,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,configmaps"
    kinds += ",poddisruptionbudgets,networkpolicies,servicemonitors,prometheusrules,secrets,pods"
    found = cluster.kubectl("get", kinds, "-A", "-l", "app.kubernetes.io/part-of=ottoscale", "-o", "name").stdout
    return found.split()


def test_there_are_enough_value_files():
    assert len(VALUE_FILES) >= 12


@pytest.mark.parametrize("values", VALUE_FILES, ids=lambda path: path.name.removesuffix("-values.yaml"))
@pytest.mark.parametrize("tool", HELMS)
def test_install_upgrade_uninstall(cluster, place, nodes, tool, values):
    keep = (yaml.safe_load(values.read_text()) or {}).get("crds", {}).get("keep", True)
    lint = helm(tool, "lint", "--strict", CHART, "-f", values)
    assert lint.returncode == 0, lint.stdout + lint.stderr
    release(tool, cluster, "install", RELEASE, CHART, "-f", values, "--wait", "--timeout", "60s")
    release(tool, cluster, "upgrade", RELEASE, CHART, "-f", values, "--set", "revisionHistoryLimit=7")
    (deployment,) = json.loads(
        cluster.kubectl("get", "deployments", "-n", NAMESPACE, "-l", "app.kubernetes.io/part-of=ottoscale", "-o", "json").stdout
    )["items"]
    assert deployment["spec"]["revisionHistoryLimit"] == 7
    pods_are_admitted(cluster, deployment)
    assert "Ottoscale" in release(tool, cluster, "get", "notes", RELEASE)
    release(tool, cluster, "uninstall", RELEASE, *(["--wait", "--timeout", "60s"] if keep else []))
    if not keep:
        wait_until_kinds_are_gone(cluster)
    assert rest_of(cluster) == []
    left = {name.partition("/")[2] for name in cluster.kubectl("get", "crd", "-o", "name").stdout.split()} & CRDS
    if keep:
        assert left == CRDS or "12" in values.name
    else:
        assert left == set()


def wait_until_kinds_are_gone(cluster):
    """A kind that goes takes its time: the server looks for objects of it first. When its update of the kind meets a
    conflict it forgets the kind until its next look at all of them, minutes later; a touch makes it look at once."""
    for _ in range(12):
        done = cluster.kubectl("wait", "--for=delete", "crd", *sorted(CRDS), "--timeout=20s", check=False)
        if done.returncode == 0:
            return
        for name in sorted(CRDS):
            cluster.kubectl("annotate", "--overwrite", "crd", name, f"touched={time.time()}", check=False)
    raise AssertionError(cluster.kubectl("get", "crd", *sorted(CRDS), "-o", "yaml", check=False).stdout)


def pods_are_admitted(cluster, deployment):
    """The server takes a pod of the Deployment into a namespace that enforces PodSecurity "restricted"."""
    template = deployment["spec"]["template"]
    for number, selector in enumerate(template["spec"].get("topologySpreadConstraints", [])):
        assert selector["labelSelector"], number
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": copy.deepcopy(template["metadata"]), "spec": template["spec"]}
    pod["metadata"] |= {"name": "admitted", "namespace": NAMESPACE}
    done = cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod), check=False)
    assert done.returncode == 0, done.stderr


def test_a_pod_that_is_not_restricted_is_refused(cluster, place):
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "namespace": NAMESPACE}}
    pod["spec"] = {"containers": [{"name": "x", "image": "x"}]}
    done = cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod), check=False)
    assert done.returncode != 0 and "restricted" in done.stderr


@pytest.mark.parametrize("tool", HELMS)
def test_helm_test(cluster, place, nodes, tool):
    release(tool, cluster, "install", RELEASE, CHART, "--wait", "--timeout", "60s")
    try:
        said = release(tool, cluster, "test", RELEASE, "--timeout", "60s")
        assert "Succeeded" in said
    finally:
        release(tool, cluster, "uninstall", RELEASE, "--wait", "--timeout", "60s")


def test_helm_3_installs_and_helm_4_upgrades(cluster, place, nodes):
    three, four = helms()
    release(three, cluster, "install", RELEASE, CHART, "--wait", "--timeout", "60s")
    release(four, cluster, "upgrade", RELEASE, CHART, "--set", "workers=9", "--wait", "--timeout", "60s")
    release(four, cluster, "rollback", RELEASE, "1", "--wait", "--timeout", "60s")
    release(four, cluster, "uninstall", RELEASE, "--wait", "--timeout", "60s")
    assert rest_of(cluster) == []


# (--set, the path in the message)
WRONG = [
    ("replicaCount=two", "replicaCount"),
    ("replicaCount=-1", "replicaCount"),
    ("replicas=2", "replicas"),
    ("image.tagg=x", "image"),
    ("image.pullPolicy=Sometimes", "image.pullPolicy"),
    ("image.digest=sha256:short", "image.digest"),
    ("image.tag=a b", "image.tag"),
    ("watch.namespaces=default", "watch.namespaces"),
    ("watch.namespaces[0]=Team_A", "watch.namespaces.0"),
    ("watch.allNamespaces=yes please", "watch.allNamespaces"),
    ("freeze=1", "freeze"),
    ("limits.maxCapacity=many", "limits.maxCapacity"),
    ("limits.maxStep=0", "limits.maxStep"),
    ("limits.allowedClouds[0]=Herokuu", "limits.allowedClouds.0"),
    ("limits.allowedEndpoints[0]=heroku.example", "limits.allowedEndpoints.0"),
    ("limits.allowedProbeCIDRs[0]=10.0.0.0/33", "limits.allowedProbeCIDRs.0"),
    ("leaderElection.leaseDurationSeconds=15s", "leaderElection.leaseDurationSeconds"),
    ("logging.level=verbose", "logging.level"),
    ("logging.format=xml", "logging.format"),
    ("workers=0", "workers"),
    ("extraArgs[0]=freeze", "extraArgs.0"),
    ("extraEnv[0].value=x", "extraEnv.0"),
    ("resources.limits.memory=lots", "resources.limits.memory"),
    ("resources.limit.memory=1Gi", "resources"),
    ("livenessProbe.period=1", "livenessProbe"),
    ("podAntiAffinity=soft", "podAntiAffinity"),
    ("podDisruptionBudget.minAvailable=half", "podDisruptionBudget.minAvailable"),
    ("metrics.port=80", "metrics.port"),
    ("service.type=Cluster", "service.type"),
    ("service.port=0", "service.port"),
    ("serviceMonitor.interval=often", "serviceMonitor.interval"),
    ("prometheusRule.disabled.OttoscaleFlapping=nope", "prometheusRule.disabled.OttoscaleFlapping"),
    ("networkPolicy.egressPorts[0]=https", "networkPolicy.egressPorts.0"),
    ("commonLabels.number=1", "commonLabels.number"),
    ("serviceAccount.tokenExpirationSeconds=60", "serviceAccount.tokenExpirationSeconds"),
    # Right by themselves, wrong together: the sentence names both values.
    ("leaderElection.enabled=false", "replicaCount"),
    ("watch.allNamespaces=true,watch.namespaces={a}", "watch.namespaces"),
    ("leaderElection.renewDeadlineSeconds=15", "leaderElection.renewDeadlineSeconds"),
    ("leaderElection.retryPeriodSeconds=10", "leaderElection.retryPeriodSeconds"),
    ("leaderElection.retryPeriodSeconds=7", "leaderElection.renewDeadlineSeconds must be at least 4 more"),
    ("podDisruptionBudget.maxUnavailable=1", "podDisruptionBudget.minAvailable"),
    ("caBundle.configMap=a,caBundle.secret=b", "caBundle.configMap"),
    ("serviceAccount.create=false", "serviceAccount.name"),
    ("serviceMonitor.enabled=true,service.enabled=false", "service.enabled"),
    ("prometheusRule.enabled=true,prometheusRule.disabled.OttoscaleFlap=true", "prometheusRule.disabled.OttoscaleFlap"),
]


@pytest.mark.parametrize("tool", HELMS)
@pytest.mark.parametrize("setting,path", WRONG, ids=[setting for setting, _ in WRONG])
def test_a_wrong_value_is_refused_with_its_path(tool, setting, path):
    done = helm(tool, "template", RELEASE, CHART, "--kube-version", "1.36.0", "--set", setting)
    assert done.returncode != 0, "accepted"
    said = done.stderr.replace("/", ".")
    assert path in said, done.stderr


def test_an_old_cluster_is_refused():
    for tool in helms():
        done = helm(tool, "template", RELEASE, CHART, "--kube-version", "1.29.9")
        assert done.returncode != 0 and "1.30" in done.stderr


def test_crds_are_those_of_the_repository():
    ours = {item["metadata"]["name"]: item["spec"] for path in (ROOT / "crds").glob("*.yaml") for item in manifests(path.read_text())}
    for tool in helms():
        crds = {item["metadata"]["name"]: item for item in rendered(tool) if item["kind"] == "CustomResourceDefinition"}
        assert {name: item["spec"] for name, item in crds.items()} == ours
        assert all(item["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"} for item in crds.values())
        none = rendered(tool, "--set", "crds.enabled=false")
        assert not [item for item in none if item["kind"] == "CustomResourceDefinition"]


def test_two_releases_share_no_cluster_wide_object():
    names = []
    for namespace in ("one", "two"):
        done = helm(helms()[0], "template", RELEASE, CHART, "-n", namespace, "--kube-version", "1.36.0", "--set", "watch.allNamespaces=true")
        names += [(item["kind"], item["metadata"]["name"]) for item in manifests(done.stdout) if item["kind"].startswith("ClusterRole")]
    assert len(names) == len(set(names)) == 8


def test_odd_names_and_labels_never_break_the_selector():
    for values in VALUE_FILES:
        items = rendered(helms()[1], "-f", values)
        (deployment,) = [item for item in items if item["kind"] == "Deployment"]
        wanted = deployment["spec"]["selector"]["matchLabels"].items()
        assert wanted <= deployment["spec"]["template"]["metadata"]["labels"].items()
        for item in items:
            assert len(item["metadata"]["name"]) <= (253 if "Role" in item["kind"] else 63)
            if item["kind"] in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
                spec = item["spec"]
                selector = spec.get("podSelector") or spec["selector"]
                assert selector.get("matchLabels", selector).items() == wanted
            if item["kind"] == "ServiceMonitor":
                (service,) = [one for one in items if one["kind"] == "Service"]
                assert item["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()


def test_rules_of_the_chart_are_valid_and_can_be_switched_off(tmp_path):
    values = CHART / "ci" / "05-monitoring-values.yaml"
    (rule,) = [item for item in rendered(helms()[1], "-f", values) if item["kind"] == "PrometheusRule"]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(rule["spec"]))
    checked = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    rules = [one for group in rule["spec"]["groups"] for one in group["rules"]]
    names = {one["alert"] for one in rules if "alert" in one}
    every = {one["alert"] for group in yaml.safe_load((DEPLOY / "alerts" / "ottoscale.rules.yaml").read_text())["groups"] for one in group["rules"] if "alert" in one}
    assert names == every - {"OttoscaleFlapping"}
    for one in rules:
        if "alert" in one:
            assert one["labels"]["team"] == "platform" and one["annotations"]["runbook_url"].endswith(f"/{one['alert']}.md")


def test_dashboards_arrive_unchanged():
    items = rendered(helms()[1], "-f", CHART / "ci" / "05-monitoring-values.yaml")
    boards = {}
    for item in items:
        if item["kind"] == "ConfigMap" and item["metadata"]["labels"].get("grafana_dashboard") == "1":
            assert item["metadata"]["annotations"]["grafana_folder"] == "Ottoscale"
            boards |= item["data"]
    assert {name: json.loads(text) for name, text in boards.items()} == {
        path.name: json.loads(path.read_text()) for path in (DEPLOY / "dashboards").glob("*.json")
    }


@pytest.mark.parametrize("source", ["install.yaml", "kustomize/base", "kustomize/overlays/cluster"])
def test_plain_manifests_are_taken_by_the_server(cluster, source):
    path = DEPLOY / source
    text = path.read_text() if path.is_file() else cluster.kubectl("kustomize", path).stdout
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-", stdin=text)
    # Nobody empties a namespace here, so it stays.
    ours = [item for item in manifests(text) if item["kind"] != "Namespace"]
    cluster.kubectl("delete", "--wait=false", "-f", "-", stdin=yaml.safe_dump_all(ours))
    cluster.kubectl("wait", "--for=delete", "crd", *sorted(CRDS), "--timeout=60s", check=False)
