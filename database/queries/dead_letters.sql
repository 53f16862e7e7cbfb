-- name: dead_letters.list
-- Deliveries with their alerts, those that ended or were planned last first; a null filter lets everything through.
SELECT d.delivery_id::text, d.channel, d.recipient, d.status, d.attempts, d.next_attempt_at, d.created_at, d.finished_at,
       d.last_error, d.error_code, d.provider_message_id, d.receipt, d.receipt_at, d.receipt_code, d.receipt_error,
       d.requeued_at, d.requeued_by, d.fallback_of::text, d.folded_into::text,
       a.alert_id, a.severity, a.alert_type, a.component, a.message
FROM public.alert_deliveries AS d JOIN public.alerts AS a ON a.alert_id = d.alert_id
WHERE d.environment = %(environment)s::text
  AND (%(statuses)s::text[] IS NULL OR d.status = ANY(%(statuses)s::text[]))
  AND (%(receipt)s::text IS NULL OR d.receipt = %(receipt)s::text)
  AND (%(channel)s::text IS NULL OR d.channel = %(channel)s::text)
ORDER BY coalesce(d.finished_at, d.created_at) DESC, d.delivery_id
LIMIT %(most)s

-- name: dead_letters.named
-- The deliveries whose ids begin alike: their ids lie between two.
SELECT d.delivery_id::text, d.alert_id
FROM public.alert_deliveries AS d
WHERE d.environment = %(environment)s::text
  AND d.delivery_id BETWEEN %(lowest)s::uuid AND %(highest)s::uuid
ORDER BY d.delivery_id
LIMIT 2

-- name: dead_letters.requeue
-- Makes a failed delivery due again, unless its alert is resolved. Age and tries count anew from here. Run after
-- deliveries.hold_alert in the same transaction.
UPDATE public.alert_deliveries AS d
SET status = 'pending', next_attempt_at = clock_timestamp(), finished_at = NULL, rung_at = NULL,
    requeued_at = clock_timestamp(), requeued_by = %(by)s::text, requeued_after = d.attempts
FROM public.alerts AS a
WHERE d.delivery_id = %(delivery_id)s::uuid AND d.status = 'failed'
  AND a.alert_id = d.alert_id AND a.resolved_at IS NULL
RETURNING d.alert_id

-- name: dead_letters.failed_lately
-- What may be asked for again together: what failed of open alerts within so many seconds, over one channel or over any.
SELECT d.delivery_id::text
FROM public.alert_deliveries AS d JOIN public.alerts AS a ON a.alert_id = d.alert_id
WHERE d.environment = %(environment)s::text AND d.status = 'failed' AND a.resolved_at IS NULL
  AND d.finished_at > clock_timestamp() - make_interval(secs => %(within_seconds)s)
  AND (%(channel)s::text IS NULL OR d.channel = %(channel)s::text)
ORDER BY d.urgency DESC, d.created_at
