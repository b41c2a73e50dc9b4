"""A panel: judges of the catalogue rate the same work, and a rule makes one rating of their votes.

A member that failed has no vote, whatever its failure was, and below the quorum the panel has no value. The members
ask through the run's own clients, so a panel beside its members asks nothing twice.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.kinds import identity_of
from harness.rating.rate import find_rater, read_spec
from harness.rating.rater import NO_ANSWER, Rater, RaterSpec, Surroundings, Work, rating_of
from harness.rating.settings import Settings, read_settings
from harness.records import Order, Rating, digest

LABELS = ("binary", "nominal")
"""Scales whose values are counted, never averaged."""

Key = tuple[str | None, str | None, int]
"""What is rated: response, other side, repetition."""
Votes = Mapping[str, Rating]
"""What the members say of one thing, by their names."""


class PanelSettings(Settings):
    """The settings of a panel."""

    raters: list[str] = Field(min_length=2)
    """The members: judges of the catalogue."""
    rule: Literal["mean", "majority", "weighted"]
    """`weighted` is the weighted mean of numbers and the weighted majority of labels."""
    weights: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    """How much each member's vote counts; `harness agree --weights` writes them into this file."""
    quorum: int | None = Field(default=None, ge=1)
    """How many members must have given a value; more than half where not given."""
    ties: Literal["skipped", "equal"] = "skipped"
    """What two values with as many votes are: no value, or (for preferences) equally good."""

    @property
    def needed(self) -> int:
        """The quorum."""
        return self.quorum or len(self.raters) // 2 + 1


class Panel:
    """A rater made of judges.

    A majority is the value with more votes than any other. Where two have as many, the panel has not decided: no
    value, status `skipped`, because nothing failed and asking again would change nothing. Only `ties: equal` makes
    of it a preference of .5. Judges that see both orders vote in each order for itself.
    """

    def __init__(self, spec: RaterSpec, settings: PanelSettings, members: Sequence[Rater]) -> None:
        """Make a panel of its members."""
        self.spec = spec
        self.settings = settings
        self.members = members
        weighted = settings.rule == "weighted"
        self._weights = {name: settings.weights[name] if weighted else 1.0 for name in settings.raters}
        self._counts = settings.rule == "majority" or spec.scale in LABELS
        facts = settings.model_dump(mode="json", exclude={"weights", "quorum"})
        versions = [member.version for member in members]
        self.version = digest(
            identity_of(spec.use),
            spec.criteria,
            spec.scale,
            facts,
            settings.needed,
            list(self._weights.values()),
            versions,
            1,
        )

    @property
    def at_once(self) -> int:
        """Pieces of work that are best given at once: as many as any member's client is best asked."""
        return max(getattr(member, "at_once", 0) for member in self.members)

    def rate(self, work: Iterable[Work]) -> Iterator[Rating]:
        """Yield the panel's ratings of each piece of work, when all members have rated all."""
        pieces = list(work)
        said: dict[Key, list[tuple[str, Rating]]] = defaultdict(list)
        for member in self.members:
            for one in _rated(member, pieces):
                said[_key(one)].append((member.spec.name, one))
        for piece in pieces:
            yield from self._ratings(piece, said[_work_key(piece)])

    def hand_in(self, work: Iterable[Work]) -> None:
        """Send on its way what its members ask by batch for work that is rated later."""
        pieces = [replace(piece, again=False) for piece in work]
        for member in self.members:
            if (take := getattr(member, "hand_in", None)) is not None:
                take(pieces)

    def _ratings(self, work: Work, said: Sequence[tuple[str, Rating]]) -> Iterator[Rating]:
        """Yield a rating for each criterion and order; what members were asked beside is paid with the first."""
        known = {one.order for _, one in said}
        orders: list[Order | None] = [order for order in get_args(Order) if order in known] or [None]
        criteria = self.spec.criteria
        for criterion, order in product(criteria, orders):
            about = [(name, one) for name, one in said if one.criterion == criterion]
            votes = {name: one for name, one in about if one.order is None}  # by a member that sees no order
            votes |= {name: one for name, one in about if one.order == order}
            paid = [
                one
                for _, one in said
                if (one.criterion if one.criterion in criteria else criteria[0]) == criterion
                and (one.order or orders[0]) == order
            ]
            yield self._rating(work, criterion, order, votes, paid)

    def _rating(self, work: Work, criterion: str, order: Order | None, votes: Votes, paid: Sequence[Rating]) -> Rating:
        spoken = {name: one for name, one in votes.items() if one.status == "ok" and one.value is not None}
        if len(spoken) < self.settings.needed:
            said = self._below_quorum(votes, spoken)
        else:
            said = self._decided({name: float(one.value or 0.0) for name, one in spoken.items()})
        if self._counts and said.get("value") is not None:
            labels = {one.label for one in spoken.values() if one.value == said["value"]}
            said["label"] = labels.pop() if len(labels) == 1 else None
        told = {name: one.value if name in spoken else one.status for name, one in votes.items()}
        return rating_of(
            self.spec,
            self.version,
            work,
            criterion,
            order=order,
            flags=sorted({flag for one in votes.values() for flag in one.flags}),
            cost_usd=_total([one.cost_usd for one in paid]),
            seconds=_total([one.seconds for one in paid]),
            metadata={"members": told},
            **said,
        )

    def _below_quorum(self, votes: Votes, spoken: Votes) -> dict[str, Any]:
        silent = {name: one for name, one in votes.items() if name not in spoken}
        statuses = {one.status for one in silent.values()}
        reasons = [one.error or "" for one in silent.values()]
        if reasons and all(reason.startswith(NO_ANSWER) for reason in reasons):
            return {"status": silent.popitem()[1].status, "error": reasons[0]}  # rated again when the answer has come
        told = "; ".join(f"{name} {one.status}: {one.error}" for name, one in silent.items())
        return {
            "status": statuses.pop() if len(statuses) == 1 and statuses != {"ok"} else "error",
            "error": f"{len(spoken)} of {len(self.members)} members gave a value, {self.settings.needed} are needed"
            + (f" ({told})" if told else ""),
        }

    def _decided(self, values: Mapping[str, float]) -> dict[str, Any]:
        """Return the value that follows from the members' values by the rule, or the status that says why none does."""
        total = math.fsum(self._weights[name] for name in values)
        if total <= 0:
            return {"status": "error", "error": f"{', '.join(values)} gave a value, and they have no weight"}
        if not self._counts:
            return {"value": math.fsum(self._weights[name] * value for name, value in values.items()) / total}
        shares: dict[float, float] = defaultdict(float)
        for name, value in values.items():
            shares[value] += self._weights[name] / total
        most = max(shares.values())
        first = sorted(value for value, share in shares.items() if math.isclose(share, most, abs_tol=1e-9))
        if len(first) == 1:
            return {"value": first[0]}
        if self.settings.ties == "equal":
            return {"value": 0.5}
        return {"status": "skipped", "error": f"the panel is tied between {' and '.join(f'{one:g}' for one in first)}"}


def _rated(member: Rater, pieces: Sequence[Work]) -> Iterator[Rating]:
    """Yield a member's ratings. Of work to be done again it is asked anew only what it gave no readable answer to.

    Its other failures are in no cache, and what it answered is not paid twice because another member failed.
    """
    ratings = list(member.rate([replace(piece, again=False) for piece in pieces]))
    unread = {_key(one) for one in ratings if one.status == "unparsed"}
    anew = [piece for piece in pieces if piece.again and _work_key(piece) in unread]
    replaced = set(map(_work_key, anew))
    yield from (one for one in ratings if _key(one) not in replaced)
    yield from member.rate(anew)


def _key(rating: Rating) -> Key:
    return rating.response_id, rating.against_id, rating.repetition


def _work_key(work: Work) -> Key:
    return work.response.response_id, work.against.response_id if work.against else None, work.repetition


def _total(parts: Sequence[float | None]) -> float | None:
    """Return a sum; None where a part of it is not known."""
    known = [part for part in parts if part is not None]
    return math.fsum(known) if parts and len(known) == len(parts) else None


def panel(spec: RaterSpec, surroundings: Surroundings) -> Panel:
    """Make a panel, and its members.

    Raises:
        HarnessError: A setting does not fit, or a member does not fit the panel; names each.
    """
    catalog = surroundings.catalog or Catalog()
    settings = panel_settings(spec, catalog)
    return Panel(spec, settings, [find_rater(name, catalog, surroundings) for name in settings.raters])


def panel_settings(spec: RaterSpec, catalog: Catalog) -> PanelSettings:
    """Return the settings of a panel.

    Raises:
        HarnessError: One does not fit, or a member does not fit the panel; names each.
    """
    settings = read_settings(spec, PanelSettings)
    wrong = list(_misfits(spec, settings))
    for name in settings.raters:
        wrong += [f"{name} {problem}" for problem in _strangeness(spec, name, catalog)]
    if wrong:
        raise HarnessError("\n".join(f"{spec.place('settings')}: settings: {problem}" for problem in wrong))
    return settings


def _misfits(spec: RaterSpec, settings: PanelSettings) -> Iterator[str]:
    """Yield what of the settings does not fit the scale or each other."""
    names = settings.raters
    if spec.kind != "judge":
        yield f"a panel of judges is itself of the kind `judge`, not {spec.kind!r}"
    if len(set(names)) < len(names):
        yield "raters: a name stands there twice"
    if settings.needed > len(names):
        yield f"quorum: {settings.quorum} of {len(names)} members can never be reached"
    if settings.rule == "mean" and spec.scale in LABELS:
        yield f"rule: values of a {spec.scale} scale have no mean; use `majority` or `weighted`"
    if settings.rule == "majority" and spec.scale == "interval":
        yield "rule: numbers on an interval scale are hardly ever the same; use `mean` or `weighted`"
    if settings.ties == "equal" and spec.scale != "preference":
        yield f"ties: only preferences can be equal; on a {spec.scale} scale it would be an invented value"
    if settings.weights and settings.rule != "weighted":
        yield f"weights: are for `rule: weighted`; the rule is {settings.rule!r}"
    absent = [name for name in names if name not in settings.weights]
    if settings.rule == "weighted" and absent:
        yield (
            f"weights: none of {', '.join(absent)}; `harness agree SOURCE --weights {spec.folder or '.'}/rater.yaml` "
            "writes them, from a run or a file with ratings by people and by the members"
        )
    elif settings.rule == "weighted" and not any(settings.weights[name] for name in names):
        yield "weights: all members have the weight 0"


def _strangeness(spec: RaterSpec, name: str, catalog: Catalog) -> Iterator[str]:
    """Yield why a rater cannot be a member of the panel."""
    if name == spec.name:
        yield "is the panel itself"
        return
    member = read_spec(name, catalog)
    if member.use == spec.use:
        yield "is a panel itself; name its members instead"
    elif member.kind != "judge":
        yield f"is no judge but of the kind {member.kind!r}"
    for what in ("scale", "compares", "lists"):
        own, others = getattr(spec, what), getattr(member, what)
        if own != others:
            yield f"has `{what}: {str(others).lower()}`, the panel `{what}: {str(own).lower()}`"
    lacking = [criterion for criterion in spec.criteria if criterion not in member.criteria]
    if lacking:
        yield f"does not rate {', '.join(lacking)}, but {', '.join(member.criteria)}"
