"""The page of a run, its findings, and their JSON."""

from harness.reporting.evidence import Evidence
from harness.reporting.finding import Finding
from harness.reporting.findings import findings
from harness.reporting.page import report, summary
from harness.reporting.print import print_pdf

__all__ = ["Evidence", "Finding", "findings", "print_pdf", "report", "summary"]
