"""A run's page on loopback: for runs whose answers are too many for one file to be opened from disk.

The page is a bundle in a folder that lasts as long as the server. It answers GET alone, to its own address alone, so
that no page of the web can read it through a name that points here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

from harness.errors import HarnessError
from harness.rating import names_this_server
from harness.reporting.page import Runs, opened_runs, report

HOST = "127.0.0.1"
WAITING = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    b'<meta http-equiv="refresh" content="1"><title>Reading the run</title>'
    b"<p>Reading the run. The page comes by itself when it is made.</p></html>"
)
"""What is answered until the page is there; it asks again every second."""


@contextmanager
def view(
    run: Runs,
    port: int = 0,
    *,
    include: Sequence[str | Path] = (),
    redact_text: bool = False,
    listening: Callable[[str], object] | None = None,
) -> Iterator[str]:
    """Serve the page of a run, or of several side by side, while the context lasts.

    The server answers at once: until the page is made, that it is being made, and then the page by itself.

    Args:
        run: A run or its folder, or several.
        port: The port on loopback; a free one where 0.
        include: Folders whose `reports/page/` files replace the built-in ones.
        redact_text: Leave out prompts, answers and rationales.
        listening: Called with the address as soon as the server answers, before the runs are read.

    Yields:
        The page's address.

    Raises:
        HarnessError: A folder is no run, or the port is taken.
    """
    with TemporaryDirectory(prefix="harness-view-") as folder:
        opened = opened_runs(run)
        try:
            server = ThreadingHTTPServer((HOST, port), partial(_Handler, directory=folder))
        except OSError as error:
            raise HarnessError(f"cannot listen on {HOST}:{port} ({error.strerror}); choose another --port") from error
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://{HOST}:{server.server_address[1]}/"
        try:
            if listening:
                listening(address)
            report(opened, bundle=folder, include=include, redact_text=redact_text)
            yield address
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Handler(SimpleHTTPRequestHandler):
    """Answers GET and HEAD with the bundle's files."""

    server_version = "harness"
    sys_version = ""
    timeout = 30

    def send_head(self):  # type: ignore[no-untyped-def]
        """Refuse whoever calls this server by another name."""
        if not names_this_server(self.headers.get("Host"), HOST, int(self.connection.getsockname()[1])):
            self.send_error(403, "This server answers only to its own address.")
            return None
        if self.path.partition("?")[0] in ("/", "/index.html") and not Path(self.directory, "index.html").is_file():
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(WAITING)))
            self.end_headers()
            return BytesIO(WAITING)
        return super().send_head()

    def end_headers(self) -> None:
        """Add what keeps the page to itself."""
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        super().end_headers()

    def list_directory(self, path):  # type: ignore[no-untyped-def]
        """List nothing."""
        self.send_error(404, "There is nothing here.")

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal quiet."""
