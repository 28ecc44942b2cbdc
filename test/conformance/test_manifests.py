"""Every manifest of the table gets the same verdict, at the same paths, from a real kube-apiserver with crds/, from
`ottoscale validate`, and from the embedded API server; and the refusals of the two of ours say the same words.

What a kube-apiserver cannot check stands in ONLY_OURS with the reason; there it must accept, and ours refuse."""
import contextlib
import http.client
import pathlib
import re
import signal
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import manifests  # noqa: E402
from cluster import eventually  # noqa: E402

CASES = manifests.cases()
BASE = manifests.load("bases.yaml")
# (what is wrong, base, path, value, why a kube-apiserver lets it pass)
ONLY_OURS = [
    ("a time zone that nobody has", "weekly", "spec.schedule.timeZone", "Mars/Olympus", "a schema has no time zone database"),
    ("a time zone of this machine", "weekly", "spec.schedule.timeZone", "localtime", "the same"),
    ("no address in brackets", "policy", "spec.metrics[0].source.httpHeartbeat.url", "http://[1:2]/", "CEL has isIP only since 1.31"),
]


@pytest.fixture(scope="module")
def real(cluster):
    with contextlib.closing(cluster.connect()) as connection:
        good = manifests.Case("", BASE["policy"], [])
        eventually("the new kinds are served", lambda: manifests.judge_by_api(connection, good) == ([], ""))
        yield connection


@pytest.fixture(scope="module")
def embedded(product, tmp_path_factory):
    folder = tmp_path_factory.mktemp("up")
    (folder / "console.yaml").write_text(
        "apiVersion: ottoscale.dev/v1alpha1\nkind: NotificationChannel\nmetadata: {name: unrelated}\nspec: {type: Log}\n")
    log = folder / "up.log"
    with open(log, "wb") as out:
        process = subprocess.Popen([product, "up", "--policies", str(folder), "--api-port=0", "--metrics-port=0"], stdout=out,
                                   stderr=subprocess.STDOUT)
    try:
        match = eventually("up is ready", lambda: re.search(r"API +http://(127\.0\.0\.1:\d+)", log.read_text()))
        with contextlib.closing(http.client.HTTPConnection(match.group(1), timeout=30)) as connection:
            yield connection
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@pytest.fixture(scope="module")
def validated(product, tmp_path_factory):
    return manifests.judge_by_validate(product, tmp_path_factory.mktemp("manifests"), CASES)


def test_the_table_is_large_enough_and_says_each_thing_once():
    assert len(CASES) >= 400
    assert sum(1 for case in CASES if not case.refused) >= 100
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_all_three_judge_alike(case, real, embedded, validated):
    by_kube, kube_says = manifests.judge_by_api(real, case)
    by_us, we_say = manifests.judge_by_api(embedded, case)
    by_validate, lines = validated[case.name]
    said = f"\nkube-apiserver: {by_kube} {kube_says}\nembedded: {by_us} {we_say}\nvalidate: {by_validate} {lines}"
    assert by_kube == case.refused, said
    assert by_us == case.refused, said
    assert by_validate == case.refused, said


def test_the_embedded_server_says_the_words_of_validate(embedded, validated):
    """But for unknown fields, where it says what kubectl knows from a kube-apiserver, and for names, which it checks first."""
    checked = 0
    for case in CASES:
        _, said = manifests.judge_by_api(embedded, case)
        for line in validated[case.name][1]:
            words = re.sub(r"^\S+ ", "", line)
            if "strict decoding error" not in said and not words.startswith("metadata."):
                assert words in said, (case.name, words, said)
                checked += 1
    assert checked >= 250


def test_the_rules_of_crds_say_the_words_of_validate(real, validated):
    """CEL rules have sentences of their own; where one knows no numbers, ours begins with it."""
    seen = set()
    for case in CASES:
        _, body = manifests.answer_of(real, case)
        causes = body.get("details", {}).get("causes", []) if body["kind"] == "Status" else []
        shapeless = {cause["field"] for cause in causes if " in body " in cause["message"]}
        for cause in causes:
            said = re.sub(r'^Invalid value: ("[^"]*": )?', "", cause["message"])
            if cause["field"] in shapeless or not re.match(r"(must|is) ", said):
                continue  # the server's own words for types, bounds and patterns
            ours = [line for line in validated[case.name][1] if f" {cause['field']}: {said}" in line]
            assert ours, (case.name, cause, validated[case.name])
            seen.add(re.sub(r"[\[(']?\d[^ ]*|'[^']*'", "_", said))
    assert len(seen) >= 11, "\n".join(sorted(seen))


@pytest.mark.parametrize("row", ONLY_OURS, ids=lambda row: row[0])
def test_only_ours_can_know(row, real, embedded):
    name, base, path, value, _ = row
    manifest = yaml.safe_load(yaml.safe_dump(BASE[base]))
    manifests.put(manifest, path, value)
    case = manifests.Case(name, manifest, [path])
    assert manifests.judge_by_api(real, case)[0] == []
    assert manifests.judge_by_api(embedded, case)[0] == [path]


EXAMPLES = [*ROOT.glob("deploy/examples/*.yaml"), *ROOT.glob("test/scenarios/*/policy.yaml"), ROOT / "pkg/manifest/testdata/full.yaml"]


@pytest.mark.parametrize("file", sorted(EXAMPLES), ids=lambda file: str(file.relative_to(ROOT)))
def test_the_examples_are_good_everywhere(file, product, real, embedded):
    run = subprocess.run([product, "validate", str(file)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    for manifest in yaml.safe_load_all(file.read_text()):
        if manifest["kind"] not in manifests.PLURALS:
            continue  # a Secret beside them
        case = manifests.Case(file.name, manifest, [])
        for connection in (real, embedded):
            assert manifests.judge_by_api(connection, case) == ([], "")
