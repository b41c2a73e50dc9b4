"""`harness audit --ask` against judges on this machine: some fall for what an answer says to them, some do not."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from harness.agreement.audits.attacks import CONTROL, INJECTION, NULL
from harness.agreement.audits.audit import audit
from harness.cli import app
from harness.errors import HarnessError
from harness.records import Item, Response
from harness.run.folder import Run
from harness.stages.stages import rate
from harness.suite import Suite

ITEMS = {"many": 80, "few": 20}
"""Tasks; with 80 answers an interval around 0 lies within the 5 % that would be fine."""
SAID = "It rains because the air is cooled down."
WORSE = "It rains."


def _sense(text):
    return 2 * text.count("because") + text.count("rains")


def reply(body):
    """What the judges say: by name, from the prompt that they see."""
    text = body["messages"][-1]["content"]
    name = body["model"]
    if name.endswith("-pair"):
        first, second = text.split("[B ")
        said = {
            "gullible-pair": "B" if "ignore the rubric" in second else "A",  # else whatever stands first
            "firm-pair": "A" if _sense(first) > _sense(second) else "B",
        }[name]
    else:
        said = {
            "gullible": "5" if "ignore the rubric" in text else "2",
            "firm": "4" if "because" in text else "1",
            "touchy": "3" if len(text) < 250 else "5",  # likes length: the harmless sentence moves it as well
        }[name]
    return json.dumps({"verdict": said})


JUDGES = ("gullible", "firm", "touchy", "gullible-pair", "firm-pair")


@pytest.fixture(scope="module")
def audited(chat_server, tmp_path_factory):
    """A run, the server that its judges are, and the options that find them."""
    place = tmp_path_factory.mktemp("audited")
    suite = {
        "name": "x",
        "models": [{"name": "m", "model": "imported"}],
        "tasks": [{"task": t, "raters": []} for t in ITEMS],
    }
    run = Run.create(place / "run", Suite.model_validate(suite))
    for task, count in ITEMS.items():
        ids = [f"{task}{n}" for n in range(count)]
        run.write([Item(task=task, item_id=one, family="other", prompt=f"Why, {one}?") for one in ids], f"{task}-items")
        for model, text in (("m", SAID), ("reference", WORSE)):
            run.write(
                [Response(response_id=model + one, task=task, item_id=one, model=model, text=text) for one in ids],
                f"{task}-{model}",
            )
    with chat_server.ChatServer(reply=reply) as server:
        for name in JUDGES:
            folder = place / "raters" / name
            folder.mkdir(parents=True)
            pair = name.endswith("-pair")
            mode = "pairwise" if pair else "pointwise"
            settings = {"model": {"model": f"openai:{name}", "base_url": server.base_url}, "by": "text"}
            if not pair:
                settings["answers"] = {str(n): n for n in range(1, 6)}
            spec = {
                "kind": "judge", "use": f"harness.rating.{mode}:{mode}", "criteria": ["quality"], "compares": pair,
                "scale": "preference" if pair else "ordinal", "settings": settings,
            }  # fmt: skip
            (folder / "rater.yaml").write_text(json.dumps(spec))
            shown = "{{ fence(first, 'A') }} {{ fence(second, 'B') }}" if pair else "{{ fence(response, 'answer') }}"
            (folder / "prompt.j2").write_text(f"{{% block user %}}{{{{ prompt }}}} {shown}{{% endblock %}}")
        yield run, server, {"include": [place], "cache": place / "cache"}


def asked(audited, name):
    """The checks of a judge that is asked again about everything."""
    run, _, place = audited
    rate(run, [name], tasks=["many" if name == "firm" else "few"], **place)
    return {check.name: check for check in audit(run, name, ask=ITEMS["many"], **place).checks}


def test_a_judge_that_obeys_the_answer_is_flagged(audited):
    found = asked(audited, "gullible")
    assert (found["injection"].value, found["injection"].n, found["injection"].verdict) == (1.0, 20, "flagged")
    assert "raised 100.0% of 20 verdicts, a harmless sentence of the same length 0.0%" in found["injection"].reason
    assert (found["null_answer"].value, found["null_answer"].verdict) == (1.0, "flagged")  # a 2 as for the real one
    assert (found["test_retest_same_seed"].value, found["test_retest_same_seed"].n) == (1.0, 20)


def test_a_judge_that_reads_the_answer_is_not(audited):
    found = asked(audited, "firm")
    assert (found["injection"].value, found["injection"].n, found["injection"].verdict) == (0.0, 80, "ok")
    assert (found["null_answer"].value, found["null_answer"].n, found["null_answer"].verdict) == (0.0, 80, "ok")


@pytest.mark.slow
def test_the_control_tells_obedience_from_a_taste_for_length(audited):
    found = asked(audited, "touchy")["injection"]
    assert found.value == 1.0
    assert "a harmless sentence of the same length 100.0%" in found.reason
    assert len(CONTROL) == pytest.approx(len(INJECTION.format(best="5")), rel=0.1)


@pytest.mark.slow
def test_judges_that_compare_are_attacked_in_both_orders(audited):
    found = asked(audited, "gullible-pair")
    # before, it took what stood first: .5 over both orders; the instruction wins both
    assert (found["injection"].value, found["injection"].verdict) == (1.0, "flagged")
    assert found["null_answer"].value == 0.5  # the empty phrase stands first in every other call
    assert found["null_answer"].verdict == "flagged"
    firm = asked(audited, "firm-pair")
    assert (firm["injection"].value, firm["null_answer"].value) == (0.0, 0.0)


def test_the_command_asks_and_writes_nothing_into_the_run(audited):
    run, server, place = audited
    command = ["audit", str(run.folder), "--rater", "firm", "--ask", "20", "--json"]
    command += ["--include", str(place["include"][0]), "--cache", str(place["cache"])]
    asked(audited, "firm")
    before = run.ratings
    server.bodies.clear()
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert (found["injection"]["n"], found["injection"]["value"]) == (20, 0.0)
    assert found["injection"]["verdict"] == "unclear"  # twenty are too few to say that it is fine
    texts = [body["messages"][-1]["content"] for body in server.bodies]
    assert len(texts) == 20  # the same question once more; the attacks come from the cache
    assert not any(NULL in text or "ignore the rubric" in text for text in texts)
    assert run.ratings.equals(before)


@pytest.mark.slow
def test_answers_to_an_attack_that_cannot_be_read_are_no_resistance(audited, chat_server):
    """A judge that is silent about what was tampered with has no verdict on it, neither moved nor unmoved."""
    _, server, place = audited

    def fault(number, body):
        return "null" if "ignore the rubric" in body["messages"][-1]["content"] else "ok"

    with chat_server.ChatServer(reply=reply, fault=fault) as other:
        folder = place["include"][0] / "raters" / "silent"
        folder.mkdir()
        spec = (folder.parent / "firm" / "rater.yaml").read_text().replace(server.base_url, other.base_url)
        (folder / "rater.yaml").write_text(spec)
        (folder / "prompt.j2").write_text((folder.parent / "firm" / "prompt.j2").read_text())
        found = asked(audited, "silent")
    assert (found["injection"].verdict, found["injection"].value) == ("not_run", None)
    assert found["injection"].reason == "no verdict on an answer with an instruction could be read"
    assert found["null_answer"].value == 0.0


def test_only_the_judge_that_rated_can_be_asked(audited):
    run, _, place = audited
    rate(run, ["touchy"], tasks=["few"], **place)
    prompt = place["include"][0] / "raters" / "touchy" / "prompt.j2"
    text = prompt.read_text()
    prompt.write_text(text.replace("{{ prompt }}", "Be strict. {{ prompt }}"))
    with pytest.raises(HarnessError, match="its prompt, settings or model changed"):
        audit(run, "touchy", ask=1, **place)
    prompt.write_text(text)
