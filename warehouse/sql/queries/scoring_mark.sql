-- Where a job has got to. Params: job String.
SELECT mark, detail FROM spanledger.job_marks FINAL WHERE job = {job:String}
