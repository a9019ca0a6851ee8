"""Listening sockets of the HTTP doors."""

from __future__ import annotations

import socket

from spanledger.errors import DataDirUnusable


def listen(host: str, port: int, what: str) -> socket.socket:
    """A listening socket; port 0 picks a free one. ``what``: the door's name in the message.

    Raises:
        DataDirUnusable: it cannot be bound; the message says why.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # without the last, asyncio leaves Nagle on: 40 ms an answer
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host.strip("[]"), port))
        listener.listen(512)
    except OSError as exc:
        listener.close()
        raise DataDirUnusable(f"the {what} address {host}:{port} cannot be bound: {exc.strerror or exc}") from exc
    listener.setblocking(False)
    return listener
