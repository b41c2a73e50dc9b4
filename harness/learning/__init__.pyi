"""What the room gives to the others, and where each name is written; `__init__` and type checkers read it here."""

from .learner import Example as Example
from .learner import Learner as Learner
from .learner import Training as Training
from .learner import check_learner as check_learner
from .learner import make_learner as make_learner
from .loop import run_feedback as run_feedback
from .loop import run_series as run_series
