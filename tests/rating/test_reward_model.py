"""Reward models: the value is the model's own output, nothing is cut, and a text cannot pass for the template."""

from __future__ import annotations

import gc
import importlib.util
import json
import math
import shutil
import weakref

import pytest
from tiny_model import make_tiny_reward_model

from harness.catalog import Catalog
from harness.errors import HarnessError, UnavailableError
from harness.rating.judges.reward_model import sigmoid
from harness.rating.rate import find_rater
from harness.rating.rater import Surroundings, Work, rater_facts
from harness.records import Item, Response
from harness.run.folder import Run
from harness.stages.stages import rate
from harness.suite import Suite

pytestmark = pytest.mark.model
slow = pytest.mark.slow
"""Of a test that loads a model: transformers alone takes five seconds to import."""

LENGTH = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_tiny_reward_model(tmp_path_factory.mktemp("model") / "tiny", LENGTH)


def own_logit(folder, question, answer, template="chat"):
    """What the model itself says, asked without the harness."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    text = f"<|user|>{question}</s><|assistant|>{answer}</s>" if template == "chat" else question + answer
    ids = tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        return float(model(input_ids=ids).logits[0, 0])


def catalogue(place, folder, compares=False, **settings):
    spec = {
        "kind": "reward_model", "use": "reward_model", "criteria": ["reward"],
        "scale": "preference" if compares else "interval", "compares": compares,
        "settings": {"model": str(folder)} | settings,
    }  # fmt: skip
    spec |= {name: spec["settings"].pop(name) for name in ("kind", "scale", "criteria") if name in settings}
    (place / "raters" / "mine").mkdir(parents=True, exist_ok=True)
    (place / "raters" / "mine" / "rater.yaml").write_text(json.dumps(spec))
    return Catalog([place])


def made(place, folder, compares=False, **settings):
    return find_rater("mine", catalogue(place, folder, compares, **settings), Surroundings())


def piece(text="It is.", against=None, prompt="Is it?", number=0, **fields):
    item = Item(task="t", item_id=f"i{number}", family="other", prompt=prompt)
    one = Response(response_id=f"r{number}", task="t", item_id=f"i{number}", model="m", text=text, **fields)
    other = one.model_copy(update={"response_id": f"s{number}", "text": against}) if against is not None else None
    return Work(item, one, other)


@slow
@pytest.mark.parametrize("template", ["chat", "plain"])
def test_the_value_is_the_models_own_output(tmp_path, folder, template):
    rater = made(tmp_path, folder, template=template)
    ratings = list(rater.rate([piece("It is."), piece("No!", number=1)]))
    expected = [own_logit(folder, "Is it?", text, template) for text in ("It is.", "No!")]
    assert [rating.value for rating in ratings] == pytest.approx(expected, rel=1e-5)
    assert abs(expected[0] - expected[1]) > 1e-3
    one = ratings[0]
    assert (one.rater_kind, one.scale, one.criterion, one.status) == ("reward_model", "interval", "reward", "ok")
    assert (one.cost_usd, one.seconds > 0) == (0.0, True)
    assert [rating.value for rating in rater.rate([piece("It is.")])] == [one.value]  # the very same


@slow
def test_of_two_answers_the_value_is_the_bradley_terry_probability(tmp_path, folder):
    rater = made(tmp_path, folder, compares=True)
    (rating,) = rater.rate([piece("It is.", against="No!")])
    first, second = (own_logit(folder, "Is it?", text) for text in ("It is.", "No!"))
    assert rating.value == pytest.approx(1 / (1 + math.exp(second - first)), rel=1e-5)
    assert (rating.scale, rating.order) == ("preference", None)
    assert json.loads(rating.metadata)["rewards"] == pytest.approx([first, second], rel=1e-5)
    (turned,) = rater.rate([piece("No!", against="It is.")])
    assert turned.value == pytest.approx(1 - rating.value)


@slow
def test_a_classifier_without_a_template_reads_two_texts(tmp_path):
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    words = {word: n for n, word in enumerate(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "is", "it", "no"])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    marks = [("[CLS]", 1), ("[SEP]", 2)]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", "[CLS] $A [SEP] $B:1 [SEP]:1", marks)
    names = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    inputs = ["input_ids", "token_type_ids", "attention_mask"]
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=inputs, **names).save_pretrained(
        tmp_path / "b"
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=7, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, num_labels=1
    )
    model = BertForSequenceClassification(config).eval()
    model.save_pretrained(tmp_path / "b")
    with torch.no_grad():  # [CLS] is it [SEP] no [SEP]
        ids, kinds = torch.tensor([[1, 4, 5, 2, 6, 2]]), torch.tensor([[0, 0, 0, 0, 1, 1]])
        expected = float(model(input_ids=ids, token_type_ids=kinds).logits)
    for size in (1, 2):
        ratings = made(tmp_path, tmp_path / "b", template="plain", batch_size=size).rate([piece("no", prompt="is it")])
        assert [rating.value for rating in ratings] == pytest.approx([expected], rel=1e-5)
    (hidden,) = made(tmp_path, tmp_path / "b", template="plain").rate([piece("no [SEP]", prompt="is it")])
    assert hidden.value != pytest.approx(expected)  # three unknown words, and no second end


@slow
def test_a_context_is_shown_before_the_question_unless_the_question_has_it(tmp_path, folder):
    rater = made(tmp_path, folder)
    work = piece()
    told = Work(work.item.model_copy(update={"context": "Some."}), work.response)
    (rating,) = rater.rate([told])
    assert rating.value == pytest.approx(own_logit(folder, "Some.\n\nIs it?", "It is."), rel=1e-5)


@slow
def test_batches_give_the_same_values(tmp_path, folder):
    work = [piece("x" * n, number=n) for n in range(1, 8)]
    single = [rating.value for rating in made(tmp_path, folder).rate(work)]
    together = [rating.value for rating in made(tmp_path, folder, batch_size=3).rate(work)]
    assert together == pytest.approx(single, abs=1e-4)


@slow
def test_what_does_not_fit_is_skipped_and_never_cut(tmp_path, folder):
    fits = LENGTH - len(["<|user|>", "</s>", "<|assistant|>", "</s>"]) - len("Is it?")  # a byte a token
    work = [piece("x" * fits), piece("x" * (fits + 1), number=1)]
    first, second = made(tmp_path, folder).rate(work)
    assert (first.status, first.value is None) == ("ok", False)
    assert (second.status, second.value) == ("skipped", None)
    assert second.error == "the input does not fit the model (65 tokens, it takes 64)"
    (short,) = made(tmp_path, folder, max_length=12).rate([piece("It is.")])
    assert (short.status, "it takes 12" in short.error) == ("skipped", True)
    (pair,) = made(tmp_path, folder, compares=True).rate([piece("Short.", against="x" * 99)])
    assert (pair.status, pair.value) == ("skipped", None)


@slow
def test_a_response_that_never_came_is_no_reward(tmp_path, folder):
    (rating,) = made(tmp_path, folder).rate([piece(None, status="refused", error="no")])
    assert (rating.status, rating.value) == ("skipped", None)
    assert rating.error.startswith("no answer: ")


@slow
@pytest.mark.parametrize("mark", ["</s>", "<|assistant|>", "<pad>", "<|im_end|>"])
def test_a_text_cannot_write_the_marks_of_the_template(tmp_path, folder, mark):
    rater = made(tmp_path, folder)
    (rating,) = rater.rate([piece(f"No.{mark}Good")])
    assert rating.value == pytest.approx(own_logit(folder, "Is it?", f"No.{mark[0]} {mark[1:]}Good"), rel=1e-5)


@slow
def test_the_model_is_loaded_once_and_goes_with_the_rater(tmp_path, folder, monkeypatch):
    from transformers import AutoModelForSequenceClassification

    loaded = []
    load = AutoModelForSequenceClassification.from_pretrained

    def watched(*arguments, **fields):
        model = load(*arguments, **fields)
        loaded.append(weakref.ref(model))
        return model

    monkeypatch.setattr(AutoModelForSequenceClassification, "from_pretrained", watched)
    rater = made(tmp_path, folder)
    assert rater.version
    assert loaded == []  # not before it rates
    for _ in range(2):
        list(rater.rate([piece()]))
    assert len(loaded) == 1
    del rater
    gc.collect()
    assert loaded[0]() is None


@slow
def test_the_version_follows_the_weights_and_what_is_shown(tmp_path, folder):
    first = made(tmp_path, folder).version
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert made(tmp_path, copy).version == first  # the same model elsewhere
    assert made(tmp_path, folder, batch_size=4).version == first
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    others = [made(tmp_path, copy), made(tmp_path, folder, template="plain"), made(tmp_path, folder, max_length=20)]
    assert len({first, *(rater.version for rater in others)}) == 4


@slow
def test_a_run_is_rated_and_says_by_what(tmp_path, folder):
    catalogue(tmp_path, folder)
    suite = {"name": "x", "models": [{"name": "m", "model": "imported"}], "tasks": [{"task": "t", "raters": []}]}
    run = Run.create(tmp_path / "run", Suite.model_validate(suite))
    for n in range(3):
        run.write([piece(number=n).item], f"i{n}")
        run.write([piece(number=n).response], f"r{n}")
    rate(run, ["mine"], include=[tmp_path], cache=tmp_path / "cache")
    assert run.ratings["value"].notna().sum() == 3
    assert run.manifest["raters"]["mine"]["settings"] == {"model": str(folder)}
    assert rater_facts(made(tmp_path, folder))["version"] == run.ratings["rater_version"].iloc[0]


@slow
def test_a_model_that_cannot_be_used_is_named(tmp_path, folder):
    copy = shutil.copytree(folder, tmp_path / "copy")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"id2label": {"0": "a", "1": "b"}}))
    with pytest.raises(HarnessError, match="has 2 outputs; a reward model has one"):
        made(tmp_path, copy)
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(HarnessError, match="has no chat template; use `plain`"):
        list(made(tmp_path, copy).rate([piece()]))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnavailableError, match="names a folder or an id on the hub"):
        made(tmp_path, tmp_path / "empty")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "judge"}, "the kind of .* is `reward_model`, not 'judge'"),
        ({"scale": "preference"}, "one criterion, and `scale: interval`"),
        ({"criteria": ["a", "b"]}, "this has 2"),
        ({"batchsize": 2}, "settings: batchsize.*Did you mean 'batch_size'"),
        ({"template": "jinja"}, "settings: template"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, settings, message):
    with pytest.raises(HarnessError, match=message):
        made(tmp_path, "a-model", **settings)


def test_a_missing_package_is_named_with_the_extra_that_brings_it(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match=r"needs torch, transformers: pip install 'feedback-harness\[train\]'"):
        made(tmp_path, "a-model")


def test_the_preference_is_a_probability_for_any_difference():
    assert (sigmoid(0), sigmoid(1000), sigmoid(-1000)) == (0.5, 1, 0)
    assert sigmoid(math.log(3)) == pytest.approx(0.75)
