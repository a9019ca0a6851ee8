"""The text of one record by its plan: messages, answer, documents, tool input and output, requested schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from collector.canonical import Raw
from collector.dialects.genai import DETAILS_EVENT, MESSAGE_EVENTS
from collector.messages import answer, documents, indexed, indexed_documents, role_of, text_of, tool_calls, turns
from collector.outcomes import finish_of
from collector.plans import Shape
from collector.requested import schema_in, schema_of
from collector.values import parse, to_json, to_text
from spanledger.model import CALL_KINDS, Content, Message, Span

#: Kinds whose text is kept; chains and steps only repeat what is above and below them.
_TOLD = CALL_KINDS | {"agent", "tool", "retriever", "guardrail", "evaluator"}

_TOOLS = ("llm.tools.", "llm.request.functions.", "gen_ai.request.tools.")


def content_of(span: Span, raw: Raw, shape: Shape) -> Content | None:
    """Text of a span, or None when it brings none. Finish reasons found in the text fill the span's, if it has none."""
    where, attributes = shape.content, raw.attributes
    told = span.kind in _TOLD or "schema" in where  # a wrapper that asks for an object knows its schema, the calls inside do not
    if not told or not (where or raw.events or raw.status_message):
        return _errors(span, raw, None)
    content = Content()
    if span.kind == "tool":
        _tool(content, where, attributes)
    elif span.kind == "retriever":
        _retrieved(content, where, attributes)
    else:
        _dialogue(content, span, where, attributes)
    if raw.events:
        from_events(content, span, raw.events)
    if shape.dialect.text is not None:
        shape.dialect.text(content, span, attributes)
    return _errors(span, raw, content)


def _first(where: Mapping[str, tuple[str, ...]], slot: str, attributes: Mapping[str, Any]) -> Any:
    names = where.get(slot)
    return attributes[names[0]] if names else None


def _as_text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else to_json(value)


def _dialogue(content: Content, span: Span, where: Mapping[str, tuple[str, ...]], attributes: Mapping[str, Any]) -> None:
    if not where:
        return
    _asked(content, where, attributes)
    _answered(content, span, where, attributes)
    if "documents" in where or "indexed_documents" in where:
        _retrieved(content, {k: v for k, v in where.items() if "documents" in k}, attributes)
    definitions = _first(where, "tool_definitions", attributes)
    if definitions is not None:
        content.tool_definitions = _as_text(definitions)
    elif "indexed_tools" in where:
        content.tool_definitions = "\n".join(to_text(attributes[n]) for n in attributes if n.startswith(_TOOLS) and not n.endswith(".description"))
    schema = _first(where, "schema", attributes)
    if schema is not None:
        content.schema = schema_of(schema)


def _asked(content: Content, where: Mapping[str, tuple[str, ...]], attributes: Mapping[str, Any]) -> None:
    if "indexed_input" in where:
        content.messages = indexed(("llm.input_messages.", "gen_ai.prompt."), attributes, attributes)
    for name in where.get("input", ()):
        value = attributes[name]
        if not content.messages:
            content.messages = turns(value)
        if type(value) is str and value[:1] == "{":  # a whole request
            content.schema = content.schema or schema_in(value)
    if "system" in where:
        found = parse(attributes[where["system"][0]])
        content.system = text_of(found) if found is not None else to_text(attributes[where["system"][0]])


def _answered(content: Content, span: Span, where: Mapping[str, tuple[str, ...]], attributes: Mapping[str, Any]) -> None:
    if "indexed_output" in where:
        told = indexed(("llm.output_messages.", "gen_ai.completion."), attributes, attributes)
        content.response = "\n".join(m.text for m in told if m.text)
    if content.response or span.kind == "embedding":
        return
    for name in where.get("output", ()):
        content.response, finish, calls = answer(attributes[name])
        if finish and not span.finish_reason:
            span.finish_reason = finish_of(finish)
        if calls and not content.response:
            content.extra["tool_calls"] = "\n".join(calls)
        if content.response or calls:
            break


def _tool(content: Content, where: Mapping[str, tuple[str, ...]], attributes: Mapping[str, Any]) -> None:
    content.tool_input = _as_text(_first(where, "tool_input", attributes) if "tool_input" in where else _first(where, "input", attributes))
    content.tool_output = _as_text(_first(where, "tool_output", attributes) if "tool_output" in where else _first(where, "output", attributes))


def _retrieved(content: Content, where: Mapping[str, tuple[str, ...]], attributes: Mapping[str, Any]) -> None:
    if "indexed_documents" in where:
        content.context = indexed_documents(("retrieval.documents.", "reranker.output_documents."), attributes, attributes)
    for slot in ("documents", "output"):
        if not content.context and slot in where:
            content.context = documents(attributes[where[slot][0]])
    query = _first(where, "query", attributes) if "query" in where else _first(where, "input", attributes)
    if query is not None:
        content.messages = turns(query)


def from_events(content: Content, span: Span, events: list[tuple[str, int, dict[str, Any]]]) -> None:
    """Messages that came as events (semconv 1.27–1.36, Strands, Bedrock), and the newer details event."""
    messages: list[Message] = []
    for name, _, attributes in events:
        told = MESSAGE_EVENTS.get(name)
        if told is not None:
            _message(content, span, told, attributes, messages)
        elif name == DETAILS_EVENT:
            if not content.messages:
                content.messages = turns(attributes.get("gen_ai.input.messages"))
            if not content.response:
                content.response, finish, _ = answer(attributes.get("gen_ai.output.messages"))
                if finish and not span.finish_reason:
                    span.finish_reason = finish_of(finish)
            if not content.system and "gen_ai.system_instructions" in attributes:
                content.system = text_of(parse(attributes["gen_ai.system_instructions"]) or attributes["gen_ai.system_instructions"])
    if messages and not content.messages and span.kind != "tool":
        content.messages = messages


def _message(content: Content, span: Span, told: str, attributes: Mapping[str, Any], messages: list[Message]) -> None:
    raw = next(
        (attributes[k] for k in ("content", "message", "gen_ai.prompt", "gen_ai.completion", "body", "gen_ai.event.content") if k in attributes), None
    )
    found = parse(raw) if raw is not None else attributes.get("tool_calls")
    text = text_of(found) if found is not None else to_text(raw)
    if told in ("choice", "completion"):
        if span.kind == "tool":
            content.tool_output = content.tool_output or text
        elif text and not content.response:
            content.response = text
        elif found is not None and not content.response:
            calls = tool_calls(found)
            if calls:
                content.extra["tool_calls"] = "\n".join(calls)
        reason = attributes.get("finish_reason")
        if reason and not span.finish_reason:
            span.finish_reason = finish_of(to_text(reason))
    elif span.kind == "tool" and told == "tool":
        content.tool_input = content.tool_input or (to_text(raw) if raw is not None else "")
    elif told == "system":
        content.system = content.system or text
    else:
        text = "\n".join(t for t in (text, *tool_calls(found)) if t)
        if text:
            messages.append(Message(role_of("user" if told == "prompt" else told), text))


def _errors(span: Span, raw: Raw, content: Content | None) -> Content | None:
    """Error messages and stack traces: content like any other (they quote prompts and credentials)."""
    found: dict[str, str] = {}
    if raw.status_message:
        found["error"] = raw.status_message
    for name, _, attributes in raw.events or ():
        if name == "exception":
            for key, out in (("exception.message", "error"), ("exception.stacktrace", "stack_trace")):
                if attributes.get(key):
                    found[out] = to_text(attributes[key])
    for key, out in (("error.message", "error"), ("error.stack_trace", "stack_trace"), ("litellm.provider.error.stack_trace", "stack_trace")):
        if raw.attributes.get(key):
            found.setdefault(out, to_text(raw.attributes[key]))
    if found:
        content = content or Content()
        content.extra.update({k: v[:20_000] for k, v in found.items()})
    return content if content is not None and not content.empty else None
