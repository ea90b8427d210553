"""How a derivation looks: a table in a notebook, lines of text in a terminal.

The table has no style sheet and no script of its own, so that JupyterLab shows it in a
notebook that it does not trust yet, in the colours of whatever theme is on.
"""

import html
from fractions import Fraction

_MARKS = {"given": "", "proved": "✓ proved", "checked": "≈ checked", "wrong": "✗ wrong"}
_SIGNS = {"=": "=", "≤": r"\le", "≥": r"\ge"}
_CELL = "text-align: left; vertical-align: middle; padding: 0.35em 0.8em"


def table(derivation):
    """Return the derivation as an HTML table, mathematics between dollars."""
    rows = []
    for position, step in enumerate(derivation.steps):
        rows += [_row("… to be written …")] * (position in derivation.gaps)
        sign = _SIGNS[step.relation] if position else ("=" if derivation.defines else "")
        name = derivation.defines if derivation.defines and not position else ""
        cells = [
            (_mathematics(f"{name} {sign}"), _CELL.replace("left", "right") + "; padding-right: 0"),
            (_mathematics(step.latex), _CELL),
            (html.escape(step.reason), _CELL),
            (_MARKS[step.verdict], _CELL + "; white-space: nowrap"),
        ]
        rows.append("".join(f'<td style="{style}">{content}</td>' for content, style in cells))
        if step.counterexample:
            rows.append(_row(f"✗ At {html.escape(_numbers(step.counterexample))}."))
    if derivation.parts:
        where = ", ".join(_mathematics(part) for part in derivation.parts)
        rows.insert(0, _row(f"with {where}"))
    rows.append(_row(f"<em>{html.escape(summary(derivation))}</em>"))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<table style="margin: 0.5em 0">{body}</table>'


def text(derivation):
    """Return the derivation as lines of text."""
    width = max(len(step.source) for step in derivation.steps)
    lines = [f"{derivation.__name__}"]
    for position, step in enumerate(derivation.steps):
        lines += ["    … to be written …"] * (position in derivation.gaps)
        sign = step.relation if position else " "
        line = f"  {sign} {step.source:<{width}}   {step.reason}"
        lines.append(f"{line}   {_MARKS[step.verdict]}".rstrip())
        if step.counterexample:
            lines.append(f"    at {_numbers(step.counterexample)}")
    return "\n".join([*lines, summary(derivation)])


def summary(derivation):
    """Say in a sentence what the verdicts rest on."""
    verdicts = [step.verdict for step in derivation.steps[1:]]
    sizes = "" if len(derivation.sizes) == 1 else " for K = 2, 3 and 4 classes"
    if "wrong" in verdicts:
        count = verdicts.count("wrong")
        if len(verdicts) == 1:
            return "The step is wrong."
        return f"{count} of {len(verdicts)} steps {'is' if count == 1 else 'are'} wrong."
    if "checked" not in verdicts:
        return f"Each step proved by algebra{sizes}, and tried on random numbers."
    if "proved" not in verdicts:
        return f"Each step checked on random numbers{sizes}."
    return f"Steps proved by algebra, or checked on random numbers, as marked{sizes}."


def _row(content):
    return f'<td colspan="4" style="{_CELL}">{content}</td>'


def _mathematics(latex):
    return rf"$\displaystyle {latex}$" if latex.strip() else ""


def _numbers(counterexample):
    """Write ``{"p": [0.25, 0.75], "line above": …}`` as p = (1/4, 3/4): … against …."""
    letters = dict(counterexample)
    above, line = letters.pop("line above"), letters.pop("this line")
    given = ", ".join(f"{name} = {_short(value)}" for name, value in letters.items())
    return f"{given} the line above is {above:.4g} and this line {line:.4g}"


def _short(value):
    if isinstance(value, list):
        inside = ", ".join(map(_short, value))
        return inside if len(value) == 1 else f"({inside})"
    near = Fraction(value).limit_denominator(48)
    return str(near) if abs(near - value) < 1e-12 else f"{value:.3g}"
