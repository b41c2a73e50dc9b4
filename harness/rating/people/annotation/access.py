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
from http.cookies import CookieError, SimpleCookie

from harness.errors import HarnessError

COOKIE = "harness_rater"
MOST_FAILURES = 20
"""Wrong passwords before nobody is let in any more."""


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
        self._failures = 0

    def lets_in(self, rater: str, token: str, password: str | None = None) -> bool:
        """Return whether a token, and the password if one is set, open a rater's page."""
        if self._failures >= MOST_FAILURES:
            return False
        right = hmac.compare_digest(self.tokens.get(rater, "").encode(), token.encode()) and rater in self.tokens
        if self.password is not None:
            right = hmac.compare_digest(self.password.encode(), (password or "").encode()) and right
        self._failures += not right
        return right

    def cookie(self, rater: str) -> str:
        """Return the header that gives a rater's browser its cookie."""
        return f"{COOKIE}={self._proof(rater)}; Path=/{rater}; HttpOnly; SameSite=Strict"

    def knows(self, rater: str, header: str | None) -> bool:
        """Return whether a request's cookies hold the rater's."""
        try:
            found = SimpleCookie(header or "").get(COOKIE)
        except CookieError:
            return False
        return rater in self.tokens and found is not None and hmac.compare_digest(found.value, self._proof(rater))

    def _proof(self, rater: str) -> str:
        return hmac.new(self._key, f"annotate {self._place} {rater}".encode(), hashlib.sha256).hexdigest()


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
