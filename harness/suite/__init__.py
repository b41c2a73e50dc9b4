"""What the user asked for: the model of a suite, its file, and the variables and documents that it is read from."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
