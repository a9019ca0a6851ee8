"""One statement over the ClickHouse HTTP protocol with the standard library alone: `spanledger query` answers in a quarter of a second."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from spanledger.errors import AccessDenied, QueryFailed, QueryRefused, WarehouseBusy, WarehouseUnavailable
from spanledger.instance import SqlAccess

_NOISE = re.compile(r"\s*\(version [^)]*\)\s*$")


def ask(access: SqlAccess, sql: str, form: str, settings: Mapping[str, object], timeout_s: float) -> bytes:
    """The answer in ClickHouse's format ``form``.

    Raises:
        QueryRefused, QueryFailed: the endpoint or the engine does not run it; the message is theirs.
        AccessDenied, WarehouseBusy, WarehouseUnavailable: wrong credentials, too busy, nobody answers.
    """
    target = urlsplit(access.url)
    arguments = urlencode({"default_format": form, "database": "spanledger", "wait_end_of_query": 1, **settings})
    headers = {"X-ClickHouse-User": access.user, "X-ClickHouse-Key": access.password, "Content-Type": "text/plain; charset=utf-8"}
    connection = _connection(target.scheme, target.netloc, timeout_s + 10)
    try:
        connection.request("POST", f"/?{arguments}", sql.encode(), headers)
        reply = connection.getresponse()
        body = reply.read()
    except (OSError, http.client.HTTPException) as exc:
        raise WarehouseUnavailable(f"{target.netloc} does not answer: {exc}") from exc
    finally:
        connection.close()
    if reply.status == 200:
        return body
    text = _NOISE.sub("", body.decode("utf8", "replace").strip())
    if reply.status in (401, 516) or "AUTHENTICATION_FAILED" in text:
        raise AccessDenied(text)
    if reply.status in (429, 503):
        raise WarehouseBusy(text)
    raise QueryRefused(text) if reply.status == 403 else QueryFailed(text)


def _connection(scheme: str, netloc: str, timeout_s: float) -> http.client.HTTPConnection:
    if scheme != "https":
        return http.client.HTTPConnection(netloc, timeout=timeout_s)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # our own loopback listener, found through the run folder
    return http.client.HTTPSConnection(netloc, timeout=timeout_s, context=context)
