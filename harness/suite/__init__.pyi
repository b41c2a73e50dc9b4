"""What the room gives to the others, and where each name is written; `__init__` and type checkers read it here."""

from .differences import refuse_other_suite as refuse_other_suite
from .document import Document as Document
from .document import Key as Key
from .document import compose as compose
from .document import read_document as read_document
from .file import description as description
from .file import find_suite as find_suite
from .file import read_suite as read_suite
from .file import suite_schema as suite_schema
from .model import Suite as Suite
from .settings import fitted as fitted
from .uses import IMPORTED as IMPORTED
from .uses import KeepUse as KeepUse
from .uses import ModelUse as ModelUse
from .uses import RaterUse as RaterUse
from .uses import RoundsUse as RoundsUse
from .uses import TaskUse as TaskUse
from .variables import reveal as reveal
from .variables import secrets as secrets
from .variables import without_secrets as without_secrets
from .whereabouts import model_called as model_called
from .whereabouts import without_homes as without_homes
from .whereabouts import without_paths as without_paths
from .whereabouts import without_whereabouts as without_whereabouts
