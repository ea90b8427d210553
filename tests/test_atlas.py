"""The atlas: complete against torch of the installed version, and true in every number."""

import inspect
import math
import re
import warnings
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lossbook import atlas
from lossbook.atlas import ENTRIES, KINDS, card, choose
from lossbook.atlas.card import lesson, marked
from lossbook.atlas.entry import FORMULAS, Estimate
from lossbook.atlas.figures import _pages, curve, described, picture
from lossbook.atlas.formula import Formula
from lossbook.derive import d, derivation, real

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
LESSON = NOTEBOOKS / "12_the_atlas.ipynb"
# Other names of losses that are in the atlas.
ALIASES = {"NLLLoss2d": "NLLLoss"}


def losses_of_torch(module=nn):
    """The classes of losses in torch.nn: all that are called so, or made where losses are made."""
    made_in = ("torch.nn.modules.loss", "torch.nn.modules.adaptive")
    classes = {
        name: thing
        for name, thing in vars(module).items()
        if inspect.isclass(thing) and issubclass(thing, nn.Module)
    }
    return {
        name for name, thing in classes.items()
        if "Loss" in name or thing.__module__ in made_in
    }  # fmt: skip


# --- complete --------------------------------------------------------------------------------


def test_every_loss_of_torch_is_in_the_atlas():
    missing = losses_of_torch() - set(ENTRIES) - set(ALIASES)
    assert not missing, f"torch {torch.__version__} has {missing}: give the atlas an entry for each"
    assert set(ENTRIES) <= losses_of_torch(), "the atlas has losses that torch has not"


def test_a_new_loss_in_torch_is_seen():
    class Wasserstein(nn.Module):
        pass

    future = type("module", (), {**vars(nn), "WassersteinLoss": Wasserstein})
    assert losses_of_torch(future) - losses_of_torch() == {"WassersteinLoss"}


def test_every_function_of_torch_that_is_a_loss_is_in_the_atlas():
    ends = ("_loss", "cross_entropy", "_with_logits", "kl_div")
    functions = {name for name in dir(F) if name.endswith(ends) and not name.startswith("_")}
    assert functions <= {entry.function for entry in ENTRIES.values()}


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_only_another_name(alias):
    assert issubclass(getattr(nn, alias), getattr(nn, ALIASES[alias]))
    assert alias in LESSON.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ENTRIES)
def test_the_docstring_has_an_entry_for_every_argument(name):
    entry = ENTRIES[name]
    documented = {each for names in entry.inputs for each in names.split(", ")}
    arguments = inspect.signature(entry.ours).parameters
    without = [n for n, p in arguments.items() if p.default is p.empty and n != "reduction"]
    assert set(without) <= documented
    assert documented <= set(arguments)
    assert entry.source
    assert entry.returns
    assert entry.traps
    assert (NOTEBOOKS / re.search(r'href="(.*?)"', lesson(entry.lesson))[1]).is_file()


@pytest.mark.parametrize("name", ENTRIES)
def test_options_are_those_of_torch(name):
    loss, entry = getattr(nn, name), ENTRIES[name]
    required = {"in_features": 4, "n_classes": 6, "num_classes": 6, "cutoffs": [2]}
    given = {
        n: required[n] if default is inspect.Parameter.empty else default
        for n, default in entry.options.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(**given)
    assert "size_average" not in entry.options


# --- true ------------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda f: f"{f.loss} {f.when}"[:40])
def test_a_formula_is_what_torch_computes_and_its_slope_is_proved(formula):
    value, slope = formula.errors()
    # The cosine has an epsilon of 1e-12 under its root.
    assert value < 1e-9, "the formula is not what torch computes"
    assert slope < 1e-9, "the slope is not that of torch"
    assert formula.verdict == "proved"


def test_a_wrong_formula_is_seen():
    @derivation(x=real, y=real)
    def halved(x, y):
        L = (x - y) ** 2 / 2
        yield d(L, x), "the slope"
        yield x - y, "half of torch's"

    wrong = Formula("MSELoss", "", lambda F, x, y: F.mse_loss(x, y), halved, (1,))
    value, slope = wrong.errors()
    assert value > 0.1
    assert slope > 0.1


@pytest.mark.parametrize("name", ENTRIES)
def test_every_loss_has_a_formula(name):
    assert ENTRIES[name].formulas


@pytest.mark.parametrize("name", ENTRIES)
def test_a_loss_estimates_what_the_atlas_says(name):
    card(name).require()
    estimate = ENTRIES[name].estimate
    best = torch.tensor(estimate.best(), dtype=torch.float64)
    least = estimate.expected(best)
    for away in (-0.3, 0.2):  # within all ranges; and what is best has no better neighbours
        low, high = estimate.among
        elsewhere = (best + away).clamp(low, high)
        assert estimate.expected(elsewhere) >= least - 1e-9


def test_a_wrong_estimate_is_seen(monkeypatch):
    entry = ENTRIES["MSELoss"]
    wrong = Estimate("the median", entry.estimate.expected, 3.0)
    monkeypatch.setitem(ENTRIES, "MSELoss", type(entry)(**{**vars(entry), "estimate": wrong}))
    with pytest.raises(
        AssertionError, match="MSELoss: the best answer is 5, and not the median, 3"
    ):
        card("MSELoss").require()


@pytest.mark.parametrize("name", ENTRIES)
def test_curves_are_finite_within_the_range_and_have_the_slope_that_they_show(name):
    entry = ENTRIES[name]
    low, high = entry.range
    assert low < high
    if name not in ("GaussianNLLLoss", "PoissonNLLLoss"):  # whose lower ends are far away
        assert min(curve(name, line)[1].min() for line in entry.curve.lines) < low + 0.05
    for line in entry.curve.lines:
        t, loss, slope = curve(name, line)
        assert np.isfinite([t, loss, slope]).all()
        assert loss.min() >= low - 1e-12
        assert loss.max() <= high + 1e-12
        # Between neighbours the loss changes as the slopes there say, but for a corner.
        steps = np.diff(loss) / np.diff(t)
        between = (slope[1:] + slope[:-1]) / 2
        off = abs(steps - between) > 0.02 * (1 + abs(between))
        assert off.sum() <= 2 if name != "BCELoss" else off.sum() < 20


def test_the_ends_of_the_ranges_are_met_or_neared():
    least = {name: entry.range[0] for name, entry in ENTRIES.items()}
    p = torch.tensor(1 / math.e, dtype=torch.float64)
    reached = {
        "KLDivLoss": F.kl_div(p * 0, p, reduction="sum"),
        "GaussianNLLLoss": F.gaussian_nll_loss(p, p, p * 0),
    }
    for name, value in reached.items():
        assert math.isclose(least[name], value.item(), rel_tol=1e-9)
    assert F.binary_cross_entropy(torch.zeros(1), torch.ones(1)) == ENTRIES["BCELoss"].range[1]
    opposite = F.cosine_embedding_loss(torch.ones(1, 2), -torch.ones(1, 2), torch.ones(1))
    assert math.isclose(opposite.item(), ENTRIES["CosineEmbeddingLoss"].range[1], rel_tol=1e-6)
    count = torch.tensor(1e6)
    assert F.poisson_nll_loss(count.log(), count) < -1e7  # no bound


# --- shown -----------------------------------------------------------------------------------


class Cells(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name == "href"]


@pytest.mark.parametrize("name", ENTRIES)
def test_a_card_says_everything(name):
    shown = card(name)
    titles = [title for title, _ in shown.rows()]
    assert len(titles) == len(set(titles)) == 13
    assert all(cell for _, cell in shown.rows())
    page = Cells()
    page.feed(shown._repr_html_())
    assert page.tags.count("tr") == 13
    assert not {"script", "style"} & set(page.tags)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_picture_says_in_words_what_it_shows(name):
    data, metadata = picture(name)
    assert data["image/png"]
    assert metadata["image/png"]["alt"] == described(name)
    assert not re.search(r"\b(nan|inf)\b|e−", described(name))


def test_the_pictures_can_be_drawn_in_any_order():
    _pages().sweep()


def test_links_lead_to_the_cards_of_the_lesson():
    text = LESSON.read_text(encoding="utf-8")
    for table in (atlas.Overview()._repr_html_(), atlas.Questions()._repr_html_()):
        page = Cells()
        page.feed(table)
        cards = [link[1:] for link in page.links if link.startswith("#")]
        assert sorted(cards) == sorted(ENTRIES)
    for name in ENTRIES:
        assert f'"### {name}' in text


# --- chosen ----------------------------------------------------------------------------------


def test_the_chooser_reaches_every_loss_once():
    reached = [loss for steps in KINDS.values() for _, loss in steps]
    assert sorted(reached) == sorted(ENTRIES)


def test_every_way_through_the_chooser_ends_at_a_loss():
    for kind, steps in KINDS.items():
        ends = [choose(kind, number) for number in (*range(1, 8), None)]
        assert set(ends) == {loss for _, loss in steps}
        assert ends[-1] == ends[-2] == steps[-1][1]


@pytest.mark.parametrize("name", ENTRIES)
def test_the_chooser_says_when_to_use_the_loss_it_leads_to(name):
    explorer = atlas.chooser()
    kind, number = next(
        (kind, number)
        for kind, steps in KINDS.items()
        for number, (_, loss) in enumerate(steps, 1)
        if loss == name
    )
    assert explorer.set(kind=kind, first_yes=number).sentence == f"{name}. {ENTRIES[name].use}"


def test_losses_of_different_things_are_not_laid_over_each_other_in_silence():
    explorer = atlas.overlay()
    assert "both by the residual: x − y" in explorer.sentence
    other = explorer.set(second=("CosineEmbeddingLoss", "alike")).sentence
    assert "of the residual (x − y), CosineEmbeddingLoss, alike of the cosine" in other
    assert other.startswith("These are functions of different things")


def test_formulas_of_docstrings_are_set_as_such():
    assert marked("−log p_y, 1 < 2: e^−yx of `a_b`") == (
        "−log p<sub>y</sub>, 1 &lt; 2: e<sup>−yx</sup> of <code>a_b</code>"
    )


def test_a_stored_picture_holds_its_description():
    for path in (NOTEBOOKS / "images").glob("bench_*.png"):
        stored = atlas.Stored(path)
        assert "Measured on" in stored.alt
        assert f"torch {torch.__version__.split('.')[0]}." in stored.alt
        assert stored._repr_mimebundle_()[1]["image/png"]["alt"] == stored.alt


def test_what_is_no_loss_has_no_card():
    with pytest.raises(ValueError, match=r"'softmax' is no loss of torch\.nn"):
        card("softmax")
    with pytest.raises(ValueError, match="Did you mean"):
        card("HuberLos")
