"""Spans read in step: the same fields that protobuf reads, and no harm from bytes that are no span."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.alike import ATTRIBUTE, alike

_KIND = 0x30


def span(i: int, names: tuple[str, ...], *, parent: bool = False, flags: int = 0, text: str = "x") -> bytes:
    made = Span(trace_id=i.to_bytes(16, "big"), span_id=i.to_bytes(8, "big"), name="chat", kind=3, start_time_unix_nano=1 << 60, flags=flags)  # type: ignore[arg-type]
    made.parent_span_id = b"parent__" if parent else b""
    for name in names:
        pair = made.attributes.add(key=name)
        if name.startswith("n"):
            pair.value.int_value = i
        else:
            pair.value.string_value = text * i
    return made.SerializeToString()


_kinds = st.sampled_from([("n1", "t1"), ("t1", "n1"), ("n1",), ("t1", "t2", "n3"), ()])
_drawn = st.lists(st.tuples(st.integers(1, 1 << 21), _kinds, st.booleans(), st.sampled_from([0, 1, 257])), max_size=30)


@settings(max_examples=200, deadline=None)
@given(_drawn)
def test_what_is_read_in_step_is_what_protobuf_reads(drawn: list[tuple[int, tuple[str, ...], bool, int]]) -> None:
    spans = [span(i, names, parent=parent, flags=flags, text="" if i > 500 else "é") for i, names, parent, flags in drawn]
    met: list[int] = []
    for group in alike(spans, 1):
        met += group.rows.tolist()
        for place, row in enumerate(group.rows.tolist()):
            whole = Span.FromString(spans[row])
            assert group.names == tuple(pair.key for pair in whole.attributes)
            at = [field for field, tag in enumerate(group.tags) if tag == ATTRIBUTE]
            for field, pair in zip(at, whole.attributes, strict=True):
                begin, end = group.texts(field)
                if pair.value.HasField("int_value"):
                    assert (group.ints(field)[place], begin[place]) == (pair.value.int_value, -1)
                else:
                    assert group.ints(field)[place] == -1
                    assert group.slices(begin, end)[place].decode() == pair.value.string_value
                assert group.blank(field)[place] == (pair.value == type(pair.value)(string_value=""))
            assert group.payloads(0, group.rows * 0 + place)[0] == whole.trace_id
            assert group.fixed(group.tags.index(0x39))[place] == whole.start_time_unix_nano
            assert group.sizes(group.tags.index(_KIND))[place] == 1
    assert sorted(met) == list(range(len(spans)))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=20), st.integers(0, 40), st.integers(0, 255))
def test_bytes_that_are_no_span_are_in_no_group_or_in_one_that_lies_within_them(odd: list[bytes], at: int, byte: int) -> None:
    good = span(7, ("n1", "t1", "t2"))
    bent = bytearray(good)
    bent[at] = byte
    spans = [*odd, good, bytes(bent), good[:-1], good + b"\x4a", good]
    ends = {}
    for row, one in enumerate(spans):
        ends[row] = ends.get(row - 1, 0) + len(one)
    for group in alike(spans, 1):
        for place, row in enumerate(group.rows.tolist()):
            starts = [int(column[place]) for column in group.starts]
            assert starts == sorted(starts)
            assert (starts[0], starts[-1]) == (ends[row] - len(spans[row]), ends[row])
            assert all(start <= value for start, value in zip(starts, (int(column[place]) for column in group.values), strict=False))
    assert any({len(spans) - 1, len(odd)} <= set(group.rows.tolist()) for group in alike(spans, 1))


def test_spans_of_ever_other_kinds_are_given_up_soon() -> None:
    spans = [span(1, (f"t{i % 100}",)) for i in range(2_000)]
    assert 0 < sum(len(group.rows) for group in alike(spans, 1)) < 2_000
    assert list(alike(spans, 100)) == []
