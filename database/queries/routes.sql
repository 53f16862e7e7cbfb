-- name: routes.list
SELECT r.severity, r.channel, r.recipient
FROM public.alert_routes AS r
WHERE r.environment = %(environment)s::text
ORDER BY r.severity, r.channel, r.recipient

-- name: routes.lock
SELECT pg_advisory_xact_lock(hashtextextended('routes:' || %(environment)s::text, 0))

-- name: routes.remove
-- Routes that the configuration no longer has.
DELETE FROM public.alert_routes AS r
WHERE r.environment = %(environment)s::text
  AND (r.severity, r.channel, r.recipient) NOT IN (
      SELECT * FROM unnest(%(severities)s::text[], %(channels)s::text[], %(recipients)s::text[]))

-- name: routes.add
INSERT INTO public.alert_routes (environment, severity, channel, recipient)
SELECT %(environment)s::text, given.severity, given.channel, given.recipient
FROM unnest(%(severities)s::text[], %(channels)s::text[], %(recipients)s::text[]) AS given (severity, channel, recipient)
ON CONFLICT DO NOTHING

-- name: channels.pause
-- Says once that a channel cannot pass anything. No row when that is known already.
INSERT INTO public.channel_pauses (environment, channel, error_code, reason)
VALUES (%(environment)s::text, %(channel)s::text, %(error_code)s::text, %(reason)s::text)
ON CONFLICT DO NOTHING
RETURNING pause_id

-- name: channels.paused
SELECT p.channel, p.paused_at, p.error_code, p.reason
FROM public.channel_pauses AS p
WHERE p.environment = %(environment)s::text AND p.resumed_at IS NULL
ORDER BY p.channel

-- name: channels.resume
UPDATE public.channel_pauses AS p
SET resumed_at = clock_timestamp(), resumed_by = %(by)s::text
WHERE p.environment = %(environment)s::text AND p.channel = %(channel)s::text AND p.resumed_at IS NULL
RETURNING p.pause_id
