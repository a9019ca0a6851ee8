"""The SQL endpoint: the ClickHouse HTTP protocol over the embedded engine, or in front of a ClickHouse server.

In: HTTP requests of the product's own processes (role ``instance``: everything), of people and of BI tools (every other role: reads).
Out: results in any ClickHouse format. Open ``server.py`` (``serve``) first, ``execute.py`` for what a request goes through, and
``fence.py`` for what a reader's statement must pass. ``docs/decisions/0003-sql-endpoint.md`` says why.
"""

from warehouse.endpoint.execute import QueryEvent
from warehouse.endpoint.principal import Authenticator, Limits, Principal, Role, Tls
from warehouse.endpoint.remote import RemoteBackend
from warehouse.endpoint.server import EndpointServer, serve

__all__ = ["Authenticator", "EndpointServer", "Limits", "Principal", "QueryEvent", "RemoteBackend", "Role", "Tls", "serve"]
