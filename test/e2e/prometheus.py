"""A real Prometheus for the tests: scrapes what it is told each second, answers queries."""
import json
import pathlib
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import yaml

# What the Prometheus Operator attaches to each target.
OPERATOR_LABELS = {"namespace": "monitoring", "pod": "pod-1", "service": "svc", "container": "operator", "endpoint": "metrics"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    def __init__(self, folder, targets, labels=None, rules=None):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        scrape = {"job_name": "ottoscale", "honor_labels": False, "static_configs": [{"targets": targets, "labels": labels or {}}]}
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)] if rules else [],
            "scrape_configs": [scrape],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = open(folder / "prometheus.log", "w")
        self.process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
            ],
            stdout=self.log,
            stderr=self.log,
        )
        self.wait(lambda: self._get("/-/ready"), "Prometheus is ready", 30)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()

    def _get(self, path):
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            return error.read()
        except OSError:
            return None

    def query(self, expression):
        """[{metric, value}] of an instant query."""
        body = json.loads(self._get("/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
        assert body["status"] == "success", (expression, body)
        result = body["data"]["result"]
        return result if body["data"]["resultType"] == "vector" else [{"metric": {}, "value": result}]

    def targets(self):
        return json.loads(self._get("/api/v1/targets"))["data"]["activeTargets"]

    @staticmethod
    def wait(condition, what, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.25)
        raise AssertionError(f"not within {seconds} s: {what}")

    def until_all(self, expressions, seconds):
        """Asks until each of [(where, PromQL)] has answered with something once; those that never did."""
        left = list(expressions)
        end = time.monotonic() + seconds
        while left and time.monotonic() < end:
            left = [(where, expression) for where, expression in left if not self.query(expression)]
            time.sleep(0.5)
        return left
