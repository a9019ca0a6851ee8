"""Errors as ClickHouse tells them: a number, a name, an HTTP status; clients act on the number."""

from __future__ import annotations

import re

from spanledger.errors import QueryFailed, QueryRefused

_CODE = re.compile(r"Code: (\d+)\.")
_NAME = re.compile(r"\(([A-Z][A-Z0-9_]+)\)")

NAMES = {
    36: "BAD_ARGUMENTS",
    48: "NOT_IMPLEMENTED",
    62: "SYNTAX_ERROR",
    73: "UNKNOWN_FORMAT",
    81: "UNKNOWN_DATABASE",
    115: "UNKNOWN_SETTING",
    159: "TIMEOUT_EXCEEDED",
    164: "READONLY",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    209: "SOCKET_TIMEOUT",
    291: "DATABASE_ACCESS_DENIED",
    307: "TOO_MANY_BYTES",
    372: "SESSION_NOT_FOUND",
    373: "SESSION_IS_LOCKED",
    394: "QUERY_WAS_CANCELLED",
    452: "SETTING_CONSTRAINT_VIOLATION",
    457: "BAD_QUERY_PARAMETER",
    497: "ACCESS_DENIED",
    516: "AUTHENTICATION_FAILED",
    1001: "STD_EXCEPTION",
}

# As the server's own HTTP handler maps them; what is not here is 500.
_STATUS = {
    **dict.fromkeys((6, 26, 27, 33, 36, 38, 41, 42, 43, 44, 53, 62, 69, 72, 117, 130, 131, 190, 307, 396, 456, 457), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 80, 81, 82, 115, 390), 404),
    **dict.fromkeys((164, 291, 452, 497, 516), 403),
    **dict.fromkeys((241, 57), 500),
    159: 408,
    202: 503,
    48: 501,
}


class Refused(QueryRefused):
    """A statement that the fence does not let through; the engine has not run it."""

    def __init__(self, message: str, code: int = 497) -> None:
        super().__init__(message)
        self.code = code

    @property
    def wire(self) -> str:
        """The message as a ClickHouse server would word it."""
        return f"Code: {self.code}. DB::Exception: {self}. ({NAMES.get(self.code, 'UNKNOWN')})"


class EngineError(QueryFailed):
    """The engine's own refusal; ``code`` is ClickHouse's."""

    def __init__(self, message: str) -> None:
        start = message.find("Code: ")
        text = (message[start:] if start >= 0 else message).strip()
        super().__init__(text)
        found = _CODE.match(text)
        self.code = int(found.group(1)) if found else 1001

    @property
    def wire(self) -> str:
        """The message as a ClickHouse server would word it."""
        text = str(self)
        if not text.startswith("Code: "):
            text = f"Code: {self.code}. DB::Exception: {text}"
        return text if _NAME.search(text) else f"{text} ({NAMES.get(self.code, 'UNKNOWN')})"


def http_status(code: int) -> int:
    """The HTTP status of a ClickHouse error number."""
    return _STATUS.get(code, 500)
