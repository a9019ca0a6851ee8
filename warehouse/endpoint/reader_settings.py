"""Which settings a reader may change, and how far; limits, scope and everything that reaches outside are not among them."""

from __future__ import annotations

import re

from warehouse.endpoint.principal import Limits
from warehouse.endpoint.refusal import Refused
from warehouse.endpoint.vocabulary import words

_FREE = words(
    """
    aggregate_functions_null_for_empty any_join_distinct_right_table_keys asterisk_include_alias_columns asterisk_include_materialized_columns
    count_distinct_implementation data_type_default_nullable date_time_input_format date_time_output_format
    do_not_merge_across_partitions_select_final empty_result_for_aggregation_by_constant_keys_on_empty_set
    empty_result_for_aggregation_by_empty_set enable_http_compression extremes final float_precision
    format_csv_delimiter format_csv_null_representation format_custom_escaping_rule format_custom_field_delimiter
    format_custom_result_after_delimiter format_custom_result_before_delimiter format_custom_row_after_delimiter
    format_custom_row_before_delimiter format_custom_row_between_delimiter format_tsv_null_representation
    formatdatetime_e_with_space_padding formatdatetime_f_prints_scale_number_of_digits formatdatetime_f_prints_single_zero
    formatdatetime_format_without_leading_zeros formatdatetime_parsedatetime_m_is_month_name group_by_use_nulls
    http_write_exception_in_output_format join_default_strictness join_use_nulls limit offset
    optimize_aggregation_in_order optimize_move_to_prewhere optimize_read_in_order prefer_column_name_to_alias session_timezone
    totals_mode transform_null_in union_default_mode use_primary_key use_skip_indexes
    """
)
_OUTPUT = re.compile(r"output_format_(?!schema$|avro_confluent)[a-z0-9_]+$")
#: May be lowered below the reader's own limit, never raised; 0 means "no limit" and is refused.
_LOWERED = frozenset({"max_execution_time", "max_threads", "max_memory_usage", "max_result_rows", "max_result_bytes"})
_UP_TO = {"max_rows_to_read": None, "max_bytes_to_read": None, "max_rows_to_group_by": None, "max_rows_in_join": None}
#: A row filter goes first: the engine would put cheap conditions of the reader's before it, whose errors tell what other teams' rows hold.
#: Statistics tell how many rows were read, those of other teams among them.
OF_A_SCOPE = {
    "optimize_move_to_prewhere": "0",
    "query_plan_optimize_prewhere": "0",
    "query_plan_merge_filters": "0",
    "enable_join_runtime_filters": "0",
    "output_format_write_statistics": "0",
}
#: Counted before a row filter: whether a query stays below them tells how many rows others have.
TELLING = frozenset({"max_rows_to_read", "max_bytes_to_read"})
_CHOICE = {
    "readonly": {"1", "2"},  # a reader is read-only anyway; clients say so
    "result_overflow_mode": {"throw", "break"},
    "timeout_overflow_mode": {"throw", "break"},
    "read_overflow_mode": {"throw", "break"},
    "join_algorithm": {"auto", "default", "hash", "parallel_hash", "grace_hash", "full_sorting_merge", "partial_merge"},
}

FORMATS = words(
    """
    Arrow ArrowStream Avro BSONEachRow CSV CSVWithNames CSVWithNamesAndTypes CustomSeparated CustomSeparatedWithNames JSON JSONColumns
    JSONColumnsWithMetadata JSONCompact JSONCompactColumns JSONCompactEachRow JSONCompactEachRowWithNames JSONCompactEachRowWithNamesAndTypes
    JSONCompactStrings JSONCompactStringsEachRow JSONCompactStringsEachRowWithNames JSONCompactStringsEachRowWithNamesAndTypes JSONEachRow
    JSONLines NDJSON JSONObjectEachRow JSONStrings JSONStringsEachRow LineAsString Markdown MsgPack Native Null ORC Parquet Pretty PrettyCompact
    PrettyCompactMonoBlock PrettyCompactNoEscapes PrettyNoEscapes PrettySpace PrettyJSONEachRow RawBLOB RowBinary RowBinaryWithNames
    RowBinaryWithNamesAndTypes SQLInsert TabSeparated TabSeparatedRaw TabSeparatedRawWithNames TabSeparatedRawWithNamesAndTypes
    TabSeparatedWithNames TabSeparatedWithNamesAndTypes TSV TSVRaw TSVRawWithNames TSVRawWithNamesAndTypes TSVWithNames TSVWithNamesAndTypes
    TSKV Values Vertical XML
    """
)


def limits_of_readers(limits: Limits) -> dict[str, str]:
    """Settings that every reader's query runs under."""
    spill = str(max(1, limits.memory_each // 2))
    return {
        "max_execution_time": str(limits.query_s),
        "timeout_overflow_mode": "throw",
        "max_memory_usage": str(limits.memory_each),
        "max_bytes_before_external_group_by": spill,
        "max_bytes_before_external_sort": spill,
        "max_temporary_data_on_disk_size_for_query": str(limits.disk_bytes),
        "max_threads": str(limits.threads),
        "max_block_size": "8192",  # a query is stopped between blocks: small ones keep limits prompt
        "max_result_rows": str(limits.query_rows),
        "max_result_bytes": str(limits.query_bytes),
        "result_overflow_mode": "throw",
        "use_query_condition_cache": "0",  # what a scope hides must not teach the cache which granules match
        "use_query_cache": "0",
        "allow_introspection_functions": "0",
        "allow_ddl": "0",
        "format_display_secrets_in_show_and_select": "0",
        "os_thread_priority": "5",
    }


def checked(name: str, value: str, held: dict[str, str]) -> tuple[str, str] | None:
    """A reader's setting if it may be set so, given the limits ``held``; ``None`` where it changes nothing.

    Raises:
        Refused: not this setting, or not this far.
    """
    if name in _CHOICE:
        if value.lower() not in _CHOICE[name]:
            raise Refused(f"Setting {name} cannot be {value!r} here", 452)
        return None if name == "readonly" else (name, value)
    if name in _LOWERED:
        number, most = _number(name, value), float(held[name])
        if not 0 < number <= most:
            raise Refused(f"Setting {name} shouldn't be 0 or greater than {held[name]}", 452)
        return name, value
    if name in _UP_TO:
        return name, str(int(_number(name, value)))
    if name == "max_block_size":
        if not 1 <= _number(name, value) <= 65_536:
            raise Refused("Setting max_block_size shouldn't be greater than 65536", 452)
        return name, value
    if name in _FREE or _OUTPUT.match(name):
        return name, value
    raise Refused(f"Cannot modify '{name}' setting in readonly mode", 164)


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError as exc:
        raise Refused(f"Setting {name} takes a number, not {value!r}", 36) from exc


def quoted(value: str) -> str:
    """A SQL string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
