"""What is written into status, and when it is worth it."""
import datetime
import json
import time

from decide import CENSORED, MISSING

FIELD_OWNER = "ottoscale-kopf"
REFRESH_READINGS = 600  # seconds; a measured value alone is written this often at most
HEADERS = {"Content-Type": "application/apply-patch+yaml"}


def now_text():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def ready(generation, status, reason, message, now):
    return {"type": "Ready", "status": status, "reason": reason, "message": message, "observedGeneration": generation,
            "lastTransitionTime": now}


def status_of(spec, generation, target, sample, decision):
    now, metric = now_text(), spec["metrics"][0]
    process = spec["target"]["herokuFormation"]["processType"]
    reading = {"name": metric["name"], "state": decision.metric_state, "unit": "ms", "breaches": decision.run.length,
               "breachesNeeded": decision.needed}
    value = "?"
    if sample.state != MISSING:
        reading |= {"value": sample.value, "sampledAt": now}
        if sample.state == CENSORED:
            reading["censored"] = True
        value = f"{sample.value:.0f}"
    display = f"heroku/{target.app_name}/{process}"
    return {
        "observedGeneration": generation, "target": display, "targetUID": f"{target.app_id}/{process}",
        "currentCapacity": target.ready, "targetCapacity": target.quantity, "desiredCapacity": decision.to,
        "metrics": [reading], "metricSummary": f"{metric['name']} {value}/{metric['strategy']['threshold']['upper']}ms",
        "decision": {"action": decision.action, "from": decision.start, "to": decision.to, "reason": decision.reason, "time": now},
        "conditions": [ready(generation, "True", "Reconciled", f"{display} is read", now)]}


def _keep_times(before, after):
    """Since when it has been so."""
    old, new = before.get("decision"), after.get("decision")
    if old and new and all(old[field] == new[field] for field in ("action", "from", "to", "reason")):
        new["time"] = old["time"]
    if before["conditions"][0]["status"] == after["conditions"][0]["status"]:
        after["conditions"][0]["lastTransitionTime"] = before["conditions"][0]["lastTransitionTime"]


def _same_meaning(before, after):
    """All but readings is equal; times are kept by _keep_times."""
    fields = before.keys() | after.keys()
    return all(before.get(field) == after.get(field) for field in fields - {"metrics", "metricSummary"})


class Reporter:
    """Of one policy."""

    def __init__(self, api, pace, namespace, name):
        self._api, self._pace = api, pace
        self._object = {"apiVersion": "ottoscale.dev/v1alpha1", "kind": "ScalingPolicy", "metadata": {"name": name, "namespace": namespace}}
        self._url = (f"{api.server}/apis/ottoscale.dev/v1alpha1/namespaces/{namespace}/scalingpolicies/{name}/status"
                     f"?fieldManager={FIELD_OWNER}&force=true")
        self._reported, self._at = None, 0.0

    def _worth_writing(self, status):
        if self._reported is None or not _same_meaning(self._reported, status):
            return True
        old = self._reported.get("metricSummary")
        return time.monotonic() - self._at >= REFRESH_READINGS and old != status.get("metricSummary")

    async def report(self, status):
        """Applies the whole status, when it says something new."""
        if self._reported is not None:
            _keep_times(self._reported, status)
        if not self._worth_writing(status):
            return
        self._reported = None  # until it is known what stands there
        body = json.dumps({**self._object, "status": status})
        async with self._api.session.patch(self._url, data=body, headers=HEADERS) as answer:
            await answer.read()
            if answer.status == 404:
                return
            answer.raise_for_status()
        self._pace.statuses += 1
        self._reported, self._at = status, time.monotonic()

    async def fail(self, generation, reason, message):
        status = {**(self._reported or {}), "observedGeneration": generation}
        status["conditions"] = [ready(generation, "False", reason, message, now_text())]
        await self.report(status)
