"""What is written down of batches, so that nobody who is killed pays for one twice.

    batches/MARK.json     the client, the batch's id once it has one, and the ids of the calls that wait for it

A note is there before its batch is handed in. When all its calls have their answers only its figures stay.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.run import is_at_work, write_whole, writer


@dataclass(frozen=True, eq=False)
class BatchNote:
    """One batch."""

    mark: str
    """Its name here, which the server is told where it has a place for it."""
    identity: str
    """Of the client whose calls are in it."""
    names: dict[str, None]
    """The ids of the calls that wait for it, in their order."""
    calls: int
    """How many it has."""
    before: str | None
    """The newest batch that there was before it."""
    began: str
    who: str
    """The process that hands it in."""
    adapted: dict[str, str]
    """What of the calls the server does not take, as `Parameters.found` has it: its answers are read accordingly."""
    batch: str | None = None
    """The id that the server gave it."""


class BatchNotes:
    """The notes of a run, or of the user's cache folder."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, which need not be there."""
        self.folder = folder

    def path(self, note: BatchNote) -> Path:
        """Return where a note stands."""
        return self.folder / f"{note.mark}.json"

    def begin(self, identity: str, names: Sequence[str], before: str | None, adapted: dict[str, str]) -> BatchNote:
        """Write down that calls are about to be handed in."""
        began = datetime.now(UTC).isoformat(timespec="seconds")
        waiting = dict.fromkeys(names)
        return self.keep(
            BatchNote(uuid.uuid4().hex, identity, waiting, len(names), before, began, writer(), dict(adapted))
        )

    def keep(self, note: BatchNote) -> BatchNote:
        """Write a note; it survives the death of this process when this returns."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.path(note), json.dumps({**asdict(note), "names": list(note.names)}).encode())
        return note

    def open(self, identity: str) -> Iterator[BatchNote]:
        """Yield the batches of a client for which calls wait, but for those that another process just hands in.

        Raises:
            HarnessError: A note cannot be read.
        """
        for path in sorted(self.folder.glob("*.json")) if self.folder.is_dir() else ():
            try:
                fields: dict[str, Any] = json.loads(path.read_bytes())
                note = BatchNote(**{**fields, "names": dict.fromkeys(fields["names"])})
            except (ValueError, LookupError, TypeError) as error:
                raise HarnessError(
                    f"{path}: is no note of a batch ({error}); look with the provider which batch it was, and remove it"
                ) from error
            if note.identity != identity or not note.names:
                continue
            began = datetime.fromisoformat(note.began).timestamp()
            if note.batch or note.who == writer() or not is_at_work(note.who, began):
                yield note

    def end(self, note: BatchNote, names: Sequence[str]) -> None:
        """Write down that some of a batch's calls wait for it no longer."""
        over = set(names)
        self.keep(replace(note, names={name: None for name in note.names if name not in over}))

    def forget(self, note: BatchNote) -> None:
        """Remove the note of a batch that there is not."""
        self.path(note).unlink(missing_ok=True)
