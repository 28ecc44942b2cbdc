"""The Platform API, about one process type of one app."""
import json
from urllib.parse import quote

import aiohttp

from decide import Target

ACCEPT = "application/vnd.heroku+json; version=3"
MAX_PAGES = 100
TIMEOUT = aiohttp.ClientTimeout(total=20)


class NotFound(Exception):
    pass


class CloudError(Exception):
    pass


class Formation:
    """Not for concurrent use."""

    def __init__(self, session, url, key, app, process):
        self.url, self.key = url, key
        self._session, self._app, self._process = session, app, process
        self._headers = {"Accept": ACCEPT, "Authorization": "Bearer " + key}
        self._known, self._etag = None, None

    async def _send(self, method, path, body=None, **headers):
        """(status, headers, text)."""
        url = self.url + path
        headers = {**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None:
            headers["Content-Type"] = "application/json"
        async with self._session.request(method, url, data=body, headers=headers, allow_redirects=False, timeout=TIMEOUT) as got:
            text = await got.read()
            if got.status == 404:
                raise NotFound(f"{method} {path}: not found")
            if got.status != 304 and got.status // 100 != 2:
                raise CloudError(f"{method} {path}: {got.status}")
            return got.status, got.headers, text

    async def _read_app(self):
        """By its id, with the ETag of the last answer: mostly 304."""
        if self._known is None:
            _, headers, text = await self._send("GET", "/apps/" + quote(self._app, safe=""))
        else:
            conditional = {"If_None_Match": self._etag} if self._etag else {}
            try:
                status, headers, text = await self._send("GET", self._path, **conditional)
            except NotFound:  # deleted, perhaps made anew under the name
                self._known = None
                return await self._read_app()
            if status == 304:
                return None
        self._known, self._etag = json.loads(text), headers.get("ETag")
        self._path = "/apps/" + quote(self._known["id"], safe="")
        self._type_path = self._path + "/formation/" + quote(self._process, safe="")
        return None

    async def _count_ready(self):
        ready, following = 0, "id ..; max=1000;"
        for _ in range(MAX_PAGES):
            status, headers, text = await self._send("GET", self._path + "/dynos", Range=following)
            for dyno in json.loads(text):
                if dyno["type"] == self._process and dyno["state"] in ("up", "idle"):
                    ready += 1
            if status != 206:
                return ready
            following = headers["Next-Range"]
        raise CloudError(f"more than {MAX_PAGES} pages of dynos")

    async def read(self):
        await self._read_app()
        _, _, text = await self._send("GET", self._type_path)
        quantity = json.loads(text)["quantity"]
        ready = await self._count_ready()
        app = self._known
        return Target(app["id"], app["name"], quantity, ready, bool(app.get("maintenance")))

    async def set_quantity(self, quantity):
        await self._send("PATCH", self._type_path, body=json.dumps({"quantity": quantity}).encode())
