#!/usr/bin/env python3
"""A ScalingPolicy operator on kopf: what Ottoscale is raced against. See ../README.md."""
import argparse
import asyncio
import base64
import collections
import logging
import os
import random
import signal
import time

import aiohttp
import kopf
import uvloop

from decide import Run, decide
from heartbeat import read_heartbeat
from heroku import Formation, NotFound
from pace import Pace
from status import Reporter, status_of

GROUP_VERSION = "ottoscale.dev/v1alpha1"
LOG = logging.getLogger("peer")
PACE = Pace()

Api = collections.namedtuple("Api", "session server")


class Sessions:
    """One pool for the API server and one for the rest; both without a limit and kept alive."""

    def __init__(self):
        self.api, self.web = None, None

    def open(self, info):
        if self.api is None:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=90, ssl=info.as_ssl_context())
            session = aiohttp.ClientSession(connector=connector, headers=info.as_http_headers(), cookie_jar=aiohttp.DummyCookieJar())
            self.api = Api(session, info.server.rstrip("/"))
            self.web = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=90),
                                             cookie_jar=aiohttp.DummyCookieJar())

    async def close(self):
        if self.api is not None:
            await self.api.session.close()
            await self.web.close()


SESSIONS = Sessions()


@kopf.on.login()
def login(**kwargs):
    return kopf.login_with_kubeconfig(**kwargs) or kopf.login_with_service_account(**kwargs)


@kopf.on.startup()
async def configure(settings, **_):
    settings.posting.enabled = False
    settings.scanning.disabled = True  # the kinds and namespaces are known
    settings.persistence.consistency_timeout = 0  # there are no change handlers that could see an old object
    SESSIONS.open(login(logger=LOG, settings=settings))


@kopf.index(GROUP_VERSION, "cloudaccounts")
def accounts(namespace, name, spec, **_):
    return {(namespace, name): dict(spec)}


@kopf.index("v1", "secrets")
def secrets(namespace, name, body, **_):
    return {(namespace, name): dict(body.get("data") or {})}


class AccountNotReady(Exception):
    pass


def only(index, namespace, name, kind):
    """An index has a collection for each key; the name of an object is in it once."""
    for value in index.get((namespace, name), ()):
        return value
    raise AccountNotReady(f"{kind} '{name}' does not exist")


class Poller:
    """What is kept of a policy between polls."""

    def __init__(self, namespace, name, account_index, secret_index):
        self._namespace, self._accounts, self._secrets = namespace, account_index, secret_index
        self._reporter = Reporter(SESSIONS.api, PACE, namespace, name)
        self._generation = self._target = self._quantity = None
        self._run = Run()

    def _prepare_target(self, spec):
        config = spec["target"]["herokuFormation"]
        if len(spec["metrics"]) != 1:
            raise AccountNotReady("only one metric is supported")
        heroku = only(self._accounts, self._namespace, config["accountRef"]["name"], "CloudAccount")["heroku"]
        ref = heroku["apiKeySecretRef"]
        data = only(self._secrets, self._namespace, ref["name"], "Secret")
        if ref["key"] not in data:
            raise AccountNotReady(f"Secret '{ref['name']}' has no key '{ref['key']}'")
        key, url = base64.b64decode(data[ref["key"]]).decode(), heroku["apiURL"]
        if self._target is None or (self._target.url, self._target.key) != (url, key):
            self._target = Formation(SESSIONS.web, url, key, config["app"], config["processType"])

    async def poll(self, spec, generation):
        if generation != self._generation:  # runs count against the thresholds that they were measured with
            self._generation, self._target, self._run = generation, None, Run()
        try:
            self._prepare_target(spec)
            heartbeat = spec["metrics"][0]["source"]["httpHeartbeat"]
            target, sample = await asyncio.gather(self._target.read(), read_heartbeat(SESSIONS.web, heartbeat))
        except AccountNotReady as problem:
            await self._reporter.fail(generation, "AccountNotReady", str(problem))
            raise
        except NotFound as problem:
            await self._reporter.fail(generation, "TargetNotFound", str(problem))
            raise
        if self._quantity not in (None, target.quantity):  # somebody else has changed it
            self._run.length = 0
        self._quantity = target.quantity
        decision = decide(spec, self._run, target, sample)
        self._run = decision.run
        if decision.to != decision.start and spec.get("mode") != "Recommend":
            await self._target.set_quantity(decision.to)
            PACE.patches += 1
            target.quantity = self._quantity = decision.to
            self._run = Run()
        await self._reporter.report(status_of(spec, generation, target, sample, decision))


@kopf.daemon(GROUP_VERSION, "scalingpolicies", cancellation_timeout=1)
async def watch_policy(namespace, name, spec, meta, stopped, accounts, secrets, **_):
    poller = Poller(namespace, name, accounts, secrets)
    # Spread over the period, so that policies made together, or found at the start, do not stay together.
    planned = requested = time.monotonic() + random.uniform(0, spec["pollPeriodSeconds"])
    while not stopped:
        await stopped.wait(max(0.0, requested - time.monotonic()))
        if stopped:
            return
        now = time.monotonic()
        PACE.started(now - planned, now - requested)
        try:
            await poller.poll(spec, meta["generation"])
        except Exception as problem:  # the next poll tries again
            PACE.errors += 1
            LOG.warning("poll of %s/%s: %r", namespace, name, problem)
        planned += spec["pollPeriodSeconds"]
        requested = max(planned, time.monotonic())


async def run(namespaces, metrics_out):
    if metrics_out:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, PACE.write, metrics_out)
    scope = {"namespaces": namespaces} if namespaces else {"clusterwide": True}
    try:
        await kopf.operator(standalone=True, **scope)
    finally:
        if metrics_out:
            PACE.write(metrics_out)
        await SESSIONS.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig")
    parser.add_argument("--watch-namespaces", default="", help="comma-separated; empty: all")
    parser.add_argument("--metrics-out", help="file that SIGUSR1 and the end append a line of JSON to")
    arguments = parser.parse_args()
    if arguments.kubeconfig:
        os.environ["KUBECONFIG"] = arguments.kubeconfig
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run([one for one in arguments.watch_namespaces.split(",") if one], arguments.metrics_out))


if __name__ == "__main__":
    main()
