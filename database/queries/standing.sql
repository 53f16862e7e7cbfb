-- name: standing.figures
-- How the whole system is, from indexes alone. A day counts from statement_timestamp(), as in limits.sms_used.
SELECT clock_timestamp() AS now,
       late.due, late.oldest_due_seconds,
       (SELECT t.started_at FROM public.alert_delivery_attempts AS t
        WHERE t.environment = %(environment)s::text ORDER BY t.started_at DESC LIMIT 1) AS last_claim_at,
       (SELECT count(*) FROM public.alert_deliveries AS d
        WHERE d.environment = %(environment)s::text AND d.status = 'failed'
          AND d.finished_at > statement_timestamp() - interval '24 hours') AS failed_in_a_day,
       (SELECT count(*) FROM public.alerts AS a
        WHERE a.environment = %(environment)s::text AND NOT a.planned) AS unplanned,
       coalesce((SELECT extract(epoch FROM clock_timestamp() - a.triggered_at) FROM public.alerts AS a
                 WHERE a.environment = %(environment)s::text AND NOT a.planned
                 ORDER BY a.alert_id LIMIT 1), 0)::float8 AS oldest_unplanned_seconds,
       (SELECT b.beat_at FROM public.recovery_beats AS b WHERE b.environment = %(environment)s::text) AS last_beat_at
FROM (SELECT count(*) AS due,
             coalesce(extract(epoch FROM clock_timestamp() - min(d.next_attempt_at)), 0)::float8 AS oldest_due_seconds
      FROM public.alert_deliveries AS d
      WHERE d.environment = %(environment)s::text AND d.status = 'pending'
        AND d.next_attempt_at <= clock_timestamp()) AS late

-- name: standing.beat
INSERT INTO public.recovery_beats AS b (environment, worker)
VALUES (%(environment)s::text, %(worker)s::text)
ON CONFLICT (environment) DO UPDATE SET beat_at = clock_timestamp(), worker = excluded.worker

-- name: standing.take_ping
-- One of the recoveries calls the heartbeat URL, once an interval. No row for the others.
UPDATE public.recovery_beats AS b
SET pinged_at = clock_timestamp()
WHERE b.environment = %(environment)s::text
  AND (b.pinged_at IS NULL OR b.pinged_at <= clock_timestamp() - make_interval(secs => %(interval_seconds)s::float8))
RETURNING b.environment
