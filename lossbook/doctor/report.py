"""How a watch shows what it has seen."""

import html

from lossbook.doctor.call import FUNCTIONS


def headline(watch) -> str:
    """Return the counts in one line."""
    places = [place for place in watch.places if place.loss in FUNCTIONS or place.findings]
    calls, found = sum(place.calls for place in places), len(watch.findings)
    return (
        f"{_count(found, 'finding')} in {_count(calls, 'call')} of losses "
        f"at {_count(len(places), 'place')}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def title(place) -> str:
    """Return where a place is and how often it was called and looked at."""
    return f"{place.text}: {_count(place.calls, 'call')}, {place.looked} looked at"


def text(watch) -> str:
    """Return the report as plain text."""
    lines = [f"lossbook.doctor: {headline(watch)}"]
    for place in watch.places:
        for code, finding in place.findings.items():
            lines += ["", f"{title(place)}, {place.seen[code]} with this finding"]
            lines += [f"    {place.source}"] if place.source else []
            lines += [str(finding)]
    quiet = [place for place in watch.places if not place.findings and place.loss in FUNCTIONS]
    lines += ["", "nothing found at"] if quiet else []
    lines += [f"  {title(place)} ({place.loss})" for place in quiet]
    return "\n".join(lines)


def to_html(watch) -> str:
    """Return the report as a table."""
    left = 'style="text-align:left"'
    caption = f"<caption {left}><b>{html.escape(headline(watch))}</b></caption>"
    rows = ""
    for place in watch.places:
        for code, finding in place.findings.items():
            where = f"{title(place)}, {place.seen[code]} with this finding"
            rows += f'<tr><td colspan="2" {left}>{html.escape(where)}</td></tr>'
            rows += finding.to_html()
        if not place.findings and place.loss in FUNCTIONS:
            where = f"nothing found: {title(place)} ({place.loss})"
            rows += f'<tr><td colspan="2" {left}>{html.escape(where)}</td></tr>'
    return f"<table>{caption}{rows}</table>"
