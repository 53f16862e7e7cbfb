-- How many duplicates an alert stands for is counted in an index, and each one's row is looked at besides until a vacuum has
-- seen its page. A list of a hundred anchors with two hundred duplicates each takes 8 ms before that and 1.6 after. By a share
-- of the table (013) a storm of a hundred thousand is too little at ten million alerts to bring one. By a constant it comes
-- within a minute, at any size; with nothing dead it passes over the indexes, and over the pages that it has seen.
BEGIN;

ALTER TABLE public.alerts SET (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000);

INSERT INTO public.schema_migrations (version, name) VALUES ('015', 'let_lists_count_in_an_index');

COMMIT;
