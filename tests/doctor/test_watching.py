"""`watch`: sees every call of a torch loss, says what it saw, and leaves no trace."""

import copy
import functools
import inspect
import threading
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.functional import cross_entropy as imported_before
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from lossbook import doctor
from lossbook.doctor import tap
from lossbook.doctor.call import FUNCTIONS
from lossbook.doctor.rule import RULES, rule

LOGITS = torch.tensor([[2.0, 0, -1], [0.5, 2.5, 0], [0.3, -1, 1.5]])
TARGET = torch.tensor([0, 1, 2])
PROBABILITIES = LOGITS.softmax(dim=1)
PARTIAL = functools.partial(F.cross_entropy, reduction="sum")


@pytest.fixture(autouse=True)
def nothing_left():
    yield
    assert not tap.listeners()
    assert F.cross_entropy.__code__.co_varnames[0] == "input"
    assert "reduction" in inspect.signature(F.cross_entropy).parameters


def mistakes(loss, times=3):
    for _ in range(times):
        loss(PROBABILITIES, TARGET)


# ------------------------------------------------------------------------------- what it sees


@pytest.mark.parametrize(
    "loss",
    [F.cross_entropy, nn.CrossEntropyLoss(), imported_before, PARTIAL],
    ids=["function", "module", "imported before", "partial"],
)
def test_every_way_to_call_is_seen(loss):
    with doctor.watch("collect") as seen:
        mistakes(loss)
    assert seen.findings.codes == ["softmax-twice"]
    (place,) = [place for place in seen.places if place.loss == "cross_entropy"]
    assert place.calls == 3
    assert place.file == __file__
    assert place.source == "loss(PROBABILITIES, TARGET)"


def test_all_losses_are_seen():
    functions = {tap.name for tap in tap.TAPS}
    assert set(FUNCTIONS) <= functions
    losses = {name for name in dir(nn) if name.endswith("Loss")}
    from lossbook.doctor.call import MODULES

    assert losses <= set(MODULES)


def test_a_loss_inside_a_loss_is_no_call_of_the_user():
    def distance(a, b):
        return F.mse_loss(a, b, reduction="none").sum(1)

    with doctor.watch("collect") as seen:
        a, b, c = torch.randn(3, 4, 5)
        F.triplet_margin_with_distance_loss(a, b, c, distance_function=distance)
    assert [place.loss for place in seen.places] == ["triplet_margin_with_distance_loss"]


def test_looks_get_rare():
    with doctor.watch("collect") as seen:
        for _ in range(100):
            F.cross_entropy(LOGITS, TARGET)
    assert (seen.places[0].calls, seen.places[0].looked) == (100, 10 + 3)  # 16, 32, 64


# ------------------------------------------------------------------------------- what it says


def test_warns_once_for_a_finding_and_a_place():
    @doctor.watch
    def train():
        for _ in range(4):
            F.cross_entropy(PROBABILITIES, TARGET)
            F.cross_entropy(PROBABILITIES, TARGET)

    with pytest.warns(doctor.LossWarning) as warned:
        train()
    lines = {warning.lineno for warning in warned}
    assert len(warned) == len(lines) == 2
    assert {warning.filename for warning in warned} == {__file__}
    assert "softmax-twice" in str(warned[0].message)
    assert warned[0].message.finding.code == "softmax-twice"


def test_prints_a_report_at_the_end(capsys):
    with warnings.catch_warnings(), doctor.watch():
        warnings.simplefilter("ignore")
        mistakes(F.cross_entropy)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "1 finding in 3 calls of losses at 1 place" in shown.err
    assert "3 calls, 3 looked at, 3 with this finding" in shown.err


def test_collect_says_nothing(capsys, recwarn):
    with doctor.watch("collect") as seen:
        mistakes(F.cross_entropy)
    assert capsys.readouterr() == ("", "")
    assert not recwarn
    assert "<table>" in seen._repr_html_()
    assert "softmax-twice" in seen._repr_html_()


def test_raise_raises_after_the_second_call():
    with doctor.watch("raise"):
        F.cross_entropy(PROBABILITIES, TARGET)
    with pytest.raises(doctor.LossWarning, match="softmax-twice"), doctor.watch("raise"):
        mistakes(F.cross_entropy)


def test_right_code_has_no_report(capsys, recwarn):
    with doctor.watch():
        mistakes(lambda _, target: F.cross_entropy(LOGITS, target))
    assert capsys.readouterr() == ("", "")
    assert not recwarn


def test_errors_of_torch_pass_with_a_note():
    one_hot = F.one_hot(TARGET, 3)
    with pytest.raises(RuntimeError) as without:
        F.cross_entropy(LOGITS, one_hot)
    with doctor.watch("collect") as seen, pytest.raises(RuntimeError) as error:
        F.cross_entropy(LOGITS, one_hot)
    assert type(error.value) is type(without.value)
    assert error.value.args == without.value.args
    (note,) = error.value.__notes__
    assert "one-hot-integers" in note
    assert seen.findings.codes == ["one-hot-integers"]


def test_a_late_refusal_is_explained_too():
    with doctor.watch("collect") as seen:
        for _ in range(36):
            F.cross_entropy(LOGITS, TARGET)
        with pytest.raises(IndexError) as error:
            F.cross_entropy(LOGITS, TARGET + 1)
    assert error.value.__notes__
    assert len(seen.findings) == 1


def test_wrong_names_of_arguments_pass_with_a_note():
    with doctor.watch("collect"), pytest.raises(TypeError, match=r"cross_entropy.*wieght") as error:
        F.cross_entropy(LOGITS, TARGET, wieght=None)
    assert "refused" in error.value.__notes__[0]


# ------------------------------------------------------------------------------- on and off


def test_an_unknown_action_is_refused():
    with pytest.raises(ValueError, match="'shout', and must be one of warn, raise, collect"):
        doctor.watch("shout")


@pytest.mark.parametrize("action", ["collect", None])
def test_as_a_decorator(action, recwarn):
    @(doctor.watch(action) if action else doctor.watch)
    def train():
        "Trains."
        mistakes(F.cross_entropy)
        return 7

    assert not tap.listeners()
    assert train() == 7
    assert train.__doc__ == "Trains."
    assert bool(recwarn) == (action is None)


def test_a_watched_step_reports_what_is_new(capsys):
    @doctor.watch()
    def step():
        F.cross_entropy(PROBABILITIES, TARGET)

    with warnings.catch_warnings(action="ignore"):
        for _ in range(20):
            step()
    assert capsys.readouterr().err.count("lossbook.doctor:") == 1


def test_a_watched_function_may_call_itself():
    seen = doctor.watch("collect")

    @seen
    def descend(depth):
        if depth:
            descend(depth - 1)
        F.cross_entropy(LOGITS, TARGET)

    descend(3)
    assert seen.places[0].calls == 4


def test_at_the_top_of_a_script():
    seen = doctor.watch("collect")
    mistakes(F.cross_entropy)
    assert seen.stop() is seen
    mistakes(F.cross_entropy)
    seen.stop()  # a second time does nothing
    assert seen.places[0].calls == 3
    with seen:
        mistakes(F.cross_entropy)
    assert seen.places[0].calls == 6


def test_of_nested_watches_the_inner_one_sees():
    with doctor.watch("collect") as outer:
        mistakes(F.cross_entropy)
        with doctor.watch("collect") as inner:
            F.mse_loss(LOGITS, LOGITS)
        F.cross_entropy(LOGITS, TARGET)
    assert [place.loss for place in inner.places] == ["mse_loss"]
    assert sum(place.calls for place in outer.places) == 4


def test_the_outer_watch_may_end_first():
    outer, inner = doctor.watch("collect"), doctor.watch("collect")
    outer.stop()
    F.cross_entropy(LOGITS, TARGET)
    inner.stop()
    assert (len(outer.places), len(inner.places)) == (0, 1)


def test_each_thread_has_its_own():
    def other():
        F.mse_loss(LOGITS, LOGITS)
        with doctor.watch("collect") as theirs:
            F.l1_loss(LOGITS, LOGITS)
        found.append([place.loss for place in theirs.places])

    found = []
    with doctor.watch("collect") as ours:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        F.cross_entropy(LOGITS, TARGET)
    assert found == [["l1_loss"]]
    assert [place.loss for place in ours.places] == ["cross_entropy"]


def test_an_error_in_the_block_is_the_users():
    with pytest.raises(ZeroDivisionError), doctor.watch("collect"):
        print(1 / 0)


def test_an_error_in_the_block_goes_before_a_finding_at_its_end():
    @doctor.watch("raise")
    def train(then):
        logits, target = LOGITS.clone().requires_grad_(), torch.tensor([0, 1, -100])
        F.cross_entropy(logits, target, reduction="none").mean().backward()
        return 1 / then  # the finding comes when the watch ends: nobody looks again before

    with pytest.raises(ZeroDivisionError):
        train(0)
    with pytest.raises(doctor.LossWarning, match="padding-averaged"):
        doctor.watch("raise")(train.__wrapped__)(1)


# ------------------------------------------------------------------------------- no trace


def step(network, optimizer):
    optimizer.zero_grad()
    loss = F.cross_entropy(network(torch.randn(8, 3)), torch.randint(3, (8,)))
    loss.backward()
    optimizer.step()
    return loss.item()


def test_results_gradients_and_random_state_stay():
    def run():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(3, 4), nn.Dropout(), nn.Linear(4, 3))
        optimizer = torch.optim.Adam(network.parameters())
        losses = [step(network, optimizer) for _ in range(20)]
        return losses, copy.deepcopy(network.state_dict()), torch.get_rng_state()

    losses, weights, state = run()
    with doctor.watch("raise"):
        watched_losses, watched_weights, watched_state = run()
    assert losses == watched_losses
    assert all(torch.equal(weights[name], watched_weights[name]) for name in weights)
    assert torch.equal(state, watched_state)


def test_modes_of_others_see_what_they_always_see():
    class Functions(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            called.append(function)
            return function(*args, **(kwargs or {}))

    class Operations(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            called.append(function)
            return function(*args, **(kwargs or {}))

    def run():
        logits = LOGITS.clone().requires_grad_()
        with Functions(), Operations():
            F.cross_entropy(logits, TARGET).backward()
        return list(called)

    called = []
    without = run()
    called.clear()
    with doctor.watch("collect") as seen:
        assert run() == without
    assert without[-1] is not None
    assert F.cross_entropy in without
    assert seen.places[0].looked == 1


def test_subclasses_keep_their_loss():
    class Marked(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            if function is F.cross_entropy:
                return "marked"
            return super().__torch_function__(function, types, args, kwargs or {})

    with doctor.watch("collect") as seen:
        assert F.cross_entropy(LOGITS.as_subclass(Marked), TARGET) == "marked"
        for _ in range(2):
            F.cross_entropy(nn.Parameter(PROBABILITIES), TARGET)
    assert seen.findings.codes == ["softmax-twice"]


def test_transforms_work_and_are_not_looked_at():
    def loss(logits, target):
        return F.cross_entropy(logits.softmax(dim=-1), target)

    expected = torch.func.vmap(torch.func.grad(loss))(LOGITS, TARGET)
    with doctor.watch("raise") as seen:
        assert torch.equal(torch.func.vmap(torch.func.grad(loss))(LOGITS, TARGET), expected)
    assert seen.places[0].looked == 0


def test_autocast_works():
    with doctor.watch("raise") as seen, torch.autocast("cpu", dtype=torch.bfloat16):
        layer = nn.Linear(3, 3)
        for _ in range(3):
            F.cross_entropy(layer(LOGITS), TARGET).backward()
            assert torch.is_autocast_enabled("cpu")
    assert seen.places[0].looked == 3


@pytest.mark.parametrize("grad", [torch.no_grad, torch.inference_mode])
def test_without_gradients(grad):
    with doctor.watch("collect") as seen, grad():
        mistakes(F.cross_entropy)
    assert seen.findings.codes == ["softmax-twice"]


def test_tensors_without_numbers_are_not_looked_at():
    with doctor.watch("raise") as seen:
        F.cross_entropy(PROBABILITIES.to("meta"), TARGET.to("meta"))
        with torch._subclasses.FakeTensorMode() as mode:
            F.cross_entropy(mode.from_tensor(PROBABILITIES), mode.from_tensor(TARGET))
    assert [place.looked for place in seen.places] == [0, 0]


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_tracing_is_not_looked_at():
    def loss(logits):
        return F.cross_entropy(logits, TARGET)

    expected = str(torch.jit.trace(loss, LOGITS, check_trace=False).graph)
    with doctor.watch("raise") as seen:
        assert str(torch.jit.trace(loss, LOGITS, check_trace=False).graph) == expected
    assert all(place.looked == 0 for place in seen.places)


@pytest.mark.parametrize(
    "loss",
    [
        lambda logits: F.cross_entropy(logits.sin(), TARGET),
        lambda logits: F.gaussian_nll_loss(logits, logits.cos(), logits.exp()),
        lambda logits: F.triplet_margin_with_distance_loss(logits, logits.cos(), logits.sin()),
    ],
    ids=["in the graph", "traced through", "with a distance"],
)
def test_compiled_code_has_no_graph_break(loss):
    def explained():
        torch._dynamo.reset()
        return torch._dynamo.explain(loss)(LOGITS)

    expected = explained()
    compiled = torch.compile(loss, backend="aot_eager")
    before = compiled(LOGITS)
    with doctor.watch("collect"):
        watched = explained()
        assert watched.graph_break_count == expected.graph_break_count == 0
        assert watched.graph_count == expected.graph_count
        assert torch.equal(torch.compile(loss, backend="aot_eager")(LOGITS), before)
    assert torch.equal(compiled(LOGITS), before)
    assert explained().graph_break_count == 0


def test_source_and_signature_stay():
    source, signature = inspect.getsource(F.mse_loss), inspect.signature(F.mse_loss)
    with doctor.watch("collect"):
        assert inspect.getsource(F.mse_loss) == source
        assert inspect.signature(F.mse_loss) == signature


# ------------------------------------------------------------------------------- its own faults


@doctor.watch("collect")
def watched_losses():
    return [F.mse_loss(LOGITS, LOGITS + 1) for _ in range(5)]


@pytest.fixture
def faulty_rule():
    def fail(call):
        asked.append(call)
        raise KeyError("a fault")

    asked = []
    doctor.rules()
    rule("faulty", "mse_loss", mistake="", why="", instead="", lesson=1)(fail)
    yield asked
    RULES.pop()


def test_a_fault_of_a_rule_is_told_once_and_the_rule_left_out(faulty_rule):
    with pytest.warns(RuntimeWarning, match=r"'faulty' failed and is left out: KeyError") as warned:
        watched_losses()
    assert len(warned) == len(faulty_rule) == 1


def test_a_fault_of_the_doctor_is_told_once(monkeypatch):
    monkeypatch.setattr("lossbook.doctor.watching.Call", lambda *args: 1 / 0)
    with pytest.warns(RuntimeWarning, match="the doctor failed: ZeroDivisionError") as warned:
        losses = watched_losses()
    assert len(warned) == 1
    assert losses[-1] == 1
