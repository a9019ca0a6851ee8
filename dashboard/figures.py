"""Frames in, Plotly figures out. Money turns into float here, at the pixel, never earlier.

Only ``plotly.graph_objects``: no templates, no express, so that the module imports in milliseconds. Streamlit's own Plotly theme
sets fonts and grounds for light and dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from dashboard.theme import GREY
from dashboard.windows import Window

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: Shown by Plotly's toolbar: nothing; the pages are for reading. Zoom by dragging stays.
CONFIG: Mapping[str, Any] = {"displayModeBar": False, "displaylogo": False, "responsive": True}

_STEPS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
#: How an axis writes its steps: ``m`` for thousandths would read as millions, so small steps are written out.
_PLAIN = [{"dtickrange": [None, 0.01], "value": ",~f"}, {"dtickrange": [0.01, 1], "value": ",.2~f"}, {"dtickrange": [1, None], "value": ",.3~s"}]
_MONEY = [{"dtickrange": [None, 0.01], "value": ",.6~f"}, {"dtickrange": [0.01, 1], "value": ",.2f"}, {"dtickrange": [1, None], "value": ",.3~s"}]


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
) -> go.Figure:
    """Stacked bars over time.

    Args:
        frame: ``at`` Datetime UTC, ``name`` String, ``value`` Decimal or number; one row per (at, name).
        value: the column to add up.
        name: the column to stack by; beyond the ``most`` largest the rest is ``other``.
        colours: name → colour.
        window: what the axis shows, whether there is data or not.
        unit: ``$`` for money, ``%`` for ratios, else what is counted.
        most: how many names are told apart.
        order: names from the bottom up; without it the largest is at the bottom.
    """
    import plotly.graph_objects as go

    data = _largest(frame.select("at", pl.col(name).alias("name"), pl.col(value).cast(pl.Float64).alias("value")), most)
    figure = go.Figure()
    names = [one for one in order if one in data["name"]] or data.group_by("name").agg(pl.col("value").sum()).sort(
        "value", "name", descending=[True, False]
    )["name"].to_list()
    shown = {"$": "$%{y:,.4~f}", "%": "%{y:.2%}"}.get(unit, "%{y:,.0f} " + unit)
    hover = f"%{{fullData.name}}: <b>{shown}</b><extra></extra>"
    for one in names:
        part = data.filter(pl.col("name") == one).sort("at")
        figure.add_bar(
            x=part["at"].to_list(),
            y=part["value"].to_list(),
            name=one or "(not told)",
            marker_color=colours.get(one, GREY),
            marker_line_width=0,
            width=_STEPS[window.step] / timedelta(milliseconds=1) * 0.82,
            hovertemplate=hover,
        )
    figure.update_layout(_layout(unit, window, legend=len(names) > 1) | {"barmode": "stack"})
    return figure


def _largest(data: pl.DataFrame, most: int) -> pl.DataFrame:
    kept = data.group_by("name").agg(pl.col("value").sum()).sort("value", "name", descending=[True, False]).head(most)["name"]
    if data["name"].n_unique() <= most:
        return data.group_by("at", "name").agg(pl.col("value").sum())
    other = pl.when(pl.col("name").is_in(kept.implode())).then(pl.col("name")).otherwise(pl.lit("other")).alias("name")
    return data.with_columns(other).group_by("at", "name").agg(pl.col("value").sum())


def lines(
    frame: pl.DataFrame, *, values: Mapping[str, tuple[str, str]], window: Window, unit: str, percent: bool = False, limit: float | None = None
) -> go.Figure:
    """Lines over time.

    Args:
        frame: ``at`` and one column per key of ``values``; null leaves a gap.
        values: column → (legend words, colour).
        window: what the axis shows, whether there is data or not.
        unit: what the axis says (``ms``, ``score``, …).
        percent: values are ratios, shown in per cent.
        limit: a threshold drawn as a dotted line.
    """
    import plotly.graph_objects as go

    data, figure = frame.sort("at"), go.Figure()
    at = data["at"].to_list()
    for column, (words, colour) in values.items():
        y = data[column].cast(pl.Float64).to_list()
        shown = "%{y:.2%}" if percent else "%{y:,.4~g}" + (f" {unit}" if unit not in ("", "$") else "")
        figure.add_scatter(
            x=at, y=y, name=words, mode="lines+markers" if len(at) < 40 else "lines", line={"color": colour, "width": 2.2}, marker={"size": 5},
            connectgaps=False, hovertemplate=f"{words}: <b>{shown}</b><extra></extra>",
        )  # fmt: skip
    if limit is not None:
        figure.add_hline(y=limit, line={"dash": "dot", "width": 1.3, "color": GREY})
    figure.update_layout(_layout("%" if percent else unit, window, legend=len(values) > 1))
    return figure


def _layout(unit: str, window: Window, *, legend: bool) -> dict[str, Any]:
    axis = {
        "$": {"tickprefix": "$", "tickformatstops": _MONEY},
        "%": {"tickformat": ".1~%"},
        "s": {"ticksuffix": " s", "tickformat": ",~g"},
        "": {"tickformat": ",.3~g"},
    }
    return {
        "height": 320,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "hovermode": "x unified",
        "showlegend": legend,
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.01, "x": 0, "title": None, "traceorder": "normal"},
        "xaxis": {"title": None, "showgrid": False, "type": "date", "hoverformat": "%a %d %b %Y %H:%M UTC", "range": _shown(window)},
        "yaxis": {"title": None, "rangemode": "tozero", "nticks": 6, **axis.get(unit, {"tickformatstops": _PLAIN})},
    }


def _shown(window: Window) -> tuple[datetime, datetime]:
    """From half a step before the first hour or day of a window, where its bar begins, to half a step behind its last."""
    step = _STEPS[window.step]
    since = window.since.replace(minute=0, second=0, microsecond=0)
    first = since.replace(hour=0) if window.step == "day" else since
    steps = -((first - window.until) // step)
    return first - step / 2, first + (steps - 0.5) * step
