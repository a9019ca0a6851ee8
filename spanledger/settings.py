"""How one installation runs: environment variables ``SPANLEDGER_*``, read once by the CLI and handed down.

What the organisation decides (apps, prices, budgets, content modes) is not here but in the policy file (``spanledger/policy``).
``docs/settings.md`` lists every field; a test compares the two.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from spanledger.errors import ConfigError

MIB = 1 << 20

#: The command line's own words for some settings; everything else is named as in the environment.
LISTENERS = ("otlp_grpc", "otlp_http", "sql", "web")


def default_data_dir() -> Path:
    """The platform's folder for an application's data: XDG on Linux, Application Support on macOS."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "spanledger"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "spanledger"


class Settings(BaseSettings):
    """Environment variables ``SPANLEDGER_*``; byte sizes are plain integers, port 0 lets the system pick a free one."""

    model_config = SettingsConfigDict(env_prefix="SPANLEDGER_", extra="ignore", frozen=True)

    # Where
    data_dir: Path = Field(default_factory=default_data_dir, description="Everything an embedded instance keeps: warehouse, spool, keys, run files")
    config: Path | None = Field(default=None, description="Policy file (YAML); without it `spanledger.yaml` in the data directory, if there")
    warehouse: SecretStr = Field(
        default=SecretStr("chdb://"), description="`chdb://` (embedded in the data directory) or `clickhouse[s]://user:password@host:port/database`"
    )
    cluster: str = Field(default="", description="ClickHouse cluster name: schema is created `ON CLUSTER`, replicated and sharded by trace")

    # Listeners
    otlp_host: str = Field(default="127.0.0.1", description="Address of both OTLP listeners; tokens are mandatory off loopback")
    otlp_grpc_port: int = Field(default=4317, ge=0, le=65535, description="OTLP/gRPC port")
    otlp_http_port: int = Field(default=4318, ge=0, le=65535, description="OTLP/HTTP port")
    web_host: str = Field(default="127.0.0.1", description="Address of the dashboard and API")
    web_port: int = Field(default=8321, ge=0, le=65535, description="Port of the dashboard and API")
    sql_host: str = Field(default="127.0.0.1", description="Address of the SQL endpoint (ClickHouse HTTP protocol)")
    sql_port: int = Field(default=8123, ge=0, le=65535, description="Port of the SQL endpoint")
    tls_cert: Path | None = Field(default=None, description="PEM certificate chain for the OTLP and SQL listeners")
    tls_key: Path | None = Field(default=None, description="PEM private key of `tls_cert`")
    tokens_file: Path | None = Field(default=None, description="YAML file with further `tokens:` and `projects:`, kept apart from the policy file")

    # Ingest
    max_message_bytes: int = Field(default=64 * MIB, gt=0, description="Largest export, after decompression")
    queue_bytes: int = Field(default=256 * MIB, gt=0, description="Decoded exports waiting for the writer; beyond it exporters are told to wait")
    batch_rows: int = Field(default=20_000, gt=0, le=100_000, description="Most rows per insert")
    spool_bytes: int = Field(
        default=4096 * MIB, gt=0, description="Fsynced spool on disk: acknowledged, not yet in the warehouse; when full, exporters wait"
    )
    sealing_processes: int = Field(
        default=2, ge=0, le=16, description="Processes that decode, redact and store exports; 0: the collector's own. One a core at most"
    )
    keep_unrelated: bool = Field(
        default=False, description="Keep spans that have nothing to do with GenAI, instead of counting them and letting them go"
    )
    max_clock_ahead_days: int = Field(default=7, ge=0, description="Spans that start further in the future are refused")

    # Posting
    posting_interval_ms: int = Field(
        default=500, gt=0, description="How long acknowledged rows wait for company before they are inserted and posted; up to twice as long"
    )

    # Reads
    query_timeout_s: float = Field(default=60, gt=0, description="Time limit of one query through the SQL endpoint")
    query_memory_bytes: int = Field(default=1024 * MIB, gt=0, description="Memory limit of one query through the SQL endpoint")
    query_concurrency: int = Field(default=4, gt=0, description="Queries that run at once; more wait")
    query_rows: int = Field(default=1_000_000, gt=0, description="Most rows one interactive query returns")
    warehouse_memory_bytes: int = Field(default=3072 * MIB, gt=0, description="Memory ceiling of the embedded warehouse engine")

    # Privacy
    redaction_engine: Literal["auto", "hyperscan", "re2"] = Field(
        default="auto", description="Trigger scanner; `auto` takes Hyperscan where it is installed"
    )
    window_bytes: int = Field(default=256 * MIB, ge=0, description="In-memory window of redacted text for tenants with `content: none`")
    window_minutes: int = Field(default=10, ge=0, description="Age limit of that window")
    kek: SecretStr | None = Field(default=None, description="Key-encryption key of the audit store, base64 of 32 bytes")
    kek_file: Path | None = Field(default=None, description="File that holds the key-encryption key")
    kek_command: str | None = Field(default=None, description="Command that prints the key-encryption key (KMS or Vault client)")

    # Detectors
    embeddings: Literal["auto", "on", "off"] = Field(
        default="auto", description="Sentence embeddings for grounding; `auto`: where torch is installed"
    )
    embedding_model: str = Field(default="", description="sentence-transformers model name or folder; empty takes the packaged MiniLM")
    jobs_interval_s: float = Field(default=15, gt=0, description="Pause between passes of the detector jobs")
    alerts_interval_s: float = Field(default=15, gt=0, description="Pause between evaluations of alert rules and budgets")

    # Prices
    price_refresh: bool = Field(default=False, description="Fetch newer list prices once a day; off: the packaged snapshot only")

    # Process
    public_url: str = Field(default="", description="How people reach the web address from outside; used in alert links")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least severe log line written")
    log_format: Literal["auto", "json", "console"] = Field(default="auto", description="`auto`: JSON unless standard error is a terminal")
    shutdown_s: float = Field(default=8, gt=0, description="Time for draining after a stop signal")

    @property
    def embedded(self) -> bool:
        """True when the warehouse is chDB in the data directory, owned by the collector process."""
        return self.warehouse.get_secret_value().startswith("chdb:")

    @property
    def run_dir(self) -> Path:
        """``DIR/run``: token, lock and role files of a running instance (mode 0700)."""
        return self.data_dir / "run"

    @property
    def policy_path(self) -> Path | None:
        """The policy file to read: as told, else ``spanledger.yaml`` in the data directory if there, else none."""
        if self.config is not None:
            return self.config
        beside = self.data_dir / "spanledger.yaml"
        return beside if beside.is_file() else None


def load_settings(**told: Any) -> Settings:
    """Settings from the environment, with ``told`` (command-line options; ``None`` = not told) on top.

    Raises:
        ConfigError: a variable that does not parse; the message names it.
    """
    try:
        return Settings(**{name: value for name, value in told.items() if value is not None})
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(f"SPANLEDGER_{name}: {first['msg']}") from exc
