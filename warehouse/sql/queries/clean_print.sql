-- What the book-keeping of hours and days holds, in a few numbers: they change with every row that is written to it.
SELECT of, held, print FROM spanledger.hour_prints
