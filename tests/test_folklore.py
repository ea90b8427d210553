"""The tool that settles claims, and lesson 11: no verdict without its measurement."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
import torch
import torch.nn.functional as F
from notebook_checks import _headings
from torch import Tensor

import lossbook
from lossbook.folklore import Claim, claim, fact

LESSON = Path(__file__).resolve().parent.parent / "notebooks" / "11_folklore_tested.ipynb"
NUMBERS = {f"Claim {n}" for n in range(1, 39)} | {f"Question {n}" for n in range(1, 16)}


# --- the tool --------------------------------------------------------------------------------


def settled(*pairs, **remember):
    @claim("Claim 7", "x < `y`", predicts="so & so", **(remember or {"true": "Yes."}))
    def made():
        yield from pairs

    return made


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [([True, True], "true"), ([False], "false"), ([True, False], "in part")],
)
def test_the_verdict_is_made_of_the_statements_alone(answers, verdict):
    pairs = [(f"statement {n}", torch.tensor(answer)) for n, answer in enumerate(answers)]
    made = settled(*pairs, (fact("beyond"), not answers[0]), ("a number", 1.0), ("text", "false"))
    assert made.verdict == verdict
    assert list(made.statements.values()) == answers
    assert made.facts == {"beyond": not answers[0]}


@pytest.mark.parametrize(
    ("pairs", "why"),
    [
        ([("yes", False)], "was written for the verdict 'true', measured is 'false'"),
        (
            [("yes", True), ("no", False)],
            "was written for the verdict 'true', measured is 'in part'",
        ),
        ([("yes", True), (fact("so"), False)], "rests on 'so', which is no fact"),
    ],
)
def test_a_sentence_that_does_not_follow_is_refused(monkeypatch, pairs, why):
    monkeypatch.delenv("LOSSBOOK_STRICT", raising=False)
    made = settled(*pairs)
    assert "Yes." not in repr(made)
    assert f"✗ The sentence {why}" in " ".join(repr(made).split())
    with pytest.raises(AssertionError, match=why):
        made.require()
    monkeypatch.setenv("LOSSBOOK_STRICT", "1")
    with pytest.raises(AssertionError, match=why):
        settled(*pairs)


def test_a_sentence_that_follows_is_shown(monkeypatch):
    monkeypatch.setenv("LOSSBOOK_STRICT", "1")
    numbers = ("numbers", [torch.tensor([-0.0, 2 / 3]), 1, "x"])
    made = settled(numbers, ("a < b", True), ("b < a", False), in_part="Read `a`.")
    assert made.require() is made
    assert repr(made).splitlines() == [
        "Claim 7: x < `y`",
        "  predicted   so & so",
        "  measured    numbers: (0, 0.6667), 1, x",
        "  claimed     ✓ a < b",
        "              ✗ b < a",
        "  verdict     in part",
        "  remember    Read `a`.",
    ]
    shown = made._repr_html_()
    assert "<b>Claim 7: x &lt; <code>y</code></b>" in shown
    assert "so &amp; so" in shown
    assert not re.search("<script|<style|color", shown)


def test_a_call_measures_again():
    answers = [True, False]

    @claim("Claim 7", "it grows", predicts="growth", true="It grows.")
    def grows():
        yield "it grows", answers.pop(0)

    again = grows()
    assert (grows.verdict, again.verdict) == ("true", "false")
    assert (grows.number, grows.__name__) == (again.number, again.__name__) == ("Claim 7", "grows")


def test_misuse_is_refused():
    with pytest.raises(TypeError, match="give one of true, false and in_part, not"):
        claim("Claim 7", "x", predicts="y", true="a", false="b")
    with pytest.raises(TypeError, match="not \\['partly'\\]"):
        claim("Claim 7", "x", predicts="y", partly="a")
    with pytest.raises(ValueError, match="Claim 7: yield a statement of the claim"):
        settled(("a number", 1.0), (fact("beyond"), True))
    with pytest.raises(ValueError, match="'many' has 2 answers; end it with"):
        settled(("many", torch.tensor([True, False])))


# --- the lesson ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(LESSON, as_version=4)


@pytest.fixture(scope="module")
def claims(notebook):
    """What the code cells make, by number; the figures are left out."""
    space = {"__name__": "lesson"}
    for cell in notebook.cells:
        if cell.cell_type == "code" and "@explore" not in cell.source:
            exec(cell.source, space)
    made = [value for value in space.values() if isinstance(value, Claim)]
    assert len(made) == len(NUMBERS)
    return {each.number: each for each in made}


def stored(notebook):
    """The verdicts that the cells show, by number and words of the claim."""
    shown = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = output.get("data", {}).get("text/plain", "")
            if found := re.fullmatch(
                r"(\w+ \d+): (.*?)\n.*^  verdict +(.*?)$.*", text, re.M | re.S
            ):
                number, words, verdict = found.groups()
                assert number not in shown, f"{number} is settled twice"
                shown[number] = (words, verdict)
    return shown


def table(notebook):
    """The rows of the table at the top: number, words, verdict and where the link leads."""
    (text,) = (cell.source for cell in notebook.cells if cell.source.startswith("## The table"))
    row = r"^\| \[(Q?)(\d+)\]\(<#(.+)>\) \| (.*) \| (.*) \|$"
    found = re.findall(row, text, re.M)
    assert len(found) == text.count("](<#"), "a row of the table has another form"
    names = {"": "Claim", "Q": "Question"}
    return [(f"{names[q]} {n}", words, verdict, to) for q, n, to, words, verdict in found]


def test_each_claim_is_settled_once(notebook):
    assert stored(notebook).keys() == NUMBERS


def test_the_table_says_what_the_cells_say(notebook):
    rows = table(notebook)
    assert len(rows) == len(NUMBERS)
    assert {number: (words, verdict) for number, words, verdict, _ in rows} == stored(notebook)


def test_each_row_leads_to_the_cell(notebook):
    """The link leads to a heading that states the claim, and the next code cell settles it."""
    headings = {text.replace(" ", "-"): text for _, text in _headings(notebook)}
    for number, words, _, to in table(notebook):
        assert to.isascii(), "JupyterLab finds no heading with other letters"
        assert headings[to] == f"{number}: {words}".replace("`", "")
        places = [n for n, cell in enumerate(notebook.cells) if f"### {number}: " in cell.source]
        code = next(cell for cell in notebook.cells[places[0] :] if cell.cell_type == "code")
        assert len(places) == 1
        assert f'"{number}",' in code.source


def literals(source):
    """Statements that no measurement can change: made of constants alone."""

    def fixed(node, constants):
        names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
        calls = any(isinstance(n, ast.Call) for n in ast.walk(node))
        return not calls and all(name.id in constants for name in names)

    found = []
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef):
            constants, measured = set(), set()
            for node in ast.walk(function):
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    kind = constants if fixed(node.value, constants) else measured
                    kind.add(node.targets[0].id)
            for node in ast.walk(function):
                if isinstance(node, ast.Yield):
                    words, value = node.value.elts
                    if fixed(value, constants - measured):
                        found.append(ast.unparse(words))
    return found


@pytest.mark.parametrize(
    "value", ["True", "not False", "1 < 2", "same", "same and 2 > 1", "not same"]
)
def test_a_literal_is_seen(value):
    assert literals(f"def f():\n    same = 1 == 1\n    yield 'words', {value}") == ["'words'"]


def test_no_statement_of_the_lesson_is_a_literal(notebook):
    sources = [cell.source for cell in notebook.cells if "@claim(" in cell.source]
    assert len(sources) == len(NUMBERS)
    assert [words for source in sources for words in literals(source)] == []


def test_the_stored_verdicts_are_measured_again(notebook, claims):
    for number, (words, verdict) in stored(notebook).items():
        again = claims[number]().require()
        assert (again.words, again.verdict) == (words, verdict)


# For each claim something that is measured, and how to spoil it so that the verdict must change.


def plus_one(real, *args, **options):
    return real(*args, **options) + 1


def twice(real, *args, **options):
    return 2 * real(*args, **options)


def minus(real, *args, **options):
    return -real(*args, **options)


def over_all_rows(real, z, y, reduction="mean"):
    each = real(z, y, reduction="none")
    return each if reduction == "none" else each.mean()


def mean_of_weighted(real, z, y, weight=None, reduction="mean"):
    each = real(z, y, weight=weight, reduction="none")
    return {"none": each, "mean": each.mean(), "sum": each.sum()}[reduction]


def largest_class(real, z, p):
    return real(z, p.argmax(dim=1), reduction="none") @ p.amax(dim=1) / len(p)


def by_answer(real, x, t, weight=None, pos_weight=None, reduction="mean"):
    pair = torch.ones(2) if weight is None and pos_weight is None else weight
    pair = pos_weight.expand(2) if pair is None else pair
    return pair[t.long()] * real(x, t, reduction="none")


def mean_over_rows(real, input, target, reduction):
    return real(input, target, reduction="sum" if reduction == "sum" else "batchmean")


def hard_labels(real, p, t, reduction="mean"):
    if reduction == "mean" and ((t != 0) & (t != 1)).any():
        raise ValueError("labels must be 0 or 1")
    return real(p, t, reduction=reduction)


def classes_last(real, z, y):
    return real(z.transpose(1, 2) if y.shape == z.shape[:2] else z, y)


def squared(real, anchor, positive, negative):
    near, far = ((anchor - other).square().sum(-1) for other in (positive, negative))
    return (near - far + 1).clamp(min=0).mean()


CE, BCE, LOGITS = "cross_entropy", "binary_cross_entropy", "binary_cross_entropy_with_logits"
COSINE = "cosine_embedding_loss"
SABOTAGE = {
    "Claim 1": (Tensor, "log2", minus),
    "Claim 2": (lossbook, "entropy", minus),
    "Claim 3": (F, CE, lambda real, z, y: real(z, y) / torch.tensor(2).log()),
    "Claim 4": (F, "kl_div", lambda real, a, b, reduction: (a.exp() - b).abs()),
    "Claim 5": (F, "kl_div", plus_one),
    "Claim 6": (F, "kl_div", twice),
    "Claim 7": (F, "kl_div", twice),
    "Claim 8": (F, CE, lambda real, z, y: -z[..., 0]),
    "Claim 9": (F, "nll_loss", plus_one),
    "Claim 10": (Tensor, "log", lambda real, x: real(x - 1e-7)),
    "Claim 11": (F, CE, over_all_rows),
    "Claim 12": (F, CE, plus_one),
    "Claim 13": (F, CE, mean_of_weighted),
    "Claim 14": (F, CE, lambda real, z, y, label_smoothing: real(z, y) + torch.rand(())),
    "Claim 15": (F, CE, largest_class),
    "Claim 16": (F, "kl_div", lambda real, a, b, **how: real(a, b, reduction="batchmean")),
    "Claim 17": (F, "kl_div", lambda real, a, b, **how: real(b.log(), a.exp(), **how)),
    "Claim 18": (Tensor, "log_softmax", lambda real, z, dim: z.softmax(dim).log()),
    "Claim 19": (F, "nll_loss", lambda real, z, y: z.mean()),
    "Claim 20": (F, BCE, twice),
    "Claim 21": (F, BCE, hard_labels),
    "Claim 22": (F, LOGITS, lambda real, x, t: F.binary_cross_entropy(x.softmax(0), t)),
    "Claim 23": (F, BCE, twice),
    "Claim 24": (F, LOGITS, lambda real, x, t: F.binary_cross_entropy(x.sigmoid(), t)),
    "Claim 25": (F, LOGITS, by_answer),
    "Claim 26": (F, COSINE, lambda real, a, b, y: real(a, b, y.where(y != 0, -1))),
    "Claim 27": (F, COSINE, lambda real, a, b, y, margin: real(a, b, y, margin=-1)),
    "Claim 28": (F, "huber_loss", lambda real, x, y, delta: F.smooth_l1_loss(x, y, beta=delta)),
    "Claim 29": (
        F,
        CE,
        lambda real, *args, size_average=0, **how: real(*args, **how) + size_average,
    ),
    "Claim 30": (F, CE, lambda real, *args, size_average=0, **how: real(*args, **how)),
    "Claim 31": (F, "soft_margin_loss", lambda real, x, y, **how: real(x, y, reduction="sum")),
    "Claim 32": (F, "multilabel_margin_loss", plus_one),
    "Claim 33": (F, "multilabel_soft_margin_loss", twice),
    "Claim 34": (F, "multi_margin_loss", lambda real, *args, **how: 5 * real(*args, **how)),
    "Claim 35": (F, "hinge_embedding_loss", lambda real, d, y, **how: 0 * d.sum()),
    "Claim 36": (F, "triplet_margin_loss", squared),
    "Claim 37": (Tensor, "item", lambda real, x: x),
    "Claim 38": (F, CE, plus_one),
    "Question 1": (Tensor, "softmax", lambda real, z, dim: z.log_softmax(dim)),
    "Question 2": (Tensor, "sigmoid", lambda real, x: x),
    "Question 3": (
        F,
        CE,
        lambda real, z, y, **how: real(z, y.argmax(1) if y.ndim > 1 else y, **how),
    ),
    "Question 4": (F, "kl_div", lambda real, *args, **how: real(*args, **how) - 1),
    "Question 5": (F, "kl_div", lambda real, a, b, **how: real(b.log(), a.exp(), **how)),
    "Question 6": (F, "kl_div", mean_over_rows),
    "Question 7": (F, CE, mean_of_weighted),
    "Question 8": (F, CE, lambda real, z, y, reduction: torch.zeros(())),
    "Question 9": (F, CE, classes_last),
    "Question 10": (F, CE, lambda real, z, y: real(z, y.clamp(max=2))),
    "Question 11": (F, LOGITS, by_answer),
    "Question 12": (F, "mse_loss", lambda real, x, y: real(x.flatten(), y.flatten())),
    "Question 13": (F, "ctc_loss", lambda real, z, *args, **how: 0 * z.sum()),
    "Question 14": (F, CE, lambda real, *args, **how: real(*args, reduction="sum")),
    "Question 15": (F, "triplet_margin_loss", lambda real, *args: real(*args) / 10),
}


@pytest.mark.parametrize("number", SABOTAGE)
def test_the_verdict_follows_from_the_measurement(claims, monkeypatch, number):
    honest = claims[number]()
    assert honest.require().verdict == claims[number].verdict
    owner, name, spoil = SABOTAGE[number]
    real = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *args, **options: spoil(real, *args, **options))
    spoiled = claims[number]()
    assert spoiled.verdict != honest.verdict
    with pytest.raises(AssertionError, match="the sentence to remember was written for"):
        spoiled.require()


def test_each_claim_has_its_sabotage():
    assert SABOTAGE.keys() == NUMBERS
