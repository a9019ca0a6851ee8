"""The page that every browser gets first: Streamlit's, with our title and a head start on the scripts that the asked page needs."""

from __future__ import annotations

import re
from functools import cache

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from dashboard import assets, theme
from dashboard.pages import PATHS

#: The largest script takes long to evaluate: done as soon as the page has asked the server for its contents, both work at once.
_AHEAD = """<script>{
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (...told) {
    WebSocket.prototype.send = send;
    setTimeout(() => import("./%s"));
    return send.apply(this, told);
  };
}</script>"""
#: Where the frontend finds its server, and what the server would say when asked: it looks for both first otherwise, on every page but the home
#: page in the wrong place, with an error in the console. No other site may speak to the page through messages between windows.
_PLACE = """<script>window.__streamlit = {
  BACKEND_BASE_URL: new URL(".", location.href).href,
  HOST_CONFIG: {allowedOrigins: [location.origin], useExternalAuthToken: false, enableCustomParentMessages: false, blockErrorDialogs: false},
};</script>"""


@cache
def html(path: str) -> str:
    """Streamlit's ``index.html`` for the page at ``path``, changed."""
    page = (assets.folder() / "index.html").read_text(encoding="utf-8")
    own = assets.DRAWN_WITH.get(path, ())
    scripts = assets.closure(*assets.EVERYWHERE, *own)
    early = [f'<link rel="modulepreload" crossorigin href="./{script}">' for script in scripts]
    early += [f'<link rel="preload" as="font" type="font/woff2" crossorigin href="./{font}">' for font in assets.icons()]
    early += [_AHEAD % assets.chunk(assets.CHART)] if assets.CHART in own else []
    page = re.sub(r"<title>.*?</title>", f"<title>Spanledger</title>{_PLACE}", page, count=1, flags=re.DOTALL)
    page = page.replace("</head>", f"{''.join(early)}</head>", 1)
    return page.replace("</body>", f"<style>{theme.STYLE_SHEET}</style></body>", 1)  # behind the frontend's own, which it puts into the head


def served(request: Request) -> Response | None:
    """The shell for ``/`` or another page's path, an asset that is kept in memory; None for anything else."""
    path = request.url.path.removeprefix("/")
    if request.method != "GET" or path not in ("", *PATHS):
        return assets.packed.served(request)
    if path == PATHS[0]:  # Streamlit knows its first page as / alone
        return RedirectResponse("/" + (f"?{request.url.query}" if request.url.query else ""))
    return HTMLResponse(html(path or PATHS[0]), headers={"Cache-Control": "no-cache"})
