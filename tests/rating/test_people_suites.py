"""Suites over data sets that people have rated: from a mirror folder in the hub's schema, by the code of any run."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from harness.agreement.coefficients.alpha import alpha
from harness.agreement.grid.wide import wide_units
from harness.errors import HarnessError
from harness.plan.forecast import plan_suite
from harness.stages.stages import run_suite
from harness.suite import Suite

PLAIN = ("answer", "rate", "rounds")

JUDGE = """
kind: metric
use: longest:longest
criteria: [preference]
scale: preference
compares: true
"""
LONGEST = """
from harness.rating.rater import Rating, RaterSpec
from harness.records import digest


class Longest:
    version = "1"

    def __init__(self, spec):
        self.spec = spec

    def rate(self, work):
        for one in work:
            sides = [len(one.response.text), len(one.against.text)]
            yield Rating(
                rating_id=digest(one.response.response_id, one.against.response_id), task=one.item.task,
                item_id=one.item.item_id, response_id=one.response.response_id, against_id=one.against.response_id,
                rater=self.spec.name, rater_kind="metric", criterion="preference", scale="preference",
                value=float(sides[0] > sides[1]), rater_version=self.version,
            )


def longest(spec, surroundings):
    return Longest(spec)
"""


def put(folder: Path, dataset: str, split: str, records: list[dict], config: str = "") -> None:
    place = folder / dataset / config
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{split}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def says(question: str, answer: str) -> list[dict]:
    return [{"content": question, "role": "user"}, {"content": answer, "role": "assistant"}]


def comparison(a: str, b: str, winner: str, judge: object) -> dict:
    return {"question_id": 81, "model_a": a, "model_b": b, "winner": winner, "judge": judge, "turn": 1,
            "conversation_a": says("Why?", f"by {a}"), "conversation_b": says("Why?", f"by {b}")}  # fmt: skip


@pytest.fixture
def mirror(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "mirror"
    people = [comparison("vicuna", "gpt-4", "model_b", "expert_1"), comparison("gpt-4", "vicuna", "tie", "author_0")]
    put(folder, "lmsys/mt_bench_human_judgments", "human", people)
    machine = [comparison("vicuna", "gpt-4", "model_b", ["gpt-4", "pair-v2"])]
    put(folder, "lmsys/mt_bench_human_judgments", "gpt4_pair", machine)
    grades = dict.fromkeys(("coherence", "consistency", "fluency", "relevance"), 4)
    released = {"id": "cnn-1", "decoded": "Short.", "expert_annotations": [grades] * 3, "model_id": "M8",
                "turker_annotations": [grades] * 5, "references": ["A summary."]}  # fmt: skip
    put(folder, "Yale-LILY/SummEval", "test", [released, {**released, "model_id": "M11", "turker_annotations": []}])
    averages = {"id": "cnn-1", "text": "A long article.", "machine_summaries": ["Short."], "coherence": [4.0]}
    put(folder, "mteb/summeval", "test", [averages])
    opinion = {"score": -2, "reasoning": "r", "feedback1": "", "feedback2": ""}
    put(folder, "nvidia/HelpSteer3", "validation", config="preference", records=[
        {"domain": "code", "language": "python", "context": [{"role": "user", "content": "?"}], "response1": "a",
         "response2": "b", "overall_preference": -2, "individual_preference": [opinion, {**opinion, "score": 1}]},
    ])  # fmt: skip
    put(folder, "DIBT/10k_prompts_ranked", "train", [
        {"prompt": "Write a poem", "avg_rating": "3.5", "num_responses": 2, "quality": [
            {"user_id": who, "value": value, "status": "submitted"} for who, value in (("ada", "3"), ("bob", "4"))]},
    ])  # fmt: skip
    chosen, rejected = ("\n\nHuman: Why?\n\nAssistant: " + text for text in ("Because.", "Go away."))
    put(folder, "Anthropic/hh-rlhf", "test", [{"chosen": chosen, "rejected": rejected}], "harmless-base")
    monkeypatch.setenv("HARNESS_DATA_DIR", str(folder))
    monkeypatch.setenv("HARNESS_KEY_FILE", str(tmp_path / "key"))
    return folder


@pytest.mark.parametrize(
    ("suite", "items", "responses", "values"),
    [
        # gpt-4 stands first by name: it won once by an expert and once by GPT-4, and the author saw a tie
        ("mt-bench-people", 1, 2, [("human", 0.5), ("human", 1.0), ("judge", 1.0)]),
        # two summaries of one article: 2 x 3 experts and 1 x 5 workers, four criteria each
        ("summeval-people", 1, 2, [("human", 4.0)] * 44),
        # -2 of 3 towards the first: (3 + 2) / 6; 1 towards the second: (3 - 1) / 6
        ("helpsteer3-people", 1, 2, [("human", pytest.approx(2 / 6)), ("human", pytest.approx(5 / 6))]),
        ("hh-rlhf-people", 1, 2, [("human", 1.0)]),
        ("ten-k-prompts-people", 1, 1, [("human", 3.0), ("human", 4.0)]),
    ],
)
def test_a_suite_of_the_catalogue_runs_from_a_mirror(mirror, tmp_path, suite, items, responses, values):
    run = run_suite(suite, tmp_path / "run", raters=[], stages=PLAIN)
    assert (len(run.items), len(run.responses)) == (items, responses)
    assert sorted(zip(run.ratings["rater_kind"], run.ratings["value"], strict=True)) == values
    files = {path: path.stat().st_mtime_ns for path in run.folder.rglob("*.parquet")}
    run_suite(suite, tmp_path / "run", raters=[], stages=PLAIN)
    assert files == {path: path.stat().st_mtime_ns for path in run.folder.rglob("*.parquet")}


def test_articles_come_from_the_hub_where_the_released_file_has_none(mirror, tmp_path):
    run = run_suite("summeval-people", tmp_path / "run", raters=[], stages=PLAIN)
    assert run.items["prompt"].tolist() == ["A long article."]
    assert sorted(run.responses["model"]) == ["M11", "M8"]
    noted = run.manifest["collected"]["summeval"]
    assert (noted["read"], noted["ratings"], noted["left_out"]) == (45, 44, {"has no annotation": 1})


def test_a_rater_that_compares_gets_the_pairs_that_people_compared(mirror, tmp_path, monkeypatch):
    place = tmp_path / "mine" / "raters" / "longest"
    place.mkdir(parents=True)
    (place / "rater.yaml").write_text(JUDGE)
    (tmp_path / "longest.py").write_text(LONGEST)
    monkeypatch.syspath_prepend(tmp_path)
    suite = Suite.model_validate({"name": "x", "ratings": [{"dataset": "mt-bench", "raters": ["longest"]}]})
    run = run_suite(suite, tmp_path / "run", include=[tmp_path / "mine"], stages=PLAIN)
    rows = run.ratings.set_index("rater_kind")
    people = set(rows.loc[["human"], ["response_id", "against_id"]].itertuples(index=False, name=None))
    assert people == {tuple(rows.loc["metric", ["response_id", "against_id"]])}
    assert rows.loc["metric", "value"] == 0  # "by gpt-4" is shorter than "by vicuna"
    planned = plan_suite(suite, tmp_path / "other", include=[tmp_path / "mine"])
    assert [(line.who, line.task, line.wanted) for line in planned.lines] == [("longest", "mt_bench", 1)]


def test_a_suite_may_have_more_data_sets_than_its_run_and_a_wrong_name_is_named(mirror, tmp_path):
    first = {"name": "x", "ratings": [{"dataset": "mt-bench"}]}
    run_suite(Suite.model_validate(first), tmp_path / "run", stages=PLAIN)
    both = {**first, "ratings": [*first["ratings"], {"dataset": "ten-k-prompts"}]}
    run = run_suite(Suite.model_validate(both), tmp_path / "run", stages=PLAIN)
    assert set(run.ratings["task"]) == {"mt_bench", "10k_prompts"}
    limited = Suite.model_validate({**first, "ratings": [{"dataset": "mt-bench", "limit": 1}]})
    with pytest.raises(HarnessError, match=r"ratings\.mt-bench\.limit: None there, 1 here"):
        run_suite(limited, tmp_path / "run", stages=PLAIN)
    wrong = Suite.model_validate({"name": "y", "ratings": [{"dataset": "mt-bensh"}]})
    with pytest.raises(HarnessError, match="Did you mean 'mt-bench'"):
        run_suite(wrong, tmp_path / "y")


@pytest.mark.slow
def test_summeval_agrees_as_published(data_dir, tmp_path, monkeypatch):
    """Fabbri et al. 2021: alpha of the experts, interval, all criteria together, 0.7187; by criterion .559 to .899."""
    rows = pd.read_csv(data_dir / "summeval" / "ratings.csv.gz")
    rows = rows[rows["rater_type"] == "human_expert"].pivot(
        index=["item_id", "rater"], columns="dimension", values="score"
    )
    items = [json.loads(line) for line in (data_dir / "summeval" / "items.jsonl").read_text().splitlines()]
    put(tmp_path / "mirror", "Yale-LILY/SummEval", "test", [
        {"id": one["doc_id"], "decoded": one["summary"], "model_id": one["system"], "text": "",
         "turker_annotations": [],
         "expert_annotations": rows.loc[one["item_id"]].sort_index().astype(int).to_dict("records")}
        for one in items
    ])  # fmt: skip
    monkeypatch.setenv("HARNESS_DATA_DIR", str(tmp_path / "mirror"))
    ratings = run_suite("summeval-people", tmp_path / "run", raters=[], stages=PLAIN).ratings

    def agreement(part: pd.DataFrame) -> float:
        unit = part["response_id"].astype(str) + " " + part["criterion"].astype(str)
        wide = part.assign(unit=unit).pivot(index="unit", columns="rater", values="value")
        return float(alpha(wide_units(wide), "interval", resamples=0).value)

    assert agreement(ratings) == pytest.approx(0.7187, abs=5e-5)
    published = {"coherence": 0.559, "consistency": 0.899, "fluency": 0.726, "relevance": 0.453}
    assert {name: round(agreement(part), 3) for name, part in ratings.groupby("criterion", observed=True)} == published
