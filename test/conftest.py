"""What every pytest test may ask for. On a failure the logs of the test's processes are shown, shortened."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "e2e"))

from cluster import Cluster  # noqa: E402

LOG_LINES = 40


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """A real kube-apiserver with our CustomResourceDefinitions; one for the whole session."""
    with Cluster(tmp_path_factory.mktemp("cluster")) as one:
        one.apply_crds()
        yield one


@pytest.fixture(scope="session")
def product():
    """The path of the program: OTTOSCALE_PRODUCT, or what `make build` has built."""
    path = pathlib.Path(os.environ.get("OTTOSCALE_PRODUCT") or pathlib.Path(__file__).parent.parent / "build" / "ottoscale")
    assert path.exists(), f"{path} is not built: run `make build`, or name another one in OTTOSCALE_PRODUCT"
    return str(path.resolve())


@pytest.fixture
def namespace(cluster):
    return cluster.namespace()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when != "call" or not report.failed:
        return
    folders = [item.funcargs["tmp_path"]] if "tmp_path" in item.funcargs else []
    if "cluster" in item.funcargs:
        folders.append(item.funcargs["cluster"].folder)
    if "namespace" in item.funcargs:
        shown = item.funcargs["cluster"].kubectl("get", "-n", item.funcargs["namespace"], "spol", "-o", "yaml", check=False)
        report.sections.append(("policies", (shown.stdout + shown.stderr)[:6000]))
    for log in sorted(path for folder in folders for path in folder.glob("*.log") if path.name != "audit.log"):
        lines = log.read_text(errors="replace").splitlines()
        shown = [line[:300] for line in lines[-LOG_LINES:]]
        report.sections.append((f"{log.name}: last {len(shown)} of {len(lines)} lines, in {log.parent}", "\n".join(shown)))
