-- Of the whole hours of a window: how many are closed (rolled up, nothing changing them), and the newest rows' posting time.
SELECT count() AS closed_hours
FROM spanledger.clean_hours
WHERE base = 'calls' AND hour >= {since:DateTime64(6, 'UTC')} AND hour + INTERVAL 1 HOUR <= {until:DateTime64(6, 'UTC')}
