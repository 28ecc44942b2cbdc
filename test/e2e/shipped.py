"""What charts/ and deploy/ hold, read for the tests."""
import functools
import json
import os
import pathlib
import re
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CHART = ROOT / "charts" / "ottoscale"
DEPLOY = ROOT / "deploy"


@functools.cache
def helms():
    """Helm 3 and Helm 4, as the pins of test/tools have them."""
    folder = subprocess.run([ROOT / "test" / "tools" / "build.sh", "--print"], capture_output=True, text=True, check=True)
    return [os.path.join(folder.stdout.strip(), name) for name in ("helm3", "helm4")]


def helm(tool, *arguments, **more):
    return subprocess.run([str(part) for part in (tool, *arguments)], capture_output=True, text=True, **more)


def alerts():
    groups = yaml.safe_load((DEPLOY / "alerts" / "ottoscale.rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


def expand(expression):
    """A dashboard's query with its variables filled in as for "All"."""
    return re.sub(r"\$\w+", ".+", expression.replace("$__rate_interval", "20s"))


def expressions():
    """[(where, PromQL)] of every panel, annotation and rule."""
    found = []
    for path in sorted((DEPLOY / "dashboards").glob("*.json")):
        board = json.loads(path.read_text())
        for panel in board["panels"]:
            found += [(f"{path.stem}: {panel['title']}", expand(target["expr"])) for target in panel["targets"]]
        found += [(f"{path.stem}: annotation", expand(one["expr"])) for one in board["annotations"]["list"]]
    groups = yaml.safe_load((DEPLOY / "alerts" / "ottoscale.rules.yaml").read_text())["groups"]
    for group in groups:
        found += [(f"rule {rule.get('alert') or rule['record']}", rule["expr"]) for rule in group["rules"]]
    return found


@functools.cache
def metric_names():
    """Names of series in the sources of the program."""
    names = set()
    for folder in ("pkg", "operator"):
        for path in (ROOT / folder).rglob("*.cc"):
            if not path.name.endswith("_test.cc"):
                names |= set(re.findall(r'"((?:ottoscale|controller_runtime|workqueue|rest_client|leader_election|process)_\w+)"', path.read_text()))
    return names


def values_documented(text):
    """Values without a comment of their own, of a value above them, or on their own line."""
    missing, documented, comment, path = [], {}, False, []
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            comment = True
        elif match := re.match(r"( *)([A-Za-z0-9]+):(.*)", line):
            depth = len(match.group(1)) // 2
            path = path[:depth] + [match.group(2)]
            above = any(documented.get(tuple(path[:length])) for length in range(1, len(path)))
            documented[tuple(path)] = comment
            if match.group(3).strip() and not comment and not above:
                missing.append(".".join(path))
            comment = False
        elif not stripped:
            comment = False
    return missing
