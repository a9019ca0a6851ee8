"""How a sealer is made of settings and policy, the same in the collector and in its sealing processes."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from collector.decode import DecodeOptions
from collector.identity import IdentityKeys, load_identity_keys
from collector.redaction import Redactor
from collector.redaction.names import gate_of
from collector.redaction.quarantine import Gate
from collector.redaction.renewing import Renewing
from collector.redaction.warming import warm
from collector.sealing import SchemaCheck, Sealer
from collector.window_feed import WindowFeed
from spanledger.instance import reported
from spanledger.instance import token as instance_token
from spanledger.policy import Policy, PolicyFile
from spanledger.settings import Settings
from warehouse.vault.keyring import Keyring, kek_from

T = TypeVar("T")


class Derived(Generic[T]):
    """Something made of the policy (and of ``besides``), made again when these have changed."""

    def __init__(self, policy: PolicyFile, make: Callable[[Policy], T], besides: Callable[[], object] = lambda: None) -> None:
        self._policy, self._make, self._besides = policy, make, besides
        self._of, self._value = (policy.current, besides()), make(policy.current)

    def __call__(self) -> T:
        """The thing, up to date."""
        now = self._policy.current, self._besides()
        if now[0] is not self._of[0] or now[1] is not self._of[1]:
            self._of, self._value = now, self._make(now[0])
        return self._value


class Sealers:
    """Makes sealers; the first is made at once, so that what is wrong with the rules is said at the start.

    Raises:
        ConfigError: a redaction rule that cannot be used, a key that does not fit.
    """

    def __init__(
        self, settings: Settings, policy: PolicyFile, schema_check: SchemaCheck | None, on_learned: Callable[[dict[bytes, str]], None] | None = None
    ) -> None:
        self._settings, self._policy, self._check, self._on_learned = settings, policy, schema_check, on_learned
        self._heard: deque[dict[bytes, str]] = deque(maxlen=1_000)
        self._keys = load_identity_keys(settings.data_dir / "keys")
        self._ring = Keyring(settings.data_dir / "keys" / "tenants", kek_from(settings))
        self._feed = _feed(settings)
        self._lock = threading.Lock()
        self._made: list[Sealer] = [self._make()]

    def __call__(self) -> Sealer:
        """A sealer for the calling thread alone."""
        with self._lock:
            return self._made.pop() if self._made else self._make()

    def gate(self) -> Gate:
        """What texts pass before they are durable."""
        return gate_of(self._settings, lambda: self._policy.current, self._keys)

    def learn(self, tenants: dict[bytes, str]) -> None:
        """Another process knows whose traces these are."""
        self._heard.append(tenants)

    def close(self) -> None:
        """End what runs beside."""
        if self._feed is not None:
            self._feed.close()

    def _make(self) -> Sealer:
        renewing = Renewing(lambda policy: _redactor(self._settings, policy, self._keys), self._policy.current)
        return Sealer(
            renewing.engine,
            self._keys,
            lambda: self._policy.current,
            self._check,
            self._ring,
            self._feed,
            heard=self._heard,
            on_learned=self._on_learned,
            renew=renewing,
        )


def _redactor(settings: Settings, policy: Policy, keys: IdentityKeys) -> Redactor:
    """The engine with the organisation's own rules.

    Raises:
        ConfigError: a rule that cannot be used: better no start than text that was meant to go.
    """
    wishes = policy.redaction
    own = [{**rule.model_dump(exclude={"name", "triggers"}), "id": rule.name.lower(), "class": rule.name} for rule in wishes.rules]
    engine = "re2" if settings.redaction_engine == "re2" else "hyperscan"
    key = keys.redaction_key() if wishes.hashes else b""
    redactor = Redactor(engine=engine, user_rules=own, key=key, disable=wishes.disable, allow=wishes.allow)
    warm(redactor)
    return redactor


def _feed(settings: Settings) -> WindowFeed | None:
    if not settings.window_bytes:
        return None
    return WindowFeed(lambda: (reported(settings.data_dir, "window") or {}).get("texts", ""), lambda: instance_token(settings.data_dir))


def decode_options(settings: Settings, policy: Policy) -> DecodeOptions:
    """How exports are decoded under this policy."""
    precedence = {name: names for name, names in policy.identity.model_dump().items() if names}
    return DecodeOptions(keep_unknown_spans=settings.keep_unrelated, identity_precedence=precedence, stamps=True)
