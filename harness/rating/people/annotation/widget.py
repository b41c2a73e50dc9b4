"""The rating page as a notebook's widget: the same page, in a frame, over the notebook's own connection to its kernel.

So it works where the notebook does, on another machine too, and no port is opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.catalog import Catalog
from harness.errors import UnavailableError
from harness.rating.people.annotation.actions import act
from harness.rating.people.annotation.one_file import one_file
from harness.rating.people.annotation.session import Session
from harness.rating.people.human import asked_of
from harness.rating.people.pseudonyms import pseudonym, user_key
from harness.run import Run, opened

if TYPE_CHECKING:
    from anywidget import AnyWidget

_OPEN: dict[tuple[Path, str], Session] = {}
"""The sessions of this kernel, by run and rater."""


def annotate(
    run: Run | str | Path,
    rater_id: str,
    questions: Sequence[str] = (),
    tasks: Sequence[str] = (),
    *,
    samples: int = 1,
    repeats: float = 0.1,
    checks: int = 0,
    catalog: Catalog | None = None,
) -> AnyWidget:
    """Return the rating page of one rater as a widget; every answer is on disk before the next thing is shown.

    Args:
        run: The run or its folder.
        rater_id: Who rates; in the run a pseudonym stands for it.
        questions: Human raters of the catalogue; those that fit the tasks' families where none are named.
        tasks: Only these tasks; those of the suite where none are named.
        samples: How many samples of each item and model.
        repeats: The share of things shown twice.
        checks: How many attention checks there are.
        catalog: Where questions and the page's files are found.

    Raises:
        UnavailableError: anywidget is not installed.
        HarnessError: The run has nothing to rate.
        IncompleteError: The rater has a session open elsewhere.
    """
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise UnavailableError("a widget needs anywidget: pip install 'feedback-harness[notebook]'") from error
    catalog = catalog or Catalog()
    run = opened(run)
    asked = asked_of(run, questions, tasks, samples, catalog)
    place = (run.folder.resolve(), rater_id)
    if place in _OPEN:  # the cell was run again: its page is gone
        _OPEN.pop(place).journal.close()
    session = Session(run, pseudonym(rater_id, user_key()), asked, repeats=repeats, checks=checks, name=rater_id)
    _OPEN[place] = session
    script = catalog.file("reports/annotate/widget.js").read_text(encoding="utf-8")
    parts = {"_esm": script, "page": traitlets.Unicode().tag(sync=True)}
    widget = type("RatingPage", (anywidget.AnyWidget,), parts)(page=one_file("embedded", {}, catalog))
    widget.on_msg(lambda self, content, buffers: self.send(reply(session, content)))
    return widget


def reply(session: Session, content: dict[str, Any]) -> dict[str, Any]:
    """Return what the page gets for what it asked, with the number by which it knows its question."""
    status, said = act(session, str(content.get("action")), content.get("body") or {})
    return {"number": content.get("number"), "status": status, "said": said}
