"""The file of a suite: what it includes, what it takes from the environment, and what no copy of it may hold."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.run.folder import Run
from harness.stages.names import check_names
from harness.suite import Suite
from harness.suite.differences import differences
from harness.suite.file import read_suite, suite_schema
from harness.suite.variables import reveal

ROOT = Path(__file__).resolve().parents[1]
BASE = """\
name: base
seed: 3
models:
  - {name: m, model: embedded}
tasks:
  - {task: short_passages, samples: 2, raters: [rouge]}
  - task: commonsense_basics
    raters: [answer_key]
"""


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / f"{next(iter(files))}.yaml"


def refusal(path: Path) -> str:
    with pytest.raises(HarnessError) as caught:
        read_suite(path)
    return str(caught.value)


def test_an_included_suite_lies_under_the_one_that_includes_it(tmp_path):
    top = "name: top\ninclude: base.yaml\ntasks:\n  - {task: short_passages, samples: 1}\n  - task: small_functions\n"
    suite = read_suite(write(tmp_path, top=top, base=BASE))
    assert (suite.name, suite.seed, [who.name for who in suite.models]) == ("top", 3, ["m"])
    assert {use.task: use.samples for use in suite.tasks} == {
        "commonsense_basics": 1, "short_passages": 1, "small_functions": 1
    }  # fmt: skip
    assert next(use for use in suite.tasks if use.task == "short_passages").raters == []  # replaced, not merged


def test_a_suite_of_the_catalogue_is_included_by_name(tmp_path):
    suite = read_suite(write(tmp_path, top="name: top\ninclude: [quickstart]\nlimit: 5\n"))
    assert [use.task for use in suite.tasks] == [use.task for use in read_suite("quickstart").tasks]
    assert suite.limit == 5


def test_a_complaint_names_the_file_that_was_included(tmp_path):
    wrong = BASE.replace("    raters: [answer_key]", "    ratters: [answer_key]")
    text = refusal(write(tmp_path, top="name: top\ninclude: base.yaml\n", base=wrong))
    assert f"{tmp_path}/base.yaml:8: unknown key 'tasks.1.ratters'. Did you mean 'raters'?" in text


def test_suites_that_include_each_other_or_nothing_are_refused(tmp_path):
    path = write(tmp_path, a="include: b.yaml\nname: a\n", b="name: b\ninclude: a.yaml\n")
    assert "includes itself" in refusal(path)
    assert f"{path}:1: include: {tmp_path}/absent.yaml: cannot be read" in refusal(
        write(tmp_path, a="include: absent.yaml\nname: a\n")
    )


def test_anchors_merge_and_may_stand_under_a_key_of_their_own(tmp_path):
    text = BASE + "  - {<<: *use, task: small_functions, samples: 3}\n"
    suite = read_suite(write(tmp_path, a="x-uses:\n  use: &use {task: a, samples: 2, limit: 4}\n" + text))
    assert suite.tasks[-1].model_dump(include={"task", "samples", "limit"}) == {
        "task": "small_functions", "samples": 3, "limit": 4
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nname: b\n", r"a.yaml:2: the key 'name' is there already, at .*a.yaml:1"),
        (BASE + "    raters: [rouge]\n", r"a.yaml:9: the key 'raters' is there already, at .*a.yaml:8"),
    ],
)
def test_a_key_that_stands_twice_is_refused(tmp_path, text, message):
    assert re.search(message, refusal(write(tmp_path, a=text)))


def test_values_come_from_the_environment_with_their_types_and_fallbacks(tmp_path, monkeypatch):
    monkeypatch.setenv("ITEMS", "7")
    monkeypatch.setenv("PLACE", "/models")
    text = BASE.replace("{name: m, model: embedded}", '{name: m, model: hf, args: {pretrained: "${PLACE}/a"}}')
    text = text.replace("seed: 3", "seed: ${SEED:-11}\nlimit: ${ITEMS}\ndescription: costs $${ITEMS}")
    suite = read_suite(write(tmp_path, a=text))
    assert (suite.seed, suite.limit, suite.description) == (11, 7, "costs ${ITEMS}")
    assert suite.models[0].args == {"pretrained": "/models/a"}
    frozen = Run.create(tmp_path / "run", suite).folder / "suite.yaml"
    monkeypatch.delenv("ITEMS")
    assert differences(read_suite(frozen), suite) == []  # what was used stands in the copy, whatever is set later
    assert "a.yaml:3: limit: the environment variable ITEMS is not set" in refusal(tmp_path / "a.yaml")


SECRET = "sk-0123456789"


@pytest.mark.parametrize("entry", ['token: "${HUB}"', 'header: {Authorization: "Bearer ${HUB}"}', 'extra: "${MY_KEY}"'])
def test_a_secret_is_in_no_copy_and_reaches_the_model(tmp_path, monkeypatch, entry):
    for name in ("HUB", "MY_KEY"):
        monkeypatch.setenv(name, SECRET)
    text = BASE.replace("{name: m, model: embedded}", f"{{name: m, model: hf, args: {{pretrained: x, {entry}}}}}")
    suite = read_suite(write(tmp_path, a=text))
    check_names(suite, Catalog())
    assert SECRET in json.dumps(reveal(suite.models[0].args))
    frozen = Run.create(tmp_path / "run", suite).folder / "suite.yaml"
    assert SECRET not in frozen.read_text()
    assert SECRET not in suite.model_dump_json()
    assert differences(read_suite(frozen), suite) == []
    for name in ("HUB", "MY_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(HarnessError, match=r"a.yaml:4: m: the environment variable \w+ is not set"):
        check_names(suite, Catalog())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("model: embedded", f"model: hf, args: {{api_key: {SECRET}}}", "a.yaml:4: api_key: a secret may not stand"),
        ("model: embedded", 'model: hf, args: {token: "${T:-abc}"}', "a.yaml:4: token: a secret has no fallback"),
        ("name: base", "name: base\ndescription: ${MY_TOKEN}", "may stand under `models: args:` alone"),
    ],
)
def test_secrets_where_they_may_not_be_are_refused(tmp_path, monkeypatch, old, new, message):
    monkeypatch.setenv("MY_TOKEN", SECRET)
    text = refusal(write(tmp_path, a=BASE.replace(old, new)))
    assert message in text
    assert SECRET not in text


def test_a_chat_model_takes_its_key_by_the_variables_name(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_KEY", SECRET)
    text = BASE.replace("model: embedded", 'model: "openai:x", args: {options: {extra: "${MY_KEY}"}}')
    with pytest.raises(HarnessError, match="`key_variable: MY_KEY`"):
        check_names(read_suite(write(tmp_path, a=text)), Catalog())


def test_every_wrong_name_is_told_with_its_line(tmp_path):
    wrong = BASE.replace("embedded", "embeded").replace("answer_key", "anser_key")
    with pytest.raises(HarnessError) as caught:
        check_names(read_suite(write(tmp_path, a=wrong)), Catalog())
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{tmp_path}/a.yaml:4: no model 'embeded'. Did you mean 'embedded'?")
    assert second.startswith(f"{tmp_path}/a.yaml:8: no 'anser_key' in raters/. Did you mean 'answer_key'?")


def test_a_checkpoint_needs_series_and_round(tmp_path):
    text = BASE.replace("model: embedded", "model: embedded, series: a")
    assert "needs both `series` and `round`" in refusal(write(tmp_path, a=text))
    twice = BASE.replace("tasks:", "  - {name: n, model: embedded, series: a, round: 1}\ntasks:").replace(
        "{name: m, model: embedded}", "{name: m, model: embedded, series: a, round: 1}"
    )
    assert "the checkpoint 'a, round 1' is named twice" in refusal(write(tmp_path, a=twice))


LOOP = """name: a
rounds:
  learner: language_model
  gold: last_number
  keep:
    a: {}
  feedback:
    a: last_number
    none: null
  settings:
    task: two_digit_sums
    prompts: 4
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("prompts: 4", "prompts: many", "12: rounds.settings.prompts: .*found 'many'"),
        ("prompts: 4", "promts: 4", "12: rounds.settings.promts: .*Did you mean 'prompts'"),
        ("prompts: 4", "prompts: 4\n    lora: {rank: 0}", "13: rounds.settings.lora.rank: "),
        ("sums", "suns", "3: no 'two_digit_suns' in tasks/"),
        ("prompts: 4", "trainer: trl-dpo", "12: rounds.settings.trainer: .*`keep: rule: pairs` keeps, and no series"),
        ("prompts: 4", "trainer: trl-kto\n    at_once: 1", "13: rounds.settings.at_once: .*2 at least"),
        ("a: {}", "a: {rule: pairs}", "6: a: rounds: keep: rule: pairs: the learner .* does not learn from it"),
        ("a: {}", "a: {rule: best, at_least: 2}", "6: rounds.keep.a: .*`at_least` go together"),
        ("a: {}", "a: {share: 0.2}", "6: rounds.keep.a: .*`share` goes with `rule: best`"),
        ("a: last_number", "a: human_preference", "8: a: rounds: feedback: 'human_preference' compares two"),
        ("a: last_number", "a: [last_number, answer_probability]", "8: a: .*last_number is binary, answer_prob"),
        ("a: last_number", "a: [{rater: last_number, labels: 3, corrects: true}]", "8: a: .*who corrects stands after"),
        (
            "  keep:\n    a: {}\n  feedback:\n    a: last_number\n    none: null",
            "  feedback: {}",
            "5: rounds: feedback: there is no",
        ),
    ],
)
def test_what_does_not_fit_in_rounds_is_told_with_its_line_before_anything_is_made(tmp_path, old, new, message):
    with pytest.raises(HarnessError, match=rf"a\.yaml:{message}"):
        check_names(read_suite(write(tmp_path, a=LOOP.replace(old, new))), Catalog())


def test_a_learner_that_draws_no_answers_is_not_asked_to_explore(tmp_path):
    text = "name: a\nrounds:\n  learner: addition\n  explore: {items: 20}\n  feedback: {none: null}\n"
    with pytest.raises(HarnessError, match=r"a\.yaml:4: rounds: explore: the learner 'addition-gpt' draws no answers"):
        check_names(read_suite(write(tmp_path, a=text)), Catalog())


def test_what_rounds_name_is_looked_up_too(tmp_path):
    """A task that the feedback is not about is looked up before a model is trained."""
    rounds = "name: a\nrounds:\n  learner: addition\n  feedback: {good: answer_kee}\n"
    rounds += "  off_target:\n    - {task: subtractoin, rater: answer_kez}\n"
    suite = read_suite(write(tmp_path, a=rounds))
    with pytest.raises(HarnessError) as told:
        check_names(suite, Catalog())
    assert [line.split(": ")[0].rpartition(":")[2] for line in str(told.value).splitlines()] == ["4", "6", "6"]
    assert [(one.what, one.name) for one in suite.walk()] == [
        ("learner", "addition"),
        ("rater", "answer_key"),
        ("rater", "answer_kee"),
        ("generator", "subtractoin"),
        ("rater", "answer_kez"),
    ]


def test_a_part_of_a_suite_by_names():
    whole = read_suite("quickstart")
    part = whole.narrowed(tasks=["short_passages"], raters=["rouge"])
    assert [(use.task, [one.rater for one in use.raters]) for use in part.tasks] == [("short_passages", ["rouge"])]
    assert part.rounds is None
    assert whole.narrowed() is whole
    with pytest.raises(HarnessError, match=r"--raters: the suite has no rater 'rogue'. Did you mean 'rouge'\?"):
        whole.narrowed(raters=["rogue"])


def keys(schema: dict, node: dict | None = None, path: str = "") -> set[str]:
    """Every key of a JSON Schema, as `models[].args`."""
    node = node or schema
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    found = set()
    for option in node.get("anyOf", []):
        found |= keys(schema, option, path)
    if "items" in node:
        found |= keys(schema, node["items"], f"{path}[]")
    for name, inner in node.get("properties", {}).items():
        key = f"{path}.{name}".lstrip(".")
        found |= {key} | keys(schema, inner, key)
    return found


def test_every_key_is_in_the_schema_and_in_the_docs_with_an_example():
    documented = (ROOT / "docs" / "suites.md").read_text()
    found = keys(suite_schema())
    assert {"models[].series", "tasks[].raters[].against", "rounds.feedback", "include"} <= found
    rows = dict(re.findall(r"^\| `([^`]+)` \| .* \| `(.+)` \|$", documented, re.MULTILINE))
    assert set(rows) == found
    for key, example in rows.items():
        assert yaml.safe_load(example).keys() == {key.replace("[]", "").rsplit(".", 1)[-1]}, key


def test_the_suites_in_the_docs_are_right():
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "suites.md").read_text(), re.DOTALL)
    suites = [yaml.safe_load(block) for block in blocks if block.startswith(("name:", "# A suite"))]
    assert suites
    for content in suites:
        content.pop("include", None)
        Suite.model_validate({key: value for key, value in content.items() if not key.startswith("x-")})


def test_a_rater_may_be_its_name_alone_in_the_schema_too():
    entry = suite_schema()["$defs"]["TaskUse"]["properties"]["raters"]["items"]
    assert {"type": "string"} in entry["anyOf"]


@pytest.mark.parametrize("path", sorted((ROOT / "suites").glob("*.yaml")), ids=lambda path: path.stem)
def test_an_editor_finds_nothing_wrong_with_the_suites_that_are_shipped(path):
    jsonschema.validate(yaml.safe_load(path.read_text()), suite_schema())


def test_an_editor_finds_what_is_wrong(tmp_path):
    with pytest.raises(jsonschema.ValidationError, match="'ratters' was unexpected"):
        jsonschema.validate(yaml.safe_load(BASE.replace("raters: [answer_key]", "ratters: []")), suite_schema())
