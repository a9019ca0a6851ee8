-- How a table was created. Params: table.
SELECT create_table_query FROM system.tables WHERE database = 'spanledger' AND name = {table:String}
