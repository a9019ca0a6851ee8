"""The name tier's process as the collector sees it: started, asked, buried and started again."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from collector.redaction.ner import Found, Tier
from spanledger.errors import ConfigError, SpanledgerError

_READY_S = 120.0
_ANSWER_S = 300.0


class NamesLost(SpanledgerError):
    """The process died or is stuck; another one may do better."""

    retryable = True


class NamesProcess:
    """One process with a loaded model. Belongs to one thread."""

    def __init__(self, tier: Tier) -> None:
        self._tier = tier
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None

    def start(self) -> None:
        """Load the model.

        Raises:
            ConfigError: it cannot be loaded.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (_ROOT, os.environ.get("PYTHONPATH"))))}
            command = [sys.executable, "-P", "-m", "collector.redaction.ner", str(theirs.fileno())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=env)  # noqa: S603
        self._pipe = Connection(ours.detach())
        try:
            self._pipe.send(self._tier)
            problem = self._pipe.recv() if self._pipe.poll(_READY_S) else f"not ready within {_READY_S:.0f} s"
        except (EOFError, OSError):
            problem = "its process ended; its own words stand above"
        if problem is not None:
            self.close()
            raise ConfigError(f"redaction.ner: the model in {self._tier.model} cannot be used: {problem}")

    def find(self, texts: Sequence[str]) -> list[Found]:
        """See ``TokenModel.find``.

        Raises:
            NamesLost: no answer; the process is gone.
        """
        if self._pipe is None:
            raise NamesLost("not started")
        try:
            self._pipe.send(list(texts))
            if not self._pipe.poll(_ANSWER_S):
                raise NamesLost("no answer")
            return self._pipe.recv()
        except (EOFError, OSError) as exc:
            self.close()
            raise NamesLost("the process died") from exc
        except NamesLost:
            self.close()
            raise

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid if self._process is not None else None

    def close(self) -> None:
        """End the process."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            if process.poll() is None:
                process.kill()
                process.wait(5)


_ROOT = str(Path(__file__).parents[2])
