"""The page of a run, its findings, and their JSON; a site of many runs; notebooks."""

from harness.reporting.evidence import Evidence
from harness.reporting.finding import Finding
from harness.reporting.findings import answer, findings
from harness.reporting.notebook import run_notebook
from harness.reporting.page import report, summary
from harness.reporting.print import print_pdf
from harness.reporting.server import view
from harness.reporting.site import publish

__all__ = [
    "Evidence",
    "Finding",
    "answer",
    "findings",
    "print_pdf",
    "publish",
    "report",
    "run_notebook",
    "summary",
    "view",
]
