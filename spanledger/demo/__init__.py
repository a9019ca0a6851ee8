"""`spanledger up --demo`: a month of a dozen apps' traffic, sent through the instance's own OTLP door, then live traffic.

``fleet.py`` says who calls what and what happens when, ``texts.py`` what is said, ``requests.py`` draws one request,
``spans.py`` tells it in the words of several instrumentations, ``history.py`` walks the hours, ``sending.py`` sends.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable

from spanledger.settings import Settings


def start(settings: Settings, addresses: dict[str, str], stopping: threading.Event, say: Callable[[str], None]) -> None:
    """Send the demo from a process of its own until ``stopping`` is set."""
    from spanledger.supervisor import child_environment

    command = [sys.executable, "-P", "-m", "spanledger", "demo", addresses["otlp_grpc"], "--data", str(settings.data_dir)]
    sender = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=child_environment())  # noqa: S603  our own command

    def watch() -> None:
        while not stopping.wait(0.1):
            if sender.poll() is not None:
                say(f"demo: the sender ended with exit code {sender.returncode}")
                return
        sender.terminate()

    threading.Thread(target=watch, name="demo", daemon=True).start()
