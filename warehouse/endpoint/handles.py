"""Engine sessions kept warm: one per (asker, database, settings), lent to one statement at a time."""

from __future__ import annotations

import itertools
import re
import secrets
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from warehouse.endpoint.backend import Backend, Handle
from warehouse.endpoint.refusal import EngineError

Key = tuple[str, str, tuple[tuple[str, str], ...]]

_UNPRINTABLE = re.compile(r"[^\w.@+-]")


@dataclass
class Lent:
    """A handle on loan; ``tag`` names its queries to ``Backend.kill``; a ``spoiled`` one is not used again."""

    handle: Handle
    tag: str
    spoiled: bool = False
    since: float = 0.0


class Handles:
    """The pool. Idle handles are closed after ``idle_s``, the oldest ones beyond ``most``."""

    def __init__(self, backend: Backend, most: int = 32, idle_s: float = 60.0) -> None:
        self._backend = backend
        self._most = most
        self._idle_s = idle_s
        self._idle: dict[Key, list[Lent]] = {}
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._mark = secrets.token_hex(4) + "-"  # two endpoints may share one engine
        self._closed = False

    @contextmanager
    def lend(self, who: str, database: str, settings: Mapping[str, str]) -> Generator[Lent]:
        """A handle for one statement of ``who``, with these settings in force (in this order)."""
        key = (who, database, tuple(settings.items()))
        with self._lock:
            waiting = self._idle.get(key)
            lent = waiting.pop() if waiting else None
        if lent is None:
            lent = self.open(who, database, settings)
        try:
            yield lent
        except EngineError:  # leaves a session as it was
            raise
        except BaseException:
            lent.spoiled = True
            raise
        finally:
            self._give_back(key, lent)

    def open(self, who: str, database: str, settings: Mapping[str, str], *, keep: bool = False) -> Lent:
        """A handle outside the pool. Its queries are marked in the query log: tag, then the asker's own ``log_comment``."""
        tag = f"{_UNPRINTABLE.sub('_', who)}/{self._mark}{next(self._numbers)}"
        given = dict(settings)
        comment = f"{tag} {given.pop('log_comment')}" if given.get("log_comment") else tag
        last = {"readonly": given.pop("readonly")} if "readonly" in given else {}
        return Lent(self._backend.open(database, {**given, "log_comment": comment, **last}, keep=keep), tag)

    def _give_back(self, key: Key, lent: Lent) -> None:
        now = time.monotonic()
        lent.since = now
        spare: list[Lent] = []
        with self._lock:
            if lent.spoiled or self._closed:
                spare.append(lent)
            else:
                self._idle.setdefault(key, []).append(lent)
            everyone = sorted((one.since, k, id(one)) for k, ones in self._idle.items() for one in ones)
            too_many = max(0, len(everyone) - self._most)
            out = {one for i, (since, _, one) in enumerate(everyone) if i < too_many or now - since > self._idle_s}
            if out:
                for k in list(self._idle):
                    spare += [one for one in self._idle[k] if id(one) in out]
                    self._idle[k] = [one for one in self._idle[k] if id(one) not in out]
                    if not self._idle[k]:
                        del self._idle[k]
        for one in spare:
            one.handle.close()

    def close(self) -> None:
        """Close every idle handle; lent ones close when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, {}
        for ones in idle.values():
            for one in ones:
                one.handle.close()
