"""What the first page downloads: which scripts, in what form."""

from __future__ import annotations

import gzip
import re

import pytest
from starlette.requests import Request

from dashboard import assets, shell
from dashboard.pages import PATHS

pytest.importorskip("streamlit")


def asked(path: str, encoding: str = "gzip, deflate, br", method: str = "GET", query: str = "") -> Request:
    headers = [(b"accept-encoding", encoding.encode())]
    return Request({"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": headers, "server": ("::1", 80)})


@pytest.fixture(scope="module")
def packed() -> assets.Packed:
    packed = assets.Packed()
    packed.fill()
    return packed


@pytest.mark.parametrize("name", sorted({*assets.EVERYWHERE, *sum(assets.DRAWN_WITH.values(), ())}))
def test_this_streamlit_has_the_scripts_that_the_pages_draw_with(name: str):
    assert assets.chunk(name)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_names_every_script_that_its_scripts_import(path: str):
    named = set(re.findall(r'(?:src|href)="\./(static/js/[^"]+)"', shell.html(path)))
    for script in named:
        text = (assets.folder() / script).read_text(encoding="utf-8")
        imported = {f"static/js/{other}" for other in re.findall(r'import[^;()]*?"\./([^"]+\.js)"', text)}
        assert imported <= named, script


@pytest.mark.parametrize("path", PATHS)
def test_a_page_knows_its_server_before_its_scripts_run(path: str):
    page = shell.html(path)
    assert page.index("window.__streamlit") < page.index('<script type="module"')
    assert "streamlit.app" not in page


@pytest.mark.parametrize("path", PATHS)
def test_only_pages_with_charts_evaluate_the_chart_library_ahead(path: str):
    assert ('import("./static/js/PlotlyChart.' in shell.html(path)) == (path not in ("calls", "alerts", "data-health"))


@pytest.mark.parametrize("path", PATHS)
def test_no_page_waits_for_streamlits_own_tables(path: str):
    assert not re.search(r"static/js/(DataFrame|ArrowVegaLiteChart)\.", shell.html(path))


@pytest.mark.parametrize("path", PATHS)
def test_our_style_sheet_comes_with_the_page_behind_the_frontends_own(path: str):
    page = shell.html(path)
    assert page.index(".sl-card") > page.index("</head>") > page.index('rel="stylesheet"')


def test_the_first_page_has_one_address_and_takes_its_choices_there():
    there = shell.served(asked(f"/{PATHS[0]}", query="since=30d&team=care"))
    assert there is not None
    assert (there.status_code, there.headers["location"]) == (307, "/?since=30d&team=care")
    home = shell.served(asked("/"))
    assert home is not None
    assert home.status_code == 200


def test_a_packed_script_is_the_file_compressed(packed: assets.Packed):
    path = assets.chunk("Html")
    answer = packed.served(asked(f"/{path}"))
    assert answer is not None
    assert gzip.decompress(bytes(answer.body)) == (assets.folder() / path).read_bytes()
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]


def test_whoever_takes_no_gzip_and_whatever_is_not_packed_is_left_to_streamlit(packed: assets.Packed):
    path = f"/{assets.chunk('Html')}"
    assert packed.served(asked(path, encoding="identity")) is None
    assert packed.served(asked(path, method="HEAD")) is None
    assert packed.served(asked("/static/js/none.js")) is None
    assert packed.served(asked("/static/js/../../../access.py")) is None


def test_the_chart_script_holds_the_smaller_library_and_is_else_as_it_was():
    script = (assets.folder() / assets.chunk("PlotlyChart")).read_bytes()
    changed = assets.lighter(script)
    before, after = script.partition(b"(typeof self<")[0], script.rpartition(b"window.Plotly=e,e})}))")[2]
    assert changed.startswith(before + b"(typeof self<`u`?self:n,(()=>{/**\n* plotly.js (basic - minified) v")
    assert changed.endswith(b"return window.Plotly=Plotly,Plotly}))}))" + after)
    assert b"MIT license" in changed
    assert len(changed) < len(script) / 3


def test_a_script_without_that_library_or_with_another_version_is_left_alone():
    start, end = b"(typeof self<`u`?self:n,()=>{var e=1;e.version=`4.9.0`;", b"return window.Plotly=e,e})}))"
    assert assets.lighter(start + end) != start + end
    for script in (
        b"",
        b"export{a as b};",
        start,
        end,
        (start + end).replace(b"4.9", b"5.0"),
        start + start + end,
        (start + end).replace(b"version", b"v"),
    ):
        assert assets.lighter(script) == script
