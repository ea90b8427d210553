"""Proofs by computer algebra: is this expression the same as that one, or at most it?

Sympy does the algebra of fractions and polynomials surely and fast, but not always that
of logarithms and exponentials. So every logarithm and exponential is first taken apart by
the school rules (log of a product, exp of a sum) into pieces, each piece gets a letter,
and what remains is a fraction of polynomials in those letters. If that fraction is zero,
the two expressions are equal whatever the letters stand for: a proof. If it is not, no
more has been said than that this way found no proof.

Where an expression has corners (a maximum, |x|, an indicator), it is taken apart first: one
expression for each way in which the comparisons can come out, and each must be zero. What holds on
the corners themselves, where two sides are equal, is not proved by this, and a slope need not exist
there.

The rules hold for positive numbers. Whether a piece is positive is read off at one point
of its domain; a step counts as proved only if it also holds on all the drawn numbers.
"""

import contextlib
import ctypes
import threading


def within(seconds, function, otherwise, *arguments):
    """Call `function` in a thread of its own; after `seconds`, or if it fails, `otherwise`."""
    result = [otherwise]
    if seconds <= 0:
        return otherwise

    def work():
        # Whatever stops sympy (a form it cannot treat, too deep a nesting) is no proof.
        with contextlib.suppress(Exception, SystemExit):
            result[0] = function(*arguments)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():  # sympy has no time limit of its own: stop its thread from outside
        interrupt = ctypes.py_object(SystemExit)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), interrupt)
        return otherwise
    return result[0]


def equal(left, right, constraints, point):
    """Prove `left` = `right`.

    Parameters
    ----------
    left, right : sympy expressions
    constraints : dict
        Symbols that others determine, with what they are: ``{p_2: 1 - p_0 - p_1}``.
    point : dict
        A number for each symbol, one point of the domain.

    Returns
    -------
    bool
        True for a proof. False says nothing.
    """
    difference = left - right
    if _Pieces(point).is_zero(difference):
        return True
    if constraints and _Pieces(point).is_zero(difference.subs(constraints)):
        return True
    comparison = _comparison(difference)
    return comparison is not None and all(
        equal(_settled(difference, comparison, above), 0, constraints, point)
        for above in (True, False)
    )


def at_most(low, high, constraints, point):
    """Prove `low` ≤ `high`: the difference is zero, or a sum of squares and positive
    terms, or becomes zero when each logarithm in it is replaced by its tangent bound,

    log u ≤ u − 1, and log u = −log(1/u) ≥ 1 − 1/u.
    """
    import sympy

    if (high - low).is_nonnegative:  # before it is multiplied out, a square is seen to be one
        return True
    difference = sympy.expand(high - low, log=False, power_base=False, power_exp=False)
    logarithms = [part for part in difference.atoms(sympy.log) if not part.args[0].is_number]
    letters = {logarithm: sympy.Dummy() for logarithm in logarithms}
    bound = difference.xreplace(letters)
    tangents = {}
    for logarithm, letter in letters.items():
        (u,), factor = logarithm.args, bound.diff(letter)
        if factor.is_positive:
            tangents[letter] = 1 - 1 / u
        elif factor.is_negative:
            tangents[letter] = u - 1
        else:
            return equal(low, high, constraints, point)
    bound = bound.xreplace(tangents)
    if equal(bound, sympy.Integer(0), constraints, point):
        return True
    return bool(sympy.factor(bound).is_nonnegative)


def _corners():
    import sympy

    return sympy.Max, sympy.Min, sympy.Abs, sympy.sign, sympy.Heaviside


def _compared(corner):
    """What a corner asks the sign of."""
    import sympy

    if isinstance(corner, sympy.Max | sympy.Min):
        return corner.args[0] - corner.args[1]
    return corner.args[0]


def _comparison(expression):
    """What an innermost corner of `expression` asks the sign of; None if it has no corner."""
    import sympy

    for part in sympy.postorder_traversal(expression):
        if isinstance(part, _corners()):
            return sympy.expand(_compared(part))
    return None


def _settled(expression, comparison, above):
    """`expression` where `comparison` is above 0, or below: without the corners that ask for it."""
    import sympy

    def value(corner):
        asked = sympy.expand(_compared(corner))
        if asked - comparison != 0 and asked + comparison != 0:
            return corner
        yes = above == (asked == comparison)
        if isinstance(corner, sympy.Heaviside):
            return sympy.Integer(yes)
        if isinstance(corner, sympy.sign):
            return sympy.Integer(1 if yes else -1)
        if isinstance(corner, sympy.Abs):
            return corner.args[0] if yes else -corner.args[0]
        low, high = corner.args[1::-1] if yes else corner.args[:2]
        return corner.func(high if isinstance(corner, sympy.Max) else low, *corner.args[2:])

    return expression.replace(lambda part: isinstance(part, _corners()), value)


class _Pieces:
    """The letters for logarithms, exponentials and other functions met on the way."""

    def __init__(self, point):
        self.point = dict(point)
        self.letters = {}
        self.roots = {}  # letter: what it is a root of, and which root

    def is_zero(self, expression):
        import sympy

        fraction = self.fraction(expression)
        if sympy.expand(fraction) == 0:
            return True
        above, _ = sympy.fraction(sympy.together(fraction))
        for root, (whole, power) in reversed(self.roots.items()):  # a root may be inside another
            above = sympy.rem(sympy.expand(above), root**power - whole, root)
        return sympy.cancel(above) == 0

    def fraction(self, expression):
        """Rewrite `expression` as a fraction of polynomials in letters."""
        import sympy

        if expression.is_Rational or expression.is_Symbol:
            return expression
        if isinstance(expression, sympy.log):
            return self._log(self.fraction(expression.args[0]))
        if isinstance(expression, sympy.exp):
            return self._exp(self.fraction(expression.args[0]))
        if expression.is_Pow and not expression.exp.is_Integer:
            base, exponent = (self.fraction(part) for part in expression.args)
            return self._exp(exponent * self._log(base))
        if expression.is_Add or expression.is_Mul or expression.is_Pow:
            return expression.func(*map(self.fraction, expression.args))
        if not expression.args:
            return self._letter(expression, float(expression))  # π and the like
        arguments = [sympy.cancel(self.fraction(part)) for part in expression.args]
        whole = expression.func(*arguments)
        return self._letter(whole, self._value(whole))

    def _value(self, expression):
        return float(expression.subs(self.point))

    def _letter(self, piece, value):
        import sympy

        if piece not in self.letters:
            letter = self.letters[piece] = sympy.Symbol(f"L{len(self.letters)}", real=True)
            self.point[letter] = value
        return self.letters[piece]

    def _piece(self, letter):
        return next((piece for piece, name in self.letters.items() if name == letter), None)

    def _log(self, argument):
        """log(2 a² b / c) = log 2 + 2 log a + log b − log c, one letter for each factor."""
        import sympy

        if argument.is_Mul:
            return sum(map(self._log, argument.args))
        if argument.is_Pow and argument.exp.is_Integer:
            return argument.exp * self._log(argument.base)
        if argument.is_Rational:
            primes = sympy.factorrat(abs(argument)).items()
            return sum(power * self._log_of_factor(sympy.Integer(prime)) for prime, power in primes)
        if argument.is_Add:
            factored = sympy.factor(argument)
            if not factored.is_Add:
                return self._log(factored)
        return self._log_of_factor(argument)

    def _log_of_factor(self, factor):
        import sympy

        piece = self._piece(factor)
        if isinstance(piece, sympy.exp) or piece is sympy.E:
            return piece.as_base_exp()[1]
        value = self._value(factor)
        factor, value = (factor, value) if value > 0 else (-factor, -value)
        return self._letter(sympy.log(sympy.expand(factor), evaluate=False), sympy.log(value))

    def _exp(self, exponent):
        """exp(2 log a + b − c) = a² exp(b) / exp(c), one letter for each term."""
        import sympy

        product = sympy.Integer(1)
        for term in sympy.Add.make_args(sympy.expand(exponent)):
            number, rest = term.as_coeff_Mul()
            piece = self._piece(rest)
            if number.is_Integer and isinstance(piece, sympy.log):
                product *= piece.args[0] ** number
            elif term.is_Integer:
                product *= self._letter(sympy.E, float(sympy.E)) ** number
            else:
                # Only whole powers of a letter, so that exp(x/2)² and exp(x) meet.
                whole, part = number.p, sympy.Rational(1, number.q)
                inside = piece.args[0] if isinstance(piece, sympy.log) else None
                piece = sympy.exp(rest * part, evaluate=False)
                letter = self._letter(piece, sympy.exp(self._value(rest * part)))
                if inside is not None:
                    self.roots[letter] = inside, number.q
                product *= letter**whole
        return product
