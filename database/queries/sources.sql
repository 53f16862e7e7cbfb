-- name: sources.told
-- What was said so far about a record: the worst step and severity, and when last.
SELECT max(a.band) AS band, max(public.alert_severity_rank(a.severity)) AS rank, max(a.triggered_at) AS triggered_at
FROM public.alerts AS a
WHERE a.source_table = %(source_table)s::text AND a.source_id = %(source_id)s::text
  AND a.alert_type = %(alert_type)s::text AND a.environment = %(environment)s::text

-- name: sources.open_alerts
-- What is open about a record, in any environment.
SELECT a.alert_id, a.environment
FROM public.alerts AS a
WHERE a.source_table = %(source_table)s::text AND a.source_id = %(source_id)s::text AND a.resolved_at IS NULL
ORDER BY a.alert_id
