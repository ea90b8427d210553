"""Trying a claim on drawn calls, and finding the smallest on which it fails."""

import threading
import warnings
from dataclasses import dataclass, field
from random import Random

import torch
from torch import Tensor

from lossbook.verify.cases import Call
from lossbook.verify.report import Report


@dataclass
class Outcome:
    """What came of one case; `what` is empty where the claim held."""

    what: str = ""
    sides: dict = field(default_factory=dict)
    error: float = 0.0
    allowed: float | None = None
    kind: str = ""
    note: str = ""


def search(
    report: Report, strategy, test, names, count: int, first: bool = False, seed: int = 0
) -> Report:
    """Fill a report: `test(call)` gives an `Outcome`, `names(call)` the arguments by name.

    The first sweep tries all cases and counts. Only if some of them fail, a second one over the
    same cases stops at the one with the fewest numbers, and makes it smaller.
    """
    notes, failing = {}, []

    def size(call):
        return sum(x.numel() for x in names(call).values() if isinstance(x, Tensor))

    def tally(call):
        outcome = test(call)
        kind = outcome.kind or call.kind
        report.cases += 1
        report.kinds[kind] += 1
        report.wrong[kind] += bool(outcome.what)
        report.worst = max(report.worst, outcome.error)
        report.allowed |= {outcome.allowed} - {None}
        if outcome.note:
            notes[outcome.note] = notes.get(outcome.note, 0) + 1
        if outcome.what and (not failing or size(call) < size(failing[0][0])):
            failing[:] = [(call, outcome)]
        return first and bool(failing)

    def smaller(call, outcome):
        most = size(call)
        smallest = sweep(
            strategy, lambda call: size(call) <= most and bool(test(call).what), count, seed=seed
        )
        again = test(smallest) if smallest else None
        if again and again.what:
            return smallest, again
        report.notes.append("not repeatable: the same arguments give another result")
        return call, outcome

    sweep(strategy, tally, count, shrink=not first, seed=seed)
    report.notes += [f"{note} ({times} cases)" for note, times in notes.items()]
    if failing:
        call, outcome = failing[0]
        if not first:
            call, outcome = smaller(call, outcome)
        report.counterexample = names(call)
        report.what, report.sides = outcome.what, outcome.sides
    return report


def sweep(strategy, condition, count: int, shrink: bool = True, seed: int = 0):
    """Return the smallest drawn call that meets the condition, None if there is none.

    Always the same calls for a seed: nothing is remembered, timed or written to a folder.
    """
    import hypothesis
    from hypothesis.errors import Flaky, NoSuchExample

    leave_no_traces()
    settings = hypothesis.settings(
        max_examples=count, derandomize=True, database=None, deadline=None,
        phases=[hypothesis.Phase.generate, *[hypothesis.Phase.shrink] * shrink],
    )  # fmt: skip
    found, source, strategy = [], Random(seed), strategy.map(as_call)

    def run():
        searching.on = True
        threads = torch.get_num_threads()
        # On a few numbers one thread is faster than two, and the order of sums is always the same.
        torch.set_num_threads(1)
        try:
            # The reader may be within no_grad; and warnings are not what is checked here.
            with torch.inference_mode(False), torch.enable_grad(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(hypothesis.find(strategy, condition, settings=settings, random=source))
        except (NoSuchExample, Flaky):
            found.append(None)
        except BaseException as error:
            found.append(error)
        finally:
            torch.set_num_threads(threads)
            searching.on = False

    if hypothesis.currently_in_test_context():
        # Hypothesis refuses a search within a search, but not in a thread of its own.
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    else:
        run()
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def as_call(drawn) -> Call:
    """Return what a strategy drew as a `Call`: a dict is keywords, a pair (args, kwargs)."""
    if isinstance(drawn, Call):
        return drawn
    if isinstance(drawn, dict):
        return Call(kwargs=drawn)
    if isinstance(drawn, tuple) and len(drawn) == 2 and isinstance(drawn[1], dict):
        return Call(*drawn)
    raise TypeError(f"a strategy of cases draws Call(...), (args, kwargs) or a dict; got {drawn!r}")


searching = threading.local()


def leave_no_traces():
    """Keep hypothesis from drawing constants that it finds in the reader's own modules.

    They would make the draws depend on which modules are loaded, and hypothesis would store them
    in a folder `.hypothesis` beside the notebook. Outside our searches nothing is changed.
    """
    from hypothesis.internal.conjecture import providers

    original = getattr(providers, "_get_local_constants", None)
    if original is None or hasattr(original, "of_lossbook"):
        return

    def constants():
        return providers.Constants() if getattr(searching, "on", False) else original()

    constants.of_lossbook = True
    providers._get_local_constants = constants
