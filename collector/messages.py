"""Text out of the shapes in which instrumentations send prompts and answers. Defensive throughout: whatever it is, no error.

Known shapes: semconv ``[{role, parts:[{type, content}]}]``, provider ``[{role, content}]`` with strings or part lists, whole request
and response bodies (OpenAI chat and Responses, Anthropic, Gemini, Bedrock, Cohere, Ollama), LangChain's serialised messages and
generations, Vercel ``{prompt}``/``{messages}``, MLflow and Langfuse values, indexed attributes (``llm.input_messages.0.message.…``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from collector.values import dig, parse, to_json, to_text
from spanledger.model import Message

_DEPTH = 12
_ROLES = {
    "human": "user", "ai": "assistant", "model": "assistant", "humanmessage": "user", "aimessage": "assistant", "systemmessage": "system",
    "toolmessage": "tool", "function": "tool", "developer": "system", "aimessagechunk": "assistant", "chatbot": "assistant",
}  # fmt: skip
_SYSTEM_KEYS = ("system", "instructions", "systemInstruction", "system_instruction", "system_instructions")
_INPUT_KEYS = (
    "messages", "contents", "prompts", "input", "prompt", "inputs", "query", "question", "texts", "text", "user_prompt", "args", "kwargs",
)  # fmt: skip
_NESTED = (list, dict)
_WORDLESS = frozenset({"tool_call", "tool_use", "function_call", "image", "image_url", "reasoning_encrypted", "blob", "file", "uri"})
_RESULTS = frozenset({"tool_call_response", "tool_result", "tool-result", "function_call_output"})
_CALLS = frozenset({"tool_call", "tool_use", "function_call", "tool-call"})
_CALL_KEYS = ("parts", "content", "tool_calls", "message", "kwargs", "choices", "output", "candidates", "generations")
_PART_KEYS = ("parts", "message", "kwargs", "data", "contents", "json")
_TEXT_KEYS = ("text", "content", "output_text", "input_text", "thinking", "refusal", "value", "page_content", "transcript")


def role_of(raw: Any) -> str:
    """One spelling of a role; roles of their own (``critic``) stay."""
    if raw == "user" or raw == "assistant" or raw == "system":
        return raw
    low = to_text(raw).strip().lower()[:32]
    return _ROLES.get(low, low) or "user"


def text_of(value: Any, depth: int = 0) -> str:
    """The readable text of a message, part, part list or answer; '' for calls of tools, images and other binary parts."""
    if isinstance(value, str):
        return value
    if value is None or depth > _DEPTH:
        return ""
    if isinstance(value, list):
        return "\n".join([t for v in value if (t := text_of(v, depth + 1))])
    if not isinstance(value, dict):
        return to_text(value)
    kind = value.get("type")
    if type(kind) is str:
        if kind in _WORDLESS:
            return ""
        if kind in _RESULTS:
            inner = next((value[k] for k in ("response", "result", "content", "output") if k in value), None)
            return inner if isinstance(inner, str) else text_of(inner, depth + 1) or ("" if inner is None else to_json(inner))
    if "toolResult" in value:
        return text_of(dig(value, "toolResult", "content"), depth + 1)
    for key in _TEXT_KEYS:
        if key in value:
            inner = value[key]
            if isinstance(inner, str):
                return inner
            if isinstance(inner, _NESTED):
                return text_of(inner, depth + 1)
    for key in _PART_KEYS:
        if key in value and isinstance(value[key], _NESTED):
            return text_of(value[key], depth + 1) if key != "json" else to_json(value[key])
    return ""


def tool_calls(value: Any, depth: int = 0) -> list[str]:
    """``name(arguments)`` of every tool call in a message, part list or answer."""
    if depth > _DEPTH:
        return []
    if isinstance(value, list):
        return [c for v in value for c in tool_calls(v, depth + 1)]
    if not isinstance(value, dict):
        return []
    kind = value.get("type")
    if type(kind) is str and kind in _CALLS and (name := value.get("name") or value.get("toolName")):
        return [_call(name, next((value[k] for k in ("arguments", "input", "args") if k in value), ""))]
    below = {key: inner for key, inner in value.items() if isinstance(inner, _NESTED)}
    if not below:
        return []
    told = below.get("function")
    if isinstance(told, dict) and told.get("name"):
        return [_call(told["name"], told.get("arguments", ""))]
    for key in ("toolUse", "functionCall"):
        if isinstance(told := below.get(key), dict):
            return [f"{to_text(told.get('name'))}({to_json(told.get('input', told.get('args')))})"]
    return [c for key in _CALL_KEYS if key in below for c in tool_calls(below[key], depth + 1)]


def _call(name: Any, arguments: Any) -> str:
    return f"{to_text(name)}({arguments if isinstance(arguments, str) else to_json(arguments)})"


def _turn(value: Any, default: str, depth: int) -> list[Message]:
    if isinstance(value, str):
        return [Message(default, value)] if value else []
    if isinstance(value, list):
        return [m for v in value for m in _turn(v, default, depth + 1)] if depth < _DEPTH else []
    if not isinstance(value, dict):
        return []
    if value.get("lc") == 1 and isinstance(value.get("kwargs"), dict):  # LangChain serialised
        name = dig(value, "id", -1)
        role = value["kwargs"].get("type") or name or default
        return [Message(role_of(role), _with_calls(value["kwargs"]))]
    if isinstance(value.get("message"), dict) and "role" not in value:  # {message: {role, content}}
        return _turn(value["message"], default, depth + 1)
    if isinstance(value.get("data"), dict) and "type" in value:  # LangChain {type: human, data: {content}}
        return [Message(role_of(value["type"]), _with_calls(value["data"]))]
    role = value.get("role") or (value.get("type") if value.get("type") in ("human", "ai", "system", "tool", "function") else None)
    text = _with_calls(value)
    return [Message(role_of(role) if role else default, text)] if text or role else []


def _with_calls(value: dict[str, Any]) -> str:
    text, calls = text_of(value), tool_calls(value)
    return "\n".join([t for t in (text, *calls) if t]) if calls else text


def plain_parts(turn: Any) -> str | None:
    """Text of the commonest shape, ``{role, parts: [{type: text, content}]}`` with text parts only; None for every other."""
    if type(turn) is not dict:
        return None
    parts = turn.get("parts")
    if type(parts) is not list:
        return None
    if len(parts) == 1:
        part = parts[0]
        if type(part) is dict and part.get("type") == "text" and type(text := part.get("content")) is str:
            return text
        return None
    texts = [p["content"] for p in parts if type(p) is dict and p.get("type") == "text" and type(p.get("content")) is str]
    return "\n".join(texts) if texts and len(texts) == len(parts) else None


def plain_turns(value: Any, default: str = "user") -> list[Message] | None:
    """Messages of an input attribute in the commonest shape (:func:`plain_parts`); None for every other."""
    found = value if type(value) is list else parse(value)
    if type(found) is not list:
        return None
    turns = []
    for turn in found:
        text = plain_parts(turn)
        if text is None:
            return None
        role = turn.get("role")
        turns.append(Message(role if role == "user" else role_of(role or default), text))
    return turns


def plain_answer(value: Any) -> tuple[str, str] | None:
    """(text, finish reason) of an output attribute in the commonest shape; None for every other."""
    found = value if type(value) is list else parse(value)
    if type(found) is list and len(found) == 1 and (text := plain_parts(found[0])) is not None:
        return text, to_text(found[0].get("finish_reason") or "")
    return None


def turns(value: Any, default: str = "user") -> list[Message]:
    """Messages of an input attribute, in order. Text that is no structure is one turn of ``default``."""
    found = parse(value)
    if (quick := plain_turns(found, default)) is not None:
        return quick
    if found is None:
        text = to_text(value) if value is not None else ""
        return [Message(default, text)] if text else []
    return _turns(found, default, 0)


def _turns(found: Any, default: str, depth: int) -> list[Message]:
    if isinstance(found, list):
        return [m for v in found for m in _turn(v, default, depth)]
    if depth > 4 or not isinstance(found, dict):
        return []
    told = (text_of(found[key]) for key in _SYSTEM_KEYS if found.get(key))
    head = [Message("system", text) for text in told if text]
    for key in _INPUT_KEYS:
        inner = found.get(key)
        if isinstance(inner, str) and inner:
            return [*head, Message(default, inner)]
        if isinstance(inner, list | dict) and inner:
            below = _turns(inner, default, depth + 1)
            if below:
                return [*head, *below]
    return head or _turn(found, default, 0)


def answer(value: Any) -> tuple[str, str, list[str]]:
    """(text, finish reason, tool calls) of an output attribute."""
    found = parse(value)
    if found is None:
        return (to_text(value) if value is not None else "", "", [])
    finish = ""
    if (quick := plain_answer(found)) is not None:
        return *quick, []
    if isinstance(found, list):
        finish = next((to_text(v.get("finish_reason")) for v in found if isinstance(v, dict) and v.get("finish_reason")), "")
    elif isinstance(found, dict):
        for path in (("choices", 0, "finish_reason"), ("stop_reason",), ("candidates", 0, "finishReason"), ("finish_reason",), ("stopReason",),
                     ("generations", 0, 0, "generation_info", "finish_reason"), ("finishReason",), ("done_reason",)):  # fmt: skip
            reason = dig(found, *path)
            if isinstance(reason, str) and reason:
                finish = reason
                break
    return _answer_text(found), finish, tool_calls(found)


def _answer_text(found: Any) -> str:
    if isinstance(found, list):
        return "\n".join([t for v in found if (t := _answer_text(v))])
    if not isinstance(found, dict):
        return text_of(found)
    for key in ("choices", "generations", "candidates", "output", "message", "response", "answer", "result", "data", "outputs", "completion"):
        inner = found.get(key)
        if isinstance(inner, str):
            return inner
        if isinstance(inner, list | dict) and inner:
            text = _answer_text(inner)
            if text:
                return text
    return text_of(found)


def indexed(prefixes: Iterable[str], attributes: Mapping[str, Any], keys: Iterable[str]) -> list[Message]:
    """Messages from attributes that number them: ``llm.input_messages.0.message.content``, ``gen_ai.prompt.0.content``."""
    rows: dict[int, dict[str, list[str] | str]] = {}
    names = tuple(prefixes)
    for key in keys:
        prefix = next((p for p in names if key.startswith(p)), None)
        if prefix is None:
            continue
        number, _, rest = key[len(prefix) :].partition(".")
        if not number.isdigit() or len(number) > 5:
            continue
        row = rows.setdefault(int(number), {})
        rest = rest.removeprefix("message.")
        if rest == "role":
            row["role"] = to_text(attributes[key])
        elif rest in ("content", "prompt.text", "completion.text") or rest.endswith("message_content.text"):
            _append(row, "text", text_of(parse(attributes[key])) or to_text(attributes[key]))
        elif rest.endswith(("function.name", "tool_calls.0.name", "tool_call.name")) or (rest.startswith("tool_calls.") and rest.endswith(".name")):
            _append(row, "calls", to_text(attributes[key]))
        elif rest.endswith(".arguments"):
            _append(row, "arguments", to_text(attributes[key]))
    found = []
    for number in sorted(rows):
        row = rows[number]
        names_, arguments = row.get("calls", []), row.get("arguments", [])
        calls = [f"{n}({arguments[i] if i < len(arguments) else ''})" for i, n in enumerate(names_)]
        text = "\n".join((*row.get("text", []), *calls))
        if text or row.get("role"):
            found.append(Message(role_of(row.get("role", "user")), text))
    return found


def _append(row: dict[str, Any], key: str, value: str) -> None:
    row.setdefault(key, []).append(value)


def documents(value: Any) -> list[str]:
    """Texts of retrieved documents: list of strings or of objects, LangChain documents, ``{documents: […]}``."""
    found = parse(value)
    if found is None:
        text = to_text(value) if value is not None else ""
        return [text] if text else []
    if isinstance(found, dict):
        inner = next(
            (
                found[k]
                for k in ("documents", "docs", "results", "nodes", "source_nodes", "matches", "chunks", "data")
                if isinstance(found.get(k), list)
            ),
            None,
        )
        if inner is None:
            text = _document(found)
            return [text] if text else []
        found = inner
    return [t for t in (_document(v) for v in found) if t]


def _document(value: Any) -> str:
    if isinstance(value, dict):
        for key in ("page_content", "content", "text", "document", "chunk", "passage", "body", "node"):
            inner = value.get(key)
            if inner:
                return inner if isinstance(inner, str) else _document(inner)
        return text_of(value)
    return text_of(value)


def indexed_documents(prefixes: Iterable[str], attributes: Mapping[str, Any], keys: Iterable[str]) -> list[str]:
    """Texts from ``retrieval.documents.0.document.content`` and its like, in order."""
    names = tuple(prefixes)
    found = []
    for key in keys:
        prefix = next((p for p in names if key.startswith(p)), None)
        if prefix and key.endswith((".content", ".text")):
            number = key[len(prefix) :].partition(".")[0]
            if number.isdigit():
                found.append((int(number[:6]), to_text(attributes[key])))
    return [text for _, text in sorted(found, key=lambda pair: pair[0])]
