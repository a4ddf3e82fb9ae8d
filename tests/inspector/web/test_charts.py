"""Charts: their bars add up, and their text says the same."""

import re

from gateway.inspector.web.charts import Chart, Series, bars


def drawn(*series: Series) -> str:
    labels = [f"2026-11-26T0{hour}:00" for hour in range(len(series[0].values))]
    return bars(Chart("Events by hour", labels, "2026-11-26T09:00", series))


def heights(svg: str, color: str) -> list[float]:
    return [float(found) for found in re.findall(rf'class="fill-{color}".*?height="([\d.]+)"', svg)]


def test_bars_are_as_high_as_their_values() -> None:
    assert heights(drawn(Series("accepted", "good", [10, 5, 0])), "good") == [116.0, 58.0]


def test_a_single_event_among_millions_is_seen() -> None:
    svg = drawn(Series("delivered", "good", [10_000_000]), Series("dead", "bad", [1]))

    assert heights(svg, "bad") == [1.5]


def test_the_text_says_what_the_picture_shows() -> None:
    svg = drawn(Series("delivered", "good", [10, 1200]), Series("dead", "bad", [0, 0]))

    label = 'aria-label="Events by hour: 1,210 delivered, most at 2026-11-26T01:00: 1,200; no dead"'
    assert svg.startswith(f'<svg role="img" {label}')
    assert "<title>2026-11-26T00:00: 10 delivered</title>" in svg


def test_a_chart_of_nothing_is_drawn_all_the_same() -> None:
    assert "<rect" not in drawn(Series("accepted", "good", [0, 0]))


def test_the_caption_names_what_there_is_and_one_series_if_there_is_nothing() -> None:
    delivered, dead = Series("delivered", "good", [2]), Series("dead", "bad", [0])
    nothing = Series("delivered", "good", [0])

    assert Chart("", ["0"], "1", [delivered, dead]).present == [delivered]
    assert Chart("", ["0"], "1", [nothing, dead]).present == [nothing]


def test_no_name_becomes_markup() -> None:
    svg = bars(Chart("<b>", ["<i>"], "<i>", [Series("<u>", "good", [1])]))

    assert not re.search(r"<[biu]>", svg)
