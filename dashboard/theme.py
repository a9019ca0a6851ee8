"""How the pages look: colours that stay with a team, tier or outcome on every page, Streamlit's theme options, our style sheet.

Everything works in light and dark: lines and grounds are mixed from the text colour of the theme in use. Nothing is loaded from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

#: Twelve hues that stay apart in light and dark, ordered so that neighbours differ also to a colour-blind reader.
HUES = (
    "#3b82f6", "#f59e0b", "#10b981", "#a855f7", "#ef4444", "#06b6d4",
    "#ec4899", "#84cc16", "#f97316", "#6366f1", "#14b8a6", "#eab308",
)  # fmt: skip
GREY = "#94a3b8"
BLUE, AMBER, GREEN, VIOLET, RED = HUES[:5]

_FIXED = {
    "free": GREEN, "local": GREEN, "free/local": GREEN, "standard": BLUE, "premium": VIOLET,
    "success": GREEN, "error": RED, "timeout": AMBER, "rate_limited": "#f97316", "filtered": VIOLET, "cancelled": GREY,
    "": GREY, "other": GREY, "unknown": GREY, "unpriced": AMBER,
}  # fmt: skip

STYLE_SHEET = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")
ICON = Path(__file__).parent / "icon.svg"


def colours(names: Iterable[str], known: Iterable[str] = ()) -> dict[str, str]:
    """One colour per name: fixed for tiers and outcomes, else by rank among all ``known`` names, so that filters never recolour a team."""
    rank = {name: place for place, name in enumerate(sorted({*known} - _FIXED.keys()))}
    rest = sorted({*names} - rank.keys() - _FIXED.keys())
    rank |= {name: len(rank) + place for place, name in enumerate(rest)}
    return {name: _FIXED.get(name) or HUES[rank[name] % len(HUES)] for name in names}


def options() -> Mapping[str, object]:
    """Streamlit's configuration: our colours, nothing sent home, no file watching, no developer menus."""
    shared = {"chartCategoricalColors": list(HUES), "primaryColor": "#2f6fed", "baseRadius": "0.6rem", "showWidgetBorder": True}
    light = {"backgroundColor": "#ffffff", "secondaryBackgroundColor": "#f6f7f9", "textColor": "#16202e", "borderColor": "#e3e7ec"}
    dark = {"backgroundColor": "#0f141b", "secondaryBackgroundColor": "#171e28", "textColor": "#e6ebf2", "borderColor": "#2a3442"}
    theme = {f"theme.{mode}.{name}": value for mode, own in (("light", light), ("dark", dark)) for name, value in {**shared, **own}.items()}
    return {
        "browser.gatherUsageStats": False,
        "client.showErrorDetails": "none",
        "client.toolbarMode": "minimal",
        "global.developmentMode": False,
        "logger.enableRich": False,
        "runner.magicEnabled": False,
        "server.fileWatcherType": "none",
        "server.headless": True,
        "server.enableStaticServing": False,
        "server.runOnSave": False,
        "server.showEmailPrompt": False,
        "theme.baseFontSize": 15,
        **theme,
    }
