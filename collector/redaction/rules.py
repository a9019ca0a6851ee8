"""Redaction rules: YAML in, frozen dataclasses out.

A rule says what sets off a closer look (``trigger``: linear, common to Hyperscan and RE2), what exactly is then matched,
which check must hold and which words must stand near. Files: ``rules/*.yaml``; format: ``docs/redaction.md``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import re2
import yaml

from spanledger.errors import ConfigError

KINDS = ("prefix", "pattern", "number", "handler")
#: The databases of triggers: the gate (``gates.py``) that a buffer passes first, and the scans in it. Like expressions share a
#: database, since every pass over a text costs; unlike ones slow each other down many times over. Both were measured.
DATABASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("all", ("keys", "words", "escapes", "messages")),
    ("colons", ("colons",)),
    ("wide", ("wide",)),
    ("streets", ("streets",)),
    ("said", ("said",)),
    ("digits", ("digits", "shapes", "letters")),
    ("runs", ("coins", "hexes", "wrapped")),
    ("ats", ("ats",)),
)
SCANS = frozenset(scan for _, scans in DATABASES for scan in scans)
EDGE = r"(?:[^A-Za-z0-9]|\\[nrtbf])"  # what may stand before a token: JSON escapes end in a letter
_SPELLED = "{SPELLED}"
FOLLOW = 4  # characters of a key's body that its trigger wants to see
_FOLDER = Path(__file__).parent / "rules"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; fields that a kind does not use stay empty."""

    id: str
    class_name: str
    kind: str
    scan: str
    trigger: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    pattern: str = ""
    shape: str = ""
    validator: str = ""
    words: str = ""
    not_words: str = ""
    handler: str = ""
    reach: int = 96
    longest: int = 0
    back: int = 0
    then: str = ""
    digits: tuple[int, ...] = ()
    ignore_case: bool = False
    mixed: bool = False
    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trigger:
    """One expression of a scan database: ``offset`` bytes lie between the token's first byte and the expression's end, or, where it
    is negative, so many between that byte and the lower-case letters before the end (``mixed``: a word of these is no key).
    ``spelled``: few enough strings for Hyperscan to look for each (``{SPELLED}`` before a trigger)."""

    expression: bytes
    rule: Rule
    offset: int
    ignore_case: bool
    spelled: bool = False


def _rule(raw: dict[str, Any], source: str) -> Rule:
    many = {
        k: tuple(raw.pop(k)) if isinstance(raw.get(k), list) else (raw.pop(k),)
        for k in ("trigger", "prefix", "positives", "negatives", "digits")
        if k in raw
    }
    raw |= {k: re.sub(r"\s*\|\s*", "|", raw[k]) for k in ("words", "not_words") if k in raw}  # folded lines leave blanks
    try:
        rule = Rule(class_name=raw.pop("class"), scan=raw.pop("scan", "keys"), **many, **raw)
    except (TypeError, KeyError) as exc:
        raise ConfigError(f"{source}: rule {raw.get('id', '?')}: {exc}") from exc
    if rule.kind not in KINDS or rule.scan not in SCANS:
        raise ConfigError(f"{source}: rule {rule.id}: unknown kind or scan")
    return rule


@cache
def load() -> tuple[Rule, ...]:
    """The rules that come with Spanledger, in file order."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: list[Rule] = []
    for path in sorted(_FOLDER.glob("*.yaml")):
        found += [_rule(dict(raw), path.name) for raw in yaml.load(path.read_text("utf-8"), loader)]  # noqa: S506 - a safe loader
    return tuple(found)


def triggers(rules: Iterable[Rule]) -> list[Trigger]:
    """What the first scan looks for. A prefix rule gives one expression per prefix, others those they name."""
    found: list[Trigger] = []
    for rule in rules:
        for prefix in rule.prefix:
            follow = r"[A-Za-z0-9_/+=.\-]" if not rule.shape else rule.shape
            edge = EDGE if len(prefix) < 4 else ""  # matchers check the edge too; here it only saves candidates
            body, offset = ("[a-z]{0,11}[A-Z0-9]", -len(prefix)) if rule.mixed else (f"{follow}{{{FOLLOW}}}", len(prefix) + FOLLOW)
            found.append(Trigger(f"{edge}{re.escape(prefix)}{body}".encode("latin-1"), rule, offset, rule.ignore_case))
        for t in rule.trigger:
            expression = t.removeprefix(_SPELLED).replace("{EDGE}", EDGE).encode("latin-1")
            found.append(Trigger(expression, rule, 0, rule.ignore_case, t.startswith(_SPELLED)))
    return found


@dataclass(frozen=True, slots=True)
class UserRule:
    """A user's own rule: one RE2 pattern, no look-around, linear by construction."""

    id: str
    class_name: str
    pattern: Any
    group: int


def load_user_rules(sources: Sequence[Path | dict[str, Any]]) -> tuple[UserRule, ...]:
    """Users' rules, or YAML files with lists of such: ``{id, class, pattern, positives, negatives}``; ``ignore_case`` optional.

    Only the first capture group is redacted, if there is one. Examples are tried at once.

    Raises:
        ConfigError: with file, rule and reason: unreadable, not linear (RE2 refuses it), or an example that fails.
    """
    found: list[UserRule] = []
    for path in sources:
        if isinstance(path, dict):
            found.append(_user_rule(path, Path("policy")))
            continue
        try:
            raws = yaml.safe_load(Path(path).read_text("utf-8")) or []
        except (OSError, yaml.YAMLError) as exc:
            raise ConfigError(f"{path}: {exc}") from exc
        if not isinstance(raws, list):
            raise ConfigError(f"{path}: expected a list of rules")
        found += [_user_rule(raw, path) for raw in raws]
    return tuple(found)


def _user_rule(raw: Any, path: Path) -> UserRule:
    if not isinstance(raw, dict) or not {"id", "class", "pattern"} <= raw.keys():
        raise ConfigError(f"{path}: a rule needs id, class and pattern")
    where = f"{path}: rule {raw['id']}"
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{1,31}", str(raw["class"])):
        raise ConfigError(f"{where}: class must be upper case letters, digits and _")
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not raw.get("ignore_case", False)
    try:
        pattern = re2.compile(str(raw["pattern"]).encode(), options)
    except re2.error as exc:
        raise ConfigError(f"{where}: not a linear-time pattern: {exc}") from exc
    if pattern.search(b""):
        raise ConfigError(f"{where}: matches the empty text")
    for text in raw.get("positives", ()):
        if not pattern.search(str(text).encode()):
            raise ConfigError(f"{where}: does not match its positive {text!r}")
    for text in raw.get("negatives", ()):
        if pattern.search(str(text).encode()):
            raise ConfigError(f"{where}: matches its negative {text!r}")
    return UserRule(str(raw["id"]), str(raw["class"]), pattern, 1 if pattern.groups else 0)


_ALPHABETS = {
    "w": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    "c": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "d": "0123456789",
    "U": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "l": "abcdefghijklmnopqrstuvwxyz0123456789",
    "L": "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "b": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
}


def example(template: str) -> str:
    """A rule's example with its ``{w36}`` holes filled, the same each time.

    Holes keep key-shaped strings out of the repository. Letters: ``w`` alphanumeric, ``c`` base58, ``h``/``H`` hex, ``d`` digits,
    ``U`` base32, ``l``/``L`` lower/upper alphanumeric, ``b`` base64.
    """
    stream = iter(range(1_000_000))

    def fill(m: re.Match[str]) -> str:
        alphabet = _ALPHABETS[m[1]]
        seeds = (hashlib.blake2b(f"{template}|{next(stream)}".encode(), digest_size=4).digest() for _ in range(int(m[2])))
        return "".join(alphabet[int.from_bytes(s, "big") % len(alphabet)] for s in seeds)

    return re.sub(r"\{([wchHdUlLb])(\d+)\}", fill, template)
