"""The stage that says what labels are worth, on a file's texts or on the run's own."""

from __future__ import annotations

from harness.learning import keep_rates, kept_rates, rates_of, read_rated
from harness.stages.context import Context


def exchange_labels(context: Context) -> None:
    """Compute the exchange rates that the suite asks for and keep them in the run; not again where nothing changed."""
    use, run = context.suite.exchange, context.run
    if use is None:
        return
    source = read_rated(use) if use.data else run
    keep_rates(run, rates_of(source, use, context.suite.seed, context.cache, context.stage, kept_rates(run)))
