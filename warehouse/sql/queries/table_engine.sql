-- Engine of one of our tables. Params: table.
SELECT engine FROM system.tables WHERE database = 'spanledger' AND name = {table:String}
