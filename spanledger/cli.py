"""The command line: one short function per command; each imports and wires what it needs, so that `query` starts fast.

``keys`` and ``audit`` stand in ``cli_keys.py``, ``alerts`` in ``cli_alerts.py``, ``budgets`` in ``cli_budgets.py``, ``reprice``,
``export`` and ``gate`` in ``cli_ledger.py``, what commands share in ``options.py``.
Exit codes: 0 done, 1 the answer is no, 2 usage or configuration, 3 unavailable. An error is one clear line on standard error;
``--debug`` shows where it came from.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from spanledger import cli_ledger
from spanledger.cli_alerts import alerts_app
from spanledger.cli_budgets import budgets_app
from spanledger.cli_keys import audit_app, keys_app
from spanledger.errors import ConfigError, SpanledgerError
from spanledger.options import Config, Data, Format, Since, Supervised, Until, Warehouse, settings_of

app = typer.Typer(
    name="spanledger",
    help="An exact ledger of LLM spend, quality and risk, posted from OpenTelemetry spans.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Validate and describe the policy file.", no_args_is_help=True)
app.add_typer(config_app, name="config")
app.add_typer(keys_app, name="keys")
app.add_typer(audit_app, name="audit")
app.add_typer(alerts_app, name="alerts")
app.add_typer(budgets_app, name="budgets")
app.command()(cli_ledger.reprice)
app.command()(cli_ledger.gate)
app.add_typer(cli_ledger.export_app, name="export")
feedback_app = typer.Typer(help="What people say about answers.", no_args_is_help=True)
app.add_typer(feedback_app, name="feedback")

prices_app = typer.Typer(help="List prices.", no_args_is_help=True)
app.add_typer(prices_app, name="prices")

_debug = False


def _version(wanted: bool) -> None:
    if wanted:
        from spanledger import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from")] = False,
    version: Annotated[bool, typer.Option("--version", callback=_version, help="Show the version and exit", is_eager=True)] = False,
) -> None:
    """Options before the command."""
    global _debug
    _debug = debug


@app.command()
def up(
    data: Data = None, config: Config = None, demo: Annotated[bool, typer.Option("--demo", help="Add 30 days of history and live traffic")] = False
) -> None:
    """Run everything on this machine; prints one line per address, then `ready`."""
    from spanledger.commands import roles

    roles.up(settings_of(data, config), demo=demo, debug=_debug)


@app.command()
def collector(data: Data = None, config: Config = None, warehouse: Warehouse = None, supervised: Supervised = False) -> None:
    """Run the collector alone."""
    from spanledger.commands import roles

    roles.collector(settings_of(data, config, warehouse), supervised=supervised)


@app.command(hidden=True)
def sealing(fd: Annotated[list[int], typer.Option("--fd")]) -> None:
    """Sealing processes of a collector, one for each descriptor; started by it."""
    from spanledger.commands import roles

    roles.sealing(fd)


@app.command()
def jobs(data: Data = None, config: Config = None, warehouse: Warehouse = None, supervised: Supervised = False) -> None:
    """Run detectors and alerts alone."""
    from spanledger.commands import roles

    roles.jobs(settings_of(data, config, warehouse), supervised=supervised)


@app.command()
def dashboard(data: Data = None, config: Config = None, warehouse: Warehouse = None, supervised: Supervised = False) -> None:
    """Run pages and API alone."""
    from spanledger.commands import roles

    roles.dashboard(settings_of(data, config, warehouse), supervised=supervised)


@app.command(hidden=True)
def demo(target: str, data: Data = None) -> None:
    """Send the demo's traffic to an OTLP/gRPC address; `up --demo` starts this."""
    from spanledger.demo import sending

    sending.run(target, settings_of(data).data_dir)


@app.command()
def migrate(data: Data = None, warehouse: Warehouse = None) -> None:
    """Bring the warehouse's schema up to date."""
    from spanledger.commands import upkeep

    upkeep.migrate(settings_of(data, warehouse=warehouse))


@app.command()
def doctor(data: Data = None, config: Config = None, warehouse: Warehouse = None) -> None:
    """Check the environment, the configuration and the warehouse; exit 1 when something is wrong."""
    from spanledger.commands import upkeep

    raise typer.Exit(upkeep.doctor(settings_of(data, config, warehouse)))


@app.command()
def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A read-only statement; `-` reads it from standard input")],
    data: Data = None,
    warehouse: Warehouse = None,
    format_: Format = "table",
) -> None:
    """Run read-only SQL on the ledger."""
    from spanledger.commands import reading

    reading.query(settings_of(data, warehouse=warehouse), sys.stdin.read() if sql == "-" else sql, format_)


@app.command()
def spend(
    by: Annotated[str, typer.Option("--by", metavar="NAMES", help="app, team, model_tier, model, day, …; commas between")] = "app,team,model_tier",
    since: Since = "7d",
    until: Until = "now",
    data: Data = None,
    warehouse: Warehouse = None,
    format_: Format = "table",
) -> None:
    """What was spent, by whom, on what; with coverage beside the total."""
    from spanledger.commands import reading

    reading.spend(settings_of(data, warehouse=warehouse), by.split(","), since, until, format_)


@app.command()
def verify(
    since: Annotated[str, typer.Option("--since", metavar="T", help="7d, 12h, 2026-11-01 or an ISO time; left out: everything")] = "",
    until: Until = "now",
    data: Data = None,
    config: Config = None,
    warehouse: Warehouse = None,
) -> None:
    """Recompute a window from the journal and compare it with ledger and rollups; exit 1 on a difference."""
    from spanledger.commands import reading

    raise typer.Exit(reading.verify(settings_of(data, config, warehouse), since, until))


@app.command("eval")
def evaluate(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="redaction, schema, grounding, contradiction, anomaly or forecast")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines; `-` reads standard input")],
    advice: Annotated[bool, typer.Option("--advice", help="Rows carry `label` (1 bad, 0 fine): operating curve and threshold instead")] = False,
    format_: Annotated[Literal["table", "json"], typer.Option("--format", help="How to print advice")] = "table",
) -> None:
    """Run a detector over a file: JSON Lines in, JSON Lines out."""
    from spanledger.commands import evaluation

    if advice:
        evaluation.advise(kind, file, format_)
    else:
        evaluation.evaluate(kind, file)


@app.command()
def compare(
    application: Annotated[str, typer.Option("--app", metavar="APP")],
    baseline: Annotated[str, typer.Option("--baseline", metavar="RELEASE", help="Prompt version, or model with --by model")],
    candidate: Annotated[str, typer.Option("--candidate", metavar="RELEASE")],
    by: Annotated[Literal["prompt_version", "model"], typer.Option("--by", help="What a release is")] = "prompt_version",
    since: Since = "7d",
    until: Until = "now",
    data: Data = None,
    warehouse: Warehouse = None,
) -> None:
    """How often two releases contradict each other on the same questions; exit 2 when they answered none in common."""
    from spanledger.commands import releases

    raise typer.Exit(releases.compare(settings_of(data, warehouse=warehouse), application, by, baseline, candidate, since, until))


@feedback_app.command("import")
def feedback_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines: trace_id, span_id, kind, value, …; `-` reads standard input")],
    actor: Annotated[str, typer.Option("--actor", help="Who says it, where a line does not tell")] = "import",
    data: Data = None,
    warehouse: Warehouse = None,
) -> None:
    """Import feedback and labels; exit 1 when a line is about a call that the ledger does not know."""
    from spanledger.commands import labels

    raise typer.Exit(labels.import_feedback(settings_of(data, warehouse=warehouse), file, actor))


@config_app.command("check")
def config_check(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Validate a policy file; prints file, line and reason of every problem."""
    from spanledger.policy import load_policy

    load_policy(file)
    typer.echo(f"{file}: valid")


@config_app.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of the policy file, for editors."""
    import json

    from spanledger.policy import policy_schema

    typer.echo(json.dumps(policy_schema(), indent=2))


@config_app.command("hash-token")
def config_hash_token(
    token: Annotated[str, typer.Argument(help="`-` reads it from standard input; left out: a new one is made and shown once")] = "",
) -> None:
    """Print the SHA-256 under which a token stands in the policy file."""
    from spanledger.commands import upkeep

    upkeep.hash_token(token)


@prices_app.command("refresh")
def prices_refresh(
    source: Annotated[str, typer.Argument(metavar="[FILE|URL]", help="A genai-prices data file; left out: fetched from that project")] = "",
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="First UTC day in force; default tomorrow, never earlier")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change")] = False,
    data: Data = None,
) -> None:
    """Take in newer list prices; calls of earlier days keep theirs."""
    from spanledger.commands import price_lists

    raise typer.Exit(price_lists.refresh(settings_of(data), source, since, dry_run=dry_run))


@prices_app.command("list")
def prices_list(data: Data = None) -> None:
    """List the editions of the price list; `*` marks the one in force."""
    from spanledger.commands import price_lists

    raise typer.Exit(price_lists.listed(settings_of(data)))


@app.command()
def erase(
    tenant: Annotated[str, typer.Option("--tenant", metavar="T", help="Everything of this tenant")] = "",
    user: Annotated[str, typer.Option("--user", metavar="U", help="Everything of this user")] = "",
    receipt: Annotated[Path | None, typer.Option("--receipt", metavar="FILE", help="Write the signed receipt here")] = None,
    data: Data = None,
    config: Config = None,
    warehouse: Warehouse = None,
) -> None:
    """Delete what is kept of a tenant or user; totals stay; prints a signed receipt."""
    from spanledger.commands import erasing

    raise typer.Exit(erasing.erase(settings_of(data, config, warehouse), tenant=tenant, user=user, out=receipt, say=typer.echo))


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder for the backup")],
    name: Annotated[str, typer.Option("--name", help="Its name (default: the time)")] = "",
    base: Annotated[str, typer.Option("--base", help="Name of an earlier backup: only what changed is written")] = "",
    data: Data = None,
    warehouse: Warehouse = None,
) -> None:
    """Back the warehouse and its keys up, verified by restoring; exit 1 when the copy differs."""
    from spanledger.commands import backups

    raise typer.Exit(backups.backup(settings_of(data, warehouse=warehouse), folder.absolute(), name, base))


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="A backup, or a folder of backups (the newest is taken)")],
    data: Data = None,
    warehouse: Warehouse = None,
) -> None:
    """Fill an empty data directory from a backup."""
    from spanledger.commands import backups

    backups.restore(settings_of(data, warehouse=warehouse), source.absolute())


def main() -> None:
    """Run the command line and end the process with the command's exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Exit code of one command line; every error becomes one clear line on standard error."""
    try:
        result: Any = app(args=arguments, prog_name="spanledger", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except BrokenPipeError:  # `spanledger query … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except SpanledgerError as exc:
        return _failed(exc, exc.exit_code)
    except typer.TyperException as exc:  # wrong usage
        if type(exc).__name__ == "NoArgsIsHelpError":
            return 2 if exc.format_message().strip() == "" else _show(exc.format_message())
        return _failed(exc, 2, exc.format_message())
    except Exception as exc:
        return _failed(exc, 1, f"{type(exc).__name__}: {exc} (`spanledger --debug …` shows where)")


def _show(text: str) -> int:
    typer.echo(text)
    return 2


def _failed(exc: BaseException, code: int, message: str = "") -> int:
    if _debug:
        import traceback

        traceback.print_exception(exc)
    lines = (message or str(exc)).strip().splitlines()
    told = lines if isinstance(exc, ConfigError) else [" ".join(" ".join(lines).split())]  # a policy file may have several problems
    typer.echo("\n".join(f"spanledger: {line}" for line in told if line) or "spanledger: failed", err=True)
    return code
