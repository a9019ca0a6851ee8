"""Which tables and columns a role reads, and the row filters of a team scope. DESIGN §4 *Roles*.

A table that is not listed here is ``internal``: a new one is closed until somebody decides who reads it.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

from warehouse.endpoint.principal import Principal, Role
from warehouse.endpoint.vocabulary import words

DATABASE = "spanledger"

#: Class of each table and view; patterns are tried in order, exact names first.
CLASSES: tuple[tuple[str, str], ...] = (
    ("calls", "spend"),
    ("ledger", "spend"),
    ("spend_*", "spend"),
    ("prompt_hour*", "spend"),
    ("people_hour*", "people"),
    ("budget*", "spend"),
    ("forecast*", "spend"),
    ("anomal*", "spend"),
    ("scores", "quality"),
    ("verdicts", "quality"),
    ("score_*", "quality"),
    ("feedback", "quality"),
    ("decisions", "quality"),
    ("slo*", "quality"),
    ("gate*", "quality"),
    ("rollup_pub", "reference"),
    ("rollup_days", "reference"),
    ("clean_hours", "reference"),
    ("hour_marks", "reference"),
    ("hour_states", "reference"),
    ("hour_rollups", "reference"),
    ("hour_prints", "reference"),
    ("price*", "reference"),
    ("contents", "content"),
    ("texts", "content"),
    ("spans", "journal"),
    ("journal", "journal"),
    ("alert*", "operations"),
    ("incident*", "operations"),
    ("silence*", "operations"),
    ("transcript*", "transcript"),
    ("audit_*", "audit"),
    ("erasures", "audit"),
)

READS: dict[Role, frozenset[str]] = {
    "viewer": frozenset({"spend", "people", "quality", "reference", "safe"}),
    "finance": frozenset({"spend", "people", "reference", "safe"}),
    "operator": frozenset({"spend", "people", "quality", "reference", "content", "journal", "operations", "safe"}),
    "auditor": frozenset({"spend", "people", "quality", "reference", "content", "journal", "operations", "transcript", "audit", "internal", "safe"}),
    "admin": frozenset({"spend", "people", "quality", "reference", "content", "journal", "operations", "audit", "internal", "safe"}),
}

#: What identifies a call, a person or a text. A viewer sees aggregates: these may be counted (``uniq``), never read.
IDENTIFYING = words(
    """
    trace_id span_id parent_span_id link members response_id request_id response_hash context_hash user_hash session_hash
    attrs facts comment actor evidence detail prompt response context extra
    """
)

SYSTEM = words(
    """
    one numbers numbers_mt zeros zeros_mt databases tables columns settings functions table_functions data_type_families formats
    table_engines time_zones collations keywords contributors build_options aggregate_function_combinators
    """
)
INFORMATION_SCHEMA = frozenset({"schemata", "tables", "columns", "views", "key_column_usage", "referential_constraints", "statistics"})

#: Paths and sizes: the first tell about the machine, the second about other teams' rows.
_PATHS = frozenset({"data_paths", "data_path", "metadata_path", "dependencies_database", "loading_dependencies_database"})
_SIZES = frozenset(
    {
        "total_rows",
        "total_bytes",
        "total_bytes_uncompressed",
        "lifetime_rows",
        "lifetime_bytes",
        "parts",
        "active_parts",
        "total_marks",
        "data_compressed_bytes",
        "data_uncompressed_bytes",
        "marks_bytes",
        "table_rows",
        "data_length",
    }
)
#: Bookkeeping of whole hours, all teams together.
_VOLUMES = frozenset({"entries", "thru", "token", "seq", "note"})
#: Where a row lies among those of all teams.
_PLACES = words(
    """
    _part _part_index _part_starting_offset _part_offset _part_granule_offset _part_uuid _part_data_version _partition_id _partition_value
    _disk_name _block_number _block_offset _row_exists _sample_factor _shard_num
    """
)


@lru_cache(4096)
def class_of(database: str, table: str) -> str:
    """What kind of data a table holds; ``hidden`` for databases that readers have no business in."""
    if database == "system":
        return "safe" if table in SYSTEM else "hidden"
    if database.lower() == "information_schema":
        return "safe" if table.lower() in INFORMATION_SCHEMA else "hidden"
    if database != DATABASE:
        return "hidden"
    return next((kind for pattern, kind in CLASSES if fnmatchcase(table, pattern)), "internal")


def hidden_columns(principal: Principal, database: str, table: str) -> frozenset[str]:
    """Columns that the principal may not read in a table."""
    scoped = principal.teams is not None
    if database != DATABASE:
        return _PATHS | (_SIZES if scoped else frozenset())
    volumes = _VOLUMES if scoped and class_of(database, table) == "reference" else frozenset()
    return volumes | (_PLACES if scoped else frozenset()) | (IDENTIFYING if principal.role == "viewer" else frozenset())


def text(value: str) -> str:
    """A SQL string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def team_filter(teams: tuple[str, ...]) -> str:
    """The row filter of a team scope; no team: no row."""
    return f"team IN ({', '.join(text(team) for team in teams)})" if teams else "0"


def filters(principal: Principal, readable: frozenset[str], scoped: frozenset[str]) -> str:
    """The value of ``additional_table_filters`` for a reader: own teams' rows, and a catalogue of what is readable only.

    Args:
        readable: tables of ``spanledger`` that the principal may read.
        scoped: those with a ``team`` column, whatever the principal may read of them (views read them).
    """
    names = ", ".join(text(name) for name in sorted(readable)) or "''"
    system = ", ".join(text(name) for name in sorted(SYSTEM))

    def catalogue(column: str) -> str:
        return f"(database = '{DATABASE}' AND {column} IN ({names})) OR (database = 'system' AND {column} IN ({system}))"

    found = {
        "system.tables": catalogue("name"),
        "system.columns": catalogue("table"),
        "system.databases": f"name IN ('{DATABASE}', 'system', 'information_schema', 'INFORMATION_SCHEMA')",
    }
    if principal.teams is not None:
        rows = team_filter(principal.teams)
        found.update({f"{DATABASE}.{table}": rows for table in scoped})
    return "{" + ", ".join(f"{text(table)}: {text(condition)}" for table, condition in sorted(found.items())) + "}"
