"""The scripts and fonts of Streamlit's frontend that our pages draw with: which they are, and their bytes, compressed once and kept in memory.

A first page asks for a hundred of them before it can draw. Streamlit reads each from disk, uncompressed, behind all of its layers.
"""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path

from fastapi import Request, Response

#: Chunks of the frontend, by the first part of their names: what every page draws with, and what else. Tables are HTML: Streamlit's own
#: bring 1.7 MB of scripts for the browser to read first.
EVERYWHERE = ("Button", "ButtonGroup", "Html")
CHART = "PlotlyChart"
DRAWN_WITH = {
    "spend": (CHART, "DownloadButton"),
    "calls": ("DownloadButton", "Multiselect", "TextInput", "Selectbox"),
    "reliability": (CHART,),
    "quality": (CHART,),
    "releases": (CHART, "Selectbox"),
}
ICONS = "MaterialSymbols-Rounded"

_IMPORT = re.compile(r'(?:from|import)"\./([\w.-]+\.js)"')
_LINK = re.compile(r'(?:src|href)="\./(static/[\w./-]+)"')
_KINDS = {".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
_FACTORY = (b"(typeof self<`u`?self:n,()=>{", b"return window.Plotly=e,e})}))")  # of Plotly inside Streamlit's chunk
_VERSION = re.compile(rb"\be\.version=`(\d+)\.")
#: Plotly's own distribution of bars, lines and pies, as released (MIT, its licence within): a quarter of the size of all chart types.
_BASIC = Path(__file__).parent / "vendor" / "plotly-basic-4.1.1.min.js.gz"
_BODY = (b'"use strict";var Plotly=', b"window.Plotly = Plotly;")
_ONCE = Path(__file__).parent / "once.js"
_FOR_EVER = "public, immutable, max-age=31536000"  # their names carry a hash of their contents


@cache
def folder() -> Path:
    """Where Streamlit keeps its frontend."""
    import streamlit

    return Path(streamlit.__file__).parent / "static"


@cache
def linked() -> tuple[str, ...]:
    """What Streamlit's own ``index.html`` names, as paths like ``static/js/index.….js``."""
    return tuple(_LINK.findall((folder() / "index.html").read_text(encoding="utf-8")))


@cache
def chunk(name: str) -> str:
    """The path of the script that the frontend calls ``name``; empty when this Streamlit has none."""
    found = sorted((folder() / "static" / "js").glob(f"{name}.*.js"))
    return f"static/js/{found[0].name}" if found else ""


@cache
def closure(*names: str) -> tuple[str, ...]:
    """Paths of these chunks and of every script that they import, less those that ``index.html`` loads anyway."""
    waiting, found = [path for path in map(chunk, names) if path], dict.fromkeys(linked())
    known = len(found)
    while waiting:
        path = waiting.pop(0)
        if path not in found:
            found[path] = None
            waiting += [f"static/js/{name}" for name in _IMPORT.findall((folder() / path).read_text(encoding="utf-8"))]
    return tuple(found)[known:]


@cache
def icons() -> tuple[str, ...]:
    """The path of the icons' font, if there is one."""
    return tuple(f"static/media/{file.name}" for file in (folder() / "static" / "media").glob(f"{ICONS}.*.woff2"))


def lighter(script: bytes) -> bytes:
    """Streamlit's chart script with the chart library's smaller distribution in place of the whole; any other script as it is.

    What browsers read of 4.7 MB before the first chart is 1.2 MB then, and a figure is drawn once (``once.js``). The factory stands in parentheses:
    they take that for a function that is called at once, and compile it while it downloads.
    """
    head, start, rest = script.partition(_FACTORY[0])
    whole, end, tail = rest.partition(_FACTORY[1])
    version = _VERSION.search(whole)
    if not start or not end or version is None or _FACTORY[0] in rest or not _BASIC.name.startswith(f"plotly-basic-{version[1].decode()}."):
        return script
    library = gzip.decompress(_BASIC.read_bytes())
    licence, body = library[: library.index(b"*/") + 2], library[library.index(_BODY[0]) : library.rindex(_BODY[1])]
    end = _ONCE.read_bytes() + b"return window.Plotly=Plotly,Plotly}))}))"
    return b"".join((head, start.replace(b",()=>", b",(()=>"), licence, body, end, tail))


class Packed:
    """The assets of our pages in memory; until :meth:`fill` has run, and for clients without gzip, Streamlit serves its files itself."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[bytes, dict[str, str]]] = {}

    def fill(self) -> None:
        """Read and compress them: about 0.3 s of CPU."""
        named = dict.fromkeys((*EVERYWHERE, *(name for names in DRAWN_WITH.values() for name in names)))
        for path in (*linked(), *closure(*named), *icons()):
            kind, body = _KINDS[Path(path).suffix], lighter((folder() / path).read_bytes())
            headers = {"Content-Type": kind, "Cache-Control": _FOR_EVER}
            if kind.startswith("text/"):
                body, headers = gzip.compress(body, 6, mtime=0), headers | {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            self._kept[f"/{path}"] = body, headers

    def served(self, request: Request) -> Response | None:
        """The asset that is asked for; None for anything else."""
        kept = self._kept.get(request.url.path) if request.method == "GET" else None
        if kept is None or "gzip" not in request.headers.get("accept-encoding", ""):
            return None
        return Response(kept[0], headers=kept[1])


packed = Packed()
