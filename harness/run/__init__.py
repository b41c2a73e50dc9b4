"""A run: its folder, what made it, and whether anything in it is left to do."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
