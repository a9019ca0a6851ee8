"""Starts sealing processes. Imports next to nothing: a collector does this first, and they get ready while it imports all else."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

#: Sealing processes of one collector, at most: file numbers are made unique by their rest.
MOST_WORKERS = 16
#: Command line of as many sealing processes as there are file descriptors to talk over.
Command = Callable[[Sequence[int]], Sequence[str]]
#: Our end of a sealing process's pipe, and the process, unless it is the copy of another.
Started = tuple[Connection, "subprocess.Popen[bytes] | None"]


class Sealing(NamedTuple):
    """Sealing processes on their way, and how others are started. ``started`` is empty: the collector seals by itself."""

    command: Command
    started: list[Started]


@contextmanager
def sealing(command: Command, count: int) -> Generator[Sealing]:
    """As many sealing processes as are wanted and allowed; at the end, if not before, their pipes end and so do they."""
    started = launch(command, min(count, MOST_WORKERS)) if count else []
    try:
        yield Sealing(command, started)
    finally:
        for pipe, _ in started:
            pipe.close()


def launch(command: Command, count: int) -> list[Started]:
    """Start some processes, the first by a command, the others as its copies. They end with our end of their pipes."""
    pairs = [socket.socketpair() for _ in range(count)]
    for pair in pairs:
        for end in pair:
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                end.setsockopt(socket.SOL_SOCKET, option, 1 << 20)
    fds = [theirs.fileno() for _, theirs in pairs]
    process = subprocess.Popen(list(command(fds)), stdin=subprocess.DEVNULL, pass_fds=fds)  # noqa: S603
    for _, theirs in pairs:
        theirs.close()
    return [(Connection(ours.detach()), None if i else process) for i, (ours, _) in enumerate(pairs)]
