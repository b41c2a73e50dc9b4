"""What the room gives to the others, and where each name is written; `__init__` and type checkers read it here."""

from .cluster import cluster_of as cluster_of
from .demo import make_demo as make_demo
from .names import check_names as check_names
from .stages import rate as rate
from .stages import run_suite as run_suite
