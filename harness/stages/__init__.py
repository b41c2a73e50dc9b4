"""The stages of a suite in their order: models answer, raters rate, the learner is trained, the page is made."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
