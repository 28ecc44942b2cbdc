"""The embedded API server answers like a real kube-apiserver: the requests of requests.yaml are played against both, one after
the other, and the answers compared. differences.yaml lists what may differ and why: a difference that is not listed fails,
and so does a listed one that is gone."""
import fnmatch
import http.client
import json

import pytest
import recorded
import yaml

import embedded
from cluster import ROOT

REQUESTS = recorded.load()
LISTED = yaml.safe_load((ROOT / "test/conformance/differences.yaml").read_text(encoding="utf-8"))
COMPARED = [one["name"] for one in REQUESTS if not one.get("silent")]


def play(connect, namespace):
    player, answers = recorded.Player(connect, namespace), {}
    for request in REQUESTS:
        try:
            answers[request["name"]] = player.play(request)
        except (OSError, http.client.HTTPException, KeyError, ValueError, AttributeError) as exception:
            answers[request["name"]] = {"exception": repr(exception)}
    return answers


@pytest.fixture(scope="module")
def answers(cluster, tmp_path_factory):
    """{name: (real, ours)}."""
    namespace = cluster.namespace("conformance")
    real = play(cluster.connect, namespace)
    with embedded.Server(tmp_path_factory.mktemp("embedded")) as server:
        ours = play(server.connect, namespace)
    return {name: (real[name], ours[name]) for name in real}


def listed(name, path):
    """[(entry of differences.yaml, its request)] that allow this difference. An entry without requests is for all."""
    return [(number, request) for number, one in enumerate(LISTED) for request in one.get("requests", ["*"])
            if request in ("*", name) and any(fnmatch.fnmatchcase(path, at) for at in one["at"])]


@pytest.mark.parametrize("name", COMPARED)
def test_request(answers, name):
    real, ours = answers[name]
    assert "exception" not in real, real
    unlisted = [one for one in recorded.differences(real, ours) if not listed(name, one[0])]
    assert not unlisted, "\n" + "\n".join(f"{path}\n  kube-apiserver: {json.dumps(a)[:600]}\n  embedded:       {json.dumps(b)[:600]}"
                                          for path, a, b in unlisted)


def test_every_listed_difference_still_occurs(answers):
    seen = {one for name in COMPARED for path, _, _ in recorded.differences(*answers[name]) for one in listed(name, path)}
    gone = [(one["at"], request) for number, one in enumerate(LISTED) for request in one.get("requests", ["*"])
            if (number, request) not in seen]
    assert not gone, f"no longer different, remove from differences.yaml: {gone}"


def test_there_are_enough_requests():
    assert len(COMPARED) >= 120
    assert len({one["name"] for one in REQUESTS}) == len(REQUESTS)
