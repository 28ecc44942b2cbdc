"""The way to a real API server: every way to log in, and every way that it can fail, as an administrator meets it.

Its own cluster: requests are refused here on purpose.
"""
import base64
import contextlib
import json
import os
import pathlib
import subprocess

import pytest

from cluster import Cluster, Process, eventually, free_ports

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CONTRACTS = pathlib.Path(os.environ.get("OTTOSCALE_CONTRACTS") or ROOT / "build/asan/tests/contracts_test")
EXEC = {"apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never"}


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    with Cluster(tmp_path_factory.mktemp("login")) as one:
        one.apply_crds()
        yield one


def encoded(text):
    return base64.b64encode(text.encode()).decode()


class Kubeconfig:
    """A kubeconfig of the cluster, changed at will."""

    def __init__(self, cluster, folder):
        self.cluster, self.path = cluster, folder / "kubeconfig"
        self.data = json.loads(cluster.kubeconfig.read_text())
        self.endpoint = self.data["clusters"][0]["cluster"]
        self.folder = folder

    def user(self, **user):
        self.data["users"][0]["user"] = user
        return self

    def plugin(self, script):
        path = self.folder / "plugin.sh"
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        return self.user(exec={**EXEC, "command": "./plugin.sh", "installHint": "see the wiki"})

    def write(self):
        self.path.write_text(json.dumps(self.data))
        return self.path


def environment(folder, **more):
    return {"PATH": os.environ["PATH"], "HOME": str(folder), **more}


def operator(product, folder, *arguments, env=None):
    port, = free_ports(1)
    command = [product, "operator", "--leader-elect=false", "--listen", "127.0.0.1", "--metrics-port", port, *arguments]
    return Process("operator", command, folder / "operator.log", env=env or environment(folder))


@contextlib.contextmanager
def running(process):
    process.start()
    try:
        yield process
    finally:
        process.terminate()


def says(process, text):
    return eventually(f"the operator says {text!r}", lambda: text in process.text())


def client_certificate(cluster, folder, days):
    """A client certificate of the cluster's authority, and its key, as PEM."""
    def openssl(*arguments):
        subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)

    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "me.key",
            "-subj", "/O=system:masters/CN=me", "-out", "me.csr")
    openssl("x509", "-req", "-in", "me.csr", "-CA", cluster.folder / "ca.crt", "-CAkey", cluster.folder / "ca.key",
            "-CAcreateserial", "-days", days, "-out", "me.crt")
    return (folder / "me.crt").read_text(), (folder / "me.key").read_text()


# ---- the same tests against both servers ----


def test_the_client_passes_its_tests_against_the_real_server(own):
    assert CONTRACTS.exists(), f"{CONTRACTS} is not built"
    done = subprocess.run([CONTRACTS, "--gtest_filter=*KubeServers*:*KubeLogin*"], capture_output=True, text=True,
                          env={**os.environ, "OTTOSCALE_TEST_KUBECONFIG": str(own.kubeconfig)}, timeout=300)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    assert done.stdout.count("/Real (") >= 9, done.stdout


# ---- ways in ----


def robot_token(cluster, namespace, name):
    cluster.kubectl("create", "serviceaccount", name, "-n", namespace)
    cluster.kubectl("create", "clusterrolebinding", f"{namespace}-{name}", "--clusterrole=cluster-admin",
                    f"--serviceaccount={namespace}:{name}")
    return cluster.kubectl("create", "token", name, "-n", namespace).stdout.strip()


@pytest.mark.parametrize("way", ["certificate files", "token", "token file", "plugin", "plugin with certificate"])
def test_it_logs_in(own, product, tmp_path, way):
    config = Kubeconfig(own, tmp_path)
    if way == "certificate files":
        client_certificate(own, tmp_path, 1)
        config.user(**{"client-certificate": "me.crt", "client-key": "me.key"})
    elif way == "plugin with certificate":
        certificate, key = client_certificate(own, tmp_path, 1)
        status = {"clientCertificateData": certificate, "clientKeyData": key}
        (tmp_path / "answer").write_text(json.dumps({**EXEC, "kind": "ExecCredential", "status": status}))
        config.plugin(f'cat "{tmp_path}/answer"')
    else:
        token = robot_token(own, own.namespace("login"), "robot")
        (tmp_path / "token").write_text(token + "\n")
        if way == "token":
            config.user(token=token)
        elif way == "token file":
            config.user(tokenFile="token")
        else:
            answer = json.dumps({"apiVersion": EXEC["apiVersion"], "kind": "ExecCredential", "status": {"token": token}})
            # Our own way to trust nobody but the given authorities is not for the plugin, which has its own servers.
            config.plugin(f"""[ "$SSL_CERT_FILE" != /dev/null ] && echo '{answer}'""")
    process = operator(product, tmp_path, "--kubeconfig", config.write())
    with running(process):
        says(process, "connected")
    assert "Forbidden" not in process.text() and "Unauthorized" not in process.text()


def test_a_token_that_is_refused_is_read_again_from_its_file(own, product, tmp_path):
    namespace = own.namespace("login")
    (tmp_path / "token").write_text(robot_token(own, namespace, "first"))
    config = Kubeconfig(own, tmp_path).user(tokenFile="token")
    process = operator(product, tmp_path, "--kubeconfig", config.write())
    with running(process):
        says(process, "connected")
        (tmp_path / "token").write_text(robot_token(own, namespace, "second"))
        own.kubectl("delete", "serviceaccount", "first", "-n", namespace)
        own.apply(json.dumps({
            "apiVersion": "ottoscale.dev/v1alpha1", "kind": "ScalingPolicy", "metadata": {"name": "web"},
            "spec": {"target": {"type": "HerokuFormation",
                                "herokuFormation": {"accountRef": {"name": "absent"}, "app": "shop"}},
                     "maxCapacity": 2,
                     "metrics": [{"name": "m", "source": {"type": "HTTPHeartbeat",
                                                          "httpHeartbeat": {"url": "https://example.invalid/"}},
                                  "strategy": {"type": "Threshold", "threshold": {"lower": 1, "upper": 2}}}]}}), namespace)
        eventually("the policy has conditions", lambda: own.get(
            f"/apis/ottoscale.dev/v1alpha1/namespaces/{namespace}/scalingpolicies/web")["status"]["conditions"], 60)


# ---- ways that fail ----


def no_kubeconfig(config):
    return []


def broken_yaml(config):
    config.path.write_text("clusters: [\n")
    return ["--kubeconfig", config.path]


def with_context(name):
    return lambda config: ["--kubeconfig", config.write(), "--context", name]


def changed(change):
    def make(config):
        change(config)
        return ["--kubeconfig", config.write()]
    return make


def wrong_authority(config):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    "/dev/null", "-out", config.folder / "other.crt", "-subj", "/CN=other"], check=True, capture_output=True)
    del config.endpoint["certificate-authority-data"]
    config.endpoint["certificate-authority"] = "other.crt"


def expired_certificate(config):
    certificate, key = client_certificate(config.cluster, config.folder, -1)
    config.user(**{"client-certificate-data": encoded(certificate), "client-key-data": encoded(key)})


def nobody_listens(config):
    config.endpoint["server"] = f"https://127.0.0.1:{free_ports(1)[0]}"


BAD = {
    "no kubeconfig": (no_kubeconfig, 2, "no cluster is configured: --kubeconfig and KUBECONFIG are not set"),
    "a file that is not there": (lambda config: ["--kubeconfig", "/nowhere"], 2, "kubeconfig: /nowhere: No such file"),
    "a folder": (lambda config: ["--kubeconfig", config.folder], 2, ": Is a directory"),
    "no YAML": (broken_yaml, 2, "/kubeconfig:2:1: must be valid YAML"),
    "another context": (with_context("prod"), 2, "there is no context 'prod': it has 'test'"),
    "no such cluster": (changed(lambda config: config.data["clusters"][0].update(name="other")), 2,
                        "context 'test': {path}: there is no cluster 'test': it has 'other'"),
    "no such user": (changed(lambda config: config.data["users"][0].update(name="other")), 2,
                     "context 'test': {path}: there is no user 'test': it has 'other'"),
    "a removed provider": (changed(lambda config: config.user(**{"auth-provider": {"name": "gcp"}})), 2,
                           "use `exec` with gke-gcloud-auth-plugin"),
    "another authority": (changed(wrong_authority), 4, "is not signed by the certificate authority of {path}, context 'test'"),
    "another name": (changed(lambda config: config.endpoint.update({"tls-server-name": "other.test"})), 4,
                     "is for another name: use a name that it has, or set tls-server-name"),
    "nobody listens": (changed(nobody_listens), 4, "cannot connect to https://127.0.0.1:"),
    "a bad token": (changed(lambda config: config.user(token="nonsense")), 5, "its token is not valid, or no longer"),
    "an expired certificate": (changed(expired_certificate), 5, "its client certificate expired on "),
    "no credential that is known": (changed(lambda config: config.user(username="me", password="secret-word")), 5,
                                    "its username or password is wrong, or the server accepts no passwords"),
    "a plugin that is absent": (changed(lambda config: config.user(exec={**EXEC, "command": "no-such-plugin",
                                                                         "installHint": "see the wiki"})), 5,
                                "exec plugin no-such-plugin: is not installed ('no-such-plugin' is not in PATH): see the wiki"),
    "a plugin that fails": (changed(lambda config: config.plugin("echo 'log in first' >&2; exit 3")), 5,
                            "failed with exit code 3: log in first"),
    "a plugin that talks nonsense": (changed(lambda config: config.plugin("echo hello")), 5, "its answer is unusable: "),
}


@pytest.fixture(scope="module")
def failures(own, product, tmp_path_factory):
    """All of them at once: some are tried again for a while."""
    started = {}
    for name, (make, _, _) in BAD.items():
        folder = tmp_path_factory.mktemp("bad")
        config = Kubeconfig(own, folder)
        started[name] = operator(product, folder, *make(config)).start(), config
    try:
        for name, (process, _) in started.items():
            eventually(f"the operator with {name} ends", lambda process=process: process.code is not None, 90)
        yield started
    finally:
        for process, _ in started.values():
            process.kill()


@pytest.mark.parametrize("name", BAD)
def test_it_says_why_it_cannot_log_in(failures, name):
    _, code, sentence = BAD[name]
    process, config = failures[name]
    assert process.code == code, process.text()
    last = process.text().strip().splitlines()[-1]
    assert last.startswith("ottoscale: "), process.text()
    assert sentence.replace("{path}", str(config.path)) in last
    assert "secret-word" not in process.text()
