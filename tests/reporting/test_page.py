"""The page as a file: nothing it could load, nothing it could run but its own script, and the same bytes each time."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.reporting import page
from harness.reporting.cases import carried
from harness.run.folder import Run
from harness.suite import Suite

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028`{{ 7*7 }}` someone@example.org"


def rendered(evidence, redact_text=False, include=()):
    return page.render([page.view(evidence, carried(evidence, redact_text))], Catalog(include))


@pytest.fixture(scope="module")
def html(run, made_up_evidence):
    return rendered(made_up_evidence(run))


@pytest.fixture(scope="module")
def hostile_html(made_up_run, made_up_evidence, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile") / "run"
    return rendered(made_up_evidence(made_up_run(folder, questions=6, held_out=30, hostile=HOSTILE)))


def test_the_same_run_gives_the_same_bytes(html, run, made_up_evidence):
    assert rendered(made_up_evidence(run)) == html


def test_no_address_of_the_web_can_be_loaded(html):
    assert not re.search(r"(src|href|action|srcset|data)\s*=\s*[\"']?\s*(https?:)?//", html)
    assert "@import" not in html
    assert "url(" not in html.replace("url(#", "")
    assert "http" not in re.sub(r"http-equiv", "", html)


def test_the_security_policy_names_the_one_script_by_its_hash(html):
    scripts = re.findall(r"<script>(.*?)</script>", html, re.S)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)[1]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def test_hostile_text_stays_text(hostile_html):
    assert "<img src=x" not in hostile_html
    assert "<script>alert" not in hostile_html
    assert len(re.findall("<script", hostile_html)) == 2  # the page's own, and the block of data
    assert "\u2028" not in re.search(r'application/json"[^>]*>(.*?)</script>', hostile_html, re.S)[1]
    assert "7*7" in hostile_html  # a template in a text is not rendered


def test_no_address_of_a_person_reaches_the_page(hostile_html):
    assert not re.search(r"[\w.+%-]+@[\w-]+\.\w+", hostile_html)
    assert "[address removed]" in hostile_html


def test_every_figure_has_two_drawings_a_caption_and_its_numbers(html):
    figures = re.findall(r'<figure id="fig-(\w+)">(.*?)</figure>', html, re.S)
    assert [name for name, _ in figures] == ["race", "rounds", "flow", "kept", "published", "closeness", "biases"]
    for _, figure in figures:
        assert figure.count("<svg ") == 2
        assert "<figcaption" in figure
        assert "<table>" in figure


def test_a_figure_has_a_line_and_a_band_for_each_series(html):
    drawing = re.search(r'id="fig-rounds">.*?<div class="drawing wide"[^>]*>(.*?)</div>', html, re.S)[1]
    for hue in ("--hue-1", "--hue-2", "--hue-3"):
        assert re.search(rf'<path [^>]*fill="var\({hue}\)"[^>]*fill-opacity|fill="var\({hue}\)"[^>]*opacity', drawing)
        assert re.search(rf'<path [^>]*stroke="var\({hue}\)"', drawing)
    assert "#" not in drawing.replace("url(#", "")  # every colour is a variable


def test_ids_are_unique_also_with_two_runs(run, made_up_evidence):
    evidence = made_up_evidence(run)
    views = [page.view(evidence, carried(evidence), prefix) for prefix in ("", "run2-")]
    both = page.render(views, Catalog())
    assert "Side by side" in both
    ids = re.findall(r'\sid="([^"]+)"', both)
    assert len(ids) == len(set(ids))


def test_links_within_the_page_lead_somewhere(html):
    ids = set(re.findall(r'\sid="([^"]+)"', html))
    for target in re.findall(r'href="#([^"?]+)', html):
        assert target in ids, target


def test_people_have_a_row_before_they_have_rated(html):
    assert "not rated yet" in html


def test_a_user_replaces_one_file(run, made_up_evidence, tmp_path):
    (tmp_path / "reports" / "page").mkdir(parents=True)
    (tmp_path / "reports" / "page" / "page.css").write_text("body { color: rebeccapurple }")
    own = rendered(made_up_evidence(run), include=[tmp_path])
    assert "rebeccapurple" in own
    assert "--paper" not in own.partition("</style>")[0]


def test_a_bundle_keeps_its_cases_beside_the_page(run, made_up_evidence, tmp_path):
    index = page.write_bundle([made_up_evidence(run)], tmp_path / "site", Catalog())
    [shard] = sorted((tmp_path / "site" / "data").iterdir())
    data = json.loads(shard.read_text()[len('harnessShard("cases",') : -len(");\n")])
    assert len(data["cases"]) == 120  # 80 answers rated by key and judge, and 40 pairs in both orders
    assert "script-src 'self' 'sha256-" in index.read_text()


def test_json_of_the_page_ends_no_script():
    text = str(page.script_json({"a": "</script><!--\u2029"}))
    assert "<" not in text
    assert json.loads(text) == {"a": "</script><!--\u2029"}


def test_sentences_show_commands_as_code_and_escape_the_rest():
    assert page.sentence("run `harness <x>` & see") == "run <code>harness &lt;x&gt;</code> &amp; see"
    assert page.sentence("one ` alone <b>") == "one ` alone &lt;b&gt;"


def test_a_folder_that_is_no_run_is_an_error(tmp_path):
    with pytest.raises(HarnessError, match="is no run"):
        page.report(tmp_path)


def test_a_run_that_has_just_begun_has_a_page_too(tmp_path):
    suite = {"name": "begun", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "t"}]}
    begun = Run.create(tmp_path / "run", Suite.model_validate(suite))
    assert "Nothing has been rated in this run." in page.report(begun).read_text(encoding="utf-8")
