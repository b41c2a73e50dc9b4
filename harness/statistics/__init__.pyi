"""What the room gives to the others, and where each name is written; `__init__` and type checkers read it here."""

from .arrays import Bools as Bools
from .arrays import Floats as Floats
from .arrays import Ints as Ints
from .intervals import CHUNK as CHUNK
from .intervals import Additive as Additive
from .intervals import Estimate as Estimate
from .intervals import Statistic as Statistic
from .intervals import Weighted as Weighted
from .intervals import bootstrap as bootstrap
from .intervals import estimate as estimate
from .intervals import from_draws as from_draws
from .intervals import resampled as resampled
from .intervals import wilson as wilson
from .json_values import finite as finite
from .json_values import number as number
from .moments import ContrastEstimate as ContrastEstimate
from .moments import ContrastEstimates as ContrastEstimates
from .moments import Moments as Moments
from .moments import gain_variance as gain_variance
from .moments import proxy_weight as proxy_weight
from .moments import reach_of as reach_of
from .multiplicity import holm as holm
from .ppi import PPI as PPI
from .ppi import corrected_mean as corrected_mean
from .ppi import ppi_weight as ppi_weight
from .samples import pass_at_k as pass_at_k
