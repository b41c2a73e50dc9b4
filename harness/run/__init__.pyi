"""What the room gives to the others, and where each name is written; `__init__` and type checkers read it here."""

from .fingerprint import fingerprint_of as fingerprint_of
from .folder import Run as Run
from .folder import load as load
from .folder import write_whole as write_whole
from .manifest import host_facts as host_facts
from .manifest import now as now
from .tables import AI_KINDS as AI_KINDS
from .tables import OTHER_ORDER as OTHER_ORDER
from .tables import UNIT as UNIT
from .tables import aggregates as aggregates
from .tables import has_flag as has_flag
from .tables import is_ai as is_ai
from .tables import is_first as is_first
from .tables import is_ok as is_ok
from .tables import is_person as is_person
from .tables import is_valued as is_valued
from .tables import kinds_of as kinds_of
from .tables import one_direction as one_direction
from .tables import one_verdict as one_verdict
from .tables import other_side as other_side
from .tables import people_and_ai as people_and_ai
from .tables import points_back as points_back
from .tables import settled as settled
from .tables import turned as turned
from .tables import unit_columns as unit_columns
from .tables import unit_names as unit_names
