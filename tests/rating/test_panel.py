"""Panels: what a rule makes of the members' votes, what becomes of those who failed, and that nothing is paid twice."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scripted_chat import ScriptedChat
from typer.testing import CliRunner

from harness.agreement.audits.audit import audit
from harness.agreement.matrix import pair_matrix
from harness.answering.chat.chat import Answer
from harness.answering.models.clients import chat_models
from harness.catalog import Catalog
from harness.cli import app
from harness.errors import BudgetError, HarnessError
from harness.plan.forecast import plan_suite
from harness.rating import check_rater
from harness.rating.judges.panel import Panel, PanelSettings
from harness.rating.rate import find_rater
from harness.rating.rater import RaterSpec, Surroundings, Work, rater_facts, rating_of
from harness.records import Item, Rating, Response, frame
from harness.run.folder import Run
from harness.stages.names import check_names
from harness.stages.stages import rate, run_suite
from harness.suite import Suite

PROMPT = "{% block user %}{{ fence(response, 'answer') }} Yes or No?{% endblock %}"
BOTH = "{% block user %}{{ fence(first, 'A') }}{{ fence(second, 'B') }}{% endblock %}"


def add(place, name, prompt=PROMPT, **fields):
    folder = place / "raters" / name
    folder.mkdir(parents=True, exist_ok=True)
    facts = {"kind": "judge", "criteria": ["correctness"], "scale": "binary"} | fields
    if facts["use"] != "panel":
        module = facts["use"]
        facts["settings"] = {"by": "text", "prompt": "prompt.j2"} | facts["settings"]
        (folder / "prompt.j2").write_text(prompt)
    else:
        module = "panel"
    facts["use"] = f"harness.rating.{module}:{module}"
    (folder / "rater.yaml").write_text(json.dumps(facts))


def judges(place, *names, base_url="http://127.0.0.1:9/v1", rates=None):
    """Judges that say Yes or No, each a model of its own on one server."""
    for name in names:
        model = {"model": f"openai:{name}", "base_url": base_url} | ({"rates": rates} if rates else {})
        add(place, name, use="pointwise", settings={"model": model, "answers": {"Yes": 1, "No": 0}})
    return place


def comparing(place, *names):
    for name in names:
        facts = {"criteria": ["preference"], "scale": "preference", "compares": True}
        add(place, name, BOTH, use="pairwise", settings={"model": f"openai:{name}", "tie": "C"}, **facts)
    return place


def panel(place, *members, name="board", rule="majority", scale="binary", criteria=("correctness",), **settings):
    facts = {"criteria": list(criteria), "scale": scale, "compares": scale == "preference"}
    add(place, name, use="panel", settings={"raters": list(members), "rule": rule} | settings, **facts)
    return place


def piece(text="an answer", number=1, against=None, **fields):
    item = Item(task="t", item_id=f"i{number}", family="other", prompt="Is it?")
    one = Response(response_id=f"r{number}", task="t", item_id=f"i{number}", model="m", text=text, **fields)
    other = one.model_copy(update={"response_id": f"s{number}", "text": against}) if against else None
    return Work(item, one, other)


def client(name, said):
    """A client that answers by the name of its model: by a word of JSON, or a whole answer."""

    def answer(call):
        found = said(call) if callable(said) else said
        if isinstance(found, Answer):
            return found
        return Answer(text=json.dumps({"verdict": found}), cost_usd=0.25, seconds=2.0)

    return ScriptedChat(answer, name)


def rated(place, work, name="board", **said):
    """The ratings of a panel whose members' models say this."""
    clients = {f"openai:{model}": client(model, words) for model, words in said.items()}

    def chat(model):
        return clients[model["model"] if isinstance(model, dict) else model]

    return list(find_rater(name, Catalog([place]), Surroundings(chat=chat)).rate(work))


def members_of(rating):
    return json.loads(rating.metadata)["members"]


def test_a_majority_of_the_members_decides_and_every_vote_is_kept(tmp_path):
    place = panel(judges(tmp_path, "a", "b", "c"), "a", "b", "c")
    (rating,) = rated(place, [piece()], a="Yes", b="No", c="Yes")
    assert (rating.rater, rating.rater_kind, rating.criterion) == ("board", "judge", "correctness")
    assert (rating.value, rating.label, rating.status) == (1.0, "Yes", "ok")
    assert members_of(rating) == {"a": 1.0, "b": 0.0, "c": 1.0}
    assert (rating.cost_usd, rating.seconds) == (0.75, 6.0)


FAILED = [
    Answer(status="refused", error="no"),
    Answer(status="timeout", error="late"),
    Answer(status="error", error="HTTP 500"),
    Answer(text="perhaps"),
]


@pytest.mark.parametrize("failed", FAILED, ids=["refused", "timeout", "error", "unparsed"])
def test_a_member_that_failed_has_no_vote_and_below_the_quorum_there_is_no_value(tmp_path, failed):
    status = failed.status if failed.status != "ok" else "unparsed"
    place = panel(judges(tmp_path, "a", "b", "c"), "a", "b", "c")
    (rating,) = rated(place, [piece()], a="No", b=failed, c="No")
    assert (rating.value, rating.status) == (0.0, "ok")
    assert members_of(rating) == {"a": 0.0, "b": status, "c": 0.0}
    assert rating.cost_usd is None  # what the failed call cost is not known

    (rating,) = rated(place, [piece()], a="No", b=failed, c=failed)
    assert (rating.value, rating.status) == (None, status)
    assert rating.error.startswith("1 of 3 members gave a value, 2 are needed (b ")
    (rating,) = rated(place, [piece()], a="No", b=failed, c=Answer(status="skipped", error="too long"))
    assert (rating.value, rating.status) == (None, "error")  # they failed in different ways

    strict = panel(tmp_path, "a", "b", "c", quorum=3)
    (rating,) = rated(strict, [piece()], a="No", b=failed, c="No")
    assert (rating.value, rating.status) == (None, status)


def test_a_response_that_has_not_come_is_rated_when_it_has(tmp_path):
    place = panel(judges(tmp_path, "a", "b"), "a", "b")
    (rating,) = rated(place, [piece(None, status="error", error="HTTP 500")], a="Yes", b="Yes")
    assert (rating.status, rating.value) == ("skipped", None)
    assert rating.error == "no answer: m gave no text (HTTP 500)"  # by this `missing` knows it


def test_a_tie_is_no_value_unless_it_is_declared_to_be_one(tmp_path):
    place = panel(judges(tmp_path, "a", "b"), "a", "b")
    (rating,) = rated(place, [piece()], a="Yes", b="No")
    assert (rating.value, rating.status, rating.error) == (None, "skipped", "the panel is tied between 0 and 1")

    place = panel(comparing(tmp_path, "p", "q"), "p", "q", scale="preference", criteria=["preference"])
    undecided = rated(place, [piece("one", against="two")], p="A", q="B")
    assert [(one.value, one.status) for one in undecided] == [(None, "skipped")] * 2
    panel(tmp_path, "p", "q", scale="preference", criteria=["preference"], ties="equal")
    assert [one.value for one in rated(place, [piece("one", against="two")], p="A", q="B")] == [0.5, 0.5]


def test_members_that_compare_vote_in_each_order_and_agreement_takes_the_mean_of_both(tmp_path):
    names = "pqr"
    place = panel(comparing(tmp_path, *names), *names, scale="preference", criteria=["preference"])
    work = [piece("one", n, against="two") for n in range(3)]

    def better(call):
        return "A" if call.messages[-1][1].index("one") < call.messages[-1][1].index("two") else "B"

    # p takes what stands first, q and r see the better one: they outvote p in the order in which it is wrong
    ratings = rated(place, work, p="A", q=better, r=better)
    found = {(one.response_id, one.order): one.value for one in ratings}
    assert found == {(f"r{n}", order): 1.0 for n in range(3) for order in ("response_first", "against_first")}
    assert [members_of(one) for one in ratings[:2]] == [{"p": 1, "q": 1, "r": 1}, {"p": 0, "q": 1, "r": 1}]

    # only r sees it: the panel prefers what stands first, and is undecided over both orders
    ratings = rated(place, work, p="A", q="A", r=better)
    assert [one.value for one in ratings[:2]] == [1, 0]
    people = [
        rating_of(
            RaterSpec(name="ann", kind="human", use="x:y", criteria=["preference"], scale="preference"),
            "1",
            one,
            value=0.5,
        )
        for one in work
    ]
    (pair,) = pair_matrix(frame([*ratings, *people], Rating), resamples=0)
    assert (pair["n"], pair["percent_agreement"]) == (3, 1)


class Sayer:
    """A member that says what it was told."""

    version = "1"

    def __init__(self, name, said, scale, order=None):
        self.spec = RaterSpec(name=name, kind="judge", use="x:y", criteria=["c"], scale=scale)
        self.said, self.order = said, order

    def rate(self, work):
        for one in work:
            fields = {"value": self.said} if self.said is not None else {"status": "timeout", "error": "late"}
            yield rating_of(self.spec, "1", one, order=self.order, **fields)


def said_by(values, scale="interval", orders=None, **settings):
    spec = RaterSpec(name="board", kind="judge", use="x:y", criteria=["c"], scale=scale)
    orders = orders or [None] * len(values)
    members = [Sayer(f"m{n}", value, scale, orders[n]) for n, value in enumerate(values)]
    names = [member.spec.name for member in members]
    return list(Panel(spec, PanelSettings(raters=names, **settings), members).rate([piece()]))


def test_the_mean_and_the_weighted_mean_are_over_those_who_voted():
    (plain,) = said_by([1.0, 2.0, 6.0], rule="mean")
    assert plain.value == 3.0
    weights = {"m0": 0.5, "m1": 0.25, "m2": 0.25}
    (weighted,) = said_by([1.0, 2.0, 6.0], rule="weighted", weights=weights)
    assert weighted.value == 2.5  # .5 + .5 + 1.5
    (fewer,) = said_by([None, 2.0, 6.0], rule="weighted", weights=weights)
    assert fewer.value == 4.0  # .25 and .25 of what is left: the same weight each
    (none,) = said_by([1.0, 2.0, None], rule="weighted", weights={"m0": 0, "m1": 0, "m2": 1})
    assert (none.value, none.status) == (None, "error")


def test_a_weighted_vote_on_labels_is_a_majority_of_weights():
    (one,) = said_by([1.0, 0.0, 0.0], "binary", rule="weighted", weights={"m0": 0.6, "m1": 0.2, "m2": 0.2})
    assert one.value == 1.0
    (tied,) = said_by([1.0, 0.0, 0.0], "binary", rule="weighted", weights={"m0": 0.2, "m1": 0.1, "m2": 0.1})
    assert (tied.value, tied.status) == (None, "skipped")


def test_a_member_that_sees_no_order_votes_in_both():
    orders = ["response_first", "against_first", None]
    ratings = said_by([1.0, 0.0, 1.0], "preference", orders, rule="mean", quorum=2)
    assert [(one.order, one.value) for one in ratings] == [("response_first", 1.0), ("against_first", 0.5)]


def test_what_members_were_asked_beside_the_panels_criterion_is_paid_once(tmp_path):
    """A constitution's principles are asked, and only its overall verdict is the panel's."""
    place = judges(tmp_path, "plain")
    kept = {
        "model": "openai:kept",
        "answers": {"Yes": 1, "No": 0},
        "constitution": "principles.yaml",
        "overall": "asked",
    }
    add(place, "kept", use="pointwise", settings=kept)
    (place / "raters/kept/principles.yaml").write_text("principles: [{name: no harm}, {name: no contempt}]\n")
    (rating,) = rated(panel(place, "plain", "kept"), [piece()], plain="Yes", kept="Yes")
    assert members_of(rating) == {"plain": 1.0, "kept": 1.0}
    assert rating.cost_usd == 0.25 + 3 * 0.25


@given(st.lists(st.one_of(st.none(), st.sampled_from([0.0, 1.0])), min_size=2, max_size=7), st.integers(1, 7))
def test_no_failure_ever_becomes_a_vote(values, quorum):
    (rating,) = said_by(values, "binary", rule="majority", quorum=min(quorum, len(values)))
    votes = Counter(value for value in values if value is not None)
    enough = sum(votes.values()) >= min(quorum, len(values))
    if rating.status == "ok":
        assert enough
        assert votes[rating.value] > votes[1 - rating.value]
    else:
        assert rating.value is None
        assert rating.error
        assert not enough or votes[0.0] == votes[1.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"raters": ["a"]}, "at least 2"),
        ({"raters": ["a", "a"]}, "twice"),
        ({"raters": ["a", "board"]}, "board is the panel itself"),
        ({"raters": ["a", "other"]}, "other is a panel itself"),
        ({"raters": ["a", "bb"]}, r"no 'bb' in raters/. Did you mean 'b'\?"),
        ({"raters": ["a", "answer_key"]}, "answer_key is no judge but of the kind 'verifier'"),
        ({"raters": ["a", "p"]}, r"p has `scale: preference`, the panel `scale: binary`(.|\n)*p has `compares"),
        ({"raters": ["a", "summary_quality_judge"]}, "does not rate correctness, but quality"),
        ({"rule": "mean"}, "values of a binary scale have no mean"),
        ({"rule": "mode"}, "settings: rule"),
        ({"quorum": 3}, "3 of 2 members can never be reached"),
        ({"ties": "equal"}, "only preferences can be equal"),
        ({"weights": {"a": 1, "b": 1}}, "are for `rule: weighted`"),
        ({"rule": "weighted", "weights": {"a": 1}}, r"none of b; `harness agree SOURCE --weights .*board/rater.yaml`"),
        ({"rule": "weighted", "weights": {"a": 0, "b": 0}}, "all members have the weight 0"),
        ({"rule": "weighted", "weights": {"a": -1, "b": 1}}, "weights.a"),
        ({"members": ["a"]}, "settings: members"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(tmp_path, settings, message):
    place = comparing(judges(tmp_path, "a", "b"), "p")
    panel(place, "a", "b", name="other")
    panel(place, **{"raters": ["a", "b"]} | settings)
    with pytest.raises(HarnessError, match=message):
        find_rater("board", Catalog([place]), Surroundings())
    suite = Suite.model_validate({"name": "x", "tasks": [], "ratings": [{"dataset": "mt-bench", "raters": ["board"]}]})
    with pytest.raises(HarnessError, match=message):
        check_names(suite, Catalog([place]))


def test_the_version_follows_members_rule_and_weights(tmp_path):
    place = judges(tmp_path, "a", "b", "c")

    def version(*members, **settings):
        panel(place, *members, **settings)
        chat = client("x", "Yes")
        return find_rater("board", Catalog([place]), Surroundings(chat=lambda model: chat)).version

    first = version("a", "b")
    assert version("a", "b") == version("a", "b", quorum=2) == first  # more than half of two
    weights = {"a": 0.5, "b": 0.5}
    others = [
        version("a", "c"),
        version("a", "b", quorum=1),
        version("a", "b", rule="weighted", weights=weights),
        version("a", "b", rule="weighted", weights=weights | {"a": 0.4}),
    ]
    add(place, "a", PROMPT + " ", use="pointwise", settings={"model": "openai:a", "answers": {"Yes": 1, "No": 0}})
    others.append(version("a", "b"))
    assert len({first, *others}) == 6
    weighted = version("a", "b", rule="weighted", weights=weights)
    assert weighted == version("a", "b", rule="weighted", weights=weights | {"stranger": 0.2})


@pytest.mark.parametrize("source", ["file", "run"])
def test_agree_writes_the_weights_into_the_panels_file(tmp_path, source):
    place = panel(judges(tmp_path, "a", "b"), "a", "b", rule="weighted")
    truth = [n % 2 for n in range(40)]
    said = {
        "ann": truth,
        "a": [1 - t if n < 4 else t for n, t in enumerate(truth)],
        "b": [1 - t if n < 12 else t for n, t in enumerate(truth)],
    }
    ratings = []
    for name, values in said.items():
        kind = "human" if name == "ann" else "judge"
        spec = RaterSpec(name=name, kind=kind, use="x:y", criteria=["correctness"], scale="binary")
        ratings += [rating_of(spec, "1", piece(number=n), value=value) for n, value in enumerate(values)]
    if source == "file":
        frame(ratings, Rating)[["item_id", "rater", "criterion", "value", "rater_kind"]].to_csv(tmp_path / "r.csv")
        asked = [str(tmp_path / "r.csv"), "--level", "nominal"]
    else:
        answered(tmp_path).write(ratings, "ratings")
        asked = [str(tmp_path / "run")]
    file = place / "raters" / "board" / "rater.yaml"
    done = CliRunner().invoke(app, ["agree", *asked, "--resamples", "0", "--weights", str(file)])
    assert done.exit_code == 0, done.output
    weights = yaml.safe_load(file.read_text())["settings"]["weights"]
    # log odds of (right + .5) / (n + 1): ln(36.5 / 4.5) = 2.0932, ln(28.5 / 12.5) = .8242
    assert weights == pytest.approx({"a": 2.0932 / 2.9174, "b": 0.8242 / 2.9174}, abs=1e-4)
    assert find_rater("board", Catalog([place]), Surroundings(chat=lambda model: client("x", "Yes"))).version


def answered(place, *raters):
    """A run with six answers, whose suite has these raters."""
    suite = {"name": "x", "models": [{"name": "m", "model": "imported"}], "tasks": [{"task": "t", "raters": raters}]}
    run = Run.create(place / "run", Suite.model_validate(suite))
    work = [piece(f"answer {number}", number) for number in range(6)]
    run.write([one.item for one in work], "items")
    run.write([one.response for one in work], "responses")
    return run


def test_a_panel_beside_its_members_costs_nothing_twice(tmp_path, chat_server):
    def reply(body):
        return json.dumps({"verdict": "No" if body["model"] == "c" else "Yes"})

    with chat_server.ChatServer(reply=reply) as server:
        rates = {"prompt": 1.0, "completion": 1.0}  # 25 tokens an answer: 25 millionths of a dollar
        place = panel(judges(tmp_path, "a", "b", "c", base_url=server.base_url, rates=rates), "a", "b", "c")
        run, common = answered(tmp_path), {"include": [place], "cache": tmp_path / "cache"}
        rate(run, ["a", "board"], **common)
        assert Counter(body["model"] for body in server.bodies) == {"a": 6, "b": 6, "c": 6}
        rate(run, ["b", "c", "board"], **common)
        assert server.requests == 18
    board = run.ratings[run.ratings["rater"] == "board"]
    assert (len(board), set(board["value"])) == (6, {1.0})
    assert board["cost_usd"].tolist() == pytest.approx([3 * 25e-6] * 6)


def test_only_the_member_that_failed_is_asked_again(tmp_path, chat_server):
    said = {"a": "Yes", "b": "perhaps"}

    with chat_server.ChatServer(reply=lambda body: json.dumps({"verdict": said[body["model"]]})) as server:
        place = panel(judges(tmp_path, "a", "b", base_url=server.base_url), "a", "b")
        run, common = answered(tmp_path), {"include": [place], "cache": tmp_path / "cache"}
        rate(run, ["board"], **common)
        assert set(run.ratings["status"]) == {"unparsed"}
        server.bodies.clear()
        said["b"] = "Yes"
        rate(run, ["board"], **common)
        assert server.bodies == []
        rate(run, ["board"], retry_errors=True, **common)
        assert Counter(body["model"] for body in server.bodies) == {"b": 6}
    assert run.ratings["value"].tolist() == [1.0] * 6


def test_the_manifest_says_who_was_on_the_panel(tmp_path):
    place = panel(judges(tmp_path, "a", "b"), "a", "b")
    board = find_rater("board", Catalog([place]), Surroundings(chat=lambda model: client("x", "Yes")))
    members = rater_facts(board)["members"]
    assert {name: facts["prompt"] for name, facts in members.items()} == {"a": PROMPT, "b": PROMPT}
    assert [facts["version"] for facts in members.values()] == [member.version for member in board.members]


def test_a_plan_counts_a_panels_calls_once_and_a_budget_stops_them(tmp_path, chat_server):
    with chat_server.ChatServer() as server:
        rates = {"prompt": 1.0, "completion": 1.0}
        place = panel(judges(tmp_path, "a", "b", "c", base_url=server.base_url, rates=rates), "a", "b", "c")
        run, common = answered(tmp_path, "a", "board"), {"include": [place], "cache": tmp_path / "cache"}
        plan = plan_suite(run.suite, run.folder, **common)
        lines = {line.who: (line.wanted, line.calls, line.cached) for line in plan.lines}
        assert lines == {"a": (6, 6, 0), "board": (6, 18, 6)}
        assert server.requests == 0
        with pytest.raises(BudgetError):  # a call may cost 512 millionths and its prompt, and costs 25
            run_suite(run.suite, run.folder, stages=["rate"], max_cost=850e-6, **common)
        assert 6 < server.requests < 18
        run_suite(run.suite, run.folder, stages=["rate"], max_cost=1.0, **common)
        assert server.requests == 18  # what was paid is not paid again
    assert run.ratings["rater"].value_counts().to_dict() == {"a": 6, "board": 6}


def test_a_members_new_prompt_is_noticed_by_a_finished_run(tmp_path, chat_server):
    with chat_server.ChatServer() as server:
        place = panel(judges(tmp_path, "a", "b", base_url=server.base_url), "a", "b")
        run = answered(tmp_path, "board")
        common = {"include": [place], "cache": tmp_path / "cache", "stages": ["rate"]}
        run_suite(run.suite, run.folder, **common)
        run_suite(run.suite, run.folder, **common)
        assert server.requests == 12
        (place / "raters" / "a" / "prompt.j2").write_text(PROMPT.replace("Yes or No", "No or Yes"))
        again = run_suite(run.suite, run.folder, **common)
        assert server.requests == 18
    assert (len(again.ratings), again.ratings["rater_version"].nunique()) == (6, 1)


@pytest.mark.slow
def test_a_panel_is_audited_like_any_judge(tmp_path, chat_server):
    def reply(body):
        return json.dumps({"verdict": "Yes" if "ignore the rubric" in body["messages"][-1]["content"] else "No"})

    with chat_server.ChatServer(reply=reply) as server:
        place = panel(judges(tmp_path, "a", "b", base_url=server.base_url), "a", "b")
        run, common = answered(tmp_path), {"include": [place], "cache": tmp_path / "cache"}
        rate(run, ["board"], **common)
        found = {check.name: check for check in audit(run, "board", ask=6, **common).checks}
        assert server.requests == 2 * 6 * (1 + 4 - 1) + 2  # the null phrase is the same call for every answer
    assert (found["injection"].value, found["injection"].n) == (1.0, 6)


def test_the_panels_of_the_catalogue_fit_their_members():
    catalog = Catalog()
    for name in catalog.entries("raters"):
        check_rater(name, catalog)


def test_clients_of_members_are_shared_within_a_command(tmp_path):
    place = panel(judges(tmp_path, "a", "b"), "a", "b")
    with chat_models(Surroundings(cache=tmp_path / "cache")) as chat:
        board = find_rater("board", Catalog([place]), Surroundings(chat=chat))
        alone = find_rater("a", Catalog([place]), Surroundings(chat=chat))
        assert board.members[0].chat is alone.chat
