"""Raters that check: answer keys, numbers, patterns, schemas, unit tests, metrics."""
