"""The learner learns by feedback, and holds to the four rules of learners."""

from pathlib import Path

from harness.catalog import Catalog
from harness.learning import Example, Learner, make_learner

INCLUDED = Path(__file__).parents[2]


def learner(seed: int = 0) -> Learner:
    """Return the learner as a suite makes it."""
    return make_learner("learners.my_learner.learner:make", {}, seed, catalog=Catalog([INCLUDED]))


def test_it_learns_from_what_was_kept(tmp_path: Path) -> None:
    """All held-out items are right after three rounds of right answers; a saved state is the state."""
    made = learner()
    state, _ = made.start()
    for round in (1, 2, 3):
        kept = [Example(item, str(item.target)) for item in made.practice(round)]
        state, _ = made.train(state, kept, round)
    made.save(state, tmp_path / "state")
    items = made.held_out(100)
    assert made.answer(made.load(tmp_path / "state"), items) == [item.target for item in items]


def test_practice_and_held_out_items_are_disjoint() -> None:
    """Nothing that is measured was practised on."""
    practised = {item.prompt for round in range(1, 6) for item in learner().practice(round)}
    assert practised.isdisjoint(item.prompt for item in learner().held_out(1000))


def test_a_seed_decides_what_is_drawn() -> None:
    """The same call gives the same answers, another seed others."""
    items = learner().practice(1)
    assert learner(0).sample({}, items, 1) == learner(0).sample({}, items, 1)
    assert learner(0).sample({}, items, 1) != learner(1).sample({}, items, 1)
