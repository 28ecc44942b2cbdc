"""The recorded requests of requests.yaml: played against a server, and their answers made comparable.

A request is {name, METHOD: path, ...}: `json` or `raw` is the body, `merge`, `strategic`, `patch` (JSON patch) and `apply` are
bodies with their media types, `type` another one, `headers` more headers, `save: {variable: path}` keeps a part of the
answer for later paths and bodies as {variable}, `only: {list, by, is}` leaves one element of a list, `sort: {list, by}` orders one whose order says nothing, `keep: [field]` the
named fields of the answer, `keys: path` the members' names there. `watch: seconds` reads a stream to its end.
`silent: true`: done for its effect and not compared.
"""
import http.client
import json
import pathlib
import re

import yaml

HERE = pathlib.Path(__file__).resolve().parent
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
TYPES = {"merge": "application/merge-patch+json", "strategic": "application/strategic-merge-patch+json",
         "patch": "application/json-patch+json", "apply": "application/apply-patch+yaml"}
GROUP = "/apis/ottoscale.dev/v1alpha1"
SHORT = {"policies": GROUP + "/namespaces/{ns}/scalingpolicies", "accounts": GROUP + "/namespaces/{ns}/cloudaccounts",
         "channels": GROUP + "/namespaces/{ns}/notificationchannels", "secrets": "/api/v1/namespaces/{ns}/secrets",
         "events": "/apis/events.k8s.io/v1/namespaces/{ns}/events",
         "leases": "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases"}
HEADERS = ("content-type", "warning", "retry-after")


def load():
    return yaml.safe_load((HERE / "requests.yaml").read_text(encoding="utf-8"))


def at(value, path):
    """`value` at "a.b.0.c"; None where there is nothing."""
    for step in filter(None, path.split(".")):
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


class Player:
    """Plays requests one after the other. `connect()` opens a connection; the variables start with the namespace."""

    def __init__(self, connect, namespace):
        self._connect, self._variables, self._connection = connect, {"ns": namespace}, None
        self._ordinals = {}

    def _fill(self, text):
        for short, path in SHORT.items():
            text = text.replace("{%s}" % short, path)
        for name, value in self._variables.items():
            text = text.replace("{%s}" % name, str(value))
        return text

    def _body(self, request, headers):
        for kind, media in TYPES.items():
            if kind in request:
                headers.setdefault("Content-Type", media)
                return self._fill(json.dumps(request[kind]) if not isinstance(request[kind], str) else request[kind])
        if "json" in request:
            headers.setdefault("Content-Type", "application/json")
            return self._fill(json.dumps(request["json"]))
        return self._fill(request["raw"]) if "raw" in request else None

    def play(self, request):
        method = next(each for each in METHODS if each in request)
        headers = {"User-Agent": "conformance/1.0", "Accept": "application/json", **request.get("headers", {})}
        if "type" in request:
            headers["Content-Type"] = request["type"]
        body = self._body(request, headers)
        if self._connection is None:
            self._connection = self._connect()
        try:
            self._connection.request(method, self._fill(request[method]), body=body.encode() if body else None, headers=headers)
            response = self._connection.getresponse()
            text = response.read().decode(errors="replace")
        except (http.client.HTTPException, OSError):
            self._connection = None
            raise
        answer = {"status": response.status,
                  "headers": {name: response.headers[name] for name in HEADERS if response.headers.get(name)}}
        for warning in response.headers.get_all("Warning") or []:
            answer["headers"].setdefault("warnings", []).append(warning)
        answer["headers"].pop("warning", None)
        if "watch" in request:
            answer["events"] = [json.loads(line) for line in text.splitlines()]
        else:
            try:
                answer["body"] = json.loads(text)
            except ValueError:
                answer["body"] = text
        for name, path in request.get("save", {}).items():
            self._variables[name] = at(answer["body"], path)
        return self._comparable(request, answer)

    def _comparable(self, request, answer):
        body = answer.get("body")
        if "only" in request and isinstance(body, dict):
            wanted = request["only"]
            body = {wanted["list"]: [one for one in body.get(wanted["list"], []) if at(one, wanted["by"]) == wanted["is"]]}
        if "sort" in request and isinstance(body, dict):
            wanted = request["sort"]
            body = body | {wanted["list"]: sorted(body.get(wanted["list"], []), key=lambda one: at(one, wanted["by"]))}
        if "keep" in request:
            body = {path: at(body, path) for path in request["keep"]}
        if "keys" in request:
            body = sorted(at(body, request["keys"]) or {})
        if "body" in answer:
            answer["body"] = body
        return self._plain(_without_repeats(answer), "")

    def _ordinal(self, kind, value):
        """The same value gets the same name, in the order of appearance: equality is compared, not the value."""
        known = self._ordinals.setdefault(kind, {})
        return "<%s %d>" % (kind, known.setdefault(value, len(known) + 1))

    def _plain(self, value, key):
        if isinstance(value, dict):
            listed = str(value.get("kind", "")).endswith("List") or value.get("kind") == "Table"
            bookmark = value.get("type") == "BOOKMARK"
            out = {}
            for name, each in value.items():
                if name == "metadata" and listed and isinstance(each, dict):
                    each = dict(each, resourceVersion="<rv of a list>") if "resourceVersion" in each else each
                if name == "object" and bookmark:
                    each = dict(each, metadata=dict(each["metadata"], resourceVersion="<rv of a bookmark>"))
                out[self._text(name)] = self._plain(each, name)
            return out
        if isinstance(value, list):
            if key == "managedFields":  # sorted by their second, so the order is a matter of time
                value = sorted(value, key=lambda one: [str(one.get(name)) for name in ("operation", "manager", "subresource")])
            return [self._plain(each, key) for each in value]
        if not isinstance(value, str):
            return value
        if key == "uid" and value:
            return self._ordinal("uid", value)
        if key == "resourceVersion" and value and not value.startswith("<"):
            return self._ordinal("rv", value)
        if key == "continue" and value:
            return "<token>"
        return self._text(value)

    def _text(self, text):
        text = text.replace(self._variables["ns"], "<ns>")
        text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", lambda m: self._ordinal("uid", m[0]), text)
        text = re.sub(r"\bmade-[a-z0-9]{5}\b", "made-<5>", text)
        text = re.sub(r"too old resource version: \d+ \(\d+\)", "too old resource version: <n> (<n>)", text)
        return text if text.startswith("2030-") else re.sub(r"\b202\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>", text)


def _without_repeats(answer):
    """One bookmark after another says nothing new: how many come is a matter of time."""
    events = answer.get("events")
    if events:
        answer["events"] = [one for before, one in zip([None, *events], events)
                            if not (before and one["type"] == before["type"] == "BOOKMARK")]
    return answer


def differences(real, ours, path=""):
    """[(path, of the real server, of ours)]."""
    if isinstance(real, dict) and isinstance(ours, dict):
        found = []
        for name in sorted({*real, *ours}):
            found += differences(real.get(name, "<absent>"), ours.get(name, "<absent>"), f"{path}.{name}" if path else name)
        return found
    if isinstance(real, list) and isinstance(ours, list) and len(real) == len(ours):
        return [one for number, (a, b) in enumerate(zip(real, ours)) for one in differences(a, b, f"{path}.{number}")]
    return [] if real == ours else [(path, real, ours)]
