-- name: migrations.is_tracked
SELECT to_regclass('public.schema_migrations') IS NOT NULL AS tracked

-- name: migrations.applied
SELECT m.version, m.name, m.checksum, m.applied_at
FROM public.schema_migrations AS m
ORDER BY m.version

-- name: migrations.be_patient
-- For this session: a bound on every wait for a lock, none on the work itself.
SELECT set_config('lock_timeout', %(milliseconds)s::text, false), set_config('statement_timeout', '0', false),
       set_config('idle_in_transaction_session_timeout', '0', false)

-- name: migrations.lock
-- Held until the session ends.
SELECT pg_advisory_lock(hashtextextended('precog.schema_migrations', 0))

-- name: migrations.lock_holder
SELECT a.pid, a.application_name
FROM pg_locks AS l
JOIN pg_stat_activity AS a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND a.datname = current_database()
  AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended('precog.schema_migrations', 0)

-- name: migrations.seal
-- Ties a recorded migration to its text. No row where it was never recorded under this name.
UPDATE public.schema_migrations AS m
SET checksum = %(checksum)s::text
WHERE m.version = %(version)s::text AND m.name = %(name)s::text AND m.checksum IS NULL
RETURNING m.version

-- name: migrations.may_grant
-- Whether this schema knows roles and this login may give them their rights.
SELECT coalesce(has_function_privilege(to_regprocedure('public.grant_roles()'), 'EXECUTE'), false) AS may

-- name: migrations.grant_roles
SELECT unnest(public.grant_roles()) AS missing
