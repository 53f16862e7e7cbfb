-- Who may do what: programs and workers no more than they do, dashboards read, and the owner alone changes the schema.
--
-- precog_app and precog_readonly are groups, which nobody can log in as: a login is made a member. Where this login may
-- not create them, the schema is whole without them, and grant_roles() gives them their rights once they are there;
-- `precog db migrate` calls it each time.

BEGIN;

SET LOCAL search_path = public;

CREATE FUNCTION grant_roles() RETURNS text[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    app      constant text := 'precog_app';
    readonly constant text := 'precog_readonly';
    -- What the owner alone writes: a program that could name who may release a block could name itself.
    read_only constant text[] := '{schema_migrations,interlock_rules,interlock_releasers,interlock_blocks}';
    missing  text[] := '{}';
    role     text;
    thing    record;
BEGIN
    FOREACH role IN ARRAY ARRAY[app, readonly] LOOP
        BEGIN
            IF to_regrole(role) IS NULL THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role);
            END IF;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server was quicker
            WHEN insufficient_privilege THEN
                missing := missing || role;
        END;
    END LOOP;
    FOREACH role IN ARRAY ARRAY[app, readonly] LOOP
        CONTINUE WHEN role = ANY (missing);
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role);
        -- What is here of somebody else's is not ours to hand out.
        FOR thing IN
            SELECT c.relname AS name, c.relkind AS kind
            FROM pg_class AS c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
              AND c.relowner = (SELECT o.relowner FROM pg_class AS o WHERE o.oid = 'public.schema_migrations'::regclass)
        LOOP
            EXECUTE format('REVOKE ALL ON public.%I FROM %I', thing.name, role);
            IF thing.kind <> 'S' THEN
                EXECUTE format('GRANT SELECT ON public.%I TO %I', thing.name, role);
            ELSIF role = app THEN
                EXECUTE format('GRANT USAGE ON SEQUENCE public.%I TO %I', thing.name, role);
            END IF;
            IF role = app AND thing.kind IN ('r', 'p') AND thing.name <> ALL (read_only) THEN
                EXECUTE format('GRANT INSERT, UPDATE ON public.%I TO %I', thing.name, role);
            END IF;
        END LOOP;
        FOR thing IN
            SELECT p.oid::regprocedure AS signature
            FROM pg_proc AS p
            WHERE p.pronamespace = 'public'::regnamespace AND p.oid <> 'public.grant_roles()'::regprocedure
              AND p.proowner = (SELECT o.relowner FROM pg_class AS o WHERE o.oid = 'public.schema_migrations'::regclass)
        LOOP
            EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', thing.signature, role);
        END LOOP;
    END LOOP;
    IF NOT app = ANY (missing) THEN
        GRANT DELETE ON public.alert_routes TO precog_app;  -- routes that the configuration no longer has
    END IF;
    RETURN missing;
END $$;
COMMENT ON FUNCTION grant_roles() IS
    'Creates precog_app and precog_readonly where they are missing and gives them exactly their rights, on tables that came later too; returns those that this login may not create';
REVOKE ALL ON FUNCTION grant_roles() FROM PUBLIC;

-- As it is by default from PostgreSQL 15 on; a cluster that was upgraded may still let everybody in.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

DO $$
DECLARE
    missing text[] := public.grant_roles();
BEGIN
    IF cardinality(missing) > 0 THEN
        RAISE WARNING 'roles that are missing and that % may not create: %', current_user, array_to_string(missing, ', ')
            USING HINT = 'Let an administrator run CREATE ROLE for each, then run precog db migrate again. Until then programs need the login that owns the schema.';
    END IF;
END $$;

INSERT INTO schema_migrations (version, name) VALUES ('007', 'add_roles');

COMMIT;
