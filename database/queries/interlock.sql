-- name: interlock.standing
-- The question of an order: one row that says what this database is, with each standing block of these scopes, oldest
-- first. No index has that order: one that had would be walked through all of history.
SELECT pg_is_in_recovery() AS replica,
       EXISTS (SELECT FROM public.interlock_rules AS r WHERE r.environment = %(environment)s::text) AS configured,
       b.scope, b.blocked_at, b.alert_id, b.incident_id, b.alert_type, b.component, b.message, b.acknowledged_by, b.resolved_by
FROM (SELECT) AS always
LEFT JOIN (
    SELECT s.*
    FROM public.interlock_standing AS s
    WHERE s.environment = %(environment)s::text AND s.scope = ANY(%(scopes)s::text[])
    ORDER BY s.blocked_at, s.alert_id
    LIMIT %(most)s::int) AS b ON true

-- name: interlock.standing_anywhere
-- The same of every scope. Apart, so that the planner knows which of the two it is asked.
SELECT pg_is_in_recovery() AS replica,
       EXISTS (SELECT FROM public.interlock_rules AS r WHERE r.environment = %(environment)s::text) AS configured,
       b.scope, b.blocked_at, b.alert_id, b.incident_id, b.alert_type, b.component, b.message, b.acknowledged_by, b.resolved_by
FROM (SELECT) AS always
LEFT JOIN (
    SELECT s.*
    FROM public.interlock_standing AS s
    WHERE s.environment = %(environment)s::text
    ORDER BY s.blocked_at, s.alert_id
    LIMIT %(most)s::int) AS b ON true

-- name: interlock.list
-- What stands in an environment, or of one incident, oldest first.
SELECT s.scope, s.blocked_at, s.alert_id, s.incident_id, s.alert_type, s.component, s.message, s.acknowledged_by, s.resolved_by
FROM public.interlock_standing AS s
WHERE s.environment = %(environment)s::text
  AND (%(incident_id)s::bigint IS NULL OR s.incident_id = %(incident_id)s::bigint)
ORDER BY s.blocked_at, s.alert_id
LIMIT %(most)s::int

-- name: interlock.releases
-- The newest releases of an environment, or those of one incident.
SELECT r.release_id, r.scope, b.alert_id, r.incident_id, r.actor, r.role_name, host(r.client_address) AS client_address, r.reason,
       r.released_at
FROM public.interlock_releases AS r JOIN public.interlock_blocks AS b ON b.block_id = r.block_id
WHERE r.environment = %(environment)s::text
  AND (%(incident_id)s::bigint IS NULL OR r.incident_id = %(incident_id)s::bigint)
ORDER BY r.release_id DESC
LIMIT %(most)s::int

-- name: interlock.release
-- Releases what the given alert and those of its incident before it block. What is committed later, or was not named,
-- stands. Returns none where there was nothing left to release.
INSERT INTO public.interlock_releases (block_id, actor, reason)
SELECT s.block_id, %(actor)s::text, %(reason)s::text
FROM public.interlock_standing AS s
WHERE s.environment = %(environment)s::text AND s.incident_id = %(incident_id)s AND s.alert_id <= %(alert_id)s
ORDER BY s.block_id
ON CONFLICT (block_id) DO NOTHING
RETURNING release_id

-- name: interlock.lock_rules
SELECT pg_advisory_xact_lock(hashtextextended('interlock:' || %(environment)s::text, 0))

-- name: interlock.rules
SELECT r.alert_type, r.scope_kind, r.field
FROM public.interlock_rules AS r
WHERE r.environment = %(environment)s::text

-- name: interlock.releasers
SELECT r.role_name
FROM public.interlock_releasers AS r
WHERE r.environment = %(environment)s::text

-- name: interlock.clear_rules
DELETE FROM public.interlock_rules AS r WHERE r.environment = %(environment)s::text

-- name: interlock.clear_releasers
DELETE FROM public.interlock_releasers AS r WHERE r.environment = %(environment)s::text

-- name: interlock.add_rules
INSERT INTO public.interlock_rules (environment, alert_type, scope_kind, field)
SELECT %(environment)s::text, given.alert_type, given.scope_kind, given.field
FROM unnest(%(alert_types)s::text[], %(scope_kinds)s::text[], %(fields)s::text[]) AS given (alert_type, scope_kind, field)

-- name: interlock.add_releasers
INSERT INTO public.interlock_releasers (environment, role_name)
SELECT %(environment)s::text, given.role_name
FROM unnest(%(role_names)s::text[]) AS given (role_name)

-- name: interlock.block_open
-- Alerts that are open when the rules come block as if they had come after them.
INSERT INTO public.interlock_blocks (environment, scope, alert_id, anchor_id)
SELECT a.environment, public.interlock_scope(r.scope_kind, r.field, a.details), a.alert_id, a.alert_id
FROM public.alerts AS a
JOIN public.interlock_rules AS r ON r.environment = a.environment AND r.alert_type = a.alert_type
WHERE a.environment = %(environment)s::text AND a.severity = 'critical' AND a.resolved_at IS NULL AND NOT a.suppressed
ON CONFLICT ON CONSTRAINT interlock_blocks_anchor_key DO NOTHING
