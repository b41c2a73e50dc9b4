"""Each kind of feedback teaches in a whole run: what it rates high is what the model is trained on.

The learner is a language model of random weights. Judges are asked over a real server on this machine, which likes
answers with an `e` in them; the reward model has random weights and is asked as it is.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from chat_server import ChatServer

from harness.run import Run
from harness.stages import run_suite
from harness.suite import Suite

pytest.importorskip("transformers")
from tiny_model import make_tiny_model, make_tiny_reward_model

PROMPT = "{% block user %}{{ fence(response, 'answer') }} RUBRIC Yes or No?{% endblock %}"
FEEDBACK = {
    "verifier": "last_number",
    "weak": "last_digit",
    "annotator": "simulated_annotator",
    "probability": "answer_probability",
    "majority": "self_consistency",
    "reward": "reward",
    "judge": "judge",
    "constitution": "constitution",
    "panel": "panel",
    "mixture": [{"rater": "simulated_annotator", "labels": 6}, "judge"],
    "verified_else_judged": ["nobody", "judge"],
    "gold": None,
    "none": None,
}


def likes(body: dict) -> str:
    shown = re.search(r"\[answer \w+\]\n(.*)\n\[end of answer", str(body["messages"][-1]["content"]), re.DOTALL)
    return "Yes" if shown and "e" in shown[1] else "No"


def catalogue(folder: Path, base_url: str, reward: Path) -> Path:
    judge = {
        "model": {"model": "openai:x", "base_url": base_url}, "by": "text", "prompt": "prompt.j2",
        "answers": {"Yes": 1, "No": 0},
    }  # fmt: skip
    constitution = judge | {"constitution": "constitution.yaml", "overall": "lowest"}
    made = {
        "judge": ("judge", "judge.pointwise", "binary", judge),
        "second": ("judge", "judge.pointwise", "binary", judge),
        "constitution": ("judge", "judge.pointwise", "interval", constitution),
        "panel": ("judge", "judge.panel", "binary", {"raters": ["judge", "second"], "rule": "majority"}),
        "reward": ("reward_model", "reward_model", "interval", {"model": str(reward)}),
        "nobody": ("verifier", "toys:nobody", "binary", {}),
    }
    principles = [{"name": name, "description": f"It is {name}."} for name in ("kind", "true")]
    for name, (kind, use, scale, settings) in made.items():
        place = folder / "raters" / name
        place.mkdir(parents=True)
        (place / "prompt.j2").write_text(PROMPT.replace("RUBRIC", "{{ rubric }}" if name == "constitution" else ""))
        (place / "constitution.yaml").write_text(yaml.safe_dump({"principles": principles}))
        facts = {"kind": kind, "use": use, "criteria": ["correctness"], "scale": scale, "settings": settings}
        (place / "rater.yaml").write_text(json.dumps(facts))
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    place = tmp_path_factory.mktemp("kinds")
    settings = {
        "model": str(make_tiny_model(place / "tiny")), "task": "two_digit_sums", "prompts": 6, "samples": 3, "steps": 1,
        "batch": 2, "max_new_tokens": 5,
    }  # fmt: skip
    rounds = {
        "learner": "language_model", "rounds": 1, "items": 20, "gold": "last_number", "feedback": FEEDBACK,
        "keep": {"gold": {"rule": "reference"}}, "settings": settings,
    }  # fmt: skip
    with ChatServer(likes) as server:
        mine = catalogue(place / "mine", server.base_url, make_tiny_reward_model(place / "reward"))
        suite = Suite.model_validate({"name": "kinds", "rounds": rounds})
        return run_suite(suite, place / "run", stages=["rounds"], include=[mine], workers=1)


def practice(run: Run, series: str) -> pd.DataFrame:
    """A row a sample of a series: its text and the mean of its ratings, in the order of items and samples."""
    rated = run.ratings[run.ratings["flags"].map(lambda flags: "selection_item" in flags)]
    values = rated[rated["criterion"].isin(["correctness", "confidence"])].groupby("response_id")["value"].mean()
    items = run.responses[(run.responses["series"] == series) & (run.responses["round"] == 0)]
    rows = items[items["response_id"].isin(rated["response_id"])]
    return rows.assign(value=rows["response_id"].map(values)).sort_values(["item_id", "sample"])


def data(run: Run, series: str) -> dict[str, str]:
    path = run.folder / "data" / f"{series}-seed0-round001.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return {line["item_id"]: line["completion"] for line in map(json.loads, lines)}


@pytest.mark.parametrize("series", ["verifier", "weak", "annotator", "majority", "judge", "panel", "mixture"])
def test_of_a_binary_kind_the_first_sample_that_it_likes_is_learnt(run, series):
    rows = practice(run, series)
    assert len(rows) == 6 * 3
    liked = rows[rows["value"] == 1].drop_duplicates("item_id")
    assert data(run, series) == dict(zip(liked["item_id"], liked["text"], strict=True))


@pytest.mark.parametrize("series", ["probability", "reward", "constitution"])
def test_of_a_graded_kind_the_better_half_of_the_best_samples_is_learnt(run, series):
    rows = practice(run, series)
    best = rows.sort_values("value", ascending=False, kind="stable").drop_duplicates("item_id")
    kept = data(run, series)
    assert len(kept) == 3
    assert all(best.set_index("item_id").loc[name, "text"] == text for name, text in kept.items())
    assert best[best["item_id"].isin(kept)]["value"].min() >= best[~best["item_id"].isin(kept)]["value"].max()


def test_a_reward_model_is_asked_for_each_sample_and_says_what_it_says_alone(run):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = run.folder.parent / "reward"
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    rows = practice(run, "reward")
    prompts = run.items.drop_duplicates("item_id").set_index("item_id")["prompt"]
    for row in rows.head(4).itertuples():
        text = f"<|user|>{prompts[row.item_id]}</s><|assistant|>{row.text}</s>"
        with torch.no_grad():
            ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
            assert row.value == pytest.approx(float(model(input_ids=ids).logits[0, 0]), rel=1e-4)
    assert rows["value"].nunique() > 6


def test_judges_saw_the_answers_and_said_what_the_server_says(run):
    for series in ("judge", "panel"):
        rows = practice(run, series)
        assert (rows["value"] == rows["text"].str.contains("e").astype(float)).all()
        assert 0 < rows["value"].mean() < 1


def test_of_a_mixture_each_rates_its_part(run):
    names = {series: practice(run, series)["response_id"] for series in ("mixture", "verified_else_judged")}
    rated = {name: run.ratings[run.ratings["response_id"].isin(ids)] for name, ids in names.items()}
    assert rated["mixture"]["rater"].value_counts().to_dict() == {"judge": 12, "simulated_annotator": 6}
    both = rated["verified_else_judged"]
    assert both["rater"].value_counts().to_dict() == {"judge": 18, "nobody": 18}
    assert both.loc[both["rater"] == "nobody", "status"].eq("skipped").all()


def test_a_teacher_teaches_the_items_own_answers_and_the_control_takes_what_comes(run):
    targets = run.items.drop_duplicates("item_id").set_index("item_id")["target"]
    assert len(data(run, "gold")) == 6
    assert all(targets[name] == text for name, text in data(run, "gold").items())
    rows = run.rounds[run.rounds["round"] == 1].set_index("series")
    assert set(rows.index) == set(FEEDBACK)
    assert rows.loc["none", ["n_kept", "n_ratings", "n_samples"]].tolist() == [6, 0, 18]
