-- name: logins.standing
-- What a name is on this server, before it becomes the login of programs.
SELECT to_regrole('precog_app') IS NOT NULL AS app_is_there, r.oid IS NOT NULL AS is_there,
       coalesce(r.rolsuper OR pg_has_role(r.oid, c.relowner, 'MEMBER'), false) AS owns_the_schema,
       coalesce(pg_has_role(r.oid, to_regrole('precog_app'), 'MEMBER'), false) AS is_member
FROM (SELECT %(name)s::text AS name) AS asked
LEFT JOIN pg_roles AS r ON r.rolname = asked.name
LEFT JOIN pg_class AS c ON c.oid = to_regclass('public.schema_migrations')
