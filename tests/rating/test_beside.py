"""Python beside a rater.yaml is found without PYTHONPATH, and `validate` says what is wrong with it."""

import pytest

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.rating import check_rater
from harness.rating.rate import find_rater
from harness.rating.rater import Surroundings, Work
from harness.records import Item, Response

RATER = """
from harness.rating.rater import rating_of

class Longer:
    def __init__(self, spec, least):
        self.spec, self.version, self.least = spec, f"longer {least}", least

    def rate(self, work):
        for piece in work:
            yield rating_of(self.spec, self.version, piece, value=float(len(piece.response.text) >= self.least))

def longer(spec, surroundings):
    return Longer(spec, LEAST)
"""
YAML = "kind: verifier\nuse: {use}\ncriteria: [length]\nscale: binary\n"


def rater(root, name, use, files):
    folder = root / "raters" / name
    folder.mkdir(parents=True)
    (folder / "rater.yaml").write_text(YAML.format(use=use))
    for path, text in files.items():
        (root / path).write_text(text)


def test_each_folder_has_modules_of_its_own_and_the_included_folder_some_for_all(tmp_path):
    rater(tmp_path, "a", "mine:longer", {"raters/a/mine.py": "LEAST = 3\n" + RATER})
    rater(tmp_path, "b", "mine:longer", {"raters/b/mine.py": "LEAST = 5\n" + RATER})
    rater(tmp_path, "c", "ours:longer", {"ours.py": "LEAST = 9\n" + RATER})
    catalog = Catalog([tmp_path])
    item = Item(task="t", item_id="1", family="other", prompt="q")
    work = [Work(item, Response(response_id="r", task="t", item_id="1", model="m", text="four"))]
    found = {name: next(iter(find_rater(name, catalog, Surroundings()).rate(work))).value for name in "abc"}
    assert found == {"a": 1, "b": 0, "c": 0}


@pytest.mark.parametrize(
    ("use", "text", "said"),
    [
        ("mine:longer", "def other(): pass", "has no attribute 'longer'"),
        ("mine:longer", "def longer(:", "invalid syntax"),
        ("mine:longer", "import no_such_package", "no_such_package"),
        ("yours:longer", "", "No module named 'yours'"),
    ],
)
def test_what_cannot_be_had_is_told_before_anything_is_rated(tmp_path, use, text, said):
    rater(tmp_path, "a", use, {"raters/a/mine.py": text})
    with pytest.raises(HarnessError, match=r"raters/a/rater.yaml:2: use") as raised:
        check_rater("a", Catalog([tmp_path]))
    assert said in str(raised.value)
