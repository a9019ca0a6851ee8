"""Plain addresses of networks and their hardware (IPv6, MAC) in dense texts: one pattern for both, between blanks or the marks of lists."""

from __future__ import annotations

import re
from collections.abc import Callable

from collector.redaction.checksums import mac
from collector.redaction.contact import ipv6
from collector.redaction.matching import Span

_HEX, _MARK = rb"[0-9A-Fa-f]", rb"[\0 \t\r\n,;|\"'<>]"
_LIKELY = re.compile(rb":" + _HEX + rb"{0,4}:" + _HEX + rb"{0,4}:")
_BEFORE = 32  # bytes of an address before such a part, at most
_ADDRESS = re.compile(
    rb"%(h)b(?<=%(m)b.)(?:%(h)b:(?:%(h)b{2}:){4}%(h)b{2}()|%(h)b{0,3}+:[0-9A-Fa-f:]{3,34}+(?<!:))"
    rb"(?=[\0\t\r\n,;|\"'<>]|\.[\0 \r\n]| (?:(?![0-9#xXeE])|%(h)b{1,4}:%(h)b))" % {b"h": _HEX, b"m": _MARK},
    re.DOTALL,
)
_CHECK_EVERY = 512  # addresses between looks at the clock


def network_addresses(b: bytes, lo: int, hi: int, out: list[Span], check: Callable[[], None] | None = None) -> None:
    """Append the spans of those that stand by themselves. ``check`` is called now and then."""
    likely = _LIKELY.search(b, lo, hi)
    if likely is None:
        return
    for k, m in enumerate(_ADDRESS.finditer(b, max(lo, likely.start() - _BEFORE), hi + 1), 1):
        if check and not k % _CHECK_EVERY:
            check()
        told = m[0]
        if m.lastindex:
            if mac(told.replace(b":", b"").decode()):
                out.append((*m.span(), "MAC_ADDRESS"))
        elif ipv6(told):
            out.append((*m.span(), "IP_ADDRESS"))
