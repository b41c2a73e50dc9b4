"""What the room gives to the others, and where each name is written; `__init__` and type checkers read it here."""

from .harms.flags import flag_sentence as flag_sentence
from .scores.checkpoints import checkpoints_in as checkpoints_in
from .scores.labels import round_name as round_name
from .scores.published import compare_summaries as compare_summaries
from .scores.published import published_series as published_series
from .scores.run_scores import from_run as from_run
from .scores.run_scores import settings_of as settings_of
from .scores.sources import Source as Source
from .scores.sources import read_map as read_map
from .scores.sources import read_scores as read_scores
from .scores.sources import read_table as read_table
from .scores.sources import sources_settings as sources_settings
from .verdict.bands import BAND_LEVEL as BAND_LEVEL
from .verdict.bands import deltas as deltas
from .verdict.comparison import Comparison as Comparison
from .verdict.comparison import compare_series as compare_series
from .verdict.last_gain import last_gain as last_gain
from .verdict.overview import answers as answers
from .verdict.plan import plan_rounds as plan_rounds
from .verdict.result import RoundsResult as RoundsResult
from .verdict.result import counted as counted
from .verdict.rounds import Rounds as Rounds
from .verdict.rounds import compare_rounds as compare_rounds
from .verdict.sayings import points as points
from .verdict.verdict import window_contrast as window_contrast
