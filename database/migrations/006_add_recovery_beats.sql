-- Health: when recovery last beat, when somebody outside was last told so, and the index that finds the last claim.
BEGIN;

CREATE TABLE public.recovery_beats (
    environment text NOT NULL,
    beat_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    worker      text NOT NULL,
    pinged_at   timestamptz,

    CONSTRAINT recovery_beats_pkey PRIMARY KEY (environment),
    CONSTRAINT recovery_beats_environment_check CHECK (environment IN ('demo', 'prod'))
);
COMMENT ON TABLE public.recovery_beats IS 'One row an environment: the last sign of life of any of its recoveries';
COMMENT ON COLUMN public.recovery_beats.environment IS 'demo or prod';
COMMENT ON COLUMN public.recovery_beats.beat_at IS 'When one last beat, to a few seconds';
COMMENT ON COLUMN public.recovery_beats.worker IS 'Host and process that did';
COMMENT ON COLUMN public.recovery_beats.pinged_at IS 'When one last took it on to call the heartbeat URL; null where none ever did';

CREATE INDEX alert_delivery_attempts_started_idx ON public.alert_delivery_attempts (environment, started_at DESC);

INSERT INTO public.schema_migrations (version, name) VALUES ('006', 'add_recovery_beats');

COMMIT;
