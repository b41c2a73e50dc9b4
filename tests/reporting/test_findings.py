"""What a run says: the verdicts' sentences, and when a judge may be trusted."""

from __future__ import annotations

import re

import pytest

from harness.reporting.evidence import Evidence
from harness.reporting.findings import findings_of
from harness.reporting.page import report, summary
from harness.reporting.wording import headed, typeset

WORDS = {"improving", "plateaued", "worsening", "inconclusive"}
SHAPES = {
    "rise": ([0.30, 0.40, 0.50, 0.60, 0.70], "improving"),
    "plateau": ([0.30, 0.60, 0.60, 0.60, 0.60], "plateaued"),
    "decline": ([0.70, 0.60, 0.50, 0.40, 0.30], "worsening"),
}


@pytest.fixture(scope="module")
def shaped(made_up_run, tmp_path_factory):
    """One run with a series of each shape on 2,000 items, the control last."""
    series = {name: means for name, (means, _) in SHAPES.items()} | {"none": [0.30, 0.32, 0.32, 0.32, 0.32]}
    folder = tmp_path_factory.mktemp("shaped") / "run"
    return Evidence.of(made_up_run(folder, series=series, held_out=2000, questions=4))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_series_gets_its_verdict_in_one_sentence(shaped, shape):
    [found] = [finding for finding in findings_of(shaped) if finding.about == f"{shape} feedback"]
    verdict = SHAPES[shape][1]
    assert found.mark == verdict
    # "rise: improving in this run, gain beyond none (the control) shown up to round 4, +39.3 points in all [37, 41]"
    number = r"[-+]?\d+\.\d+"
    assert re.match(
        rf"{shape}: {verdict} in this run[^,]*, gain beyond none \(the control\) shown up to round \d, "
        rf"{number} points in all \[{number}, {number}\]",
        found.sentence,
    )
    assert "in this run" in found.sentence
    assert not (WORDS - {verdict}) & set(re.findall(r"\w+", found.sentence))


def test_noise_is_inconclusive_and_says_what_would_decide(made_up_run, tmp_path):
    run = made_up_run(
        tmp_path / "run", series={"noise": [0.5, 0.52, 0.49, 0.52], "none": [0.5] * 4}, held_out=60, questions=2
    )
    [found] = [finding for finding in findings_of(run) if finding.about == "noise feedback"]
    assert found.mark == "inconclusive"
    assert re.search(r"more items would decide", found.sentence)
    assert "no gain" not in found.sentence


def test_the_control_is_told_apart_and_gains_are_shown_beyond_it(shaped):
    [found] = [finding for finding in findings_of(shaped) if "the control" in finding.about]
    assert found.sentence.startswith("The control (equal steps, everything kept) moved")
    assert "Beyond it, from the first round to the last: rise +" in found.sentence


def test_few_held_out_items_are_said(shaped, made_up_run, tmp_path):
    [found] = [finding for finding in findings_of(shaped) if finding.about == "size"]
    assert "2,000 held-out items" in found.sentence


def trust(run, made_up_evidence, **changes):
    evidence = made_up_evidence(run)
    evidence.pairs[0].update(changes)
    [found] = [finding for finding in findings_of(evidence) if finding.about == "judge: can it be trusted?"]
    return found


def test_a_judge_better_than_chance_is_called_that_and_no_more(run, made_up_evidence):
    found = trust(run, made_up_evidence)
    assert found.mark == "trusted"
    assert (
        "does better than chance: against answer_key on objects: spearman 0.38 [0.17, 0.56] over 80" in found.sentence
    )
    assert any("not good enough by itself" in doubt for doubt in found.doubts)
    assert any("simulated" in doubt for doubt in found.doubts)


def test_a_judge_whose_interval_includes_chance_needs_more_data(run, made_up_evidence):
    """It was "cannot be trusted", which was said of a judge right in 80 % of 15 items in .49 of all runs.

    The interval -.02 to .56 has a standard error of .148; .38 is seen with power .8 over 80 (2.8 x .148 / .38)^2 = 95.
    """
    found = trust(run, made_up_evidence, low=-0.02)
    assert found.mark == "unknown"
    assert "is not known: there is not enough data" in found.sentence
    assert "About 96 items that both rate would tell." in found.sentence


def test_a_judge_that_is_shown_to_be_at_chance_cannot_be_trusted(run, made_up_evidence):
    found = trust(run, made_up_evidence, value=0.01, low=-0.05, high=0.07, n=1000)
    assert found.mark == "distrusted"
    assert "is not above what chance gives" in found.sentence


def test_a_judge_below_chance_may_have_its_scale_reversed(run, made_up_evidence):
    found = trust(run, made_up_evidence, value=-0.72, low=-0.88, high=-0.55)
    assert found.mark == "distrusted"
    assert "On objects it agrees less than guesses would: its scale may be reversed." in found.sentence


def test_a_judge_without_an_interval_needs_more_data(run, made_up_evidence):
    """No interval shows nothing, and condemns nobody: it was "cannot be trusted"."""
    assert trust(run, made_up_evidence, low=None, high=None).mark == "unknown"


def test_a_judge_is_compared_on_its_own_criterion_alone(run, made_up_evidence):
    """A judge of tone that disagrees with the answer key is no bad judge of tone."""
    found = trust(run, made_up_evidence, criterion_b="tone", value=0.01, low=-0.05, high=0.07, n=1000)
    assert found.mark == "unknown"
    assert "rated the same criterion of the same things" in found.sentence


def test_the_pair_over_most_items_decides_not_the_one_that_looks_best(run, made_up_evidence):
    evidence = made_up_evidence(run)
    evidence.kinds.update(h_1="human", h_2="human")
    one = evidence.pairs[0] | {"rater_a": "h_1", "n": 1000, "value": 0.01, "low": -0.05, "high": 0.07}
    evidence.pairs.extend([one, one | {"rater_a": "h_2", "n": 40, "value": 0.5, "low": 0.2, "high": 0.7}])
    [found] = [f for f in findings_of(evidence) if f.about == "judge: can it be trusted?"]
    assert found.mark == "distrusted"


def test_strength_has_words_a_source_and_people_beside_it(run, made_up_evidence):
    evidence = made_up_evidence(run)
    evidence.kinds.update(h_1="human", h_2="human")
    one = evidence.pairs[0] | {"rater_a": "h_1", "coefficient": "alpha", "percent_agreement": 0.8}
    evidence.pairs.extend([one, one | {"rater_b": "h_2", "value": 0.61, "low": 0.5, "high": 0.7}])
    [found] = [f for f in findings_of(evidence) if f.about == "judge: can it be trusted?"]
    assert "That is weak to fair (weak below 0.40, strong from 0.75: Fleiss 1981)." in found.sentence
    assert "Two people agree with each other: alpha 0.61 [0.50, 0.70] over 80." in found.sentence


def test_a_judge_that_reads_the_place_cannot_be_trusted(run, made_up_evidence):
    [found] = [f for f in findings_of(made_up_evidence(run)) if f.about == "pair_judge: can it be trusted?"]
    assert found.mark == "distrusted"
    assert "preferred the answer shown first 97 % of the time, and kept its verdict in 5 %" in found.sentence


def test_where_nothing_independent_rated_that_is_said_with_the_command(run, made_up_evidence):
    evidence = made_up_evidence(run)
    evidence.pairs.clear()
    [found] = [f for f in findings_of(evidence) if f.about == "judge: can it be trusted?"]
    assert found.mark == "unknown"
    assert "is not known" in found.sentence
    assert "`harness annotate RUN --rater-id NAME`" in found.sentence


def test_failures_are_counted_never_scored(run):
    count = int((run.ratings["status"] != "ok").sum())
    assert count > 0
    [found] = [finding for finding in findings_of(run) if finding.about == "failures"]
    assert found.sentence.startswith(
        f"{count:,} of {len(run.ratings):,} ratings failed on the rater’s side ({count:,} un"
    )


def test_people_are_missed_before_they_have_rated_and_counted_after(run, made_up_run, tmp_path):
    [before] = [finding for finding in findings_of(run) if finding.about == "people"]
    assert before.mark == "unknown"
    rated = made_up_run(tmp_path / "run", questions=5, series={}, people=2)
    [after] = [finding for finding in findings_of(rated) if finding.about == "people"]
    assert after.sentence == "2 people gave 20 ratings."  # 5 items, 2 samples, 2 people


def test_the_page_and_the_json_of_a_real_run_agree(run):
    path = report(run)
    html = path.read_text(encoding="utf-8")
    text = re.sub("</?button[^>]*>", "", html)  # a dotted word is a button in its sentence
    found = summary(run)
    assert path == run.folder / "report.html"
    for finding in found["findings"]:
        for part in headed(finding["sentence"]):  # a long one stands in two pieces
            first = typeset(part.partition("`")[0])
            assert first.replace("'", "&#39;") in text
    deltas = {(row["series"], row["round"]): row["delta"] for row in found["scores"] if row["delta"] is not None}
    table = re.search(r'id="fig-rounds".*?</table>', html, re.S)[0]
    for (series, number), delta in deltas.items():
        assert re.search(rf"{series}</th><td[^>]*>{number}</td><td[^>]*data-value=\"{re.escape(str(delta))}\"", table)
    assert {row["rater"] for row in found["raters"]} == {"judge", "pair_judge", "answer_key"}


def test_a_report_of_two_runs_shows_both(run, tmp_path):
    html = report([run, run], tmp_path / "both.html").read_text(encoding="utf-8")
    assert "2 runs side by side" in html
    assert html.count('<h2 class="run"') == 2
