"""The response time of a URL, from sending the request to the end of the body."""
import asyncio
import time

import aiohttp

from decide import CENSORED, VALID, Sample


def _expects(allowed, status):
    """"204" or "200-299"."""
    for one in allowed:
        low, _, high = one.partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False


def _breach(config, how):
    return Sample(CENSORED, float(config["timeoutMilliseconds"])) if config[how] == "Breach" else Sample()


async def read_heartbeat(session, config):
    timeout = aiohttp.ClientTimeout(total=config["timeoutMilliseconds"] / 1000)
    start = time.monotonic()
    try:
        async with session.get(config["url"], allow_redirects=False, timeout=timeout) as answer:
            body = await answer.read()
            took = time.monotonic() - start
    except asyncio.TimeoutError:
        return _breach(config, "onTimeout")
    except aiohttp.ClientError:
        return Sample()
    if answer.status >= 500:
        return _breach(config, "onServerError")
    if not _expects(config["expectedStatuses"], answer.status) or config["bodyContains"].encode() not in body:
        return Sample()
    return Sample(VALID, round(took * 1000, 3))
