"""``spanledger keys`` and ``spanledger audit``: what guards the audit store, and what was done with it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from spanledger.options import Data, Tenant, Warehouse, settings_of

keys_app = typer.Typer(help="Encryption keys of the audit store.", no_args_is_help=True)
audit_app = typer.Typer(help="The hash-chained log of what was changed, read and erased.", no_args_is_help=True)


@keys_app.command("new-kek")
def keys_new_kek() -> None:
    """Print a fresh key-encryption key, for `SPANLEDGER_KEK` or a file; it is kept nowhere."""
    from spanledger.commands import keeping

    keeping.new_kek(typer.echo)


@keys_app.command("init")
def keys_init(tenant: Tenant, data: Data = None) -> None:
    """Make a tenant's first key."""
    from spanledger.commands import keeping

    keeping.init(settings_of(data), tenant, typer.echo)


@keys_app.command("rotate")
def keys_rotate(tenant: Tenant, data: Data = None) -> None:
    """Make a new key for a tenant's new transcripts; older ones stay readable."""
    from spanledger.commands import keeping

    keeping.rotate(settings_of(data), tenant, typer.echo)


@keys_app.command("rewrap")
def keys_rewrap(new: Annotated[str, typer.Argument(help="The new key-encryption key, base64; `-` reads it")] = "-", data: Data = None) -> None:
    """Wrap every tenant's keys with another key-encryption key."""
    from spanledger.commands import keeping

    keeping.rewrap(settings_of(data), sys.stdin.readline().strip() if new == "-" else new, typer.echo)


@keys_app.command("epoch")
def keys_epoch(
    since: Annotated[str, typer.Option("--since", metavar="T", help="When it begins (UTC); by default at the next midnight")] = "", data: Data = None
) -> None:
    """Announce a new key for the hashes of users and sessions; within an epoch equal users have equal hashes."""
    from spanledger.commands import keeping

    keeping.epoch(settings_of(data), since, typer.echo)


@keys_app.command("verify")
def keys_verify(data: Data = None) -> None:
    """Open every key; exit 1 when one cannot be used."""
    from spanledger.commands import keeping

    raise typer.Exit(keeping.verify(settings_of(data), typer.echo))


@keys_app.command("shred")
def keys_shred(tenant: Tenant, data: Data = None) -> None:
    """Destroy all keys of a tenant: its transcripts can never be read again."""
    from spanledger.commands import keeping

    keeping.shred(settings_of(data), tenant, typer.echo)


@audit_app.command("verify")
def audit_verify(data: Data = None, warehouse: Warehouse = None) -> None:
    """Check the hash chain of the audit log; exit 1 when it is broken."""
    from spanledger.commands import keeping

    raise typer.Exit(keeping.audit_verify(settings_of(data, warehouse=warehouse), typer.echo))


@audit_app.command("read")
def audit_read(
    trace: Annotated[str, typer.Argument(metavar="TRACE_ID")],
    span: Annotated[str, typer.Argument(metavar="SPAN_ID")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the audit log")],
    data: Data = None,
    warehouse: Warehouse = None,
) -> None:
    """Print one full transcript of the audit store, on the record."""
    from spanledger.commands import keeping

    keeping.audit_read(settings_of(data, warehouse=warehouse), trace, span, reason, typer.echo)
