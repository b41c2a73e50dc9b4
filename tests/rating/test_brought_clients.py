"""A client of chat models that an installed package brings, as the model of a judge."""

from __future__ import annotations

import json
import sys

import pytest

from harness.answering.models.clients import make_chat
from harness.errors import BudgetError, HarnessError
from harness.plan.forecast import plan_suite
from harness.rating.rater import Surroundings
from harness.records import Item, Response
from harness.run.folder import Run
from harness.stages.stages import rate, run_suite
from harness.suite import Suite

CLIENT = """\
from harness.answering import Answer

ASKED, CLOSED = [], []


class Shop:
    def __init__(self, name, word):
        self.identity = f"shop {name} {word}"
        self.word = word

    def price(self, prompt, cached, completion):
        return 0.01

    def ask(self, calls):
        for position, call in enumerate(calls):
            ASKED.append(call)
            yield position, Answer(text='{"verdict": "%s"}' % self.word, cost_usd=0.01)

    def close(self):
        CLOSED.append(self.identity)


def make(spec, place):
    return Shop(spec.model.partition(":")[2], spec.options.get("word", "Yes"))
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A package `shop` as pip leaves it behind, with a client; gives its module."""
    packages = tmp_path / "packages"
    (packages / "shop-1.dist-info").mkdir(parents=True)
    (packages / "shop_chat.py").write_text(CLIENT)
    (packages / "shop-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1\n")
    points = "[harness.clients]\nshop = shop_chat:make\nempty = shop_chat:nothing\n"
    (packages / "shop-1.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(packages)
    yield __import__("shop_chat")
    sys.modules.pop("shop_chat", None)


def judged(place, model):
    """A run with four answers and a judge of this model, and where both are found."""
    folder = place / "raters" / "mine"
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "kind": "judge", "use": "judge.pointwise", "criteria": ["correctness"], "scale": "binary",
        "settings": {"model": model, "by": "text", "answers": {"Yes": 1, "No": 0}},
    }  # fmt: skip
    (folder / "rater.yaml").write_text(json.dumps(spec))
    (folder / "prompt.j2").write_text("{% block user %}{{ fence(response) }} Yes or No?{% endblock %}")
    suite = {"name": "x", "models": [{"name": "m", "model": "imported"}], "tasks": [{"task": "t", "raters": ["mine"]}]}
    run = Run.create(place / "run", Suite.model_validate(suite))
    run.write([Item(task="t", item_id=f"i{n}", family="other", prompt="Is it?") for n in range(4)], "items")
    answers = [Response(response_id=f"r{n}", task="t", item_id=f"i{n}", model="m", text=f"text {n}") for n in range(4)]
    run.write(answers, "responses")
    return run, {"include": [place], "cache": place / "cache"}


def test_it_judges_behind_the_cache_and_is_closed(tmp_path, shop):
    run, place = judged(tmp_path, {"model": "shop:large", "options": {"word": "No"}})
    rate(run, ["mine"], **place)
    assert run.ratings["value"].tolist() == [0, 0, 0, 0]
    assert run.ratings["cost_usd"].tolist() == [0.01] * 4
    assert (len(shop.ASKED), shop.CLOSED) == (4, ["shop large No"])
    again, _ = judged(tmp_path / "again", {"model": "shop:large", "options": {"word": "No"}})
    rate(again, ["mine"], include=[tmp_path / "again"], cache=place["cache"])
    assert (len(again.ratings), len(shop.ASKED)) == (4, 4)  # another run, the same calls


def test_it_is_planned_and_kept_to_a_budget(tmp_path, shop):
    run, place = judged(tmp_path, "shop:large")
    plan = plan_suite(run.suite, run.folder, **place)
    assert [(line.who, line.calls, line.cost_usd) for line in plan.lines] == [("mine", 4, pytest.approx((0.04, 0.04)))]
    assert shop.ASKED == []
    with pytest.raises(BudgetError):
        run_suite(run.suite, run.folder, stages=["rate"], max_cost=0.025, **place)
    assert len(shop.ASKED) == 2


def test_one_that_cannot_be_loaded_is_named(tmp_path, shop):
    with pytest.raises(HarnessError, match=r"harness.clients: 'empty' of the package shop cannot be loaded .*nothing"):
        make_chat("empty:x", Surroundings(cache=tmp_path))
    with pytest.raises(HarnessError, match=r"replay:FILE, (empty, shop|shop, empty)"):
        make_chat("shopp:x", Surroundings(cache=tmp_path))
