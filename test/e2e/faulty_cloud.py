"""A Heroku and the apps on it, in this process, whose faults stand in the names of the apps.

  app       the cloud                               its heartbeat
  max       as it should                            slow: wants more than it may have
  under     as it should                            fast
  swing     as it should                            slow while it has one dyno, else fast: scales out and in for ever
  refuse    refuses each change (422)               slow
  sched     as it should                            fast
  rivals    as it should                            fast
  silent    as it should                            cuts the connection
  denied    401                                     fast
  throttled 429                                     fast
  poor      as it should, hardly any requests left  fast

`requests` counts what each app's cloud was asked; `writes` has each accepted change as (app, from, to).
"""
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse

SLOW = 0.4  # seconds; "upper" of the policies is 200 ms
FAST = 0.0


class Cloud:
    def __init__(self):
        names = "max under swing refuse sched rivals silent denied throttled poor".split()
        self.ids = {name: str(uuid.uuid5(uuid.NAMESPACE_DNS, name)) for name in names}
        self.quantity = dict.fromkeys(names, 1) | {"max": 2, "under": 2}
        self.remaining = dict.fromkeys(names, 4500)
        self.requests = dict.fromkeys(names, 0)
        self.writes = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def name_of(self, word):
        return next((name for name, ident in self.ids.items() if word in (name, ident)), None)

    def formation(self, name):
        return {
            "app": {"id": self.ids[name], "name": name},
            "command": "run",
            "id": f"f-{name}",
            "quantity": self.quantity[name],
            "size": "Standard-1X",
            "type": "web",
            "created_at": "2030-01-01T00:00:00Z",
            "updated_at": "2030-01-01T00:00:00Z",
        }

    def answer(self, method, path, body):
        """(status, JSON, headers) of the Platform API."""
        parts = path.strip("/").split("/")
        name = self.name_of(parts[1]) if len(parts) > 1 and parts[0] == "apps" else None
        if name is None:
            return 404, {"id": "not_found", "message": "Couldn't find that app."}, {}
        self.requests[name] += 1
        if name == "denied":
            return 401, {"id": "unauthorized", "message": "Invalid credentials provided."}, {}
        if name == "throttled":
            return 429, {"id": "rate_limit", "message": "Your account reached the API rate limit."}, {"Retry-After": "1"}
        self.remaining[name] = max(100, self.remaining[name] - (2200 if name == "poor" else 1))
        headers = {"RateLimit-Remaining": str(self.remaining[name])}
        rest = parts[2:]
        if method == "PATCH":
            if name == "refuse":
                return 422, {"id": "invalid_params", "message": "no"}, headers
            self.writes.append((name, self.quantity[name], body["quantity"]))
            self.quantity[name] = body["quantity"]
            return 200, self.formation(name), headers
        if not rest:
            return 200, {"id": self.ids[name], "name": name, "maintenance": False, "space": None}, headers
        if rest == ["formation"]:
            return 200, [self.formation(name)], headers
        if rest == ["formation", "web"]:
            return 200, self.formation(name), headers
        if rest == ["dynos"]:
            dynos = range(1, self.quantity[name] + 1)
            up = {"type": "web", "state": "up", "size": "Standard-1X"}
            return 200, [up | {"id": f"d-{name}-{n}", "name": f"web.{n}"} for n in dynos], headers
        return 404, {"id": "not_found", "message": "The requested API endpoint was not found."}, headers

    def delay(self, name):
        slow = name in ("max", "refuse") or (name == "swing" and self.quantity[name] == 1)
        return SLOW if slow else FAST

    def _handler(cloud):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def send(self, status, content, headers):
                self.send_response(status)
                for key, value in ({"Content-Length": str(len(content))} | headers).items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(content)

            def handle_any(self):
                path = urlparse(self.path).path
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                if path.startswith("/heartbeat/"):
                    name = path.rpartition("/")[2]
                    time.sleep(cloud.delay(name))
                    if name == "silent":
                        self.close_connection = True
                        return
                    self.send(200, b"Beat", {})
                    return
                status, answer, headers = cloud.answer(self.command, path, json.loads(body) if body else None)
                self.send(status, json.dumps(answer).encode(), {"Content-Type": "application/json"} | headers)

            do_GET = do_PATCH = handle_any

        return Handler


def account(name, url, per_minute=600):
    spec = {"apiKeySecretRef": {"name": name, "key": "apiKey"}, "apiURL": url, "requestsPerMinute": per_minute}
    return _object("CloudAccount", name, {"type": "Heroku", "heroku": spec})


def policy(name, url, *, app=None, account_name="heroku", low=1, high=4, behavior=None, threshold=None, **more):
    app = app or name
    source = {"url": f"{url}/heartbeat/{app}", "timeoutMilliseconds": 3000}
    metric = {
        "name": "heartbeat",
        "source": {"type": "HTTPHeartbeat", "httpHeartbeat": source},
        "strategy": {
            "type": "Threshold",
            "threshold": {"lower": 100, "upper": 200, "breachesToScaleOut": 1, "breachesToScaleIn": 1} | (threshold or {}),
        },
    }
    calm = {"settleSeconds": 0, "scaleIn": {"stabilizationWindowSeconds": 0, "policies": []}}
    target = {"accountRef": {"name": account_name}, "app": app}
    spec = {
        "pollPeriodSeconds": 5,
        "target": {"type": "HerokuFormation", "herokuFormation": target},
        "minCapacity": low,
        "maxCapacity": high,
        "metrics": [metric],
        "behavior": behavior or calm,
    }
    return _object("ScalingPolicy", name, spec | more)


def _object(kind, name, spec):
    return {"apiVersion": "ottoscale.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def fleet(url):
    """Accounts and policies, one for each app: what provokes the alerts."""
    always = {"windows": [{"name": "always", "type": "Weekly", "weekly": {"start": "00:00", "end": "24:00"}, "minCapacity": 3}]}
    far = {"stepOut": 5, "stepIn": 5}
    return [
        *(account(name, url) for name in ("heroku", "denied", "throttled", "poor")),
        policy("max", url, high=2),
        policy("under", url, low=2),
        policy("swing", url, high=6, threshold=far),
        policy("refuse", url),
        policy("sched", url, schedule=always, suspend={"reason": "a test"}),
        policy("rival-one", url, app="rivals"),
        policy("rival-two", url, app="rivals"),
        policy("silent", url),
        policy("denied", url, account_name="denied"),
        policy("throttled", url, account_name="throttled"),
        policy("poor", url, account_name="poor"),
        policy("advice", url, app="max", mode="Recommend"),
    ]
