-- Every version of every budget that people have set, removed ones too. No params.
SELECT name, document FROM spanledger.budgets
