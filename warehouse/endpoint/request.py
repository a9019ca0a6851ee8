"""One HTTP request as the ClickHouse protocol reads it: credentials, transport arguments, settings, parameters, statement."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl, urlsplit

from warehouse.endpoint.bodies import Body, Headers
from warehouse.endpoint.refusal import Refused
from warehouse.endpoint.vocabulary import words

_QUERY_ID = re.compile(r"[\x21-\x7e]{1,200}\Z")

_BOUNDARY = re.compile(r"multipart/form-data; boundary=([0-9A-Za-z_-]{8,70})")
_FIELD = re.compile(rb'\r\nContent-Disposition: form-data; name="(\w+)"\r\n\r\n')

#: Arguments that are no settings.
_TRANSPORT = words(
    """
    query database default_format query_id session_id session_timeout session_check user password quota_key role
    wait_end_of_query buffer_size enable_http_compression http_zlib_compression_level compress decompress client_protocol_version
    send_progress_in_http_headers http_headers_progress_interval_ms cancel_http_readonly_queries_on_client_close
    http_receive_timeout http_send_timeout http_connection_timeout close_session stacktrace send_logs_level
    add_http_cors_header
    """
)


@dataclass
class Request:
    """A request without its body's content."""

    method: str
    path: str
    args: dict[str, str]
    headers: Headers
    body: Body
    query_id: str

    @classmethod
    def parse(cls, method: str, target: str, headers: Headers, body: Body) -> Request:
        """Take the request line and headers apart; raises ``Refused`` for what the protocol does not know."""
        parts = urlsplit(target)
        args = dict(parse_qsl(parts.query, keep_blank_values=True))
        if args.get("compress") == "1" or args.get("decompress") == "1":
            raise Refused("the block compression of compress=1 is not offered: use enable_http_compression=1 and Accept-Encoding", 48)
        query_id = args.get("query_id") or str(uuid.uuid4())
        if not _QUERY_ID.match(query_id):
            raise Refused("query_id holds at most 200 printable characters", 36)  # it goes into a header
        return cls(method, parts.path, args, headers, body, query_id)

    def credentials(self) -> tuple[str | None, str | None]:
        """User and password, or ``None`` and a bearer token: from the headers, then the arguments."""
        if user := self.headers.get("X-ClickHouse-User"):
            return user, self.headers.get("X-ClickHouse-Key")
        scheme, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if scheme.lower() == "bearer":
            return None, value.strip()
        if scheme.lower() == "basic":
            try:
                user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError):
                return "", ""
            return user or None, password or None
        return self.args.get("user"), self.args.get("password")

    @property
    def params(self) -> dict[str, str]:
        """Values of server-side parameters, as the protocol escapes them."""
        return {name[6:]: value for name, value in self.args.items() if name.startswith("param_")}

    @property
    def settings(self) -> dict[str, str]:
        """Everything that is neither transport nor parameter."""
        return {name: value for name, value in self.args.items() if name not in _TRANSPORT and not name.startswith("param_")}

    @property
    def format(self) -> str:
        """The result format, where the statement does not name one."""
        return self.headers.get("X-ClickHouse-Format") or self.args.get("default_format") or "TabSeparated"

    @property
    def waits(self) -> bool:
        """Whether the client wants the whole result or an error, never half of one."""
        return self.args.get("wait_end_of_query") == "1"

    @property
    def accepts(self) -> str:
        """Encodings that the result may be sent in; empty unless asked for."""
        return (self.headers.get("Accept-Encoding") or "") if self.args.get("enable_http_compression") == "1" else ""

    def statement(self, most: int) -> str:
        """The whole statement: argument, then body.

        Raises:
            Refused: longer than ``most`` bytes, not UTF-8, or a file part (external data is not offered).
        """
        self.take_form(most)
        text = self.args.get("query", "").encode()
        body = self.body.read(most)
        try:
            return (text + (b"\n" if text and body else b"") + body).decode()
        except UnicodeDecodeError as exc:
            if text.lstrip()[:6].upper() == b"INSERT" or body.lstrip()[:6].upper() == b"INSERT":
                raise Refused("Cannot execute query in readonly mode: INSERT", 164) from exc
            raise Refused("the statement is not UTF-8", 62) from exc

    def take_form(self, most: int) -> None:
        """Move the fields of a multipart body into the arguments."""
        kind = self.headers.get("Content-Type") or ""
        if not kind.lower().startswith("multipart/form-data"):
            return
        body = self.body.read(most)
        if (fields := plain_fields(kind, body)) is not None:
            self.args |= fields
            return
        message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            if not isinstance(name, str) or part.get_filename():
                raise Refused("external data is not offered", 48)
            value = part.get_payload(decode=True)
            self.args[name] = value.decode() if isinstance(value, bytes) else ""


def plain_fields(kind: str, body: bytes) -> dict[str, str] | None:
    """Fields of a multipart body as drivers write it, nothing but names and values; ``None``: read it the long way, a third of a
    millisecond a field."""
    boundary = _BOUNDARY.fullmatch(kind)
    if boundary is None:
        return None
    mark = b"--" + boundary[1].encode()
    opening, *parts = (b"\r\n" + body).split(b"\r\n" + mark)
    if opening or not parts or parts.pop() not in (b"--", b"--\r\n"):
        return None
    fields: dict[str, str] = {}
    for part in parts:
        head = _FIELD.match(part)
        if head is None or mark in part:
            return None
        try:
            fields[head[1].decode("ascii")] = part[head.end() :].decode()
        except UnicodeDecodeError:
            return None
    return fields
