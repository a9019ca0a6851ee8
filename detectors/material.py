"""What there is to judge an answer by: question, context and response, from what the trace holds.

Context is, in order of preference: documents on the call itself; documents of retrievers and outputs of tools that ended before it in
the same trace; tool turns in the prompt; the context part of the prompt. A short prompt without any of them is closed-book.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from detectors.text.cues import refuses

MAX_CONTEXT_CHARS = 120_000
MIN_CONTEXT_WORDS = 40  # a prompt's own text shorter than this is a question, not a context

MIN_SOURCE_WORDS = 15  # of a prompt that hands over a text to work on

#: Instructions that make the prompt itself the source. Not `translate`: words of another language prove nothing.
_TRANSFORMS = re.compile(r"\b(?:summari[sz]e|explain why|explain the|rewrite|rephrase|paraphrase|shorten|simplify|extract|proofread)\b", re.I)
_ASKS = re.compile(
    r"[?]|\btranslate|\b(?:i am|i'm|i want|i need|my)\b"
    r"|^\W*(?:please|write|create|generate|give|tell|show|make|find|help|suggest|compare|review|how|what|why|who|when|where)\b",
    re.I,
)
#: Particulars of a case: numbers, codes, quoted names, placeholders. Two of them make a prompt to explain or sum up its own source.
_PARTICULAR = re.compile(r"\b[\w-]*\d[\w.,-]*\b|`[^`]+`|\[[A-Z_]{3,}[^\]]*\]")
_TRANSLATES = re.compile(r"(?:^|[.!?:\n]\s*|\bplease |\byou )translate\b|\btranslate (?:the|this|it|into|to|from|everything|all)\b", re.I)
_INSTRUCTION_CHARS = 300  # of a system turn that is only an instruction
_TURN = re.compile(r"^(system|developer|user|human|assistant|ai|model|tool|function): ", re.M)
_ASKED = ("user", "human")
_TOLD = ("tool", "function")
_QUESTION = re.compile(r"(?:^|\n)\s*(?:question|query|user question|task)\s*:\s*", re.I)


class Text(NamedTuple):
    """One row of redacted text of a trace; times in microseconds since the epoch."""

    span_id: str
    ts_us: int
    kind: str
    prompt: str = ""
    response: str = ""
    context: tuple[str, ...] = ()
    tool_output: str = ""
    schema: str = ""
    prompt_hash: str = ""
    context_hash: str = ""


class Material(NamedTuple):
    """What detectors get; ``source`` of the context: call, trace, tools, prompt, translation (of the prompt), or empty when there is none."""

    question: str
    context: tuple[str, ...]
    response: str
    source: str
    prompt: str
    schema: str = ""

    @property
    def refuses(self) -> bool:
        """Whether the answer is a refusal or says that it does not know."""
        return refuses(self.response)


def turns(prompt: str) -> list[tuple[str, str]]:
    """(role, text) of each turn of a stored prompt (``role: text`` blocks); text before any role is the user's."""
    marks = list(_TURN.finditer(prompt))
    if not marks:
        return [("user", prompt)] if prompt.strip() else []
    out = [("user", prompt[: marks[0].start()].strip())] if prompt[: marks[0].start()].strip() else []
    ends = [m.start() for m in marks[1:]] + [len(prompt)]
    return out + [(m.group(1), prompt[m.end() : end].strip()) for m, end in zip(marks, ends, strict=True)]


def material(own: Sequence[Text], trace: Iterable[Text], started_us: int, ended_us: int) -> Material | None:
    """What one call offers, from the texts of its own spans and of its trace. None: its answer's text is not there."""
    told = next((t for t in sorted(own, key=lambda t: (-len(t.response), t.span_id)) if t.response.strip()), None)
    if told is None:
        return None
    prompt = told.prompt or next((t.prompt for t in own if t.prompt), "")
    spoken = turns(prompt)
    question = next((text for role, text in reversed(spoken) if role in _ASKED), "")
    schema = next((t.schema for t in own if t.schema), "")
    documents = [d for t in own for d in t.context if d.strip()]
    if documents:
        return Material(question, bounded(documents), told.response, "call", prompt, schema)
    found = _of_trace(trace, {t.span_id for t in own}, started_us, ended_us)
    if found:
        return Material(question, bounded(found), told.response, "trace", prompt, schema)
    tools = [text for role, text in spoken if role in _TOLD and text]
    if tools:
        return Material(question, bounded(tools), told.response, "tools", prompt, schema)
    if _translates(spoken):
        return Material("", bounded([text for role, text in spoken if role in _ASKED][-1:]), told.response, "translation", prompt, schema)
    question, context = of_prompt(spoken)
    return Material(question, bounded(context), told.response, "prompt" if context else "", prompt, schema)


def _of_trace(trace: Iterable[Text], own: set[str], started_us: int, ended_us: int) -> list[str]:
    """Documents and tool outputs that were there before the call ended, latest first; before it started, if any was."""
    rows = sorted(
        (t for t in trace if t.span_id not in own and t.ts_us <= ended_us and t.kind in ("retriever", "tool", "rerank")), key=lambda t: -t.ts_us
    )
    rows = [t for t in rows if t.ts_us <= started_us] or rows
    return [d for t in rows for d in (*t.context, t.tool_output) if d.strip()]


def of_prompt(spoken: Sequence[tuple[str, str]]) -> tuple[str, list[str]]:
    """(question, context) of a prompt that carries its own context: everything said but the last question, if it is long enough."""
    last = next((i for i in range(len(spoken) - 1, -1, -1) if spoken[i][0] in _ASKED), None)
    if last is None:
        return "", [text for _, text in spoken] if _long([text for _, text in spoken]) else []
    said, question = spoken[last][1], spoken[last][1]
    rest = [text for i, (role, text) in enumerate(spoken) if i != last and role not in ("assistant", "ai", "model")]
    asked = list(_QUESTION.finditer(said))
    if asked:
        question, before = said[asked[-1].end() :].strip(), said[: asked[-1].start()].strip()
        rest.append(before)
    elif len(blocks := [b for b in re.split(r"\n\s*\n", said) if b.strip()]) > 1:
        shortest_end = min((blocks[0], blocks[-1]), key=len)
        question = shortest_end.strip()
        rest += [b for b in blocks if b is not shortest_end]
    rest = [r for r in rest if r]
    if _long(rest):
        return question, rest
    return (question, [said]) if _is_source(said) else (question, [])


def _is_source(said: str) -> bool:
    """Whether the user's turn hands over a text to work on, rather than asking for something new."""
    if len(said.split()) >= MIN_SOURCE_WORDS:
        return bool(_TRANSFORMS.search(said) or not _ASKS.search(said))
    return bool(_TRANSFORMS.search(said)) and len(_PARTICULAR.findall(said)) >= 2


def _translates(spoken: Sequence[tuple[str, str]]) -> bool:
    """Whether the model was told to translate what the user said, by the user or by a short system turn."""
    said = next((text for role, text in reversed(spoken) if role in _ASKED), "")
    told = [text for role, text in spoken if role in ("system", "developer") and len(text) <= _INSTRUCTION_CHARS]
    return bool(said) and any(_TRANSLATES.search(text[:_INSTRUCTION_CHARS]) for text in (said, *told))


def _long(texts: Sequence[str]) -> bool:
    return sum(len(t.split()) for t in texts) >= MIN_CONTEXT_WORDS


def bounded(documents: Sequence[str]) -> tuple[str, ...]:
    """Distinct documents up to `MAX_CONTEXT_CHARS` together."""
    kept: list[str] = []
    left = MAX_CONTEXT_CHARS
    for document in dict.fromkeys(documents):
        if left <= 0:
            break
        kept.append(document[:left])
        left -= len(document)
    return tuple(kept)
