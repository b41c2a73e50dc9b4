"""The page of a run, its findings, and their JSON."""

from harness.reporting.evidence import Evidence
from harness.reporting.findings import Finding, findings
from harness.reporting.page import report, summary

__all__ = ["Evidence", "Finding", "findings", "report", "summary"]
