"""The page of a run, its findings, and their JSON; a site of many runs; notebooks."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
