#!/usr/bin/env python3
"""A Heroku stand-in for the end-to-end tests, written apart from pkg/simulation and from the provider.

One app `shop` (UUID below) with `web` (Standard-1X) and `worker`, one key; any app `still-N`, with one dyno of each, which
nobody may change. Prints "listening PORT", then one line for each accepted or refused PATCH and for each heartbeat, with
its second. The heartbeat at /heartbeat answers after DELAY_MS, which POST /control?delay_ms=N sets; POST
/control?mode=NAME switches it: ok, redirect, huge, teapot, refuse500.
"""
import json
import re
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

UUID = "01234567-89ab-cdef-0123-456789abcdef"
STATE = {"web": 2, "worker": 1, "delay_ms": 50, "mode": "ok", "remaining": 4500, "key": sys.argv[1]}


STILL = {"web": 1, "worker": 1}


def find_app(name):
    """The app's UUID, name and quantities, by its UUID or its name; None when there is no such app."""
    if name in ("shop", UUID):
        return UUID, "shop", STATE
    still = re.fullmatch(r"still-(\d{1,4})|00000000-0000-0000-0000-(\d{12})", name)
    if still is None:
        return None
    number = int(still[1] or still[2])
    return "00000000-0000-0000-0000-%012d" % number, "still-%d" % number, STILL


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body, headers=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def error(self, code, ident, message):
        self.answer(code, {"id": ident, "message": message})

    def heroku(self):
        """Checks what the Platform API asks of each request. False: answered already."""
        STATE["remaining"] -= 1
        if self.headers.get("Accept") != "application/vnd.heroku+json; version=3":
            self.error(406, "not_acceptable", "Accept header must name version 3")
            return False
        if self.headers.get("Authorization") != "Bearer " + STATE["key"]:
            self.error(401, "unauthorized", "Invalid credentials provided.")
            return False
        return True

    def formation(self, kind):
        uuid, name, quantities = self.app
        return {"app": {"id": uuid, "name": name}, "command": "run", "id": "f-" + kind, "quantity": quantities[kind],
                "size": "Standard-1X", "type": kind, "created_at": "2030-01-01T00:00:00Z",
                "updated_at": "2030-01-01T00:00:00Z"}

    def do_GET(self):
        path = urlparse(self.path).path
        if path == "/heartbeat":
            return self.heartbeat()
        if not self.heroku():
            return None
        parts = path.strip("/").split("/")
        self.app = find_app(parts[1]) if len(parts) >= 2 and parts[0] == "apps" else None
        if self.app is None:
            return self.error(404, "not_found", "Couldn't find that app.")
        rest = parts[2:]
        limit = [("RateLimit-Remaining", str(STATE["remaining"]))]
        if not rest:
            return self.answer(200, {"id": self.app[0], "name": self.app[1], "maintenance": False, "space": None}, limit)
        if rest == ["formation"]:
            return self.answer(200, [self.formation("web"), self.formation("worker")], limit)
        if rest[0] == "formation" and len(rest) == 2:
            if rest[1] not in ("web", "worker"):
                return self.error(404, "not_found", "Couldn't find that process type (%s)." % rest[1])
            return self.answer(200, self.formation(rest[1]), limit)
        if rest == ["dynos"]:
            dynos = [{"id": "d-%s-%d" % (kind, i), "name": "%s.%d" % (kind, i), "type": kind, "state": "up",
                      "size": "Standard-1X"} for kind in ("web", "worker") for i in range(1, self.app[2][kind] + 1)]
            return self.answer(200, dynos, limit)
        return self.error(404, "not_found", "The requested API endpoint was not found.")

    def do_PATCH(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if not self.heroku():
            print("PATCH refused", flush=True)
            return None
        parts = urlparse(self.path).path.strip("/").split("/")
        self.app = find_app(parts[1]) if len(parts) == 4 and parts[0] == "apps" else None
        if (self.headers.get("Content-Type") != "application/json" or self.app is None or self.app[1] != "shop"
                or parts[3] not in ("web", "worker")):
            print("PATCH refused", flush=True)
            return self.error(400, "bad_request", "unreadable")
        quantity = json.loads(raw).get("quantity")
        if type(quantity) is not int or quantity < 0:
            print("PATCH refused", flush=True)
            return self.error(422, "invalid_params", "quantity must be an integer")
        print("PATCH %s %d -> %d" % (parts[3], STATE[parts[3]], quantity), flush=True)
        STATE[parts[3]] = quantity
        return self.answer(200, self.formation(parts[3]))

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        for name, values in parse_qs(urlparse(self.path).query).items():
            STATE[name] = int(values[0]) if values[0].isdigit() else values[0]
        self.answer(200, {})

    def heartbeat(self):
        print("heartbeat %.1f" % time.monotonic(), flush=True)
        time.sleep(STATE["delay_ms"] / 1000)
        mode = STATE["mode"]
        if mode == "redirect":
            return self.answer(302, b"", [("Location", "http://elsewhere.example/login")])
        if mode == "teapot":
            return self.answer(418, b"short and stout")
        if mode == "refuse500":
            return self.answer(500, b"<html>broken</html>")
        if mode == "huge":
            self.send_response(200)
            self.send_header("Content-Length", str(10 << 30))
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                self.close_connection = True
            return None
        return self.answer(200, b"Beat")


ThreadingHTTPServer.request_queue_size = 256
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print("listening %d" % server.server_port, flush=True)
server.serve_forever()
