"""Frames in, charts out: HTML that a browser draws at once, in light and dark, on paper, without a script.

Bars are the columns of a grid, each one gradient; lines are one picture behind them, stretched to the page's width. Pointing at an hour or
a day shows its figures. Money turns into float here, at the pixel; what is read in words stays exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import quote

import polars as pl

from dashboard import axes, money
from dashboard.axes import Scale
from dashboard.cards import Html
from dashboard.theme import GREY
from dashboard.windows import Window

#: How a value reads when pointed at, by unit; any other unit is something counted.
_WRITTEN: Mapping[str, Callable[[Any], str]] = {
    "$": money.usd,
    "%": money.share,
    "s": lambda seconds: money.milliseconds(seconds * 1_000),
    "": lambda value: f"{value:.3f}",
}


def stacked(
    frame: pl.DataFrame,
    *,
    value: str,
    name: str,
    colours: Mapping[str, str],
    window: Window,
    unit: str = "$",
    most: int = 10,
    order: Sequence[str] = (),
) -> Html:
    """Stacked bars over time.

    Args:
        frame: ``at`` Datetime UTC or Date, ``name`` String, ``value`` Decimal or number; one row per (at, name).
        value: the column to add up.
        name: the column to stack by; beyond the ``most`` largest the rest is ``other``.
        colours: name → colour.
        window: what the axis shows, whether there is data or not.
        unit: ``$`` for money, ``%`` for ratios, else what is counted.
        most: how many names are told apart.
        order: names from the bottom up; without it the largest is at the bottom.
    """
    data = _largest(frame.select(_time(frame), pl.col(name).alias("name"), pl.col(value).alias("value")), most)
    sizes = data.group_by("name").agg(pl.col("value").sum()).sort("value", "name", descending=[True, False])["name"].to_list()
    names = [one for one in order if one in sizes] or sizes
    shades = {one: colours.get(one, GREY) for one in names}
    columns: dict[datetime, dict[str, Any]] = {}
    for at, one, number in data.iter_rows():
        if number:
            columns.setdefault(at, {})[one] = number
    shown = {at: {one: told[one] for one in names if one in told} for at, told in columns.items()}
    scale = axes.scale(max((float(sum(told.values())) for told in shown.values()), default=0.0))
    bars = {at: _bar(told, shades, scale) for at, told in shown.items()}
    tips = {at: _tip(at, window, told, shades, unit, total=len(names) > 1) for at, told in shown.items()}
    return _chart(window, scale, unit, {one or "(not told)": shades[one] for one in names}, bars, tips)


def lines(
    frame: pl.DataFrame, *, values: Mapping[str, tuple[str, str]], window: Window, unit: str, percent: bool = False, limit: float | None = None
) -> Html:
    """Lines over time.

    Args:
        frame: ``at`` and one column per key of ``values``; null leaves a gap.
        values: column → (legend words, colour).
        window: what the axis shows, whether there is data or not.
        unit: what the axis says (``s``, ``""`` for scores).
        percent: values are ratios, shown in per cent.
        limit: a threshold drawn as a dotted line.
    """
    data = frame.select(_time(frame), *(pl.col(column).cast(pl.Float64) for column in values))
    found = {row.pop("at"): row for row in data.to_dicts()}
    unit = "%" if percent else unit
    scale = axes.scale(max([limit or 0.0, *(number for told in found.values() for number in told.values() if number is not None)]))
    shades = dict(values.values())
    told = {at: {words: row[column] for column, (words, _) in values.items() if row[column] is not None} for at, row in found.items()}
    tips = {at: _tip(at, window, row, shades, unit) for at, row in told.items() if row}
    rows = [[told.get(at, {}).get(words) for at in axes.times(window)] for words in shades]
    threshold = f'<hr style="bottom:{scale.share(limit):.2f}%">' if limit is not None else ""
    return _chart(window, scale, unit, shades, {}, tips, _picture(rows, list(shades.values()), scale) + threshold)


def _time(frame: pl.DataFrame) -> pl.Expr:
    told = frame.schema["at"]
    return pl.col("at") if isinstance(told, pl.Datetime) and told.time_zone else pl.col("at").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def _largest(data: pl.DataFrame, most: int) -> pl.DataFrame:
    kept = data.group_by("name").agg(pl.col("value").sum()).sort("value", "name", descending=[True, False]).head(most)["name"]
    if data["name"].n_unique() <= most:
        return data.group_by("at", "name").agg(pl.col("value").sum())
    other = pl.when(pl.col("name").is_in(kept.implode())).then(pl.col("name")).otherwise(pl.lit("other")).alias("name")
    return data.with_columns(other).group_by("at", "name").agg(pl.col("value").sum())


def _bar(told: Mapping[str, Any], shades: Mapping[str, str], scale: Scale) -> str:
    """One bar, its parts from the bottom up as one gradient with hard edges."""
    total, below, stops = float(sum(told.values())), 0.0, list[str]()
    for name, number in told.items():
        above = below + 100 * float(number) / total
        stops.append(f"{shades[name]} {below:.2f}% {above:.2f}%")
        below = above
    return f'<i style="height:{scale.share(total):.2f}%;background:linear-gradient(to top,{",".join(stops)})"></i>'


def _tip(at: datetime, window: Window, told: Mapping[str, Any], shades: Mapping[str, str], unit: str, *, total: bool = False) -> str:
    """What stands in the box of one hour or day: the names in the order of the stack, topmost first, and their sum."""
    write = _WRITTEN.get(unit, lambda number: f"{money.count(number)}")
    rows = [f'<p><i style="background:{shades[name]}"></i>{escape(name or "(not told)")}<b>{write(number)}</b></p>' for name, number in told.items()]
    if total:
        rows = [f"<p><i></i>Total<b>{write(sum(told.values()))}</b></p>", *reversed(rows)]
    return f'<div class="sl-tip"><p>{axes.moment(at, window.step)}</p>{"".join(rows)}</div>'


def _picture(rows: Iterable[Sequence[float | None]], colours: Sequence[str], scale: Scale) -> str:
    """The lines as one picture of 100 by 100, stretched to the plot; strokes keep their width. A point alone is a dot."""
    paths: list[str] = []
    for row, colour in zip(rows, colours, strict=True):
        line, dots, pen_down = "", "", False
        for place, number in enumerate(row):
            if number is not None:
                spot = f"{100 * (place + 0.5) / len(row):.2f} {100 - scale.share(number):.2f}"
                line += f"{'L' if pen_down else 'M'}{spot}"
                dots += f"M{spot}h0"
            pen_down = number is not None
        paths.append(f'<path d="{line}" stroke="{colour}" stroke-width="2.2"/>')
        paths.append(f'<path d="{dots}" stroke="{colour}" stroke-width="{5.5 if len(row) < 40 else 2.2}"/>')
    opening = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" preserveAspectRatio="none">'
    style = "<style>path{fill:none;stroke-linecap:round;stroke-linejoin:round;vector-effect:non-scaling-stroke}</style>"
    return f'<img alt="" decoding="sync" src="data:image/svg+xml,{quote(opening + style + "".join(paths) + "</svg>")}">'


def _chart(
    window: Window, scale: Scale, unit: str, legend: Mapping[str, str], bars: Mapping[datetime, str], tips: Mapping[datetime, str], behind: str = ""
) -> Html:
    """The frame around bars or lines: legend, axes, a column per hour or day to point at."""
    shown = axes.times(window)
    sides = ("<div>", '<div class="sl-late">')  # boxes open towards the middle
    columns = "".join(f"{sides[2 * n >= len(shown)]}{bars.get(at, '')}{tips.get(at, '')}</div>" for n, at in enumerate(shown))
    names = "".join(f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in legend.items()) if len(legend) > 1 else ""
    heights = "".join(f"<span>{escape(words)}</span>" for words in reversed(scale.labels(unit)))
    moments = "".join(f'<span style="left:{100 * (n + 0.5) / len(shown):.2f}%">{words}</span>' for n, words in axes.time_labels(window))
    return Html(
        f'<div class="sl-chart"><div class="sl-legend">{names}</div><div class="sl-heights">{heights}</div>'
        f'<div class="sl-plot" style="--steps:{scale.steps}">{behind}<div class="sl-columns">{columns}</div></div>'
        f'<div class="sl-times">{moments}</div></div>'
    )
