"""The page in Chromium: no request, no foreign script, accessible in both themes, and whole with scripts off."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.catalog import Catalog
from harness.reporting import page
from harness.reporting.cases import carried
from harness.reporting.site import publish

pytestmark = pytest.mark.browser

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
HOSTILE = [
    "</script><script>window.hacked = 1; alert('script')</script>",
    "<img src=x onerror=\"window.hacked = 2; alert('image')\">",
    "<svg onload=alert(3)><a href=javascript:alert(4)>x</a><iframe src=//evil.example></iframe>",
    "'\"--></style><meta http-equiv=refresh content='0;url=//evil.example'><base href=//evil.example>",
    "{{ 7*7 }} {% raw %} ${alert(5)} \u2028 \u2029 \u202e right to left \ufeff = +cmd|' /C calc'!A0",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def path(run, made_up_evidence, tmp_path_factory) -> Path:
    evidence = made_up_evidence(run)
    evidence.pairs[0]["criterion_b"] = "quality"  # what the judge of the made-up run rates: a cell of its matrix
    target = tmp_path_factory.mktemp("page") / "report.html"
    target.write_text(page.render([page.view(evidence, carried(evidence))], Catalog()), encoding="utf-8")
    return target


@pytest.fixture
def opened(browser, path):
    """Open a page and record every request, dialog and error."""
    contexts = []

    def open_page(target: Path = path, fragment: str = "", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        shown = context.new_page()
        shown.log = []
        shown.on("dialog", lambda dialog: (shown.log.append(f"dialog {dialog.message}"), dialog.dismiss()))
        shown.on("pageerror", lambda error: shown.log.append(f"error {error}"))
        shown.on("console", lambda line: shown.log.append(f"console {line.text}") if line.type == "error" else None)
        own = target.parent.as_uri()
        shown.on("request", lambda r: None if r.url.startswith(own) else shown.log.append(f"request {r.url}"))
        shown.goto(target.as_uri() + fragment)
        return shown

    yield open_page
    for context in contexts:
        context.close()


def test_hostile_text_in_every_field_does_nothing(made_up_run, made_up_evidence, opened, tmp_path):
    hostile = "\n".join(HOSTILE)
    run = made_up_run(tmp_path / "run", questions=4, held_out=20, hostile=hostile)
    evidence = made_up_evidence(run, hostile)
    target = tmp_path / "page.html"
    target.write_text(page.render([page.view(evidence, carried(evidence))], Catalog()), encoding="utf-8")
    shown = opened(target)
    shown.locator(".entry").first.click()
    for details in shown.locator("summary").all():
        details.click()
    assert shown.log == []
    assert shown.evaluate("window.hacked") is None
    assert shown.evaluate("document.scripts.length") == 2
    assert shown.evaluate("document.querySelectorAll('img, iframe, base, [onerror], [onload]').length") == 0
    visible = shown.locator(".case").inner_text()
    assert all(line.split()[0] in visible for line in HOSTILE)  # the text is shown, as text


def test_an_injected_script_would_not_run_either(path, opened, tmp_path):
    target = tmp_path / "page.html"
    attack = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 2'>"
    target.write_text(path.read_text(encoding="utf-8").replace("<main>", f"<main>{attack}"), encoding="utf-8")
    shown = opened(target)
    shown.wait_for_selector(".entry")
    assert shown.evaluate("window.hacked") is None


def test_the_page_asks_for_nothing(opened):
    shown = opened()
    shown.wait_for_selector(".entry")
    assert shown.log == []


def test_figures_and_findings_show_with_scripts_off(opened):
    shown = opened(java_script_enabled=False)
    for figure in shown.locator("figure .drawing.wide svg").all():
        assert figure.bounding_box()["height"] > 20
    assert shown.locator("figure .drawing.wide svg").count() == shown.locator("figure:not(.matrix)").count() > 4
    assert shown.locator(".findings li").count() > 4
    assert shown.locator("noscript").is_visible()


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_runs_over_the_edge(opened, width):
    shown = opened(viewport={"width": width, "height": 800})
    assert shown.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("scheme", "width"),
    [
        ("light", 1280),
        ("dark", 390),
        pytest.param("light", 390, marks=pytest.mark.slow),
        pytest.param("dark", 1280, marks=pytest.mark.slow),
    ],
)
def test_no_accessibility_violation(opened, scheme, width):
    if not AXE.is_file():
        reason = "axe-core is not installed (npm install --prefix tests/reporting)"
        if "axe" in os.environ.get("HARNESS_REQUIRE", "").split(","):
            pytest.fail(reason)
        pytest.skip(reason)
    shown = opened(color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    shown.wait_for_selector(".entry")
    for details in shown.locator("details").all():
        details.evaluate("element => { element.open = true }")
    shown.add_script_tag(path=str(AXE))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = shown.evaluate(f"axe.run({{runOnly: {tags}}})")
    assert [(v["id"], [node["html"][:120] for node in v["nodes"][:3]]) for v in found["violations"]] == []


def test_the_list_keeps_few_rows_and_moves_by_keys(opened):
    shown = opened()
    entries = shown.locator(".list .entry")
    assert 5 < entries.count() < 60
    shown.locator(".list").focus()
    for key in ("j", "j", "ArrowDown", "k"):
        shown.keyboard.press(key)
    assert shown.locator('.entry[aria-selected="true"]').get_attribute("aria-posinset") == "3"
    shown.keyboard.press("End")
    last = shown.locator('.entry[aria-selected="true"]')
    assert last.get_attribute("aria-posinset") == last.get_attribute("aria-setsize")


def test_search_and_filters_narrow_the_list_and_the_address_brings_them_back(opened, path):
    shown = opened()
    shown.fill("input[type=search]", "kettle hall")
    count = shown.locator(".count").inner_text()
    assert 0 < int(count.split()[0]) < 120
    shown.select_option("select[name=c]", "preference")
    assert "q=kettle+hall" in shown.url
    assert "c=preference" in shown.url
    narrowed = shown.locator(".count").inner_text()
    again = opened(path, "#" + shown.url.partition("#")[2])
    assert again.locator(".count").inner_text() == narrowed
    assert again.input_value("input[type=search]") == "kettle hall"


def test_a_cell_of_the_matrix_leads_to_its_disagreements(opened):
    shown = opened()
    shown.locator('.heat td a[href*="answer_key"]').first.click()
    assert sorted([shown.input_value("select[name=a]"), shown.input_value("select[name=b]")]) == ["answer_key", "judge"]
    assert "judge" in shown.locator(".entry").first.inner_text()


def test_one_answer_has_an_address(opened, path):
    shown = opened()
    shown.locator(".entry").nth(2).click()
    title = shown.locator(".case h3").first.inner_text()
    again = opened(path, "#" + shown.url.partition("#")[2])
    assert again.locator(".case h3").first.inner_text() == title


def test_the_address_of_an_answer_is_made_of_its_ids(opened, run):
    shown = opened()
    shown.locator(".entry").nth(2).click()
    ids = shown.url.partition("#item=")[2].split("~")
    assert set(ids) <= set(run.responses["response_id"])


def test_who_differs_narrows_the_list(opened):
    shown = opened()
    shown.select_option("select[name=p]", "a rater failed")
    failed = shown.locator(".count").inner_text()
    assert 0 < int(failed.split()[0]) < 120
    assert "p=a+rater+failed" in shown.url
    assert "unparsed" in shown.locator(".case").inner_text()
    assert shown.locator("select[name=p] option", has_text="people").count() == 0  # nobody rated here


def test_alpha_and_kappa_change_places_without_a_script(made_up_run, opened, tmp_path):
    run = made_up_run(tmp_path / "run", questions=20, series={}, people=2)
    shown = opened(page.report(run), java_script_enabled=False)
    cells = [shown.locator(f".heat .as-{name}").first for name in ("alpha", "kappa")]
    assert [cell.is_visible() for cell in cells] == [True, False]
    shown.locator("input[value=kappa]").check()
    assert [cell.is_visible() for cell in cells] == [False, True]


def test_a_site_filters_its_runs_and_keeps_the_filters_in_the_address(made_up_run, opened, tmp_path):
    for name, series in (("one", {}), ("two", {"verifier": [0.4, 0.7, 0.9], "none": [0.4, 0.4, 0.4]})):
        made_up_run(tmp_path / "runs" / name, questions=6, held_out=60, series=series, hostile=HOSTILE[0])
    index = publish(tmp_path / "runs", tmp_path / "site")
    shown = opened(index, viewport={"width": 390, "height": 800})
    assert shown.locator(".runs > li:visible").count() == 2
    assert shown.evaluate("document.documentElement.scrollWidth") <= 390
    shown.select_option("select[name=task]", "addition")
    assert shown.locator(".runs > li:visible").count() == 1
    assert shown.url.endswith("#f?task=addition")
    again = opened(index, "#f?task=addition")
    assert again.locator(".count").inner_text() == "1 of 2 runs"
    again.locator(".runs > li:visible h2 a").click()
    again.wait_for_selector(".entry")
    assert shown.log == again.log == []
    assert shown.evaluate("window.hacked") is None


def test_a_bundle_reads_its_shards_from_disk(run, made_up_evidence, opened, tmp_path):
    index = page.write_bundle([made_up_evidence(run)], tmp_path / "site", Catalog())
    shown = opened(index)
    shown.wait_for_selector(".entry")
    assert shown.log == []
    assert "of 120 answers" in shown.locator(".count").inner_text()


def test_it_prints_with_every_figure(opened):
    shown = opened()
    shown.emulate_media(media="print")
    assert shown.locator("figure .drawing.wide svg").first.is_visible()
    assert not shown.locator(".app").is_visible()
    height = shown.locator(".methods .definitions").bounding_box()["height"]
    assert height > 100  # what is folded on the screen is open on paper
    assert len(shown.pdf()) > 20_000


def test_chromium_prints_a_pdf(path, tmp_path):
    from harness.reporting.print import print_pdf

    written = print_pdf(path, tmp_path / "out" / "report.pdf").read_bytes()
    assert written.startswith(b"%PDF")
    assert len(written) > 20_000


def test_the_numbers_of_a_figure_can_be_saved_unrounded(opened):
    shown = opened()
    shown.locator("#fig-rounds summary").click()
    with shown.expect_download() as download:
        shown.locator("#fig-rounds details button", has_text="CSV").click()
    first, second, *_ = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert first == "series,round,delta,low,high,n items"
    assert second.startswith("verifier,0,,")
    with shown.expect_download() as download:
        shown.locator("#fig-rounds details button", has_text="JSONL").click()
    rows = [json.loads(line) for line in Path(download.value.path()).read_text(encoding="utf-8").splitlines()]
    assert rows[0] == {"series": "verifier", "round": 0, "delta": None, "low": None, "high": None, "n items": 200}


def test_saved_texts_start_no_formula_and_jsonl_is_exact(made_up_run, made_up_evidence, opened, tmp_path):
    hostile = "=1+1"
    evidence = made_up_evidence(made_up_run(tmp_path / "run", questions=2, series={}, hostile=hostile))
    for response in evidence.run.responses.index:
        evidence.run.responses.loc[response, "text"] = '=HYPERLINK("x")'
    target = tmp_path / "page.html"
    target.write_text(page.render([page.view(evidence, carried(evidence))], Catalog()), encoding="utf-8")
    shown = opened(target)
    saved = {}
    for kind in ("csv", "jsonl"):
        with shown.expect_download() as download:
            shown.locator(f"[data-save={kind}]").click()
        saved[kind] = Path(download.value.path()).read_text(encoding="utf-8")
    assert '"\'=HYPERLINK(""x"")"' in saved["csv"]
    assert '"response":"=HYPERLINK(\\"x\\")"' in saved["jsonl"]


def test_differences_between_two_answers_can_be_marked(opened):
    shown = opened()
    shown.select_option("select[name=c]", "preference")
    shown.locator(".case button", has_text="Mark").click()
    marked = shown.locator(".case mark").all_inner_texts()
    assert "0." in marked
    assert "1." in marked  # "sample 0." against "sample 1."
    assert "look" not in marked
