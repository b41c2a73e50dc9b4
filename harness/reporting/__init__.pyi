"""What the room gives to the others, and where each name is written; `__init__` and type checkers read it here."""

from .check import check_reports as check_reports
from .evidence import Evidence as Evidence
from .exports import EXPORTS as EXPORTS
from .finding import ANNOTATE as ANNOTATE
from .findings import answer as answer
from .findings import findings_of as findings_of
from .notebook import run_notebook as run_notebook
from .page import report as report
from .page import summary as summary
from .print import print_pdf as print_pdf
from .scorecard import FAILURES as FAILURES
from .server import view as view
from .site import publish as publish
from .wording import typeset as typeset
