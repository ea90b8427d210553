"""The rules: what each one recognises, and the list of them."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from lossbook.doctor.call import FUNCTIONS, Call
from lossbook.doctor.finding import LESSONS, Finding, Findings


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
        refused), or "calls" (several calls at one place of the code).
    calls : int
        How many calls in a row at one place must show it before `watch` speaks.
    look : callable
        Takes a `Call` (or, for kind "calls", a `Place`), and returns what it noticed, or None.
    """

    code: str
    losses: tuple[str, ...]
    mistake: str
    why: str
    instead: str
    lesson: int
    asks: bool
    kind: str
    calls: int
    look: Callable

    def finding(self, loss: str, noticed: str) -> Finding:
        return Finding(self.code, loss, noticed, self.why, self.instead, self.lesson, self.asks)


RULES: list[Rule] = []


def rule(
    code: str,
    losses: str,
    *,
    mistake: str,
    why: str,
    instead: str,
    lesson: int,
    asks: bool = False,
    kind: str = "call",
    calls: int = 1,
):
    """Make a rule of a function that takes a `Call` and returns what it noticed, or None.

    ``losses`` are names between spaces, or "all". Where several losses need other words, one code
    may stand over several functions.
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
    instead = html.escape(rule.instead).replace("\n", "<br>")
    texts = [html.escape(text) for text in (rule.mistake, losses, rule.why)]
    lesson = f"{rule.lesson:02d}, {LESSONS[rule.lesson]}"
    return [*texts, f"<code>{instead}</code>", lesson]


def rules() -> Rules:
    """Return all rules, as a table that shows itself.

    Examples
    --------
    >>> [rule.code for rule in rules() if rule.code == "softmax-twice"]
    ['softmax-twice']
    """
    import_module("lossbook.doctor.catalogue")  # they enter themselves
    return Rules(RULES)


def findings(call: Call, skip=lambda rule, error: None) -> Findings:
    """Return what all rules for one call say of it.

    Parameters
    ----------
    call : Call
    skip : callable
        Is told of a rule that failed, and of its error.
    """
    found = Findings()
    kind = "call" if call.error is None else "refusal"
    for rule in rules_for(call.loss, kind):
        try:
            noticed = rule.look(call)
        except Exception as error:
            skip(rule, error)
            continue
        if noticed and rule.code not in found.codes:
            found.append(rule.finding(call.loss, noticed))
    return found
