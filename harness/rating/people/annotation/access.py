"""Who may open the rating page: whoever has the address that was printed, from this machine.

The address holds a token; the first visit exchanges it for a cookie that scripts cannot read, and that belongs to
one rater's path. Every request must name this server as its host, every change must come from this server's own
page.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
import threading
import time
from http.cookies import CookieError, SimpleCookie

from harness.errors import HarnessError

COOKIE = "harness_rater"
MOST_FAILURES = 20
"""Wrong passwords from one address, or with one token, before that one has to wait."""
WAIT = 60.0
"""Seconds after which a failure is forgotten."""


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_host(host: str, allow_remote: bool, password: str | None) -> None:
    """Refuse to listen to the network unless that is wanted, and guarded.

    Raises:
        HarnessError: The host is not loopback, and `allow_remote` or the password is lacking.
    """
    if not is_loopback(host) and not (allow_remote and password):
        raise HarnessError(
            f"--host {host} is open to the network: add --allow-remote and a password (HARNESS_ANNOTATE_PASSWORD)"
        )


class Gate:
    """Lets raters in."""

    def __init__(self, key: bytes, place: str, raters: list[str], password: str | None = None) -> None:
        """Make a token for each rater.

        Args:
            key: The user's key; cookies made with it are good after a restart.
            place: What is rated; a cookie for one run opens no other.
            raters: Pseudonyms.
            password: Asked for beside the token, where the page is open to the network.
        """
        self.tokens = {rater: secrets.token_urlsafe(24) for rater in raters}
        self.password = password
        self._key = key
        self._place = place
        self._failures: dict[tuple[str, str], list[float]] = {}
        self._lock = threading.Lock()

    def lets_in(self, rater: str, token: str, password: str | None = None, address: str = "") -> bool:
        """Return whether a token, and the password if one is set, open a rater's page.

        A token cannot be guessed; a password can, so whoever is wrong too often waits: the address, and the token with
        which passwords are tried, never anybody else. A right token needs no password where none is set, and opens.
        """
        right = hmac.compare_digest(self.tokens.get(rater, "").encode(), _bytes(token)) and rater in self.tokens
        if self.password is None:
            return right
        tried = [("address", address), *([("token", rater)] if right else [])]
        with self._lock:
            if any(len(self._recent(one)) >= MOST_FAILURES for one in tried):
                return False
            if hmac.compare_digest(self.password.encode(), _bytes(password or "")) and right:
                return True
            for one in tried:
                self._failures[one] = [*self._recent(one), time.monotonic()]
        return False

    def _recent(self, tried: tuple[str, str]) -> list[float]:
        now = time.monotonic()
        found = {one: [at for at in times if now - at < WAIT] for one, times in self._failures.items()}
        self._failures = {one: times for one, times in found.items() if times}
        return self._failures.get(tried, [])

    def cookie(self, rater: str) -> str:
        """Return the header that gives a rater's browser its cookie."""
        return f"{COOKIE}={self._proof(rater)}; Path=/{rater}; HttpOnly; SameSite=Strict"

    def knows(self, rater: str, header: str | None) -> bool:
        """Return whether a request's cookies hold the rater's."""
        try:
            found = SimpleCookie(header or "").get(COOKIE)
        except CookieError:
            return False
        return (
            rater in self.tokens
            and found is not None
            and hmac.compare_digest(_bytes(found.value), self._proof(rater).encode())
        )

    def _proof(self, rater: str) -> str:
        return hmac.new(self._key, f"annotate {self._place} {rater}".encode(), hashlib.sha256).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def names_this_server(header: str | None, host: str, port: int) -> bool:
    """Return whether a `Host` header (or an origin without its scheme) is this server, not a name that leads here."""
    name, _, given = (header or "").rpartition(":")
    if given != str(port):
        return False
    name = name.strip("[]").lower()
    if is_loopback(host):
        return is_loopback(name)
    if name in (host.lower(), socket.gethostname().lower()):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
