"""Reading the policy file: the whole of it is validated before anything starts; a problem is told with file, line and reason."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from spanledger.errors import ConfigError
from spanledger.policy.model import Policy

MAX_BYTES = 8 << 20


def load_policy(path: Path | None, tokens_file: Path | None = None) -> Policy:
    """The policy of a file; the defaults when ``path`` is ``None``. ``tokens_file`` adds its ``tokens`` and ``projects``.

    Raises:
        ConfigError: ``FILE:LINE: where: reason``, one line per problem.
    """
    policy = Policy() if path is None else parse_policy(_read(path), str(path), path.parent)
    if tokens_file is None:
        return policy
    more = parse_policy(_read(tokens_file), str(tokens_file), tokens_file.parent)
    if extra := more.model_fields_set - {"tokens", "projects"}:
        raise ConfigError(f"{tokens_file}: only `tokens` and `projects` may stand here, not `{sorted(extra)[0]}`")
    return policy.model_copy(update={"tokens": [*policy.tokens, *more.tokens], "projects": {**policy.projects, **more.projects}})


def parse_policy(text: str, name: str = "spanledger.yaml", folder: Path | None = None) -> Policy:
    """The policy of a text; ``name`` stands in messages, ``folder`` is where relative file names start.

    Raises:
        ConfigError: as :func:`load_policy`.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if problem := next(_duplicates(root), None):
            raise ConfigError(f"{name}:{problem[0]}: key `{problem[1]}` stands twice")
        data: Any = yaml.safe_load(text) or {}
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 1 if exc.problem_mark else 1
        raise ConfigError(f"{name}:{line}: not valid YAML: {exc.problem or exc.context}") from exc
    except (yaml.YAMLError, ValueError) as exc:
        raise ConfigError(f"{name}:1: not valid YAML: {exc}") from exc
    if not isinstance(data, dict):
        raise ConfigError(f"{name}:1: expected a mapping such as `apps:`, found {type(data).__name__}")
    try:
        policy = Policy.model_validate(data, context={"folder": folder})
    except ValidationError as exc:
        problems = exc.errors(include_url=False, include_input=False)
        raise ConfigError("\n".join(_tell(name, root, problem) for problem in problems[:20])) from exc
    problems = [f"{name}:{_line(root, where)}: {_dotted(where)}: {reason}" for where, reason in policy.inconsistencies(folder)]
    if problems:
        raise ConfigError("\n".join(problems[:20]))
    return policy


def policy_schema() -> dict[str, Any]:
    """JSON Schema of the policy file, for editors (`spanledger config schema`)."""
    schema = Policy.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "spanledger.yaml"}


class PolicyFile:
    """A policy that follows its file: :attr:`current` is always the last valid one.

    Thread-safe; a reload costs one ``stat`` when nothing changed.
    """

    def __init__(self, path: Path | None, tokens_file: Path | None = None) -> None:
        self._path, self._tokens_file = path, tokens_file
        self._lock = threading.Lock()
        self._stamp = self._stamps()
        self._policy = load_policy(path, tokens_file)
        self.problem: str = ""  # why the file as it stands now is not in force; "" when it is

    @property
    def current(self) -> Policy:
        """The policy in force, without looking at the file."""
        return self._policy

    def reload(self) -> bool:
        """Read the file again if it changed; True when a new policy came into force. An invalid file changes nothing but ``problem``."""
        with self._lock:
            stamp = self._stamps()
            if stamp == self._stamp:
                return False
            self._stamp = stamp
            try:
                fresh = load_policy(self._path, self._tokens_file)
            except ConfigError as exc:
                self.problem = str(exc)
                return False
            self.problem = ""
            changed = fresh != self._policy
            self._policy = fresh
            return changed

    def _stamps(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(_stamp(p) for p in (self._path, self._tokens_file))


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        stat = path.stat() if path else None
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size) if stat else None


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path}: larger than {MAX_BYTES >> 20} MiB")
        return path.read_text(encoding="utf8")
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8 text (byte {exc.start})") from exc


def _duplicates(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """(line, key) of mapping keys that stand twice: YAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield key.start_mark.line + 1, key.value
                seen.add(key.value)
            yield from _duplicates(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _duplicates(value)


def _line(root: yaml.Node | None, where: tuple[int | str, ...]) -> int:
    """Line on which the deepest part of ``where`` that exists begins."""
    node, line = root, 1
    for step in where:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if isinstance(k, yaml.ScalarNode) and k.value == str(step)), None)
            if found is None:
                continue  # a union's tag, not a key
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def _dotted(where: tuple[int | str, ...]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where)
    return text.lstrip(".") or "file"


def _tell(name: str, root: yaml.Node | None, problem: Any) -> str:
    """One problem of pydantic's as ``FILE:LINE: where: reason``; never repeats the value, which may be a secret."""
    where: tuple[int | str, ...] = problem["loc"]
    reason: str = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        close = difflib.get_close_matches(str(where[-1]), _keys_beside(where), n=1)
        reason = "unknown key" + (f"; did you mean `{close[0]}`?" if close else "")
    return f"{name}:{_line(root, where)}: {_dotted(where)}: {reason}"


def _keys_beside(where: tuple[int | str, ...]) -> list[str]:
    """Keys that may stand where the unknown key stands, as far as the models can be walked."""
    at: Any = Policy
    for step in where[:-1]:
        at = _within(at, step)
    return list(_fields(at)) if _is_model(at) else []


def _within(annotation: Any, step: int | str) -> Any:
    """What stands under key or index ``step`` of ``Model``, ``list[Model]``, ``dict[str, Model]`` or ``Model | None``."""
    if _is_model(annotation):
        return _fields(annotation).get(str(step))
    inner: tuple[Any, ...] = getattr(annotation, "__args__", ())
    if getattr(annotation, "__origin__", None) in (list, dict):
        return inner[-1]
    return next((found for arg in inner if (found := _within(arg, step)) is not None), None)


def _fields(model: Any) -> dict[str, Any]:
    return {field.alias or key: field.annotation for key, field in model.model_fields.items()}


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)
