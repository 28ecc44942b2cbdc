"""Two replicas of `ottoscale operator` and a real kube-apiserver. The cloud here notes of each write when it came and from
which process, so that "never two writers" is read off the wire."""
import contextlib
import json
import os
import re
import signal
import socket
import ssl
import struct
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse

import pytest

from cluster import eventually
from running import KEY, Operator, install, policy, secret

APPS = 8
SLOW, FAST = 0.6, 0.0
# For what does not measure P8: as the defaults, in less time.
SHORT = ("--lease-duration", "9s", "--renew-deadline", "6s", "--retry-period", "1s")


def holds(pid, inode):
    """Whether the process has this socket open; its other files may go while they are looked at."""
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{pid}/fd/{fd}") == f"socket:[{inode}]":
                    return True
    return False


def inode_of(port, server):
    """Of the TCP socket on this machine that goes from the port `port` to the port `server`. Asked of the kernel by its four
    numbers (sock_diag): /proc/net/tcp leaves rows out while others come and go."""
    here = socket.inet_aton("127.0.0.1") + bytes(12)
    wanted = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 0xFFFFFFFF)
    wanted += struct.pack("!HH", port, server) + here + here + struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
    by_family, request, netlink_sock_diag = 20, 1, 4
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, netlink_sock_diag) as diag:
        diag.sendto(struct.pack("=IHHII", 16 + len(wanted), by_family, request, 1, 0) + wanted, (0, 0))
        answer = diag.recv(8192)
    return struct.unpack_from("=I", answer, 84)[0] if struct.unpack_from("=H", answer, 4)[0] == by_family else None


def owner_of(port, server):
    """The process whose connection goes from this local port to the port `server`."""
    inode = inode_of(port, server)
    return next((int(pid) for pid in os.listdir("/proc") if pid.isdigit() and inode and holds(pid, inode)), None)


class Cloud:
    """A Heroku with the apps swing-0, swing-1, ... whose heartbeats are slow with one dyno and fast with two: they scale
    out and in for ever. It speaks TLS with the certificate of the test's API server.

    `writes`: (second, process, app, quantity) of each PATCH, in order. While `hold` is set a new connection waits before
    its handshake, and a PATCH before its answer; `held` has their processes."""

    def __init__(self, folder):
        self.quantity = {f"swing-{n}": 1 for n in range(APPS)}
        self._owners = {}  # of connections, by their port
        self.writes, self.held, self.hold, self._lock = [], [], threading.Event(), threading.Lock()
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(folder / "server.crt", folder / "server.key")
        self._server = self._make_server()
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self.hold.clear()
        self._server.shutdown()
        self._server.server_close()

    def wait_here(self, port):
        """Waits while `hold` is set."""
        if self.hold.is_set():
            self.held.append(self._owners[port])
            while self.hold.is_set():
                time.sleep(0.02)

    def writers(self):
        """Who wrote, each once, in order of time."""
        pids = [pid for _, pid, _, _ in self.writes]
        return [pid for n, pid in enumerate(pids) if n == 0 or pids[n - 1] != pid]

    def answer(self, method, path, body, port):
        parts = path.strip("/").split("/")
        name = parts[1]
        formation = {"app": {"id": name, "name": name}, "id": name, "type": "web", "size": "Basic", "command": "run"}
        if method == "PATCH":
            pid = self._owners[port]
            with self._lock:
                self.writes.append((time.monotonic(), pid, name, body["quantity"]))
                self.quantity[name] = body["quantity"]
            return formation | {"quantity": body["quantity"]}
        if parts[2:] == ["formation", "web"]:
            return formation | {"quantity": self.quantity[name]}
        if parts[2:] == ["formation"]:
            return [formation | {"quantity": self.quantity[name]}]
        if parts[2:] == ["dynos"]:
            return [{"id": str(n), "name": f"web.{n}", "type": "web", "state": "up", "size": "Basic"}
                    for n in range(self.quantity[name])]
        return {"id": name, "name": name, "maintenance": False, "space": None}

    def _make_server(cloud):
        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_):
                pass

            def finish_request(self, request, client_address):
                # Now, while it is sure to be alive: a process that was killed has no sockets.
                cloud._owners[client_address[1]] = owner_of(client_address[1], self.server_port)
                cloud.wait_here(client_address[1])
                request.settimeout(60)
                super().finish_request(cloud._tls.wrap_socket(request, server_side=True), client_address)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_any(self):
                path, port = urlparse(self.path).path, self.client_address[1]
                length = int(self.headers.get("Content-Length", "0"))
                raw = self.rfile.read(length)
                if len(raw) < length:
                    return  # never whole: no request
                if path.startswith("/heartbeat/"):
                    time.sleep(SLOW if cloud.quantity[path.rpartition("/")[2]] == 1 else FAST)
                    content = b'"Beat"'
                else:
                    content = json.dumps(cloud.answer(self.command, path, json.loads(raw) if raw else None, port)).encode()
                if self.command == "PATCH":
                    cloud.wait_here(port)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_PATCH = handle_any

        return Server(("127.0.0.1", 0), Handler)


@pytest.fixture
def cloud(cluster):
    one = Cloud(cluster.folder)
    yield one
    one.close()


@pytest.fixture
def start(cluster, namespace, cloud, tmp_path):
    """start(*flags, name=...): a replica, with policies that keep it writing."""
    secret(cluster, namespace)
    account = f"""
apiVersion: ottoscale.dev/v1alpha1
kind: CloudAccount
metadata: {{name: heroku}}
spec: {{type: Heroku, heroku: {{apiKeySecretRef: {{name: heroku, key: apiKey}}, apiURL: "{cloud.url}", requestsPerMinute: 600}}}}
"""
    swing = [policy(cloud, f"swing-{n}", f"swing-{n}", url=f"{cloud.url}/heartbeat/swing-{n}")
             .replace("lower: 20, upper: 500", "lower: 200, upper: 400").replace("maxCapacity: 4", "maxCapacity: 2")
             .replace("scaleIn: {", "scaleOut: {cooldownSeconds: 0}, scaleIn: {cooldownSeconds: 0, ") for n in range(APPS)]
    cluster.apply("\n---\n".join([account, *swing]), namespace)
    kubeconfig = install(cluster, namespace)
    started = []

    def one(*flags, name):
        flags = ("--ca-file", cluster.folder / "ca.crt", *flags)
        started.append(Operator(kubeconfig, tmp_path, cloud, *flags, name=name, namespace=namespace).start())
        return started[-1]

    yield one
    for operator in started:
        operator.process.kill()
        assert KEY not in operator.log


def leads(operator):
    return re.search(r"msg=\"?leading", operator.log) is not None


def both(start, *flags):
    """(the leader, the standby), once the leader writes."""
    first = start(*flags, name="first")
    eventually("the first leads", lambda: leads(first))
    second = start(*flags, name="second")
    eventually("the standby is ready", lambda: "holder=" in second.log)
    return first, second


def wait_for_writes(cloud, operator, count=3, seconds=40):
    eventually(f"{count} writes of {operator.process.name}",
               lambda: sum(pid == operator.process.pid for _, pid, _, _ in cloud.writes) >= count, seconds)


def assert_never_two(cloud, *order):
    assert cloud.writers() == [one.process.pid for one in order], cloud.writes
    stands = dict.fromkeys(cloud.quantity, 1)
    repeats = 0
    for _, _, app, quantity in cloud.writes:
        repeats += stands[app] == quantity
        stands[app] = quantity
    assert repeats <= 1, cloud.writes  # whose answer a killed process did not live to see


def test_a_killed_leader_is_replaced_within_17_seconds(start, cloud):
    first, second = both(start)
    wait_for_writes(cloud, first)
    end = time.monotonic()
    first.process.kill()
    eventually("the second leads", lambda: leads(second), 30, every=0.02)
    took = time.monotonic() - end
    print(f"crash failover: {took:.1f} s")
    wait_for_writes(cloud, second)
    assert_never_two(cloud, first, second)
    assert took <= 17, took


def test_a_terminated_leader_is_replaced_within_3_seconds(start, cloud):
    first, second = both(start)
    wait_for_writes(cloud, first)
    end = time.monotonic()
    first.process.signal(signal.SIGTERM)
    eventually("the second leads", lambda: leads(second), 30, every=0.02)
    took = time.monotonic() - end
    print(f"SIGTERM failover: {took:.1f} s")
    assert first.process.terminate() == 0
    wait_for_writes(cloud, second)
    assert_never_two(cloud, first, second)
    assert took <= 3, took


@pytest.mark.parametrize("where", ["before the request has left", "before the answer has come", "anywhere"])
def test_a_stopped_leader_that_goes_on_writes_nothing(start, cloud, where):
    first, second = both(start, *SHORT)
    wait_for_writes(cloud, first)
    if where != "anywhere":
        cloud.hold.set()
        # New connections wait for their handshake: those of writes, and of heartbeats. A PATCH that is in waits too.
        count = len(cloud.writes)
        eventually("something is held", lambda: first.process.pid in cloud.held)
        if where == "before the answer has come":
            eventually("a write is held", lambda: len(cloud.writes) > count or len(cloud.held) > APPS, 10)
    first.process.stop()
    if where == "before the request has left":
        time.sleep(0.3)  # what was sent in the last moment arrives
        cloud.hold.clear()
    eventually("the second leads", lambda: leads(second), 30)
    cloud.hold.clear()
    wait_for_writes(cloud, second)
    first.process.resume()
    assert eventually("the first ends", lambda: first.process.code is not None and [first.process.code], 20) == [1]
    assert "is lost" in first.log, first.log[-2000:]
    count = len(cloud.writes)
    eventually("the second goes on", lambda: len(cloud.writes) > count + 2, 40)
    assert_never_two(cloud, first, second)


def test_without_an_api_server_nobody_writes(start, cloud, cluster):
    first, second = both(start, *SHORT)
    wait_for_writes(cloud, first)
    cluster.apiserver.stop()
    stopped = time.monotonic()
    try:
        assert eventually("the first ends", lambda: first.process.code is not None and [first.process.code], 12) == [1]
        time.sleep(max(0, stopped + 15 - time.monotonic()))
        assert all(at < stopped + 6 for at, _, _, _ in cloud.writes), cloud.writes
        assert not leads(second) and second.process.code is None
    finally:
        cluster.apiserver.resume()
        cluster.wait_until_ready()
    wait_for_writes(cloud, second, seconds=60)
    assert_never_two(cloud, first, second)
