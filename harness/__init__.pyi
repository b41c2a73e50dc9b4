"""The public functions, and the room that each comes from: read by type checkers, and by `__init__` itself."""

from .agreement import agree as agree
from .agreement import agree_spans as agree_spans
from .agreement import audit as audit
from .agreement import rank as rank
from .learning import exchange as exchange
from .plan import plan_suite as plan_suite
from .rating import annotate as annotate
from .rating import export_csv as export_csv
from .rating import import_evaluations as import_evaluations
from .rating import import_ratings as import_ratings
from .rating import read_any as read_any
from .reporting import publish as publish
from .reporting import report as report
from .rounds import compare_rounds as compare_rounds
from .rounds import plan_rounds as plan_rounds
from .run import load as load
from .stages import rate as rate
from .stages import run_suite as run_suite

__version__: str
