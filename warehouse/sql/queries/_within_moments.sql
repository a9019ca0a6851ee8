-- A row starts in [since, until). No index sees this, nor may it stand before FINAL: the moment is no part of the sort key, and a part that is
-- left out because all its moments lie beyond an edge may hold the last version of a row that was moved within its hour.
identity(e.ts) >= {since:DateTime64(6, 'UTC')} AND identity(e.ts) < {until:DateTime64(6, 'UTC')}
