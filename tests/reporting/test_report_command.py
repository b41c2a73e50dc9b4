"""`harness report` as a command: thin over the function, results on stdout."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from harness.agreement import agree
from harness.cli.report import report
from harness.rating.files.direct import read_any


@pytest.fixture(scope="module")
def command():
    app = typer.Typer()
    app.command()(report)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_it_writes_the_page_and_says_where(command, run, tmp_path):
    done = command(run.folder, "--out", tmp_path / "page.html", "--redact-text")
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(tmp_path / "page.html")  # progress goes to stderr
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Texts are left out" in html
    assert "rainy morning" not in html


def test_json_has_every_table_and_no_nan(command, run):
    done = command(run.folder, "--json")
    found = json.loads(done.output, parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
    assert {"findings", "rounds", "scores", "matrix", "positions", "raters", "scorecard", "methods"} <= set(found)


def test_a_bundle_is_a_folder(command, run, tmp_path):
    done = command(run.folder, "--bundle", tmp_path / "site")
    assert done.stdout.strip() == str(tmp_path / "site" / "index.html")
    assert sorted(path.name for path in (tmp_path / "site" / "data").iterdir()) == ["shard-0000.js"]


def test_a_copied_column_is_named_on_the_page(command, tmp_path):
    """Two columns are equal on ten items of two values: the page asks what the command asks; people are letters."""
    sheet = tmp_path / "scores.csv"
    rows = [f"{i},{i % 2},{i % 2},{i // 2 % 2}" for i in range(10)]
    sheet.write_text("\n".join(["item,ann,bob,cat", *rows, ""]))
    asked = "gave the same value to all 10 items that they share: one copied, or one file twice?"
    (warning,) = [one for one in agree(read_any(sheet), resamples=0).warnings if one["code"] == "identical_raters"]
    assert warning["message"].endswith(f"ann and bob {asked}")
    done = command(sheet, "--out", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    assert f"Human A and Human B {asked}" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_table_of_scores_whose_rounds_have_names_has_a_page(command, tmp_path):
    sheet = tmp_path / "scores.csv"
    lines = [f"q{i},step-{500 * k},{int(i < 10 + 10 * k)},sft" for i in range(60) for k in range(4)]
    sheet.write_text("\n".join(["item,round,score,series", *lines, ""]))
    done = command(sheet, "--out", tmp_path / "page.html")
    assert done.exit_code == 0, done.output
    html = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert ">step</text>" in html
    assert ">1500</text>" in html


@pytest.mark.parametrize(
    ("option", "others"),
    [
        (["--notebook", "plateau"], ["--redact-text", "--pdf", "x.pdf"]),
        (["--json"], ["--out", "x.html", "--card", "x.png"]),
    ],
)
def test_what_an_option_would_leave_undone_is_refused(command, tmp_path, option, others):
    done = command(tmp_path, *option, *others)
    assert done.exit_code == 2
    assert "stands alone" in done.output
