"""Forms of drivers are read at once, every other one by the standard library: both see the same fields."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import encode_multipart_formdata

from warehouse.endpoint import request as requests
from warehouse.endpoint.bodies import Body
from warehouse.endpoint.refusal import Refused
from warehouse.endpoint.request import Request, plain_fields

_VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=200)


def _taken(kind: str, body: bytes) -> dict[str, str]:
    headers = {"Content-Type": kind, "Content-Length": str(len(body))}
    request = Request.parse("POST", "/", headers, Body(io.BytesIO(body), headers))
    request.take_form(1 << 20)
    return request.args


@given(st.dictionaries(st.from_regex(r"\A[a-z_]\w{0,20}\Z", fullmatch=True).filter(str.isascii), _VALUES, max_size=6))
def test_a_driver_s_form_says_the_same_both_ways(fields: dict[str, str]) -> None:
    body, kind = encode_multipart_formdata(fields)
    at_once = plain_fields(kind, body)
    assert at_once == fields
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(requests, "plain_fields", lambda *_: None)
        assert _taken(kind, body) == fields


@pytest.mark.parametrize(
    "body",
    [
        b'--b0undary1\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\n1\r\n--b0undary1--\r\n',
        b'--b0undary1\r\nContent-Disposition: form-data; name="x"\r\nContent-Type: text/plain\r\n\r\n1\r\n--b0undary1--\r\n',
        b'--b0undary1\r\nContent-Disposition: form-data; name="query"\r\n\r\nSELECT 1\r\n--b0undary1\r\n',
        b'before\r\n--b0undary1\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b0undary1--\r\n',
        b'--b0undary1\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b0undary1--\r\nbehind',
        b'--b0undary1\nContent-Disposition: form-data; name="x"\n\n1\n--b0undary1--\n',
        b'--b0undary1\r\nContent-Disposition: form-data; name="x"\r\n\r\n\xff\r\n--b0undary1--\r\n',
        b'--b0undary1\r\nContent-Disposition: form-data; name="x\\"y"\r\n\r\n1\r\n--b0undary1--\r\n',
        b'--b0undary1\r\nContent-Disposition: form-data; name="x"\r\n\r\n1 --b0undary1 2\r\n--b0undary1--\r\n',
        b"",
    ],
)
def test_whatever_is_written_otherwise_is_read_the_long_way(body: bytes) -> None:
    assert plain_fields("multipart/form-data; boundary=b0undary1", body) is None


def test_a_file_in_a_form_is_refused() -> None:
    body, kind = encode_multipart_formdata({"x": ("x", b"1\n")})
    with pytest.raises(Refused, match="external data"):
        _taken(kind, body)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="a b c d e f"'])
def test_a_boundary_that_drivers_do_not_write_is_read_the_long_way(kind: str) -> None:
    assert plain_fields(kind, b"--x--\r\n") is None
