-- Receipts: what a provider says became of a message it had accepted. And deliveries that a person asked for again.
BEGIN;

ALTER TABLE public.alert_deliveries
    ADD COLUMN receipt_at     timestamptz,
    ADD COLUMN receipt_code   text,
    ADD COLUMN receipt_error  text,
    ADD COLUMN receipt_looks  integer NOT NULL DEFAULT 0,
    ADD COLUMN requeued_at    timestamptz,
    ADD COLUMN requeued_by    text,
    ADD COLUMN requeued_after integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT alert_deliveries_receipt_at_check CHECK (receipt_at IS NULL OR receipt IS NOT NULL),
    ADD CONSTRAINT alert_deliveries_receipt_error_check
        CHECK (receipt_code IS NULL AND receipt_error IS NULL OR coalesce(receipt = 'undelivered', false)),
    ADD CONSTRAINT alert_deliveries_receipt_looks_check CHECK (receipt_looks >= 0),
    ADD CONSTRAINT alert_deliveries_requeued_check CHECK ((requeued_at IS NULL) = (requeued_by IS NULL)),
    ADD CONSTRAINT alert_deliveries_requeued_after_check CHECK (requeued_after BETWEEN 0 AND attempts);

COMMENT ON COLUMN public.alert_deliveries.receipt IS
    'What the provider says became of it: queued, delivered, undelivered; the last two stand';
COMMENT ON COLUMN public.alert_deliveries.receipt_at IS 'When the provider last said something new';
COMMENT ON COLUMN public.alert_deliveries.receipt_code IS 'The provider''s code for why it was not delivered';
COMMENT ON COLUMN public.alert_deliveries.receipt_error IS 'The same in words';
COMMENT ON COLUMN public.alert_deliveries.receipt_looks IS 'How many of the times to ask for its receipt have passed';
COMMENT ON COLUMN public.alert_deliveries.requeued_at IS 'When a person last asked for it again; its age counts from there';
COMMENT ON COLUMN public.alert_deliveries.requeued_by IS 'Who asked';
COMMENT ON COLUMN public.alert_deliveries.requeued_after IS 'The tries made before that; the limit of tries counts from there';

-- One stand-in for each delivery, however many recoveries look for one.
DROP INDEX public.alert_deliveries_fallback_idx;
CREATE UNIQUE INDEX alert_deliveries_fallback_key ON public.alert_deliveries (fallback_of) WHERE fallback_of IS NOT NULL;
CREATE INDEX alert_deliveries_stand_in_idx ON public.alert_deliveries (environment)
    WHERE fallback_of IS NOT NULL AND status IN ('pending', 'held');
CREATE INDEX alert_deliveries_stranded_idx ON public.alert_deliveries (environment, (coalesce(finished_at, created_at)))
    WHERE urgency >= 3 AND (status IN ('held', 'failed') OR receipt IN ('queued', 'undelivered'));
CREATE INDEX alert_deliveries_receipt_idx ON public.alert_deliveries (environment, finished_at) WHERE receipt = 'queued';
COMMENT ON COLUMN public.alert_deliveries.fallback_of IS 'The delivery that did not arrive and that this one stands in for';

CREATE FUNCTION public.alert_delivery_was_missed(
    status text, receipt text, finished_at timestamptz, deadline_seconds double precision) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT status = 'sent'
           AND coalesce(receipt = 'undelivered'
                        OR receipt = 'queued' AND finished_at < clock_timestamp() - make_interval(secs => deadline_seconds),
                        false)
$$;
COMMENT ON FUNCTION public.alert_delivery_was_missed(text, text, timestamptz, double precision) IS
    'Whether what a provider accepted is known not to have arrived, or has no receipt by the deadline; no deadline where it is null';

CREATE FUNCTION public.alert_deliveries_check_receipt() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the receipt of delivery % may not change from % to %', OLD.delivery_id, OLD.receipt, NEW.receipt
        USING ERRCODE = 'check_violation', CONSTRAINT = 'alert_deliveries_receipt_move',
              HINT = 'Receipts only move forward: queued, then delivered or undelivered, which stands.';
END $$;
COMMENT ON FUNCTION public.alert_deliveries_check_receipt() IS 'A receipt only moves forward, and a final one stands';

CREATE TRIGGER alert_deliveries_receipt_trg BEFORE UPDATE OF receipt ON public.alert_deliveries FOR EACH ROW
    WHEN (OLD.receipt IN ('delivered', 'undelivered') AND NEW.receipt IS DISTINCT FROM OLD.receipt
          OR OLD.receipt IS NOT NULL AND NEW.receipt IS NULL)
    EXECUTE FUNCTION public.alert_deliveries_check_receipt();

-- As before, and with the age and the tries counted from where a person asked for it again.
CREATE OR REPLACE VIEW public.delivery_messages AS
SELECT d.delivery_id, d.channel, d.recipient,
       extract(epoch FROM clock_timestamp() - coalesce(d.requeued_at, d.created_at))::float8 AS age_seconds,
       a.alert_id, a.alert_uuid, a.incident_id, a.environment, a.severity, a.alert_type, a.component, a.message, a.details,
       a.triggered_at,
       (SELECT count(*) FROM public.alerts AS silent
        WHERE silent.incident_id = a.incident_id AND silent.suppressed AND silent.alert_id < a.alert_id
          AND silent.alert_id > coalesce((SELECT max(earlier.alert_id) FROM public.alerts AS earlier
                                          WHERE earlier.incident_id = a.incident_id AND earlier.notify
                                            AND earlier.alert_id < a.alert_id), 0)) AS suppressed_before,
       ARRAY(SELECT other.severity || ' ' || other.component || ': ' || other.message
             FROM public.alert_deliveries AS f JOIN public.alerts AS other ON other.alert_id = f.alert_id
             WHERE f.folded_into = d.delivery_id
             ORDER BY f.urgency DESC, f.created_at) AS folded,
       d.requeued_after
FROM public.alert_deliveries AS d JOIN public.alerts AS a ON a.alert_id = d.alert_id;

INSERT INTO public.schema_migrations (version, name) VALUES ('005', 'add_delivery_receipts');

COMMIT;
