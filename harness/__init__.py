"""feedback-harness: compares human and AI feedback, and tells whether training on it still improves a model."""

__version__ = "0.1.0"
