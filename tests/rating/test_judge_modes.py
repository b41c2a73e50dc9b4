"""What a judge can be asked beside a single grade: weighted criteria, a constitution, examples, references, lists."""

import json
from dataclasses import replace

import pytest
import yaml
from scripted_chat import ScriptedChat

from harness.agreement import AgreementOptions, agree_in_run
from harness.agreement.matrix import pair_matrix
from harness.answering.chat.chat import Answer
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating.rate import find_rater, rate_work, work_of
from harness.rating.rater import Surroundings, Work
from harness.records import Item, Rating, Response, frame
from harness.run.folder import Run
from harness.suite import RaterUse, Suite

ITEM = Item(task="t", item_id="1", family="other", prompt="Which is the way?", references=["north"])


def response(name="r", text="north", model="m", **fields):
    return Response(response_id=name, task="t", item_id="1", model=model, text=text, **fields)


@pytest.fixture
def judge(tmp_path):
    """Make a judge of a declaration and its files, with the model's replies."""

    def make(reply, prompt, files=None, *, use="pointwise", settings=None, **facts):
        place = tmp_path / "raters" / "mine"
        place.mkdir(parents=True, exist_ok=True)
        spec = {
            "kind": "judge",
            "use": f"harness.rating.{use}:{use}",
            "criteria": ["correctness"],
            "scale": "interval",
            "settings": {"by": "text", **({"answers": {"1": 1, "3": 3, "5": 5}} if use == "pointwise" else {})},
        }
        spec = {**spec, **facts, "settings": {**spec["settings"], **(settings or {})}}
        for name, content in {"rater.yaml": spec, **(files or {})}.items():
            (place / name).write_text(yaml.safe_dump(content))
        (place / "prompt.j2").write_text(prompt)

        def answer(call):
            found = reply(call.messages[-1][1])
            return found if isinstance(found, Answer) else Answer(text=found, cost_usd=0.5)

        model = ScriptedChat(answer)
        return find_rater("mine", Catalog([tmp_path]), Surroundings(chat=lambda _: model)), model

    return make


GRADE = (
    "{% block system %}Grade.{% endblock %}{% block user %}{{ criterion }}: {{ rubric }} {{ response }}{% endblock %}"
)


def by_criterion(**grades):
    return lambda text: f'{{"verdict": "{grades[text.split(":")[0]]}"}}'


def values(ratings):
    return {rating.criterion: rating.value for rating in ratings}


WEIGHED = {
    "criteria": ["truth", "style"],
    "settings": {"rubric": {"truth": {"description": "No lies.", "weight": 3}, "style": "Reads well."}},
}


def test_the_overall_verdict_is_the_mean_of_the_criteria_by_their_weights(judge):
    settings = WEIGHED["settings"] | {"overall": "mean"}
    rater, model = judge(by_criterion(truth=5, style=1), GRADE, **(WEIGHED | {"settings": settings}))
    ratings = list(rater.rate([Work(ITEM, response())]))
    # (3 x 5 + 1 x 1) / 4
    assert values(ratings) == {"overall": 4.0, "truth": 5, "style": 1}
    assert [call.messages[-1][1] for call in model.calls] == ["truth: No lies. north", "style: Reads well. north"]
    overall = ratings[0]
    assert (overall.criterion, overall.cost_usd, overall.scale) == ("overall", 0, "interval")
    assert json.loads(overall.metadata) == {"rule": "mean", "of": {"truth": 5, "style": 1}}
    assert sum(rating.cost_usd for rating in ratings) == 1.0


def test_the_lowest_criterion_can_be_the_overall_verdict_and_the_judge_can_be_asked_for_it(judge):
    settings = WEIGHED["settings"] | {"overall": "lowest"}
    rater, _ = judge(by_criterion(truth=5, style=1), GRADE, **(WEIGHED | {"settings": settings}))
    assert values(rater.rate([Work(ITEM, response())]))["overall"] == 1
    settings = WEIGHED["settings"] | {"overall": "asked"}
    rater, model = judge(by_criterion(truth=5, style=1, overall=3), GRADE, **(WEIGHED | {"settings": settings}))
    assert values(rater.rate([Work(ITEM, response())])) == {"truth": 5, "style": 1, "overall": 3}
    assert model.calls[-1].messages[-1][1] == "overall: - No lies.\n- Reads well. north"


def test_without_one_criterion_there_is_no_overall_verdict(judge):
    settings = WEIGHED["settings"] | {"overall": "mean"}
    rater, _ = judge(by_criterion(truth=5, style="nothing"), GRADE, **(WEIGHED | {"settings": settings}))
    found = {rating.criterion: rating for rating in rater.rate([Work(ITEM, response())])}
    assert (found["overall"].status, found["overall"].value) == ("unparsed", None)
    assert "no overall verdict without style" in found["overall"].error
    assert found["truth"].value == 5


PRINCIPLES = {
    "principles": [
        {"name": "no harm", "description": "Helps nobody to hurt others."},
        {"name": "no contempt", "description": "Speaks with respect."},
    ]
}


def test_each_principle_of_a_constitution_is_rated_for_itself(judge):
    files = {"constitution.yaml": PRINCIPLES}
    settings = {"constitution": "constitution.yaml", "overall": "lowest"}
    reply = by_criterion(**{"no harm": 5, "no contempt": 3})
    rater, _ = judge(reply, GRADE, files, criteria=["harmlessness"], settings=settings)
    ratings = list(rater.rate([Work(ITEM, response())]))
    assert values(ratings) == {"harmlessness": 3, "no harm": 5, "no contempt": 3}
    reworded = {"principles": [PRINCIPLES["principles"][0] | {"description": "Another."}, PRINCIPLES["principles"][1]]}
    other, _ = judge(reply, GRADE, {"constitution.yaml": reworded}, criteria=["harmlessness"], settings=settings)
    assert other.version != rater.version


def test_a_constitution_between_two_answers_has_an_overall_verdict_in_each_order(judge):
    prompt = "{% block user %}{{ criterion }}: {{ first }} or {{ second }}{% endblock %}"

    def reply(text):  # the good answer wins on one principle, what stands first on the other
        first = text.split(": ")[1].startswith("good")
        return '{"verdict": "%s"}' % ("A" if first or text.startswith("no contempt") else "B")

    facts = {"criteria": ["preference"], "scale": "preference", "compares": True}
    settings = {"constitution": "constitution.yaml", "inconsistent": "tie"}
    rater, _ = judge(reply, prompt, {"constitution.yaml": PRINCIPLES}, use="pairwise", settings=settings, **facts)
    found = {
        (rating.criterion, rating.order): rating.value
        for rating in rater.rate([Work(ITEM, response("a", "good"), response("b", "poor", "n"))])
    }
    assert found == {
        ("no harm", "response_first"): 1, ("no harm", "against_first"): 1, ("no harm", None): 1,
        ("no contempt", "response_first"): 1, ("no contempt", "against_first"): 0, ("no contempt", None): 0.5,
        ("preference", "response_first"): 1, ("preference", "against_first"): 0.5, ("preference", None): 0.5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("files", "facts", "message"),
    [
        ({"c.yaml": {"principles": []}}, {"settings": {"constitution": "c.yaml"}}, "c.yaml:1"),
        ({"c.yaml": {"principles": [{"name": "x", "wieght": 2}]}}, {"settings": {"constitution": "c.yaml"}}, "weight"),
        ({"c.yaml": {"principles": [{"name": "correctness"}]}}, {"settings": {"constitution": "c.yaml"}}, "overall"),
        ({"c.yaml": {"principles": [{"name": "x"}] * 2}}, {"settings": {"constitution": "c.yaml"}}, "'x'.* twice"),
        ({}, {"settings": {"rubric": {"corectness": "x"}}}, "Did you mean 'correctness'"),
        ({}, {"scale": "nominal", "settings": {"overall": "mean"}}, "nominal"),
        ({"e.yaml": {"examples": [{"verdict": "2"}]}}, {"settings": {"examples": "e.yaml"}}, "e.yaml:2: verdict"),
        (
            {"e.yaml": {"examples": [{"verdict": "1", "criterion": "truth"}]}},
            {"settings": {"examples": "e.yaml"}},
            "criterion: 'truth'",
        ),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused_with_its_place(judge, files, facts, message):
    with pytest.raises(HarnessError, match=message):
        judge(None, GRADE, files, **facts)


def test_examples_are_turns_before_the_question(judge):
    question = "{% block user %}{{ prompt }} {{ fence(response, 'answer') }}{% endblock %}"
    prompt = "{% block system %}Grade.{% endblock %}" + question
    files = {
        "e.yaml": {
            "examples": [
                {"prompt": "2 + 2?", "response": "4", "verdict": "5", "reasoning": "It is."},
                {"prompt": "2 + 2?", "response": "5", "verdict": "1", "criterion": "style"},
            ]
        }
    }
    settings = {"examples": "e.yaml", "reasoning": True}
    rater, model = judge(lambda _: '{"verdict": "3"}', prompt, files, criteria=["truth", "style"], settings=settings)
    list(rater.rate([Work(ITEM, response())]))
    truth, style = (call.messages for call in model.calls)
    assert [speaker for speaker, _ in truth] == ["system", "user", "assistant", "user"]
    assert "2 + 2? [answer" in truth[1][1]
    assert json.loads(truth[2][1]) == {"reasoning": "It is.", "verdict": "5"}
    assert "Which is the way? [answer" in truth[3][1]
    assert len(style) == 6
    assert truth[1][1].split("]")[0] != truth[3][1].split("]")[0]  # a fence of its own


def test_an_example_without_what_the_prompt_shows_is_refused(judge):
    rater, _ = judge(None, GRADE, {"e.yaml": {"examples": [{"verdict": "1"}]}}, settings={"examples": "e.yaml"})
    with pytest.raises(HarnessError, match="'response' is undefined"):
        list(rater.rate([Work(ITEM, response())]))


def test_a_judge_that_compares_with_a_reference_skips_an_item_without_one(judge):
    prompt = "{% block user %}{{ reference }} {{ response }}{% endblock %}"
    rater, model = judge(lambda _: '{"verdict": "5"}', prompt, settings={"reference_guided": True})
    (rating,) = rater.rate([Work(ITEM.model_copy(update={"references": []}), response())])
    assert (rating.status, rating.value) == ("skipped", None)
    assert "no reference" in rating.error
    assert model.calls == []
    choice = ITEM.model_copy(update={"references": [], "choices": ["east", "west"], "target": "1"})
    list(rater.rate([Work(ITEM, response()), Work(choice, response())]))
    assert [call.messages[-1][1] for call in model.calls] == ["north north", "west north"]


PAIR = "{% block user %}{{ first }} or {{ second }}{% endblock %}"
COMPARES = {"use": "pairwise", "criteria": ["preference"], "scale": "preference", "compares": True}


@pytest.mark.parametrize(
    ("rule", "replies", "counts"),
    [
        ("tie", "AB", (1.0, "ok")),
        ("tie", "AA", (0.5, "ok")),
        ("tie", "AC", (0.5, "ok")),
        ("tie", "CC", (0.5, "ok")),
        ("skip", "BA", (0.0, "ok")),
        ("skip", "AA", (None, "skipped")),
        ("skip", "AC", (None, "skipped")),
        ("tie", "A?", (None, "unparsed")),
    ],
)
def test_what_counts_of_contradicting_orders_is_a_declared_rule(judge, rule, replies, counts):
    words = iter(replies)
    settings = {"inconsistent": rule, "tie": "C"}
    rater, _ = judge(lambda _: f'{{"verdict": "{next(words)}"}}', PAIR, settings=settings, **COMPARES)
    ratings = list(rater.rate([Work(ITEM, response("a"), response("b", "south"))]))
    (settled,) = (rating for rating in ratings if rating.order is None)
    assert (settled.value, settled.status) == counts
    assert len(ratings) == 3


def test_agreement_takes_what_the_judge_settled_and_nothing_else():
    def verdict(rater, value, order=None, kind="judge", pair=1, **more):
        return Rating(
            rating_id=f"{rater}{order}{pair}", task="t", item_id=str(pair), response_id=f"a{pair}", scale="preference",
            against_id=f"b{pair}", rater=rater, rater_kind=kind, criterion="preference", value=value, order=order,
            **more,
        )  # fmt: skip

    orders = ("response_first", "against_first")
    rows = []
    for pair in range(4):
        rows += [verdict("ann", 1.0, kind="human", pair=pair), verdict("judge", 1.0, orders[0], pair=pair)]
        rows.append(verdict("judge", 1.0 if pair else 0.0, orders[1], pair=pair))
    (before,) = pair_matrix(frame(rows, Rating), resamples=0)
    assert before["n"] == 4
    assert before["percent_agreement"] == 3 / 4  # the first pair's two orders are .5 together
    skipped = verdict("judge", None, status="skipped", error="the orders contradict each other", pair=0)
    rows += [skipped, *(verdict("judge", 1.0, pair=pair) for pair in range(1, 4))]
    (after,) = pair_matrix(frame(rows, Rating), resamples=0)
    assert (after["n"], after["percent_agreement"]) == (3, 1.0)


EACH = "{% for answer in answers %}{{ fence(answer.text, 'answer ' ~ answer.label) }}\n{% endfor %}"
LIST = "{% block user %}" + EACH + "{% endblock %}"
LISTS = {"use": "listwise", "lists": True, "criteria": ["quality"]}


def longest_first(text):
    """Order the answers of a prompt by their length."""
    texts = {part.split()[0]: part.split("]\n")[1].split("\n[end")[0] for part in text.split("[answer ")[1:]}
    return json.dumps({"ranking": sorted(texts, key=lambda label: -len(texts[label]))})


def listed(answers, repetitions=1):
    several = tuple(response(name, text, name) for name, text in answers.items())
    return [Work(ITEM, one, None, r, several) for one in several for r in range(repetitions)]


def test_a_list_is_asked_once_and_rates_every_answer_in_it(judge):
    rater, model = judge(longest_first, LIST, **LISTS)
    ratings = list(rater.rate(listed({"a": "xxx", "b": "x", "c": "xx", "d": "xxxx", "e": "xxxxx"}, 2)))
    first = {rating.response_id: rating.value for rating in ratings if rating.repetition == 0}
    # longest first: e d a c b, the share of the other four that each is put before
    assert first == {"e": 1.0, "d": 0.75, "a": 0.5, "c": 0.25, "b": 0.0}
    assert len(model.calls) == 2
    assert sum(rating.cost_usd for rating in ratings) == pytest.approx(1.0)
    places = {
        (rating.response_id, rating.repetition): json.loads(rating.metadata)["place"] for rating in ratings
    }  # the second repetition shows the list from its end
    assert all(places[name, 0] + places[name, 1] == 6 for name in "abcde")


@pytest.mark.parametrize(
    "text",
    ['{"ranking": ["A", "B"]}', '{"ranking": ["A", "B", "B"]}', "A is best", "", '{"ranking": "A"}', "A > B > D"],
)
def test_an_order_that_is_not_whole_is_none(judge, text):
    rater, _ = judge(lambda _: text, LIST, **LISTS)
    ratings = list(rater.rate(listed({"a": "x", "b": "y", "c": "z"})))
    assert [(rating.status, rating.value) for rating in ratings] == [("unparsed", None)] * 3


def test_an_order_can_be_written_as_a_line(judge):
    rater, _ = judge(lambda _: "The second is best.\nRanking: B > A > C", LIST, **LISTS)
    work = listed({"a": "x", "b": "y", "c": "z"})
    ratings = list(rater.rate(work))
    by_place = {json.loads(rating.metadata)["place"]: rating.value for rating in ratings}
    assert by_place == {1: 0.5, 2: 1.0, 3: 0.0}


def test_an_answer_that_never_came_is_not_listed_and_one_alone_is_no_list(judge):
    rater, _ = judge(longest_first, LIST, **LISTS)
    work = listed({"a": "x", "b": "yy", "c": "zzz"})
    lost = response("c", None, "c", status="timeout", error="late")
    siblings = (work[0].response, work[1].response, lost)
    pieces = [replace(piece, siblings=siblings) for piece in work[:2]] + [Work(ITEM, lost, siblings=siblings)]
    found = {rating.response_id: (rating.status, rating.value) for rating in rater.rate(pieces)}
    assert found == {"a": ("ok", 0.0), "b": ("ok", 1.0), "c": ("skipped", None)}
    (alone,) = rater.rate([Work(ITEM, response(), siblings=(response(),))])
    assert alone.status == "skipped"
    assert "two answers" in alone.error


def test_a_listwise_judge_ranks_the_answers_of_all_models_of_a_run(judge, tmp_path):
    suite = Suite.model_validate(
        {"name": "x", "models": [{"name": "m", "model": "imported"}], "tasks": [{"task": "t"}]}
    )
    rater, model = judge(longest_first, LIST, **LISTS)
    run = Run.create(tmp_path / "run", suite)
    run.write([ITEM], "items")
    run.write([response("a", "x" * 3, "m"), response("b", "x" * 5, "n"), response("c", "x", "reference")], "answers")
    rate_work(run, rater, work_of(run, "t", RaterUse(rater="mine"), rater.spec))
    assert run.ratings.set_index("response_id")["value"].to_dict() == {"a": 0.0, "b": 1.0}
    assert agree_in_run(run, AgreementOptions(resamples=0)).pairs == []
    assert len(model.calls) == 1


@pytest.mark.parametrize("mode", ["pointwise", "listwise"])
def test_what_is_handed_in_ahead_is_what_is_asked_then(judge, mode):
    if mode == "listwise":
        rater, model = judge(longest_first, LIST, **LISTS)
    else:
        rater, model = judge(lambda _: '{"verdict": "3"}', GRADE)
    ahead = []
    model.hand_in = ahead.extend
    failed = Work(ITEM, response("bad", None, "b", status="error"), None, 0, ())
    work = [*listed({"a": "xxx", "b": "x"}, 2), replace(listed({"c": "y", "d": "z"})[0], again=True), failed]
    rater.hand_in(work)
    assert model.calls == []
    list(rater.rate(work))
    assert ahead == model.calls
    assert len(ahead) > 2
    assert ahead[-1].again
