"""Evaluations that another harness has finished become a run: responses, its scorers' ratings, its settings.

The models of such a run are of the kind `imported`: their answers are there, and nobody is asked again. Everything else
is as in any run: more raters, people, agreement, and rounds where the models are the checkpoints of a series.
"""

from harness.rating.files.evaluations.imported import import_evaluations

__all__ = ["import_evaluations"]
