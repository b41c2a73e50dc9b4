"""A user's name, a machine's name and a path that got into a run stand in nothing that is published of it."""

from __future__ import annotations

import json
import socket

import pytest

from harness import reporting
from harness.rating import import_evaluations
from harness.records import Rating
from harness.reporting.exports import to_hub_card
from harness.run import Run
from harness.suite import without_homes, without_whereabouts

USER, HOST = "zoraptera", "gnathobase"
PATH = f"/srv/quillwort/{USER}/models/small"
PLANTED = (USER, HOST, "quillwort", "/srv/", "/home/")
TOLD = f"cannot read {PATH}/w.bin on {HOST}: see /home/{USER}/quillwort/log.txt and http://{HOST}:8000/v1"


@pytest.fixture
def planted(monkeypatch):
    monkeypatch.setenv("USER", USER)
    monkeypatch.setattr(socket, "gethostname", lambda: f"{HOST}.example.org")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (TOLD, "cannot read …/w.bin on [name removed]: see …/log.txt and http://[host removed]:8000/v1"),
        ("at /home/ada, C:\\Users\\ada\\x.txt, ~/a/b", "at ~, …/x.txt, …/b"),
        ("file:///home/ada/x.csv sqlite:////tmp/a/b.db", "file:…/x.csv …/b.db"),
        ("/root/secret and /root", "…/secret and /root"),
        ("https://host.example.com/home/x/y, 1/2/3, and/or/not, a ./x/y", None),
        ("http://localhost:80/v1, http://127.0.0.1:80/v1, openai/gpt, hf://a/b/c", None),
        ("http://10.0.0.7:80/v1 http://gpu.lan/v1 http://me:secret@api.example.com/v1",
         "http://[host removed]:80/v1 http://[host removed]/v1 http://api.example.com/v1"),
        ("`harness run --model /x`, </b/c>, a\\frac\\alpha", None),
    ],
)  # fmt: skip
def test_a_text_of_the_harness_keeps_the_last_part_of_a_path(planted, text, shown):
    assert without_whereabouts(text) == (text if shown is None else shown)
    assert without_whereabouts(without_whereabouts(text)) == without_whereabouts(text)


def test_what_was_written_loses_homes_and_addresses_alone():
    text = "run /usr/bin/env in /home/ada/x, ask ada@example.org"
    assert without_homes(text) == "run /usr/bin/env in ~/x, ask [address removed]"


@pytest.mark.usefixtures("planted")
def test_nothing_published_says_where_it_was_made(made_up_run, tmp_path):
    run = made_up_run(tmp_path / USER / "run", hostile=f"see /home/{USER}/w")
    row = run.ratings.iloc[0]
    planted = {
        name: row[name] for name in ("task", "item_id", "response_id", "rater", "rater_kind", "criterion", "scale")
    }
    run.write(
        [Rating(rating_id="1", **planted, status="error", error=TOLD, rater_version="1", flags=list(row["flags"]))],
        "planted",
    )
    run.note(models={"local": {"args": {"pretrained": PATH, "base_url": f"http://{HOST}:8000"}}}, platform=TOLD)
    run = Run(run.folder)
    page = reporting.report(run, tmp_path / "page.html")
    bundle = reporting.report(run, bundle=tmp_path / "bundle").parent
    reporting.publish(tmp_path / USER, tmp_path / "site")
    to_hub_card(run, tmp_path / "card.md")
    published = [page, tmp_path / "card.md", *bundle.rglob("*"), *(tmp_path / "site").rglob("*")]
    texts = {path.name: path.read_text("utf-8", "replace") for path in published if path.is_file()}
    texts["summary"] = json.dumps(reporting.summary(run), ensure_ascii=False)
    assert "…/small" in texts["summary"]
    for name, text in texts.items():
        assert not [word for word in PLANTED if word in text], name


def test_imported_evaluations_keep_no_path(planted, tmp_path):
    folder = tmp_path / "out" / f"__home__{USER}__models__small"
    folder.mkdir(parents=True)
    row = {
        "doc_id": 0, "doc": {"q": "one?"}, "target": "1", "arguments": [["one?", {"until": ["."]}]], "resps": [["1"]],
        "filtered_resps": ["1"], "exact_match": 1.0, "metrics": ["exact_match"], "filter": "none",
    }  # fmt: skip
    (folder / "samples_counting_2026-01-01T00-00-00.jsonl").write_text(json.dumps(row) + "\n")
    results = {"config": {"model": "hf", "model_args": f"pretrained={PATH},dtype=float"},
               "configs": {"counting": {"dataset_kwargs": {"data_files": {"test": f"{PATH}/t.jsonl"}}}},
               "results": {}}  # fmt: skip
    written = folder / "results_2026-01-01T00-00-00.json"
    written.write_text(json.dumps(results))
    run, _ = import_evaluations("lm-eval", [tmp_path / "out"], tmp_path / "run")
    (who,) = run.suite.models
    assert who.name == "small"
    assert who.args["pretrained"].startswith("…/small #")
    for path in (tmp_path / "run").rglob("*"):
        if path.suffix in (".yaml", ".json"):
            assert not [word for word in PLANTED if word in path.read_text("utf-8", "replace")], path
    import_evaluations("lm-eval", [tmp_path / "out"], tmp_path / "run")  # the same model, once more
    written.write_text(json.dumps(results).replace("quillwort", "other"))
    with pytest.raises(Exception, match="another model"):  # of the same name, from another folder
        import_evaluations("lm-eval", [tmp_path / "out"], tmp_path / "run")
