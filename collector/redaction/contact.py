"""Matchers for e-mail addresses, IP and MAC addresses, and numbers told in words."""

# ruff: noqa: E501 - patterns read worse when cut
from __future__ import annotations

import re
import socket
from functools import cache
from importlib import resources

from collector.redaction.checksums import card_sure
from collector.redaction.matching import Handler, Sought, Span, near, tester, words
from collector.redaction.national_ids import ssn
from collector.redaction.rules import Rule

_DOMAIN = re.compile(
    rb"(?:(?:[A-Za-z0-9]|[\xc3-\xd4][\x80-\xbf]|[\xe4-\xe9][\x80-\xbf]{2})(?:[A-Za-z0-9_\-]++|[\xc3-\xd4][\x80-\xbf])*+\.)+((?:[A-Za-z]|[\xc3-\xd4][\x80-\xbf]){2,24}(?![A-Za-z0-9])|xn--[a-z0-9-]{2,60})"
)
_WIDE_ENDINGS = (  # top-level domains of scripts whose characters take three bytes
    "சிங்கப்பூர் இந்தியா இலங்கை संगठन বাংলা భారత్ 组织机构 クラウド ポイント भारत ভারত ਭਾਰਤ ભારત ලංකා 中文网 新加坡 诺基亚 みんな セール ストア कॉम नेट ไทย คอม ລາວ 中国 中國 公司 网络 網絡 在线 香港 台湾 台灣 商城 网址 集团 移动 企业 机构 公益 政务 广东 佛山 购物 信息 时尚 健康 新闻 手机 网店 网站 商店 商标 世界 招聘 澳門 澳门 八卦 游戏 娱乐 点看 コム 한국 닷컴 닷넷 გე"
)
_WIDE_DOMAIN = re.compile(
    rb"(?:(?:[A-Za-z0-9_\-]|[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}(?<!\xe3\x80\x82)){1,63}+(?:\.|\xe3\x80\x82)){1,8}(?:%b)"
    % b"|".join(re.escape(ending.encode()) for ending in _WIDE_ENDINGS.split())
)
_PLAIN_LACOL = re.compile(rb"(?:[A-Za-z0-9._%+'\-]++|[\x80-\xbf][\xc3-\xdf])*+")
_SCRIPT = re.compile(rb"(?:[\x80-\xbf]{2}[\xe0-\xef]){1,16}+|")
_ESCAPE_HEAD = re.compile(rb"(?:[nrtbf]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})")


@cache
def top_level_domains() -> frozenset[bytes]:
    """Well-known top-level domains longer than two letters, and names reserved for private use."""
    text = resources.files("collector.redaction").joinpath("rules/tlds.txt").read_text("ascii")
    return frozenset(line.encode() for line in text.split() if line)


def email_handler(rule: Rule) -> Handler:
    """Around an ``@``: local part to the left, domain with a plausible ending to the right."""
    known = top_level_domains()

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        at = b.rindex(b"@", lo, to)
        domain = _DOMAIN.match(b, at + 1, min(hi, at + 256)) or _WIDE_DOMAIN.match(b, at + 1, min(hi, at + 256))
        if domain is None:
            return to
        if b[at - 1] == 34:
            start = _quoted_local(b, at, lo)
            if start < at:
                out.append((start, domain.end(), rule.class_name))
            return domain.end()
        start = at - _PLAIN_LACOL.match(b[max(lo, at - 96) : at][::-1]).end()  # type: ignore[union-attr]
        start = _local_start(b, start, at, lo)
        if start == at and b[at - 1] >= 0x80:  # a name in another script
            start = at - _SCRIPT.match(b[max(lo, at - 96) : at][::-1]).end()  # type: ignore[union-attr]
        end = domain.end()
        if start >= at or (b[start:at] == b"git" and b[end : end + 1] in b":/"):
            return to
        tld = domain[1].lower() if domain.re is _DOMAIN else b"\xff"
        strange = len(tld) > 2 and tld not in known and tld[0] < 128 and not tld.startswith(b"xn--")
        if strange and (at - start < 3 or b[end : end + 1] in b"([" or b"." in domain[0][: -len(tld) - 1]):
            return to
        if (len(tld) == 2 and b[end : end + 1] == b"(") or in_authority(b, start, lo):
            return to
        out.append((start, end, rule.class_name))
        return end

    return handle


def _local_start(b: bytes, start: int, at: int, lo: int) -> int:
    """Step over escapes (``\\n``, ``%3D``) and marks that are no part of the address."""
    if start > lo and b[start - 1] == 92:
        m = _ESCAPE_HEAD.match(b, start, at)
        start = m.end() if m else start
    while True:
        cut = b.find(b"%", start, at)
        if cut < 0:
            break
        start = min(at, cut + 3)
    while start < at and b[start] in b".-'+_"[:4]:
        start += 1
    return start


def _quoted_local(b: bytes, at: int, lo: int) -> int:
    """Where the local part in quotes before the ``@`` begins (``"ana b"@…``, its quotes escaped or not); ``at`` if there is none."""
    mark = b'\\"' if b[at - 2] == 92 else b'"'
    start = b.rfind(mark, max(lo, at - 66), at - len(mark))
    said = b[start + len(mark) : at - len(mark)]
    return start if start >= 0 and said and not any(c < 32 or c in b'<>{}"' for c in said) else at


_NOT_AUTHORITY = re.compile(rb"[\s/?\"'<>]")


def in_authority(b: bytes, start: int, lo: int) -> bool:
    """Is this the ``password@host`` part of a URL? The rule for URL credentials takes it."""
    if b[start - 1] not in b":/@!$&*+,;=#%^~()-_.":
        return False
    scheme = b.rfind(b"://", max(lo, start - 160), start)
    if scheme < 0 or _NOT_AUTHORITY.search(b, scheme + 3, start):
        return False
    return b[start - 1] not in b",;" or b.find(b":", scheme + 3, start) >= 0  # else the next field of a table


_OPENING = re.compile(rb"\s{0,2}[\[({<]\s?(?:at|@)\s?\Z", re.IGNORECASE)  # of a bracket around *at*
_BRACKETED_HOST = re.compile(
    rb"(?i)\s{0,2}(?:[A-Za-z0-9\-]{1,63}+\s{0,2}(?:[\[({<]\s?(?:dot|punkt|point|punto)\s?[\])}>]|\.)\s{0,2}){1,6}[A-Za-z]{2,24}(?![A-Za-z])"
)
_WORDED_HOST = re.compile(rb"(?i)(?:[A-Za-z0-9\-]{1,63}+ dot ){1,6}[A-Za-z]{2,24}(?![A-Za-z])")
_LACOL = re.compile(rb"[A-Za-z0-9._%+\-]{0,63}[A-Za-z0-9]")  # a local part, backwards


def spoken_email_handler(rule: Rule) -> Handler:
    """``name [at] host [dot] org`` and ``name at host dot org``: the trigger ends behind the bracket, or in the host."""

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        first = max(lo, to - 80)
        if b[to - 1] in b"])}>":
            host = _BRACKETED_HOST.match(b, to, min(hi, to + 320))
            opening = _OPENING.search(b, max(first, to - 8), to - 1) if host else None
            at = opening.start() if opening else 0
        else:
            at = b[first:to].lower().rfind(b" at ") + first
            host = _WORDED_HOST.match(b, at + 4, min(hi, to + 320))
        local = _LACOL.match(b[first:at][::-1]) if host and at > first else None
        if host is None or local is None or host.end() < to:
            return to
        out.append((at - local.end(), host.end(), rule.class_name))
        return host.end()

    return handle


_IPV4 = re.compile(rb"(?<![0-9.])([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?!\.?[0-9])")
VERSION_WORDS = (  # a number behind them is no address
    "version|section|chapter|clause|article|figure|table|paragraph|appendix|rule|ver|release|build|chrome|chromium|firefox|safari|edge|edg|opr|opera|"
    "windows|kernel|android|ios|sdk|driver|firmware|patch"
)
_VERSION = tester(
    [rb"(?i)(?:\bv|" + VERSION_WORDS.encode() + rb"|ver\.|assembly\w*|[a-z]/|==|>=|<=|~=|\^|@)[\s:=\"']{0,4}v?$"],
    latin=True,
)


def follows_version(b: bytes, start: int, lo: int) -> bool:
    """Does a word such as *version*, or a program's name, stand before ``start``?"""
    return bool(_VERSION.Match(b[max(lo, start - 20) : start]))


def ipv4_handler(rule: Rule) -> Handler:
    """Dotted quads that are addresses of somebody: no versions, masks, loopback or any-address."""

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        m = None
        for m in _IPV4.finditer(b, max(lo, to - 16), min(hi, to + 4)):  # noqa: B007 - the last one counts
            pass
        if m is None or m.end() < to:
            return to
        octets = [int(m[i]) for i in range(1, 5)]
        if max(octets) > 255 or octets[0] in (0, 127, 255) or any(len(m[i]) > 1 and m[i][0] == 48 for i in range(1, 5)):
            return to
        c = b[m.start() - 1]
        if (65 <= c <= 90 or 97 <= c <= 122) and (c in b"vV" or not (b[m.start() - 2] == 92 and c in b"nrt")):
            return to
        if follows_version(b, m.start(), lo) and b[m.start() - 3 : m.start()] != b"://" and b[m.start() - 1 : m.start()] != b"@":
            return to
        if b[m.end() : m.end() + 1] in (b"+", b"-") and b[m.end() + 1 : m.end() + 2].isalpha():
            return to
        out.append((m.start(), m.end(), rule.class_name))
        return m.end()

    return handle


_IPV6_RUN = re.compile(rb"[0-9A-Fa-f:.]{2,64}+")
_NO_DIGITS = bytes(c for c in range(256) if not 48 <= c <= 57)
_NUR_6VPI = re.compile(rb"[0-9A-Fa-f:.]{0,64}+")


_LONG_GROUP = re.compile(rb"[0-9A-Fa-f]{3,4}:")
_NO_NETWORK = bytes(12)


def ipv6(text: bytes) -> bool:
    """Is it an address of somebody, in hexadecimal digits some of which are decimal?"""
    colons = text.count(b":")
    if colons < 2 or (colons != 7 and b"::" not in text and b"." not in text):  # as of hardware, or a time
        return False
    try:
        packed = socket.inet_pton(socket.AF_INET6, text.decode())
    except OSError:
        return False
    return not packed.startswith(_NO_NETWORK) and text.translate(None, _NO_DIGITS) != b"" and (colons > 3 or _LONG_GROUP.match(text) is not None)


def ipv6_handler(rule: Rule) -> Handler:
    """A run of hex and colons that parses as an address and is neither ``::1`` nor C++."""

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        start = to - _NUR_6VPI.match(b[max(lo, to - 64) : to][::-1]).end()  # type: ignore[union-attr]
        m = _IPV6_RUN.match(b, start, hi)
        if m is None:
            return to
        text = m[0].rstrip(b".:") if not m[0].endswith(b"::") else m[0]
        if start > lo and b[start - 1] == 92:
            return m.end()
        before, after = b[start - 1 : start], b[start + len(text) : start + len(text) + 1]
        if before.isalnum() or before == b"_" or after.isalnum() or after == b"_" or not ipv6(text):
            return m.end()
        out.append((start, start + len(text), rule.class_name))
        return m.end()

    return handle


_DIGIT_WORDS = {w: str(i) for i, w in enumerate(b"zero one two three four five six seven eight nine".split())} | {b"oh": "0", b"o": "0"}
_SPELLED = re.compile(
    rb"(?i)(?:(?:zero|one|two|three|four|five|six|seven|eight|nine|oh)(?:[ ,\-]{1,3}|\r?\n|\.\s)){2,40}(?:zero|one|two|three|four|five|six|seven|eight|nine|oh)(?![a-z])"
)
_SPELLED_CODE = re.compile(
    rb"(?i)(?<![a-z])(?:(?:cvv2?|cvc|passcode)(?: is|:)?|(?:pin|otp|(?:access|door|gate|alarm|security|verification|login|one.time) code)"
    rb"(?: code| number)?(?:'s| is| was|:))[ \"'`*]{0,3}\Z"
)
_CODE = re.compile(rb"(?i)cv[vc]|pin|otp|code")  # one of its words
_LONGEST_CODE = 8
_SPELLED_WORD = re.compile(rb"[a-z]+")
_SPELLED_CONTEXT = words(r"card|pan|credit|visa|ssn|social security|phone|mobile|call|number|account|lost|charge|pay(?:ment)?|pin|tel")


def spelled_digits_handler(rule: Rule) -> Handler:
    """Digits told in words, that make a card or social security number, a code right behind the word for it, or any long number where a word says so."""

    sought = Sought(_SPELLED)

    def handle(b: bytes, to: int, lo: int, hi: int, out: list[Span]) -> int:
        for m in sought.beginning(b, max(lo, to - 200), to, min(hi, to + 400), lo, hi):
            if not m.start() < to <= m.end():
                continue
            digits = "".join(_DIGIT_WORDS[w] for w in _SPELLED_WORD.findall(m[0].lower()))
            told = b[max(lo, m.start() - 40) : m.start()]
            if 3 <= len(digits) <= _LONGEST_CODE and _CODE.search(told) and _SPELLED_CODE.search(told):
                out.append((m.start(), m.end(), "ACCESS_CODE"))
            elif card_sure(digits) or ((ssn(digits) or len(digits) >= 7) and near(_SPELLED_CONTEXT, b, m.start(), m.end(), lo, hi)):
                out.append((m.start(), m.end(), "CREDIT_CARD" if card_sure(digits) else rule.class_name))
            sought.barren = m.end()
            return m.end()
        return to

    return handle
