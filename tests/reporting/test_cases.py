"""The list of disagreements: what is in it, in which order, and that nothing is dropped in silence."""

from __future__ import annotations

import pytest

from harness.records import Item, Rating, Response
from harness.reporting.cases import block, carried, cases, shards
from harness.reporting.evidence import Evidence
from harness.run.folder import Run
from harness.suite import Suite


def rating(
    number: int, response: str, rater: str, value: float | None, scale: str = "binary", **more: object
) -> Rating:
    return Rating.model_validate(
        {
            "rating_id": f"{number}", "task": "t", "item_id": response[:2], "response_id": response, "rater": rater,
            "rater_kind": "judge", "criterion": "c", "scale": scale, "value": value, **more,
        }
    )  # fmt: skip


def evidence_of(folder, ratings: list[Rating]) -> Evidence:
    suite = Suite.model_validate(
        {"name": "s", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "t"}]}
    )
    run = Run.create(folder, suite)
    run.write([Item(task="t", item_id=f"i{n}", family="other", prompt=f"prompt {n}") for n in range(4)], "t")
    run.write(
        [Response(response_id=f"i{n}r", task="t", item_id=f"i{n}", model="m", text=f"text {n}") for n in range(4)], "t"
    )
    run.write(ratings, "t")
    return Evidence(run=run)


def test_the_largest_gap_comes_first_and_a_lone_rating_is_no_case(tmp_path):
    grades = [
        rating(1, "i0r", "x", 1.0, "ordinal"), rating(2, "i0r", "y", 2.0, "ordinal"),
        rating(3, "i1r", "x", 5.0, "ordinal"), rating(4, "i1r", "y", 1.0, "ordinal"),
        rating(5, "i2r", "x", 3.0, "ordinal"), rating(6, "i2r", "y", 2.0, "ordinal"),
        rating(7, "i3r", "x", 4.0, "ordinal"),
    ]  # fmt: skip
    found = cases(evidence_of(tmp_path / "run", grades))
    # x used 1..5 (of what y rated too), y 1..2: i0 0 against 1; i1 1 against 0; i2 (3 - 1) / 4 = .5 against 1
    assert [(row["item_id"], row["gap"]) for row in found.rows] == [("i0", 1.0), ("i1", 1.0), ("i2", 0.5)]
    assert (found.total, found.disagreeing) == (3, 3)


def test_a_failed_rating_is_shown_and_gives_no_gap(tmp_path):
    marks = [rating(1, "i0r", "x", 1.0), rating(2, "i0r", "y", None, status="unparsed", error="no verdict")]
    [case] = cases(evidence_of(tmp_path / "run", marks)).rows
    assert case["gap"] == 0
    assert [mark[7] for mark in case["ratings"]] == ["ok", "unparsed"]


def test_a_judge_that_contradicts_itself_in_the_other_order_disagrees(tmp_path):
    marks = [
        rating(1, "i0r", "x", 1.0, "preference", against_id="i1r", order="response_first"),
        rating(2, "i0r", "x", 0.0, "preference", against_id="i1r", order="against_first"),
    ]
    [case] = cases(evidence_of(tmp_path / "run", marks)).rows
    assert case["gap"] == 1


def test_names_without_order_differ_or_do_not(tmp_path):
    marks = [
        rating(1, "i0r", "x", None, "nominal", label="cat"), rating(2, "i0r", "y", None, "nominal", label="dog"),
        rating(3, "i1r", "x", None, "nominal", label="dog"), rating(4, "i1r", "y", None, "nominal", label="dog"),
    ]  # fmt: skip
    found = cases(evidence_of(tmp_path / "run", marks))
    assert [(row["item_id"], row["gap"]) for row in found.rows] == [("i0", 1.0), ("i1", 0.0)]


def test_with_too_many_cases_disagreements_stay_and_the_rest_is_a_seeded_sample(run, made_up_evidence):
    evidence = made_up_evidence(run)
    every = cases(evidence, None)
    few = cases(evidence, every.disagreeing + 5)
    assert len(every.rows) == every.total
    assert [row["gap"] for row in few.rows][: every.disagreeing] == [
        row["gap"] for row in every.rows[: every.disagreeing]
    ]
    assert len(few.rows) == every.disagreeing + 5
    assert few == cases(evidence, every.disagreeing + 5)


def test_a_block_stays_under_its_limit_and_says_how_many_there_are(run, made_up_evidence):
    evidence = made_up_evidence(run)
    data = carried(evidence, limit=20_000)
    assert 0 < len(data["cases"]) < data["total"]


def test_shards_follow_each_other(run, made_up_evidence):
    evidence = made_up_evidence(run)
    whole = block(evidence, cases(evidence, None))
    parts = shards(whole, 7)
    assert len(parts) > 3
    for name in ("cases", "items", "responses"):
        assert [row for part in parts for row in part[name]] == whole[name]
    seen = 0
    for part in parts:  # each part refers only to what it or an earlier one brought
        seen += len(part["responses"])
        assert all(side < seen for row in part["cases"] for side in row[1:3])


def test_redaction_leaves_ids_and_values_alone(made_up_run, made_up_evidence, tmp_path):
    secret = "the secret text"
    evidence = made_up_evidence(made_up_run(tmp_path / "run", questions=6, held_out=20, series={}, hostile=secret))
    plain, redacted = (block(evidence, cases(evidence), redact) for redact in (False, True))
    assert secret in str(plain["responses"])
    assert secret not in str([redacted["responses"], [row[2:] for row in redacted["items"]], redacted["cases"]])
    assert [[mark[:4] for mark in row[4]] for row in redacted["cases"]] == [
        [m[:4] for m in r[4]] for r in plain["cases"]
    ]


def test_people_are_letters(made_up_run, made_up_evidence, tmp_path):
    evidence = made_up_evidence(made_up_run(tmp_path / "run", questions=6, series={}, people=2))
    data = block(evidence, cases(evidence))
    assert ["Human A", "human"] in data["raters"]
    assert "h_0000" not in str(data)


@pytest.mark.parametrize(("number", "name"), [(0, "Human A"), (25, "Human Z"), (26, "Human AA"), (27, "Human AB")])
def test_letters_go_on_after_z(number, name, tmp_path):
    marks = [rating(n, "i0r", f"p{n:03d}", 1.0, rater_kind="human") for n in range(28)]
    assert evidence_of(tmp_path / "run", marks).name(f"p{number:03d}") == name


def test_words_of_two_questions_are_no_disagreement_and_two_lists_are(tmp_path):
    marks = [
        rating(n, response, rater, None, scale, label=label, criterion=criterion)
        for n, (response, rater, criterion, scale, label) in enumerate(
            [
                ("i0r", "x", "quality", "nominal", "good"), ("i0r", "y", "quality", "nominal", "good"),
                ("i0r", "x", "tone", "nominal", "rude"), ("i0r", "y", "tone", "nominal", "rude"),
                ("i1r", "x", "topics", "set", '["a"]'), ("i1r", "y", "topics", "set", '["a", "b"]'),
            ]
        )
    ]  # fmt: skip
    found = cases(evidence_of(tmp_path / "run", marks)).rows
    assert [(row["item_id"], row["gap"]) for row in found] == [("i1", 1.0), ("i0", 0.0)]
