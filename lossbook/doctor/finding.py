"""What the doctor says: a finding, and a list of them that shows itself."""

import html
import textwrap
from dataclasses import dataclass

LESSONS = {
    1: "Information content",
    2: "Entropy",
    3: "KL divergence",
    4: "Cross-entropy",
    5: "Negative log-likelihood",
    6: "Binary cross-entropy",
    7: "Cosine losses",
    8: "Regression losses",
    9: "Margin and ranking losses",
    10: "Sequences and large vocabularies",
}

LESSON_OF = {
    "cross_entropy": 4, "softmax": 4, "log_softmax": 4, "nll_loss": 5, "kl_div": 3,
    "binary_cross_entropy": 6, "binary_cross_entropy_with_logits": 6, "soft_margin_loss": 6,
    "multilabel_soft_margin_loss": 6, "cosine_embedding_loss": 7, "l1_loss": 8, "mse_loss": 8,
    "smooth_l1_loss": 8, "huber_loss": 8, "gaussian_nll_loss": 8, "poisson_nll_loss": 8,
    "triplet_margin_loss": 9, "triplet_margin_with_distance_loss": 9, "margin_ranking_loss": 9,
    "hinge_embedding_loss": 9, "multi_margin_loss": 9, "multilabel_margin_loss": 9,
    "ctc_loss": 10, "linear_cross_entropy": 10, "adaptive_log_softmax_with_loss": 10,
}  # fmt: skip


class LossWarning(UserWarning):
    """A loss is used in a way that looks wrong.

    Attributes
    ----------
    finding : Finding
    """

    def __init__(self, finding):
        super().__init__(str(finding))
        self.finding = finding

    def __reduce__(self):  # an exception is pickled by its arguments, and ours is no text
        return LossWarning, (self.finding,)


@dataclass(frozen=True)
class Finding:
    """One thing that looks wrong about a call of a loss.

    Attributes
    ----------
    code : str
        The name of the rule, which does not change: "softmax-twice", "kl-not-log", …
    loss : str
        The function, named as in ``torch.nn.functional``.
    noticed : str
        What was seen, with its numbers.
    why : str
        Why it matters, in one line of mathematics.
    instead : str
        What to write instead, as code.
    lesson : int
        The lesson that explains it.
    asks : bool
        Whether the rule can err: then it says "looks like".
    """

    code: str
    loss: str
    noticed: str
    why: str
    instead: str
    lesson: int
    asks: bool = False

    def rows(self) -> list[tuple[str, str]]:
        """The lines under the title, as pairs of label and text."""
        return [
            ("looks like" if self.asks else "noticed", self.noticed),
            ("why", self.why),
            ("write", self.instead),
            ("lesson", f"{self.lesson:02d}, {LESSONS[self.lesson]}"),
        ]

    def __str__(self) -> str:
        lines = [f"{self.code} in {self.loss}"]
        for label, text in self.rows():
            first, *more = text.splitlines() if label == "write" else textwrap.wrap(text, 84)
            lines += [f"  {label:<10}  {first}", *(f"{'':14}{line}" for line in more)]
        return "\n".join(lines)

    def to_html(self) -> str:
        """Return the rows of a table, without the table around them."""
        left = 'style="text-align:left"'
        title = f"<b>{html.escape(self.code)}</b> in <code>{html.escape(self.loss)}</code>"
        rows = [f'<tr><td colspan="2" {left}>{title}</td></tr>']
        for label, text in self.rows():
            text = html.escape(text).replace("\n", "<br>")
            text = f"<code>{text}</code>" if label == "write" else text
            label = label.replace(" ", "&nbsp;")  # never two lines beside one
            rows.append(f'<tr><th scope="row" {left}>{label}</th><td {left}>{text}</td></tr>')
        return "".join(rows)


class Findings(list):
    """A list of findings that shows itself. Empty: nothing looks wrong."""

    @property
    def codes(self) -> list[str]:
        return [finding.code for finding in self]

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "No findings."

    def _repr_html_(self) -> str:
        if not self:
            return "No findings."
        return f"<table>{''.join(finding.to_html() for finding in self)}</table>"
