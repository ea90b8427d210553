"""The catalogue as a whole: which known mistakes it covers, and what each rule says."""

import importlib
import re

import pytest
import torch
import torch.nn.functional as F

from lossbook import doctor
from lossbook.doctor.catalogue.refused import TAKES
from lossbook.doctor.finding import LESSONS

FAMILIES = ["binary", "classes", "divergence", "general", "margin", "regression", "sequence",
            "similarity"]  # fmt: skip
FILES = ["test_training", *(f"test_rules_{family}" for family in FAMILIES)]
RULES = doctor.rules()


def tables():
    for name in FILES:
        yield from importlib.import_module(name).MISTAKES


def test_most_of_the_known_mistakes_have_a_finding():
    found = {row for line in tables() if line[2] for row in re.findall(r"\b\d+\b", str(line[0]))}
    assert len(found) >= 55, sorted(found, key=int)


def test_every_rule_is_shown_on_a_mistake():
    shown = set()
    for line in tables():
        shown.update([line[2]] if isinstance(line[2], str) else line[2] or [])
    tested = {"constant-loss", "nan-gradient", "refused", "autocast-refused"}  # by themselves
    assert {rule.code for rule in RULES} - shown - tested == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.code}-{rule.kind}")
def test_a_rule_says_all_that_it_should(rule):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.code)
    assert all([rule.mistake, rule.why, rule.instead])
    assert rule.lesson is None or rule.lesson in LESSONS
    assert max(len(line) for line in rule.instead.splitlines()) <= 100
    compile(rule.instead.replace("{loss}", "mse_loss").replace("…", "..."), rule.code, "exec")


def test_the_table_shows_itself():
    assert len(repr(RULES).splitlines()) == len(RULES)
    assert RULES._repr_html_().count("<tr>") == len(RULES) + 1


@pytest.mark.parametrize("loss", TAKES)
def test_what_a_loss_takes_is_right(loss):
    torch.manual_seed(0)
    raw = torch.randn(4, 3)
    names = {
        "F": F, "torch": torch, "z": raw, "p": raw.softmax(1), "a": raw[:2], "b": raw[2:],
        "anchor": raw, "positive": raw + 1, "negative": raw - 1, "distances": raw[:3].norm(dim=1),
        "mean": raw, "target": raw, "raw": raw, "log_rate": raw, "counts": raw.abs().round(),
        "logits": torch.randn(5, 2, 4), "targets": torch.tensor([[1, 2], [3, 1]]),
        "input_lengths": torch.tensor([5, 5]), "target_lengths": torch.tensor([2, 2]),
        "hidden": torch.randn(4, 6), "layer": torch.nn.Linear(6, 9),
        "adaptive": torch.nn.AdaptiveLogSoftmaxWithLoss(6, 9, [3]),
    }  # fmt: skip
    if loss in ("linear_cross_entropy", "adaptive_log_softmax_with_loss"):
        names["target"] = torch.tensor([0, 1, 2, 3])
    with doctor.watch("raise") as seen:
        exec(TAKES[loss][1], names)
    assert any(place.loss in (loss, "binary_cross_entropy_with_logits") for place in seen.places)
