"""Show the code of a function as a lesson shows it: without its docstring."""

import ast
import inspect
import textwrap


class Source:
    """Code that shows itself highlighted in a notebook, and plain elsewhere."""

    def __init__(self, code):
        self.code = code

    def __repr__(self):
        return self.code

    def _repr_markdown_(self):
        return f"```python\n{self.code}\n```"


def source(*functions):
    """Return the code of functions, docstrings left out.

    Parameters
    ----------
    *functions : functions or classes
        Written in Python, in a file or in a notebook.

    Returns
    -------
    Source

    Raises
    ------
    TypeError
        If there is nothing to read: the function is built into Python or torch.

    Examples
    --------
    >>> def half(x):
    ...     '''Return half of x.'''
    ...     return x / 2
    >>> source(half)
    def half(x):
        return x / 2
    """
    return Source("\n\n\n".join(map(_without_docstring, functions)))


def _without_docstring(function):
    try:
        text = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        raise TypeError(
            f"{function!r} has no Python source; give a function that is written in Python"
        ) from None
    lines = text.splitlines()
    documented = [
        node.body[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node)
    ]
    for docstring in sorted(documented, key=lambda node: node.lineno, reverse=True):
        del lines[docstring.lineno - 1 : docstring.end_lineno]
    return "\n".join(lines).strip()
