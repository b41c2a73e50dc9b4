"""What the room gives to the others, and where each name is written; `__init__` and type checkers read it here."""

from .fingerprint import fingerprint_of as fingerprint_of
from .folder import Run as Run
from .folder import load as load
from .folder import write_whole as write_whole
from .manifest import host_facts as host_facts
from .manifest import now as now
