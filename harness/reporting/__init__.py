"""The page of a run, its findings, and their JSON."""

from harness.reporting.evidence import Evidence
from harness.reporting.finding import Finding
from harness.reporting.findings import findings
from harness.reporting.page import report, summary

__all__ = ["Evidence", "Finding", "findings", "report", "summary"]
