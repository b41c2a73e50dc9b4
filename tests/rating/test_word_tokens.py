"""Words whose probability a server cannot tell are refused before anything is asked, with what to do instead."""

import pytest

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating import check_rater
from harness.rating.rate import find_rater
from harness.rating.rater import Surroundings

RATER = """kind: judge
use: judge.pointwise
criteria: [quality]
scale: interval
description: Says how good it is.
settings:
  model: %s
  answers: {%s}
  by: %s
"""


def catalogue(
    folder, words, model="openai:m", by="probabilities", prompt="{% block user %}Rate {{ response }}.{% endblock %}"
):
    rater = folder / "raters" / "grade"
    rater.mkdir(parents=True)
    answers = ", ".join(f'"{word}": {value}' for value, word in enumerate(words))
    (rater / "rater.yaml").write_text(RATER % (model, answers, by), encoding="utf-8")
    (rater / "prompt.j2").write_text(prompt)
    return Catalog([folder])


LONG = ["very good", "A>B", "4.5", "1000", "-1", "not-good", "[[A]]", "don't", "B2", "8/10"]


@pytest.mark.parametrize("word", LONG)
def test_a_word_that_is_never_one_token_is_refused_at_the_start(word, tmp_path):
    catalog = catalogue(tmp_path, ["no", word])
    for make in (lambda: check_rater("grade", catalog), lambda: find_rater("grade", catalog, Surroundings())):
        with pytest.raises(HarnessError, match=r"rater\.yaml.*cannot be one token.*by: text") as told:
            make()
        assert repr(word) in str(told.value)
        assert "'no'" not in str(told.value)


@pytest.mark.parametrize("words", ["A B", "Yes no", "1 10 100", "excellent bad", "是 否", "अच्छा +"])
def test_a_word_that_may_be_one_token_is_asked_for(words, tmp_path):
    check_rater("grade", catalogue(tmp_path, words.split()))


@pytest.mark.parametrize("model", ["openai:m", "embedded", "lm-eval:hf"])
def test_words_that_are_weighed_whole_or_written_may_be_long(model, tmp_path):
    by = "text" if model == "openai:m" else "probabilities"
    check_rater("grade", catalogue(tmp_path, LONG, model, by))


def test_an_interface_without_probabilities_is_refused_at_the_start(tmp_path):
    with pytest.raises(HarnessError, match=r"gives no probabilities; use `by: text`"):
        check_rater("grade", catalogue(tmp_path, ["A", "B"], "anthropic:m"))


def test_a_judge_without_its_prompt_is_told_at_the_start(tmp_path):
    catalog = catalogue(tmp_path, ["A", "B"])
    (tmp_path / "raters" / "grade" / "prompt.j2").unlink()
    with pytest.raises(HarnessError, match=r"prompt\.j2"):
        check_rater("grade", catalog)
