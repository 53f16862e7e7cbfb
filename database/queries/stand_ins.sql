-- name: stand_ins.stranded
-- Critical and high deliveries to people that do not arrive, while nothing else of their alert has arrived or is on its way:
-- failed, waiting for a channel that is paused, without a receipt in time, or a critical SMS over the limit. Each with the
-- first of the given ways that its alert has not tried and that is not paused, and only once. Locked together with their
-- alerts, so that nobody acknowledges one or finishes another of its deliveries meanwhile. What is too old counts from
-- statement_timestamp(), as in limits.sms_used: else all that ever failed is read.
SELECT d.delivery_id::text, d.alert_id, d.channel AS instead_of, way.channel, way.recipient
FROM public.alert_deliveries AS d JOIN public.alerts AS a ON a.alert_id = d.alert_id
CROSS JOIN LATERAL (
    SELECT given.channel, given.recipient
    FROM unnest(%(severities)s::text[], %(channels)s::text[], %(recipients)s::text[]) WITH ORDINALITY
             AS given (severity, channel, recipient, place)
    WHERE given.severity = a.severity
      AND NOT EXISTS (SELECT FROM public.alert_deliveries AS tried
                      WHERE tried.alert_id = d.alert_id AND tried.channel = given.channel AND tried.recipient = given.recipient)
      AND NOT EXISTS (SELECT FROM public.channel_pauses AS p
                      WHERE p.environment = d.environment AND p.channel = given.channel AND p.resumed_at IS NULL)
    ORDER BY given.place
    LIMIT 1) AS way
WHERE d.environment = %(environment)s::text AND d.urgency >= 3
  AND (d.status IN ('held', 'failed') OR d.receipt IN ('queued', 'undelivered'))
  AND coalesce(d.finished_at, d.created_at) > statement_timestamp() - make_interval(secs => %(max_age_seconds)s)
  AND d.channel = ANY(%(remote_channels)s::text[])
  AND (d.status = 'failed'
       OR d.status = 'held' AND (d.error_code = 'paused' OR d.channel = 'sms' AND a.severity = 'critical')
       OR public.alert_delivery_was_missed(d.status, d.receipt, d.finished_at, (%(deadlines)s::float8[])[d.urgency]))
  AND a.acknowledged_at IS NULL AND a.resolved_at IS NULL
  AND NOT EXISTS (
      SELECT FROM public.alert_deliveries AS other
      WHERE other.alert_id = d.alert_id AND other.delivery_id <> d.delivery_id
        AND other.channel = ANY(%(remote_channels)s::text[])
        AND other.status IN ('pending', 'sending', 'unknown', 'sent')
        AND NOT public.alert_delivery_was_missed(
            other.status, other.receipt, other.finished_at, (%(deadlines)s::float8[])[other.urgency]))
  AND NOT EXISTS (SELECT FROM public.alert_deliveries AS made WHERE made.fallback_of = d.delivery_id)
ORDER BY d.urgency DESC, d.created_at
LIMIT %(most)s
FOR NO KEY UPDATE OF d, a SKIP LOCKED

-- name: stand_ins.cancel_needless
-- Stand-ins that are not sent yet of alerts that somebody has taken on, or that a provider now says have arrived. What a
-- person asked for again stays.
UPDATE public.alert_deliveries AS d
SET status = 'cancelled', finished_at = clock_timestamp(), folded_into = NULL, rung_at = NULL
WHERE d.delivery_id IN (
    SELECT spare.delivery_id
    FROM public.alert_deliveries AS spare JOIN public.alerts AS a ON a.alert_id = spare.alert_id
    WHERE spare.environment = %(environment)s::text AND spare.fallback_of IS NOT NULL AND spare.status IN ('pending', 'held')
      AND spare.requeued_at IS NULL
      AND (a.acknowledged_at IS NOT NULL
           OR EXISTS (SELECT FROM public.alert_deliveries AS other
                      WHERE other.alert_id = spare.alert_id AND other.receipt = 'delivered'))
    LIMIT %(most)s
    FOR NO KEY UPDATE SKIP LOCKED)
RETURNING d.alert_id
