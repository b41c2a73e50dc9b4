"""Numbers alone: estimates and their intervals, contrasts, corrections. Imports numpy and scipy, and no other room."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
