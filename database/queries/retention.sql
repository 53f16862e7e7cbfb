-- name: retention.begin
-- For this transaction, the append-only tables let rows go.
SELECT set_config('precog.retention', 'on', true)

-- name: retention.patient
-- A storm is one incident, and goes as a whole: that may take longer than a caller would wait.
SELECT set_config('statement_timeout', %(milliseconds)s::text, false)

-- name: retention.ended
-- Incidents that may go: resolved as a whole, each of their alerts for longer than the worst of them is kept, under no
-- hold, blocking no order, nothing on its way, and no delivery of another incident that points at one of theirs. Longest ended first; each
-- is locked by its first alert, and one that another prune has is left out.
SELECT a.incident_id, a.severity
FROM public.alerts AS a
CROSS JOIN LATERAL (
    SELECT max(public.alert_severity_rank(every.severity)) AS worst, bool_and(every.resolved_at IS NOT NULL) AS ended,
           max(every.resolved_at) AS ended_at
    FROM public.alerts AS every WHERE every.incident_id = a.incident_id) AS incident
WHERE a.environment = %(environment)s::text AND a.severity = %(severity)s::text AND a.alert_id = a.incident_id
  AND a.resolved_at < clock_timestamp() - make_interval(days => %(days)s::int)
  AND incident.ended
  AND incident.ended_at < clock_timestamp() - make_interval(days => (%(days_by_rank)s::int[])[incident.worst])
  AND NOT EXISTS (SELECT FROM public.alert_holds AS h WHERE h.incident_id = a.incident_id AND h.lifted_at IS NULL)
  AND NOT EXISTS (SELECT FROM public.alerts AS one JOIN public.interlock_blocks AS b ON b.alert_id = one.alert_id
                  WHERE one.incident_id = a.incident_id AND b.release_id IS NULL)
  AND NOT EXISTS (SELECT FROM public.alerts AS one JOIN public.alert_deliveries AS d ON d.alert_id = one.alert_id
                  WHERE one.incident_id = a.incident_id AND d.status NOT IN ('sent', 'failed', 'cancelled'))
  AND NOT EXISTS (SELECT FROM public.alerts AS one
                  JOIN public.alert_deliveries AS d ON d.alert_id = one.alert_id
                  JOIN public.alert_deliveries AS follower ON follower.folded_into = d.delivery_id
                  JOIN public.alerts AS other ON other.alert_id = follower.alert_id
                  WHERE one.incident_id = a.incident_id AND other.incident_id <> a.incident_id)
ORDER BY a.resolved_at
LIMIT %(most)s
FOR UPDATE OF a SKIP LOCKED

-- name: retention.remove_attempts
DELETE FROM public.alert_delivery_attempts AS t
USING public.alert_deliveries AS d, public.alerts AS a
WHERE t.delivery_id = d.delivery_id AND d.alert_id = a.alert_id AND a.incident_id = ANY(%(incident_ids)s::bigint[])

-- name: retention.remove_deliveries
DELETE FROM public.alert_deliveries AS d
USING public.alerts AS a
WHERE d.alert_id = a.alert_id AND a.incident_id = ANY(%(incident_ids)s::bigint[])

-- name: retention.remove_holds
-- Those that were lifted.
DELETE FROM public.alert_holds AS h
WHERE h.incident_id = ANY(%(incident_ids)s::bigint[])

-- name: retention.remove_blocks
-- With their releases, in one statement: the two name each other.
WITH released AS (
    DELETE FROM public.interlock_releases AS r
    USING public.interlock_blocks AS b, public.alerts AS a
    WHERE r.block_id = b.block_id AND b.alert_id = a.alert_id AND a.incident_id = ANY(%(incident_ids)s::bigint[]))
DELETE FROM public.interlock_blocks AS b
USING public.alerts AS a
WHERE b.alert_id = a.alert_id AND a.incident_id = ANY(%(incident_ids)s::bigint[])

-- name: retention.remove_alerts
WITH gone AS (
    DELETE FROM public.alerts AS a
    WHERE a.incident_id = ANY(%(incident_ids)s::bigint[])
    RETURNING a.alert_id)
SELECT count(*) AS alerts FROM gone

-- name: retention.old_checks
-- Results of health checks that may go: all but those an alert was logged for, and the newest of each component, which is its
-- state. Changes nothing.
SELECT count(*) AS rows
FROM public.system_health AS h
WHERE h.last_check < clock_timestamp() - make_interval(days => %(days)s::int) AND NOT h.alert_sent
  AND EXISTS (SELECT FROM public.system_health AS newer WHERE newer.component = h.component AND newer.last_check > h.last_check)

-- name: retention.remove_checks
-- As many of those as one transaction takes, oldest first.
WITH gone AS (
    DELETE FROM public.system_health AS h
    WHERE h.health_id IN (
        SELECT old.health_id
        FROM public.system_health AS old
        WHERE old.last_check < clock_timestamp() - make_interval(days => %(days)s::int) AND NOT old.alert_sent
          AND EXISTS (SELECT FROM public.system_health AS newer
                      WHERE newer.component = old.component AND newer.last_check > old.last_check)
        ORDER BY old.last_check
        LIMIT %(most)s::int)
    RETURNING h.health_id)
SELECT count(*) AS rows FROM gone

-- name: retention.old_failures
-- Failed requests that may go. Changes nothing.
SELECT count(*) AS rows
FROM public.api_failures AS f
WHERE f.created_at < clock_timestamp() - make_interval(days => %(days)s::int)

-- name: retention.remove_failures
-- As many of those as one transaction takes. Run after retention.begin.
WITH gone AS (
    DELETE FROM public.api_failures AS f
    WHERE f.failure_id IN (
        SELECT old.failure_id
        FROM public.api_failures AS old
        WHERE old.created_at < clock_timestamp() - make_interval(days => %(days)s::int)
        LIMIT %(most)s::int)
    RETURNING f.failure_id)
SELECT count(*) AS rows FROM gone

-- name: retention.hold
-- No row when the incident is held already.
INSERT INTO public.alert_holds (incident_id, placed_by, reason)
SELECT a.incident_id, %(by)s::text, %(reason)s::text
FROM public.alerts AS a
WHERE a.alert_id = %(alert_id)s AND a.environment = %(environment)s::text
FOR KEY SHARE
ON CONFLICT DO NOTHING
RETURNING incident_id

-- name: retention.lift
UPDATE public.alert_holds AS h
SET lifted_at = clock_timestamp(), lifted_by = %(by)s::text
FROM public.alerts AS a
WHERE a.alert_id = %(alert_id)s AND a.environment = %(environment)s::text
  AND h.incident_id = a.incident_id AND h.lifted_at IS NULL
RETURNING h.incident_id
