-- The rules of a row of alert_deliveries, unchanged, in one trigger, as 008 did it for alerts: PostgreSQL reads and compiles
-- every CHECK of a table anew in each statement that writes to it, so each call, claim and finish paid for these 15
-- (docs/PERFORMANCE.md). A broken rule is reported under its old name, as a check_violation.
BEGIN;

CREATE FUNCTION public.alert_deliveries_check_row() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    broken text := CASE
        WHEN NOT NEW.environment IN ('demo', 'prod') THEN 'alert_deliveries_environment_check'
        WHEN NOT NEW.status IN ('pending', 'sending', 'sent', 'held', 'unknown', 'failed', 'cancelled')
            THEN 'alert_deliveries_status_check'
        WHEN NOT NEW.urgency BETWEEN 1 AND 4 THEN 'alert_deliveries_urgency_check'
        WHEN NEW.attempts < 0 THEN 'alert_deliveries_attempts_check'
        WHEN (NEW.status = 'sending') <> (NEW.lease_until IS NOT NULL)
             OR (NEW.lease_until IS NULL) <> (NEW.leased_by IS NULL) THEN 'alert_deliveries_lease_check'
        WHEN (NEW.status IN ('sent', 'failed', 'cancelled')) <> (NEW.finished_at IS NOT NULL)
            THEN 'alert_deliveries_finished_check'
        WHEN NEW.status IN ('sending', 'unknown') AND NEW.attempts <= 0 THEN 'alert_deliveries_attempted_check'
        WHEN NEW.status = 'failed' AND NEW.error_code IS NULL THEN 'alert_deliveries_failed_check'
        WHEN NEW.folded_into IS NOT NULL AND NOT NEW.status IN ('held', 'sent') THEN 'alert_deliveries_folded_check'
        WHEN NOT NEW.receipt IN ('queued', 'delivered', 'undelivered') THEN 'alert_deliveries_receipt_check'
        WHEN NEW.receipt_at IS NOT NULL AND NEW.receipt IS NULL THEN 'alert_deliveries_receipt_at_check'
        WHEN (NEW.receipt_code IS NOT NULL OR NEW.receipt_error IS NOT NULL)
             AND NEW.receipt IS DISTINCT FROM 'undelivered' THEN 'alert_deliveries_receipt_error_check'
        WHEN NEW.receipt_looks < 0 THEN 'alert_deliveries_receipt_looks_check'
        WHEN (NEW.requeued_at IS NULL) <> (NEW.requeued_by IS NULL) THEN 'alert_deliveries_requeued_check'
        WHEN NOT NEW.requeued_after BETWEEN 0 AND NEW.attempts THEN 'alert_deliveries_requeued_after_check'
    END;
BEGIN
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'new row for relation "alert_deliveries" violates check constraint "%"', broken
            USING ERRCODE = 'check_violation', CONSTRAINT = broken, TABLE = 'alert_deliveries', SCHEMA = 'public',
                  HINT = 'The function alert_deliveries_check_row() lists the rules.';
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION public.alert_deliveries_check_row() IS
    'The rules of a row, each under the name of a constraint: known values, and columns that belong together';

CREATE TRIGGER alert_deliveries_row_check_trg BEFORE INSERT OR UPDATE ON public.alert_deliveries
    FOR EACH ROW EXECUTE FUNCTION public.alert_deliveries_check_row();

ALTER TABLE public.alert_deliveries
    DROP CONSTRAINT alert_deliveries_environment_check,
    DROP CONSTRAINT alert_deliveries_status_check,
    DROP CONSTRAINT alert_deliveries_urgency_check,
    DROP CONSTRAINT alert_deliveries_attempts_check,
    DROP CONSTRAINT alert_deliveries_lease_check,
    DROP CONSTRAINT alert_deliveries_finished_check,
    DROP CONSTRAINT alert_deliveries_attempted_check,
    DROP CONSTRAINT alert_deliveries_failed_check,
    DROP CONSTRAINT alert_deliveries_folded_check,
    DROP CONSTRAINT alert_deliveries_receipt_check,
    DROP CONSTRAINT alert_deliveries_receipt_at_check,
    DROP CONSTRAINT alert_deliveries_receipt_error_check,
    DROP CONSTRAINT alert_deliveries_receipt_looks_check,
    DROP CONSTRAINT alert_deliveries_requeued_check,
    DROP CONSTRAINT alert_deliveries_requeued_after_check;

INSERT INTO public.schema_migrations (version, name) VALUES ('012', 'check_deliveries_in_one_trigger');

COMMIT;
