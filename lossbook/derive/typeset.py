"""Mathematics from Python: the syntax tree of an expression, written in LaTeX.

Brackets follow from how tightly a piece binds. Each piece is written together with its
strength, and stands in brackets where its surroundings bind more tightly than it does.
"""

import ast

SUM, BIG, PRODUCT, APPLIED, ATOM = range(5)  # how tightly a piece binds; BIG is a Σ or a ∫

_GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "eta", "theta", "kappa", "lambda", "mu", "nu",
    "pi", "rho", "sigma", "tau", "phi", "psi", "omega",
}  # fmt: skip
_NAMES = {"infinity": r"\infty", "lambda_": r"\lambda", "epsilon": r"\varepsilon"}
_RELATIONS = {
    ast.Eq: "=", ast.NotEq: r"\ne", ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge",
}  # fmt: skip


def latex(expression, inline=False):
    """Write a Python expression (source text or syntax tree) as LaTeX.

    >>> latex("-sum(p[i] * log(p[i]) for i in classes)")
    '-\\\\sum_{i} p_{i} \\\\log p_{i}'
    """
    if isinstance(expression, str):
        expression = ast.parse(expression, mode="eval").body
    return _Writer(inline).write(expression)


def name(identifier):
    """Write a name: Greek letters as such, ``p_x`` with a subscript, ``p_hat`` with a hat."""
    if identifier in _NAMES:
        return _NAMES[identifier]
    stem, _, subscript = identifier.partition("_")
    written = "\\" + stem if stem in _GREEK else stem if len(stem) == 1 else rf"\mathrm{{{stem}}}"
    if subscript == "hat":
        return rf"\hat{{{written}}}"
    return rf"{written}_{{{subscript}}}" if subscript else written


class _Writer:
    def __init__(self, inline=False):
        self.inline = inline  # fractions with a slash, as in exponents

    def write(self, node, needed=SUM):
        written, strength = getattr(self, f"_{type(node).__name__}", self._unknown)(node)
        return written if strength >= needed else _bracket(written)

    def _unknown(self, node):
        raise ValueError(
            f"`{ast.unparse(node)}` has no form in mathematics that derive knows; "
            "write it with + − * / **, indices, sums and functions of lossbook.derive by their own "
            "names, such as log(x)."
        )

    def _Constant(self, node):
        return f"{node.value:g}" if isinstance(node.value, float) else str(node.value), ATOM

    def _Name(self, node):
        return name(node.id), ATOM

    def _Subscript(self, node):
        indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        written = [self.write(index) for index in indices]
        subscript = ("" if all(len(index) == 1 for index in written) else ", ").join(written)
        base = self.write(node.value, ATOM)
        if base.endswith("}") and "_{" in base:  # p_x[i]: one subscript, not two
            return f"{base[:-1]}, {subscript}}}", ATOM
        return f"{base}_{{{subscript}}}", ATOM

    def _UnaryOp(self, node):
        if not isinstance(node.op, ast.USub):
            return self._unknown(node)
        return "-" + self.write(node.operand, BIG), SUM

    def _Compare(self, node):
        if len(node.ops) != 1 or type(node.ops[0]) not in _RELATIONS:
            return self._unknown(node)
        relation = _RELATIONS[type(node.ops[0])]
        return f"{self.write(node.left)} {relation} {self.write(node.comparators[0])}", SUM

    def _BinOp(self, node):
        write = {
            ast.Add: self._sum, ast.Sub: self._sum, ast.Mult: self._product,
            ast.Div: self._fraction, ast.Pow: self._power,
        }.get(type(node.op), self._unknown)  # fmt: skip
        if write in (self._product, self._fraction) and (positive := _without_minus(node)):
            return "-" + self.write(positive, BIG), SUM
        return write(node)

    def _sum(self, node):
        minus = isinstance(node.op, ast.Sub)
        right = self.write(node.right, BIG)
        return f"{self.write(node.left)} {'-' if minus else '+'} {right}", SUM

    def _product(self, node):
        left, right = self.write(node.left, PRODUCT), self.write(node.right, BIG)
        if _ends_open(node.left):
            left = self._closed(node.left)
        numbers = right[0].isdigit() or (left[-1].isdigit() and right.startswith(r"\frac{1"))
        dot = r"\cdot " if numbers else ""
        return f"{left} {dot}{right}", BIG if _is_big(node.right) else PRODUCT

    def _closed(self, node):
        """A product or a logarithm whose last argument is bracketed, to be multiplied on."""
        if isinstance(node, ast.BinOp):
            return f"{self.write(node.left, PRODUCT)} {self._closed(node.right)}"
        return rf"\log{_bracket(self.write(node.args[0]))}\,"

    def _fraction(self, node):
        if self.inline:
            return f"{self.write(node.left, PRODUCT)} / {self.write(node.right, ATOM)}", PRODUCT
        return rf"\frac{{{self.write(node.left)}}}{{{self.write(node.right)}}}", APPLIED

    def _power(self, node):
        exponent = _Writer(inline=True).write(node.right)
        if isinstance(node.left, ast.Call) and _called(node.left) == "log":
            return rf"\log^{{{exponent}}} {self._argument(node.left.args[0])}", APPLIED
        return f"{self.write(node.left, ATOM)}^{{{exponent}}}", ATOM

    def _Call(self, node):
        write = getattr(self, f"_call_{_called(node)}", None)
        if write:
            return write(*node.args)
        arguments = ", ".join(self.write(argument) for argument in node.args)
        return f"{self.write(node.func, ATOM)}({arguments})", ATOM

    def _argument(self, node):
        """The argument of a function: bracketed unless it is one short piece."""
        written = self.write(node)
        return written if self.write(node, APPLIED) == written else _bracket(written)

    def _call_log(self, argument):
        return rf"\log {self._argument(argument)}", APPLIED

    def _call_exp(self, argument):
        if any(isinstance(part, ast.GeneratorExp) for part in ast.walk(argument)):
            return rf"\exp{_bracket(self.write(argument))}", APPLIED
        if isinstance(argument, ast.Constant) and argument.value == 1:
            return "e", ATOM
        return f"e^{{{_Writer(inline=True).write(argument)}}}", ATOM

    def _call_sqrt(self, argument):
        return rf"\sqrt{{{self.write(argument)}}}", ATOM

    def _call_abs(self, argument):
        return rf"\left|{self.write(argument)}\right|", ATOM

    def _call_sign(self, argument):
        return rf"\mathrm{{sign}}{_bracket(self.write(argument))}", ATOM

    def _call_maximum(self, *arguments):
        return rf"\max{_bracket(', '.join(map(self.write, arguments)))}", ATOM

    def _call_minimum(self, *arguments):
        return rf"\min{_bracket(', '.join(map(self.write, arguments)))}", ATOM

    def _call_indicator(self, condition):
        return rf"\mathbf{{1}}_{{{self.write(condition)}}}", ATOM

    def _call_sum(self, generator):
        return self._big(r"\sum", generator)

    def _call_prod(self, generator):
        return self._big(r"\prod", generator)

    def _big(self, symbol, generator):
        if not isinstance(generator, ast.GeneratorExp):
            return rf"{symbol} {self.write(generator, BIG)}", BIG
        indices = ", ".join(self.write(loop.target) for loop in generator.generators)
        conditions = [self.write(test) for loop in generator.generators for test in loop.ifs]
        # Σ over i ≠ y says all that "i, i ≠ y" would.
        below = conditions[0] if len(conditions) == 1 and conditions[0].startswith(indices) else (
            ", ".join([indices, *conditions])
        )  # fmt: skip
        return rf"{symbol}_{{{below}}} {self.write(generator.elt, BIG)}", BIG

    def _call_d(self, expression, variable):
        sign = r"\partial" if isinstance(variable, ast.Subscript) else "d"
        below = f"{sign} {self.write(variable)}"
        if isinstance(expression, ast.Name | ast.Subscript):
            return rf"\frac{{{sign} {self.write(expression)}}}{{{below}}}", APPLIED
        return rf"\frac{{{sign}}}{{{below}}} {self.write(expression, BIG)}", BIG

    def _call_limit(self, function, to):
        variable = name(function.args.args[0].arg)
        end = self.write(to) + ("" if isinstance(to, ast.Name) else "^{+}")
        return rf"\lim_{{{variable} \to {end}}} {self.write(function.body, BIG)}", BIG

    def _call_integral(self, function, low, high):
        variable = name(function.args.args[0].arg)
        limits = rf"_{{{self.write(low)}}}^{{{self.write(high)}}}"
        return rf"\int{limits} {self.write(function.body, PRODUCT)} \, d{variable}", BIG


def _called(node):
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _without_minus(node):
    """The product or fraction with the minus before its first factor taken away, if any."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return node.operand
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        left = _without_minus(node.left)
        return left and ast.BinOp(left, node.op, node.right)
    return None


def _is_big(node):
    """Does what is written end in a Σ, which would reach over whatever follows?"""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _is_big(node.right)
    return isinstance(node, ast.Call) and _called(node) in ("sum", "prod", "integral", "limit", "d")


def _ends_open(node):
    """Does what is written end in an unbracketed "log x", which a factor would lengthen?"""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _ends_open(node.right)
    return isinstance(node, ast.Call) and _called(node) == "log"


def _bracket(written):
    tall = any(sign in written for sign in (r"\frac", r"\sum", r"\prod", r"\int", r"\left("))
    return rf"\left({written}\right)" if tall else f"({written})"
