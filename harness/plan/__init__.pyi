"""What the room gives to the others, and where each name is written; `__init__` and type checkers read it here."""

from .dry_run import Range as Range
from .forecast import Line as Line
from .forecast import Plan as Plan
from .forecast import plan_suite as plan_suite
