"""`ottoscale operator` against a real kube-apiserver, under the chart's service account with exactly the chart's rights."""
import random
import time

import pytest

from cluster import eventually
from running import KEY, POLICIES, Cloud, Operator, condition, install, manifests, policy, secret, status_of


@pytest.fixture
def cloud(tmp_path):
    one = Cloud(tmp_path)
    yield one
    one.close()


@pytest.fixture
def kubeconfig(cluster, namespace):
    return install(cluster, namespace)


@pytest.fixture
def start(cluster, namespace, kubeconfig, cloud, tmp_path):
    """start(*flags, name=...): a replica of the operator. At the end: no request was forbidden, and no key in any log."""
    started = []

    def one(*flags, name="operator"):
        started.append(Operator(kubeconfig, tmp_path, cloud, *flags, name=name, namespace=namespace).start())
        return started[-1]

    yield one
    for operator in started:
        operator.process.kill()
        assert KEY not in operator.log
        assert "AddressSanitizer" not in operator.log and "runtime error" not in operator.log
    mine = [one for one in cluster.denied() if f":{namespace}:" in one]
    assert not mine, mine


def apply(cluster, namespace, text):
    return cluster.apply(text, namespace)


def ready(cluster, namespace, name="shop-web", seconds=30):
    return eventually(f"{name} is Ready", lambda: condition(status_of(cluster, namespace, name), "Ready").startswith("True")
                      and status_of(cluster, namespace, name), seconds)


def test_apply_scale_status_conditions_columns_events(cluster, namespace, cloud, start):
    cloud.set(delay_ms=800)
    secret(cluster, namespace)
    apply(cluster, namespace, manifests(cloud))
    start()
    eventually("scaled out to the maximum", lambda: cloud.writes == [("web", 2, 3), ("web", 3, 4)], 40)
    cluster.kubectl("wait", "-n", namespace, "--for=condition=Ready", "spol/shop-web", "--timeout=20s")
    status = eventually("the status says 4", lambda: (one := status_of(cluster, namespace)).get("currentCapacity") == 4 and one)
    generation = cluster.get(f"{POLICIES % namespace}/shop-web")["metadata"]["generation"]
    assert status["observedGeneration"] == generation
    table = cluster.kubectl("get", "-n", namespace, "spol").stdout
    assert "MODE" in table and "shop-web" in table and "Enforce" in table, table
    events = eventually("events", lambda: (said := cluster.kubectl("get", "events", "-n", namespace, "-o",
                                                                  "jsonpath={range .items[*]}{.reason}|{.message}{'\\n'}{end}").stdout)
                        and "2" in said and said)
    assert "shop" in events or "3" in events, events
    described = cluster.kubectl("describe", "-n", namespace, "spol", "shop-web").stdout
    assert "Events:" in described and "<none>" not in described.split("Events:")[1], described[-600:]


def test_explain_and_diff(cluster, namespace, cloud):
    explained = cluster.kubectl("explain", "spol.spec.behavior", "--recursive").stdout
    assert "scaleIn" in explained
    secret(cluster, namespace)
    apply(cluster, namespace, manifests(cloud))
    same = cluster.kubectl("diff", "--server-side", "-n", namespace, "-f", "-", stdin=manifests(cloud), check=False)
    assert same.returncode == 0, same.stdout + same.stderr
    other = cluster.kubectl("diff", "--server-side", "-n", namespace, "-f", "-",
                            stdin=manifests(cloud).replace("maxCapacity: 4", "maxCapacity: 3"), check=False)
    assert other.returncode == 1 and "maxCapacity: 3" in other.stdout, other.stdout + other.stderr


@pytest.mark.parametrize("old, new, said", [
    ("maxCapacity: 4", "maxCapacity: 4\n  minCapacity: 9", "must be less than or equal to maxCapacity"),
    ("type: HerokuFormation, heroku", "type: HerokuFormatoin, heroku", "HerokuFormation"),
    ("maxCapacity: 4", "maxCapacity: 4\n  maxCapacty: 5", "maxCapacty"),
])
def test_a_bad_manifest_is_refused_with_a_sentence(cluster, namespace, cloud, old, new, said):
    refused = cluster.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=manifests(cloud).replace(old, new), check=False)
    assert refused.returncode != 0 and said in refused.stderr, refused.stderr


def test_edit_while_running_suspend_and_delete(cluster, namespace, cloud, start):
    cloud.set(delay_ms=800)
    secret(cluster, namespace)
    apply(cluster, namespace, manifests(cloud, spec="  suspend: {reason: release}"))
    start()
    eventually("suspended is said", lambda: "uspend" in str(status_of(cluster, namespace)), 20)
    time.sleep(6)
    assert cloud.writes == []
    cluster.kubectl("patch", "-n", namespace, "spol", "shop-web", "--type=merge", "-p", '{"spec":{"suspend":null,"maxCapacity":3}}')
    eventually("scaled to the new maximum", lambda: cloud.writes == [("web", 2, 3)], 25)
    cloud.set(delay_ms=100)
    cluster.kubectl("patch", "-n", namespace, "spol", "shop-web", "--type=merge", "-p", '{"spec":{"maxCapacity":2}}')
    eventually("brought within the bounds", lambda: cloud.writes[1:] == [("web", 3, 2)], 25)
    cluster.kubectl("delete", "-n", namespace, "spol", "shop-web", "--timeout=20s")
    cloud.set(delay_ms=800)
    time.sleep(7)
    assert len(cloud.writes) == 2


def test_a_secret_late_rotated_and_deleted(cluster, namespace, cloud, start):
    apply(cluster, namespace, manifests(cloud))
    start()
    eventually("the missing Secret is said", lambda: "does not exist" in condition(status_of(cluster, namespace), "Ready"), 20)
    secret(cluster, namespace)
    ready(cluster, namespace)
    cloud.set(key="another-key-another-key")
    eventually("the refused key is said", lambda: "CredentialsInvalid" in str(status_of(cluster, namespace).get("conditions")), 30)
    secret(cluster, namespace, "another-key-another-key")
    ready(cluster, namespace)
    # A Secret is read again after some minutes, or at once when the cloud refuses its key.
    cluster.kubectl("delete", "secret", "heroku", "-n", namespace)
    cloud.set(key="a-third-key-a-third-key")
    eventually("the deleted Secret is said", lambda: "does not exist" in condition(status_of(cluster, namespace), "Ready"), 30)
    assert cloud.writes == []


def test_two_policies_with_one_target(cluster, namespace, cloud, start):
    secret(cluster, namespace)
    apply(cluster, namespace, manifests(cloud))
    start()
    ready(cluster, namespace)
    apply(cluster, namespace, policy(cloud, name="shop-web-again"))
    said = eventually("the second is refused", lambda: (one := condition(status_of(cluster, namespace, "shop-web-again"), "Ready"))
                      .startswith("False") and one, 20)
    assert "shop-web" in said, said
    assert condition(status_of(cluster, namespace), "Ready").startswith("True")


def test_freeze_writes_nothing(cluster, namespace, cloud, start):
    cloud.set(delay_ms=800)
    secret(cluster, namespace)
    apply(cluster, namespace, manifests(cloud))
    start("--freeze")
    eventually("a decision is reported", lambda: status_of(cluster, namespace).get("desiredCapacity") == 3, 30)
    time.sleep(6)
    assert cloud.writes == []


def test_300_policies_at_once(cluster, namespace, cloud, start):
    secret(cluster, namespace)
    many = [policy(cloud, name=f"still-{number}", app=f"still-{number}").replace("pollPeriodSeconds: 5", "pollPeriodSeconds: 60")
            for number in range(300)]
    apply(cluster, namespace, manifests(cloud) + "---\n" + "---\n".join(many))
    start()

    def looked_at():
        items = cluster.get(POLICIES % namespace)["items"]
        return sum(1 for one in items if one.get("status", {}).get("conditions")) >= 301

    eventually("each of 300 has conditions", looked_at, 90, every=1)


@pytest.mark.parametrize("how", ["killed", "stopped", "compacted"])
def test_the_api_server_goes_away(cluster, namespace, cloud, start, how):
    secret(cluster, namespace)
    apply(cluster, namespace, manifests(cloud))
    operator = start("--leader-elect=false")
    ready(cluster, namespace)
    if how == "stopped":
        cluster.apiserver.stop()
        time.sleep(20)
        cluster.apiserver.resume()
        cluster.wait_until_ready()
    else:
        cluster.restart_apiserver()
    if how == "compacted":
        cluster.kubectl("annotate", "-n", namespace, "spol", "shop-web", "turn=1")
        cluster.compact()
        cluster.restart_apiserver()
    assert operator.process.code is None
    # An edit made afterwards is seen and acted on.
    cloud.set(delay_ms=800)
    eventually("it scales again", lambda: ("web", 2, 3) in cloud.writes, 90)
    eventually("and says so", lambda: status_of(cluster, namespace).get("currentCapacity", 0) >= 3, 60)
    assert cloud.writes[:2] in ([("web", 2, 3)], [("web", 2, 3), ("web", 3, 4)]), cloud.writes


def test_the_store_is_put_back_to_an_older_state(cluster, namespace, cloud, start):
    secret(cluster, namespace)
    apply(cluster, namespace, manifests(cloud, spec="  minCapacity: 2"))
    snapshot = cluster.snapshot()
    operator = start("--leader-elect=false")
    ready(cluster, namespace)
    cluster.kubectl("patch", "-n", namespace, "spol", "shop-web", "--type=merge", "-p", '{"spec":{"minCapacity":3}}')
    eventually("scaled to the minimum", lambda: cloud.writes == [("web", 2, 3)], 30)
    cluster.restore(snapshot)
    eventually("the restored policy has a status", lambda: condition(status_of(cluster, namespace), "Ready").startswith("True"), 120)
    time.sleep(6)
    assert operator.process.code is None
    assert cloud.writes == [("web", 2, 3)], cloud.writes
    # A kube-apiserver whose versions run backwards is silent on watches from the future: only a list tells.
    cluster.kubectl("patch", "-n", namespace, "spol", "shop-web", "--type=merge", "-p", '{"spec":{"minCapacity":4}}')
    eventually("an edit in the restored state is acted on", lambda: cloud.writes[-1][2] == 4, 60)


def test_the_crd_is_missing_at_the_start_and_goes_while_running(cluster, namespace, cloud, start):
    cluster.kubectl("delete", "crd", "scalingpolicies.ottoscale.dev", "--timeout=30s")
    try:
        operator = start("--leader-elect=false")
        eventually("the missing kind is said", lambda: "scalingpolicies" in operator.log, 20)
        assert operator.process.code is None
        cluster.apply_crds()
        secret(cluster, namespace)
        apply(cluster, namespace, manifests(cloud))
        ready(cluster, namespace, seconds=90)
        cluster.kubectl("delete", "crd", "scalingpolicies.ottoscale.dev", "--timeout=30s")
        time.sleep(6)
        assert operator.process.code is None
    finally:
        cluster.apply_crds()
    apply(cluster, namespace, manifests(cloud))
    ready(cluster, namespace, seconds=90)


def test_killed_at_random_moments_it_never_writes_amiss(cluster, namespace, cloud, start):
    """30 times kill -9: the cloud's writes are those of an undisturbed run, with at most one repeat of the same value each."""
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    cloud.set(delay_ms=800)
    secret(cluster, namespace)
    apply(cluster, namespace, manifests(cloud))
    operator = start("--leader-elect=false")
    for _ in range(30):
        time.sleep(chance.uniform(0.05, 1.2))
        operator.process.kill()
        operator.start()
    eventually("it gets there all the same", lambda: cloud.writes and cloud.writes[-1][2] == 4, 60)
    time.sleep(6)
    values = [after for _, _, after in cloud.writes]
    assert [after for before, after in zip([None, *values], values) if before != after] == [3, 4], cloud.writes
    assert all(values.count(each) <= 2 for each in values), cloud.writes


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_two_replicas_never_both_write(cluster, namespace, cloud, start, how):
    """The leader is killed, or stopped and continued: the other takes over, and no capacity is written twice."""
    short = ("--lease-duration", "8s", "--renew-deadline", "6s", "--retry-period", "500ms")
    secret(cluster, namespace)
    apply(cluster, namespace, manifests(cloud))
    replicas = [start(*short, name="replica-1"), start(*short, name="replica-2")]

    def holder():
        answer = cluster.request("GET", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/ottoscale")
        return answer.json["spec"].get("holderIdentity", "") if answer.status == 200 else ""

    first = eventually("somebody leads", holder, 20)
    leader = eventually("who leads says so", lambda: next((one for one in replicas if f"identity={first}" in one.log), None), 10)
    ready(cluster, namespace)
    leader.process.kill() if how == "killed" else leader.process.stop()
    cloud.set(delay_ms=800)
    second = eventually("the other takes over", lambda: (one := holder()) not in ("", first) and one, 30)
    eventually("and writes", lambda: ("web", 2, 3) in cloud.writes, 40)
    leader.start() if how == "killed" else leader.process.resume()
    eventually("to the end", lambda: cloud.writes and cloud.writes[-1][2] == 4, 30)
    time.sleep(6)
    assert cloud.writes == [("web", 2, 3), ("web", 3, 4)], cloud.writes
    assert holder() == second
