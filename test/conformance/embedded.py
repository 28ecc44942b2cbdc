"""The embedded API server on a port of its own, started for a test: build/asan/conformance_server."""
import http.client
import os
import re

from cluster import ROOT, Process, eventually


class Server:
    def __init__(self, folder):
        binary = os.environ.get("OTTOSCALE_CONFORMANCE_SERVER", str(ROOT / "build/asan/conformance_server"))
        self._process = Process("embedded", [binary], folder / "embedded.log")

    def __enter__(self):
        self._process.start()
        match = eventually("the embedded server listens", lambda: re.search(r"listening (\d+)", self._process.text()))
        self._port = int(match[1])
        return self

    def __exit__(self, *_):
        self._process.kill()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
