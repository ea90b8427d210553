"""What the letters of a derivation stand for.

A domain knows three things about a letter: its symbols for the proof (with the
constraints that they satisfy), random numbers for the check, and a few simple values,
simplest first, among which a counterexample is looked for.
"""

import itertools

import numpy as np
import torch


def _columns(rows):
    """Turn draws in rows into one tensor for each entry: all draws at once."""
    return [torch.tensor(column, dtype=torch.float64) for column in np.asarray(rows, float).T]


def _weights(count, limit=12):
    """Small positive whole numbers, those with the smallest sum first."""
    choices = itertools.product((1, 2, 3), repeat=count)
    return sorted(choices, key=lambda weights: (sum(weights), max(weights)))[:limit]


class Numbers:
    """One number, or one number for each class."""

    def __init__(self, name, simple, draw, vector=False, **assumptions):
        self.name, self.simple_values, self.draw_values = name, simple, draw
        self.vector, self.assumptions = vector, assumptions

    def _count(self, classes):
        return classes if self.vector else 1

    def symbols(self, letter, classes):
        """Return the symbols, and the constraints as a mapping symbol → expression."""
        import sympy

        names = [f"{letter}_{i}" for i in range(classes)] if self.vector else [letter]
        made = [sympy.Symbol(name, **self.assumptions) for name in names]
        return (made if self.vector else made[0]), {}

    def simple(self, classes):
        """Return a few simple values, the simplest first, each a list of entries."""
        choices = itertools.product(enumerate(self.simple_values), repeat=self._count(classes))
        ranked = sorted(choices, key=lambda choice: sum(rank for rank, _ in choice))
        return [[value for _, value in choice] for choice in ranked[:12]]

    def draw(self, generator, classes, draws):
        """Return random values, one row a draw."""
        return self.draw_values(generator, (draws, self._count(classes)))

    def arrange(self, columns, classes):
        """Shape the entries, one tensor each, as the derivation indexes them."""
        return columns if self.vector else columns[0]


class Distribution(Numbers):
    """Probabilities of K classes: positive, and 1 in all."""

    def __init__(self):
        super().__init__("a distribution", (), None, vector=True, positive=True)

    def symbols(self, letter, classes):
        made, _ = super().symbols(letter, classes)
        return made, {made[-1]: 1 - sum(made[:-1])}

    def simple(self, classes):
        return [[w / sum(weights) for w in weights] for weights in _weights(classes)]

    def draw(self, generator, classes, draws):
        return generator.dirichlet(np.ones(classes), draws)


class Table(Distribution):
    """A K × K table: one joint distribution, or with `rows` a distribution in each row."""

    def __init__(self, rows=False):
        super().__init__()
        self.rows = rows
        self.name = "rows of distributions" if rows else "a joint distribution"

    def symbols(self, letter, classes):
        import sympy

        entries = [
            [sympy.Symbol(f"{letter}_{i}{j}", positive=True) for j in range(classes)]
            for i in range(classes)
        ]
        groups = entries if self.rows else [list(itertools.chain(*entries))]
        constraints = {group[-1]: 1 - sum(group[:-1]) for group in groups}
        return self._indexed(entries), constraints

    def simple(self, classes):
        if self.rows:
            choices = itertools.product(super().simple(classes)[:4], repeat=classes)
            return [list(itertools.chain(*rows)) for rows in itertools.islice(choices, 12)]
        return super().simple(classes**2) if classes < 4 else [[1 / 16] * 16]

    def draw(self, generator, classes, draws):
        if self.rows:
            return generator.dirichlet(np.ones(classes), (draws, classes)).reshape(draws, -1)
        return generator.dirichlet(np.ones(classes**2), draws)

    def arrange(self, columns, classes):
        return self._indexed([columns[i * classes : (i + 1) * classes] for i in range(classes)])

    @staticmethod
    def _indexed(rows):
        return {(i, j): entry for i, row in enumerate(rows) for j, entry in enumerate(row)}


class Index:
    """The number of a class: every class is tried."""

    name = "the index of a class"


def _positive(generator, shape):
    return np.exp(generator.normal(size=shape))


def _spread(generator, shape):
    return 2 * generator.normal(size=shape)


_POSITIVE = (1, 2, 1 / 2, 3, 1 / 3)
_REAL = (0, 1, -1, 2, -2, 1 / 2)
_PROBABILITY = (1 / 2, 1 / 4, 3 / 4, 1 / 3, 2 / 3)

real = Numbers("a real number", _REAL, _spread, real=True)
positive = Numbers("a positive number", _POSITIVE, _positive, positive=True)
probability = Numbers(
    "a probability", _PROBABILITY, lambda generator, shape: generator.uniform(size=shape),
    positive=True,
)  # fmt: skip
reals = Numbers("a real number for each class", _REAL, _spread, vector=True, real=True)
# No component is 0 among the simple ones, so that none of them is the vector 0.
vector = Numbers("a vector other than 0", _REAL[1:], _spread, vector=True, real=True)
positives = Numbers(
    "a positive number for each class", _POSITIVE, _positive, vector=True, positive=True
)
distribution = Distribution()
joint = Table()
conditional = Table(rows=True)
index = Index()
