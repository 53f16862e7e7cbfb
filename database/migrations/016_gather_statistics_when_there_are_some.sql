-- A statement that is planned once a connection keeps its plan until statistics are gathered anew. From those of sixty alerts
-- PostgreSQL makes one that reads the tables whole, which is right for sixty and takes 20 ms a call when a storm has made a
-- hundred thousand of them. Without any statistics it goes by the indexes, and so it does with those of a thousand rows: these
-- tables are not analysed before. By default that would come at fifty.
BEGIN;

ALTER TABLE public.alerts SET (autovacuum_analyze_threshold = 1000);
ALTER TABLE public.alert_deliveries SET (autovacuum_analyze_threshold = 1000);
ALTER TABLE public.alert_delivery_attempts SET (autovacuum_analyze_threshold = 1000);

INSERT INTO public.schema_migrations (version, name) VALUES ('016', 'gather_statistics_when_there_are_some');

COMMIT;
