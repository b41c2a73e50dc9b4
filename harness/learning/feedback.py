"""The feedback of a series: what its raters say of a round's samples, one rater after another within their budgets.

A part rates what no part before it could: `200 labels of a person, then the judge`, `verified where possible, judged
elsewhere`. A part that corrects rates some of what others rated already, and what they said is read in its terms.
People rate elsewhere, in a page or on a sheet, so that a series waits for them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from harness.errors import HarnessError
from harness.learning.learner import Example, SeriesEnded
from harness.rating import Rater, RaterSpec, Work
from harness.records import Item, Rating, Response, Scale, digest

FEWEST = 10
"""Samples that both have rated, below which nothing is corrected."""
SAID = ("ok", "skipped", "refused")
"""Statuses by which a person has said what there is to say."""


class Waiting(SeriesEnded):
    """A series waits for people: their ratings of these samples are not there yet."""

    def __init__(self, rater: str, lacking: Sequence[Work], all_work: Sequence[Work]) -> None:
        """Make the error.

        Args:
            rater: What they are asked, as the catalogue calls it.
            lacking: What they have not rated.
            all_work: What they are asked to rate in this round.
        """
        super().__init__("waiting", f"{len(lacking)} of {len(all_work)} samples are to be rated by people ({rater})")
        self.rater = rater
        self.items: list[Item] = list({one.item.item_id: one.item for one in all_work}.values())
        self.practice: list[Response] = [one.response for one in all_work]


class Exported(SeriesEnded):
    """A series goes no further than its first round's data: somebody else trains."""

    def __init__(self, items: list[Item], practice: list[Response], ratings: list[Rating], kept: list[Example]) -> None:
        """Take what is written into the run."""
        super().__init__("exported", f"{len(kept)} examples")
        self.items, self.practice, self.ratings, self.examples = items, practice, ratings, kept


@dataclass(frozen=True)
class People:
    """People as a rater: what they have said of a run's answers so far, by answer."""

    spec: RaterSpec
    version: str
    known: Mapping[str, Sequence[Rating]] = field(default_factory=dict, compare=False)

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield what people have said of the work; nothing of what they have not rated yet."""
        for one in work:
            yield from self.known.get(one.response.response_id, ())


@dataclass(frozen=True)
class Part:
    """A rater of a series, and how much of it there is.

    Attributes:
        rater: Who rates.
        labels: At most so many samples in the whole series; all where None.
        share: Only so much of the samples, drawn by their ids; all where None.
        corrects: It rates samples that others rated too, and what they say is read in its terms.
    """

    rater: Rater
    labels: int | None = None
    share: float | None = None
    corrects: bool = False

    @property
    def name(self) -> str:
        """The part in a word: `human_correctness (200)`."""
        much = [f"{self.labels}"] if self.labels is not None else []
        much += [f"{100 * self.share:g} %"] if self.share is not None else []
        much += ["corrects"] if self.corrects else []
        return self.rater.spec.name + (f" ({', '.join(much)})" if much else "")

    def gave(self, rating: Rating) -> bool:
        """Tell whether a rating is this part's; people go by names of their own."""
        kind, spec = rating.rater_kind, self.rater.spec
        return kind == "human" if spec.kind == "human" else rating.rater == spec.name

    def chosen(self, work: Sequence[Work], spent: int) -> list[Work]:
        """Return what the part rates of some work, whole items, within what is left of its budget."""
        if self.share is not None:
            work = [one for one in work if int(digest("share", one.response.response_id), 16) / 16**16 < self.share]
        if self.labels is None:
            return list(work)
        groups: dict[str, list[Work]] = defaultdict(list)
        for one in work:
            groups[one.item.item_id].append(one)
        found: list[Work] = []
        for group in groups.values():
            if spent + len(found) + len(group) > self.labels:
                break
            found += group
        return found

    def rate(self, work: Sequence[Work]) -> list[Rating]:
        """Return the part's ratings.

        Raises:
            Waiting: People have not rated all of it.
        """
        ratings = list(self.rater.rate(work))
        if self.rater.spec.kind == "human":
            said = {one.response_id for one in ratings if one.status in SAID}
            lacking = [one for one in work if one.response.response_id not in said]
            if lacking:
                raise Waiting(self.rater.spec.name, lacking, work)
        return ratings


@dataclass(frozen=True)
class Mixture:
    """Several raters as the feedback of one series."""

    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        """Refuse parts that cannot stand together; see `together`."""
        _ = self.spec

    @property
    def spec(self) -> RaterSpec:
        """What the series says of its rater."""
        return together([part.rater.spec for part in self.parts], [part.corrects for part in self.parts])

    @property
    def version(self) -> str:
        """The hash of everything that decides what the parts say."""
        return digest([(part.rater.version, part.name) for part in self.parts])

    def rate(self, work: Sequence[Work]) -> Iterator[Rating]:
        """Yield the ratings of work in a series that has had none before."""
        yield from gathered(self.parts, work, ())


def together(specs: Sequence[RaterSpec], corrects: Sequence[bool]) -> RaterSpec:
    """Return what several raters are as one; what is corrected is between the grades.

    Raises:
        HarnessError: Their scales differ, or nobody is there to be corrected.
    """
    scales = {spec.name: spec.scale for spec in specs}
    if len(set(scales.values())) > 1:
        said = ", ".join(f"{name} is {scale}" for name, scale in scales.items())
        raise HarnessError(f"rounds: feedback: raters of one series need one scale: {said}")
    if corrects[0]:
        raise HarnessError("rounds: feedback: who corrects stands after those who are corrected")
    scale: Scale = "interval" if any(corrects) else specs[0].scale
    name = ", then ".join(spec.name for spec in specs)
    return specs[0].model_copy(update={"name": name, "kind": "judge", "scale": scale})


def parts_of(rater: Rater | Mixture) -> tuple[Part, ...]:
    """Return the parts of a series' feedback: of one rater alone that one."""
    return rater.parts if isinstance(rater, Mixture) else (Part(rater),)


def gathered(parts: Sequence[Part], work: Sequence[Work], before: Sequence[Rating]) -> list[Rating]:
    """Return what the parts say of a round's samples.

    Args:
        parts: The raters in their order.
        work: The samples.
        before: What was said in the rounds before: it counts for the budgets.

    Raises:
        Waiting: People have not rated what they are to rate.
    """
    found: list[Rating] = []
    left = list(work)
    for part in parts:
        spent = len({one.response_id for one in before if part.gave(one)})
        ratings = part.rate(part.chosen(work if part.corrects else left, spent))
        found += ratings
        if not part.corrects:
            valued = {one.response_id for one in ratings if one.value is not None}
            left = [one for one in left if one.response.response_id not in valued]
    return found


def deciding(parts: Sequence[Part], ratings: Sequence[Rating], before: Sequence[Rating]) -> list[Rating]:
    """Return the ratings by which samples are kept: of each sample those of the first part that could say something.

    Where a part corrects, its own ratings count where it has some, and elsewhere the others' on the line that fits its
    ratings best to theirs, of all samples of the series so far that both have rated; with under `FEWEST` of them the
    others' count as they are.
    """
    taken: dict[str, list[Rating]] = {}
    for part in parts:
        own: dict[str, list[Rating]] = defaultdict(list)
        for rating in ratings:
            if part.gave(rating):
                own[rating.response_id or ""].append(rating)
        for name, group in own.items():
            known = all(one.value is not None for one in taken.get(name, [])) and name in taken
            if not known and not part.corrects:
                taken[name] = group
    for part in parts:
        if part.corrects:
            taken = _corrected(part, taken, [*before, *ratings])
    return [one for group in taken.values() for one in group]


def _corrected(part: Part, taken: dict[str, list[Rating]], all_ratings: Sequence[Rating]) -> dict[str, list[Rating]]:
    truth, other = _means(all_ratings, part, True), _means(all_ratings, part, False)
    both = [(other[name], truth[name]) for name in truth if name in other]
    slope, base = _line(both) if len(both) >= FEWEST else (1.0, 0.0)
    found = {}
    for name, group in taken.items():
        if name in truth:
            found[name] = [group[0].model_copy(update={"value": truth[name], "status": "ok"})]
        else:
            found[name] = [
                one if one.value is None else one.model_copy(update={"value": base + slope * one.value})
                for one in group
            ]
    return found


def _means(ratings: Sequence[Rating], part: Part, own: bool) -> dict[str, float]:
    given: dict[str, list[float]] = defaultdict(list)
    for one in ratings:
        if one.value is not None and part.gave(one) == own:
            given[one.response_id or ""].append(one.value)
    return {name: fmean(values) for name, values in given.items()}


def _line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return slope and base of the line of least squares; flat where the first values are all the same."""
    x, y = fmean(a for a, _ in points), fmean(b for _, b in points)
    spread = sum((a - x) ** 2 for a, _ in points)
    slope = sum((a - x) * (b - y) for a, b in points) / spread if spread else 0.0
    return slope, y - slope * x


def counted(ratings: Sequence[Rating]) -> dict[str, int]:
    """Return how many samples each rater has rated; people together, as `people`."""
    pairs = {("people" if one.rater_kind == "human" else one.rater, one.response_id) for one in ratings}
    return dict(sorted(Counter(name for name, _ in pairs).items()))
