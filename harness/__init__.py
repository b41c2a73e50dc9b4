"""feedback-harness: compares human and AI feedback, and tells whether training on it still improves a model.

    import harness as h

    run = h.load("runs/quickstart")
    run.items, run.responses, run.ratings          # DataFrames, the records' fields as columns
    h.agree(ratings, level="ordinal")              # who agrees with whom
    h.compare_rounds(scores, sesoi=1.0)            # improving, plateaued, worsening or inconclusive
    h.report(run)                                  # the page

Everything that a command does is a function here, imported when it is first used, so that `import harness` is quick.
"""

from lazy_loader import attach_stub

from harness.kinds import find_moved

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
find_moved()
