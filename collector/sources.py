"""Who sends plain calls: of every source which combinations it uses, and its spans as stamps where these repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from collector.alike import Alike, alike
from collector.canonical import Raw, Source
from collector.layouts import Key, Layout, layout_of
from collector.stencils import PEOPLE, Model, Stamp, Stencil
from spanledger.model import Span

if TYPE_CHECKING:
    from collector.plans import Shape

#: Reads one serialised span in the ordinary way: how it came, its plan and what became of it; None where it is not kept.
Ordinary = Callable[[Source, bytes], "tuple[Raw, Shape, Span] | None"]

#: Spans of one layout in an export, below which reading them in step takes longer than one by one.
FEWEST = 32
_MAX = 10_000  # stencils, models and sources kept
_TRIAL = 5_000  # spans of a scope after which it is judged whether reading them in step is worth it
_PATIENCE = 500  # combinations of a source after which it is judged whether they repeat


class _Known:
    """What is known of one source. ``worth``: its combinations repeat."""

    __slots__ = ("found", "learned", "source", "stencils", "worth")

    def __init__(self, source: Source) -> None:
        self.source, self.stencils = source, dict[Model, Stencil]()
        self.worth = source.inherited.keys().isdisjoint(PEOPLE)  # whom a resource names is hashed by each span's time
        self.learned = self.found = 0

    def learn(self) -> None:
        """One more combination."""
        self.learned += 1
        self.worth = self.learned < _PATIENCE or self.found > self.learned


class _Scope:
    """What spans of one instrumentation look like. ``layouts``: None for those that the ordinary way alone reads."""

    __slots__ = ("layouts", "made", "read")

    def __init__(self) -> None:
        self.layouts: dict[Any, Layout | None] = {}
        self.read = self.made = 0

    @property
    def worth(self) -> bool:
        """A tenth of what is read in step becomes stamps."""
        return self.read < _TRIAL or self.made * 10 > self.read


class Sources:
    """The stencils of every source, bounded: all are forgotten when there are too many. Not shared between threads."""

    def __init__(self) -> None:
        self._known: dict[Any, _Known] = {}
        self._scopes: dict[str, _Scope] = {}
        self._size = 0

    def stamps(self, told: Sequence[tuple[Source, Sequence[bytes]]], ordinary: Ordinary) -> list[Stamp]:
        """Stamps of serialised spans of one scope; the spans that are none are read by ``ordinary``, each once."""
        whose = [source for source, some in told for _ in some]
        of = [known for source, some in told for known in [self._of(source)] * len(some)]
        spans = [span for _, some in told for span in some]
        scope = self._scopes.setdefault(told[0][0].scope, _Scope())
        steady = [i for i, known in enumerate(of) if known.worth] if len(spans) >= FEWEST and scope.worth else []
        left, stamps = dict.fromkeys(range(len(spans))), list[Stamp]()

        def read(i: int) -> tuple[Raw, Shape, Span] | None:
            del left[i]
            return ordinary(whose[i], spans[i])

        for group in alike([spans[i] for i in steady], FEWEST):
            rows = [steady[i] for i in group.rows.tolist()]
            made, at = self._of_group(scope, group, [of[i] for i in rows], lambda k, rows=rows: read(rows[k]))
            stamps += made
            for k in at:
                del left[rows[k]]
        scope.read += len(steady)
        scope.made += len(stamps)
        for i in list(left):
            read(i)
        return stamps

    def _of_group(self, scope: _Scope, group: Alike, of: list[_Known], read: Callable[[int], Any]) -> tuple[list[Stamp], list[int]]:
        """Stamps of a group's spans, and which of them these are; ``read`` reads one in the ordinary way."""
        kind, taken = (*group.tags, *group.openings), dict[int, Any]()
        if kind not in scope.layouts:
            taken[0] = first = read(0)
            if first is None or tuple(first[0].attributes) != group.names:
                return [], []
            scope.layouts[kind] = layout_of(first[1], group, group.names)
            self._grown()
        layout = scope.layouts[kind]
        if layout is None:
            return [], []
        keys = layout.keys(group)
        new = dict[Key, int]()  # the first span of each combination not met before
        for k, key in enumerate(keys):
            if key not in layout.known:
                new.setdefault(key, k)
        for key, k in new.items():
            if k not in taken and of[k].worth:
                taken[k] = read(k)
            if (told := taken.get(k)) is not None and layout.learn(key, *told):
                of[k].learn()
                self._grown()
        models = [layout.known.get(key) for key in keys]
        like = [model is not None and k not in taken for k, model in enumerate(models)]
        some = [k for k, is_like in enumerate(like) if is_like]
        picked = group if len(some) == len(keys) else group.pick(np.array(like))
        stencils = [self._stencil(of[k], model) for k in some if (model := models[k]) is not None]
        made, at = layout.stamps(picked, stencils) if some else ([], [])
        return made, [some[k] for k in at]

    def _stencil(self, known: _Known, model: Model) -> Stencil:
        """What stamps of a model say under a source's own name."""
        known.found += 1
        stencil = known.stencils.get(model)
        if stencil is None:
            stencil = known.stencils[model] = Stencil(model.span, known.source)
            self._grown()
        return stencil

    def _of(self, source: Source) -> _Known:
        key = (source.project, source.service, source.scope, *source.inherited.items())
        found = self._known.get(key)
        if found is None:
            self._grown()
            found = self._known[key] = _Known(source)
        return found

    def _grown(self) -> None:
        self._size += 1
        if self._size > _MAX:
            self._known, self._scopes, self._size = {}, {}, 1
