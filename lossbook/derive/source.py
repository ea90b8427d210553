"""Reading a derivation: the lines that its function yields, from its source."""

import ast
import inspect
import textwrap

from lossbook.derive import typeset


def read(function):
    """Return the named parts, the lines and the gaps of a derivation.

    Returns
    -------
    parts : list of str
        LaTeX of each assignment ``m = …``: what a line calls by a name.
    lines : list of (source, latex, reason, tolerance)
    gaps : list of int
        Before which lines a bare ``...`` stands: lines that are still to be written.

    Raises
    ------
    ValueError
        If there is no source, fewer than two lines, or anything else than such lines.
    """
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise ValueError(
            f"{function.__name__} has no source to typeset; write it in a cell or a file, "
            "not in a string given to exec."
        ) from None
    parts, lines, gaps, above = [], [], [], 0.0
    for statement in ast.parse(text).body[0].body:
        match statement:
            case ast.Expr(ast.Constant(str())):
                pass  # the docstring
            case ast.Expr(ast.Constant(value)) if value is ...:
                gaps.append(len(lines))
            case ast.Expr(ast.Yield(ast.Tuple([line, ast.Constant(str(reason))]))):
                line = _inside_bound(line)
                written = ast.get_source_segment(text, line).replace("\\\n", " ")
                written = " ".join(written.split())
                tolerance = max(above, _tolerance(line))
                lines.append((written, typeset.latex(line), reason, tolerance))
                above = _tolerance(line)
            case ast.Assign([ast.Name(letter)], value):
                parts.append(_part(letter, value))
            case _:
                raise ValueError(
                    f"`{ast.unparse(statement)}` in {function.__name__} is no line of a "
                    'derivation; a line is: yield expression, "reason"; a part gets its name by '
                    "m = expression."
                )
    if len(lines) < 2:
        raise ValueError(
            f"{function.__name__} has {len(lines)} line{'s' * (len(lines) != 1)}; a derivation "
            "needs at least two, the second of which follows from the first."
        )
    return parts, lines, gaps


def name(text):
    """Return the LaTeX of what a derivation defines, such as ``"H(p, q)"``.

    Raises
    ------
    ValueError
        If the text is no Python expression, such as ``"H(Y | X)"``.
    """
    try:
        return typeset.latex(text)
    except (SyntaxError, ValueError):
        raise ValueError(
            f'defines="{text}" is not written as Python; write a name or a call, as in "H(p, q)".'
        ) from None


def _tolerance(line):
    """How far numbers may differ: extrapolation and quadrature settle them less exactly."""
    called = {part.id for part in ast.walk(line) if isinstance(part, ast.Name)}
    return 1e-4 if "limit" in called else 1e-7 if "integral" in called else 1e-9


def _inside_bound(line):
    if isinstance(line, ast.Call) and getattr(line.func, "id", "") in ("at_most", "at_least"):
        return line.args[0]
    return line


def _part(letter, value):
    """``m = …`` as m = …; ``q = [… for i in classes]`` as q_i = …; a lambda as f(x) = …."""
    written = typeset.name(letter)
    if isinstance(value, ast.ListComp | ast.DictComp):
        index = value.generators[0].target
        written = typeset.latex(ast.Subscript(ast.Name(letter), index))
        value = value.elt if isinstance(value, ast.ListComp) else value.value
    elif isinstance(value, ast.Lambda):
        arguments = ", ".join(typeset.name(argument.arg) for argument in value.args.args)
        written, value = f"{written}({arguments})", value.body
    return f"{written} = {typeset.latex(value)}"
