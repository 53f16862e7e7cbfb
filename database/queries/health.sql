-- name: health.report
INSERT INTO public.system_health (component, status, last_check, details)
VALUES (%(component)s::text, %(status)s::text, coalesce(%(at)s::timestamptz, clock_timestamp()), %(details)s::jsonb)
RETURNING health_id

-- name: health.reports
-- What was reported lately, by component, the newest first; of one that is silent, its last report if it is not too old.
SELECT h.component, h.health_id, h.status, h.last_check AS at
FROM public.system_health AS h
WHERE h.last_check > %(since)s::timestamptz AND h.last_check <= %(now)s::timestamptz
UNION
SELECT DISTINCT ON (h.component) h.component, h.health_id, h.status, h.last_check
FROM public.system_health AS h
WHERE h.last_check > %(forgotten)s::timestamptz AND h.last_check <= %(now)s::timestamptz
ORDER BY component, at DESC, health_id DESC

-- name: health.incident
-- What was said last about a component, and how bad what is open of it is.
SELECT a.alert_id, a.resolved_at AS ended_at, a.resolved_by,
       coalesce((SELECT max(public.alert_severity_rank(o.severity)) FROM public.alerts AS o
                 WHERE o.incident_id = a.incident_id AND o.resolved_at IS NULL),
                public.alert_severity_rank(a.severity)) AS rank
FROM public.alerts AS a
WHERE a.environment = %(environment)s::text AND a.alert_type = 'health_degraded' AND a.component = %(component)s::text
ORDER BY a.alert_id DESC
LIMIT 1

-- name: health.healthy_at
SELECT max(h.last_check) AS at
FROM public.system_health AS h
WHERE h.component = %(component)s::text AND h.status = 'healthy' AND h.last_check <= %(now)s::timestamptz

-- name: health.mark_told
UPDATE public.system_health AS h SET alert_sent = true WHERE h.health_id = %(health_id)s::bigint
