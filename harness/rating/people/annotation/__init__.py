"""The rating page: one rater, one thing at a time, by keyboard, blind, and every answer on disk before the next."""

from __future__ import annotations

from harness.rating.people.annotation.offline import export_html
from harness.rating.people.annotation.server import Address, serve
from harness.rating.people.annotation.session import Session
from harness.rating.people.annotation.widget import annotate

__all__ = ["Address", "Session", "annotate", "export_html", "serve"]
