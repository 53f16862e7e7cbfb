-- name: overrides.active
-- What holds over the YAML files at a moment, now where it is null.
SELECT o.override_id, o.config_key, o.override_value::text, o.data_type
FROM public.config_overrides AS o
WHERE o.active AND (o.expires_at IS NULL OR o.expires_at > coalesce(%(now)s::timestamptz, clock_timestamp()))
ORDER BY o.override_id

-- name: overrides.end
-- Run after trading.lock. Returns nothing where none was active.
UPDATE public.config_overrides AS o SET active = false
WHERE o.config_key = %(config_key)s::text AND o.active
RETURNING o.override_id

-- name: overrides.set
-- Run after overrides.end in the same transaction.
INSERT INTO public.config_overrides (config_key, override_value, data_type, reason, applied_by, expires_at)
VALUES (%(config_key)s::text, %(value)s::jsonb, %(data_type)s::text, %(reason)s::text, %(by)s::text, %(until)s::timestamptz)
RETURNING override_id
