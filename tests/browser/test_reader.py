"""An exercise in a real JupyterLab: a wrong answer, a hint, the right answer, the progress."""

import shutil
from pathlib import Path

import pytest
from browser.lab import Browser, Server
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

EXERCISES = Path(__file__).parents[2] / "exercises"
WRONG = "def entropy(p):\n    return (p * p.log()).sum(dim=-1)"
RIGHT = "def entropy(p):\n    return -(p * torch.where(p == 0, 1, p).log()).sum(dim=-1)"


@pytest.fixture(scope="module")
def lab(browser_path, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exercises")
    shutil.copy(EXERCISES / "02_entropy.ipynb", folder)
    with pytest.MonkeyPatch.context() as patch, Browser(browser_path) as browser:
        patch.setenv("LOSSBOOK_PROGRESS", str(folder / "progress.jsonl"))
        with Server(folder, folder / "private") as server:
            lab = browser.lab(server)
            lab.open("02_entropy.ipynb")
            yield lab
            lab.close()


def test_a_reader_finds_the_way(lab):
    lab.run(lab.cell("from lossbook.practice import"))
    answer, check = lab.cell("def entropy(p)"), lab.cell('check("entropy", entropy)')
    lab.run(answer)
    expect(lab.run(check)).to_contain_text("Entropy: not attempted yet")

    lab.write(answer, WRONG)
    shown = lab.run(check)
    expect(shown).to_contain_text("✗ Entropy: not right yet")
    rows = {row.locator("th").inner_text(): row.locator("td") for row in shown.locator("tr").all()}
    expect(rows["mistake"]).to_have_text("wrong sign")
    expect(rows["smallest input"]).to_have_text("p = [0.5, 0.5]")
    expect(rows["yours"]).to_have_text("-0.6931")
    expect(rows["expected"]).to_have_text("0.6931")

    hint = lab.append('hint("entropy")')
    expect(hint).to_contain_text("Hint 1 of 3 for: Entropy")
    expect(hint.locator("td")).to_have_count(1)

    lab.write(answer, RIGHT)
    expect(lab.run(check)).to_contain_text("✓ Entropy: correct")
    expect(lab.append("status()")).to_contain_text("1 of ")
    expect(lab.append("status(2)")).to_contain_text("✓ solved")
    assert lab.errors() == []


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_feedback_is_legible(lab, theme):
    lab.write(lab.cell("def entropy(p)"), WRONG)
    lab.run(lab.cell('check("entropy", entropy)'))
    lab.theme(theme)
    assert lab.overflowing() == []
    assert lab.pale() == []
