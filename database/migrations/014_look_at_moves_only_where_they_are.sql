-- The rules of changes, unchanged, asked only where they may be broken. PostgreSQL reads the condition (WHEN) of a trigger
-- anew in each statement that the trigger could fire for, as it does with CHECKs (008, 012), and compiles it, the text of
-- every SQL function in it included: of the 0.9 ms that it worked for a delivery these took a third (docs/PERFORMANCE.md).
--
-- What a row keeps for ever is looked at where a statement names one of those columns; a statement that names none cannot
-- change them, since no trigger here writes to its row. What claims and finishes do change is looked at in the functions,
-- which are compiled once a session. Names, messages and codes are as they were.
BEGIN;

CREATE OR REPLACE TRIGGER alerts_append_only_trg BEFORE UPDATE OF
        alert_id, alert_uuid, alert_type, severity, component, message, triggered_at, fingerprint, band, environment, request_hash,
        category, details, source_table, source_id, occurred_at, planned, notify, suppressed, duplicate_of, incident_id
    ON public.alerts FOR EACH ROW
    WHEN ((OLD.alert_id, OLD.alert_uuid, OLD.alert_type, OLD.severity, OLD.component, OLD.message, OLD.triggered_at,
           OLD.fingerprint, OLD.band, OLD.environment, OLD.request_hash)
          IS DISTINCT FROM
          (NEW.alert_id, NEW.alert_uuid, NEW.alert_type, NEW.severity, NEW.component, NEW.message, NEW.triggered_at,
           NEW.fingerprint, NEW.band, NEW.environment, NEW.request_hash)
          OR (OLD.category, OLD.details, OLD.source_table, OLD.source_id, OLD.occurred_at)
          IS DISTINCT FROM
          (NEW.category, NEW.details, NEW.source_table, NEW.source_id, NEW.occurred_at)
          OR OLD.planned AND (OLD.planned, OLD.notify, OLD.suppressed, OLD.duplicate_of, OLD.incident_id)
          IS DISTINCT FROM (NEW.planned, NEW.notify, NEW.suppressed, NEW.duplicate_of, NEW.incident_id))
    EXECUTE FUNCTION public.alerts_refuse_rewrite();

CREATE OR REPLACE TRIGGER alert_deliveries_target_trg BEFORE UPDATE OF
        delivery_id, alert_id, environment, channel, recipient, urgency, created_at
    ON public.alert_deliveries FOR EACH ROW
    WHEN ((OLD.delivery_id, OLD.alert_id, OLD.environment, OLD.channel, OLD.recipient, OLD.urgency, OLD.created_at)
          IS DISTINCT FROM
          (NEW.delivery_id, NEW.alert_id, NEW.environment, NEW.channel, NEW.recipient, NEW.urgency, NEW.created_at))
    EXECUTE FUNCTION public.alert_deliveries_refuse_redirect();

CREATE OR REPLACE FUNCTION public.alert_deliveries_check_move() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> NEW.status AND NOT public.alert_delivery_may_move(OLD.status, NEW.status) THEN
        RAISE EXCEPTION 'delivery % may not move from % to %', OLD.delivery_id, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'alert_deliveries_move',
                  HINT = 'alert_delivery_may_move() lists the legal moves.';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER alert_deliveries_move_trg BEFORE UPDATE OF status ON public.alert_deliveries
    FOR EACH ROW EXECUTE FUNCTION public.alert_deliveries_check_move();

CREATE OR REPLACE FUNCTION public.alert_delivery_attempts_refuse_rewrite() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.delivery_id, OLD.attempt, OLD.environment, OLD.channel, OLD.started_at, OLD.worker)
       IS DISTINCT FROM (NEW.delivery_id, NEW.attempt, NEW.environment, NEW.channel, NEW.started_at, NEW.worker)
       OR OLD.outcome IS NOT NULL AND NOT (OLD.outcome = 'unknown' AND NEW.outcome IN ('accepted', 'refused')) THEN
        RAISE EXCEPTION 'attempt % of delivery % is finished: its outcome stands', OLD.attempt, OLD.delivery_id
            USING ERRCODE = 'restrict_violation',
                  HINT = 'Only an unknown outcome may become accepted or refused, once.';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER alert_delivery_attempts_finish_trg BEFORE UPDATE ON public.alert_delivery_attempts
    FOR EACH ROW EXECUTE FUNCTION public.alert_delivery_attempts_refuse_rewrite();

CREATE FUNCTION public.alert_delivery_attempts_check_row() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    broken text := CASE
        WHEN NEW.attempt <= 0 THEN 'alert_delivery_attempts_attempt_check'
        WHEN NOT NEW.outcome IN ('accepted', 'refused', 'transient', 'unknown') THEN 'alert_delivery_attempts_outcome_check'
        WHEN (NEW.outcome IS NULL) <> (NEW.finished_at IS NULL) THEN 'alert_delivery_attempts_finished_check'
    END;
BEGIN
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'new row for relation "alert_delivery_attempts" violates check constraint "%"', broken
            USING ERRCODE = 'check_violation', CONSTRAINT = broken, TABLE = 'alert_delivery_attempts', SCHEMA = 'public',
                  HINT = 'The function alert_delivery_attempts_check_row() lists the rules.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION public.alert_delivery_attempts_check_row() IS
    'The rules of a row, each under the name of a constraint: known values, and columns that belong together';

CREATE TRIGGER alert_delivery_attempts_row_check_trg BEFORE INSERT OR UPDATE ON public.alert_delivery_attempts
    FOR EACH ROW EXECUTE FUNCTION public.alert_delivery_attempts_check_row();

ALTER TABLE public.alert_delivery_attempts
    DROP CONSTRAINT alert_delivery_attempts_attempt_check,
    DROP CONSTRAINT alert_delivery_attempts_outcome_check,
    DROP CONSTRAINT alert_delivery_attempts_finished_check;

INSERT INTO public.schema_migrations (version, name) VALUES ('014', 'look_at_moves_only_where_they_are');

COMMIT;
