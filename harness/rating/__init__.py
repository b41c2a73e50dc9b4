"""Raters give ratings to responses: judges, verifiers, people, and ratings from anybody's files."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
