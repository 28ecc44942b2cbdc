"""What is shipped, held together without a cluster: generated files, values, rules, runbooks, dashboards, the unit."""
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

from shipped import CHART, DEPLOY, ROOT, alerts, expressions, helm, helms, metric_names, values_documented

TARGET_LABELS = {"namespace", "pod", "service", "container", "endpoint", "job", "instance"}
DASHBOARDS = sorted((DEPLOY / "dashboards").glob("*.json"))


def run(*command, **more):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)


def panels():
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            yield pytest.param(panel, id=f"{path.stem}: {panel['title']}")


def test_generated_files_are_up_to_date():
    done = run(sys.executable, DEPLOY / "generate.py", "--check", "--helm", helms()[-1])
    assert done.returncode == 0, done.stdout + done.stderr


def test_versions_agree():
    version = re.search(r"project\(ottoscale VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == version


def test_every_value_is_documented_and_in_the_schema():
    text = (CHART / "values.yaml").read_text()
    assert values_documented(text) == []
    assert values_documented(text.replace("  # In place of podAntiAffinity, as in a pod.\n", "")) == []
    assert values_documented(text.replace("# In place of podAntiAffinity, as in a pod.\n", "")) == ["affinity"]

    def paths(schema, prefix=""):
        for name, child in schema.get("properties", {}).items():
            yield f"{prefix}{name}"
            yield from paths(child, f"{prefix}{name}.")

    def keys(value, prefix=""):
        for name, child in value.items():
            yield f"{prefix}{name}"
            if isinstance(child, dict):
                yield from keys(child, f"{prefix}{name}.")

    schema = json.loads((CHART / "values.schema.json").read_text())
    allowed = set(paths(schema))
    free = {"podSecurityContext", "securityContext", "nodeSelector", "resources.requests", "resources.limits"}
    free |= {"grafanaDashboards.labels"}
    inside_free = lambda key: any(key.startswith(f"{name}.") for name in free)
    assert {key for key in keys(yaml.safe_load(text)) if not inside_free(key)} <= allowed
    top = {path for path in allowed if "." not in path} - {"global"}
    assert top == set(yaml.safe_load(text)), "a value of the schema has no default"


def test_every_object_of_the_schema_is_closed():
    def walk(schema, path):
        if "properties" in schema:
            assert schema.get("additionalProperties") is False, f"{path} takes any key"
        for name, child in schema.get("properties", {}).items():
            walk(child, f"{path}.{name}")
        if isinstance(schema.get("items"), dict):
            walk(schema["items"], f"{path}[]")

    walk(json.loads((CHART / "values.schema.json").read_text()), "")


def test_every_flag_of_the_operator_has_a_value(product):
    done = run(product, "operator", "--help")
    assert done.returncode == 0, f"there is no `ottoscale operator`: {done.stderr}"
    flags = set(re.findall(r"--(?!no-)[a-z][a-z0-9-]+", done.stdout)) - {"--help"}
    words = set(re.findall(r"--[a-z][a-z0-9-]+", (CHART / "values.yaml").read_text()))
    assert flags - words == set(), "flags without a value"
    assert words - flags == set(), "values for flags that are not there"


def test_rules_are_valid_and_their_cases_pass():
    for arguments in (["check", "rules", "ottoscale.rules.yaml"], ["test", "rules", "ottoscale.rules_test.yaml"]):
        done = run("promtool", *arguments, cwd=DEPLOY / "alerts")
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_case_that_fires_and_one_that_does_not():
    fires, silent = set(), set()
    for case in yaml.safe_load((DEPLOY / "alerts" / "ottoscale.rules_test.yaml").read_text())["tests"]:
        for one in case["alert_rule_test"]:
            (fires if one["exp_alerts"] else silent).add(one["alertname"])
    names = {alert["alert"] for alert in alerts()}
    assert fires == names and silent == names


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_alert(alert):
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert "{{" not in alert["annotations"]["summary"], "a summary has no variables: it groups"
    assert alert["annotations"]["description"].endswith((".", "report it."))
    page = (DEPLOY / "runbooks" / f"{alert['alert']}.md").read_text()
    for heading in ("## Meaning", "## Impact", "## How to see", "## What to do"):
        assert heading in page
    assert f"({alert['alert']}.md)" in (DEPLOY / "runbooks" / "README.md").read_text()


def test_every_query_names_series_that_the_program_exports():
    known = metric_names()
    for where, expression in expressions():
        names = set(re.findall(r"\b(?:ottoscale|controller_runtime|workqueue|rest_client|leader_election|process)_\w+", expression))
        base = {re.sub(r"_(bucket|sum|count)$", "", name) if name not in known else name for name in names}
        assert base <= known, f"{where}: {base - known}"


def test_every_query_is_promql(tmp_path):
    rules = [{"record": f"q:{n}", "expr": text} for n, (_, text) in enumerate(expressions())]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "q", "rules": rules}]}))
    done = run("promtool", "check", "rules", "--lint=none", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_query_depends_on_labels_that_a_scrape_adds():
    for where, expression in expressions():
        asked = set(re.findall(r"[{,]\s*(\w+)\s*(?:=|!=|=~|!~)\"", expression))
        assert asked & (TARGET_LABELS - {"job", "instance"}) == set(), where


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboard(path):
    board = json.loads(path.read_text())
    assert board["uid"] == path.stem and board["id"] is None and board["editable"] is False
    assert board["schemaVersion"] == 39 and "ottoscale" in board["tags"] and board["title"].startswith("Ottoscale / ")
    first, *others = board["templating"]["list"]
    assert (first["name"], first["type"], first["query"]) == ("datasource", "datasource", "prometheus")
    for variable in others:
        assert variable["multi"] and variable["includeAll"] and variable["allValue"] == ".+" and variable["refresh"] == 2
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    boxes = [panel["gridPos"] for panel in board["panels"]]
    cells = [(x, y) for box in boxes for x in range(box["x"], box["x"] + box["w"]) for y in range(box["y"], box["y"] + box["h"])]
    assert len(cells) == len(set(cells)), "panels overlap"
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("panel", panels())
def test_panel(panel):
    assert panel["title"] and panel["description"].endswith(".")
    assert panel["datasource"]["uid"] == "${datasource}"
    assert panel["fieldConfig"]["defaults"]["unit"]
    for target in panel["targets"]:
        expression = target["expr"]
        assert target["datasource"]["uid"] == "${datasource}"
        for variable in re.findall(r"(\S)\"\$\w+\"", expression):
            assert variable == "~", f"'All' is a pattern: {expression}"
        for window in re.findall(r"rate\([^\[]*\[([^\]]*)\]", expression):
            assert window == "$__rate_interval", expression
        for counter in re.findall(r"(\w+_total)\b", expression):
            stat = panel["type"] == "stat" or "* 0)" in expression
            assert stat or re.search(rf"(rate|increase|changes)\({counter}", expression), f"{counter} is a counter"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_is_locked_down():
    done = run("systemd-analyze", "security", "--offline=true", DEPLOY / "systemd" / "ottoscale.service")
    level = float(re.search(r"exposure level.*: ([0-9.]+)", done.stdout).group(1))
    assert level <= 2.0, done.stdout


def test_the_image_runs(product):
    done = run(DEPLOY / "image" / "image_test.sh", product)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("tool", helms(), ids=lambda path: pathlib.Path(path).name)
def test_helm_lint(tool):
    done = helm(tool, "lint", "--strict", CHART)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", ["base", "overlays/cluster"])
def test_kustomize(folder):
    kubectl = pathlib.Path(helms()[0]).parent / "kubectl"
    done = run(kubectl, "kustomize", DEPLOY / "kustomize" / folder)
    assert done.returncode == 0, done.stderr
    objects = {(item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(done.stdout)}
    arguments = objects["Deployment", "ottoscale"]["spec"]["template"]["spec"]["containers"][0]["args"]
    wide = folder != "base"
    assert ("ClusterRole", "ottoscale-system-ottoscale") in objects if wide else ("Role", "ottoscale") in objects
    assert ("--watch-namespaces=ottoscale-system" in arguments) is not wide
    assert (("Role", "ottoscale") in objects) is not wide
