-- name: recovery.due
-- Due deliveries that no worker was told of, or was told of too long ago, most urgent first; stamped as rung in the same
-- statement, so that several recoveries share the work.
WITH due AS MATERIALIZED (
    SELECT d.delivery_id
    FROM public.alert_deliveries AS d
    WHERE d.environment = %(environment)s::text AND d.status = 'pending' AND d.next_attempt_at <= clock_timestamp()
      AND (d.rung_at IS NULL OR d.rung_at < clock_timestamp() - make_interval(secs => %(again_after_seconds)s))
      AND d.channel <> ALL(%(not_channels)s::text[])
    ORDER BY d.urgency DESC, d.next_attempt_at
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED
)
UPDATE public.alert_deliveries AS d
SET rung_at = clock_timestamp()
FROM due
WHERE d.delivery_id = due.delivery_id
RETURNING d.delivery_id::text, d.channel, d.urgency, d.next_attempt_at

-- name: recovery.abandoned
-- Tries whose lease has ended: their worker died or hangs. As in every move of many deliveries here, each is locked
-- together with its alert, and those of an alert that somebody else holds are left for the next beat.
SELECT d.delivery_id::text, d.alert_id, d.channel, d.attempts AS attempt, d.attempts - d.requeued_after AS tries, a.severity,
       extract(epoch FROM clock_timestamp() - coalesce(d.requeued_at, d.created_at))::float8 AS age_seconds
FROM public.alert_deliveries AS d JOIN public.alerts AS a ON a.alert_id = d.alert_id
WHERE d.environment = %(environment)s::text AND d.status = 'sending' AND d.lease_until < clock_timestamp()
ORDER BY d.urgency DESC, d.lease_until
LIMIT %(most)s
FOR NO KEY UPDATE SKIP LOCKED

-- name: recovery.take_over
-- Ends an abandoned try; the lease is tested again because its worker may have finished meanwhile.
UPDATE public.alert_deliveries AS d
SET status = %(status)s::text, lease_until = NULL, leased_by = NULL, rung_at = NULL,
    next_attempt_at = coalesce(clock_timestamp() + make_interval(secs => %(delay_seconds)s::float8), d.next_attempt_at),
    last_error = %(error)s::text, error_code = %(error_code)s::text,
    finished_at = CASE WHEN %(status)s::text = 'failed' THEN clock_timestamp() END
WHERE d.delivery_id = %(delivery_id)s::uuid AND d.attempts = %(attempt)s
  AND d.status = 'sending' AND d.lease_until < clock_timestamp()
RETURNING d.alert_id

-- name: recovery.expire
-- Deliveries that nobody could make, or find out about, in their time: an alert that comes hours late is noise, but its
-- failure is shown. All that is late first: with a limit PostgreSQL expects to find so many soon, and reads the whole table
-- for those that are never there.
WITH late AS MATERIALIZED (
    SELECT waiting.delivery_id
    FROM public.alert_deliveries AS waiting
    WHERE waiting.environment = %(environment)s::text
      AND (waiting.status = 'pending' OR waiting.status IN ('held', 'unknown')) -- as the two indexes have it
      AND coalesce(waiting.requeued_at, waiting.created_at)
          <= clock_timestamp() - make_interval(secs => (%(max_ages)s::float8[])[waiting.urgency])
      AND NOT EXISTS (SELECT FROM public.channel_pauses AS p
                      WHERE p.environment = waiting.environment AND p.channel = waiting.channel AND p.resumed_at IS NULL)
)
UPDATE public.alert_deliveries AS d
SET status = 'failed', error_code = 'expired', finished_at = clock_timestamp(), rung_at = NULL, folded_into = NULL,
    last_error = coalesce('expired; before that: ' || d.last_error, 'expired before it could be sent')
WHERE d.delivery_id IN (
    SELECT old.delivery_id
    FROM (SELECT late.delivery_id FROM late LIMIT %(most)s) AS first
    JOIN public.alert_deliveries AS old ON old.delivery_id = first.delivery_id
    JOIN public.alerts AS a ON a.alert_id = old.alert_id
    WHERE old.status IN ('pending', 'held', 'unknown') -- still, when it is locked
    FOR NO KEY UPDATE OF old, a SKIP LOCKED)
RETURNING d.alert_id

-- name: recovery.hold_paused
-- Due deliveries of a channel that cannot pass anything wait with it. All of them before the limit, as in recovery.expire:
-- of a channel that is paused for an hour none is left.
WITH stuck AS MATERIALIZED (
    SELECT due.delivery_id, p.reason
    FROM public.channel_pauses AS p
    JOIN public.alert_deliveries AS due ON due.environment = p.environment AND due.channel = p.channel
    WHERE p.environment = %(environment)s::text AND p.resumed_at IS NULL AND due.status = 'pending'
), paused AS MATERIALIZED (
    SELECT due.delivery_id, first.reason
    FROM (SELECT stuck.* FROM stuck LIMIT %(most)s) AS first
    JOIN public.alert_deliveries AS due ON due.delivery_id = first.delivery_id
    JOIN public.alerts AS a ON a.alert_id = due.alert_id
    WHERE due.status = 'pending' -- still, when it is locked
    FOR NO KEY UPDATE OF due, a SKIP LOCKED
)
UPDATE public.alert_deliveries AS d
SET status = 'held', error_code = 'paused', last_error = paused.reason, rung_at = NULL
FROM paused
WHERE d.delivery_id = paused.delivery_id
RETURNING d.alert_id

-- name: recovery.settle_folded
-- What a digest carried shares its fate: sent with it, and free again when it fails, is cancelled or has to wait.
WITH carrier AS MATERIALIZED (
    SELECT folded.delivery_id AS follower, c.delivery_id, c.status, c.provider_message_id, c.finished_at,
           c.receipt, c.receipt_at, c.receipt_code, c.receipt_error
    FROM public.alert_deliveries AS folded
    JOIN public.alert_deliveries AS c ON c.delivery_id = folded.folded_into
    JOIN public.alerts AS a ON a.alert_id = folded.alert_id
    WHERE folded.environment = %(environment)s::text AND folded.status = 'held'
      AND c.status IN ('sent', 'failed', 'cancelled', 'held')
    LIMIT %(most)s
    FOR NO KEY UPDATE OF folded, a SKIP LOCKED
)
UPDATE public.alert_deliveries AS f
SET status = CASE WHEN carrier.status = 'sent' THEN 'sent' ELSE 'held' END,
    folded_into = CASE WHEN carrier.status = 'sent' THEN carrier.delivery_id END,
    provider_message_id = CASE WHEN carrier.status = 'sent' THEN carrier.provider_message_id END,
    receipt = CASE WHEN carrier.status = 'sent' THEN carrier.receipt END,
    receipt_at = CASE WHEN carrier.status = 'sent' THEN carrier.receipt_at END,
    receipt_code = CASE WHEN carrier.status = 'sent' THEN carrier.receipt_code END,
    receipt_error = CASE WHEN carrier.status = 'sent' THEN carrier.receipt_error END,
    finished_at = CASE WHEN carrier.status = 'sent' THEN carrier.finished_at END
FROM carrier
WHERE f.delivery_id = carrier.follower
RETURNING f.alert_id

-- name: recovery.fold_held
-- Of the SMS to one number that were over the limit and may go now, the most urgent carries the others. Run after
-- limits.lock, and before recovery.free_held in the same transaction.
WITH due AS MATERIALIZED (
    SELECT held.delivery_id, held.recipient, held.urgency, held.created_at
    FROM public.alert_deliveries AS held
    WHERE held.environment = %(environment)s::text AND held.channel = 'sms' AND held.status = 'held'
      AND held.error_code = 'over_limit' AND held.folded_into IS NULL AND held.next_attempt_at <= clock_timestamp()
      AND NOT EXISTS (SELECT FROM public.channel_pauses AS p
                      WHERE p.environment = held.environment AND p.channel = held.channel AND p.resumed_at IS NULL)
    FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE public.alert_deliveries AS f
SET folded_into = carried.carrier
FROM (SELECT due.delivery_id, first_value(due.delivery_id) OVER most_urgent AS carrier
      FROM due
      WINDOW most_urgent AS (PARTITION BY due.recipient ORDER BY due.urgency DESC, due.created_at, due.delivery_id)) AS carried
WHERE f.delivery_id = carried.delivery_id AND f.delivery_id <> carried.carrier

-- name: recovery.free_held
-- Held deliveries whose limit frees or whose channel goes on.
UPDATE public.alert_deliveries AS d
SET status = 'pending', rung_at = NULL
WHERE d.delivery_id IN (
    SELECT held.delivery_id
    FROM public.alert_deliveries AS held JOIN public.alerts AS a ON a.alert_id = held.alert_id
    WHERE held.environment = %(environment)s::text AND held.status = 'held' AND held.folded_into IS NULL
      AND held.next_attempt_at <= clock_timestamp()
      AND NOT EXISTS (SELECT FROM public.channel_pauses AS p
                      WHERE p.environment = held.environment AND p.channel = held.channel AND p.resumed_at IS NULL)
    ORDER BY held.urgency DESC, held.created_at
    LIMIT %(most)s
    FOR NO KEY UPDATE SKIP LOCKED)
RETURNING d.alert_id

-- name: recovery.unknown
-- Messages whose answer was lost and whose provider can be asked by now; the next look is put off in the same statement.
UPDATE public.alert_deliveries AS d
SET next_attempt_at = clock_timestamp() + make_interval(secs => %(again_after_seconds)s)
WHERE d.delivery_id IN (
    SELECT lost.delivery_id
    FROM public.alert_deliveries AS lost
    WHERE lost.environment = %(environment)s::text AND lost.status = 'unknown' AND lost.next_attempt_at <= clock_timestamp()
    ORDER BY lost.urgency DESC, lost.next_attempt_at
    LIMIT %(most)s
    FOR UPDATE SKIP LOCKED)
RETURNING d.delivery_id::text, d.channel
