-- name: limits.lock
-- Serialises the SMS claims of one environment: counting and reserving are one step.
SELECT pg_advisory_xact_lock(hashtextextended('sms:' || %(environment)s::text, 0))

-- name: limits.sms_used
-- When each SMS of the last day counts from, newest first: those running or without a known outcome count as sent now.
-- The day before this statement came, if a little more than a day: of clock_timestamp(), which is another at each row, no
-- index knows where it begins, and every SMS ever sent would be read.
WITH counted AS MATERIALIZED (
    SELECT t.delivery_id || ':' || t.attempt AS place, coalesce(t.finished_at, clock_timestamp()) AS since,
           t.outcome IS NULL AS running
    FROM public.alert_delivery_attempts AS t
    WHERE t.environment = %(environment)s::text AND t.channel = 'sms'
      AND (t.outcome IS NULL OR t.outcome IN ('accepted', 'unknown'))
      AND (t.finished_at IS NULL OR t.finished_at > statement_timestamp() - interval '24 hours')
)
SELECT clock_timestamp() AS now,
       ARRAY(SELECT counted.since FROM counted ORDER BY counted.since DESC, counted.place) AS counted,
       ARRAY(SELECT counted.place FROM counted ORDER BY counted.since DESC, counted.place) AS places,
       EXISTS (SELECT FROM counted WHERE counted.running) AS running
