"""The catalogue's benchmarks: lm-eval's own definitions, unchanged, on a mirror in the hub's schema."""

from __future__ import annotations

import json
import shutil

import pyarrow.parquet as pq
import pytest
import yaml

from harness.answering.tasks import hub
from harness.answering.tasks.definitions import find_definition, lm_eval_folder, no_code, quiet_lm_eval
from harness.answering.tasks.task import TaskFacts, check_task, load_task
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating.rate import find_rater, read_spec
from harness.rating.rater import Surroundings, Work
from harness.records import Response
from harness.suite import TaskUse

OWN = {
    "commonsense_qa": "commonsense_qa/default.yaml",
    "piqa": "piqa/piqa.yaml",
    "winogrande": "winogrande/default.yaml",
    "social_iqa": "siqa/siqa.yaml",
    "hellaswag": "hellaswag/hellaswag.yaml",
    "openbookqa": "openbookqa/openbookqa.yaml",
    "arc_easy": "arc/arc_easy.yaml",
    "arc_challenge": "arc/arc_challenge.yaml",
    "copa": "super_glue/copa/default.yaml",
    "humaneval": "humaneval/humaneval.yaml",
    "humaneval_plus": "humaneval/humaneval_plus.yaml",
    "mbpp": "mbpp/mbpp.yaml",
    "mbpp_plus": "mbpp/mbpp_plus.yaml",
    "cnn_dailymail": "cnn_dailymail/cnn_dailymail.yaml",
    "gsm8k": "gsm8k/gsm8k.yaml",
}
SIZES = {"commonsense_qa": 1221, "piqa": 1838, "winogrande": 1267, "social_iqa": 1954, "openbookqa": 500,
         "arc_challenge": 1172, "humaneval": 164, "mbpp": 500, "gsm8k": 1319}  # fmt: skip
OURS = ["strategyqa", "xsum", "samsum", "summeval"]
FEW = 12


def theirs(name):
    """lm-eval's own file loaded by lm-eval's own manager; only where data come from is ours."""
    from lm_eval.tasks import TaskManager

    path = lm_eval_folder() / "tasks" / OWN[name]
    with quiet_lm_eval(), no_code(), hub.tracing():
        [task] = TaskManager(include_defaults=False).load(str(path))["tasks"].values()
    task.set_fewshot_seed(seed=1234)
    return task


@pytest.mark.parametrize("name", OWN)
def test_its_prompts_are_those_of_lm_evals_own_definition(name, hub_mirror):
    ours, own = load_task(TaskUse(task=name), Catalog(), FEW), theirs(name)
    if name in SIZES:
        assert len(own.eval_docs) == SIZES[name]
    own.build_all_requests(limit=FEW)
    asked = [request.arguments for item in ours.items for request in ours.requests[item.item_id]]
    theirs_asked = [request.arguments for request in own.instances]
    if name.startswith("humaneval"):  # of their five stop sequences four, which is what OpenAI takes
        theirs_asked = [
            (prompt, settings | {"until": [one for one in settings["until"] if one != "\nprint"]})
            for prompt, settings in theirs_asked
        ]
    assert asked == theirs_asked
    assert ours.lm_task.VERSION == own.VERSION


@pytest.mark.parametrize("name", [*OWN, *OURS])
def test_an_item_says_what_raters_need(name, hub_mirror):
    task = load_task(TaskUse(task=name), Catalog(), FEW)
    assert task.card
    assert all(f"**{word}**" in task.card for word in ("Data", "Licence", "Size", "Rated by", "Known flaws"))
    assert task.facts.criteria
    for rater in task.facts.raters:
        families = read_spec(rater, Catalog()).families
        assert not families or task.facts.family in families
    for item in task.items:
        assert item.family == task.facts.family
        if item.choices:
            assert 0 <= int(item.target) < len(item.choices)
        if item.family == "summarization":
            assert item.context
            assert item.references
            assert item.context in item.prompt
    assert len({item.content_hash for item in task.items}) == len(task.items)
    [origin] = task.data
    assert origin.source == "mirror"
    assert all(len(digest) == 64 for digest in origin.files.values())


def test_the_key_of_a_sentence_with_a_gap_is_a_whole_sentence(hub_mirror):
    first = load_task(TaskUse(task="winogrande"), Catalog(), 1).items[0]
    assert first.choices == [
        f"Sarah was a much better surgeon than Maria so {name} always got the easier cases."
        for name in ("Sarah", "Maria")
    ]
    assert first.target == "1"


@pytest.mark.sandbox
@pytest.mark.parametrize("name", ["humaneval_plus", "mbpp_plus"])
def test_the_many_tests_of_the_plus_versions_decide(name, hub_mirror):
    task = load_task(TaskUse(task=name), Catalog())

    def rate(texts):
        work = [
            Work(item, Response(response_id=item.item_id, task=name, item_id=item.item_id, model="m", text=text))
            for item, text in zip(task.items, texts, strict=True)
        ]
        return [rating.value for rating in find_rater("unit_tests", Catalog(), Surroundings()).rate(work)]

    solutions = [
        facts.get("canonical_solution") or facts["code"] for facts in map(json.loads, [i.metadata for i in task.items])
    ]
    assert rate(solutions) == [1, 1]
    right_for_the_few = {
        "humaneval_plus": ["    return 0.5\n", "    return 0 if not string else 3\n"],
        "mbpp_plus": ["def square_perimeter(a):\n    return 4 * a or 1\n", "def smallest_num(xs):\n    return 1\n"],
    }
    assert rate(right_for_the_few[name]) == [0, 0]


def test_what_a_mirror_lacks_is_named(hub_mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA_DIR", str(tmp_path))
    looked = r"has no allenai/winogrande \(test\); looked for allenai/winogrande/winogrande_xl/test.parquet"
    with pytest.raises(HarnessError, match=looked):
        load_task(TaskUse(task="winogrande"), Catalog())
    shutil.copytree(hub_mirror / "tau", tmp_path / "tau")
    (tmp_path / "tau" / "commonsense_qa" / "validation.parquet").unlink()
    with pytest.raises(HarnessError, match=r"looked for tau/commonsense_qa/validation.parquet"):
        load_task(TaskUse(task="commonsense_qa"), Catalog())
    monkeypatch.setenv("HARNESS_DATA_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(HarnessError, match="is no folder"):
        load_task(TaskUse(task="piqa"), Catalog())


def test_parquet_as_the_hub_lays_it_out_and_jsonl_say_the_same(hub_mirror, tmp_path, monkeypatch):
    expected = load_task(TaskUse(task="piqa"), Catalog(), FEW).items
    for layout, name in (("data", "{}-00000-of-00001.parquet"), ("", "{}.jsonl"), ("plain_text", "{}.parquet")):
        root = tmp_path / (layout or "root")
        folder = root / "baber" / "piqa" / layout
        folder.mkdir(parents=True)
        for split in ("train", "validation"):
            source = hub_mirror / "baber" / "piqa" / f"{split}.parquet"
            if name.endswith("jsonl"):
                lines = "".join(json.dumps(row) + "\n" for row in pq.read_table(source).to_pylist())
                (folder / name.format(split)).write_text(lines)
            else:
                shutil.copy(source, folder / name.format(split))
        monkeypatch.setenv("HARNESS_DATA_DIR", str(root))
        assert load_task(TaskUse(task="piqa"), Catalog(), FEW).items == expected


def test_a_changed_datum_changes_its_items_hash_alone(hub_mirror, tmp_path, monkeypatch):
    before = load_task(TaskUse(task="piqa"), Catalog(), FEW)
    folder = tmp_path / "baber" / "piqa"
    shutil.copytree(hub_mirror / "baber" / "piqa", folder)
    rows = pq.read_table(folder / "validation.parquet").to_pylist()
    rows[3]["sol1"] += " again"
    (folder / "validation.parquet").unlink()
    (folder / "validation.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    monkeypatch.setenv("HARNESS_DATA_DIR", str(tmp_path))
    after = load_task(TaskUse(task="piqa"), Catalog(), FEW)
    pairs = zip(before.items, after.items, strict=True)
    assert [number for number, (a, b) in enumerate(pairs) if a.content_hash != b.content_hash] == [3]
    assert before.data != after.data


def test_from_the_hub_a_revision_is_asked_for_and_kept(monkeypatch, mirrors):
    """Pinned by the folder; else by the run that came before; else the commit that the hub's main branch is at."""
    from datasets import Dataset, DatasetDict

    monkeypatch.delenv("HARNESS_DATA_DIR", raising=False)
    asked = []

    def load(path, name=None, revision=None, **_):
        asked.append((path, revision))
        rows = [{"document": q, "summary": a, "id": q} for q, a, *_ in mirrors.WRITTEN]
        if path == "baber/piqa":
            rows = [{"goal": q, "sol1": a, "sol2": b, "label": 0} for q, a, b, *_ in mirrors.WRITTEN]
        return DatasetDict({split: Dataset.from_list(rows) for split in ("train", "validation", "test")})

    monkeypatch.setattr(hub, "_plain_load", load)
    monkeypatch.setattr(hub, "_current_revision", lambda dataset: "c" * 40)
    pinned = "142f6d7367fd9877f0fb3b5734ea6a545f54cdd1"
    assert load_task(TaskUse(task="piqa"), Catalog()).data[0].revision == pinned
    assert load_task(TaskUse(task="xsum"), Catalog()).data[0].revision == "c" * 40
    again = load_task(TaskUse(task="xsum"), Catalog(), pins={"EdinburghNLP/xsum": "a" * 40})
    assert (again.data[0].revision, again.data[0].source) == ("a" * 40, "hub")
    assert asked == [("baber/piqa", pinned), ("EdinburghNLP/xsum", "c" * 40), ("EdinburghNLP/xsum", "a" * 40)]


def test_without_a_network_the_error_says_what_to_do(monkeypatch):
    monkeypatch.delenv("HARNESS_DATA_DIR", raising=False)
    monkeypatch.setattr(hub, "_plain_load", lambda *_, **__: (_ for _ in ()).throw(ConnectionError("no route")))
    with pytest.raises(HarnessError, match=r"put allenai/winogrande/winogrande_xl/SPLIT.parquet .* HARNESS_DATA_DIR"):
        load_task(TaskUse(task="winogrande"), Catalog())


def task_folder(root, name, config, files=()):
    folder = root / "tasks" / name
    folder.mkdir(parents=True)
    (folder / "task.yaml").write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    for file, text in files:
        (folder / file).write_text(text)
    return Catalog([root])


TEN_LINES = """\
task: mine
dataset_path: {kind}
dataset_kwargs: {{data_files: {{test: questions.{ending}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "Query: {{{{question}}}}\\nAnswer:"
doc_to_choice: "{{{{[right, wrong]}}}}"
doc_to_target: 0
metadata:
  harness: {{family: commonsense, id: name, criteria: [correctness], raters: [answer_key]}}
"""


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_users_own_questions_need_ten_lines_of_yaml_and_no_python(ending, tmp_path):
    rows = [("a", "Which word means nothing here?", "None", "nan"), ("b", 'Who said "no"?', "Ann, loudly", "Ben")]
    kind = {"csv": "csv", "jsonl": "json", "parquet": "parquet"}[ending]
    text = TEN_LINES.format(kind=kind, ending=ending)
    assert len(text.splitlines()) == 10
    catalog = task_folder(tmp_path, "mine", text)
    path = tmp_path / "tasks" / "mine" / f"questions.{ending}"
    names = ("name", "question", "right", "wrong")
    records = [dict(zip(names, row, strict=True)) for row in rows]
    if ending == "csv":
        cells = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
        path.write_text("\n".join([",".join(names), *cells]) + "\n")
    elif ending == "jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    else:
        import pyarrow as pa

        pq.write_table(pa.Table.from_pylist(records), path)
    items = load_task(TaskUse(task="mine"), catalog).items
    assert [(item.item_id, item.choices, item.target) for item in items] == [
        ("a", ["None", "nan"], "0"),
        ("b", ["Ann, loudly", "Ben"], "0"),
    ]
    # By its path too, and as lm-eval's users keep theirs: a YAML file of any name.
    assert load_task(TaskUse(task=str(tmp_path / "tasks" / "mine")), Catalog()).items[0].prompt == items[0].prompt
    (tmp_path / "tasks" / "mine" / "task.yaml").rename(tmp_path / "tasks" / "mine" / "any_name.yaml")
    assert load_task(TaskUse(task="mine"), catalog).items == items


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("doc_to_txt: x\n", r"task.yaml:11: unknown key 'doc_to_txt'. Did you mean 'doc_to_text'"),
        ("broken: [\n", r"task.yaml:1\d: is not YAML"),
        ("include: lm_eval/tasks/nothing.yaml\n", r"there is no lm_eval/tasks/nothing.yaml in the installed lm-eval"),
    ],
)
def test_what_is_wrong_with_a_task_is_told_with_its_line(change, said, tmp_path):
    text = TEN_LINES.format(kind="json", ending="jsonl") + change
    catalog = task_folder(tmp_path, "mine", text, [("questions.jsonl", '{"name": "a", "question": "?"}\n')])
    with pytest.raises(HarnessError, match=said):
        load_task(TaskUse(task="mine"), catalog)


def test_two_items_of_one_id_are_refused(tmp_path):
    row = json.dumps({"name": "a", "question": "?", "right": "x", "wrong": "y"}) + "\n"
    text = TEN_LINES.format(kind="json", ending="jsonl")
    catalog = task_folder(tmp_path, "mine", text, [("questions.jsonl", 2 * row)])
    with pytest.raises(HarnessError, match="two items have the id 'a'"):
        load_task(TaskUse(task="mine"), catalog)


def test_a_name_is_looked_up_without_parsing_every_task_of_lm_eval(monkeypatch):
    import lm_eval.tasks._index as index

    def no_index(*_, **__):
        raise AssertionError("the index of all tasks was built")

    monkeypatch.setattr(index.TaskIndex, "build", no_index)
    check_task("truthfulqa_mc1", Catalog())
    check_task("mmlu", Catalog())  # in a suite a group stands for its tasks
    with pytest.raises(HarnessError, match="'mmlu' is a group of tasks of lm-eval"):
        find_definition("mmlu", Catalog())
    with pytest.raises(HarnessError, match=r"Did you mean 'truthfulqa_mc[12]'"):
        check_task("truthfulqa_mc", Catalog())


def test_few_shot_examples_are_the_same_for_each_model(hub_mirror):
    from harness.suite import ModelUse

    task = load_task(TaskUse(task="gsm8k", num_fewshot=3), Catalog(), 4)
    plain = task.requests
    told = task.requests_for(ModelUse(name="a", model="hf", system_prompt="Be brief.", chat_template=True))
    for item in task.items:
        [text], [talk] = plain[item.item_id], told[item.item_id]
        messages = talk.arguments[0].messages
        assert [role for role, _ in messages] == ["system", *["user", "assistant"] * 3, "user"]
        assert messages[0][1] == "Be brief."
        position = 0
        for _, part in messages[1:]:  # the same examples, in the same order
            position = text.arguments[0].index(part, position)
    assert task.requests_for(ModelUse(name="b", model="hf")) is plain


def test_facts_are_documented_by_the_catalogue_itself():
    used = set()
    for path in Catalog().entries("tasks").values():
        if (path / "task.yaml").is_file():
            text = (path / "task.yaml").read_text()
            used |= {name for name in TaskFacts.model_fields if f"{name}:" in text}
    assert used == set(TaskFacts.model_fields)


def test_an_unknown_field_of_the_data_is_named(hub_mirror, tmp_path):
    config = {"include": "lm_eval/tasks/piqa/piqa.yaml", "task": "x", "metadata": {"harness": {"keep": ["golas"]}}}
    catalog = task_folder(tmp_path, "x", config)
    with pytest.raises(HarnessError, match="the data have no field 'golas'"):
        load_task(TaskUse(task="x"), catalog)
