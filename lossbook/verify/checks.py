"""The three checks: identity, agrees, gradient."""

import inspect
import math
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor

from lossbook.verify.compare import allowed, as_tensors, coarser, ulps_apart
from lossbook.verify.derivatives import (
    autograd_derivative,
    finite_differences,
    weighted_gradients,
)
from lossbook.verify.domains import Call, Domain, calls
from lossbook.verify.report import Report
from lossbook.verify.search import Outcome, search


def identity(
    title: str, left, right, *, ulps=None, scale=1.0, nan_equal=False, cases=200,
    expect="holds", **domains,
) -> Report:  # fmt: skip
    """Check that two functions agree on everything drawn.

    Parameters
    ----------
    title : str
        The claim, such as "CE = H + KL".
    left, right : callable
        Called with the drawn arguments: by name if they have parameters of these names, else by
        position. They return numbers, tensors or arrays of the same shape.
    ulps : float or dict, optional
        How far apart the two may be, in units in the last place; a dict gives it by dtype.
        Default: 64, in half precision 4.
    scale : float
        The size below which numbers are not held to relative accuracy (see `ulps_apart`).
    nan_equal : bool
        Whether NaN on both sides counts as agreement. By default it does not: it shows nothing.
    cases : int
        How many cases to draw.
    expect : {"holds", "fails"}
        "fails" for a claim that is shown because it is false.
    **domains : Domain
        What to draw for each argument.

    Returns
    -------
    Report
        With LOSSBOOK_STRICT=1 in the environment, AssertionError if it isn't as expected.

    Examples
    --------
    >>> from lossbook.verify import identity, reals
    >>> identity("a square root undoes a square", lambda x: (x**2).sqrt(), lambda x: x,
    ...          x=reals(), expect="fails").counterexample
    {'x': tensor(-0.1000, dtype=torch.float64)}
    """
    check_arguments(title, ulps, scale, cases, expect, domains)
    sides = {"left": calling(left, "left", domains), "right": calling(right, "right", domains)}

    def test(call):
        results = {name: attempt(function, call) for name, function in sides.items()}
        raised = [result for result in results.values() if isinstance(result, Exception)]
        if raised:
            return Outcome("raises", shown(results), math.inf)
        return compare(results, ulps, scale, nan_equal)

    report = Report(title, expect=expect)
    return search(report, calls(**domains), test, lambda call: call.kwargs, cases)


def agrees(
    ours, reference, cases, *, title=None, ulps=None, scale=1.0, derivatives=1,
    warnings=False, count=200, expect="holds",
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
    if isinstance(cases, dict):
        cases = calls(**cases) if cases else None
    check_arguments(title, ulps, scale, count, expect, cases)
    compare_warnings = warnings

    def test(call):
        expected = Answer.of(reference, call, derivatives)
        wrt = expected.wrt if expected.error is None else []
        came = Answer.of(ours, call, derivatives if expected.differentiable else 0, wrt)
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
            return Outcome(what, shown({**sides, "reference": expected.result}), math.inf, kind=kind)
        if came.changed:
            changed = {"ours": "changes it in place", "reference": "leaves it alone"}
            return Outcome(f"argument {came.changed}", changed, math.inf, kind=kind)
        results = {"ours": came.values, "reference": expected.values}
        outcome = compare(results, ulps, scale, dtypes=True)
        for order in range(len(expected.gradients)):
            for name, theirs in expected.gradients[order].items():
                if outcome.what:
                    break
                pair = {"ours": [came.gradients[order][name]], "reference": [theirs]}
                gradients = compare(pair, ulps, scale, label=f"{ORDERS[order]} by {name}")
                outcome.error = max(outcome.error, gradients.error)
                if gradients.what:
                    outcome = gradients
        if compare_warnings and not outcome.what and came.warned != expected.warned:
            warned = {"ours": came.warned, "reference": expected.warned}
            outcome = Outcome("warnings", {k: ", ".join(v) or "none" for k, v in warned.items()})
        outcome.kind = kind
        if derivatives and not expected.differentiable:
            outcome.note = "no gradient in the reference to compare with"
        return outcome

    report = Report(title, expect=expect)
    return search(report, cases, test, lambda call: arguments(call, reference), count)


ORDERS = ["gradient", "second gradient"]


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
        alone = {name: cls.once(function, call, derivatives, [name]) for name in floating}
        possible = [name for name in floating if alone[name].error is None]
        return cls.once(function, call, derivatives, possible)

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
            leaves = {name: given[name] for name in wrt}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                answer.gradients = weighted_gradients(answer.values, leaves, derivatives)
        except Exception as error:
            answer.error = error
        else:
            changed = [name for name, before in versions.items() if given[name]._version != before]
            answer.changed = "".join(map(str, changed[:1]))
        return answer


def gradient(
    function, derivative, *, wrt=None, title=None, ulps=None, scale=1.0, cases=200,
    expect="holds", **domains,
) -> Report:  # fmt: skip
    """Check a derivative worked out by hand against autograd and against finite differences.

    Parameters
    ----------
    function, derivative : callable
        Called with the drawn arguments, as in `identity`. The derivative has the shape of the
        argument (then it is that of the sum of the function's results, which for a function
        element by element is the derivative of each), or the shape of the result followed by
        that of the argument (a Jacobian).
    wrt : str, optional
        The argument by which to differentiate. Default: the first floating one.
    title : str, optional
    ulps, scale, cases, expect, **domains : see `identity`
        `ulps` is for autograd. Finite differences are held to about 6 digits, and left out where
        the function has a kink or ends (a probability of 0 can't become negative).

    Examples
    --------
    >>> from lossbook.verify import gradient, positives
    >>> gradient(lambda x: x.log(), lambda x: 1 / x, x=positives()).holds
    True
    """
    title = title or f"the derivative of {name_of(function)}"
    check_arguments(title, ulps, scale, cases, expect, domains)
    f = calling(function, "the function", domains)
    df = calling(derivative, "the derivative", domains)
    if wrt is not None and wrt not in domains:
        raise ValueError(f"wrt={wrt!r} is none of the domains {', '.join(domains)}")

    def test(call):
        name = wrt or next((k for k, value in call.kwargs.items() if is_floating(value)), None)
        if name is None or call.kwargs[name].dtype != torch.float64:
            raise ValueError("gradient needs a float64 argument to differentiate by")
        x = call.kwargs[name]

        def at(moved, track=False):
            return as_tensors(f(Call(kwargs={**call.kwargs, name: moved}), keep=track))[0]

        try:
            value, by_hand = attempt(f, call), attempt(df, call)
            for result in (value, by_hand):
                if isinstance(result, Exception):
                    sides = {"function": value, "derivative": by_hand}
                    return Outcome("raises", shown(sides), math.inf)
            value, by_hand = value[0], by_hand[0]
            jacobian = by_hand.shape == value.shape + x.shape
            if not jacobian and by_hand.shape != x.shape:
                text = {"derivative": f"shape {tuple(by_hand.shape)}"}
                return Outcome("shape", text | {name: f"shape {tuple(x.shape)}"}, math.inf)
            automatic = autograd_derivative(at, x, jacobian)
        except Exception as error:
            return Outcome("raises", {"autograd": error}, math.inf)
        estimate, tolerance = finite_differences(at, x, by_hand, jacobian)
        sides = {"by hand": by_hand}
        if automatic is None:
            outcome = Outcome(note="not differentiable by autograd: finite differences alone")
        else:
            outcome = compare({**sides, "autograd": [automatic]}, ulps, scale, label="autograd")
        apart = (by_hand - estimate).abs() > tolerance
        if not outcome.what and apart.any():
            outcome = Outcome("finite differences", error=math.inf)
        if estimate.isnan().all() and x.numel() and not outcome.note:
            outcome.note = "no finite differences at a kink or an end: autograd alone"
        sides |= {} if automatic is None else {"autograd": automatic}
        outcome.sides = sides | {"finite differences": estimate}
        return outcome

    report = Report(title, expect=expect)
    return search(report, calls(**domains), test, lambda call: call.kwargs, cases)


# What the three share


def compare(results, ulps, scale, nan_equal=True, dtypes=False, label="value") -> Outcome:
    """Compare what two sides gave, each a list of tensors."""
    (left, ours), (right, theirs) = (
        (name, [value] if isinstance(value, Tensor) else value) for name, value in results.items()
    )
    sides = shown({left: ours, right: theirs})

    def differ(what, describe):
        texts = {side: ", ".join(map(describe, v)) for side, v in ((left, ours), (right, theirs))}
        return Outcome(what, texts, math.inf)

    if [x.shape for x in ours] != [x.shape for x in theirs]:
        return differ("shape", lambda x: f"shape {tuple(x.shape)}")
    if dtypes and [x.dtype for x in ours] != [x.dtype for x in theirs]:
        return differ("dtype", lambda x: str(x.dtype).removeprefix("torch."))
    outcome = Outcome(sides=sides)
    for a, b in zip(ours, theirs, strict=True):
        tolerance = allowed(ulps, coarser(a.dtype, b.dtype))
        error = ulps_apart(a, b, scale, nan_equal).max().item() if a.numel() else 0.0
        outcome.error = max(outcome.error, error)
        outcome.allowed = max(tolerance, outcome.allowed or 0)
        if error > tolerance and not outcome.what:
            outcome.what, outcome.sides = label, {left: a.detach(), right: b.detach()}
            if not nan_equal and (a.isnan() & b.isnan()).any():
                outcome.what += ": NaN, which is equal to nothing"
    return outcome


def shown(sides: dict) -> dict:
    """Return sides with the tensors of each bare: one tensor, or a tuple of them as text."""

    def bare(value):
        if not isinstance(value, list):
            return value if value is not None else "returns"
        return value[0].detach() if len(value) == 1 else f"{len(value)} results"

    return {side: bare(value) for side, value in sides.items()}


def calling(function, side: str, domains: dict):
    """Return `run(call)`, which calls the function by name, or by position if no name fits."""
    names = list(domains)
    if not callable(function):
        raise TypeError(f"{side} must be a function, got {function!r:.60}")
    by_name = False
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # functions written in C often have none
        signature = None
    if signature:
        takes = f"{side} takes ({', '.join(signature.parameters)}), but the domains are "
        takes += ", ".join(names)
        try:
            signature.bind(**domains)
            by_name = True
        except TypeError:
            if set(names) & set(signature.parameters):
                raise TypeError(takes) from None
            try:
                signature.bind(*names)
            except TypeError:
                raise TypeError(takes) from None

    def run(call, keep=False):
        # Each side gets its own copy, so that neither can change what the other sees.
        given = {k: v if keep else copy_of(v) for k, v in call.kwargs.items()}
        return function(**given) if by_name else function(*given.values())

    return run


def attempt(run, call):
    """Return the results as tensors, or the exception."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [value.detach() for value in as_tensors(run(call))]
    except Exception as error:
        return error


def check_arguments(title, ulps, scale, cases, expect, domains):
    if not isinstance(title, str):
        raise TypeError(f"the title comes first, a text; got {title!r:.60}")
    if not domains:
        raise ValueError("nothing to draw: give at least one domain, such as p=distributions()")
    if isinstance(domains, dict):
        for name, domain in domains.items():
            if not isinstance(domain, Domain):
                raise TypeError(
                    f"{name}={domain!r:.60} is no domain: use distributions(), reals(), choice(...)"
                )
    if expect not in ("holds", "fails"):
        raise ValueError(f'expect is "holds" or "fails", got {expect!r}')
    for name, number in dict(ulps=ulps, scale=scale, cases=cases).items():
        if not (isinstance(number, int | float) or (name == "ulps" and number is None)) and not (
            name == "ulps" and isinstance(number, dict)
        ):
            raise TypeError(f"{name} must be a number, got {number!r:.60}")


def copy_of(value, requires_grad: bool = False):
    """Copy a tensor with its strides, so that an expanded or transposed one stays one."""
    if not isinstance(value, Tensor):
        return value
    storage = value.detach().untyped_storage().clone()
    copy = torch.empty(0, dtype=value.dtype, device=value.device)
    copy.set_(storage, value.storage_offset(), value.shape, value.stride())
    return copy.requires_grad_(requires_grad)


def named(call: Call) -> dict:
    return {**dict(enumerate(call.args)), **call.kwargs}


def arguments(call: Call, function) -> dict:
    """Return the arguments by the names that the function has for them."""
    try:
        return dict(inspect.signature(function).bind(*call.args, **call.kwargs).arguments)
    except (TypeError, ValueError):
        return {f"argument {i + 1}": x for i, x in enumerate(call.args)} | call.kwargs


def is_floating(value) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def dtypes_of(call: Call) -> str:
    first = next((value for value in named(call).values() if is_floating(value)), None)
    return "" if first is None else str(first.dtype).removeprefix("torch.")


def name_of(function) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return "the function" if name == "<lambda>" else name
