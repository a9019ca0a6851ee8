-- Does the warehouse answer, with the schema in place?
SELECT count() AS migrations FROM spanledger.migrations
