"""The rules: what each one recognises, and the list of them."""

import html
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from lossbook.doctor.call import FUNCTIONS, Call
from lossbook.doctor.finding import LESSON_OF, Finding, Findings


@dataclass(frozen=True)
class Rule:
    """One mistake and how it is recognised.

    Attributes
    ----------
    code : str
        Its name, which does not change.
    losses : tuple of str
        The losses that it looks at.
    mistake : str
        The mistake in a few words.
    why, instead, lesson, asks
        As in a `Finding`.
    kind : str
        What it looks at: "call" (one call that torch accepted), "refusal" (one call that torch
        refused), "fallback" (such a call, if no other rule has a word for it), "calls" (several
        calls at one place of the code), "backward" (a call of `Tensor.backward`), or "constructor"
        (a loss class that is made).
    calls : int
        How many calls in a row at one place must show it before `watch` speaks.
    look : callable
        Takes a `Call` (for kind "calls" a `Place`) and returns what it noticed, or None; or a pair,
        what it noticed and what to write in this case.
    """

    code: str
    losses: tuple[str, ...]
    mistake: str
    why: str
    instead: str
    lesson: int | None
    asks: bool
    kind: str
    calls: int
    look: Callable

    def finding(self, loss: str, noticed: str | tuple[str, str]) -> Finding:
        noticed, instead = (noticed, self.instead) if isinstance(noticed, str) else noticed
        instead = instead.replace("{loss}", loss)
        lesson = self.lesson or LESSON_OF[loss]
        return Finding(self.code, loss, noticed, self.why, instead, lesson, self.asks)


RULES: list[Rule] = []


def rule(
    code: str,
    losses: str,
    *,
    mistake: str,
    why: str,
    instead: str,
    lesson: int | None = None,
    asks: bool = False,
    kind: str = "call",
    calls: int = 1,
):
    """Make a rule of a function that takes a `Call` and returns what it noticed, or None.

    ``losses`` are names between spaces, or "all". ``{loss}`` in ``instead`` stands for the one that
    was called; without ``lesson``, it is the lesson of that loss. Where several losses need other
    words, one code may stand over several functions.
    """
    names = tuple(FUNCTIONS) if losses == "all" else tuple(losses.split())
    unknown = set(names) - set(FUNCTIONS)
    if unknown:
        raise ValueError(f"rule {code}: no such losses: {', '.join(sorted(unknown))}")

    def add(look: Callable) -> Callable:
        RULES.append(
            Rule(code, names, mistake, why, instead, lesson, asks, kind, calls, look),
        )
        return look

    return add


def rules_for(loss: str, kind: str) -> list[Rule]:
    """Return the rules of a kind that look at a loss."""
    return [rule for rule in rules() if loss in rule.losses and rule.kind == kind]


class Rules(list):
    """The table of all rules."""

    def __repr__(self) -> str:
        width = max(len(rule.code) for rule in self)
        return "\n".join(f"{rule.code:<{width}}  {rule.mistake}" for rule in self)

    def _repr_html_(self) -> str:
        left = 'style="text-align:left"'
        titles = ["code", "mistake", "losses", "why", "write", "lesson"]
        head = "".join(f'<th scope="col" {left}>{title}</th>' for title in titles)
        body = "".join(
            f'<tr><th scope="row" {left}>{html.escape(rule.code)}</th>'
            + "".join(f"<td {left}>{cell}</td>" for cell in _cells(rule))
            + "</tr>"
            for rule in self
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cells(rule: Rule) -> list[str]:
    losses = "all" if set(rule.losses) == set(FUNCTIONS) else ", ".join(rule.losses)
    instead = rule.instead.replace("{loss}", rule.losses[0] if len(rule.losses) == 1 else "loss")
    instead = html.escape(instead).replace("\n", "<br>")
    texts = [html.escape(text) for text in (rule.mistake, losses, rule.why)]
    numbers = {rule.lesson or LESSON_OF[loss] for loss in rule.losses}
    lesson = ", ".join(f"{n:02d}" for n in sorted(numbers))
    return [*texts, f"<code>{instead}</code>", lesson]


def rules() -> Rules:
    """Return all rules, as a table that shows itself.

    Examples
    --------
    >>> "softmax-twice" in {rule.code for rule in rules()}
    True
    """
    import_module("lossbook.doctor.catalogue")  # they enter themselves
    return Rules(RULES)


def spoken(
    call: Call, kind: str, failed: Callable | None = None, off: set[Rule] = frozenset()
) -> Iterator[tuple[Rule, str]]:
    """Yield the rules of a kind that have something to say, each with what it noticed.

    Parameters
    ----------
    call : Call or Place
    kind : str
    failed : callable, optional
        Is told of a rule that raised, and of its error. Without it the error goes on.
    off : set of Rule
        Rules not to ask.
    """
    for rule in rules_for(call.loss, kind):
        if rule in off:
            continue
        try:
            noticed = rule.look(call)
        except Exception as error:
            if kind == "refusal":  # such a call may hold anything, also what no rule can read
                continue
            if failed is None:
                raise
            failed(rule, error)
            continue
        if noticed:
            yield rule, noticed


def warn_of(rule: Rule, error: Exception) -> None:
    """Tell of a fault in the doctor: no reason to stop anyone's work."""
    warnings.warn(
        f"the doctor's rule {rule.code!r} failed and is left out: {type(error).__name__}: {error}",
        RuntimeWarning,
        stacklevel=2,
    )


def spoken_of_call(call: Call, **options) -> list[tuple[Rule, str]]:
    """Return the rules that have something to say of one call; of a refused one, at least one."""
    if call.error is None:
        return list(spoken(call, "call", **options))
    known = list(spoken(call, "refusal", **options)) if call.arguments else []
    return known or list(spoken(call, "fallback", **options))


def findings(call: Call, failed: Callable | None = None) -> Findings:
    """Return what the rules for one call say of it, each code once."""
    found = {}
    for rule, noticed in spoken_of_call(call, failed=failed):
        found.setdefault(rule.code, rule.finding(call.loss, noticed))
    return Findings(found.values())
