"""The engine of the exercises: outcomes, feedback, time limits, progress."""

import json
import math
import re
import subprocess
import sys
import time

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import strategies
from scipy.special import entr

import lossbook
from lossbook.derive import derivation, distribution, log
from lossbook.practice import check, grade, hint, progress, status
from lossbook.practice.catalogue import find, lessons
from lossbook.practice.exercise import BOTH, KINDS, Mistake
from lossbook.practice.function import Function
from lossbook.practice.guard import by_thread
from lossbook.practice.proof import Proof
from lossbook.practice.question import Question
from lossbook.verify import distributions, logits, positives

EXERCISES = [exercise for each in lessons().values() for exercise in each]


def function(answer, differentiable=False, **cases):
    """An exercise on a function, without mistakes of its own."""
    return Function(
        name="made_up", title="Made up", level=1, minutes=1, hints=["a", "b"], mistakes=[],
        answer=answer, cases=cases, differentiable=differentiable,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def own_progress(monkeypatch, tmp_path):
    monkeypatch.setenv("LOSSBOOK_PROGRESS", str(tmp_path / "progress.jsonl"))
    monkeypatch.delenv("LOSSBOOK_STRICT", raising=False)


# --- what every exercise keeps to -------------------------------------------------------------


def test_names_are_unique():
    names = [exercise.name for exercise in EXERCISES]
    assert len(set(names)) == len(names)
    assert len({exercise.title for exercise in EXERCISES}) == len(names)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_an_exercise_is_whole(exercise):
    assert exercise.kind in KINDS
    assert 1 <= exercise.level <= 3
    assert 2 <= len(exercise.hints) <= 3
    assert exercise.mistakes
    if isinstance(exercise, Proof):
        assert exercise.answer.holds
        assert exercise.wants
        assert all(step.verdict in ("given", "proved") for step in exercise.answer.steps)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_the_known_mistakes_are_refused_by_name(exercise):
    if isinstance(exercise, Proof):
        return  # a mistake there is a line, not an answer: the files of the lessons try them
    right = exercise.answer
    if isinstance(exercise, Question) and callable(right):
        right = right()
    names = {mistake.name for mistake in exercise.mistakes}
    for mistake in exercise.mistakes:
        answer = right | mistake.answer if isinstance(right, dict) else mistake.answer
        feedback = exercise.judge(answer)
        assert feedback.outcome == "wrong"
        # It may call what is ready-made, as an answer may not.
        assert feedback.mistake in names or feedback.what == "ready-made", feedback


# --- the four outcomes ------------------------------------------------------------------------


def untouched(p):
    """What is to be done."""
    ...  # your code here


def partly(p):
    total = p.sum()
    ...  # your code here
    return total


@pytest.mark.parametrize("answer", [..., untouched, partly])
def test_not_attempted(answer):
    assert check("entropy", answer).outcome == "not attempted"
    assert repr(check("entropy", answer)) == "○ Entropy: not attempted yet"


def test_correct():
    feedback = check("toss", 2)
    assert feedback.outcome == "correct"
    assert feedback.require() is feedback
    assert repr(feedback) == "✓ Until the first head: correct"


def test_wrong_shows_the_smallest_input_and_both_sides():
    feedback = function(torch.abs, x=logits(dtype=BOTH)).judge(lambda x: x)
    assert feedback.outcome == "wrong"
    assert feedback.what == "value"
    assert feedback.counterexample["x"].numel() == 2
    assert feedback.counterexample["x"].abs().sum() == pytest.approx(0.1)
    labels = [label for label, _ in feedback.lines()]
    assert labels == ["smallest input", "yours", "expected", "stuck?"]


def misspelt(p):
    total = 0
    return total + p.logg()


def test_raised_shows_the_readers_own_line_and_none_of_ours():
    feedback = check("entropy", misspelt)
    assert feedback.outcome == "raised"
    text = repr(feedback)
    assert "AttributeError: 'Tensor' object has no attribute 'logg'" in text
    assert "in misspelt:  return total + p.logg()" in text
    assert "lossbook/" not in text.replace("\\", "/")
    assert "smallest input" in text


def printing(p):
    print(-(p * p.log()).sum(-1))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda p: None, "returns None: is a `return` missing?"),
        (printing, "prints its result and returns None: `return` it instead"),
        (lambda p: "0.69", "a str"),
        (lambda p: {"H": 1}, "a dict"),
        (lambda p: True, "a bool"),
        (lambda p: (p, p), "2 results"),
        (lambda p: torch.complex(p, p).sum(-1), "complex numbers"),
        (lambda p: [1.0, [2.0]], "a list"),
        (lambda p: p.sum, "a builtin_function_or_method"),
        (lambda p, q: 0, "takes (p, q), but is called with (p)"),
        (lambda: 0, "takes (nothing), but is called with (p)"),
        (lossbook.entropy(torch.tensor([0.5, 0.5])), "do not call it"),
        (lambda p: p.div_(2).sum(-1), "changes p in place"),
        (lambda p: p.numpy().fill(0), "changes p in place"),
        (lambda p: p.fill_(math.nan), "changes p in place"),
        (lambda p: exit(), "SystemExit"),
        (lambda p: p / 0 if p.ndim else 0, "shape"),
        (lambda p: input(), "OSError"),
    ],
)
def test_what_went_wrong_is_told_as_what_it_is(answer, words):
    feedback = check("entropy", answer)
    assert feedback.outcome in ("wrong", "raised")
    assert words in repr(feedback)


def test_a_list_that_is_changed_is_noticed_too():
    exercise = function(len, string=strategies.lists(strategies.integers(0, 3), min_size=1))
    feedback = exercise.judge(lambda string: string.clear() or 0)
    assert "changes string in place" in repr(feedback)
    assert exercise.judge(lambda string: len(string)).outcome == "correct"


def test_printing_is_kept_out_and_told(capsys):
    def answer(p):
        print("p is", p)
        return -(p * torch.where(p == 0, 1, p).log()).sum(-1)

    feedback = check("entropy", answer)
    assert feedback.outcome == "correct"
    assert "your function prints" in repr(feedback)
    assert capsys.readouterr().out == ""


def test_a_narrow_result_is_told_by_its_dtype():
    exact = function(lambda x: 2 * x, x=positives("n", dtype=BOTH))
    feedback = exact.judge(lambda x: torch.tensor([2 * v for v in x.tolist()]))
    assert feedback.what == "dtype"
    assert exact.judge(lambda x: [2 * v for v in x.tolist()]).outcome == "correct"
    assert exact.judge(lambda x: (2 * x).numpy()).outcome == "correct"
    assert exact.judge(lambda x: (2 * x).double()).outcome == "correct"


def test_gradients_are_compared_where_they_are_wanted():
    square = function(lambda x: (x**2).sum(), x=positives("n", dtype=BOTH), differentiable=True)
    assert square.judge(lambda x: (x * x).sum()).outcome == "correct"
    assert square.judge(lambda x: sum(v * v for v in x.tolist())).what == "gradient"
    assert square.judge(lambda x: (x * x.detach()).sum()).what == "gradient"
    assert square.judge(lambda x: x.detach() @ x.detach()).what == "gradient"


def test_several_numbers_may_come_as_a_tuple_or_in_one_tensor():
    ends = function(lambda x: (x.amin(), x.amax()), x=logits(dtype=BOTH))
    for right in (
        lambda x: torch.stack([x.amin(), x.amax()]),
        lambda x: (x.amin().item(), x.amax().item()),
        lambda x: [x.amin(), x.amax()],
    ):
        assert ends.judge(right).outcome == "correct"
    assert ends.judge(lambda x: x.amin()).what == "shape"
    assert ends.judge(lambda x: (-x.amin(), -x.amax())).mistake == "wrong sign"


def test_truth_values_are_no_large_numbers():
    many = function(lambda x, on: (x > 0).sum(), x=logits(), on=torch.tensor([True, False]))
    assert many.judge(lambda x, on: (x > 0).sum() + 7 * (x.amax() > 1)).outcome == "wrong"


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (lambda z: z.exp().log(), "large numbers"),
        (lambda z: z if z.dtype == torch.float64 else z + 1, "float32"),
        (lambda z: z if z.ndim == 1 else z[:1].expand_as(z) + 0 * z, "several rows"),
        (lambda z: z + 1e-5, "close, and not equal"),
    ],
)
def test_a_pattern_among_the_failing_calls_is_noticed(answer, note):
    exercise = function(lambda z: z, z=logits("rows? classes", dtype=BOTH))
    assert note in repr(exercise.judge(answer))


@pytest.mark.parametrize(
    ("answer", "mistake"),
    [
        (lambda p, q: -lossbook.kl_divergence(p, q), "wrong sign"),
        (lambda p, q: lossbook.kl_divergence(q, p), "arguments swapped"),
        (lambda p, q: lossbook.kl_divergence(p, q, base=2), "log base 2"),
        (lambda p, q: lossbook.kl_divergence(p, q, base=10), "log base 10"),
        (lambda p, q: lossbook.kl_divergence(p, q) / p.shape[-1], "a mean over the classes"),
        (lambda p, q: lossbook.kl_divergence(p, q) * 2, "twice"),
    ],
)
def test_general_mistakes_are_named(answer, mistake):
    two = {name: distributions("rows? classes", dtype=BOTH) for name in "pq"}
    exercise = function(lossbook.kl_divergence, **two)
    exercise.allow = {"lossbook"}
    assert exercise.judge(answer).mistake == mistake


def test_of_two_faults_one_is_named():
    """NaN where a probability is 0, and the sign: what is finite tells the sign."""
    assert check("entropy", lambda p: (p * p.log()).sum(-1)).mistake == "wrong sign"


# --- ready-made -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        (lambda z: torch.softmax(z, -1), "softmax"),
        (lambda z: z.softmax(-1), "softmax"),
        (lambda z: torch.nn.functional.softmax(z, dim=-1), "softmax"),
        (lambda z: torch.nn.Softmax(dim=-1)(z), "softmax"),
        (lambda z: torch.ops.aten.softmax(z, -1), "softmax"),
        (lambda z: (z - z.logsumexp(-1, keepdim=True)).exp(), "logsumexp"),
        (lossbook.softmax, "softmax"),
        (lambda z: lossbook.softmax(z, dim=-1), "softmax"),
        (lambda z: torch.distributions.Categorical(logits=z).probs, "Categorical"),
    ],
)
def test_ready_made_is_refused(answer, name):
    exercise = function(lambda z: torch.softmax(z, -1), z=logits(dtype=BOTH))
    feedback = exercise.judge(answer)
    assert feedback.what == "ready-made"
    if name != "Categorical":
        assert f"`{name}`" in repr(feedback)
    exercise.allow = {"torch", "lossbook", "softmax", "logsumexp"}
    assert exercise.judge(answer).outcome == "correct"


def test_a_function_of_the_reader_may_have_the_name_of_a_ready_made_one():
    def softmax(z):
        return z.exp() / z.exp().sum(dim=-1, keepdim=True)

    def behind(z):
        return softmax(z)

    exercise = function(lambda z: torch.softmax(z, -1), z=distributions(dtype=BOTH))
    assert exercise.judge(softmax).outcome == "correct"
    assert exercise.judge(behind).outcome == "correct"


def whole_path(p):
    return -scipy.special.entr(p.numpy())


def imported(p):
    return -entr(p.numpy())


def by_numpy(p):
    p = p.numpy()
    return p * np.log(np.where(p == 0, 1, p))


def test_scipy_is_seen():
    exercise = function(lambda z: torch.softmax(z, -1), z=logits(dtype=BOTH))
    assert exercise.judge(lambda z: scipy.special.softmax(z.numpy(), -1)).what == "ready-made"
    plogp = function(lambda p: -torch.special.entr(p), p=distributions(dtype=BOTH))
    for answer in (whole_path, imported):
        assert plogp.judge(answer).what == "ready-made"
    assert plogp.judge(by_numpy).outcome == "correct"


# --- time -------------------------------------------------------------------------------------


def endless(p):
    while True:
        pass


def stubborn(p):
    while True:
        try:  # noqa: SIM105
            time.sleep(0.001)
        except:  # noqa: E722
            pass


def busy(p):
    while True:
        p = p


@pytest.mark.parametrize("answer", [endless, busy, stubborn, lambda p: time.sleep(60)])
def test_an_endless_answer_is_stopped(monkeypatch, answer):
    monkeypatch.setattr("lossbook.practice.guard.PATIENCE", 0.3)
    trace, profile = sys.gettrace(), sys.getprofile()
    start = time.monotonic()
    feedback = check("entropy", answer)
    assert time.monotonic() - start < 10
    assert feedback.what == "too slow"
    assert "an endless loop?" in repr(feedback)
    assert sys.gettrace() is trace
    assert sys.getprofile() is profile


def test_an_answer_that_is_slow_in_all_is_stopped(monkeypatch):
    monkeypatch.setattr("lossbook.practice.guard.TOTAL", 0.3)
    assert check("entropy", lambda p: time.sleep(0.05)).what == "too slow"


def test_without_signals_too():
    from lossbook.practice.guard import OutOfTime

    with pytest.raises(OutOfTime), by_thread(0.2):
        endless(None)
    with by_thread(60):
        pass


def test_the_signal_handler_is_put_back():
    import signal

    if not hasattr(signal, "SIGALRM"):
        pytest.skip("there are no such signals here")
    before = signal.getsignal(signal.SIGALRM)
    check("entropy", lambda p: p)
    assert signal.getsignal(signal.SIGALRM) == before


# --- questions and proofs ---------------------------------------------------------------------


def test_a_question_takes_numbers_of_every_kind():
    question = Question(
        name="q", title="Q", level=1, minutes=1, answer={"a": [1, 2.5], "b": "x"}, choices="xyz",
        hints=[], mistakes=[Mistake("other order", "Look again.", {"a": [2.5, 1]})],
    )  # fmt: skip
    assert question.judge({"a": (1, torch.tensor(2.5)), "b": "x"}).outcome == "correct"
    assert question.judge({"a": [2.5, 1], "b": "x"}).mistake == "other order"
    assert question.judge({"a": [1], "b": "x"}).what == "type"
    assert question.judge({"a": [1, math.nan], "b": "x"}).what == "type"
    assert question.judge({"a": [1, 2.5], "b": "xyz"}).what == "type"
    assert question.judge({"a": [1, 2.5], "b": "y"}).what == "value"
    assert question.judge({"a": ..., "b": "x"}).outcome == "not attempted"
    assert question.judge([1, 2.5]).what == "type"


@derivation(p=distribution)
def with_a_gap(p, classes):
    yield -sum(p[i] * log(p[i]) for i in classes), "the definition"
    ...  # your code here
    yield sum(p[i] * log(1 / p[i]) for i in classes), "the log of a reciprocal"


@derivation(p=distribution, q=distribution)
def one_line_twice(p, q, classes):
    yield -sum(p[i] * q[j] * log(p[i] * q[j]) for i in classes for j in classes), "the definition"
    yield -sum(p[i] * q[j] * (log(p[i]) + log(q[j])) for i in classes for j in classes), "a product"
    yield -sum(p[i] * q[j] * (log(p[i]) + log(q[j])) for i in classes for j in classes), "again"
    yield (
        (-sum(p[i] * log(p[i]) for i in classes) - sum(q[j] * log(q[j]) for j in classes)),
        "p and q sum to 1",
    )


def test_a_line_that_stands_twice_is_told():
    assert "a line stands twice" in repr(check("independent", one_line_twice))


def test_a_gap_is_not_attempted():
    assert check("independent", with_a_gap).outcome == "not attempted"
    assert "… to be written …" in repr(with_a_gap)
    assert "… to be written …" in with_a_gap._repr_html_()


# --- strict, fresh seeds ----------------------------------------------------------------------


def test_strict_raises_but_for_a_right_answer(monkeypatch):
    monkeypatch.setenv("LOSSBOOK_STRICT", "1")
    assert check("toss", 2).outcome == "correct"
    for answer in (1, ...):
        with pytest.raises(AssertionError, match="Until the first head"):
            check("toss", answer)


def test_grading_draws_afresh_and_names_its_seed():
    assert grade("toss", 2) is None
    seeds = set()
    for _ in range(3):
        with pytest.raises(AssertionError, match=r"graded with seed \d+") as caught:
            grade("entropy", lambda p: p.sum(-1))
        seeds.add(re.search(r"with seed (\d+)", str(caught.value))[1])
    assert len(seeds) == 3
    with pytest.raises(AssertionError, match="not attempted"):
        grade("entropy", untouched)
    assert progress.read() == []


def test_two_seeds_try_different_inputs():
    def inputs(seed):
        seen = []
        find("entropy").judge(lambda p: seen.append(p.tolist()) or 0 * p.sum(-1), seed=seed)
        return seen

    assert inputs(1) == inputs(1)
    assert inputs(1) != inputs(2)


def test_a_wrong_name_finds_its_neighbours():
    with pytest.raises(ValueError, match="no exercise 'entrop'; did you mean 'entropy'"):
        check("entrop", 1)
    with pytest.raises(ValueError, match=r"status\(\) lists"):
        hint("xyzzy")


# --- hints and progress -----------------------------------------------------------------------


def test_hints_come_one_by_one_and_are_remembered():
    count = len(find("entropy").hints)
    given = [hint("entropy").given for _ in range(count + 1)]
    assert given == [*range(1, count + 1), count]
    assert len(hint("entropy").lines()) == count
    assert hint("toss").given == 1
    assert "Hint 2 of" in repr(hint("toss"))
    assert "<table>" in hint("toss")._repr_html_()


def test_progress_shows_what_is_solved():
    check("toss", 1)
    check("entropy", untouched)
    now = status(2)
    assert (now.solved, now.tried) == (set(), {"toss"})
    check("toss", 2)
    check("toss", 1)  # what was solved once stays solved
    now = status(2)
    assert (now.solved, now.tried) == ({"toss"}, set())
    assert "Until the first head" in repr(now)
    assert repr(now).startswith(f"1 of {len(lessons()[2])} exercises solved")
    assert f"1 of {len(EXERCISES)} exercises solved" in repr(status())
    assert "<table>" in status()._repr_html_()
    with pytest.raises(ValueError, match="lesson 99 has no exercises; the lessons that have: "):
        status(99)


@pytest.mark.parametrize("end", ['{"exercise": "ent', '{"exercise": "entropy"', "\x00\xff", "[1]"])
def test_a_crash_in_the_middle_of_a_line_loses_that_line_alone(end):
    check("toss", 2)
    with open(progress.place(), "a") as file:
        file.write(end)
    assert status(2).solved == {"toss"}
    check("bonus", {"cause": "b", "start": 1.386})
    assert status(2).solved == {"toss", "bonus"}


def test_two_notebooks_at_a_time_lose_nothing():
    code = (
        "from lossbook.practice import progress\n"
        "for i in range(200): progress.record(exercise='toss', outcome='wrong', number=i)"
    )
    both = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    lines = progress.place().read_text().splitlines()
    numbers = [json.loads(line)["number"] for line in lines if line]
    assert sorted(numbers) == sorted([*range(200)] * 2)


def test_what_cannot_be_written_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LOSSBOOK_PROGRESS", str(tmp_path / "file" / "progress.jsonl"))
    feedback = check("toss", 2)
    assert feedback.outcome == "correct"
    assert "your progress is not kept" in repr(feedback)


def test_feedback_escapes_what_the_reader_wrote():
    html = check("toss", "<script>alert(1)</script>")._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
