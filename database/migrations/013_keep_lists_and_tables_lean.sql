-- What keeps lists fast at ten million alerts, and tables lean under a steady flow (docs/PERFORMANCE.md has the figures).
--
-- Lists are asked severity by severity (alerts.list), and each index begins with all that such a part asks for. With
-- (severity, triggered_at) and (component, triggered_at) a list of both read one of them until it had found a hundred:
-- where there are few, or none, that is all of a component's alerts, 1.4 s of ten million. A storm of duplicates, or another
-- environment, was read and left out likewise. alert_id at the end settles the order, and the parts are read from the
-- index alone: only the hundred that are shown are looked up.
BEGIN;

-- What is open is little of it all, so that an index for each question costs little.
CREATE INDEX alerts_open_by_component_idx ON public.alerts (environment, component, severity, triggered_at DESC, alert_id DESC)
    WHERE resolved_at IS NULL AND NOT suppressed;
CREATE INDEX alerts_open_by_type_idx ON public.alerts (environment, alert_type, severity, triggered_at DESC, alert_id DESC)
    WHERE resolved_at IS NULL AND NOT suppressed;

DROP INDEX public.alerts_severity_idx;
DROP INDEX public.alerts_component_idx;
DROP INDEX public.alerts_alert_type_idx;
DROP INDEX public.alerts_triggered_at_idx;
DROP INDEX public.alerts_open_idx;
DROP INDEX public.alerts_open_by_severity_idx;
DROP INDEX public.alerts_unacknowledged_idx;

CREATE INDEX alerts_triggered_at_idx ON public.alerts (environment, triggered_at DESC);
CREATE INDEX alerts_severity_idx ON public.alerts (environment, severity, suppressed, triggered_at DESC, alert_id DESC);
CREATE INDEX alerts_component_idx ON public.alerts
    (environment, component, severity, suppressed, triggered_at DESC, alert_id DESC);
CREATE INDEX alerts_alert_type_idx ON public.alerts
    (environment, alert_type, severity, suppressed, triggered_at DESC, alert_id DESC);
CREATE INDEX alerts_open_idx ON public.alerts (environment, severity, suppressed, triggered_at DESC, alert_id DESC)
    WHERE resolved_at IS NULL;
CREATE INDEX alerts_unacknowledged_idx ON public.alerts (environment, severity, triggered_at DESC, alert_id DESC)
    WHERE acknowledged_at IS NULL AND resolved_at IS NULL AND NOT suppressed AND severity IN ('critical', 'high');

-- Each delivery updates its alert once, and its own row and its try's whenever they move. By default autovacuum waits for a
-- fifth of the table to be dead, two hundred thousand rows of a million deliveries. From here on a hundredth and a constant, so that work comes often and is little.
ALTER TABLE public.alerts SET (
    fillfactor = 90,                                -- room for the summary of what was sent: it stays on its page
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_insert_scale_factor = 0.02,   -- lists read an index alone where a vacuum has seen the page
    autovacuum_analyze_scale_factor = 0.02          -- what is newest is asked for most, and is beyond an old histogram
);
-- Their updates change columns that the indexes of recovery and of the SMS limit look at, so that no room on the page
-- would keep them there: no fillfactor.
ALTER TABLE public.alert_deliveries SET (
    autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE public.alert_delivery_attempts SET (
    autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);
-- alert_counts is left as it is: an hour is written once, and again only where a late commit changed it.

INSERT INTO public.schema_migrations (version, name) VALUES ('013', 'keep_lists_and_tables_lean');

COMMIT;
