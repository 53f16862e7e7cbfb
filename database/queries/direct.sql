-- name: direct.alert
-- The alert that people were told of without PostgreSQL. No row when it is not stored.
SELECT a.alert_id FROM public.alerts AS a WHERE a.alert_uuid = %(alert_uuid)s::uuid

-- name: direct.add
-- The delivery of a try that told somebody or may have, where the routes did not bring it: a duplicate's, a recipient's
-- who is in the routes no more.
INSERT INTO public.alert_deliveries (delivery_id, alert_id, environment, channel, recipient, urgency, rung_at)
SELECT %(delivery_id)s::uuid, a.alert_id, a.environment, %(channel)s::text, %(recipient)s::text,
       public.alert_severity_rank(a.severity), clock_timestamp()
FROM public.alerts AS a
WHERE a.alert_id = %(alert_id)s AND NOT %(surely_not_sent)s::boolean
ON CONFLICT DO NOTHING

-- name: direct.free
-- A try that told somebody, or may have, counts whatever became of its delivery meanwhile.
UPDATE public.alert_deliveries AS d
SET status = 'pending', folded_into = NULL, finished_at = NULL
WHERE d.delivery_id = %(delivery_id)s::uuid AND d.status IN ('held', 'unknown', 'failed')
  AND NOT %(surely_not_sent)s::boolean
  AND NOT EXISTS (SELECT FROM public.alert_delivery_attempts AS t
                  WHERE t.delivery_id = d.delivery_id AND t.started_at = %(started_at)s::timestamptz
                    AND t.worker = %(worker)s::text)

-- name: direct.begin
-- The try as an attempt with the times it had, unless it is on record. It takes the delivery over from a worker that is
-- at it, whose own attempt stays: people were told, or may have been. One that has not ended keeps its lease.
WITH begun AS (
    UPDATE public.alert_deliveries AS d
    SET attempts = d.attempts + 1,
        status = CASE WHEN d.status IN ('sent', 'cancelled') THEN d.status ELSE 'sending' END,
        lease_until = CASE WHEN d.status NOT IN ('sent', 'cancelled')
                           THEN %(started_at)s::timestamptz + make_interval(secs => %(lease_seconds)s::float8) END,
        leased_by = CASE WHEN d.status NOT IN ('sent', 'cancelled') THEN %(worker)s::text END
    WHERE d.delivery_id = %(delivery_id)s::uuid AND (d.status = 'pending' OR NOT %(surely_not_sent)s::boolean)
      AND NOT EXISTS (SELECT FROM public.alert_delivery_attempts AS t
                      WHERE t.delivery_id = d.delivery_id AND t.started_at = %(started_at)s::timestamptz
                        AND t.worker = %(worker)s::text)
    RETURNING d.delivery_id, d.attempts, d.environment, d.channel, d.status
)
INSERT INTO public.alert_delivery_attempts (delivery_id, attempt, environment, channel, started_at, finished_at, outcome,
                                            error_code, error, worker)
SELECT begun.delivery_id, begun.attempts, begun.environment, begun.channel, %(started_at)s::timestamptz,
       coalesce(%(finished_at)s::timestamptz, CASE WHEN begun.status <> 'sending' THEN clock_timestamp() END),
       coalesce(%(outcome)s::text, CASE WHEN begun.status <> 'sending' THEN 'unknown' END),
       %(error_code)s::text, %(error)s::text, %(worker)s::text
FROM begun

-- name: direct.end_attempt
-- The outcome of a try that was on record before it had one.
UPDATE public.alert_delivery_attempts AS t
SET outcome = %(outcome)s::text, finished_at = %(finished_at)s::timestamptz,
    error_code = %(error_code)s::text, error = %(error)s::text
WHERE t.delivery_id = %(delivery_id)s::uuid AND t.started_at = %(started_at)s::timestamptz AND t.worker = %(worker)s::text
  AND (t.outcome IS NULL AND %(outcome)s::text IS NOT NULL
       OR t.outcome = 'unknown' AND %(outcome)s::text IN ('accepted', 'refused'))

-- name: direct.end
-- Moves the delivery on, if the try still holds it and has ended. One that told nobody is delivered as any other.
UPDATE public.alert_deliveries AS d
SET status = final.status, lease_until = NULL, leased_by = NULL, rung_at = NULL,
    next_attempt_at = clock_timestamp() + make_interval(secs => %(delay_seconds)s::float8),
    finished_at = CASE WHEN final.status IN ('sent', 'cancelled') THEN %(finished_at)s::timestamptz END,
    last_error = %(error)s::text, error_code = %(error_code)s::text,
    provider_message_id = coalesce(%(provider_message_id)s::text, d.provider_message_id),
    receipt = coalesce(%(receipt)s::text, d.receipt)
FROM (SELECT CASE WHEN a.resolved_at IS NOT NULL AND %(status)s::text = 'pending' THEN 'cancelled'
                  ELSE %(status)s::text END AS status
      FROM public.alerts AS a WHERE a.alert_id = %(alert_id)s) AS final
WHERE d.delivery_id = %(delivery_id)s::uuid AND d.status IN ('sending', 'unknown') AND %(outcome)s::text IS NOT NULL
  AND d.attempts = (SELECT t.attempt FROM public.alert_delivery_attempts AS t
                    WHERE t.delivery_id = d.delivery_id AND t.started_at = %(started_at)s::timestamptz
                      AND t.worker = %(worker)s::text)
