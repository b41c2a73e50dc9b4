"""What the room gives to the others, and where each name is written; `__init__` and type checkers read it here."""

from .jobs import Evaluation as Evaluation
from .learner import Example as Example
from .learner import Learner as Learner
from .learner import SeriesEnded as SeriesEnded
from .learner import Training as Training
from .learner import check_learner as check_learner
from .learner import make_learner as make_learner
from .loop import run_feedback as run_feedback
from .loop import run_seeds as run_seeds
from .loop import run_series as run_series
from .problems.task import ProblemTask as ProblemTask
from .problems.task import problem_task as problem_task
from .series import Round as Round
from .series import Series as Series
from .worth.doors import exchange as exchange
from .worth.doors import rates_of as rates_of
from .worth.doors import stale as stale
from .worth.exchange import Exchange as Exchange
from .worth.rates import ExchangeRates as ExchangeRates
from .worth.rates import keep_rates as keep_rates
from .worth.rates import kept_rates as kept_rates
from .worth.sources import read_rated as read_rated
