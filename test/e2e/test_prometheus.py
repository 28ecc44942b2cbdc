"""A real Prometheus scrapes the real program: each query of each panel and rule answers in a world that provokes it."""
import os
import re
import subprocess

import pytest
import yaml

import faulty_cloud
from prometheus import OPERATOR_LABELS, Prometheus
from shipped import DEPLOY, expressions

# What no fault of a cloud provokes; test_rights.py and the cases of promtool have these.
NOT_HERE = {
    "rule OttoscaleDown": "the program runs",
    "rule OttoscaleNoLeader": "`up` has no lease",
    "rule OttoscaleInvariantViolation": "a defect of the program",
    "rule OttoscaleReconcileErrors": "the embedded API server does not fail",
    "rule OttoscaleAPIServerRefuses": "the embedded API server does not refuse",
    "rule OttoscaleWorkqueueBacklog": "takes 100 policies for 10 minutes",
    "rule OttoscaleReconcileLag": "takes an overload",
}


@pytest.fixture(scope="module")
def world(product, tmp_path_factory):
    """`ottoscale up` with a fleet of faults, and a Prometheus that scrapes it as the Prometheus Operator would."""
    folder = tmp_path_factory.mktemp("world")
    cloud = faulty_cloud.Cloud()
    (folder / "policies").mkdir()
    (folder / "policies" / "fleet.yaml").write_text(yaml.safe_dump_all(faulty_cloud.fleet(cloud.url)))
    secrets = [f"--secret={name}/apiKey=env:KEY_{name.upper()}" for name in ("heroku", "denied", "throttled", "poor")]
    keys = {f"KEY_{name.upper()}": f"key-of-{name}-0123456789" for name in ("heroku", "denied", "throttled", "poor")}
    log = open(folder / "up.log", "w+")
    process = subprocess.Popen(
        [product, "up", f"--policies={folder / 'policies'}", *secrets, "--metrics-port=0", "--api-port=0"]
        + [f"--allow-endpoint={cloud.url}", "--probe-allow-cidr=127.0.0.0/8", "--log-format=logfmt"],
        env=os.environ | keys,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    said = lambda: re.search(r"metrics +http://(\S+?:\d+)", (folder / "up.log").read_text())
    target = Prometheus.wait(said, "`up` says where its metrics are", 30).group(1)
    rules = folder / "ottoscale.rules.yaml"
    rules.write_text((DEPLOY / "alerts" / "ottoscale.rules.yaml").read_text())
    prometheus = Prometheus(folder / "prometheus", [target], OPERATOR_LABELS, rules)
    yield prometheus, process, folder
    prometheus.close()
    if process.poll() is None:
        process.terminate()
        assert process.wait(40) == 0
    log.close()
    cloud.close()


def test_every_query_answers_in_a_world_that_provokes_it(world):
    prometheus, process, folder = world
    wanted = [(where, text) for where, text in expressions() if where not in NOT_HERE]
    never = prometheus.until_all(wanted, 180)
    assert process.poll() is None, (folder / "up.log").read_text()[-2000:]
    assert never == [], "no answer, ever"


def test_the_target_is_healthy(world):
    prometheus, *_ = world
    (target,) = prometheus.targets()
    assert target["health"] == "up" and target["lastError"] == ""


@pytest.mark.parametrize("label", sorted(OPERATOR_LABELS) + ["job", "instance"])
def test_no_label_collides_with_those_of_the_target(world, label):
    prometheus, *_ = world
    assert prometheus.query(f'{{__name__=~".+",exported_{label}!=""}}') == []
    assert prometheus.query(f'ottoscale_policy_info{{{label}!=""}}') != []


def test_alerts_that_need_no_waiting_fire(world):
    prometheus, *_ = world
    names = ("OttoscaleFlapping", "OttoscaleCapacitySwing", "OttoscalePolicyAtMaxCapacity")
    assert prometheus.until_all([(name, f'ALERTS{{alertname="{name}"}}') for name in names], 60) == []
    assert prometheus.query('ALERTS{alertname="OttoscaleDown"}') == []


def test_down_is_seen_when_the_program_ends(world):
    prometheus, process, _ = world
    process.terminate()
    assert process.wait(40) == 0
    down = [one for one in expressions() if one[0] == "rule OttoscaleDown"]
    assert prometheus.until_all(down, 20) == []
