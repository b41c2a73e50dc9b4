"""Scores from runs, lm-eval folders, tables and papers."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.records import Item, Rating, Response, digest
from harness.rounds.scores.published import binomial_stderr, compare_summaries, published_series
from harness.rounds.scores.run_scores import from_run
from harness.rounds.scores.sources import read_scores
from harness.rounds.verdict.last_gain import last_gain
from harness.rounds.verdict.needed import Precision
from harness.rounds.verdict.rounds import compare_rounds
from harness.run.folder import Run
from harness.statistics.moments import Moments
from harness.suite import Suite

ROOT = Path(__file__).resolve().parents[2]
SPLIT_SIZES = {"arc_challenge": 1172, "arc_easy": 2376, "piqa": 1838, "sciq": 1000, "winogrande": 1267, "logiqa": 651}
"""Items that lm-eval scores of each task."""


def make_run(folder, also_selected=False):
    """Write a run of one series, three rounds of 30 items: right in round r where the item's number is under 10 r."""
    suite = {
        "name": "toy",
        "rounds": {"learner": "addition", "rounds": 2, "items": 30, "feedback": {"a": "answer_key"}},
    }
    run = Run.create(folder, Suite.model_validate(suite))
    items = [Item(task="sums", item_id=f"i{n}", family="mathematics", prompt=str(n)) for n in range(30)]
    run.write(items, "held-out")
    for number in range(3):
        answers, ratings = [], []
        for place, item in enumerate(items):
            identity = digest(number, item.item_id)
            answers.append(
                Response(response_id=identity, task="sums", item_id=item.item_id, model="m", series="a", seed=0,
                         round=number, text="x", prompt_hash=item.prompt)
            )  # fmt: skip
            value = float(place < 10 * number)
            failed = number == 1 and place == 29
            chosen = also_selected and number == 0 and place == 0
            for flags, rater in (([], "answer_key"), (["selection_item"], "judge")):
                if rater == "answer_key" or chosen:
                    ratings.append(
                        Rating(rating_id=digest(identity, rater), task="sums", item_id=item.item_id,
                               response_id=identity, rater=rater, rater_kind="verifier", criterion="correctness",
                               value=None if failed else value, status="error" if failed else "ok", scale="binary",
                               flags=flags, rater_version="v1")
                    )  # fmt: skip
        run.write(answers, f"round{number}")
        run.write(ratings, f"round{number}-ratings")
    return run


def test_a_run_becomes_a_long_frame(tmp_path):
    frame = from_run(make_run(tmp_path / "run"))
    assert len(frame) == 90
    assert frame.groupby("round")["score"].mean().tolist() == pytest.approx([0, 10 / 29, 20 / 30])
    assert frame["score"].isna().sum() == 1  # the rater failed: missing, never 0
    result = compare_rounds(frame).results[0]
    assert (result.series, result.benchmark, result.n_items, result.n_seeds) == ("a", "sums", 29, 1)
    assert result.missing == pytest.approx([0, 1 / 30, 0])


def test_a_run_that_evaluates_what_it_selected_on_is_refused(tmp_path):
    frame = from_run(make_run(tmp_path / "run", also_selected=True))
    with pytest.raises(HarnessError, match="3 rows are of items that selected training data"):
        compare_rounds(frame)
    kept = compare_rounds(frame, keep_selection_items=True).results[0]
    assert {"flag": "selection_items", "outcome": "yes", "n_rows": 3} in kept.flags


def write_samples(folder, right, changed=()):
    """Write an output folder as lm-eval does."""
    folder.mkdir(parents=True)
    (folder / "results_2026-01-01T00-00-00.000000.json").write_text("{}")
    lines = []
    for place, score in enumerate(right):
        for name, value in (("strict-match", score), ("flexible-extract", 1.0)):
            sample = {
                "doc_id": place, "filter": name, "metrics": ["exact_match"], "exact_match": value,
                "doc_hash": "new" if place in changed else str(place), "target_hash": "t", "prompt_hash": "p",
            }  # fmt: skip
            lines.append(json.dumps(sample))
    (folder / "samples_gsm8k_2026-01-01T00-00-00.000000.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "samples_gsm8k_2025-01-01T00-00-00.000000.jsonl").write_text("an older one, not read\n")


def test_lm_eval_folders_are_rounds(tmp_path):
    folders = []
    for number in range(3):
        folders.append(tmp_path / f"checkpoint-{number}" / "model")
        write_samples(folders[-1], [float(place < 30 + 10 * number) for place in range(60)], {5} if number == 2 else ())
    frame, _ = read_scores([folder.parent for folder in folders])
    found = compare_rounds(frame)
    strict = next(one for one in found.results if one.benchmark == "gsm8k,strict-match")
    assert (strict.n_items, strict.rounds) == (59, ["checkpoint-0", "checkpoint-1", "checkpoint-2"])  # by their names
    assert strict.rate == pytest.approx(10 / 59)
    assert {warning["code"] for warning in found.warnings} == {"content_hash_changed"}
    named, _ = read_scores([f"dpo:{number}={folder}" for number, folder in reversed(list(enumerate(folders)))])
    assert compare_rounds(named).results[0].series == "dpo"
    assert compare_rounds(named).results[1].rate == pytest.approx(10 / 59)
    with pytest.raises(HarnessError, match="no number for the metric 'acc'"):
        read_scores(folders, metric="acc")
    with pytest.raises(HarnessError, match=r"checkpoint-1, checkpoint-0: rounds count in the order they are given"):
        read_scores([folders[1].parent, folders[0].parent])  # as a shell lists step-100 before step-25
    (tmp_path / "empty").mkdir()
    with pytest.raises(HarnessError, match="no samples_"):
        read_scores([tmp_path / "empty"])


def test_published_scores_equal_the_papers(data_dir):
    ours = pd.read_csv(ROOT / "reports" / "published_rounds.csv", dtype=str, keep_default_na=False)
    theirs = pd.read_csv(data_dir / "rounds" / "rounds.csv", dtype=str, keep_default_na=False)
    shared = ["paper", "feedback_kind", "benchmark", "round", "score", "unit", "n_items", "stderr"]
    assert ours[shared].to_numpy().tolist() == theirs[shared].to_numpy().tolist()
    assert ours["series"].tolist() == theirs["method"].tolist()


def test_published_verdicts():
    found = {(one.series, one.benchmark): one for one in published_series().results}
    gsm8k = found["Llama-2-70b-chat", "gsm8k"]
    assert [round(100 * delta.delta, 6) for delta in gsm8k.deltas] == [17.5, 4.9, 3.1, 0.5]
    # Its last round added .5: gain is shown up to round 3, and the rate describes the last half.
    # Window rounds 2-4, slope (81.6 - 78.0)/2 = 1.8; error sqrt(.78*.22 + .816*.184)/sqrt(1318)/2 = .00781.
    assert gsm8k.rate == pytest.approx(0.018)
    assert gsm8k.low == pytest.approx(0.018 - 1.646 * 0.00781, abs=2e-5)
    assert (gsm8k.verdict, gsm8k.last_gain.shown, gsm8k.paired) == ("inconclusive", 3, False)
    assert "from summary data" in gsm8k.sentence
    assert "claimed: improving" in gsm8k.sentence
    assert found["SPIN zephyr-7b-sft-full", "truthfulqa"].verdict == "inconclusive"
    spin = found["SPIN zephyr-7b-sft-full", "open_llm_leaderboard_avg"]
    assert [round(100 * delta.delta, 2) for delta in spin.deltas] == [2.66, 1.32, 0.85, 0.19]
    assert (spin.verdict, spin.reason) == (None, "no_n_items")
    assert found["Llama-3-8B-Instruct", "arena_hard"].verdict is None  # end points only


def test_a_given_standard_error_is_used_and_a_wrong_table_refused():
    table = pd.DataFrame(
        {"series": "a", "benchmark": "b", "round": [0, 1], "score": [50.0, 60.0], "unit": "percent", "n_items": 1000}
    )
    assert compare_summaries([table]).results[0].verdict == "improving"
    assert compare_summaries([table.assign(stderr=10.0)]).results[0].verdict == "inconclusive"
    few = compare_summaries([table.assign(n_items=10)]).results[0]
    assert (few.verdict, few.rate, few.reason) == ("inconclusive", None, "too_few_items")
    with pytest.raises(HarnessError, match="no column 'unit'"):
        compare_summaries([table.drop(columns="unit")])
    with pytest.raises(HarnessError, match="score 60 is outside 0 to 1 fraction"):
        compare_summaries([table.assign(unit="fraction")])
    with pytest.raises(HarnessError, match="has a round twice"):
        compare_summaries([table.assign(round=1)])


def test_a_summary_table_may_be_looked_at_after_every_round():
    table = pd.DataFrame(
        {"series": "a", "benchmark": "b", "round": range(4), "score": [50.0, 54, 58, 62], "unit": "percent",
         "n_items": 2000}
    )  # fmt: skip
    one, every = (compare_summaries([table], look=look).results[0] for look in ("final", "every"))
    assert [look.window for look in every.looks] == [[0, 1], [1, 2], [1, 3]]
    assert every.significance == pytest.approx(6 * 0.05 / (np.pi**2 * 9))
    assert every.rate == pytest.approx(one.rate)
    assert every.low < one.low


def test_standard_errors_of_checkpoints_are_reproduced(data_dir):
    rows = pd.read_csv(data_dir / "pythia_checkpoints" / "results.csv.gz")
    rows = rows[rows["task"].isin(SPLIT_SIZES) & rows["acc"].notna()]
    ours = [binomial_stderr(row.acc, SPLIT_SIZES[row.task]) for row in rows.itertuples()]
    assert len(ours) > 4000
    assert np.abs(np.array(ours) - rows["acc_stderr"].to_numpy()).max() < 1e-9


@pytest.fixture(scope="module")
def benchmark():
    """The module that simulates error rates."""
    spec = importlib.util.spec_from_file_location("rounds_error_rates", ROOT / "benchmarks" / "rounds_error_rates.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_the_verdicts_table_holds(benchmark):
    """Every cell of the table of what the verdict is for, at fewer series than the benchmark draws."""
    _, broken = benchmark.table(300)
    assert broken == []


def test_error_rates_of_a_part_of_the_grid(benchmark):
    flat, rises = benchmark.same(0, 5), benchmark.same(2, 5)
    for cell in (
        benchmark.Cell(flat, 500, 0.5, 0.9),
        benchmark.Cell(benchmark.same(0, 3), 20, 0.3),
        benchmark.Cell(benchmark.same(1, 8), 1000, 0.6, 0.95),
        benchmark.Cell(flat, 200, 0.5, 0.5, "fading"),
        *(benchmark.Cell(gains, n, 0.4, 0.8, kind, size) for gains in (flat, rises) for kind, n, size in (
            ("graded", 200, 1), ("smooth", 200, 1), ("gold", 1000, 1), ("clusters", 40, 2), ("missing", 200, 1),
            ("seeds", 200, 3), ("control", 200, 1),
        )),
    ):  # fmt: skip
        series = 600 if cell.kind in ("items", "fading") else 100
        for error, rate in benchmark.errors(cell, benchmark.simulate(cell, series, seed=1)).items():
            assert benchmark.holds(rate, series, benchmark.LIMITS[error]), (str(cell), error, rate)
    looks = benchmark.looked_at(benchmark.Cell(flat, 200), 600, seed=1)
    assert all(benchmark.holds(rate, 600, 0.05) for rate in looks.values()), looks
    assert benchmark.holds(benchmark.holm_rate(6, 300, 300), 300, 0.95, ">=")


@pytest.mark.parametrize("rounds", [2, 3, 6])
def test_the_items_that_would_decide_do_decide(benchmark, rounds):
    """In four of five series, or else with 1.3 times as many items but not with that much less."""
    cell = benchmark.Cell(benchmark.same(1, rounds), 500)
    pilot = benchmark.one_by_one(cell, np.random.default_rng(3))
    needed = Precision.of(pilot).needed(0.01, 0.05)
    for gain, count, word in ((1, needed.detect, "improving"), (0, needed.certify, "plateaued")):
        fewer, more = (
            benchmark.simulate(benchmark.Cell(benchmark.same(gain, rounds), int(count * factor)), 1000)[word]
            for factor in (1 / 1.3, 1.3)
        )
        assert fewer < 0.8 < more, (rounds, word, count, fewer, more)


def test_a_large_effect_asks_for_what_it_needs():
    """A gain of 8 on 50 items was told 28,518 more items."""
    # 8 items gained, 4 lost: .08, variance (12/50 - .08^2) 50/49 = .2384: (1.6449 + .8416)^2 .2384 / .0064 = 230.
    scores = np.array([[0, 1]] * 8 + [[1, 0]] * 4 + [[1, 1]] * 19 + [[0, 0]] * 19, dtype=float)
    frame = pd.DataFrame({"item": np.repeat(np.arange(50), 2), "round": np.tile([0, 1], 50), "score": scores.ravel()})
    result = compare_rounds(frame).results[0]
    assert (result.verdict, result.gain_total.value) == ("inconclusive", pytest.approx(0.08))
    assert 230 / 1.3 < 50 + result.needs.seen < 1.3 * 230
    assert f"about {result.needs.seen:,} more items would decide" in result.sentence


def test_the_simulation_judges_as_the_product_does(benchmark):
    """Many series at once, from counts of patterns, get what `compare_rounds` says of each of them."""
    rng = np.random.default_rng(0)
    scores = (rng.random((40, 300, 1)) < 0.4 + rng.normal(0, 0.03, (40, 1, 4))).astype(float)
    each = [Moments.of(one[None]) for one in scores]
    together = Moments(
        np.stack([one.means for one in each]), np.stack([one.scatter for one in each]), 300, 300,
        np.stack([one.seed_means for one in each]),
    )  # fmt: skip
    ours = last_gain(together, 0.01, 0.05)
    cells = {"item": np.repeat(np.arange(300), 4), "round": np.tile(np.arange(4), 300)}
    for place, one in enumerate(scores):
        result = compare_rounds(pd.DataFrame({**cells, "score": one.ravel()})).results[0]
        assert (result.verdict, result.last_gain.shown, result.last_gain.possible) == (
            ours.verdict[place], ours.shown[place], ours.possible[place]
        )  # fmt: skip
    assert len(set(ours.verdict)) > 2


def test_the_simulation_draws_what_it_says(benchmark):
    patterns, shares = benchmark.pattern_shares(benchmark.Cell((2, 2), 200, 0.4, 0.8))
    assert shares.sum() == pytest.approx(1)
    assert shares @ patterns == pytest.approx([0.4, 0.42, 0.44], abs=1e-3)
    covariance = patterns.T @ (shares[:, None] * patterns) - np.outer(shares @ patterns, shares @ patterns)
    assert covariance[0, 1] / 0.24 == pytest.approx(0.59, abs=0.01)  # scores correlate about .6
    patterns, shares = benchmark.pattern_shares(benchmark.Cell((0, 0), 200, 0.4, 0.7, "fading"))
    covariance = patterns.T @ (shares[:, None] * patterns) - 0.16
    assert [covariance[0, 1] / 0.24, covariance[0, 2] / 0.24] == pytest.approx([0.7, 0.49], abs=0.01)
    cell = benchmark.Cell((10, 4, 0), 200)
    assert cell.truths == (2, 2)
    assert benchmark.Cell((2, 2, 2, 2, -6), 200).truths == (4, 4)
    assert benchmark.Cell(benchmark.same(0.5, 8), 200).truths == (7, 6)  # the last adds less than the SESOI


INSPECTED = """
import sys
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match

for number, right in enumerate((5, 10, 20)):
    def answer(input, tools, tool_choice, config, right=right):
        text = "yes" if int(input[-1].text) < right else "no"
        output = ModelOutput.from_content("mockllm/model", text)
        output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else it is counted, online
        return output
    samples = [Sample(id=place, input=str(place), target="yes") for place in range(30)]
    eval(Task(dataset=samples, scorer=match(), name="toy", epochs=2), display="none",
         model=get_model("mockllm/model", custom_outputs=answer), log_dir=f"{sys.argv[1]}/{number}")
"""


@pytest.mark.slow
def test_logs_of_inspect_are_rounds(tmp_path):
    pytest.importorskip("inspect_ai")
    subprocess.run([sys.executable, "-c", INSPECTED, str(tmp_path)], check=True, capture_output=True, cwd=tmp_path)
    logs = [next((tmp_path / str(number)).glob("*.eval")) for number in range(3)]
    frame, _ = read_scores(logs)
    assert len(frame) == 180
    (found,) = compare_rounds(frame).results
    assert (found.benchmark, found.n_items, found.rounds) == ("toy", 30, [0, 1, 2])
    assert [delta.delta for delta in found.deltas] == pytest.approx([5 / 30, 10 / 30])
    folders, _ = read_scores([log.parent for log in logs])
    pd.testing.assert_frame_equal(folders, frame)
    named, _ = read_scores([f"a:{2 - number}={log}" for number, log in enumerate(logs)], metric="match")
    assert [delta.delta for delta in compare_rounds(named).results[0].deltas] == pytest.approx([-10 / 30, -5 / 30])
    with pytest.raises(HarnessError, match="no number by the scorer 'includes'"):
        read_scores(logs, metric="includes")


def test_criteria_of_a_rater_are_benchmarks_of_their_own_and_gold_outranks(tmp_path):
    run = make_run(tmp_path / "run")
    more = [
        Rating(rating_id=digest(answer.response_id, name), task="sums", item_id=answer.item_id,
               response_id=answer.response_id, rater="judge", rater_kind="judge", criterion=name, value=value,
               scale="binary")
        for answer in run.responses.itertuples() for name, value in (("helpful", 1.0), ("honest", 0.0))
    ]  # fmt: skip
    run.write(more, "judge")
    frame = from_run(run, "judge")
    assert frame.groupby("benchmark")["score"].mean().to_dict() == {"sums, helpful": 1.0, "sums, honest": 0.0}
    both = from_run(run, "judge", "answer_key")
    assert both.groupby("round")["gold"].mean().tolist() == pytest.approx([0, 10 / 29, 20 / 30])
    with pytest.raises(HarnessError, match="no rating by 'jury'"):
        from_run(run, "jury")


def test_a_run_of_one_model_is_a_round(tmp_path):
    for number in range(2):
        make_run(tmp_path / f"run{number}")
    folders = [f"mine:{number}={tmp_path}/run{number}" for number in range(2)]
    frame, _ = read_scores(folders, metric="answer_key")
    assert frame.groupby(["series", "round"]).size().to_dict() == {("mine", 0): 90, ("mine", 1): 90}


def lm_eval_output(folder: Path, task: str, right: int, metric: str = "acc", of: int = 20) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    answer = {"doc": {}, "target": "x", "arguments": [["q", {"until": []}]], "resps": [["x"]], "filtered_resps": ["x"]}
    rows = [
        {**answer, "doc_id": n, "filter": "none", "metrics": [metric], metric: float(n < right), "doc_hash": str(n)}
        for n in range(of)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / f"samples_{task}_2026-01-01T00-00-00.000000.jsonl").write_text(text)


def test_a_folder_of_checkpoints_has_them_as_rounds_in_the_order_of_their_numbers(tmp_path):
    for name, right in (("step-0", 2), ("step-2000", 12), ("step-1000", 7)):
        lm_eval_output(tmp_path / "evals" / name / "org__model", "toy", right)
    scores, _ = read_scores([str(tmp_path / "evals")])
    # 2, 7 and 12 of 20 right; the rounds are called as the folders are
    assert scores.groupby("round")["score"].mean().to_dict() == {"step-0": 0.1, "step-1000": 0.35, "step-2000": 0.6}
    (found,) = compare_rounds(scores).results
    assert found.rounds == ["step-0", "step-1000", "step-2000"]
    (tmp_path / "evals" / "step-1000").rename(tmp_path / "evals" / "epoch_1000")  # no one order: by their numbers
    assert sorted(read_scores([str(tmp_path / "evals")])[0]["round"].unique()) == [0, 1, 2]
    (tmp_path / "evals" / "epoch_1000").rename(tmp_path / "evals" / "step-1000")
    one, _ = read_scores([str(tmp_path / "evals" / "step-1000")])
    assert one["round"].unique().tolist() == [0]


def test_a_folder_whose_names_say_no_round_is_refused_and_one_with_a_task_a_folder_is_not(tmp_path):
    for name in ("base", "tuned"):
        lm_eval_output(tmp_path / "models" / name, "toy", 5)
        lm_eval_output(tmp_path / "tasks" / name, name, 5)
    with pytest.raises(HarnessError, match=r"base, tuned\) whose names do not say which round"):
        read_scores([str(tmp_path / "models")])
    assert sorted(read_scores([str(tmp_path / "tasks")])[0]["benchmark"].unique()) == ["base", "tuned"]


def test_imported_evaluations_with_a_metric_of_its_own_each_keep_all_benchmarks(tmp_path):
    run = Run.create(tmp_path / "run", Suite.model_validate(
        {"name": "x", "models": [{"name": f"m{n}", "model": "imported", "series": "dpo", "round": n} for n in range(2)],
         "tasks": [{"task": "choice"}, {"task": "sums"}]}
    ))  # fmt: skip
    by = {
        "choice": ["lm-eval:acc", "lm-eval:acc_norm"],
        "sums": ["lm-eval:exact_match,strict", "lm-eval:exact_match,flexible"],
    }
    for task, raters in by.items():
        run.write([Item(task=task, item_id=str(n), family="mathematics", prompt=str(n)) for n in range(3)], task)
        for number in range(2):
            answers = [Response(response_id=digest(task, number, n), task=task, item_id=str(n), model=f"m{number}",
                                series="dpo", round=number, text="x") for n in range(3)]  # fmt: skip
            run.write(answers, f"{task}-{number}")
            about = {
                "task": task,
                "rater_kind": "verifier",
                "criterion": "correctness",
                "value": 1.0,
                "scale": "binary",
            }
            ratings = [
                Rating(rating_id=digest(one.response_id, rater), item_id=one.item_id, response_id=one.response_id,
                       rater=rater, **about)
                for one in answers for rater in raters
            ]  # fmt: skip
            run.write(ratings, f"{task}-{number}-ratings")
    scores = from_run(run)
    assert sorted(scores["benchmark"].unique()) == ["choice", "sums,flexible", "sums,strict"]  # acc before acc_norm
    assert len(scores) == 3 * 2 * 3
