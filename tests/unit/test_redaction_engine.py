"""The redactor as its callers see it: texts in, texts out, offsets, counts, fail closed."""

from __future__ import annotations

import pytest

from collector.redaction import Redactor


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


def test_a_text_without_anything_personal_comes_back_as_the_same_object(redactor: Redactor) -> None:
    text = "The cache was warm, the tests were green, and 42 was the answer."
    assert redactor.redact_batch([text])[0] is text


def test_entities_are_offsets_in_code_points_of_the_input(redactor: Redactor) -> None:
    text = "Größe: ü — write to ana@example.org, naïve one"
    (entity,) = redactor.redact(text).entities
    assert (entity.class_name, text[entity.start : entity.end]) == ("EMAIL", "ana@example.org")


def test_order_is_kept_and_neighbours_do_not_leak_into_each_other(redactor: Redactor) -> None:
    assert redactor.redact_batch(["4111 1111", "1111 1111", "x@example.org", ""]) == ["4111 1111", "1111 1111", "[EMAIL]", ""]
