-- The trading side: what can be traded, what is believed about it, what was done, and what came of it.
--
-- Three kinds of table, each held by the triggers of the second part:
--   versioned   markets, positions, game_states, edges, account_balance: a change closes the current row and inserts the
--               next one. Where others point at the thing and not at one version of it (markets, positions, edges), its
--               identity is a row of market_keys, position_keys or edge_keys, which the first version registers by itself.
--   immutable   strategies, probability_models: name, version and config never change; status and metrics may.
--   append-only trades, settlements, position_exits, exit_attempts, circuit_breaker_events.

BEGIN;

SET LOCAL search_path = public;

CREATE TABLE IF NOT EXISTS schema_migrations (
    version    text        NOT NULL,
    name       text        NOT NULL,
    checksum   text,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_by text        NOT NULL DEFAULT current_user,
    CONSTRAINT schema_migrations_pkey PRIMARY KEY (version),
    CONSTRAINT schema_migrations_version_check CHECK (version ~ '^[0-9]{3}$'),
    CONSTRAINT schema_migrations_checksum_check CHECK (checksum ~ '^[0-9a-f]{64}$')
);
COMMENT ON TABLE schema_migrations IS 'One row per applied file of database/migrations.';
COMMENT ON COLUMN schema_migrations.version IS 'The number the file name begins with, such as 001.';
COMMENT ON COLUMN schema_migrations.name IS 'The rest of the file name, such as trading_tables.';
COMMENT ON COLUMN schema_migrations.checksum IS 'SHA-256 of the file with line ends as LF; null until the runner first sees a file applied by psql.';
COMMENT ON COLUMN schema_migrations.applied_at IS 'When it was applied.';
COMMENT ON COLUMN schema_migrations.applied_by IS 'The database role that applied it.';

-- First of all, so that a file applied before stops here and says so.
INSERT INTO schema_migrations (version, name) VALUES ('001', 'trading_tables');


-- The rules -----------------------------------------------------------------------------------------------------------
-- A refusal is SQLSTATE 23001 (restrict_violation) with the table and, as the constraint's name, the trigger.

CREATE FUNCTION changed_columns(old_row jsonb, new_row jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    RETURN (SELECT coalesce(array_agg(n.key ORDER BY n.key), '{}')
              FROM jsonb_each_text(new_row) AS n
             WHERE n.value IS DISTINCT FROM old_row ->> n.key);
COMMENT ON FUNCTION changed_columns IS 'The names of the columns in which two rows differ.';

CREATE FUNCTION key_registers() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    -- Arguments.
    key_table text := TG_ARGV[0];
    key       text := TG_ARGV[1];
    drawn     bigint;
BEGIN
    IF to_jsonb(NEW) ->> key IS NOT NULL THEN
        EXECUTE format('INSERT INTO public.%I (%2$I) SELECT ($1).%2$I ON CONFLICT DO NOTHING', key_table, key) USING NEW;
        RETURN NEW;
    END IF;
    -- A new thing. A number that somebody gave out by hand is an error here; as a column's default it would continue theirs.
    EXECUTE format('INSERT INTO public.%I DEFAULT VALUES RETURNING %I', key_table, key) INTO drawn;
    RETURN jsonb_populate_record(NEW, jsonb_build_object(key, drawn));
END $$;
COMMENT ON FUNCTION key_registers IS 'The first version of a thing registers its identity, so that others can reference it; a new number is drawn where none is given.';

CREATE FUNCTION version_opens() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    same_thing text;
    last_end   timestamptz;
BEGIN
    -- Arguments: the columns of the business key.
    IF NOT NEW.row_current_ind THEN
        RAISE restrict_violation USING
            MESSAGE = format('%s: a version is inserted as the current one', TG_TABLE_NAME),
            DETAIL = 'row_current_ind was false in the inserted row.',
            HINT = 'Leave row_current_ind and row_end_ts out, and close the row afterwards if it has ended.',
            TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA, CONSTRAINT = TG_NAME;
    END IF;
    SELECT string_agg(CASE WHEN to_jsonb(NEW) ->> key IS NULL THEN format('%I IS NULL', key)
                           ELSE format('%1$I = ($1).%1$I', key) END, ' AND ')
      INTO same_thing FROM unnest(TG_ARGV) AS key;
    -- The lock makes a concurrent close finish first, so that its end is seen.
    EXECUTE format('SELECT row_end_ts FROM public.%I WHERE %s ORDER BY row_start_ts DESC LIMIT 1 FOR NO KEY UPDATE',
                   TG_TABLE_NAME, same_thing)
       INTO last_end USING NEW;
    IF NEW.row_start_ts < last_end THEN
        RAISE restrict_violation USING
            MESSAGE = format('%s: a version may not start before the one before it ended', TG_TABLE_NAME),
            DETAIL = format('row_start_ts is %s, the version before it ended at %s.', NEW.row_start_ts, last_end),
            HINT = 'Leave row_start_ts out, or give it the row_end_ts of the version just closed.',
            TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION version_opens IS 'A version is born current and starts when the version before it ended, or later.';

CREATE FUNCTION version_closes() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    -- Arguments: the columns that may move while the version is current. Without any, TG_ARGV is null.
    may_move  text[] := coalesce(TG_ARGV, '{}');
    changed   text[] := public.changed_columns(to_jsonb(OLD), to_jsonb(NEW));
    forbidden text;
BEGIN
    IF NOT OLD.row_current_ind AND cardinality(changed) > 0 THEN
        RAISE restrict_violation USING
            MESSAGE = format('%s: a closed version never changes', TG_TABLE_NAME),
            DETAIL = format('The update would change %s.', array_to_string(changed, ', ')),
            HINT = 'Insert a new version; limit updates to rows WHERE row_current_ind.',
            TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA, CONSTRAINT = TG_NAME;
    END IF;
    SELECT string_agg(name, ', ') INTO forbidden FROM unnest(changed) AS name
     WHERE name NOT IN ('row_current_ind', 'row_end_ts') AND name <> ALL (may_move);
    IF forbidden IS NOT NULL THEN
        RAISE restrict_violation USING
            MESSAGE = format('%s: the content of a version never changes: %s', TG_TABLE_NAME, forbidden),
            DETAIL = format('An update may close the row%s.',
                            coalesce(' or set ' || nullif(array_to_string(may_move, ', '), ''), '')),
            HINT = 'In one transaction: UPDATE ... SET row_current_ind = false WHERE ... AND row_current_ind, then INSERT the new version.',
            TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA, CONSTRAINT = TG_NAME;
    END IF;
    IF NOT NEW.row_current_ind THEN
        NEW.row_end_ts := coalesce(NEW.row_end_ts, clock_timestamp());
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION version_closes IS 'A version changes once, by being closed (row_end_ts fills itself); a closed one never.';

CREATE FUNCTION config_is_frozen() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    forbidden text;
BEGIN
    -- Arguments: the columns that say what this version is.
    SELECT string_agg(name, ', ') INTO forbidden
      FROM unnest(public.changed_columns(to_jsonb(OLD), to_jsonb(NEW))) AS name WHERE name = ANY (TG_ARGV);
    IF forbidden IS NOT NULL THEN
        RAISE restrict_violation USING
            MESSAGE = format('%s: what a version is never changes: %s', TG_TABLE_NAME, forbidden),
            DETAIL = format('Never changed after the insert: %s. The other columns may be.', array_to_string(TG_ARGV, ', ')),
            HINT = 'Insert a new row with the next version (vX.Y) and retire this one through its status.',
            TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION config_is_frozen IS 'Name, version and config of a strategy or model never change after the insert.';

CREATE FUNCTION rows_are_final() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    -- Arguments: the columns that may be filled once. Without any, TG_ARGV is null.
    fill_once text[] := coalesce(TG_ARGV, '{}');
    forbidden text;
BEGIN
    SELECT string_agg(name, ', ') INTO forbidden
      FROM unnest(public.changed_columns(to_jsonb(OLD), to_jsonb(NEW))) AS name
     WHERE name <> ALL (fill_once) OR to_jsonb(OLD) ->> name IS NOT NULL;
    IF forbidden IS NOT NULL THEN
        RAISE restrict_violation USING
            MESSAGE = format('%s is append-only: %s may not change', TG_TABLE_NAME, forbidden),
            DETAIL = coalesce('May be filled once: ' || nullif(array_to_string(fill_once, ', '), '') || '.',
                              'No column of a stored row may change.'),
            HINT = 'Insert a further row that says what is true now.',
            TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA, CONSTRAINT = TG_NAME;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION rows_are_final IS 'A row of an append-only table stays as it was inserted; named columns may be filled once.';

CREATE FUNCTION rows_stay() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('precog.retention', true) = 'on' THEN
        RETURN NULL;
    END IF;
    RAISE restrict_violation USING
        MESSAGE = format('%s: rows are kept; %s is refused', TG_TABLE_NAME, TG_OP),
        DETAIL = 'Rows go only by DELETE, in a transaction of the retention.',
        HINT = 'If their time has come: BEGIN; SET LOCAL precog.retention = ''on''; DELETE ...; COMMIT;',
        TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA, CONSTRAINT = TG_NAME;
END $$;
COMMENT ON FUNCTION rows_stay IS 'DELETE needs SET LOCAL precog.retention = ''on''; TRUNCATE is always refused.';


-- Where things are traded ---------------------------------------------------------------------------------------------

CREATE TABLE platforms (
    platform_id    text        NOT NULL,
    platform_type  text        NOT NULL,
    display_name   text        NOT NULL,
    base_url       text,
    websocket_url  text,
    api_version    text,
    auth_method    text,
    fees_structure jsonb,
    status         text        NOT NULL DEFAULT 'active',
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT platforms_pkey PRIMARY KEY (platform_id),
    CONSTRAINT platforms_platform_id_check CHECK (platform_id ~ '^[a-z][a-z0-9_]*$'),
    CONSTRAINT platforms_platform_type_check CHECK (platform_type IN ('trading', 'data_source')),
    CONSTRAINT platforms_auth_method_check CHECK (auth_method IN ('rsa_pss', 'api_key', 'metamask')),
    CONSTRAINT platforms_fees_structure_check CHECK (jsonb_typeof(fees_structure) = 'object'),
    CONSTRAINT platforms_status_check CHECK (status IN ('active', 'inactive', 'maintenance'))
);
COMMENT ON TABLE platforms IS 'Exchanges and data sources.';
COMMENT ON COLUMN platforms.platform_id IS 'Short lower-case name, such as kalshi.';
COMMENT ON COLUMN platforms.platform_type IS 'trading or data_source.';
COMMENT ON COLUMN platforms.display_name IS 'Name for people.';
COMMENT ON COLUMN platforms.base_url IS 'Root of its REST API.';
COMMENT ON COLUMN platforms.websocket_url IS 'Its stream of live updates.';
COMMENT ON COLUMN platforms.api_version IS 'Version of the API the code speaks.';
COMMENT ON COLUMN platforms.auth_method IS 'rsa_pss, api_key or metamask; the credentials themselves live in the environment.';
COMMENT ON COLUMN platforms.fees_structure IS 'Object: how fees are computed.';
COMMENT ON COLUMN platforms.status IS 'active, inactive or maintenance.';
COMMENT ON COLUMN platforms.created_at IS 'When the row was inserted.';

CREATE TABLE series (
    series_id   text        NOT NULL,
    platform_id text        NOT NULL,
    external_id text        NOT NULL,
    category    text        NOT NULL,
    subcategory text,
    title       text        NOT NULL,
    frequency   text,
    metadata    jsonb,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT series_pkey PRIMARY KEY (series_id),
    CONSTRAINT series_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES platforms,
    CONSTRAINT series_external_id_key UNIQUE (platform_id, external_id),
    CONSTRAINT series_category_check CHECK (category IN ('sports', 'politics', 'entertainment')),
    CONSTRAINT series_frequency_check CHECK (frequency IN ('single', 'recurring')),
    CONSTRAINT series_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
COMMENT ON TABLE series IS 'Groups of like events on a platform, such as all NFL games.';
COMMENT ON COLUMN series.series_id IS 'Our identity of the series.';
COMMENT ON COLUMN series.platform_id IS 'Where it is traded.';
COMMENT ON COLUMN series.external_id IS 'The platform''s identity of it, unique there.';
COMMENT ON COLUMN series.category IS 'sports, politics or entertainment.';
COMMENT ON COLUMN series.subcategory IS 'Finer group, such as nfl.';
COMMENT ON COLUMN series.title IS 'Title as the platform shows it.';
COMMENT ON COLUMN series.frequency IS 'single or recurring.';
COMMENT ON COLUMN series.metadata IS 'Object: what else the platform says.';
COMMENT ON COLUMN series.created_at IS 'When the row was inserted.';
COMMENT ON COLUMN series.updated_at IS 'When the row was last written.';

CREATE TABLE events (
    event_id    text        NOT NULL,
    platform_id text        NOT NULL,
    series_id   text        NOT NULL,
    external_id text        NOT NULL,
    category    text        NOT NULL,
    subcategory text,
    title       text        NOT NULL,
    description text,
    start_time  timestamptz,
    end_time    timestamptz,
    status      text        NOT NULL DEFAULT 'scheduled',
    result      jsonb,
    metadata    jsonb,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT events_pkey PRIMARY KEY (event_id),
    CONSTRAINT events_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES platforms,
    CONSTRAINT events_series_id_fkey FOREIGN KEY (series_id) REFERENCES series,
    CONSTRAINT events_external_id_key UNIQUE (platform_id, external_id),
    CONSTRAINT events_category_check CHECK (category IN ('sports', 'politics', 'entertainment')),
    CONSTRAINT events_times_check CHECK (end_time >= start_time),
    CONSTRAINT events_status_check CHECK (status IN ('scheduled', 'live', 'final', 'cancelled')),
    CONSTRAINT events_metadata_check CHECK (jsonb_typeof(metadata) = 'object')
);
CREATE INDEX events_series_idx ON events (series_id);
CREATE INDEX events_status_idx ON events (status, start_time);
COMMENT ON TABLE events IS 'What happens and is traded on: a game, an election, an award.';
COMMENT ON COLUMN events.event_id IS 'Our identity of the event.';
COMMENT ON COLUMN events.platform_id IS 'Where it is traded.';
COMMENT ON COLUMN events.series_id IS 'The series it belongs to.';
COMMENT ON COLUMN events.external_id IS 'The platform''s identity of it, unique there.';
COMMENT ON COLUMN events.category IS 'sports, politics or entertainment.';
COMMENT ON COLUMN events.subcategory IS 'Finer group, such as nfl.';
COMMENT ON COLUMN events.title IS 'Title as the platform shows it.';
COMMENT ON COLUMN events.description IS 'The platform''s longer text.';
COMMENT ON COLUMN events.start_time IS 'When it begins.';
COMMENT ON COLUMN events.end_time IS 'When it ends.';
COMMENT ON COLUMN events.status IS 'scheduled, live, final or cancelled.';
COMMENT ON COLUMN events.result IS 'How it came out.';
COMMENT ON COLUMN events.metadata IS 'Object: what else the platform says.';
COMMENT ON COLUMN events.created_at IS 'When the row was inserted.';
COMMENT ON COLUMN events.updated_at IS 'When the row was last written.';

CREATE TABLE market_keys (
    market_id  text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT market_keys_pkey PRIMARY KEY (market_id),
    CONSTRAINT market_keys_market_id_check CHECK (market_id <> '')
);
COMMENT ON TABLE market_keys IS 'The identity of each market, which edges, positions, trades and settlements reference; registered by the first row in markets.';
COMMENT ON COLUMN market_keys.market_id IS 'Our identity of the market.';
COMMENT ON COLUMN market_keys.created_at IS 'When it was first seen.';

CREATE TABLE markets (
    market_row_id    bigint        GENERATED BY DEFAULT AS IDENTITY,
    market_id        text          NOT NULL,
    platform_id      text          NOT NULL,
    event_id         text          NOT NULL,
    external_id      text          NOT NULL,
    ticker           text,
    title            text          NOT NULL,
    market_type      text          NOT NULL,
    yes_price        DECIMAL(10,4) NOT NULL,
    no_price         DECIMAL(10,4) NOT NULL,
    volume           DECIMAL(18,4) NOT NULL DEFAULT 0,
    open_interest    DECIMAL(18,4) NOT NULL DEFAULT 0,
    spread           DECIMAL(10,4) NOT NULL,
    status           text          NOT NULL DEFAULT 'open',
    settlement_value DECIMAL(10,4),
    metadata         jsonb,
    created_at       timestamptz   NOT NULL DEFAULT clock_timestamp(),
    updated_at       timestamptz   NOT NULL DEFAULT clock_timestamp(),
    row_current_ind  boolean       NOT NULL DEFAULT true,
    row_start_ts     timestamptz   NOT NULL DEFAULT clock_timestamp(),
    row_end_ts       timestamptz,
    CONSTRAINT markets_pkey PRIMARY KEY (market_row_id),
    CONSTRAINT markets_market_id_fkey FOREIGN KEY (market_id) REFERENCES market_keys,
    CONSTRAINT markets_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES platforms,
    CONSTRAINT markets_event_id_fkey FOREIGN KEY (event_id) REFERENCES events,
    CONSTRAINT markets_version_key UNIQUE (market_id, row_start_ts),
    CONSTRAINT markets_market_type_check CHECK (market_type IN ('binary', 'categorical', 'scalar')),
    CONSTRAINT markets_yes_price_check CHECK (yes_price BETWEEN 0 AND 1),
    CONSTRAINT markets_no_price_check CHECK (no_price BETWEEN 0 AND 1),
    CONSTRAINT markets_volume_check CHECK (volume >= 0 AND volume < 'Infinity'),
    CONSTRAINT markets_open_interest_check CHECK (open_interest >= 0 AND open_interest < 'Infinity'),
    CONSTRAINT markets_spread_check CHECK (spread BETWEEN 0 AND 1),
    CONSTRAINT markets_status_check CHECK (status IN ('open', 'closed', 'settled')),
    CONSTRAINT markets_settlement_value_check CHECK (settlement_value BETWEEN 0 AND 1),
    CONSTRAINT markets_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
    CONSTRAINT markets_row_period_check CHECK (row_current_ind = (row_end_ts IS NULL) AND row_end_ts > row_start_ts)
);
CREATE UNIQUE INDEX markets_current_key ON markets (market_id) WHERE row_current_ind;
CREATE UNIQUE INDEX markets_current_external_id_key ON markets (platform_id, external_id) WHERE row_current_ind;
CREATE INDEX markets_current_event_idx ON markets (event_id) WHERE row_current_ind;
CREATE INDEX markets_current_status_idx ON markets (status, updated_at) WHERE row_current_ind;
COMMENT ON TABLE markets IS 'Versioned: a question that can be traded, with its prices. One row per change; one current row per market_id.';
COMMENT ON COLUMN markets.market_row_id IS 'This version.';
COMMENT ON COLUMN markets.market_id IS 'The market, the same in all its versions; others reference it in market_keys.';
COMMENT ON COLUMN markets.platform_id IS 'Where it is traded.';
COMMENT ON COLUMN markets.event_id IS 'The event it asks about.';
COMMENT ON COLUMN markets.external_id IS 'The platform''s identity of it, unique among the current rows there.';
COMMENT ON COLUMN markets.ticker IS 'The platform''s short name.';
COMMENT ON COLUMN markets.title IS 'The question, as the platform shows it.';
COMMENT ON COLUMN markets.market_type IS 'binary, categorical or scalar.';
COMMENT ON COLUMN markets.yes_price IS 'Price of YES in dollars, 0 to 1.';
COMMENT ON COLUMN markets.no_price IS 'Price of NO in dollars, 0 to 1.';
COMMENT ON COLUMN markets.volume IS 'Contracts traded so far (a platform may trade fractions).';
COMMENT ON COLUMN markets.open_interest IS 'Contracts outstanding.';
COMMENT ON COLUMN markets.spread IS 'Best ask minus best bid in dollars.';
COMMENT ON COLUMN markets.status IS 'open, closed or settled.';
COMMENT ON COLUMN markets.settlement_value IS 'What YES paid in dollars, 0 to 1, once settled.';
COMMENT ON COLUMN markets.metadata IS 'Object: what else the platform says.';
COMMENT ON COLUMN markets.created_at IS 'When this version was inserted.';
COMMENT ON COLUMN markets.updated_at IS 'When the source last confirmed this version; may move while it is current, so that unchanged is told from stale.';
COMMENT ON COLUMN markets.row_current_ind IS 'True in the version that holds now.';
COMMENT ON COLUMN markets.row_start_ts IS 'Since when this version holds.';
COMMENT ON COLUMN markets.row_end_ts IS 'Until when it held; null exactly while it is current.';

CREATE TABLE game_states (
    game_state_id    bigint      GENERATED BY DEFAULT AS IDENTITY,
    event_id         text        NOT NULL,
    external_game_id text,
    sport            text        NOT NULL,
    home_team        text        NOT NULL,
    away_team        text        NOT NULL,
    home_score       integer     NOT NULL DEFAULT 0,
    away_score       integer     NOT NULL DEFAULT 0,
    period           text        NOT NULL,
    time_remaining   text        NOT NULL,
    possession       text,
    status           text        NOT NULL,
    sport_metadata   jsonb,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    row_current_ind  boolean     NOT NULL DEFAULT true,
    row_start_ts     timestamptz NOT NULL DEFAULT clock_timestamp(),
    row_end_ts       timestamptz,
    CONSTRAINT game_states_pkey PRIMARY KEY (game_state_id),
    CONSTRAINT game_states_event_id_fkey FOREIGN KEY (event_id) REFERENCES events,
    CONSTRAINT game_states_version_key UNIQUE NULLS NOT DISTINCT (event_id, external_game_id, row_start_ts),
    CONSTRAINT game_states_home_score_check CHECK (home_score >= 0),
    CONSTRAINT game_states_away_score_check CHECK (away_score >= 0),
    CONSTRAINT game_states_status_check CHECK (status IN ('scheduled', 'pregame', 'live', 'halftime', 'final')),
    CONSTRAINT game_states_sport_metadata_check CHECK (jsonb_typeof(sport_metadata) = 'object'),
    CONSTRAINT game_states_row_period_check CHECK (row_current_ind = (row_end_ts IS NULL) AND row_end_ts > row_start_ts)
);
CREATE UNIQUE INDEX game_states_current_key ON game_states (event_id, external_game_id) NULLS NOT DISTINCT WHERE row_current_ind;
CREATE INDEX game_states_current_status_idx ON game_states (status, updated_at) WHERE row_current_ind;
COMMENT ON TABLE game_states IS 'Versioned: score and clock of a game. One row per change; one current row per event_id and external_game_id, where two nulls are the same game. Nothing references it.';
COMMENT ON COLUMN game_states.game_state_id IS 'This version.';
COMMENT ON COLUMN game_states.event_id IS 'The event the game belongs to.';
COMMENT ON COLUMN game_states.external_game_id IS 'The data source''s identity of the game; null where an event is one game.';
COMMENT ON COLUMN game_states.sport IS 'Such as nfl.';
COMMENT ON COLUMN game_states.home_team IS 'Home team.';
COMMENT ON COLUMN game_states.away_team IS 'Away team.';
COMMENT ON COLUMN game_states.home_score IS 'Points of the home team.';
COMMENT ON COLUMN game_states.away_score IS 'Points of the away team.';
COMMENT ON COLUMN game_states.period IS 'Period in the sport''s own words, such as Q3 or OT.';
COMMENT ON COLUMN game_states.time_remaining IS 'Time left in the period as the source writes it, such as 07:42.';
COMMENT ON COLUMN game_states.possession IS 'The team that has the ball.';
COMMENT ON COLUMN game_states.status IS 'scheduled, pregame, live, halftime or final.';
COMMENT ON COLUMN game_states.sport_metadata IS 'Object: what only this sport has, such as down and distance.';
COMMENT ON COLUMN game_states.created_at IS 'When this version was inserted.';
COMMENT ON COLUMN game_states.updated_at IS 'When the source last confirmed this version; may move while it is current, so that unchanged is told from stale.';
COMMENT ON COLUMN game_states.row_current_ind IS 'True in the version that holds now.';
COMMENT ON COLUMN game_states.row_start_ts IS 'Since when this version holds.';
COMMENT ON COLUMN game_states.row_end_ts IS 'Until when it held; null exactly while it is current.';


-- What is believed ----------------------------------------------------------------------------------------------------

CREATE TABLE probability_matrices (
    probability_matrix_id     bigint        GENERATED BY DEFAULT AS IDENTITY,
    category                  text          NOT NULL,
    subcategory               text          NOT NULL,
    version                   text          NOT NULL,
    state_descriptor          text          NOT NULL,
    value_bucket              text          NOT NULL,
    situational_factors       jsonb,
    win_probability           DECIMAL(10,4) NOT NULL,
    confidence_interval_lower DECIMAL(10,4),
    confidence_interval_upper DECIMAL(10,4),
    sample_size               integer,
    source                    text,
    methodology               text,
    matrix_name               text,
    description               text,
    created_at                timestamptz   NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT probability_matrices_pkey PRIMARY KEY (probability_matrix_id),
    CONSTRAINT probability_matrices_category_check CHECK (category IN ('sports', 'politics', 'entertainment')),
    CONSTRAINT probability_matrices_situational_factors_check CHECK (jsonb_typeof(situational_factors) = 'object'),
    CONSTRAINT probability_matrices_win_probability_check CHECK (win_probability BETWEEN 0 AND 1),
    CONSTRAINT probability_matrices_lower_check CHECK (confidence_interval_lower BETWEEN 0 AND win_probability),
    CONSTRAINT probability_matrices_upper_check CHECK (confidence_interval_upper BETWEEN win_probability AND 1),
    CONSTRAINT probability_matrices_sample_size_check CHECK (sample_size >= 0)
);
CREATE UNIQUE INDEX probability_matrices_cell_key ON probability_matrices
    (category, subcategory, version, state_descriptor, value_bucket, matrix_name, md5(situational_factors::text))
    NULLS NOT DISTINCT;
COMMENT ON TABLE probability_matrices IS 'Win probabilities counted from history: one row per state of a game and bucket of its value.';
COMMENT ON COLUMN probability_matrices.probability_matrix_id IS 'This cell.';
COMMENT ON COLUMN probability_matrices.category IS 'sports, politics or entertainment.';
COMMENT ON COLUMN probability_matrices.subcategory IS 'Finer group, such as nfl.';
COMMENT ON COLUMN probability_matrices.version IS 'Version of the data set.';
COMMENT ON COLUMN probability_matrices.state_descriptor IS 'The state, such as halftime.';
COMMENT ON COLUMN probability_matrices.value_bucket IS 'The bucket of its value, such as lead_7_10.';
COMMENT ON COLUMN probability_matrices.situational_factors IS 'Object: further conditions of this cell.';
COMMENT ON COLUMN probability_matrices.win_probability IS 'Share of wins, 0 to 1.';
COMMENT ON COLUMN probability_matrices.confidence_interval_lower IS 'Lower end of its confidence interval.';
COMMENT ON COLUMN probability_matrices.confidence_interval_upper IS 'Upper end of its confidence interval.';
COMMENT ON COLUMN probability_matrices.sample_size IS 'Games counted.';
COMMENT ON COLUMN probability_matrices.source IS 'Where the history comes from.';
COMMENT ON COLUMN probability_matrices.methodology IS 'How it was counted.';
COMMENT ON COLUMN probability_matrices.matrix_name IS 'Name of the matrix this cell belongs to.';
COMMENT ON COLUMN probability_matrices.description IS 'Free text.';
COMMENT ON COLUMN probability_matrices.created_at IS 'When the row was inserted.';

CREATE TABLE probability_models (
    model_id               bigint        GENERATED BY DEFAULT AS IDENTITY,
    model_name             text          NOT NULL,
    model_version          text          NOT NULL,
    model_type             text,
    category               text          NOT NULL,
    sport                  text,
    config                 jsonb         NOT NULL,
    description            text,
    status                 text          NOT NULL DEFAULT 'draft',
    validation_accuracy    DECIMAL(10,4),
    validation_calibration DECIMAL(10,4),
    validation_sample_size integer,
    created_at             timestamptz   NOT NULL DEFAULT clock_timestamp(),
    created_by             text,
    notes                  text,
    CONSTRAINT probability_models_pkey PRIMARY KEY (model_id),
    CONSTRAINT probability_models_version_key UNIQUE (model_name, model_version),
    CONSTRAINT probability_models_model_name_check CHECK (model_name <> ''),
    CONSTRAINT probability_models_model_version_check CHECK (model_version ~ '^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$'),
    CONSTRAINT probability_models_model_type_check CHECK (model_type IN ('elo', 'regression', 'ensemble', 'ml')),
    CONSTRAINT probability_models_category_check CHECK (category IN ('sports', 'politics', 'entertainment')),
    CONSTRAINT probability_models_config_check CHECK (jsonb_typeof(config) = 'object'),
    CONSTRAINT probability_models_status_check CHECK (status IN ('draft', 'training', 'validating', 'active', 'deprecated')),
    CONSTRAINT probability_models_validation_accuracy_check CHECK (validation_accuracy BETWEEN 0 AND 1),
    CONSTRAINT probability_models_validation_calibration_check CHECK (validation_calibration BETWEEN 0 AND 1),
    CONSTRAINT probability_models_validation_sample_size_check CHECK (validation_sample_size >= 0)
);
CREATE INDEX probability_models_status_idx ON probability_models (status);
COMMENT ON TABLE probability_models IS 'Immutable versions: a way to compute a probability, with its parameters. Status, metrics, description and notes may change.';
COMMENT ON COLUMN probability_models.model_id IS 'This version of the model.';
COMMENT ON COLUMN probability_models.model_name IS 'Name, the same in all versions; never changes.';
COMMENT ON COLUMN probability_models.model_version IS 'vX.Y; never changes.';
COMMENT ON COLUMN probability_models.model_type IS 'elo, regression, ensemble or ml; never changes.';
COMMENT ON COLUMN probability_models.category IS 'sports, politics or entertainment; never changes.';
COMMENT ON COLUMN probability_models.sport IS 'Such as nfl, null for any; never changes.';
COMMENT ON COLUMN probability_models.config IS 'Object: its parameters; never changes.';
COMMENT ON COLUMN probability_models.description IS 'Free text.';
COMMENT ON COLUMN probability_models.status IS 'draft, training, validating, active or deprecated.';
COMMENT ON COLUMN probability_models.validation_accuracy IS 'Share of right predictions on held-out data, 0 to 1.';
COMMENT ON COLUMN probability_models.validation_calibration IS 'Calibration error on held-out data, 0 (perfect) to 1.';
COMMENT ON COLUMN probability_models.validation_sample_size IS 'Predictions validated.';
COMMENT ON COLUMN probability_models.created_at IS 'When the row was inserted; never changes.';
COMMENT ON COLUMN probability_models.created_by IS 'Who inserted it; never changes.';
COMMENT ON COLUMN probability_models.notes IS 'Free text.';

CREATE TABLE strategies (
    strategy_id        bigint        GENERATED BY DEFAULT AS IDENTITY,
    strategy_name      text          NOT NULL,
    strategy_version   text          NOT NULL,
    strategy_type      text,
    sport              text,
    config             jsonb         NOT NULL,
    description        text,
    status             text          NOT NULL DEFAULT 'draft',
    paper_roi          DECIMAL(10,4),
    live_roi           DECIMAL(10,4),
    paper_trades_count integer       NOT NULL DEFAULT 0,
    live_trades_count  integer       NOT NULL DEFAULT 0,
    created_at         timestamptz   NOT NULL DEFAULT clock_timestamp(),
    created_by         text,
    notes              text,
    CONSTRAINT strategies_pkey PRIMARY KEY (strategy_id),
    CONSTRAINT strategies_version_key UNIQUE (strategy_name, strategy_version),
    CONSTRAINT strategies_strategy_name_check CHECK (strategy_name <> ''),
    CONSTRAINT strategies_strategy_version_check CHECK (strategy_version ~ '^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$'),
    CONSTRAINT strategies_strategy_type_check CHECK (strategy_type IN ('entry', 'exit', 'sizing', 'hedging')),
    CONSTRAINT strategies_config_check CHECK (jsonb_typeof(config) = 'object'),
    CONSTRAINT strategies_status_check CHECK (status IN ('draft', 'testing', 'active', 'inactive', 'deprecated')),
    CONSTRAINT strategies_paper_roi_check CHECK (paper_roi < 'Infinity'),
    CONSTRAINT strategies_live_roi_check CHECK (live_roi < 'Infinity'),
    CONSTRAINT strategies_paper_trades_count_check CHECK (paper_trades_count >= 0),
    CONSTRAINT strategies_live_trades_count_check CHECK (live_trades_count >= 0)
);
CREATE INDEX strategies_status_idx ON strategies (status);
COMMENT ON TABLE strategies IS 'Immutable versions: when to enter, exit, size or hedge, with its parameters. Status, metrics, description and notes may change.';
COMMENT ON COLUMN strategies.strategy_id IS 'This version of the strategy.';
COMMENT ON COLUMN strategies.strategy_name IS 'Name, the same in all versions; never changes.';
COMMENT ON COLUMN strategies.strategy_version IS 'vX.Y; never changes.';
COMMENT ON COLUMN strategies.strategy_type IS 'entry, exit, sizing or hedging; never changes.';
COMMENT ON COLUMN strategies.sport IS 'Such as nfl, null for any; never changes.';
COMMENT ON COLUMN strategies.config IS 'Object: its parameters; never changes.';
COMMENT ON COLUMN strategies.description IS 'Free text.';
COMMENT ON COLUMN strategies.status IS 'draft, testing, active, inactive or deprecated.';
COMMENT ON COLUMN strategies.paper_roi IS 'Return on paper trades as a fraction: 0.05 is 5 %.';
COMMENT ON COLUMN strategies.live_roi IS 'Return on live trades as a fraction.';
COMMENT ON COLUMN strategies.paper_trades_count IS 'Paper trades so far.';
COMMENT ON COLUMN strategies.live_trades_count IS 'Live trades so far.';
COMMENT ON COLUMN strategies.created_at IS 'When the row was inserted; never changes.';
COMMENT ON COLUMN strategies.created_by IS 'Who inserted it; never changes.';
COMMENT ON COLUMN strategies.notes IS 'Free text.';

CREATE TABLE edge_keys (
    edge_id    bigint      GENERATED BY DEFAULT AS IDENTITY,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT edge_keys_pkey PRIMARY KEY (edge_id)
);
COMMENT ON TABLE edge_keys IS 'The identity of each edge, which trades reference; registered by the first row in edges.';
COMMENT ON COLUMN edge_keys.edge_id IS 'The edge.';
COMMENT ON COLUMN edge_keys.created_at IS 'When it was first seen.';

CREATE TABLE edges (
    edge_row_id                bigint        GENERATED BY DEFAULT AS IDENTITY,
    edge_id                    bigint        NOT NULL,
    market_id                  text          NOT NULL,
    probability_matrix_id      bigint,
    strategy_id                bigint,
    model_id                   bigint,
    expected_value             DECIMAL(10,4) NOT NULL,
    true_win_probability       DECIMAL(10,4) NOT NULL,
    market_implied_probability DECIMAL(10,4) NOT NULL,
    market_price               DECIMAL(10,4) NOT NULL,
    confidence_level           text          NOT NULL,
    confidence_metrics         jsonb,
    recommended_action         text          NOT NULL,
    created_at                 timestamptz   NOT NULL DEFAULT clock_timestamp(),
    row_current_ind            boolean       NOT NULL DEFAULT true,
    row_start_ts               timestamptz   NOT NULL DEFAULT clock_timestamp(),
    row_end_ts                 timestamptz,
    CONSTRAINT edges_pkey PRIMARY KEY (edge_row_id),
    CONSTRAINT edges_edge_id_fkey FOREIGN KEY (edge_id) REFERENCES edge_keys,
    CONSTRAINT edges_market_id_fkey FOREIGN KEY (market_id) REFERENCES market_keys,
    CONSTRAINT edges_probability_matrix_id_fkey FOREIGN KEY (probability_matrix_id) REFERENCES probability_matrices,
    CONSTRAINT edges_strategy_id_fkey FOREIGN KEY (strategy_id) REFERENCES strategies,
    CONSTRAINT edges_model_id_fkey FOREIGN KEY (model_id) REFERENCES probability_models,
    CONSTRAINT edges_version_key UNIQUE (edge_id, row_start_ts),
    CONSTRAINT edges_expected_value_check CHECK (expected_value < 'Infinity'),
    CONSTRAINT edges_true_win_probability_check CHECK (true_win_probability BETWEEN 0 AND 1),
    CONSTRAINT edges_market_implied_probability_check CHECK (market_implied_probability BETWEEN 0 AND 1),
    CONSTRAINT edges_market_price_check CHECK (market_price BETWEEN 0 AND 1),
    CONSTRAINT edges_confidence_level_check CHECK (confidence_level IN ('high', 'medium', 'low')),
    CONSTRAINT edges_confidence_metrics_check CHECK (jsonb_typeof(confidence_metrics) = 'object'),
    CONSTRAINT edges_recommended_action_check CHECK (recommended_action IN ('auto_execute', 'alert', 'ignore')),
    CONSTRAINT edges_row_period_check CHECK (row_current_ind = (row_end_ts IS NULL) AND row_end_ts > row_start_ts)
);
CREATE UNIQUE INDEX edges_current_key ON edges (edge_id) WHERE row_current_ind;
CREATE INDEX edges_current_market_idx ON edges (market_id) WHERE row_current_ind;
CREATE INDEX edges_strategy_idx ON edges (strategy_id);
CREATE INDEX edges_model_idx ON edges (model_id);
CREATE INDEX edges_created_at_idx ON edges (created_at);
COMMENT ON TABLE edges IS 'Versioned: a difference found between our probability and the market''s price. One current row per edge_id.';
COMMENT ON COLUMN edges.edge_row_id IS 'This version.';
COMMENT ON COLUMN edges.edge_id IS 'The edge, the same in all its versions; left out, a new edge begins. Others reference it in edge_keys.';
COMMENT ON COLUMN edges.market_id IS 'The market it was found on.';
COMMENT ON COLUMN edges.probability_matrix_id IS 'The matrix cell the probability came from, if it did.';
COMMENT ON COLUMN edges.strategy_id IS 'The strategy version that looked for it.';
COMMENT ON COLUMN edges.model_id IS 'The model version the probability came from, if it did.';
COMMENT ON COLUMN edges.expected_value IS 'Expected gain in dollars per contract; may be negative.';
COMMENT ON COLUMN edges.true_win_probability IS 'Our probability, 0 to 1.';
COMMENT ON COLUMN edges.market_implied_probability IS 'The probability the price implies, 0 to 1.';
COMMENT ON COLUMN edges.market_price IS 'The price it was computed with, 0 to 1.';
COMMENT ON COLUMN edges.confidence_level IS 'high, medium or low.';
COMMENT ON COLUMN edges.confidence_metrics IS 'Object: what the level was derived from.';
COMMENT ON COLUMN edges.recommended_action IS 'auto_execute, alert or ignore.';
COMMENT ON COLUMN edges.created_at IS 'When this version was inserted.';
COMMENT ON COLUMN edges.row_current_ind IS 'True in the version that holds now.';
COMMENT ON COLUMN edges.row_start_ts IS 'Since when this version holds.';
COMMENT ON COLUMN edges.row_end_ts IS 'Until when it held; null exactly while it is current.';


-- What was done, and what came of it ----------------------------------------------------------------------------------

CREATE TABLE position_keys (
    position_id bigint      GENERATED BY DEFAULT AS IDENTITY,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT position_keys_pkey PRIMARY KEY (position_id)
);
COMMENT ON TABLE position_keys IS 'The identity of each position, which trades, exits and exit attempts reference; registered by the first row in positions.';
COMMENT ON COLUMN position_keys.position_id IS 'The position.';
COMMENT ON COLUMN position_keys.created_at IS 'When it was opened in this database.';

CREATE TABLE positions (
    position_row_id     bigint        GENERATED BY DEFAULT AS IDENTITY,
    position_id         bigint        NOT NULL,
    market_id           text          NOT NULL,
    platform_id         text          NOT NULL,
    side                text          NOT NULL,
    entry_price         DECIMAL(10,4) NOT NULL,
    quantity            DECIMAL(18,4) NOT NULL,
    fees                DECIMAL(10,4),
    status              text          NOT NULL DEFAULT 'open',
    unrealized_pnl      DECIMAL(10,4),
    realized_pnl        DECIMAL(10,4),
    current_price       DECIMAL(10,4),
    unrealized_pnl_pct  DECIMAL(6,4),
    last_update         timestamptz,
    trailing_stop_state jsonb,
    exit_reason         text,
    exit_priority       text,
    created_at          timestamptz   NOT NULL DEFAULT clock_timestamp(),
    updated_at          timestamptz   NOT NULL DEFAULT clock_timestamp(),
    row_current_ind     boolean       NOT NULL DEFAULT true,
    row_start_ts        timestamptz   NOT NULL DEFAULT clock_timestamp(),
    row_end_ts          timestamptz,
    CONSTRAINT positions_pkey PRIMARY KEY (position_row_id),
    CONSTRAINT positions_position_id_fkey FOREIGN KEY (position_id) REFERENCES position_keys,
    CONSTRAINT positions_market_id_fkey FOREIGN KEY (market_id) REFERENCES market_keys,
    CONSTRAINT positions_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES platforms,
    CONSTRAINT positions_version_key UNIQUE (position_id, row_start_ts),
    CONSTRAINT positions_side_check CHECK (side IN ('yes', 'no')),
    CONSTRAINT positions_entry_price_check CHECK (entry_price BETWEEN 0 AND 1),
    CONSTRAINT positions_quantity_check CHECK (quantity >= 0 AND quantity < 'Infinity'),
    CONSTRAINT positions_fees_check CHECK (fees < 'Infinity'),
    CONSTRAINT positions_status_check CHECK (status IN ('open', 'closed', 'settled')),
    CONSTRAINT positions_unrealized_pnl_check CHECK (unrealized_pnl < 'Infinity'),
    CONSTRAINT positions_realized_pnl_check CHECK (realized_pnl < 'Infinity'),
    CONSTRAINT positions_current_price_check CHECK (current_price BETWEEN 0 AND 1),
    CONSTRAINT positions_unrealized_pnl_pct_check CHECK (unrealized_pnl_pct < 'Infinity'),
    CONSTRAINT positions_trailing_stop_state_check CHECK (jsonb_typeof(trailing_stop_state) = 'object'),
    CONSTRAINT positions_exit_priority_check CHECK (exit_priority IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    CONSTRAINT positions_row_period_check CHECK (row_current_ind = (row_end_ts IS NULL) AND row_end_ts > row_start_ts)
);
CREATE UNIQUE INDEX positions_current_key ON positions (position_id) WHERE row_current_ind;
CREATE INDEX positions_current_market_idx ON positions (market_id) WHERE row_current_ind;
CREATE INDEX positions_current_status_idx ON positions (status) WHERE row_current_ind;
COMMENT ON TABLE positions IS 'Versioned: what is held on a market. One row per change; one current row per position_id.';
COMMENT ON COLUMN positions.position_row_id IS 'This version.';
COMMENT ON COLUMN positions.position_id IS 'The position, the same in all its versions; left out, a new position begins. Others reference it in position_keys.';
COMMENT ON COLUMN positions.market_id IS 'The market it is held on.';
COMMENT ON COLUMN positions.platform_id IS 'Where it is held.';
COMMENT ON COLUMN positions.side IS 'yes or no.';
COMMENT ON COLUMN positions.entry_price IS 'Average price paid in dollars per contract, 0 to 1.';
COMMENT ON COLUMN positions.quantity IS 'Contracts held; 0 once everything is sold.';
COMMENT ON COLUMN positions.fees IS 'Fees paid so far in dollars; negative for rebates.';
COMMENT ON COLUMN positions.status IS 'open, closed or settled.';
COMMENT ON COLUMN positions.unrealized_pnl IS 'Gain or loss in dollars if sold at current_price.';
COMMENT ON COLUMN positions.realized_pnl IS 'Gain or loss in dollars already taken.';
COMMENT ON COLUMN positions.current_price IS 'Price of its side in dollars, 0 to 1, when this version was made.';
COMMENT ON COLUMN positions.unrealized_pnl_pct IS 'unrealized_pnl as a fraction of what was paid: 0.15 is 15 %.';
COMMENT ON COLUMN positions.last_update IS 'When the monitor last looked and found nothing changed; may move while the version is current.';
COMMENT ON COLUMN positions.trailing_stop_state IS 'Object: whether the trailing stop is active, its highest price and its level.';
COMMENT ON COLUMN positions.exit_reason IS 'The condition that closed it.';
COMMENT ON COLUMN positions.exit_priority IS 'How urgent the exit is: CRITICAL, HIGH, MEDIUM or LOW.';
COMMENT ON COLUMN positions.created_at IS 'When this version was inserted.';
COMMENT ON COLUMN positions.updated_at IS 'When the source last confirmed this version; may move while it is current, so that unchanged is told from stale.';
COMMENT ON COLUMN positions.row_current_ind IS 'True in the version that holds now.';
COMMENT ON COLUMN positions.row_start_ts IS 'Since when this version holds.';
COMMENT ON COLUMN positions.row_end_ts IS 'Until when it held; null exactly while it is current.';

CREATE TABLE trades (
    trade_id                bigint        GENERATED BY DEFAULT AS IDENTITY,
    market_id               text          NOT NULL,
    platform_id             text          NOT NULL,
    position_id             bigint,
    edge_id                 bigint,
    strategy_id             bigint,
    model_id                bigint,
    order_id                text,
    side                    text          NOT NULL,
    price                   DECIMAL(10,4) NOT NULL,
    quantity                DECIMAL(18,4) NOT NULL,
    fees                    DECIMAL(10,4),
    edge_at_execution       DECIMAL(10,4),
    confidence_at_execution text,
    created_at              timestamptz   NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT trades_pkey PRIMARY KEY (trade_id),
    CONSTRAINT trades_market_id_fkey FOREIGN KEY (market_id) REFERENCES market_keys,
    CONSTRAINT trades_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES platforms,
    CONSTRAINT trades_position_id_fkey FOREIGN KEY (position_id) REFERENCES position_keys,
    CONSTRAINT trades_edge_id_fkey FOREIGN KEY (edge_id) REFERENCES edge_keys,
    CONSTRAINT trades_strategy_id_fkey FOREIGN KEY (strategy_id) REFERENCES strategies,
    CONSTRAINT trades_model_id_fkey FOREIGN KEY (model_id) REFERENCES probability_models,
    CONSTRAINT trades_side_check CHECK (side IN ('buy', 'sell')),
    CONSTRAINT trades_price_check CHECK (price BETWEEN 0 AND 1),
    CONSTRAINT trades_quantity_check CHECK (quantity > 0 AND quantity < 'Infinity'),
    CONSTRAINT trades_fees_check CHECK (fees < 'Infinity'),
    CONSTRAINT trades_edge_at_execution_check CHECK (edge_at_execution < 'Infinity'),
    CONSTRAINT trades_confidence_at_execution_check CHECK (confidence_at_execution IN ('high', 'medium', 'low'))
);
CREATE INDEX trades_market_idx ON trades (market_id, created_at);
CREATE INDEX trades_position_idx ON trades (position_id);
CREATE INDEX trades_edge_idx ON trades (edge_id);
CREATE INDEX trades_strategy_idx ON trades (strategy_id, created_at);
CREATE INDEX trades_model_idx ON trades (model_id, created_at);
CREATE INDEX trades_order_idx ON trades (platform_id, order_id);
CREATE INDEX trades_created_at_idx ON trades (created_at);
COMMENT ON TABLE trades IS 'Append-only: every fill, with what led to it.';
COMMENT ON COLUMN trades.trade_id IS 'The trade.';
COMMENT ON COLUMN trades.market_id IS 'The market it was made on.';
COMMENT ON COLUMN trades.platform_id IS 'Where it was made.';
COMMENT ON COLUMN trades.position_id IS 'The position it opened, grew or shrank.';
COMMENT ON COLUMN trades.edge_id IS 'The edge it acted on.';
COMMENT ON COLUMN trades.strategy_id IS 'The strategy version that decided it.';
COMMENT ON COLUMN trades.model_id IS 'The model version that was believed.';
COMMENT ON COLUMN trades.order_id IS 'The platform''s order; one order may fill in several trades.';
COMMENT ON COLUMN trades.side IS 'buy or sell.';
COMMENT ON COLUMN trades.price IS 'Price in dollars per contract, 0 to 1.';
COMMENT ON COLUMN trades.quantity IS 'Contracts traded.';
COMMENT ON COLUMN trades.fees IS 'Fees in dollars; negative for a rebate.';
COMMENT ON COLUMN trades.edge_at_execution IS 'Expected gain in dollars per contract at that moment.';
COMMENT ON COLUMN trades.confidence_at_execution IS 'high, medium or low at that moment.';
COMMENT ON COLUMN trades.created_at IS 'When it was made.';

CREATE TABLE position_exits (
    exit_id                bigint        GENERATED BY DEFAULT AS IDENTITY,
    position_id            bigint        NOT NULL,
    exit_condition         text          NOT NULL,
    exit_priority          text          NOT NULL,
    quantity_exited        DECIMAL(18,4) NOT NULL,
    exit_price             DECIMAL(10,4) NOT NULL,
    unrealized_pnl_at_exit DECIMAL(10,4),
    created_at             timestamptz   NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT position_exits_pkey PRIMARY KEY (exit_id),
    CONSTRAINT position_exits_position_id_fkey FOREIGN KEY (position_id) REFERENCES position_keys,
    CONSTRAINT position_exits_exit_condition_check CHECK (exit_condition <> ''),
    CONSTRAINT position_exits_exit_priority_check CHECK (exit_priority IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    CONSTRAINT position_exits_quantity_exited_check CHECK (quantity_exited > 0 AND quantity_exited < 'Infinity'),
    CONSTRAINT position_exits_exit_price_check CHECK (exit_price BETWEEN 0 AND 1),
    CONSTRAINT position_exits_unrealized_pnl_at_exit_check CHECK (unrealized_pnl_at_exit < 'Infinity')
);
CREATE INDEX position_exits_position_idx ON position_exits (position_id, created_at);
COMMENT ON TABLE position_exits IS 'Append-only: each time a position was reduced or closed.';
COMMENT ON COLUMN position_exits.exit_id IS 'The exit.';
COMMENT ON COLUMN position_exits.position_id IS 'The position it reduced.';
COMMENT ON COLUMN position_exits.exit_condition IS 'What asked for it, such as stop_loss, trailing_stop or profit_target.';
COMMENT ON COLUMN position_exits.exit_priority IS 'CRITICAL, HIGH, MEDIUM or LOW.';
COMMENT ON COLUMN position_exits.quantity_exited IS 'Contracts sold.';
COMMENT ON COLUMN position_exits.exit_price IS 'Price in dollars per contract, 0 to 1.';
COMMENT ON COLUMN position_exits.unrealized_pnl_at_exit IS 'Gain or loss in dollars just before it.';
COMMENT ON COLUMN position_exits.created_at IS 'When it happened.';

CREATE TABLE exit_attempts (
    attempt_id      bigint        GENERATED BY DEFAULT AS IDENTITY,
    position_id     bigint        NOT NULL,
    exit_condition  text          NOT NULL,
    priority_level  text          NOT NULL,
    order_type      text          NOT NULL,
    limit_price     DECIMAL(10,4),
    fill_price      DECIMAL(10,4),
    quantity        DECIMAL(18,4) NOT NULL,
    attempt_number  integer       NOT NULL,
    timeout_seconds integer,
    success         boolean       NOT NULL,
    created_at      timestamptz   NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT exit_attempts_pkey PRIMARY KEY (attempt_id),
    CONSTRAINT exit_attempts_position_id_fkey FOREIGN KEY (position_id) REFERENCES position_keys,
    CONSTRAINT exit_attempts_exit_condition_check CHECK (exit_condition <> ''),
    CONSTRAINT exit_attempts_priority_level_check CHECK (priority_level IN ('CRITICAL', 'HIGH', 'MEDIUM', 'LOW')),
    CONSTRAINT exit_attempts_order_type_check CHECK (order_type IN ('market', 'limit')),
    CONSTRAINT exit_attempts_limit_price_check CHECK (limit_price BETWEEN 0 AND 1 AND (limit_price IS NOT NULL OR order_type = 'market')),
    CONSTRAINT exit_attempts_fill_price_check CHECK (fill_price BETWEEN 0 AND 1),
    CONSTRAINT exit_attempts_quantity_check CHECK (quantity > 0 AND quantity < 'Infinity'),
    CONSTRAINT exit_attempts_attempt_number_check CHECK (attempt_number >= 1),
    CONSTRAINT exit_attempts_timeout_seconds_check CHECK (timeout_seconds > 0)
);
CREATE INDEX exit_attempts_position_idx ON exit_attempts (position_id, created_at);
COMMENT ON TABLE exit_attempts IS 'Append-only: every order sent to leave a position, filled or not.';
COMMENT ON COLUMN exit_attempts.attempt_id IS 'The attempt.';
COMMENT ON COLUMN exit_attempts.position_id IS 'The position to leave.';
COMMENT ON COLUMN exit_attempts.exit_condition IS 'What asked for it, such as stop_loss, trailing_stop or profit_target.';
COMMENT ON COLUMN exit_attempts.priority_level IS 'CRITICAL, HIGH, MEDIUM or LOW.';
COMMENT ON COLUMN exit_attempts.order_type IS 'market or limit.';
COMMENT ON COLUMN exit_attempts.limit_price IS 'The limit in dollars, 0 to 1; required for a limit order.';
COMMENT ON COLUMN exit_attempts.fill_price IS 'The price it filled at in dollars, 0 to 1.';
COMMENT ON COLUMN exit_attempts.quantity IS 'Contracts to sell.';
COMMENT ON COLUMN exit_attempts.attempt_number IS 'Number of this try of the exit, from 1.';
COMMENT ON COLUMN exit_attempts.timeout_seconds IS 'How long it was left to fill.';
COMMENT ON COLUMN exit_attempts.success IS 'Whether it filled.';
COMMENT ON COLUMN exit_attempts.created_at IS 'When its outcome was recorded.';

CREATE TABLE settlements (
    settlement_id bigint        GENERATED BY DEFAULT AS IDENTITY,
    market_id     text          NOT NULL,
    platform_id   text          NOT NULL,
    outcome       text          NOT NULL,
    payout        DECIMAL(10,4) NOT NULL,
    created_at    timestamptz   NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT settlements_pkey PRIMARY KEY (settlement_id),
    CONSTRAINT settlements_market_id_fkey FOREIGN KEY (market_id) REFERENCES market_keys,
    CONSTRAINT settlements_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES platforms,
    CONSTRAINT settlements_outcome_check CHECK (outcome IN ('yes', 'no', 'other')),
    CONSTRAINT settlements_payout_check CHECK (payout >= 0 AND payout < 'Infinity')
);
CREATE INDEX settlements_market_idx ON settlements (market_id, created_at);
COMMENT ON TABLE settlements IS 'Append-only: how markets were settled; a platform''s correction is a further row, and the newest holds.';
COMMENT ON COLUMN settlements.settlement_id IS 'The settlement.';
COMMENT ON COLUMN settlements.market_id IS 'The market that was settled.';
COMMENT ON COLUMN settlements.platform_id IS 'Who settled it.';
COMMENT ON COLUMN settlements.outcome IS 'yes, no or other.';
COMMENT ON COLUMN settlements.payout IS 'What was paid, in dollars.';
COMMENT ON COLUMN settlements.created_at IS 'When it was recorded.';

CREATE TABLE account_balance (
    balance_id      bigint        GENERATED BY DEFAULT AS IDENTITY,
    platform_id     text          NOT NULL,
    balance         DECIMAL(10,4) NOT NULL,
    currency        text          NOT NULL DEFAULT 'USD',
    created_at      timestamptz   NOT NULL DEFAULT clock_timestamp(),
    row_current_ind boolean       NOT NULL DEFAULT true,
    row_start_ts    timestamptz   NOT NULL DEFAULT clock_timestamp(),
    row_end_ts      timestamptz,
    CONSTRAINT account_balance_pkey PRIMARY KEY (balance_id),
    CONSTRAINT account_balance_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES platforms,
    CONSTRAINT account_balance_version_key UNIQUE (platform_id, currency, row_start_ts),
    CONSTRAINT account_balance_balance_check CHECK (balance < 'Infinity'),
    CONSTRAINT account_balance_currency_check CHECK (currency ~ '^[A-Z]{3,5}$'),
    CONSTRAINT account_balance_row_period_check CHECK (row_current_ind = (row_end_ts IS NULL) AND row_end_ts > row_start_ts)
);
CREATE UNIQUE INDEX account_balance_current_key ON account_balance (platform_id, currency) WHERE row_current_ind;
COMMENT ON TABLE account_balance IS 'Versioned: the cash held on a platform. One row per change; one current row per platform_id and currency. Nothing references it.';
COMMENT ON COLUMN account_balance.balance_id IS 'This version.';
COMMENT ON COLUMN account_balance.platform_id IS 'Where it is held.';
COMMENT ON COLUMN account_balance.balance IS 'Amount; negative when owed.';
COMMENT ON COLUMN account_balance.currency IS 'Code in capitals, such as USD or USDC.';
COMMENT ON COLUMN account_balance.created_at IS 'When this version was inserted.';
COMMENT ON COLUMN account_balance.row_current_ind IS 'True in the version that holds now.';
COMMENT ON COLUMN account_balance.row_start_ts IS 'Since when this version holds.';
COMMENT ON COLUMN account_balance.row_end_ts IS 'Until when it held; null exactly while it is current.';


-- How the system fares ------------------------------------------------------------------------------------------------

CREATE TABLE config_overrides (
    override_id    bigint      GENERATED BY DEFAULT AS IDENTITY,
    config_key     text        NOT NULL,
    override_value jsonb       NOT NULL,
    data_type      text        NOT NULL,
    reason         text,
    applied_by     text,
    applied_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at     timestamptz,
    active         boolean     NOT NULL DEFAULT true,
    CONSTRAINT config_overrides_pkey PRIMARY KEY (override_id),
    CONSTRAINT config_overrides_config_key_check CHECK (config_key ~ '^[^.[:space:]]+(\.[^.[:space:]]+)*$'),
    CONSTRAINT config_overrides_data_type_check CHECK (data_type <> ''),
    CONSTRAINT config_overrides_expires_at_check CHECK (expires_at > applied_at)
);
CREATE UNIQUE INDEX config_overrides_active_key ON config_overrides (config_key) WHERE active;
COMMENT ON TABLE config_overrides IS 'Values set at run time over those of the YAML files; at most one active per key.';
COMMENT ON COLUMN config_overrides.override_id IS 'The override.';
COMMENT ON COLUMN config_overrides.config_key IS 'Path of the key, such as trading.sports_live.execution.max_spread.';
COMMENT ON COLUMN config_overrides.override_value IS 'The value that holds instead.';
COMMENT ON COLUMN config_overrides.data_type IS 'How to read the value, such as decimal, integer, boolean or string.';
COMMENT ON COLUMN config_overrides.reason IS 'Why.';
COMMENT ON COLUMN config_overrides.applied_by IS 'Who.';
COMMENT ON COLUMN config_overrides.applied_at IS 'Since when.';
COMMENT ON COLUMN config_overrides.expires_at IS 'Until when; null: until it is switched off.';
COMMENT ON COLUMN config_overrides.active IS 'Whether it holds.';

CREATE TABLE circuit_breaker_events (
    event_id          bigint      GENERATED BY DEFAULT AS IDENTITY,
    breaker_type      text        NOT NULL,
    triggered_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    resolved_at       timestamptz,
    trigger_value     jsonb       NOT NULL,
    resolution_action text,
    notes             text,
    CONSTRAINT circuit_breaker_events_pkey PRIMARY KEY (event_id),
    CONSTRAINT circuit_breaker_events_breaker_type_check CHECK (breaker_type IN
        ('daily_loss_limit', 'api_failures', 'data_stale', 'edge_anomaly', 'rapid_loss', 'unusual_activity', 'consecutive_losses')),
    CONSTRAINT circuit_breaker_events_resolved_at_check CHECK (resolved_at >= triggered_at),
    CONSTRAINT circuit_breaker_events_resolution_action_check CHECK (resolution_action IS NULL OR resolved_at IS NOT NULL)
);
CREATE INDEX circuit_breaker_events_type_idx ON circuit_breaker_events (breaker_type, triggered_at);
CREATE INDEX circuit_breaker_events_open_idx ON circuit_breaker_events (triggered_at) WHERE resolved_at IS NULL;
COMMENT ON TABLE circuit_breaker_events IS 'Append-only: every time a breaker tripped. resolved_at, resolution_action and notes are filled once.';
COMMENT ON COLUMN circuit_breaker_events.event_id IS 'The trip.';
COMMENT ON COLUMN circuit_breaker_events.breaker_type IS 'daily_loss_limit, api_failures, data_stale, edge_anomaly, rapid_loss, unusual_activity or consecutive_losses.';
COMMENT ON COLUMN circuit_breaker_events.triggered_at IS 'When it tripped.';
COMMENT ON COLUMN circuit_breaker_events.resolved_at IS 'When trading was let go on; filled once.';
COMMENT ON COLUMN circuit_breaker_events.trigger_value IS 'What was measured and the limit it crossed.';
COMMENT ON COLUMN circuit_breaker_events.resolution_action IS 'What was done about it; filled once, with or after resolved_at.';
COMMENT ON COLUMN circuit_breaker_events.notes IS 'Free text; filled once.';

CREATE TABLE system_health (
    health_id  bigint      GENERATED BY DEFAULT AS IDENTITY,
    component  text        NOT NULL,
    status     text        NOT NULL,
    last_check timestamptz NOT NULL DEFAULT clock_timestamp(),
    details    jsonb,
    alert_sent boolean     NOT NULL DEFAULT false,
    CONSTRAINT system_health_pkey PRIMARY KEY (health_id),
    CONSTRAINT system_health_component_check CHECK (component <> ''),
    CONSTRAINT system_health_status_check CHECK (status IN ('healthy', 'degraded', 'down')),
    CONSTRAINT system_health_details_check CHECK (jsonb_typeof(details) = 'object')
);
CREATE INDEX system_health_component_idx ON system_health (component, last_check DESC);
COMMENT ON TABLE system_health IS 'One row per health check of a component; the newest is its state.';
COMMENT ON COLUMN system_health.health_id IS 'The check.';
COMMENT ON COLUMN system_health.component IS 'What was checked, such as kalshi_api, database or edge_detector.';
COMMENT ON COLUMN system_health.status IS 'healthy, degraded or down.';
COMMENT ON COLUMN system_health.last_check IS 'When it was checked.';
COMMENT ON COLUMN system_health.details IS 'Object: what was measured.';
COMMENT ON COLUMN system_health.alert_sent IS 'Whether an alert was logged for it.';


-- Which rule holds where ----------------------------------------------------------------------------------------------

CREATE TRIGGER markets_key_registers_trg BEFORE INSERT ON markets
    FOR EACH ROW EXECUTE FUNCTION key_registers('market_keys', 'market_id');
CREATE TRIGGER edges_key_registers_trg BEFORE INSERT ON edges
    FOR EACH ROW EXECUTE FUNCTION key_registers('edge_keys', 'edge_id');
CREATE TRIGGER positions_key_registers_trg BEFORE INSERT ON positions
    FOR EACH ROW EXECUTE FUNCTION key_registers('position_keys', 'position_id');

CREATE TRIGGER markets_version_opens_trg BEFORE INSERT ON markets
    FOR EACH ROW EXECUTE FUNCTION version_opens('market_id');
CREATE TRIGGER game_states_version_opens_trg BEFORE INSERT ON game_states
    FOR EACH ROW EXECUTE FUNCTION version_opens('event_id', 'external_game_id');
CREATE TRIGGER edges_version_opens_trg BEFORE INSERT ON edges
    FOR EACH ROW EXECUTE FUNCTION version_opens('edge_id');
CREATE TRIGGER positions_version_opens_trg BEFORE INSERT ON positions
    FOR EACH ROW EXECUTE FUNCTION version_opens('position_id');
CREATE TRIGGER account_balance_version_opens_trg BEFORE INSERT ON account_balance
    FOR EACH ROW EXECUTE FUNCTION version_opens('platform_id', 'currency');

-- What may move in a current version: only the time at which it was last found unchanged. A version per look would say
-- nothing new, and without that time a quiet market cannot be told from a dead feed.
CREATE TRIGGER markets_version_closes_trg BEFORE UPDATE ON markets
    FOR EACH ROW EXECUTE FUNCTION version_closes('updated_at');
CREATE TRIGGER game_states_version_closes_trg BEFORE UPDATE ON game_states
    FOR EACH ROW EXECUTE FUNCTION version_closes('updated_at');
CREATE TRIGGER edges_version_closes_trg BEFORE UPDATE ON edges
    FOR EACH ROW EXECUTE FUNCTION version_closes();
CREATE TRIGGER positions_version_closes_trg BEFORE UPDATE ON positions
    FOR EACH ROW EXECUTE FUNCTION version_closes('updated_at', 'last_update');
CREATE TRIGGER account_balance_version_closes_trg BEFORE UPDATE ON account_balance
    FOR EACH ROW EXECUTE FUNCTION version_closes();

CREATE TRIGGER strategies_config_is_frozen_trg BEFORE UPDATE ON strategies
    FOR EACH ROW EXECUTE FUNCTION config_is_frozen(
        'strategy_id', 'strategy_name', 'strategy_version', 'strategy_type', 'sport', 'config', 'created_at', 'created_by');
CREATE TRIGGER probability_models_config_is_frozen_trg BEFORE UPDATE ON probability_models
    FOR EACH ROW EXECUTE FUNCTION config_is_frozen(
        'model_id', 'model_name', 'model_version', 'model_type', 'category', 'sport', 'config', 'created_at', 'created_by');

CREATE TRIGGER trades_rows_are_final_trg BEFORE UPDATE ON trades
    FOR EACH ROW EXECUTE FUNCTION rows_are_final();
CREATE TRIGGER settlements_rows_are_final_trg BEFORE UPDATE ON settlements
    FOR EACH ROW EXECUTE FUNCTION rows_are_final();
CREATE TRIGGER position_exits_rows_are_final_trg BEFORE UPDATE ON position_exits
    FOR EACH ROW EXECUTE FUNCTION rows_are_final();
CREATE TRIGGER exit_attempts_rows_are_final_trg BEFORE UPDATE ON exit_attempts
    FOR EACH ROW EXECUTE FUNCTION rows_are_final();
CREATE TRIGGER circuit_breaker_events_rows_are_final_trg BEFORE UPDATE ON circuit_breaker_events
    FOR EACH ROW EXECUTE FUNCTION rows_are_final('resolved_at', 'resolution_action', 'notes');

CREATE TRIGGER markets_rows_stay_trg BEFORE DELETE OR TRUNCATE ON markets EXECUTE FUNCTION rows_stay();
CREATE TRIGGER game_states_rows_stay_trg BEFORE DELETE OR TRUNCATE ON game_states EXECUTE FUNCTION rows_stay();
CREATE TRIGGER edges_rows_stay_trg BEFORE DELETE OR TRUNCATE ON edges EXECUTE FUNCTION rows_stay();
CREATE TRIGGER positions_rows_stay_trg BEFORE DELETE OR TRUNCATE ON positions EXECUTE FUNCTION rows_stay();
CREATE TRIGGER account_balance_rows_stay_trg BEFORE DELETE OR TRUNCATE ON account_balance EXECUTE FUNCTION rows_stay();
CREATE TRIGGER strategies_rows_stay_trg BEFORE DELETE OR TRUNCATE ON strategies EXECUTE FUNCTION rows_stay();
CREATE TRIGGER probability_models_rows_stay_trg BEFORE DELETE OR TRUNCATE ON probability_models EXECUTE FUNCTION rows_stay();
CREATE TRIGGER trades_rows_stay_trg BEFORE DELETE OR TRUNCATE ON trades EXECUTE FUNCTION rows_stay();
CREATE TRIGGER settlements_rows_stay_trg BEFORE DELETE OR TRUNCATE ON settlements EXECUTE FUNCTION rows_stay();
CREATE TRIGGER position_exits_rows_stay_trg BEFORE DELETE OR TRUNCATE ON position_exits EXECUTE FUNCTION rows_stay();
CREATE TRIGGER exit_attempts_rows_stay_trg BEFORE DELETE OR TRUNCATE ON exit_attempts EXECUTE FUNCTION rows_stay();
CREATE TRIGGER circuit_breaker_events_rows_stay_trg BEFORE DELETE OR TRUNCATE ON circuit_breaker_events EXECUTE FUNCTION rows_stay();


-- Views ---------------------------------------------------------------------------------------------------------------

CREATE VIEW current_markets AS SELECT * FROM markets WHERE row_current_ind;
COMMENT ON VIEW current_markets IS 'The markets as they are now.';

CREATE VIEW current_positions AS SELECT * FROM positions WHERE row_current_ind;
COMMENT ON VIEW current_positions IS 'The positions as they are now, closed and settled ones included.';

CREATE VIEW current_edges AS SELECT * FROM edges WHERE row_current_ind;
COMMENT ON VIEW current_edges IS 'The edges as they are now.';

CREATE VIEW current_game_states AS SELECT * FROM game_states WHERE row_current_ind;
COMMENT ON VIEW current_game_states IS 'The games as they stand now.';

CREATE VIEW current_balances AS SELECT * FROM account_balance WHERE row_current_ind;
COMMENT ON VIEW current_balances IS 'The cash on each platform now.';

CREATE VIEW active_strategies AS SELECT * FROM strategies WHERE status = 'active';
COMMENT ON VIEW active_strategies IS 'The strategy versions in use; several of one name may run side by side.';

CREATE VIEW active_models AS SELECT * FROM probability_models WHERE status = 'active';
COMMENT ON VIEW active_models IS 'The model versions in use; several of one name may run side by side.';

CREATE VIEW trade_attribution AS
SELECT t.trade_id,
       t.created_at,
       t.platform_id,
       t.market_id,
       m.ticker,
       m.title AS market_title,
       m.event_id,
       t.position_id,
       t.order_id,
       t.side,
       t.price,
       t.quantity,
       t.fees,
       t.edge_id,
       t.edge_at_execution,
       t.confidence_at_execution,
       e.expected_value,
       e.true_win_probability,
       e.market_implied_probability,
       e.recommended_action,
       t.strategy_id,
       s.strategy_name,
       s.strategy_version,
       t.model_id,
       p.model_name,
       p.model_version
  FROM trades t
  LEFT JOIN strategies s ON s.strategy_id = t.strategy_id
  LEFT JOIN probability_models p ON p.model_id = t.model_id
  LEFT JOIN LATERAL (SELECT v.ticker, v.title, v.event_id FROM markets v
                      WHERE v.market_id = t.market_id AND v.row_start_ts <= t.created_at
                      ORDER BY v.row_start_ts DESC LIMIT 1) m ON true
  LEFT JOIN LATERAL (SELECT v.expected_value, v.true_win_probability, v.market_implied_probability, v.recommended_action
                       FROM edges v
                      WHERE v.edge_id = t.edge_id AND v.row_start_ts <= t.created_at
                      ORDER BY v.row_start_ts DESC LIMIT 1) e ON true;
COMMENT ON VIEW trade_attribution IS 'Every trade with the strategy and model version behind it, and the market and edge as they were at that moment.';

COMMIT;
