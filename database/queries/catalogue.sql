-- name: catalogue.relations
SELECT c.relname::text AS name, c.relkind IN ('v', 'm') AS is_view, coalesce(obj_description(c.oid, 'pg_class'), '') AS comment
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
ORDER BY c.relname::text COLLATE "C"

-- name: catalogue.columns
SELECT c.relname::text AS relation, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       NOT a.attnotnull AND c.relkind IN ('r', 'p') AS nullable,
       CASE WHEN a.attidentity <> '' THEN 'identity' ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), '') END AS filled_with,
       coalesce(col_description(c.oid, a.attnum), '') AS comment
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
ORDER BY c.relname, a.attnum

-- name: catalogue.constraints
-- NOT NULL is left to the columns: PostgreSQL lists it here from version 18 on.
SELECT c.relname::text AS relation, k.conname::text AS name, pg_get_constraintdef(k.oid, true) AS definition,
       coalesce(t.relname::text, '') AS target
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
LEFT JOIN pg_class AS t ON t.oid = k.confrelid
WHERE k.connamespace = 'public'::regnamespace AND k.contype IN ('p', 'u', 'f', 'c', 'x')
ORDER BY c.relname, array_position('{p,u,x,f,c}', k.contype::text), k.conname::text COLLATE "C"

-- name: catalogue.indexes
-- Those made by an index statement, and not by a constraint.
SELECT c.relname::text AS relation, n.relname::text AS name,
       CASE WHEN i.indisunique THEN 'UNIQUE ' ELSE '' END
           || regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX .* USING ', '') AS definition
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indrelid
JOIN pg_class AS n ON n.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.conrelid = i.indrelid)
ORDER BY c.relname, n.relname::text COLLATE "C"

-- name: catalogue.triggers
SELECT c.relname::text AS relation, t.tgname::text AS name,
       substring(pg_get_triggerdef(t.oid) FROM '^CREATE TRIGGER \S+ (.+?) ON ') AS moment,
       substring(pg_get_triggerdef(t.oid) FROM 'EXECUTE FUNCTION (.+)$') AS call,
       p.proname::text AS function, coalesce(obj_description(p.oid, 'pg_proc'), '') AS comment
FROM pg_trigger AS t
JOIN pg_class AS c ON c.oid = t.tgrelid
JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
ORDER BY c.relname, t.tgname::text COLLATE "C"
