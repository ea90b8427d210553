"""A few questions that lead to a loss."""

import html

from lossbook.atlas.entry import ENTRIES
from lossbook.explore import choice, explore

# By what the model is to say: questions, each with the loss for a yes. The last is for no to all.
KINDS = {
    "a number": [
        ("Is it a count, of calls or clicks?", "PoissonNLLLoss"),
        ("Should the model also say how sure it is?", "GaussianNLLLoss"),
        ("Is the mean wanted, and are wild values rare?", "MSELoss"),
        ("Is the median wanted, with the same slope near and far?", "L1Loss"),
        ("Should the far slope be 1, wherever the corner is?", "SmoothL1Loss"),
        ("no to all of them", "HuberLoss"),
    ],
    "one class": [
        ("Is the target a distribution, and the output log-probabilities?", "KLDivLoss"),
        ("Is the target a label, and the output log-probabilities?", "NLLLoss"),
        ("Does only the order of the scores count?", "MultiMarginLoss"),
        ("Very many classes, and rare ones should cost little?", "AdaptiveLogSoftmaxWithLoss"),
        ("Would the logits of a batch fill the memory?", "LinearCrossEntropyLoss"),
        ("no to all of them", "CrossEntropyLoss"),
    ],
    "yes or no": [
        ("Does the model end in probabilities, not logits?", "BCELoss"),
        ("Several labels, of which only the order counts?", "MultiLabelMarginLoss"),
        ("Several labels, and one number a row is wanted?", "MultiLabelSoftMarginLoss"),
        ("Are the answers written as 1 and −1?", "SoftMarginLoss"),
        ("no to all of them", "BCEWithLogitsLoss"),
    ],
    "likeness": [
        ("Are there two scores, one of which should be the higher?", "MarginRankingLoss"),
        ("Are there triplets, and a distance of your own?", "TripletMarginWithDistanceLoss"),
        ("Are there triplets of vectors?", "TripletMarginLoss"),
        ("Are there pairs of vectors whose length means nothing?", "CosineEmbeddingLoss"),
        ("no to all: pairs, of which you compute the distance", "HingeEmbeddingLoss"),
    ],
    "a string": [("nobody knows which frame says which label", "CTCLoss")],
}
LEFT = 'style="text-align:left; vertical-align:top"'
LIT, DIM = "#0072B2", "#888888"


def choose(kind, first_yes=None):
    """The loss for a kind of answer, and the first question with a yes.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    first_yes : int, optional
        The number of the question, from 1 on. None, or more than there are: no to all.

    Returns
    -------
    str
        The class in ``torch.nn``.

    Examples
    --------
    >>> choose("a number", 3), choose("a number")
    ('MSELoss', 'HuberLoss')
    """
    steps = KINDS[kind]
    last = len(steps)
    return steps[min(first_yes or last, last) - 1][1]


def chooser():
    """An explorer of the questions. The words under it say when to use the loss."""

    @explore(
        kind=choice(list(KINDS), label="the model says"),
        first_yes=choice(
            {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "none": 6}, start=6, label="first yes"
        ),
        size=(8.0, 3.5),
        alt="A ladder of up to five questions about the task. A yes leads to a loss at the right, "
        "a no to the next question. Lit: the way of the answers.",
    )
    def ladder(ax, kind, first_yes):
        steps = KINDS[kind]
        end = min(first_yes, len(steps))
        for number, (question, loss) in enumerate(steps, 1):
            last, y = number == len(steps), -number
            on = number <= end
            colour = LIT if on else DIM
            weight = "bold" if number == end else "normal"
            text = question if last else f"{number}  {question}"
            ax.text(0, y, text, color=colour, va="center")
            ax.text(7.1, y, loss, color=LIT if number == end else DIM, va="center", weight=weight)
            arrow = {"arrowstyle": "-|>", "color": LIT if number == end else DIM}
            ax.annotate("", (7.0, y), (6.2, y), arrowprops=arrow)
            if not last:
                ax.text(6.5, y + 0.12, "yes", color=arrow["color"], fontsize=9, ha="center")
                down = LIT if number < end else DIM
                ax.annotate(
                    "", (0.1, y - 0.78), (0.1, y - 0.22),
                    arrowprops={"arrowstyle": "-|>", "color": down},
                )  # fmt: skip
                ax.text(0.25, y - 0.5, "no", color=down, fontsize=9, va="center")
        ax.set(
            xlim=(-0.1, 10.6),
            ylim=(-6.5, -0.5),
            title=f"The model says: {kind}",
            xticks=[],
            yticks=[],
        )
        ax.grid(False)
        ax.spines[:].set_visible(False)
        name = steps[end - 1][1]
        return f"{name}. {ENTRIES[name].use}"

    return ladder


class Questions:
    """All questions in a table, with links to the cards."""

    def __repr__(self):
        return "\n".join(
            f"{kind}: {question} {loss}"
            for kind, steps in KINDS.items()
            for question, loss in steps
        )

    def _repr_html_(self):
        titles = ("the model says", "the first question with a yes", "the loss")
        head = "".join(f'<th scope="col" {LEFT}>{title}</th>' for title in titles)
        rows = []
        for kind, steps in KINDS.items():
            first = f'<th scope="rowgroup" rowspan="{len(steps)}" {LEFT}>{html.escape(kind)}</th>'
            for question, loss in steps:
                rows.append(
                    f"<tr>{first}<td {LEFT}>{html.escape(question)}</td>"
                    f'<td {LEFT}><a href="#{loss}">{loss}</a></td></tr>'
                )
                first = ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
