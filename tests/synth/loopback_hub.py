"""A Hugging Face hub on loopback: data sets that can be created, listed and committed to, and a record of who asked."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hub:
    """``files`` and ``private`` by data set; ``tokens`` are the credentials that came with requests."""

    url: str = ""
    private: dict[str, bool] = field(default_factory=dict[str, bool])
    files: dict[str, dict[str, bytes]] = field(default_factory=dict[str, dict[str, bytes]])
    tokens: set[str] = field(default_factory=set[str])
    commits: int = 0
    #: Answer every request with this status.
    refuse: int | None = None

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if self.refuse is not None:
            return self.refuse, {"error": "the hub says no"}
        path, _, _ = path.partition("?")
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return 200, {"warnings": [], "errors": []}
        _, _, rest = path.partition("/api/datasets/")
        owner, _, rest = rest.partition("/")
        name, *verb = rest.split("/")
        repo = f"{owner}/{name}"
        if repo not in self.files:
            return 404, {"error": "no such data set"}
        if not verb or verb[0] == "revision":
            return 200, {"id": repo, "private": self.private[repo], "sha": "0" * 40, "siblings": []}
        if verb[0] == "tree":
            there = self.files[repo].items()
            return 200, [{"type": "file", "path": p, "size": len(c), "oid": "0" * 40} for p, c in there]
        if verb[0] == "preupload":
            asked = json.loads(body)["files"]
            return 200, {
                "files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked]
            }
        return self._commit(repo, body)

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        repo = f"{asked.get('organization') or 'me'}/{asked['name']}"
        there = repo in self.files
        if not there:
            self.files[repo], self.private[repo] = (
                {},
                asked.get("visibility", "") == "private" or bool(asked.get("private")),
            )
        url = {"url": f"{self.url}/datasets/{repo}"}
        return (409, {"error": "you already created it", **url}) if there else (200, url)

    def _commit(self, repo: str, body: bytes) -> tuple[int, Any]:
        self.commits += 1
        for line in body.splitlines():
            operation = json.loads(line)
            value = operation["value"]
            if operation["key"] == "file":
                self.files[repo][value["path"]] = base64.b64decode(value["content"])
            elif operation["key"] == "deletedFile":
                del self.files[repo][value["path"]]
        done = {"success": True, "commitOid": "0" * 40, "commitUrl": f"{self.url}/datasets/{repo}/commit/0"}
        return 200, done


@contextmanager
def loopback_hub() -> Generator[Hub]:
    """A hub that serves as long as the block lasts."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if credentials := self.headers.get("Authorization"):
                hub.tokens.add(credentials)
            status, said = hub.answer(self.command, self.path, body)
            content = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
