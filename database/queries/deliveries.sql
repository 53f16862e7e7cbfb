-- name: deliveries.claim
-- Hands one due delivery to one worker: the row becomes `sending` under a lease and the attempt is on record before
-- anything is sent. Returns what is to be sent, or no row when it is gone, taken, not due, expired, or its channel paused.
-- Beside it, as in deliveries.standing, where the delivery stands now that was finished just before, if one was.
WITH claimed AS (
    UPDATE public.alert_deliveries AS d
    SET status = 'sending', attempts = d.attempts + 1,
        lease_until = clock_timestamp() + make_interval(secs => %(lease_seconds)s), leased_by = %(worker)s::text
    WHERE d.delivery_id = %(claimed_id)s::uuid AND d.environment = %(environment)s::text AND d.channel = %(channel)s::text
      -- Put so that no index of what is due serves: on a table that was not analysed yet it seems as good as the key.
      AND d.status || '' = 'pending' AND d.next_attempt_at <= clock_timestamp()
      AND coalesce(d.requeued_at, d.created_at)
          > clock_timestamp() - make_interval(secs => (%(max_ages)s::float8[])[d.urgency])
      AND NOT EXISTS (SELECT FROM public.channel_pauses AS p
                      WHERE p.environment = d.environment AND p.channel = d.channel AND p.resumed_at IS NULL)
    RETURNING d.delivery_id, d.attempts, d.environment, d.channel, d.lease_until
), attempt AS (
    -- It begins with the lease, to the microsecond, or a takeover at its end would look too early.
    INSERT INTO public.alert_delivery_attempts (delivery_id, attempt, environment, channel, worker, started_at)
    SELECT claimed.delivery_id, claimed.attempts, claimed.environment, claimed.channel, %(worker)s::text,
           claimed.lease_until - make_interval(secs => %(lease_seconds)s)
    FROM claimed
)
SELECT m.*, claimed.attempts AS attempt,
       w.than_alert_id AS worse_than, w.severity_before, w.details_before,
       finished.status AS finished_status, finished.attempts AS finished_attempts
FROM claimed CROSS JOIN public.delivery_messages AS m
LEFT JOIN public.alert_worsenings AS w ON w.alert_id = m.alert_id
LEFT JOIN public.alert_deliveries AS finished ON finished.delivery_id = %(delivery_id)s::uuid
-- The parameter and not claimed.delivery_id: the view tells an age, so PostgreSQL does not merge it into a join, and would
-- make it of all deliveries there are.
WHERE m.delivery_id = %(claimed_id)s::uuid

-- name: deliveries.unanswered
-- What was sent without an answer, to ask its provider about it; with the provider's own name for it where a report told us.
SELECT m.*, d.attempts AS attempt, d.provider_message_id,
       (SELECT count(*) FROM public.alert_delivery_attempts AS t
        WHERE t.delivery_id = d.delivery_id AND t.attempt > d.requeued_after AND t.outcome = 'unknown') AS unanswered
FROM public.alert_deliveries AS d JOIN public.delivery_messages AS m ON m.delivery_id = d.delivery_id
WHERE d.delivery_id = %(delivery_id)s::uuid AND d.environment = %(environment)s::text AND d.status = 'unknown'

-- name: deliveries.peek
-- What the claim of an SMS would be: which try, and how urgent.
SELECT d.attempts, a.severity
FROM public.alert_deliveries AS d JOIN public.alerts AS a ON a.alert_id = d.alert_id
WHERE d.delivery_id = %(delivery_id)s::uuid AND d.environment = %(environment)s::text AND d.channel = 'sms'
  AND d.status = 'pending' AND d.next_attempt_at <= clock_timestamp()

-- name: deliveries.hold_alert
-- The alert before its delivery, as whoever ends an incident takes them: in the other order two would wait in a circle.
SELECT FROM public.alerts AS a
WHERE a.alert_id = (SELECT d.alert_id FROM public.alert_deliveries AS d WHERE d.delivery_id = %(delivery_id)s::uuid)
FOR NO KEY UPDATE

-- name: deliveries.hold
-- Sets a due delivery aside until a limit frees. Uses no attempt.
UPDATE public.alert_deliveries AS d
SET status = 'held', next_attempt_at = %(until)s::timestamptz, rung_at = NULL,
    error_code = 'over_limit', last_error = %(reason)s::text
WHERE d.delivery_id = %(delivery_id)s::uuid AND d.status = 'pending'
RETURNING d.alert_id

-- name: deliveries.finish
-- Ends a try: only the claim that holds the delivery's present attempt number may. A delivery whose alert was resolved
-- meanwhile is not tried again.
UPDATE public.alert_deliveries AS d
SET status = final.status,
    next_attempt_at = coalesce(clock_timestamp() + make_interval(secs => %(delay_seconds)s::float8), d.next_attempt_at),
    finished_at = CASE WHEN final.status IN ('sent', 'failed', 'cancelled') THEN clock_timestamp() END,
    lease_until = NULL, leased_by = NULL, rung_at = NULL,
    last_error = %(error)s::text, error_code = %(error_code)s::text,
    provider_message_id = coalesce(%(provider_message_id)s::text, d.provider_message_id)
FROM (SELECT CASE WHEN a.resolved_at IS NOT NULL AND %(status)s::text IN ('pending', 'held') THEN 'cancelled'
                  ELSE %(status)s::text END AS status
      FROM public.alerts AS a WHERE a.alert_id = %(alert_id)s) AS final
WHERE d.delivery_id = %(delivery_id)s::uuid AND d.attempts = %(attempt)s AND d.status IN ('sending', 'unknown')

-- name: deliveries.finish_attempt
-- The try's own record: finished once, and unknown may become certain once.
UPDATE public.alert_delivery_attempts AS t
SET outcome = %(outcome)s::text, finished_at = coalesce(t.finished_at, clock_timestamp()),
    error_code = %(attempt_code)s::text, error = %(error)s::text
WHERE t.delivery_id = %(delivery_id)s::uuid AND t.attempt = %(attempt)s
  AND (t.outcome IS NULL OR t.outcome = 'unknown' AND %(outcome)s::text IN ('accepted', 'refused'))

-- name: deliveries.standing
-- Where a delivery stands now, to tell whether a finish took hold.
SELECT d.status, d.attempts
FROM public.alert_deliveries AS d
WHERE d.delivery_id = %(delivery_id)s::uuid

-- name: deliveries.cancel_unsent
-- What is not sent yet of the given alerts: a resolved incident is not worth waking anybody for.
UPDATE public.alert_deliveries AS d
SET status = 'cancelled', finished_at = clock_timestamp(), folded_into = NULL, rung_at = NULL
WHERE d.alert_id = ANY(%(alert_ids)s::bigint[]) AND d.status IN ('pending', 'held')
RETURNING d.alert_id

-- name: deliveries.cancel_held
-- What waits for a limit of the given alerts: somebody is on it already.
UPDATE public.alert_deliveries AS d
SET status = 'cancelled', finished_at = clock_timestamp(), folded_into = NULL, rung_at = NULL
WHERE d.alert_id = ANY(%(alert_ids)s::bigint[]) AND d.status = 'held'
RETURNING d.alert_id

-- name: deliveries.unring
-- A ring that failed: recovery rings again.
UPDATE public.alert_deliveries AS d
SET rung_at = NULL
WHERE d.delivery_id = ANY(%(delivery_ids)s::uuid[]) AND d.status = 'pending'

-- name: deliveries.of_alert
SELECT d.delivery_id::text, d.channel, d.recipient, d.status, d.attempts, d.next_attempt_at, d.created_at, d.finished_at,
       d.last_error, d.error_code, d.provider_message_id, d.receipt, d.receipt_at, d.receipt_code, d.receipt_error,
       d.requeued_at, d.requeued_by, d.fallback_of::text, d.folded_into::text
FROM public.alert_deliveries AS d
WHERE d.alert_id = %(alert_id)s
ORDER BY d.created_at, d.channel, d.recipient

-- name: deliveries.attempts_of_alert
SELECT t.delivery_id::text, t.attempt, t.channel, t.started_at, t.finished_at, t.outcome, t.error_code, t.error, t.worker
FROM public.alert_delivery_attempts AS t
JOIN public.alert_deliveries AS d ON d.delivery_id = t.delivery_id
WHERE d.alert_id = %(alert_id)s
ORDER BY t.started_at, t.attempt

-- name: deliveries.status_of
SELECT d.status, d.error_code, d.next_attempt_at
FROM public.alert_deliveries AS d
WHERE d.delivery_id = %(delivery_id)s::uuid

-- name: deliveries.insert_one
-- A delivery outside the routes: an inline send, a fallback. None when it is there already.
INSERT INTO public.alert_deliveries (delivery_id, alert_id, environment, channel, recipient, urgency, rung_at, fallback_of)
SELECT md5(a.alert_uuid || E'\x1f' || %(channel)s::text || E'\x1f' || %(recipient)s::text)::uuid, a.alert_id, a.environment,
       %(channel)s::text, %(recipient)s::text, public.alert_severity_rank(a.severity),
       CASE WHEN %(inline)s::boolean THEN clock_timestamp() END, %(fallback_of)s::uuid
FROM public.alerts AS a
WHERE a.alert_id = %(alert_id)s
ON CONFLICT DO NOTHING
RETURNING delivery_id::text
