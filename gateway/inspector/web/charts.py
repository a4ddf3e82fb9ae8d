"""Draw bars over time as SVG, and describe them in words."""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from gateway.inspector.web.formats import number

_WIDTH = 960
_HEIGHT = 120
_GAP = 0.34
"""The fraction of its width that a bar leaves free."""

_SVG = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}" preserveAspectRatio="none">{}</svg>')


class Series(NamedTuple):
    """One kind of thing that is counted; its colour is defined in style.css."""

    name: str
    color: str
    values: Sequence[float]


class Chart(NamedTuple):
    """What was counted over time."""

    title: str
    labels: Sequence[str]
    """The start of each interval, ISO 8601 in UTC."""
    end: str
    """The end of the last interval."""
    series: Sequence[Series]

    @property
    def present(self) -> Sequence[Series]:
        """The series that the picture shows; the first if there is nothing to show."""
        return [each for each in self.series if any(each.values)] or self.series[:1]

    @property
    def highest(self) -> float:
        """The most that was counted in one interval."""
        return max(
            (sum(stack) for stack in zip(*(each.values for each in self.series), strict=True)), default=0
        )


def bars(chart: Chart) -> Markup:
    """Return stacked bars, one for each interval, the first series at the bottom."""
    title, labels, _, series = chart
    highest = chart.highest
    step = _WIDTH / max(len(labels), 1)
    rects = Markup("")
    for place, label in enumerate(labels):
        level, said = float(_HEIGHT), []
        stack = Markup("")
        for each in series:
            value = each.values[place]
            if not value:
                continue
            # However few there are, they must be visible.
            height = max(value / highest * (_HEIGHT - 4), 1.5)
            level -= height
            said.append(f"{number(value)} {each.name}")
            stack += Markup(
                '<rect class="fill-{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}"/>'
            ).format(each.color, place * step + step * _GAP / 2, level, step * (1 - _GAP), height)
        if said:
            rects += Markup("<g><title>{}: {}</title>{}</g>").format(label, ", ".join(said), stack)
    return _SVG.format(_describe(title, labels, series), _WIDTH, _HEIGHT, rects)


def _describe(title: str, labels: Sequence[str], series: Sequence[Series]) -> str:
    parts = []
    for each in series:
        total = sum(each.values)
        if not total:
            parts.append(f"no {each.name}")
            continue
        top = max(range(len(labels)), key=lambda place: each.values[place])
        parts.append(f"{number(total)} {each.name}, most at {labels[top]}: {number(each.values[top])}")
    return f"{title}: {'; '.join(parts)}"
