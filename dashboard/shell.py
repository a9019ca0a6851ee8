"""The page that every browser gets first: Streamlit's, with our title and a head start on the scripts that all our pages need."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from dashboard.pages import PATHS

_EARLY = ("PlotlyChart", "protobuf", "StreamlitMarkdown", "ButtonGroup", "Multiselect")


@cache
def html() -> str:
    """Streamlit's ``index.html``, changed."""
    import streamlit

    static = Path(streamlit.__file__).parent / "static"
    page = (static / "index.html").read_text(encoding="utf-8")
    scripts = sorted(file.name for file in (static / "static" / "js").glob("*.js") if file.name.startswith(_EARLY))
    early = "".join(f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in scripts)
    page = re.sub(r"<title>.*?</title>", "<title>Spanledger</title>", page, count=1, flags=re.DOTALL)
    return page.replace("</head>", f"{early}</head>", 1)


def served(request: Request) -> Response | None:
    """The shell for ``/`` or another page's path; None for anything else."""
    if request.method != "GET" or request.url.path.removeprefix("/") not in ("", *PATHS):
        return None
    return HTMLResponse(html(), headers={"Cache-Control": "no-cache"})
