"""A function does what a reference does: values, gradients, dtypes, shapes, refusals."""

import inspect
import math
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from lossbook.verify.cases import Call, calls
from lossbook.verify.checks import check_arguments, compare, copy_of, is_floating, name_of, shown
from lossbook.verify.compare import as_tensors
from lossbook.verify.report import Report
from lossbook.verify.search import Outcome, search

ORDERS = ["gradient", "second gradient"]


def agrees(
    ours, reference, cases, *, title=None, ulps=None, scale=1.0, derivatives=1,
    warnings=False, count=200, expect="holds", first=False,
) -> Report:  # fmt: skip
    """Check that a function does what a reference does.

    The same values, dtypes and shapes; the same gradients by every floating tensor that the
    reference differentiates; and what the reference refuses is refused, with an exception that
    an ``except`` clause for the reference's catches too. (NotImplementedError, torch's word for
    a wrong dtype, counts as the RuntimeError that it is.) Arguments must be left unchanged.

    Parameters
    ----------
    ours, reference : callable
    cases : dict or hypothesis strategy
        A dict of domains, strategies or fixed values by argument name; or a strategy of calls,
        as made by `calls(...)`, which may be joined with ``|``.
    title : str, optional
    ulps, scale : see `identity`
    derivatives : {0, 1, 2}
        Up to which order derivatives are compared.
    warnings : bool
        Whether to compare the categories of warnings too.
    count : int
        How many cases to draw.
    expect : {"holds", "fails"}
    first : bool
        Whether to stop at the first case that fails, without looking for the smallest. Quick: for
        tests which only ask whether a fault is seen.

    Examples
    --------
    >>> from lossbook.verify import agrees, choice, reals
    >>> def loss(input, target, reduction="mean"):
    ...     return (input - target).square().sum()
    >>> options = dict(input=reals("n"), target=reals("n"), reduction=choice("mean", "sum"))
    >>> report = agrees(loss, torch.nn.functional.mse_loss, options)
    >>> report.holds, report.what, report.counterexample["reduction"]
    (False, 'value', 'mean')
    """
    title = title or f"{name_of(ours)} agrees with {name_of(reference)}"
    check_arguments(title, ulps, scale, count, expect, cases)
    if isinstance(cases, dict):
        cases = calls(**cases)
    compare_warnings = warnings

    def test(call):
        expected = Answer.of(reference, call, derivatives)
        wrt = expected.wrt if expected.error is None else []
        orders = len(expected.gradients) if expected.differentiable else 0
        came = Answer.of(ours, call, orders, wrt)
        sides = {"ours": came.error, "reference": expected.error}
        kind = call.kind or dtypes_of(call)
        if expected.error is not None:
            wanted = type(expected.error)
            wanted = RuntimeError if wanted is NotImplementedError else wanted
            if isinstance(came.error, wanted):
                return Outcome(kind="refused")
            return Outcome("raises", shown({**sides, "ours": came.result}), math.inf, kind=kind)
        if came.error is not None:
            what = "raises" if came.values is None else "differentiation raises"
            return Outcome(
                what, shown({**sides, "reference": expected.result}), math.inf, kind=kind
            )
        if came.changed:
            changed = {"ours": "changes it in place", "reference": "leaves it alone"}
            return Outcome(f"{came.changed} is changed", changed, math.inf, kind=kind)
        results = {"ours": came.values, "reference": expected.values}
        outcome = compare(results, ulps, scale, dtypes=True)
        for order in range(orders):
            for name, theirs in expected.gradients[order].items():
                if outcome.what:
                    break
                pair = {"ours": [came.gradients[order][name]], "reference": [theirs]}
                gradients = compare(pair, ulps, scale, label=f"{ORDERS[order]} by {label(name)}")
                outcome.error = max(outcome.error, gradients.error)
                if gradients.what:
                    outcome = gradients
        if compare_warnings and not outcome.what and came.warned != expected.warned:
            warned = {"ours": came.warned, "reference": expected.warned}
            outcome = Outcome("warnings", {k: ", ".join(v) or "none" for k, v in warned.items()})
        outcome.kind = kind
        if derivatives and not expected.differentiable:
            outcome.note = "the reference has no gradient to compare with"
        elif orders < derivatives and wrt:
            outcome.note = "the reference has no second gradient to compare with"
        return outcome

    report = Report(title, expect=expect)
    search(report, cases, test, lambda call: arguments(call, reference), count, first)
    return report.finish()


@dataclass
class Answer:
    """What a function did with a call: values, gradients by order and name, or an exception."""

    wrt: list
    values: list[Tensor] | None = None
    gradients: tuple = ()
    error: Exception | None = None
    differentiable: bool = False
    changed: str = ""
    warned: tuple = ()

    @property
    def result(self):
        return self.error if self.values is None else self.values

    @classmethod
    def of(cls, function, call: Call, derivatives: int, wrt: list | None = None) -> "Answer":
        """Call the function; with `wrt=None`, by everything that it can differentiate."""
        floating = [name for name, value in named(call).items() if is_floating(value)]
        answer = cls.once(function, call, derivatives, floating if wrt is None else wrt)
        if answer.error is None or wrt is not None or not floating:
            return answer
        # Is the call refused, or only its derivative by some of the arguments?
        plain = cls.once(function, call, 0, [])
        if plain.error is not None:
            return plain
        for orders in range(derivatives, 0, -1):
            possible = [x for x in floating if cls.once(function, call, orders, [x]).error is None]
            if possible:
                return cls.once(function, call, orders, possible)
        return plain

    @classmethod
    def once(cls, function, call: Call, derivatives: int, wrt: list) -> "Answer":
        answer = cls(wrt)
        inputs = Call(
            tuple(copy_of(value, i in wrt) for i, value in enumerate(call.args)),
            {name: copy_of(value, name in wrt) for name, value in call.kwargs.items()},
        )
        given = named(inputs)
        versions = {name: x._version for name, x in given.items() if isinstance(x, Tensor)}
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                answer.values = as_tensors(function(*inputs.args, **inputs.kwargs))
            answer.warned = tuple(sorted({warning.category.__name__ for warning in caught}))
            answer.differentiable = any(value.requires_grad for value in answer.values)
            changed = [name for name, before in versions.items() if given[name]._version != before]
            if changed:
                answer.changed = label(changed[0])
                return answer
            leaves = {name: given[name] for name in wrt}
            answer.gradients = weighted_gradients(answer.values, leaves, derivatives)
        except Exception as error:
            answer.error = error
        return answer


def weighted_gradients(values: list[Tensor], leaves: dict, orders: int) -> tuple[dict, ...]:
    """Return, for each order, the gradients of a weighted sum of the results by each leaf.

    The weights differ from one another: the plain sum of a softmax, for one, is always 1, and
    its gradient would tell nothing. Where nothing depends on a leaf, its gradient is zero.
    """
    gradients = []
    for order in range(orders):
        total = sum((value * weights(value)).sum() for value in values if value.is_floating_point())
        if not leaves:
            return ()
        if isinstance(total, Tensor) and total.requires_grad:
            found = torch.autograd.grad(
                total, list(leaves.values()), allow_unused=True, create_graph=order + 1 < orders
            )
        else:
            found = [None] * len(leaves)
        values = [
            torch.zeros_like(leaf) if g is None else g
            for g, leaf in zip(found, leaves.values(), strict=True)
        ]
        gradients.append(dict(zip(leaves, values, strict=True)))
    return tuple(gradients)


def weights(value: Tensor) -> Tensor:
    steps = torch.arange(value.numel(), device=value.device) % 7
    return (1 + steps / 4).to(value.dtype).reshape(value.shape)


def named(call: Call) -> dict:
    return {**dict(enumerate(call.args)), **call.kwargs}


def label(name) -> str:
    return f"argument {name + 1}" if isinstance(name, int) else name


def arguments(call: Call, function) -> dict:
    """Return the arguments by the names that the function has for them."""
    try:
        return dict(inspect.signature(function).bind(*call.args, **call.kwargs).arguments)
    except (TypeError, ValueError):
        return {f"argument {i + 1}": x for i, x in enumerate(call.args)} | call.kwargs


def dtypes_of(call: Call) -> str:
    first = next((value for value in named(call).values() if is_floating(value)), None)
    return "" if first is None else str(first.dtype).removeprefix("torch.")
