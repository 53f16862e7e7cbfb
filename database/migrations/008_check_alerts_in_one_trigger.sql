-- The rules of a row of alerts, unchanged, in one trigger. PostgreSQL reads and compiles every CHECK of a table anew in each
-- statement that writes to it: these 21 took longer than the rest of the INSERT (docs/PERFORMANCE.md). A function is compiled
-- once a session. A broken rule is reported under its old name, as a check_violation.
BEGIN;

CREATE FUNCTION public.alerts_check_row() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    broken text := CASE
        WHEN NOT NEW.severity IN ('critical', 'high', 'medium', 'low') THEN 'alerts_severity_check'
        WHEN NOT NEW.category IN ('risk', 'system', 'trading', 'data') THEN 'alerts_category_check'
        WHEN NOT NEW.environment IN ('demo', 'prod') THEN 'alerts_environment_check'
        WHEN btrim(NEW.alert_type) = '' THEN 'alerts_alert_type_check'
        WHEN btrim(NEW.component) = '' THEN 'alerts_component_check'
        WHEN btrim(NEW.message) = '' THEN 'alerts_message_check'
        WHEN jsonb_typeof(NEW.details) <> 'object' THEN 'alerts_details_check'
        WHEN jsonb_typeof(NEW.tags) <> 'object' THEN 'alerts_tags_check'
        WHEN jsonb_typeof(NEW.notification_channels) <> 'object' THEN 'alerts_channels_check'
        -- Hex digits, without a pattern: the automaton of {64} is built in each call.
        WHEN length(NEW.fingerprint) <> 32 OR translate(NEW.fingerprint, '0123456789abcdef', '') <> ''
            THEN 'alerts_fingerprint_check'
        WHEN length(NEW.request_hash) <> 64 OR translate(NEW.request_hash, '0123456789abcdef', '') <> ''
            THEN 'alerts_request_hash_check'
        WHEN NEW.band < 0 THEN 'alerts_band_check'
        WHEN NEW.notification_attempts < 0 THEN 'alerts_attempts_check'
        WHEN NEW.source_id IS NOT NULL AND NEW.source_table IS NULL THEN 'alerts_source_check'
        WHEN NOT NEW.resolution_action IN ('fixed', 'false_positive', 'ignored', 'escalated')
            THEN 'alerts_resolution_action_check'
        WHEN (NEW.acknowledged_at IS NULL) <> (NEW.acknowledged_by IS NULL)
             OR NEW.acknowledged_at IS NULL AND NEW.acknowledged_notes IS NOT NULL THEN 'alerts_acknowledged_check'
        WHEN (NEW.resolved_at IS NULL) <> (NEW.resolved_by IS NULL)
             OR (NEW.resolved_at IS NULL) <> (NEW.resolution_action IS NULL)
             OR NEW.resolved_at IS NULL AND NEW.resolved_notes IS NOT NULL THEN 'alerts_resolved_check'
        WHEN NEW.notification_sent <> (NEW.notification_sent_at IS NOT NULL) THEN 'alerts_sent_check'
        WHEN NEW.suppressed <> (NEW.duplicate_of IS NOT NULL) THEN 'alerts_suppressed_check'
        WHEN NOT NEW.planned AND (NEW.notify OR NEW.suppressed) THEN 'alerts_plan_check'
        WHEN NEW.notify AND NEW.suppressed THEN 'alerts_notify_check'
    END;
BEGIN
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'new row for relation "alerts" violates check constraint "%"', broken
            USING ERRCODE = 'check_violation', CONSTRAINT = broken, TABLE = 'alerts', SCHEMA = 'public',
                  HINT = 'The function alerts_check_row() lists the rules.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION public.alerts_check_row() IS
    'The rules of a row, each under the name of a constraint: known values, texts that say something, columns that belong together';

CREATE TRIGGER alerts_row_check_trg BEFORE INSERT OR UPDATE ON public.alerts
    FOR EACH ROW EXECUTE FUNCTION public.alerts_check_row();

ALTER TABLE public.alerts
    DROP CONSTRAINT alerts_severity_check,
    DROP CONSTRAINT alerts_category_check,
    DROP CONSTRAINT alerts_environment_check,
    DROP CONSTRAINT alerts_alert_type_check,
    DROP CONSTRAINT alerts_component_check,
    DROP CONSTRAINT alerts_message_check,
    DROP CONSTRAINT alerts_details_check,
    DROP CONSTRAINT alerts_tags_check,
    DROP CONSTRAINT alerts_channels_check,
    DROP CONSTRAINT alerts_fingerprint_check,
    DROP CONSTRAINT alerts_request_hash_check,
    DROP CONSTRAINT alerts_band_check,
    DROP CONSTRAINT alerts_attempts_check,
    DROP CONSTRAINT alerts_source_check,
    DROP CONSTRAINT alerts_resolution_action_check,
    DROP CONSTRAINT alerts_acknowledged_check,
    DROP CONSTRAINT alerts_resolved_check,
    DROP CONSTRAINT alerts_sent_check,
    DROP CONSTRAINT alerts_suppressed_check,
    DROP CONSTRAINT alerts_plan_check,
    DROP CONSTRAINT alerts_notify_check;

INSERT INTO public.schema_migrations (version, name) VALUES ('008', 'check_alerts_in_one_trigger');

COMMIT;
