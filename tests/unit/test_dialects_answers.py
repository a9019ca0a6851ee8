"""Usage that stands only in the text of an answer; what a sender's total tells beyond its parts."""

from __future__ import annotations

import pytest

from collector.dialects.answers import completed, usage_in
from collector.ids import recover
from collector.usage import normalise
from spanledger.model import Usage

BEDROCK = (
    '{"id": "msg_1", "content": [{"text": "Paris."}], "usage": {"input_tokens": 1000, "output_tokens": 50, '
    '"cache_creation_input_tokens": 128, "cache_read_input_tokens": 768}, "role": "assistant"}'
)
HAYSTACK = (
    """{"replies": ["ChatMessage(_content=[TextContent(text='Paris.')], _meta={'model': 'o4-mini', 'usage': {'completion_tokens': 50, """
    """'prompt_tokens': 1000, 'completion_tokens_details': {'reasoning_tokens': 32}, 'prompt_tokens_details': {'cached_tokens': 768}}})"]}"""
)
PYDANTIC_AI = """{"usage": {"input_tokens": 1000, "cache_read_tokens": 768, "output_tokens": 50, "details": {"reasoning_tokens": 32}}}"""
EMBEDDER = '{"embedding": "<8-dimensional vector>", "meta": {"usage": {"prompt_tokens": 12, "total_tokens": 12, "completion_tokens": 0}}}'
TWO = '[{"usage": {"prompt_tokens": 5, "completion_tokens": 1}}, {"usage": {"prompt_tokens": 7, "completion_tokens": 1}}]'
TWICE = (
    '{"usage_metadata": {"input_tokens": 9, "output_tokens": 3, "input_token_details": {"cache_read": 4}}, '
    '"response_metadata": {"token_usage": {"prompt_tokens": 9, "completion_tokens": 3}}}'
)


@pytest.mark.parametrize(
    ("told", "answer", "usage"),
    [
        (None, BEDROCK, Usage(input=1896, output=50, cache_read=768, cache_write=128)),
        (Usage(input=1896, output=50), BEDROCK, Usage(input=1896, output=50, cache_read=768, cache_write=128)),
        (Usage(input=1000, output=50), BEDROCK, Usage(input=1896, output=50, cache_read=768, cache_write=128)),
        (Usage(input=1000, output=50), HAYSTACK, Usage(input=1000, output=50, cache_read=768, reasoning=32)),
        (Usage(input=1896), BEDROCK, Usage(input=1896, output=50, cache_read=768, cache_write=128)),  # a stream that tells only its input
        (Usage(output=50), BEDROCK, Usage(input=1896, output=50, cache_read=768, cache_write=128)),
        (  # inclusive already, but taken for a count beside its cached tokens
            Usage(input=2792, output=50, cache_read=768, cache_write=128),
            BEDROCK,
            Usage(input=1896, output=50, cache_read=768, cache_write=128),
        ),
        (None, EMBEDDER, Usage(input=12, output=0)),
        (None, TWICE, Usage(input=9, output=3, cache_read=4)),
        (Usage(input=1000, output=50, cache_read=768), PYDANTIC_AI, Usage(input=1000, output=50, cache_read=768, reasoning=32)),
    ],
)
def test_an_answers_usage_object_tells_what_attributes_do_not(told: Usage | None, answer: str, usage: Usage) -> None:
    assert completed(told, answer) == usage


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        (Usage(output=7), BEDROCK),
        (Usage(input=7, output=50), BEDROCK),  # other totals: another call's object
        (Usage(input=1000, output=50, cache_read=0, reasoning=0), HAYSTACK),  # told already
        (None, TWO),
        (None, "usage of the word usage"),
        (None, '{"usage": {"prompt_tokens": 0, "completion_tokens": 0}}'),
        (None, '{"usage": {' + "[" * 50),
        (Usage(input=1000, output=50), '{"usage": null}'),
    ],
)
def test_a_doubtful_usage_object_changes_nothing(told: Usage | None, answer: str) -> None:
    assert completed(told, answer) == told


def test_an_answer_that_is_all_braces_is_read_in_bounded_time() -> None:
    assert usage_in('"usage": {' * 5_000) is None


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"input": 1000, "output": 18, "total": 1050}, Usage(input=1000, output=50, reasoning=32)),  # Gemini, xAI: thoughts are left out
        ({"input": 1000, "output": 18, "reasoning": 32, "total": 1050}, Usage(input=1000, output=50, reasoning=32)),
        ({"input": 1000, "output": 50, "reasoning": 32, "total": 1050}, Usage(input=1000, output=50, reasoning=32)),
        ({"input": 1000, "output": 50, "cache_read": 896, "total": 1946}, Usage(input=1896, output=50, cache_read=896)),
        ({"input": 1000, "output": 50, "reasoning": 32, "total": 1060}, Usage(input=1000, output=50, reasoning=32)),  # no part explains it
        ({"input": 1000, "output": 50, "total": 1050}, Usage(input=1000, output=50)),
    ],
)
def test_a_total_tells_what_its_parts_leave_out(counts: dict[str, int], usage: Usage) -> None:
    assert normalise(counts) == usage


def test_the_id_of_a_message_within_an_answer_is_not_the_answers() -> None:
    assert recover('[{"id": "msg_0a1b2c3d", "content": [{"type": "output_text", "text": "Paris"}], "role": "assistant"}]') == ""
    assert recover('{"id": "msg_0a1b2c3d", "content": [{"type": "text", "text": "Paris"}], "role": "assistant"}') == "msg_0a1b2c3d"
