"""The table of manifests, good and bad, in manifests/*.yaml, and the three that judge them: a real kube-apiserver with
crds/ installed, `ottoscale validate`, and the embedded API server. A verdict is the sorted list of paths at which a
manifest is refused; an empty one is a good manifest."""
import copy
import dataclasses
import http.client
import json
import pathlib
import re
import subprocess

import yaml

HERE = pathlib.Path(__file__).resolve().parent
PLURALS = {"ScalingPolicy": "scalingpolicies", "CloudAccount": "cloudaccounts", "NotificationChannel": "notificationchannels"}


@dataclasses.dataclass
class Case:
    name: str
    manifest: dict
    refused: list


def load(name):
    return yaml.safe_load((HERE / "manifests" / name).read_text(encoding="utf-8"))


def _steps(path):
    """"spec.metrics[0].name" as ["spec", "metrics", 0, "name"]."""
    return [int(step) if step.isdigit() else step for step in re.findall(r"[^.\[\]]+", path)]


def put(manifest, path, value):
    """Sets what `path` names; objects and lists on the way come into being."""
    steps = _steps(path)
    at = manifest
    for step, following in zip(steps, steps[1:]):
        fresh = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            at.extend([fresh] * (step + 1 - len(at)))
        else:
            at.setdefault(step, fresh)
        at = at[step]
    last = steps[-1]
    if isinstance(last, int) and last == len(at):
        at.append(value)
    else:
        at[last] = value


def _remove(manifest, path):
    steps = _steps(path)
    at = manifest
    for step in steps[:-1]:
        at = at[step]
    del at[steps[-1]]


def _expand(value):
    """{repeat: x, times: n} is x, n times over."""
    if isinstance(value, dict) and set(value) == {"repeat", "times"}:
        return value["repeat"] * value["times"]
    return value


def cases():
    bases = load("bases.yaml")
    out = []
    for row in load("values.yaml"):
        for verdict in ("good", "bad"):
            for value in row.get(verdict, []):
                manifest = copy.deepcopy(bases[row["base"]])
                put(manifest, row["path"], _expand(value))
                text = json.dumps(value, ensure_ascii=False, default=str)
                name = "%s of %s is %s" % (row["path"], row["base"], text)
                out.append(Case(name, manifest, [row["path"]] if verdict == "bad" else []))
    for row in load("edits.yaml"):
        manifest = copy.deepcopy(bases[row["base"]])
        for path, value in row.get("set", {}).items():
            put(manifest, path, copy.deepcopy(value))
        for path in row.get("remove", []):
            _remove(manifest, path)
        out.append(Case(row["name"], manifest, sorted(row.get("refused", []))))
    for number, case in enumerate(out):
        if case.manifest["metadata"].get("name") == "case":
            case.manifest["metadata"]["name"] = "case-%d" % number
    return out


def paths_of(status):
    """The paths of a Status that refuses an object. "<nil>" says that rules were left out, not that one is broken."""
    message = status.get("message", "")
    if status.get("reason") == "BadRequest":
        return sorted(set(re.findall(r'(?:unknown|duplicate) field "([^"]+)"', message))) or [message]
    causes = status.get("details", {}).get("causes", [])
    return sorted({cause.get("field", "") for cause in causes} - {"<nil>"}) or [message]


def answer_of(connection, case, namespace="default"):
    """(status, body) of a server-side dry run with strict field validation."""
    kind = case.manifest["kind"]
    url = "/apis/ottoscale.dev/v1alpha1/namespaces/%s/%s?dryRun=All&fieldValidation=Strict" % (namespace, PLURALS[kind])
    connection.request("POST", url, json.dumps(case.manifest), {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def judge_by_api(connection, case):
    """(paths, message)."""
    status, body = answer_of(connection, case)
    return ([], "") if status == 201 else (paths_of(body), body.get("message", ""))


def judge_by_validate(binary, folder, every_case):
    """{name: (paths, messages)} of one `ottoscale validate` over a file for each case."""
    names = {}
    for number, case in enumerate(every_case):
        path = folder / ("%04d.yaml" % number)
        path.write_text(json.dumps(case.manifest, indent=1), encoding="utf-8")
        names[path.name] = case.name
    run = subprocess.run([binary, "validate", str(folder)], capture_output=True, text=True, check=False)
    out = {name: ([], []) for name in names.values()}
    for line in (run.stdout + run.stderr).splitlines():
        match = re.match(r"(?:.*/)?(\d{4}\.yaml):\d+:\d+: (?:([^ :]+): )?(.*)", line)
        if match:
            paths, messages = out[names[match.group(1)]]
            paths.append(match.group(2) or "")
            messages.append(line)
    return {name: (sorted(set(paths)), messages) for name, (paths, messages) in out.items()}


def connect(server, context=None):
    """A connection to https://host:port, or http."""
    host = server.split("://")[1]
    if server.startswith("https"):
        return http.client.HTTPSConnection(host, context=context, timeout=30)
    return http.client.HTTPConnection(host, timeout=30)
