"""A judge that is shown all responses to an item at once and puts them in order, best first.

Where a response stands in the list follows from item and repetition: a shuffle, and for every other repetition its
reverse, so that two repetitions show each response as far from the beginning as from the end. The value is the share
of the others that a response was put before, 1 for the best.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from string import ascii_uppercase
from typing import Any

from harness.answering import Answer, Call, Chat, at_once, hand_in
from harness.errors import HarnessError
from harness.kinds import identity_of
from harness.rating.judges.judge import JudgeSettings, chat_of, unreadable, wording_of
from harness.rating.judges.reply import ranking_schema, read_ranking
from harness.rating.judges.rubric import Criterion
from harness.rating.judges.wording import Wording, shown
from harness.rating.rater import RaterSpec, Surroundings, Work, rating_of
from harness.rating.settings import read_settings
from harness.records import Rating, Response, digest

MOST = len(ascii_uppercase)
"""Responses that one list can hold: as many as there are letters to call them by."""


@dataclass(frozen=True)
class _List:
    """One call: the responses in the order shown, and the pieces of work that its answer rates."""

    criterion: Criterion
    shown: Sequence[Response]
    pieces: Sequence[Work]

    @property
    def labels(self) -> str:
        return ascii_uppercase[: len(self.shown)]


class Listwise:
    """A rater that asks an LLM to put all responses to an item in order."""

    def __init__(
        self, spec: RaterSpec, settings: JudgeSettings, wording: Wording, chat: Chat, surroundings: Surroundings
    ) -> None:
        """Make the judge."""
        self.spec = spec
        self.settings = settings
        self.chat = chat
        facts = settings.model_dump(mode="json", exclude={"model"})
        decides = [facts, chat.identity, wording.facts, surroundings.seed]
        self.version = digest(identity_of(spec.use), spec.criteria, spec.scale, decides, 5)
        self._wording = wording
        self._seed = surroundings.seed

    @property
    def at_once(self) -> int:
        """Pieces of work that are best given at once: as many as its client is best asked."""
        return at_once(self.chat)

    def rate(self, work: Iterable[Work]) -> Iterator[Rating]:
        """Yield the ratings of each list when its order is there."""
        asked: dict[int, _List] = {}
        lists: list[_List] = []
        for pieces in _together(work):
            readable = [one for one in pieces[0].siblings if unreadable(one) is None]
            if problem := _no_list(readable):
                yield from (self._failed(piece, name, problem) for piece in pieces for name in self.spec.criteria)
                continue
            for piece in pieces:
                if reason := unreadable(piece.response):
                    yield from (self._failed(piece, name, reason) for name in self.spec.criteria)
            lists += self._lists(pieces, readable)

        def calls() -> Iterator[Call]:
            for number, one in zip(count(), lists, strict=False):
                asked[number] = one
                yield self._call(one)

        for position, answer in self.chat.ask(calls()):
            yield from self._answered(asked.pop(position), answer)

    def hand_in(self, work: Iterable[Work]) -> None:
        """Send on its way what is asked for work that is rated later, if the client asks by batch."""
        together = (
            (pieces, [one for one in pieces[0].siblings if unreadable(one) is None]) for pieces in _together(work)
        )
        lists = (
            one for pieces, readable in together if not _no_list(readable) for one in self._lists(pieces, readable)
        )
        hand_in(self.chat, map(self._call, lists))

    def _lists(self, pieces: Sequence[Work], readable: Sequence[Response]) -> list[_List]:
        """Return what is asked about the answers to one item: a list for each criterion."""
        left = [piece for piece in pieces if unreadable(piece.response) is None]
        order = _order(readable, pieces[0], self._seed)
        return [_List(criterion, order, left) for criterion in self._wording.rubric.asked if left]

    def _call(self, one: _List) -> Call:
        work, settings = one.pieces[0], self.settings
        texts = [response.text for response in one.shown]
        answers = [{"label": label, "text": text} for label, text in zip(one.labels, texts, strict=True)]
        material = shown(work.item, texts) | {"answers": answers}
        call = Call(
            self._wording.messages(material, one.criterion),
            settings.max_tokens,
            settings.temperature,
            self._seed + work.repetition,
            json_schema=ranking_schema(one.labels, settings.reasoning),
            repetition=work.repetition,
        )
        return replace(call, again=any(piece.again for piece in one.pieces))

    def _answered(self, one: _List, answer: Answer) -> Iterator[Rating]:
        share = len(one.pieces)
        paid: dict[str, Any] = {
            "criterion": one.criterion.name,
            "cost_usd": None if answer.cost_usd is None else answer.cost_usd / share,
            "seconds": None if answer.seconds is None else answer.seconds / share,
        }
        told: dict[str, Any] = {"status": answer.status, "error": answer.error, "raw": answer.raw}
        ranking = None
        if answer.status == "ok":
            ranking, rationale, problem = read_ranking(answer.text, one.labels, answer.finish_reason)
            thought = "\n".join(filter(None, (answer.reasoning, rationale)))
            told = {"raw": answer.raw or answer.text, "rationale": thought or None}
            if ranking is None:
                told |= {"status": "unparsed", "error": problem}
        places = {response.response_id: place for place, response in enumerate(one.shown)}
        for piece in one.pieces:
            found: dict[str, Any] = {}
            if ranking is not None:
                place = places[piece.response.response_id]
                rank = ranking.index(one.labels[place])
                found["value"] = 1 - rank / (len(ranking) - 1)
                found["metadata"] = {"place": place + 1, "rank": rank + 1, "of": len(ranking)}
            yield rating_of(self.spec, self.version, piece, **paid, **told, **found)

    def _failed(self, piece: Work, criterion: str, reason: str) -> Rating:
        return rating_of(self.spec, self.version, piece, criterion, status="skipped", error=reason)


def listwise(spec: RaterSpec, surroundings: Surroundings) -> Listwise:
    """Make a listwise judge.

    Raises:
        HarnessError: A setting does not fit, or a file that it names is missing.
    """
    settings = read_settings(spec, JudgeSettings)
    where = f"{spec.folder}/rater.yaml"
    if not spec.lists or spec.scale != "interval" or spec.compares:
        raise HarnessError(
            f"{where}: a listwise judge needs `lists: true` and `scale: interval`, and compares no pairs"
        )
    if settings.by != "text":
        raise HarnessError(f"{where}: settings: an order of answers is written: `by: text`")
    if settings.examples or settings.overall or settings.constitution or settings.reference_guided:
        raise HarnessError(f"{where}: settings: a listwise judge knows model, prompt, rubric, reasoning and sampling")
    wording = wording_of(settings, spec, ())
    return Listwise(spec, settings, wording, chat_of(settings, surroundings), surroundings)


def _together(work: Iterable[Work]) -> list[list[Work]]:
    """Return the pieces of work that one list shows, together."""
    found: dict[tuple[Any, ...], list[Work]] = {}
    for piece in work:
        key = (piece.item.task, piece.item.item_id, piece.repetition, *(one.response_id for one in piece.siblings))
        found.setdefault(key, []).append(piece)
    return list(found.values())


def _no_list(responses: Sequence[Response]) -> str | None:
    if len(responses) < 2:
        return f"an order needs two answers to the item, there are {len(responses)}"
    if len(responses) > MOST:
        return f"a list holds {MOST} answers, there are {len(responses)}; rate fewer `samples`"
    return None


def _order(responses: Sequence[Response], work: Work, seed: int) -> list[Response]:
    """Return the responses as a repetition shows them."""
    shuffled = sorted(responses, key=lambda response: response.response_id)
    random.Random(digest(seed, work.item.task, work.item.item_id, work.repetition // 2)).shuffle(shuffled)
    return shuffled[::-1] if work.repetition % 2 else shuffled
