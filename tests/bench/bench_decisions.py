"""How long `POST /api/v1/decision` takes: an instance of its own, limits and callers by the hundred, clients on kept connections.

    python tests/bench/bench_decisions.py [--budgets 200] [--clients 8] [--rate 400] [--seconds 10] [--reserve 0]

Calls are sent at an even rate (or, --rate 0, as fast as they are answered); a call that is due while its connection waits for an answer counts from
then on. Printed twice: alone, and while somebody reads spend and more from the same process. Never passes or fails.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]


def policy(budgets: int) -> str:
    """So many budgets by team and app, and quotas for everybody."""
    told = [f"  - {{name: b{i}, match: {{{'team' if i % 2 else 'app'}: n{i}}}, limit_usd: 100, on_exceeded: deny}}" for i in range(budgets)]
    quotas = ["{name: u, per: user, window: 1m, requests: 60}", "{name: t, per: team, period: hour, tokens: 1000000}", "{name: a, cost_usd: 10}"]
    return "budgets:\n" + "\n".join(told) + "\nquotas: [" + ", ".join(quotas) + "]\n"


async def client(address: str, due: list[float], begin: float, times: list[float], answers: dict[str, int], reserve: int, seed: int) -> None:
    """Ask when each call is due, on one connection."""
    host, port = address.rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host, int(port))
    dice = random.Random(seed)
    for at in due:
        started = begin + at if at else time.perf_counter()
        if (wait := begin + at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
            started = time.perf_counter()  # a loop's clock wakes up to a millisecond late
        n = dice.randrange(200)
        told = {"app": f"n{n}", "team": f"n{n}", "user": f"u{dice.randrange(10_000)}", "model": "gpt-4o", "reserve_s": reserve}
        told |= {"estimated_cost_usd": "0.001", "estimated_tokens": 900}
        body = json.dumps(told).encode()
        head = f"POST /api/v1/decision HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in answer.split(b"\r\n") if line.lower().startswith(b"content-length"))
        got = json.loads(await reader.readexactly(length))
        times.append(time.perf_counter() - started)
        answers[got["decision"]] = answers.get(got["decision"], 0) + 1
    writer.close()


async def measured(address: str, args: argparse.Namespace) -> tuple[list[float], dict[str, int], float]:
    """Times in seconds, answers, and how long it took."""
    times: list[float] = []
    answers: dict[str, int] = {}
    calls = int((args.rate or 2000) * args.seconds)
    due = [i / args.rate if args.rate else 0.0 for i in range(calls)]
    begin = time.perf_counter() + 0.1
    tasks = [client(address, due[i :: args.clients], begin, times, answers, args.reserve, i) for i in range(args.clients)]
    await asyncio.gather(*tasks)
    return times, answers, time.perf_counter() - begin


def told(name: str, times: list[float], answers: dict[str, int], took: float) -> None:
    """One line."""
    ms = sorted(t * 1000 for t in times)
    quantiles = "  ".join(f"p{q:g} {ms[min(len(ms) - 1, int(len(ms) * q / 100))]:.2f}" for q in (50, 90, 99, 99.9))
    print(f"{name:<28} {len(ms) / took:7.0f}/s  {quantiles}  max {ms[-1]:.2f} ms  {answers}")


def readers(address: str, stop: threading.Event) -> None:
    """What people ask meanwhile, one after the other."""
    while not stop.is_set():
        for path in ("spend?by=app,team,model_tier", "budgets", "latency", "quality"):
            with urllib.request.urlopen(f"http://{address}/api/v1/{path}", timeout=60) as reply:
                reply.read()


def main() -> None:
    """Start, measure, stop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("budgets", 200), ("clients", 8), ("rate", 400), ("seconds", 10), ("reserve", 0)):
        parser.add_argument(f"--{name}", type=int, default=default)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "spanledger.yaml")
        file.write_text(policy(args.budgets))
        environment = os.environ | {f"SPANLEDGER_{n}_PORT": "0" for n in ("OTLP_GRPC", "OTLP_HTTP", "WEB", "SQL")} | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "spanledger", "up", "--data", f"{folder}/data", "--config", str(file)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT)
        try:
            assert process.stdout is not None
            while process.stdout.readline().strip() != "ready":
                pass
            address = json.loads(Path(folder, "data", "instance.json").read_text())["addresses"]["web"]
            time.sleep(20)  # the first page is read, assets are packed
            print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {vars(args)}")
            asyncio.run(measured(address, argparse.Namespace(**(vars(args) | {"seconds": 2}))))
            told("alone", *asyncio.run(measured(address, args)))
            stop = threading.Event()
            reading = threading.Thread(target=readers, args=(address, stop))
            reading.start()
            told("beside a reader", *asyncio.run(measured(address, args)))
            stop.set()
            reading.join()
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
