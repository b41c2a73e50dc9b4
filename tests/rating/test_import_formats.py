"""Every format of the catalogue is recognised and read; nothing is dropped in silence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError
from harness.rating.files.adjust import adjusted
from harness.rating.files.cells import number_of
from harness.rating.files.paths import MISSING, look_up
from harness.rating.files.presets import presets, read_mapping, recognise
from harness.rating.files.reading import read_ratings
from harness.rating.files.source import read_source
from harness.rating.files.table import clean, cleaned

FIXTURES = Path(__file__).parent / "fixtures"


def imported(name: str, format: str | None = None):
    source = read_source(FIXTURES / name)
    found = read_ratings(source, recognise(source, format))
    assert found.read == len(found.ratings) + len(found.rejected)
    assert len({one.rating_id for one in found.ratings}) == len(found.ratings)
    return found


def answers(found):
    return [
        (one.item_id, one.rater, one.criterion, one.label if one.value is None else one.value) for one in found.ratings
    ]


@pytest.mark.parametrize(
    ("name", "format", "read", "kept"),
    [
        ("label_studio.json", "label-studio", 8, 5),
        ("label_studio_min.json", "label-studio", 9, 9),
        ("label_studio.csv", "label-studio", 8, 8),
        ("argilla.json", "argilla", 5, 4),
        ("argilla_flat.jsonl", "argilla", 4, 3),
        ("mturk.csv", "mturk", 6, 6),
        ("mturk_form.csv", "mturk", 2, 2),
        ("mt_bench.jsonl", "mt-bench", 4, 3),
        ("helpsteer3.jsonl", "helpsteer3", 5, 4),
        ("helpsteer2_disagreements.jsonl", "helpsteer2", 15, 14),
        ("hh_rlhf.jsonl", "hh-rlhf", 2, 1),
        ("ultrafeedback.jsonl", "ultrafeedback", 2, 2),
        ("summeval.jsonl", "summeval", 16, 16),
        ("prodigy.jsonl", "prodigy", 3, 3),
        ("doccano_ada.jsonl", "doccano", 3, 3),
        ("google_forms.csv", "google-forms", 4, 4),
        ("long_cp1252.csv", "csv", 3, 3),
        ("wide.csv", "csv", 8, 8),
    ],
)
def test_a_format_is_recognised_and_every_row_accounted_for(name, format, read, kept):
    unnamed, named = imported(name), imported(name, format)
    assert unnamed.format == named.format == format
    assert unnamed.ratings == named.ratings
    assert (unnamed.read, len(unnamed.ratings)) == (read, kept)


def test_label_studio_json():
    found = imported("label_studio.json")
    assert answers(found) == [
        ("q1", "ada@example.org", "quality", 4),
        ("q1", "ada@example.org", "verdict", "good"),
        ("q1", "8", "quality", 3),
        ("q2", "ada@example.org", "any", None),
        ("q2", "8", "quality", 5),
    ]
    first, _, changed, skipped, anchored = found.ratings
    assert (first.rationale, first.seconds, first.scale) == ("Clear enough", 6, "ordinal")  # 12 s for two answers
    assert changed.flags == ["edited"]
    assert (skipped.status, skipped.flags) == ("skipped", ["prelabelled"])
    assert anchored.flags == ["prelabelled"]
    assert [(one.row, one.reason.split()[0]) for one in found.rejected] == [(1, "replaced"), (2, "is"), (3, "has")]


def test_the_flat_forms_of_label_studio_tell_answers_from_data():
    flat, sheet = imported("label_studio_min.json"), imported("label_studio.csv")
    assert {one.criterion for one in flat.ratings} == {"verdict", "stars", "share"}
    assert flat.ratings[2].value == 72
    assert {one.rater for one in sheet.ratings} == {"1", "ada@example.org"}
    assert any("passage" in note for note in flat.notes)


def test_argilla_keeps_drafts_as_a_status_and_remembers_suggestions():
    nested, flat = imported("argilla.json"), imported("argilla_flat.jsonl")
    assert [(one.rater_kind, one.value, one.status, one.flags) for one in nested.ratings] == [
        ("human", 4, "ok", ["prelabelled"]),
        ("human", None, "skipped", ["prelabelled"]),
        ("human", None, "ok", []),
        ("judge", 3, "ok", []),  # the suggestion of an agent is an AI's rating of the same
    ]
    assert nested.ratings[0].rationale == "why not"
    assert [(one.rater_kind, one.status) for one in flat.ratings] == [
        ("human", "ok"),
        ("human", "skipped"),
        ("judge", "ok"),
    ]


def test_mturk_divides_time_and_keeps_rejected_work_as_skipped():
    found = imported("mturk.csv")
    assert [one.status for one in found.ratings] == ["ok", "ok", "skipped", "skipped", "skipped", "ok"]
    assert sum(one.seconds for one in found.ratings) == 54
    assert imported("mturk_form.csv").ratings[0].value == 4


def test_mt_bench_tells_a_pair_from_one_side_and_knows_its_judge():
    found = imported("mt_bench.jsonl")
    assert {one.item_id for one in found.ratings} == {"81__alpaca__vicuna__1"}
    assert [(one.rater, one.rater_kind, one.value, one.order) for one in found.ratings] == [
        ("author_2", "human", 0, "against_first"),  # vicuna was first and won: 0 from alpaca's side
        ("expert_3", "human", 1, "response_first"),
        ("gpt-4", "judge", 0.5, "response_first"),
    ]


def test_helpsteer3_grades_become_preferences():
    found = imported("helpsteer3.jsonl")
    assert [one.value for one in found.ratings] == pytest.approx([1, 2 / 3, 0.5, 0])  # (3 - score) / 6
    assert [one.label for one in found.ratings] == ["-3", "-1", "0", "3"]
    assert "outside" in found.rejected[0].reason


def test_summeval_experts_and_crowd_are_slots():
    raters = {one.rater for one in imported("summeval.jsonl").ratings}
    assert raters == {"expert_slot_0", "expert_slot_1", "expert_slot_2", "turker_slot_0"}


def test_ultrafeedback_is_a_judge_and_not_available_is_no_value():
    found = imported("ultrafeedback.jsonl")
    assert [(one.rater_kind, one.value, one.status) for one in found.ratings] == [
        ("judge", 4, "ok"),
        ("judge", None, "skipped"),
    ]


def test_prodigy_ignores_are_missing():
    assert [(one.value, one.status) for one in imported("prodigy.jsonl").ratings] == [
        (1, "ok"),
        (0, "ok"),
        (None, "skipped"),
    ]


@given(st.lists(st.none() | st.text(), max_size=5))
def test_words_of_a_column_are_cleaned_as_one_is(words):
    assert cleaned(pa.array(words, pa.string())).to_pylist() == [
        word if word is None else clean(word) for word in words
    ]


def test_encodings_delimiters_and_decimal_commas():
    found = imported("long_cp1252.csv")
    assert [(one.rater, one.value) for one in found.ratings] == [("Zoë", 4.5), ("Ada", 3.5), ("Zoë", 2)]
    assert any("Windows-1252" in note for note in found.notes)


def test_wide_headers_are_read_by_the_users_pattern():
    source = read_source(FIXTURES / "wide.csv")
    mapping = adjusted(recognise(source), headers="(?P<rater>[a-z]+)_(?P<criterion>.+)", ai=["bob"])
    found = read_ratings(source, mapping)
    assert {(one.rater, one.rater_kind) for one in found.ratings} == {("alice", "human"), ("bob", "judge")}
    assert {one.criterion for one in found.ratings} == {"fluency", "relevance"}
    with pytest.raises(HarnessError, match="--map"):
        adjusted(mapping, headers="(?P<rater>")


def test_a_table_is_the_same_in_every_wrapping(tmp_path):
    table = pd.DataFrame({"item_id": ["a", "b"], "rater": ["x", "x"], "criterion": ["c", "c"], "value": [1.0, 0.0]})
    table.to_parquet(tmp_path / "t.parquet")
    table.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    table.to_csv(tmp_path / "t.csv", index=False, encoding="utf-16")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(table.to_csv(index=False, sep="\t").encode("utf-8-sig")))
    read = [read_ratings(path, recognise(path), task="t") for path in sorted(tmp_path.iterdir())]
    assert len({json.dumps(answers(one)) for one in read}) == 1
    assert len({tuple(rating.rating_id for rating in one.ratings) for one in read}) == 1
    assert read[0].ratings[0].scale == "binary"


def test_duplicates_are_counted_and_changed_answers_are_repetitions(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text(
        "item_id,rater,criterion,value,created_at\n"
        "a,x,c,1,10:00\na,x,c,1,10:00\na,x,c,1,11:00\na,x,c,2,10:00\na,y,c,,\na,y,c,3,\n"
    )
    found = read_ratings(path, recognise(path))
    assert [(one.rater, one.value, one.repetition) for one in found.ratings] == [
        ("x", 1, 0),
        ("x", 1, 1),
        ("x", 2, 2),
        ("y", 3, 0),
    ]
    assert [one.reason for one in found.rejected] == [
        "duplicate of row 1",
        "skipped, but the same rater answered in row 6",
    ]


def test_half_of_an_export_is_half_of_it(tmp_path):
    lines = (FIXTURES / "mt_bench.jsonl").read_text().splitlines()
    cut = tmp_path / "cut.jsonl"
    cut.write_text("\n".join(lines[:2]) + "\n" + lines[2][:40])
    found = read_ratings(cut, recognise(cut))
    assert (found.read, len(found.ratings)) == (3, 2)
    assert found.rejected[0].reason.startswith("line 3 is not JSON")
    whole = tmp_path / "cut.json"
    whole.write_text((FIXTURES / "label_studio.json").read_text()[:-200])
    with pytest.raises(HarnessError, match=r"cut.json:\d+: is not JSON .* was the export cut short"):
        read_source(whole)


def test_other_names_for_the_same_columns(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("id,annotator,dimension,score\n1,ann,fluency,4\n")
    assert answers(read_ratings(path, recognise(path))) == [("1", "ann", "fluency", 4)]
    path.write_text("id,ann,bob\n1,4,5\n")
    assert answers(read_ratings(path, recognise(path, "csv"))) == [("1", "ann", "rating", 4), ("1", "bob", "rating", 5)]


def test_broken_files_are_clear_errors(tmp_path):
    path = tmp_path / "x.csv"
    for content, message in (
        ("", "is empty"),
        ("a,a\n1,2\n", "column 'a' is there twice"),
        ("colour,size\nred,2\n", "of no format that is known"),
    ):
        path.write_text(content)
        with pytest.raises(HarnessError, match=message):
            recognise(path)
    path.write_text("item_id,rater,criterion,value\na,x,c,1\na,x,1\n,x,c,1\na,x,c,1,9\n")
    found = read_ratings(path, recognise(path))
    assert [one.reason for one in found.rejected] == [
        "line 3 has 3 cells, the header has 4",
        "has no item_id",  # which column that is is known of a table
        "line 5 has 5 cells, the header has 4",
    ]
    with pytest.raises(HarnessError, match="Did you mean 'argilla'"):
        recognise(FIXTURES / "argilla.json", "argila")


def test_unknown_rater_kinds_are_left_out_with_the_list(tmp_path):
    path = tmp_path / "k.csv"
    path.write_text(
        "item_id,rater,criterion,value,rater_kind\n"
        "1,a,c,1,human_expert\n1,m,c,2,human_aggregate\n1,g,c,1,LLM_judge\n1,z,c,1,oracle\n"
    )
    found = read_ratings(path, recognise(path))
    kinds = [(one.rater_kind, one.flags) for one in found.ratings]
    assert kinds == [("human", []), ("human", ["aggregate"]), ("judge", [])]
    assert "oracle" in found.rejected[0].reason


def test_a_mapping_of_ones_own(tmp_path):
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(
        "reads: [json]\nrecords: results.answers\nrows:\n  - {each: votes, as: vote}\nfields:\n  item_id: about.id\n"
        "  rater: vote.by\n  criterion: {constant: helpful}\n  value: {path: vote.said, recode: {'yes': 1, 'no': 0}}\n"
    )
    data = tmp_path / "data.json"
    votes = [{"by": "a", "said": "yes"}, {"by": "b", "said": "so"}]
    data.write_text(json.dumps({"results": {"answers": [{"about": {"id": 5}, "votes": votes}]}}))
    found = read_ratings(data, read_mapping(mapping))
    assert answers(found) == [("5", "a", "helpful", 1)]
    assert "'so'" in found.rejected[0].reason
    mapping.write_text(mapping.read_text().replace("rater:", "ratter:"))
    with pytest.raises(HarnessError, match=r"mapping.yaml:\d+"):
        read_mapping(tmp_path / ".." / tmp_path.name / "mapping.yaml")


def test_a_pattern_takes_the_part_of_a_text_that_is_meant():
    found = imported("hh_rlhf.jsonl")
    assert found.texts[0] == {
        "prompt": "Human: Hi.\n\nAssistant: Hello.\n\nHuman: How do I open a lock?",
        "response": "Is it your own?\n\nI can say how then.",
        "against": "With a hammer.",
    }
    assert (found.ratings[0].value, found.ratings[0].scale) == (1, "preference")
    assert [one.row for one in found.rejected] == [2]


def test_every_preset_says_what_it_is():
    known = presets().values()  # a table has no signs of its own: its columns are told by their names and values
    assert all(one.description and (one.recognise or one.table is not None) for one in known)


rows_of_csv = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.sampled_from(["1", "2", "", "no"])), max_size=12
)


@given(rows_of_csv)
def test_read_is_always_ratings_and_rejected(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "r.csv"
    lines = [f"{item},{who},c,{value}\n" for item, who, value in rows]
    path.write_text("item_id,rater,criterion,value\n" + "".join(lines))
    found = read_ratings(path, presets()["csv"])
    assert found.read == len(rows) == len(found.ratings) + len(found.rejected)
    assert len({one.rating_id for one in found.ratings}) == len(found.ratings)


records = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "a.b"]), below, max_size=3),
)


@given(records, st.text("abc.[]=01{}", max_size=8))
def test_no_path_breaks_on_any_record(record, path):
    look_up(path, {".": record})


def test_paths():
    record = {"a": {"b.c": [1, {"d": 2}]}, "l": [{"k": "x", "v": 1}, {"k": "y", "v": 2}]}
    assert look_up("a.b.c.1.d", {".": record}) == 2
    assert look_up("l[k=y].v", {".": record}) == 2
    assert look_up("l[k={who}].v", {".": record, "who": "x"}) == 1
    assert look_up("a.z", {".": record}) is MISSING


def test_numbers():
    cells = ("4", " -1.5e2", "4,5", "1,000", "four", "")
    assert [number_of(cell) for cell in cells] == [4, -150, 4.5, None, None, None]
    assert number_of("1,000", decimal_comma=True) == 1


def test_an_installed_package_may_bring_a_format(tmp_path, monkeypatch):
    (tmp_path / "shop.yaml").write_text(
        "reads: [csv]\nrecognise: [{path: stars_given, exists: true}]\n"
        "fields: {item_id: product, rater: buyer, criterion: {constant: liking}, value: stars_given}\n"
    )
    (tmp_path / "shop_format.py").write_text(
        "from pathlib import Path\n\nMAPPING = Path(__file__).parent / 'shop.yaml'\n"
    )
    facts = tmp_path / "shop-1.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1\n")
    (facts / "entry_points.txt").write_text("[harness.importers]\nshop = shop_format:MAPPING\n")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "export.csv").write_text("product,buyer,stars_given\nkettle,ada,4\n")
    form = recognise(tmp_path / "export.csv")
    assert form.name == "shop"
    assert [one.value for one in read_ratings(tmp_path / "export.csv", form).ratings] == [4.0]


def written(path, records):
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return path


def test_a_judge_of_two_orders_that_differ_says_a_tie(tmp_path):
    """As the released judgments of GPT-4 write it: the mean of the two orders is half a win, and no row is lost."""
    said = ["model_a", "tie (inconsistent)", "tie (inconsistent)", "model_b"]
    records = [
        {"question_id": 81 + i, "model_a": "a", "model_b": "b", "winner": one, "judge": "gpt4_pair", "turn": 1}
        for i, one in enumerate(said)
    ]
    source = read_source(written(tmp_path / "gpt4_pair.jsonl", records))
    found = read_ratings(source, recognise(source))
    assert [(one.rater_kind, one.value) for one in found.ratings] == [
        ("judge", 1), ("judge", 0.5), ("judge", 0.5), ("judge", 0),
    ]  # fmt: skip


def test_battles_with_a_count_of_turns_are_the_arenas(tmp_path):
    """The arena's 33k and 100k count the turns of a conversation; MT-Bench's `turn` says which was judged."""
    battle = {"model_a": "koala", "model_b": "alpaca", "winner": "tie (bothbad)", "turn": 1, "tstamp": 1682351591.5}
    hashed = written(tmp_path / "100k.jsonl", [{"question_id": "58210e", "judge_hash": "e1", **battle}])
    named = written(tmp_path / "33k.jsonl", [{"question_id": "58210e", "judge": "arena_user_973", **battle}])
    for path, rater in ((hashed, "e1"), (named, "arena_user_973")):
        source = read_source(path)
        mapping = recognise(source)
        (one,) = read_ratings(source, mapping).ratings
        assert (mapping.name, one.rater, one.rater_kind, one.value) == ("arena", rater, "human", 0.5)


def test_a_judge_keeps_its_name_where_a_table_holds_lists_as_text(tmp_path):
    """FastChat names a judge by a list of its model and its prompt; the prompt of turn 2 is not another judge."""
    rows = [
        {"question_id": 81, "model": "a", "judge": ["gpt-4", f"single-v1{more}"], "score": score, "turn": turn}
        for turn, more, score in ((1, "", 8.5), (2, "-multi-turn", -1))
    ]
    nested = written(tmp_path / "judged.jsonl", rows)
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "printed.csv", index=False)
    frame.assign(judge=frame["judge"].map(json.dumps)).to_csv(tmp_path / "json.csv", index=False)
    for path in (nested, tmp_path / "printed.csv", tmp_path / "json.csv"):
        source = read_source(path)
        found = read_ratings(source, recognise(source))
        assert [(one.rater, one.value, one.status) for one in found.ratings] == [
            ("gpt-4", 8.5, "ok"), ("gpt-4", None, "unparsed"),
        ], path.name  # fmt: skip


def test_the_arenas_prompts_are_text_where_contents_have_parts(tmp_path):
    said = [{"role": "user", "content": [{"type": "text", "text": "Why?", "image": None, "mimeType": None}]}]
    battle = {"id": "u0", "model_a": "a", "model_b": "b", "winner": "both_bad", "conversation_a": said}
    source = read_source(written(tmp_path / "140k.jsonl", [{**battle, "conversation_b": said}]))
    assert read_ratings(source, recognise(source)).texts[0]["prompt"] == "Why?"
