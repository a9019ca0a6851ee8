"""Pieces of HTML that pages are made of: heading, cards, tables with totals, facts, empty states. Text in, escaped HTML out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Literal

import polars as pl

from dashboard import money

Direction = Literal["up", "down", "none"]
STILL = 0.0005  # relative change that counts as none


@dataclass(frozen=True)
class Card:
    """One figure at a glance.

    Attributes:
        label: what it is.
        value: the figure, already written for people.
        change: relative change against the previous window, None = nothing to compare with.
        good: which direction is good news; ``none``: neither.
        under: words below instead of, or after, the change.
        tone: ``first`` for the page's main figure, ``warn`` for what needs a look.
        hint: explained on hover.
    """

    label: str
    value: str
    change: float | None = None
    good: Direction = "none"
    under: str = ""
    tone: Literal["", "first", "warn"] = ""
    hint: str = ""


class Html(str):
    """Text that is HTML already; everything else is escaped."""


def cards(row: Iterable[Card]) -> str:
    """A row of cards that wraps on narrow screens."""
    return f'<div class="sl-cards">{"".join(_card(card) for card in row)}</div>'


def _card(card: Card) -> str:
    key = escape(card.label.lower().replace(" ", "-").replace(",", ""))
    tone = f" sl-{card.tone}" if card.tone else ""
    under = " · ".join(f"<span>{part}</span>" for part in (_moved(card), escape(card.under)) if part)
    return (
        f'<div class="sl-card{tone}" data-card="{key}" title="{escape(card.hint)}"><div class="sl-label">{escape(card.label)}</div>'
        f'<div class="sl-value">{escape(card.value)}</div><div class="sl-under">{under}</div></div>'
    )


def _moved(card: Card) -> str:
    if card.change is None:
        return ""
    if abs(card.change) <= STILL:
        return '<span class="sl-flat">no change</span>'
    return f"{moved(card.change, card.good)} vs before"


def moved(change: float, good: Direction) -> Html:
    """A change in per cent with an arrow, green where it is good news and red where it is bad."""
    rose = change > 0
    mood = "sl-flat" if good == "none" or abs(change) <= STILL else "sl-good" if rose == (good == "up") else "sl-bad"
    return Html(f'<span class="{mood}">{"▲" if rose else "▼"} {escape(money.signed_share(change))}</span>')


def beside(words: str, change: float | None) -> Html:
    """A figure with its change before it, where less is better."""
    return Html((f"{moved(change, 'down')}  " if change is not None and abs(change) > STILL else "") + escape(words))


@dataclass(frozen=True)
class Column:
    """One column of a table: the frame's column, its heading, how a value is written, and whether it is a number."""

    name: str
    title: str
    write: Callable[[Any], str] = str
    number: bool = False
    bar: bool = False  # a bar beside the figure, relative to the largest
    hint: str = ""


def table(
    frame: pl.DataFrame | Sequence[dict[str, Any]],
    columns: Sequence[Column],
    *,
    total: dict[str, Any] | None = None,
    dots: dict[str, dict[str, str]] | None = None,
    key: str = "",
) -> str:
    """An HTML table of ``frame`` (or rows); ``total`` becomes its foot; ``dots``: column → value → colour, a dot before it."""
    head = "".join(f'<th class="{"sl-num" if c.number else ""}" title="{escape(c.hint)}" scope="col">{escape(c.title)}</th>' for c in columns)
    rows = frame.to_dicts() if isinstance(frame, pl.DataFrame) else frame
    largest = {c.name: max((float(row[c.name]) for row in rows if row[c.name] is not None), default=0.0) for c in columns if c.bar}
    body = "".join(f"<tr>{''.join(_cell(c, row, largest, dots) for c in columns)}</tr>" for row in rows)
    foot = ""
    if total is not None:
        foot = f"<tfoot><tr>{''.join(_cell(c, total, {}, None) for c in columns)}</tr></tfoot>"
    opening = f'<div class="sl-scroll"><table class="sl-table" data-table="{escape(key)}">'
    return f"{opening}<thead><tr>{head}</tr></thead><tbody>{body}</tbody>{foot}</table></div>"


def _cell(column: Column, row: dict[str, Any], largest: dict[str, float], dots: dict[str, dict[str, str]] | None) -> str:
    value = row.get(column.name)
    words = column.write(value) if value is not None else money.DASH if column.name in row else ""
    words = words if isinstance(words, Html) else escape(words)
    dot = f'<span class="sl-dot" style="background:{dots[column.name].get(str(value), "")}"></span>' if dots and column.name in dots else ""
    bar = ""
    if column.bar and value is not None and largest.get(column.name):
        bar = f'<span class="sl-bar" style="width:{max(2, 72 * float(value) / largest[column.name]):.0f}px"></span>'
        bar = f'<span style="display:inline-block;width:80px;text-align:left">{bar}</span>'
    return f'<td class="{"sl-num" if column.number else ""}" data-column="{escape(column.name)}">{dot}{words}{bar}</td>'


def named(value: object) -> str:
    """A dimension's value for people: the empty one has a name too."""
    return str(value) if value not in ("", None) else "(not told)"


def head(title: str, when: str, note: str = "") -> str:
    """A page's heading: its title, the window in words, one line on what it shows."""
    below = f'<div class="sl-note">{escape(note)}</div>' if note else ""
    return f'<div class="sl-head"><h1>{escape(title)}</h1><span class="sl-when">{escape(when)}</span></div>{below}'


def section(title: str, note: str = "") -> str:
    """A heading inside a page."""
    return f'<div class="sl-h2">{escape(title)}</div>' + (f'<div class="sl-note">{escape(note)}</div>' if note else "")


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Name and value pairs in a grid; empty values are left out."""
    return '<div class="sl-facts">' + "".join(f"<div><span>{escape(k)}</span>{escape(v)}</div>" for k, v in pairs if v) + "</div>"


def text(words: str) -> str:
    """Redacted text as sent, line breaks kept."""
    return f'<div class="sl-text">{escape(words)}</div>'


def pill(words: str, mood: Literal["good", "bad", "warn", ""] = "") -> Html:
    """A small label."""
    return Html(f'<span class="sl-pill{f" sl-{mood}" if mood else ""}">{escape(words)}</span>')


def empty(title: str, words: str, code: str = "") -> str:
    """What a page says instead of an empty chart: what is missing and what to do next."""
    return f'<div class="sl-empty"><b>{escape(title)}</b><p>{escape(words)}</p>{f"<pre>{escape(code)}</pre>" if code else ""}</div>'


def coverage_words(row: dict[str, Any]) -> str:
    """Why a total may be too low, in one line; empty when every call is priced and told its usage."""
    parts = [
        (row.get("unpriced_calls"), "unpriced"),
        (row.get("partial_calls"), "priced in part"),
        (row.get("usage_missing"), "without usage"),
        (row.get("usage_estimated"), "estimated"),
    ]
    return ", ".join(f"{money.count(n)} {words}" for n, words in parts if n)
