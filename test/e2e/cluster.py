"""A real Kubernetes API for the tests: etcd and kube-apiserver on free ports, RBAC on, no kubelet and no controllers.

    with Cluster(folder) as cluster:
        cluster.kubectl("get", "namespaces")
        cluster.request("GET", "/api/v1/namespaces").status

Every process can be killed, stopped, continued and started again; etcd can be put back to an older state. Logs lie in
the cluster's folder. Only the standard library, openssl and the binaries of test/tools/build.sh.
"""
import base64
import contextlib
import dataclasses
import datetime
import functools
import http.client
import json
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@functools.cache
def tool(name):
    """The path of kube-apiserver, etcd, kubectl, helm3 or helm4: pinned by test/tools, built by its build.sh."""
    folder = subprocess.run([ROOT / "test/tools/build.sh", "--print"], capture_output=True, text=True, check=True)
    path = pathlib.Path(folder.stdout.strip()) / name
    if not path.exists():
        raise RuntimeError(f"{name} is not built: run `make tools` first ({path})")
    return str(path)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def eventually(what, check, seconds=30, every=0.1):
    """The first truthy answer of `check`; an AssertionError naming `what` and the last answer or exception after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        try:
            last = check()
            if last:
                return last
        except Exception as exception:  # what is not there yet may also be said by an exception
            last = repr(exception)
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}; the last was: {str(last)[:2000]}")
        time.sleep(every)


class Process:
    """A program with a log file, to be killed, paused and started again with the same arguments."""

    def __init__(self, name, arguments, log, env=None, cwd=None):
        self.name, self.arguments, self.log = name, [str(one) for one in arguments], pathlib.Path(log)
        self._env, self._cwd, self._popen, self._stopped = env, cwd, None, False

    def start(self):
        with open(self.log, "ab") as out:
            self._popen = subprocess.Popen(self.arguments, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                           env=self._env, cwd=self._cwd)
        return self

    @property
    def pid(self):
        return self._popen.pid

    @property
    def code(self):
        """The exit status; None while it runs."""
        return self._popen.poll() if self._popen else 0

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def signal(self, number):
        if self.code is None:
            self._popen.send_signal(number)

    def stop(self):
        """SIGSTOP: it stands still with its connections open."""
        self.signal(signal.SIGSTOP)
        self._stopped = True

    def resume(self):
        self.signal(signal.SIGCONT)
        self._stopped = False

    def kill(self):
        """kill -9."""
        if self._popen and self.code is None:
            self._popen.kill()
            self._popen.wait()
        self._stopped = False

    def terminate(self, seconds=30):
        """SIGTERM, and the exit status."""
        if self._stopped:
            self.resume()
        self.signal(signal.SIGTERM)
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {seconds} s of SIGTERM") from None


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    text: str

    @property
    def json(self):
        return json.loads(self.text)


def send(connection, method, path, body=None, headers=None):
    """One request on an http.client connection. A body that is no string is sent as JSON."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, (str, bytes)):
        body = json.dumps(body)
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    if isinstance(body, str):
        body = body.encode()
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    text = response.read().decode(errors="replace")
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, text)


class Cluster:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._namespaces = 0
        self._starts = []  # (start, ready) of each kube-apiserver
        self._certificates()
        client, peer, self.port = free_ports(3)
        self.etcd_url, self.url = f"http://127.0.0.1:{client}", f"https://127.0.0.1:{self.port}"
        self.etcd = Process("etcd", [
            tool("etcd"), "--data-dir", self.folder / "data", "--listen-client-urls", self.etcd_url,
            "--advertise-client-urls", self.etcd_url, "--listen-peer-urls", f"http://127.0.0.1:{peer}",
            "--unsafe-no-fsync", "--log-level", "warn"], self.folder / "etcd.log")
        path = self.folder
        self.apiserver = Process("kube-apiserver", [
            tool("kube-apiserver"), "--etcd-servers", self.etcd_url, "--bind-address", "127.0.0.1",
            "--secure-port", self.port, "--tls-cert-file", path / "server.crt", "--tls-private-key-file", path / "server.key",
            "--client-ca-file", path / "ca.crt", "--cert-dir", path / "generated", "--authorization-mode", "RBAC",
            "--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", path / "sa.key",
            "--service-account-signing-key-file", path / "sa.key", "--service-cluster-ip-range", "10.0.0.0/24",
            "--disable-admission-plugins", "ServiceAccount", "--audit-policy-file", path / "audit-policy.yaml",
            "--audit-log-path", path / "audit.log"], self.folder / "kube-apiserver.log")
        (path / "audit-policy.yaml").write_text("""apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, users: [], userGroups: ["system:serviceaccounts"]}
""")
        self.tls = ssl.create_default_context(cafile=str(path / "ca.crt"))
        self.tls.load_cert_chain(path / "admin.crt", path / "admin.key")
        self.kubeconfig = self._write_kubeconfig("admin", {
            "client-certificate-data": self._encoded("admin.crt"), "client-key-data": self._encoded("admin.key")})

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.apiserver.kill()
        self.etcd.kill()

    def start(self):
        self.etcd.start()
        self.apiserver.start()
        self.wait_until_ready()

    def wait_until_ready(self):
        def ready():
            if self.apiserver.code is not None:
                raise RuntimeError("kube-apiserver ended:\n" + self.apiserver.text()[-2000:])
            # /readyz says ok a second before the roles are there.
            return (self.request("GET", "/readyz").status == 200 and self.request(
                "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:basic-user").status == 200)

        start = time.time()
        eventually("kube-apiserver is ready", ready, 60)
        self._starts.append((start - 1, time.time()))

    def restart_apiserver(self):
        """kill -9 and a new start: the watch cache is empty, so every older resourceVersion is 410 Gone."""
        self.apiserver.kill()
        self.apiserver.start()
        self.wait_until_ready()

    # ---- talking to it ----

    def connect(self, timeout=30):
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=timeout)

    def request(self, method, path, body=None, headers=None):
        with contextlib.closing(self.connect()) as connection:
            return send(connection, method, path, body, headers)

    def get(self, path):
        answer = self.request("GET", path)
        assert answer.status == 200, f"GET {path}: {answer.status} {answer.text[:500]}"
        return answer.json

    def kubectl(self, *arguments, check=True, stdin=None, kubeconfig=None):
        result = subprocess.run([tool("kubectl"), "--kubeconfig", str(kubeconfig or self.kubeconfig), *map(str, arguments)],
                                input=stdin, capture_output=True, text=True, timeout=120)
        if check and result.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(map(str, arguments))} ended with {result.returncode}:\n"
                                 f"{result.stdout[-2000:]}{result.stderr[-2000:]}")
        return result

    def apply(self, manifest, namespace=None):
        return self.kubectl("apply", "--server-side", *(["-n", namespace] if namespace else []), "-f", "-", stdin=manifest)

    def apply_crds(self):
        self.kubectl("apply", "--server-side", "-f", ROOT / "crds", check=True)
        self.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
        for plural in ("scalingpolicies", "cloudaccounts", "notificationchannels"):  # 429 until its storage is there
            path = f"/apis/ottoscale.dev/v1alpha1/{plural}"
            eventually(f"{plural} are served", lambda path=path: self.request("GET", path).status == 200)

    def namespace(self, prefix="test"):
        self._namespaces += 1
        name = f"{prefix}-{self._namespaces}"
        answer = self.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        assert answer.status == 201, answer.text
        return name

    def service_account_kubeconfig(self, namespace, name):
        """A kubeconfig with a token of the account, as a pod under it would have."""
        token = self.kubectl("create", "token", name, "-n", namespace, "--duration=2h").stdout.strip()
        return self._write_kubeconfig(f"{namespace}-{name}", {"token": token}, namespace)

    def denied(self):
        """Requests of service accounts that were answered 403: "user verb path". Not those of the first seconds of a
        kube-apiserver: it refuses everybody until it has read the roles."""
        found = []
        for line in (self.folder / "audit.log").read_text().splitlines():
            event = json.loads(line)
            at = datetime.datetime.fromisoformat(event["requestReceivedTimestamp"].replace("Z", "+00:00")).timestamp()
            if any(start <= at <= ready + 1 for start, ready in self._starts):
                continue
            if event.get("responseStatus", {}).get("code") == 403:
                found.append(f"{event['user']['username']} {event['verb']} {event['requestURI']}")
        return found

    # ---- the store ----

    def compact(self):
        """Makes etcd forget its history."""
        revision = int(self._etcd_call("/v3/maintenance/status", {})["header"]["revision"])
        self._etcd_call("/v3/kv/compaction", {"revision": str(revision), "physical": True})
        return revision

    def snapshot(self):
        """A copy of the store as it is now."""
        self.etcd.kill()
        self.apiserver.kill()
        copy = self.folder / f"snapshot-{time.monotonic_ns()}"
        shutil.copytree(self.folder / "data", copy)
        self.start()
        return copy

    def restore(self, snapshot):
        """Puts the store back: resource versions run backwards for every client."""
        self.apiserver.kill()
        self.etcd.kill()
        shutil.rmtree(self.folder / "data")
        shutil.copytree(snapshot, self.folder / "data")
        self.start()

    # ---- the rest ----

    def _etcd_call(self, path, body):
        with urllib.request.urlopen(self.etcd_url + path, data=json.dumps(body).encode(), timeout=30) as response:
            return json.load(response)

    def _encoded(self, name):
        return base64.b64encode((self.folder / name).read_bytes()).decode()

    def _write_kubeconfig(self, name, user, namespace="default"):
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test", "preferences": {},
            "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority-data": self._encoded("ca.crt")}}],
            "users": [{"name": "test", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": namespace}}]}))
        path.chmod(0o600)
        return path

    def _certificates(self):
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

        def key(name):
            openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")

        def certificate(name, subject, extensions):
            key(name)
            (self.folder / f"{name}.ext").write_text(extensions)
            openssl("req", "-new", "-key", f"{name}.key", "-subj", subject, "-out", f"{name}.csr")
            openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                    "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.crt")

        key("ca")
        openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=test-ca", "-days", "2", "-out", "ca.crt")
        certificate("server", "/CN=kube-apiserver", "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
        certificate("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth\n")
        openssl("genrsa", "-out", "sa.key", "2048")
