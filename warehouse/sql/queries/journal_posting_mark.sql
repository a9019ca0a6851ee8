-- The journal batch up to which a writer has posted. Params: writer String.
SELECT max(through) FROM posting_mark WHERE writer = {writer:String}
