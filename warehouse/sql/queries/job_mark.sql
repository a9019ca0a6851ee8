-- Where a job has got to ('' at first). Params: job.
SELECT argMax(mark, at) AS mark FROM spanledger.job_marks WHERE job = {job:String}
