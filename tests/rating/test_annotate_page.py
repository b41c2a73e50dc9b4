"""The rating page in a real browser, by keyboard alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from harness.rating.people.annotation.offline import export_html
from harness.rating.people.annotation.server import serve
from harness.rating.people.annotation.session import Session
from harness.rating.people.annotation.widget import annotate
from harness.rating.people.human import asked_of, import_ratings
from harness.records import Item, Response
from harness.run.folder import Run
from harness.suite import Suite

KEY = bytes(range(32))
CONTENTS = {"name": "x", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "t"}]}
HOSTILE = "<img src=x onerror=alert(1)></section><script>alert(2)</script> and a plain answer"

pytestmark = pytest.mark.browser


@pytest.fixture
def run(tmp_path) -> Run:
    run = Run.create(tmp_path / "run", Suite.model_validate(CONTENTS))
    run.write(
        [Item(task="t", item_id=str(n), family="summarization", prompt=f"Sum up text {n}.") for n in range(3)], "t"
    )
    answers = [
        Response(response_id=f"{n}{k}", task="t", item_id=str(n), model=model, text=f"{HOSTILE} {n}")
        for n in range(3)
        for k, model in enumerate(("secret-one", "secret-two"))
    ]
    run.write(answers, "t")
    return run


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def begin(run, browser):
    """Return a function that opens a rater's page."""
    open_now = []

    def open_page(rater="h_00000001", question="human_quality", **options):
        session = Session(run, rater, asked_of(run, [question]), repeats=0, name="Ada", **options)
        serving = serve({rater: session}, KEY)
        address = serving.__enter__()[0]
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
        page.goto(address.url)
        page.click("#start")
        page.wait_for_selector("#task:not([hidden])")
        open_now.append((serving, session))
        return page, session, address

    yield open_page
    for serving, session in open_now:
        serving.__exit__(None, None, None)
        session.journal.close()


def press(page, key):
    before = page.text_content("#count")
    page.keyboard.press(key)
    page.wait_for_function("before => document.getElementById('count').textContent !== before", arg=before)


def ratings(run):
    return Run(run.folder).ratings.sort_values("created_at", kind="stable")


def test_a_session_by_keyboard_alone(run, begin):
    page, session, _ = begin()
    assert page.url.endswith("/h_00000001/")  # the token is gone from the address
    assert page.evaluate("document.cookie") == ""
    shown = page.text_content("body")
    assert "secret" not in shown
    assert "onerror" in page.text_content("#sides")  # as text
    assert page.text_content("#question") == "How good is this text?"
    press(page, "4")
    press(page, "s")
    page.keyboard.press("c")
    page.keyboard.type("1 thing is missing")  # digits in a comment are no grades
    page.keyboard.press("Escape")
    press(page, "2")
    assert page.text_content("#count") == "3 of 6"
    rows = Run(run.folder).ratings
    assert sorted(rows["value"].dropna()) == [2, 4]
    assert rows["status"].value_counts().to_dict() == {"ok": 2, "skipped": 1}
    assert "1 thing is missing" in set(rows["rationale"])
    assert (rows["seconds"] > 0).all()
    press(page, "u")
    assert page.text_content("#count") == "2 of 6"
    assert page.input_value("#comment") == "1 thing is missing"
    assert page.get_attribute("#grades button[data-key='2']", "aria-pressed") == "true"
    for key in "5345":
        press(page, key)
    assert page.text_content("#end-title") == "That was the last one."
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.getElementById('end-title').textContent === 'Thank you.'")
    assert session.closed
    assert len(Run(run.folder).ratings) == 6


def test_a_reload_and_a_second_tab_lose_nothing(run, begin):
    page, _, address = begin()
    press(page, "3")
    page.keyboard.press("c")
    page.keyboard.type("half a thought")
    page.reload()
    page.wait_for_selector("#task:not([hidden])")
    assert page.text_content("#count") == "1 of 6"
    assert page.input_value("#comment") == "half a thought"
    other = page.context.new_page()
    other.goto(address.url)
    other.click("#start")
    other.wait_for_selector("#task:not([hidden])")
    press(other, "5")
    press(page, "1")  # answered elsewhere already: the page moves on and takes nothing
    assert "Answered elsewhere" in page.text_content("#alert")
    assert sorted(Run(run.folder).ratings["value"]) == [3, 5]


def test_a_server_that_is_gone_is_said_and_the_answer_is_given_again(run, begin):
    page, _, _ = begin()
    page.context.set_offline(True)
    page.keyboard.press("4")
    page.wait_for_selector("#alert:not([hidden])")
    assert "Not saved" in page.text_content("#alert")
    page.context.set_offline(False)
    press(page, "4")
    assert page.is_hidden("#alert")
    assert Run(run.folder).ratings["value"].tolist() == [4]


def test_time_stands_still_while_nobody_looks(run, begin):
    page, _, _ = begin()
    page.evaluate("window.dispatchEvent(new Event('blur'))")
    page.evaluate("Object.defineProperty(document, 'hasFocus', {value: () => false, configurable: true})")
    page.evaluate("window.dispatchEvent(new Event('blur'))")
    time.sleep(1.5)
    page.evaluate("delete document.hasFocus")
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    begun = time.monotonic()
    press(page, "4")
    assert Run(run.folder).ratings["seconds"].iloc[0] < 1.5 + (time.monotonic() - begun)
    assert float(page.evaluate("performance.now()")) / 1000 - Run(run.folder).ratings["seconds"].iloc[0] > 1.4


def test_two_answers_are_compared_by_letters_and_single_keys_can_be_turned_off(run, begin):
    page, _, _ = begin(question="human_preference")
    assert page.locator("#sides section").count() == 2
    press(page, "t")
    page.uncheck("#keys")
    page.keyboard.press("a")
    page.wait_for_timeout(200)
    assert page.text_content("#count") == "1 of 3"
    page.check("#keys")
    press(page, "b")
    values = Run(run.folder).ratings["value"]
    assert 0.5 in set(values)
    assert set(values) - {0.5} <= {0, 1}  # B is 0 or 1 from the side that the comparison is told from
    assert len(values) == 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_readable_in_light_and_dark(run, begin, tmp_path, scheme):
    page, _, _ = begin()
    page.emulate_media(color_scheme=scheme)
    ink, paper = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    assert contrast(ink, paper) > 7
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    sizes = page.evaluate(
        "[...document.querySelectorAll('#task button, #task input')]"
        ".map(e => e.closest('label, button').getBoundingClientRect().height)"
    )
    assert min(sizes) >= 24  # WCAG 2.2, 2.5.8
    path = tmp_path / f"{scheme}.png"
    page.screenshot(path=str(path))
    assert Path(path).stat().st_size > 10_000


def contrast(one: str, two: str) -> float:
    """Return the contrast of two `rgb(r, g, b)` colours, as WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


AXE = Path(__file__).parent.parent / "reporting" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.mark.parametrize("question", ["human_quality", "human_preference"])
def test_axe_finds_nothing_at_wcag_22_aa(begin, question):
    if not AXE.is_file():
        reason = "axe-core is not installed (npm install --prefix tests/reporting)"
        if "axe" in os.environ.get("HARNESS_REQUIRE", "").split(","):
            pytest.fail(reason)
        pytest.skip(reason)
    page, _, _ = begin(question=question)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    for _ in range(2):
        found = page.evaluate(f"axe.run({{runOnly: {tags}}})")
        assert found["violations"] == []
        assert len(found["passes"]) > 10
        if page.is_visible("#close"):
            page.click("#close")
            page.wait_for_selector("#end:not([hidden])")


def test_the_page_as_one_file_gives_a_jsonl_that_comes_into_the_run(run, browser, tmp_path):
    path = tmp_path / "rate.html"
    asked = asked_of(run, ["human_preference"])
    assert export_html(run, path, asked, "h_00000009", name="Ada", repeats=0) == 3
    assert "secret" not in path.read_text()
    page = browser.new_context(accept_downloads=True).new_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    page.goto(path.as_uri())
    assert page.text_content("#welcome-title") == "Ada, you are asked to rate 3 answers."
    page.click("#start")
    page.wait_for_selector("#task:not([hidden])")
    press(page, "a")
    press(page, "s")
    press(page, "u")
    page.reload()  # the browser keeps what was said
    page.wait_for_selector("#task:not([hidden])")
    assert page.text_content("#count") == "1 of 3"
    press(page, "t")
    press(page, "b")
    with page.expect_download() as waiting:
        page.click("#end-close")
    answers = tmp_path / "answers.jsonl"
    waiting.value.save_as(answers)
    found = import_ratings(answers, run, key=KEY)
    assert (found.read, len(found.ratings), found.rejected) == (3, 3, [])
    assert {one.rater for one in found.ratings} == {"h_00000009"}
    assert [one.value for one in found.ratings][1] == 0.5
    assert [url for url in requests if not url.startswith(("file:", "blob:"))] == []


def test_the_page_in_a_notebook_asks_the_kernel(run, browser, tmp_path, monkeypatch):
    pytest.importorskip("anywidget")
    monkeypatch.setenv("HARNESS_KEY_FILE", str(tmp_path / "key"))
    annotate(run, "Ada", ["human_quality"], repeats=0)
    widget = annotate(run.folder, "Ada", ["human_quality"], repeats=0)  # the cell was run again
    told: list[dict] = []
    widget.send = told.append

    def kernel(content: dict) -> dict:
        widget._handle_custom_msg(content, [])
        return told.pop()

    page = browser.new_page()
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("dialog", lambda dialog: pytest.fail(f"a dialog: {dialog.message}"))
    page.expose_function("kernel", kernel)
    page.set_content("<main></main>")
    page.evaluate(
        """async ([script, shown]) => {
            const heard = [];
            const model = {
                get: () => shown,
                on: (name, tell) => heard.push(tell),
                off: () => {},
                send: (content) => window.kernel(content).then((said) => heard.forEach((tell) => tell(said))),
            };
            const code = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
            (await import(code)).default.render({ model, el: document.querySelector("main") });
        }""",
        [widget._esm, widget.page],
    )
    frame = page.frame_locator("iframe")
    frame.locator("#start").click()
    frame.locator("#task:not([hidden])").wait_for()
    assert "secret" not in widget.page
    frame.locator("#question").focus()
    page.keyboard.press("4")
    frame.locator("#count", has_text="1 of 6").wait_for()
    assert ratings(run)["value"].tolist() == [4.0]  # on disk before the next thing is shown
    page.keyboard.press("u")
    frame.locator("#count", has_text="0 of 6").wait_for()
    assert [url for url in requests if not url.startswith(("blob:", "about:"))] == []


CODE = "```python\ndef add(a, b):\n    return a + b\n```\n" + "A long reason. " * 80


@pytest.mark.parametrize("size", [(1366, 768), (768, 1024), (390, 844)])
def test_the_grades_never_cover_the_answer_and_can_be_touched(run, browser, size):
    run.write([Item(task="t", item_id="9", family="summarization", prompt="Sum up. " * 60)], "long")
    run.write([Response(response_id="long", task="t", item_id="9", model="m", text=CODE)], "long")
    asked = [one for one in asked_of(run, ["human_quality"]) if one.response.response_id == "long"]
    session = Session(run, "h_00000001", asked, repeats=0, name="Ada")
    phone = size[0] < 400
    page = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, has_touch=phone, is_mobile=phone
    ).new_page()
    with serve({"h_00000001": session}, KEY) as addresses:
        page.goto(addresses[0].url)
        page.click("#start")
        page.locator("#sides .said").evaluate("(text) => text.scrollIntoView({ block: 'end' })")
        shown = page.evaluate(
            """() => {
              const box = (name) => document.querySelector(name).getBoundingClientRect();
              const side = box('.grading').left >= box('#sides .said').right;  // beside the text, not over it
              const sizes = [...document.querySelectorAll('#task button')].map((b) => b.getBoundingClientRect());
              return { side, free: side ? innerHeight : box('.grading').top, sizes };
            }"""
        )
        assert shown["side"] == (size[0] > 1024)
        assert shown["free"] > 0.6 * size[1]
        assert all(box["height"] >= 44 and box["width"] >= 44 for box in shown["sizes"])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.is_visible("kbd >> nth=0") == (not phone)
        assert page.locator("#sides pre .w-k").first.text_content() == "def"
        assert "mono" in page.locator("#sides pre").first.evaluate("(code) => getComputedStyle(code).fontFamily")
    session.journal.close()
