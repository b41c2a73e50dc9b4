"""What a label is worth: learning curves of sources whose noise is known, and the command on a small table."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import harness as h
from harness.cli import app
from harness.errors import HarnessError
from harness.learning.worth.curves import Curves, Point, learning_curves, spearman
from harness.learning.worth.exchange import Exchange

SIZES = (25, 50, 100, 200)


def made(noise: dict[str, float], seed: int = 0, items: int = 600, features: int = 20):
    """Items whose quality is linear in features, and raters who see it with noise; ten items a cluster."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(items, features))
    quality = x @ random.normal(size=features) / math.sqrt(features)
    labels = {name: quality + spread * random.normal(size=items) for name, spread in noise.items()}
    return x, labels, np.arange(items) // 10


def found(noise: dict[str, float], **how) -> Exchange:
    x, labels, cluster = made(noise)
    return Exchange("quality", learning_curves(x, labels, ["a", "b", "c"], cluster, SIZES, **how))


PEOPLE = dict.fromkeys("abc", 0.5)


def test_a_source_as_good_as_people_is_worth_as_much_and_a_noisy_one_less():
    one = found(PEOPLE | {"equal": 0.5, "noisy": 2.0, "nothing": 1000.0})
    for worth in one.worth("equal"):
        assert worth.low <= 1 <= worth.high
    at_50 = {source: next(w for w in one.worth(source) if w.labels == 50) for source in ("noisy", "nothing")}
    assert at_50["noisy"].low > 1
    assert math.isinf(at_50["nothing"].worth)
    assert "more than 4.0 of nothing" in " ".join(one.sentences)  # 200 labels of it, and never there


def test_people_alone_have_a_curve_and_no_rate():
    one = found(PEOPLE)
    assert one.worths == []
    assert one.sentence == "quality: nobody but people gave labels, so that theirs are compared with nothing"
    assert one.df["score"].is_monotonic_increasing


def test_scores_rise_with_labels_and_two_sources_together_beat_one():
    rows = found(PEOPLE | {"judge": 1.0}, mixtures=[(50, 200)]).df
    alone = rows[(rows["source"] == "person") & (rows["other"] == "")].set_index("labels")["score"]
    assert alone.is_monotonic_increasing
    both = rows[rows["other"] == "judge"].iloc[0]
    assert both["score"] > alone[50]


def test_the_interval_counts_what_splits_share():
    # four splits of one point, .1 .2 .3 .4: mean .25, variance 1/60; half as many held out as trained on:
    # error = sqrt((1/4 + 1/2) / 60) = .1118; t of 3 degrees at 97.5 % is 3.1824: reach .3558
    curves = Curves([Point("person", 10)], np.array([[0.1], [0.2], [0.3], [0.4]]), 0.5, 100, 10)
    row = Exchange("c", curves).df.iloc[0]
    assert row["score"] == pytest.approx(0.25)
    assert row["high"] - row["score"] == pytest.approx(0.35579, abs=1e-4)


def test_the_exchange_rate_is_read_between_sizes_by_the_logarithm():
    # 100 labels of a person reach .5; the judge has .4 at 100 and .6 at 400: half way by the logarithm is 200
    points = [Point("person", 100), Point("judge", 100), Point("judge", 400)]
    curves = Curves(points, np.array([[0.5, 0.4, 0.6]] * 5), 0.4, 100, 10)
    (worth,) = Exchange("c", curves).worth("judge")
    assert (worth.worth, worth.low, worth.high) == pytest.approx((2.0, 2.0, 2.0))
    assert Exchange("c", curves).end("judge").gain == pytest.approx(0.1)  # two doublings gain .2


def test_the_cheapest_follows_the_rates():
    points = [Point("person", 100), Point("judge", 400), Point("person", 10, "judge", 100)]
    curves = Curves(points, np.array([[0.5, 0.52, 0.55]] * 4), 0.4, 100, 10)
    assert str(Exchange("c", curves, rates={"person": 1.0, "judge": 0.01}).cheapest) == "400 judge"  # 4 against 11
    assert str(Exchange("c", curves, rates={"person": 1.0, "judge": 0.1}).cheapest) == "10 person + 100 judge"  # 20, 40
    assert Exchange("c", curves).cheapest is None
    assert Exchange("c", curves, rates={"person": 1.0}, quality=0.51).cheapest is None


def test_held_out_clusters_are_whole_and_the_labels_of_the_scorers_are_not_learnt():
    """Labels that are a secret of each cluster teach nothing of other clusters."""
    random = np.random.default_rng(0)
    cluster = np.arange(400) // 20
    x = np.eye(20)[cluster]
    secret = random.normal(size=20)[cluster]
    x = x + 1e-3 * random.normal(size=x.shape)  # so that no two predictions are the same
    curves = learning_curves(x, {"a": secret, "b": secret}, ["a", "b"], cluster, (50, 100))
    assert abs(curves.scores.mean()) < 0.3


def test_one_person_is_too_few_and_so_is_one_cluster():
    x, labels, cluster = made({"a": 1.0, "judge": 1.0}, items=60)
    with pytest.raises(HarnessError, match="1 of the raters are people"):
        learning_curves(x, labels, ["a"], cluster, (10,))
    with pytest.raises(HarnessError, match="1 clusters are too few"):
        learning_curves(x, {"a": labels["a"], "b": labels["a"]}, ["a", "b"], np.zeros(60), (10,))


def test_ranks_decide():
    assert spearman(np.array([1.0, 2, 3]), np.array([1.0, 4, 9])) == pytest.approx(1)
    assert math.isnan(spearman(np.ones(3), np.arange(3.0)))


def test_a_curve_is_flat_from_where_no_further_doubling_gains():
    points = [Point("person", size) for size in (10, 20, 40, 80)]
    scores = np.array([[0.2, 0.4, 0.401, 0.402], [0.22, 0.42, 0.421, 0.422], [0.18, 0.38, 0.381, 0.382]])
    (end,) = Exchange("c", Curves(points, scores, 0.4, 100, 10)).ends
    assert (end.outcome, end.flat_from) == ("rising", 20)  # .001 a doubling in every split: rising, by under .01
    steep = Exchange("c", Curves(points, np.cumsum(scores, axis=1), 0.4, 100, 10)).end("person")
    assert (steep.outcome, steep.flat_from) == ("rising", None)


def test_pairs_are_learnt_from_differences_whichever_text_stands_first():
    """A hand-made case: the label is the sign of the one feature's difference, so that every pair is picked alike."""
    random = np.random.default_rng(0)
    difference = random.normal(size=(300, 1)) * 100
    prefers = np.sign(difference[:, 0])
    labels = {"a": prefers, "noise": random.choice([-1.0, 1.0], 300)}
    how = {"people": ["a"], "cluster": np.arange(300) // 3, "sizes": (20, 100), "splits": 4, "scorers": ["a"]}
    right = learning_curves(difference, labels, pairs=True, **how)
    scores = dict(zip(map(str, right.points), right.scores.mean(axis=0), strict=True))
    assert scores["100 person"] == 1.0
    assert scores["100 noise"] < 0.95
    turn = random.choice([-1.0, 1.0], 300)
    turned = learning_curves(
        difference * turn[:, None], {name: one * turn for name, one in labels.items()}, pairs=True, **how
    )
    assert turned.scores == pytest.approx(right.scores)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    pytest.importorskip("transformers")
    from tiny_model import make_tiny_model

    return str(make_tiny_model(tmp_path_factory.mktemp("tiny") / "model"))


def graded(items: int = 100) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ratings, and a table of the texts: what is rated is how long a text is; the crowd is two simulated strangers."""
    random = np.random.default_rng(1)
    rows, texts = [], []
    for number in range(items):
        words = int(random.integers(1, 30))
        text = " ".join(random.choice(["cat", "owl", "bee", "wolf"], words))
        texts.append((f"i{number}", f"d{number // 2}", text))
        for name, spread in (("ann", 1.0), ("bob", 1.0), ("judge", 3.0), ("slot_1", 50.0), ("slot_2", 50.0)):
            kind = "judge" if name == "judge" else "human"
            rows.append((f"i{number}", name, kind, "length", words + spread * random.normal()))
    columns = ["item_id", "rater", "rater_kind", "criterion", "value"]
    return pd.DataFrame(rows, columns=columns), pd.DataFrame(texts, columns=["item_id", "doc", "summary"])


def test_suite_command_page_and_python_say_the_same(tmp_path, model):
    from harness.learning import kept_rates
    from harness.reporting import summary
    from harness.stages import run_suite
    from harness.suite import Suite

    ratings, texts = graded()
    ratings.to_csv(tmp_path / "ratings.csv", index=False)
    texts.to_json(tmp_path / "texts.jsonl", orient="records", lines=True)
    use = {
        "data": str(tmp_path / "ratings.csv"), "tables": [str(tmp_path / "texts.jsonl")], "text": "summary",
        "cluster": "doc", "people": ["ann", "bob"], "sources": {"judge": ["judge"], "crowd": ["slot_*"]},
        "sizes": [10, 30], "mixtures": ["10+30"], "splits": 5, "rates": {"person": 1, "judge": 0.1}, "model": model,
    }  # fmt: skip
    suite = Suite.model_validate({"name": "labels", "seed": 3, "exchange": use})
    run = run_suite(suite, tmp_path / "run", stages=["exchange", "report"], cache=tmp_path / "cache")
    (one,) = h.exchange(run).to_json()
    assert {row["source"] for row in one["points"]} == {"person", "judge", "crowd"}
    asked = CliRunner().invoke(app, ["exchange", str(run.folder), "--json"], catch_exceptions=False)
    assert json.loads(asked.stdout) == [one] == summary(run)["exchange"]
    page = (run.folder / "report.html").read_text()
    assert "What is a label worth?" in page
    assert f"reaches {one['wanted']:.3f}" in page
    frame = ratings.merge(texts, on="item_id").rename(columns={"summary": "text", "doc": "cluster"})
    said = {name: use[name] for name in ("people", "sources", "sizes", "mixtures", "splits", "rates", "model")}
    (anew,) = h.exchange(frame, seed=3, cache=tmp_path / "cache", **said).to_json()
    assert anew == one, "the frame that the files are made of"
    before = (run.folder / "exchange.json").stat().st_mtime_ns
    run_suite(suite, tmp_path / "run", stages=["exchange"], cache=tmp_path / "cache")
    assert (run.folder / "exchange.json").stat().st_mtime_ns == before
    ratings["value"] = ratings["value"].sample(frac=1, random_state=0).to_numpy()
    ratings.to_csv(tmp_path / "ratings.csv", index=False)
    run_suite(suite, tmp_path / "run", stages=["exchange"], cache=tmp_path / "cache")
    assert kept_rates(run).to_json() != [one], "the file has changed"


@pytest.mark.parametrize("name", ["human_or_ai", "human_or_ai_pairs"])
def test_what_the_gallery_keeps_says_what_its_page_of_text_says(name):
    folder = Path(__file__).parents[2] / "docs" / "gallery" / name
    told = (folder / "README.md").read_text()
    points = [one for rates in h.exchange(folder).to_json() for one in rates["points"] if not one["other"]]
    assert points
    for point in points:
        mean = f"{point['score']:.3f}"
        assert mean in told or mean.removeprefix("0") in told, point


def test_what_does_not_fit_is_said(tmp_path, model):
    from harness.suite import Suite

    ratings, texts = graded(6)
    frame = ratings.merge(texts, on="item_id").rename(columns={"summary": "text"})
    how = {"model": model, "cache": tmp_path / "cache"}
    with pytest.raises(HarnessError, match="no column 'text'"):
        h.exchange(ratings, **how)
    with pytest.raises(HarnessError, match="'slott_\\*' matches nothing"):
        h.exchange(frame, sources={"crowd": ["slott_*"]}, people=["ann", "bob"], **how)
    with pytest.raises(HarnessError, match="expected N\\+M"):
        h.exchange(frame, mixtures=["50 and 800"], **how)
    with pytest.raises(HarnessError, match="some ratings compare two texts"):
        h.exchange(frame.assign(against_text=[None, "other"] * (len(frame) // 2)), **how)
    with pytest.raises(HarnessError, match="length: too few items"):
        h.exchange(frame.assign(cluster=frame["item_id"]), **how)
    with pytest.raises(HarnessError, match="nobody is called 'judg'"):
        h.exchange(frame, rates={"judg": 1.0}, **how)
    ratings.to_csv(tmp_path / "ratings.csv", index=False)
    pd.concat([texts, texts[:1]]).to_csv(tmp_path / "texts.csv", index=False)
    with pytest.raises(HarnessError, match="item_id 'i0' stands there twice"):
        h.exchange(tmp_path / "ratings.csv", tables=[tmp_path / "texts.csv"], text="summary", **how)
    with pytest.raises(ValueError, match="there are no ratings"):
        Suite.model_validate({"name": "x", "exchange": {}})


def test_the_command_says_what_labels_are_worth_and_reads_no_text_twice(tmp_path, model):
    random = np.random.default_rng(0)
    rows = []
    for number in range(90):
        words = int(random.integers(1, 30))
        text = " ".join(random.choice(["cat", "owl", "bee", "wolf"], words))
        for name, spread in (("ann", 1.0), ("bob", 1.0), ("judge:x", 3.0)):
            kind = "judge" if name.startswith("judge") else "human"
            score = words + spread * random.normal()
            rows.append((f"i{number}", f"d{number // 3}", name, kind, "length", score, text, f"passage {number // 3}"))
    columns = ["item", "doc", "rater", "kind", "criterion", "value", "summary", "passage"]
    table = tmp_path / "rated.csv"
    pd.DataFrame(rows, columns=columns).to_csv(table, index=False)
    columns = ["--text", "summary", "--context", "passage", "--cluster", "doc"]
    how = ["--sizes", "10,40", "--splits", "6", "--mix", "10+40", "--rates", "person=1", "--rates", "judge:x=0.1"]
    where = ["--model", str(model), "--cache", str(tmp_path / "cache")]
    command = ["exchange", str(table), *columns, *how, *where, "--json"]
    first = CliRunner().invoke(app, command, catch_exceptions=False)
    assert first.exit_code == 0
    assert "texts are read: 90 of 90" in first.stderr  # one-word texts are the same, of other passages
    (one,) = json.loads(first.stdout)
    assert (one["criterion"], one["n_items"], one["n_clusters"]) == ("length", 90, 30)
    assert {(p["source"], p["labels"], p["other"]) for p in one["points"]} == {
        ("person", 10, ""), ("person", 40, ""), ("judge:x", 10, ""), ("judge:x", 40, ""), ("person", 10, "judge:x"),
    }  # fmt: skip
    scores = {(p["source"], p["labels"], p["other"]): p["score"] for p in one["points"]}
    assert min(scores.values()) > 0.2  # length is one of a hundred features
    assert min(scores["person", 40, ""], scores["judge:x", 40, ""]) > 0.5
    parts = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npz")}
    again = CliRunner().invoke(app, command, catch_exceptions=False)
    assert json.loads(again.stdout) == [one]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npz")} == parts
    shown = CliRunner().invoke(app, command[:-1], catch_exceptions=False)
    assert "at 10 labels of a person, each is worth" in shown.stdout
    wrong = CliRunner().invoke(app, [*command, "--people", "zed*"])
    assert isinstance(wrong.exception, HarnessError)
    assert "--people 'zed*' matches nothing" in str(wrong.exception)


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [False, True])
def test_an_adapter_learns_from_the_texts_themselves(pairs, tmp_path, model):
    """What is rated is whether a text is about owls; the judge says the contrary. No features are made."""
    pytest.importorskip("peft")
    random = np.random.default_rng(0)
    rows = []
    for number in range(72):
        owls = number % 2 == 0
        words = [("owl owl owl" if yes else "cat bee cow") + f" {random.integers(100)}" for yes in (owls, not owls)]
        item = {"item_id": f"i{number}", "criterion": "owls", "text": words[0], "cluster": number // 2}
        for name, value in (("ann", owls), ("bob", owls), ("judge", not owls)):
            rows.append(
                item | {"rater": name, "value": float(value), "rater_kind": "human" if name != "judge" else name}
            )
            rows[-1] |= {"against_text": words[1]} if pairs else {}
    frame = pd.DataFrame(rows)
    how = {"sizes": [32], "splits": 2, "learner": "lora", "model": model, "cache": tmp_path}
    (one,) = h.exchange(frame, **how)
    scores = one.df.set_index("source")["score"]
    assert scores["person"] > (0.9 if pairs else 0.6)
    assert scores["judge"] < (0.1 if pairs else -0.6)
    assert list(tmp_path.rglob("*.npz")) == []
    (again,) = h.exchange(frame, **how)
    assert again.df.equals(one.df), "the same bits"
    frame.to_csv(tmp_path / "rated.csv", index=False)
    against = ["--against", "against_text"] if pairs else []
    options = [
        "--cluster",
        "cluster",
        "--sizes",
        "32",
        "--splits",
        "2",
        "--learner",
        "lora",
        "--model",
        model,
        *against,
    ]
    asked = CliRunner().invoke(app, ["exchange", str(tmp_path / "rated.csv"), *options, "--json"])
    assert json.loads(asked.stdout)[0]["points"] == one.to_json()["points"]
