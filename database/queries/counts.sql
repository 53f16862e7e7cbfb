-- name: counts.alone
-- One at a time counts; whoever comes second has nothing to do.
SELECT pg_try_advisory_xact_lock(hashtextextended('counts:' || %(environment)s::text, 0)) AS mine

-- name: counts.begin_at
-- From which hour on to count: a day before the last that was counted, because a caller's transaction may commit an alert
-- into an hour that is over; from the oldest alert where none was. Null where there is nothing to count.
SELECT coalesce((SELECT max(c.hour) - interval '25 hours' FROM public.alert_counts AS c
                 WHERE c.environment = %(environment)s::text),
                (SELECT date_trunc('hour', min(a.triggered_at), 'UTC') FROM public.alerts AS a
                 WHERE a.environment = %(environment)s::text)) AS begin_at,
       date_trunc('hour', clock_timestamp(), 'UTC') AS now_hour

-- name: counts.add
-- The hours from `begin_at` until `end_at`. A count only ever grows: an hour that was pruned meanwhile keeps its own.
INSERT INTO public.alert_counts AS c (hour, environment, severity, alert_type, component, alerts, told, suppressed)
SELECT date_trunc('hour', a.triggered_at, 'UTC'), a.environment, a.severity, a.alert_type, a.component,
       count(*), count(*) FILTER (WHERE a.notify), count(*) FILTER (WHERE a.suppressed)
FROM public.alerts AS a
WHERE a.environment = %(environment)s::text
  AND a.triggered_at >= %(begin_at)s::timestamptz AND a.triggered_at < %(end_at)s::timestamptz
GROUP BY 1, 2, 3, 4, 5
ON CONFLICT ON CONSTRAINT alert_counts_pkey DO UPDATE
SET alerts = greatest(c.alerts, excluded.alerts), told = greatest(c.told, excluded.told),
    suppressed = greatest(c.suppressed, excluded.suppressed)
WHERE (c.alerts, c.told, c.suppressed) IS DISTINCT FROM (excluded.alerts, excluded.told, excluded.suppressed)

-- name: counts.since
-- Per type and component, most alerts first: the hours that were counted from their counts, the others from the alerts.
WITH live AS MATERIALIZED (
    SELECT greatest(%(since)s::timestamptz,
                    coalesce((SELECT max(c.hour) + interval '1 hour' FROM public.alert_counts AS c
                              WHERE c.environment = %(environment)s::text), %(since)s::timestamptz)) AS begins_at
), counted AS (
    SELECT c.severity, c.alert_type, c.component, c.alerts, c.told, c.suppressed
    FROM public.alert_counts AS c, live
    WHERE c.environment = %(environment)s::text AND c.hour >= %(since)s::timestamptz AND c.hour < live.begins_at
    UNION ALL
    SELECT a.severity, a.alert_type, a.component, 1, a.notify::int, a.suppressed::int
    FROM public.alerts AS a, live
    WHERE a.environment = %(environment)s::text AND a.triggered_at >= live.begins_at
      AND a.triggered_at >= %(since)s::timestamptz -- says no more, but the planner knows it: else it reads the table whole
)
SELECT counted.severity, counted.alert_type, counted.component,
       sum(counted.alerts)::bigint AS alerts, sum(counted.told)::bigint AS told, sum(counted.suppressed)::bigint AS suppressed
FROM counted
GROUP BY 1, 2, 3
ORDER BY public.alert_severity_rank(counted.severity) DESC, alerts DESC, counted.alert_type, counted.component

-- name: counts.unacknowledged
-- How many open critical and high alerts nobody has taken on, without their duplicates, and since when.
SELECT count(*) AS alerts, min(a.triggered_at) AS oldest
FROM public.alerts AS a
WHERE a.environment = %(environment)s::text AND a.acknowledged_at IS NULL AND a.resolved_at IS NULL AND NOT a.suppressed
  AND a.severity IN ('critical', 'high')
  AND (%(severity)s::text IS NULL OR a.severity = %(severity)s::text)
