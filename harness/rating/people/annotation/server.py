"""A small server for the rating page: the standard library's, on loopback, a thread a request."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating.people.annotation.access import Gate, check_host, names_this_server
from harness.rating.people.annotation.actions import ACTIONS, act
from harness.rating.people.annotation.board import Board
from harness.rating.people.annotation.session import Session

LARGEST = 64 * 1024
"""Bytes of a request's body."""
FILES = {
    "report.css": ("reports/page/page.css", "text/css"),
    "annotate.css": ("reports/annotate/annotate.css", "text/css"),
    "annotate.js": ("reports/annotate/annotate.js", "text/javascript"),
    "lead.js": ("reports/annotate/lead.js", "text/javascript"),
}
LEAD = "lead"
"""The lead's path; raters' are pseudonyms."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Address:
    """Where a rater, or the lead, begins."""

    rater: str
    name: str
    url: str
    """With the token in it: for this rater's eyes only."""


@contextmanager
def serve(
    sessions: Mapping[str, Session],
    key: bytes,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    allow_remote: bool = False,
    password: str | None = None,
    board: Board | None = None,
    tell: Callable[[str], None] = lambda line: None,
    catalog: Catalog | None = None,
) -> Iterator[list[Address]]:
    """Serve sessions while the context lasts.

    Args:
        sessions: By pseudonym.
        key: The user's key.
        host: The address to listen on.
        port: The port; a free one where 0.
        allow_remote: Listen to the network, if `host` says so.
        password: Asked for beside the token.
        board: What the lead's page shows; there is none without.
        tell: Gets a line when somebody begins, answers, takes an answer back, or stops.
        catalog: Where the page's files are found.

    Yields:
        Each rater's address, and after them the lead's.

    Raises:
        HarnessError: The host is open to the network without `allow_remote` and a password, or cannot be listened on.
    """
    check_host(host, allow_remote, password)
    place = str(next(iter(sessions.values())).run.folder.resolve())
    gate = Gate(key, place, [*sessions, *([LEAD] if board else [])], password)
    pages = {name: (catalog or Catalog()).file(path).read_bytes() for name, (path, _) in FILES.items()}
    for name in ("page.html", "lead.html"):
        pages[name] = (catalog or Catalog()).file(f"reports/annotate/{name}").read_bytes()
    about = {"sessions": sessions, "gate": gate, "pages": pages, "bound": host, "board": board}
    handler = type("Handler", (_Handler,), {**about, "tell": staticmethod(tell)})
    try:
        server = _Server((host, port), handler)
    except OSError as error:
        raise HarnessError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from error
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    shown = f"[{host}]" if ":" in host else host
    at = f"http://{shown}:{server.server_address[1]}"
    try:
        yield [
            Address(rater, session.name, f"{at}/{rater}/?token={gate.tokens[rater]}")
            for rater, session in sessions.items()
        ] + ([Address(LEAD, "the lead", f"{at}/{LEAD}/?token={gate.tokens[LEAD]}")] if board else [])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    """Keeps the terminal quiet: a browser that hangs up is no event."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say in a line what no page could be told."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            self.RequestHandlerClass.tell(f"a request failed: {error!r}")  # type: ignore[attr-defined]


class _Handler(BaseHTTPRequestHandler):
    """Answers one request; what it needs of the server are its class's attributes."""

    sessions: Mapping[str, Session]
    gate: Gate
    pages: Mapping[str, bytes]
    bound: str
    board: Board | None
    tell: Callable[[str], None]
    protocol_version = "HTTP/1.1"
    server_version = "harness"
    sys_version = ""
    timeout = 30

    def do_GET(self) -> None:
        """Answer a request for something."""
        self._answered(self._get)

    def do_POST(self) -> None:
        """Answer a request to change something."""
        self._answered(self._post)

    def _answered(self, answer: Callable[[], None]) -> None:
        """Answer a request whatever is in it: what cannot be understood is 400, what fails here is 500."""
        try:
            answer()
        except (ConnectionError, TimeoutError):
            raise  # nobody is there any more
        except (ValueError, TypeError, LookupError, RecursionError) as error:
            self._refuse(400, f"That cannot be understood ({type(error).__name__}).")
        except Exception as error:
            self.tell(f"a request failed: {error!r}")
            self._refuse(500, "That failed here; the terminal says why. Nothing was changed.")

    def _get(self) -> None:
        """Give the page, its files, or the state."""
        address = urlsplit(self.path)
        parts = address.path.strip("/").split("/")
        if not self._is_here():
            return self._refuse(403, "This server answers only to its own address.")
        if len(parts) == 2 and parts[0] == "page" and parts[1] in FILES:
            return self._send(200, self.pages[parts[1]], FILES[parts[1]][1])
        rater, rest = parts[0], "/".join(parts[1:])
        token = parse_qs(address.query).get("token")
        if token and rest == "":
            return self._enter(rater, token[0])
        if not self.gate.knows(rater, self.headers.get("Cookie")):
            return self._refuse(403, "Open the address that the terminal shows: it holds your key to this page.")
        if rest == "" and address.path.endswith("/"):
            return self._send(200, self.pages["lead.html" if rater == LEAD else "page.html"], "text/html")
        if rest == "state":
            return self._json(200, self._state_of(rater))
        return self._refuse(404, "There is nothing here.")

    def _post(self) -> None:
        """Take an answer, an undo, the end."""
        rater, _, action = urlsplit(self.path).path.strip("/").partition("/")
        body = self._body()
        origin = (self.headers.get("Origin") or "").removeprefix("http://")
        if not self._is_here() or not names_this_server(origin, self.bound, self._port):
            return self._refuse(403, "Only this server's own page may change anything.")
        if body is None:
            return self._refuse(413, "That is too long.")
        if action == "enter" and self.gate.password is not None:
            form = {name: values[0] for name, values in parse_qs(body.decode(errors="replace")).items()}
            return self._let_in(rater, form.get("token", ""), form.get("password", ""))
        if not self.gate.knows(rater, self.headers.get("Cookie")):
            return self._refuse(403, "Open the address that the terminal shows.")
        if self.headers.get("Content-Type", "").split(";")[0] != "application/json":
            return self._refuse(415, "Send JSON.")
        if action not in ACTIONS or rater not in self.sessions:
            return self._refuse(404, "There is nothing here.")
        try:
            said = json.loads(body or b"{}")
        except (ValueError, RecursionError) as error:
            return self._json(400, {"error": f"is no JSON ({error})"})
        if not isinstance(said, dict):
            return self._json(400, {"error": "expected a JSON object"})
        status, state = act(self.sessions[rater], action, said)
        if status == 200 and action != "state":
            self.tell(_event(action, state))
        return self._json(status, state)

    def _state_of(self, rater: str) -> dict[str, Any]:
        return self.board.state() if self.board and rater == LEAD else self.sessions[rater].state()

    def _enter(self, rater: str, token: str) -> None:
        if self.gate.password is None:
            return self._let_in(rater, token, "")
        form = (
            f'<form method="post" action="/{escape(rater)}/enter">'
            f'<input type="hidden" name="token" value="{escape(token)}">'
            '<p><label>Password <input type="password" name="password" autofocus></label> <button>Begin</button></p>'
            "</form>"
        )
        return self._send(200, _plain_page("Password", form), "text/html")

    def _let_in(self, rater: str, token: str, password: str) -> None:
        if not self.gate.lets_in(rater, token, password, str(self.client_address[0])):
            return self._refuse(403, "This key does not fit: open the address that the terminal shows now.")
        self.tell(f"{self.sessions[rater].name if rater in self.sessions else 'the lead'} opens the page")
        # a page that goes on by itself, not a redirect: after a link from elsewhere a strict cookie would not be sent
        onward = f"<meta http-equiv='refresh' content='0;url=/{rater}/'>"
        page = _plain_page("One moment", f"<p><a href='/{rater}/'>Begin</a></p>", onward)
        return self._send(200, page, "text/html", {"Set-Cookie": self.gate.cookie(rater)})

    @property
    def _port(self) -> int:
        return int(self.connection.getsockname()[1])

    def _is_here(self) -> bool:
        return names_this_server(self.headers.get("Host"), self.bound, self._port)

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "0")
        whole = length.isascii() and length.isdigit() and "Transfer-Encoding" not in self.headers
        if not whole or len(length) > 9 or int(length) > LARGEST:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _json(self, status: int, content: dict[str, Any]) -> None:
        self._send(status, json.dumps(content).encode(), "application/json")

    def _refuse(self, status: int, reason: str) -> None:
        self.close_connection = True
        self._send(status, _plain_page(reason, f"<p>{escape(reason)}</p>"), "text/html")

    def _send(self, status: int, content: bytes, kind: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: addresses hold tokens."""


def _event(action: str, state: Mapping[str, Any]) -> str:
    """Return what happened in a line, which says nothing of what was answered."""
    done = f"{state['done']} of {state['total']}"
    match action:
        case "undo":
            return f"{state['rater']} takes an answer back: {done}"
        case "close":
            return f"{state['rater']} stops: {done}"
    return f"{state['rater']}: {done}"


def _plain_page(title: str, body: str, head: str = "") -> bytes:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'{head}<link rel="stylesheet" href="/page/report.css"><main><h1>{escape(title)}</h1>{body}</main></html>'
    ).encode()
