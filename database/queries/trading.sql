-- name: trading.lock
-- Serialises the versions of one thing, so that each sees the one before it. A statement of its own: the next one then
-- has a snapshot in which that is committed.
SELECT pg_advisory_xact_lock(hashtextextended(%(thing)s::text, 0))

-- name: trading.clock
SELECT clock_timestamp() AS now

-- name: trading.platform
INSERT INTO public.platforms (platform_id, platform_type, display_name, auth_method, status)
VALUES (%(platform_id)s::text, %(platform_type)s::text, %(display_name)s::text, %(auth_method)s::text, %(status)s::text)
ON CONFLICT (platform_id) DO UPDATE
SET display_name = excluded.display_name, auth_method = excluded.auth_method, status = excluded.status

-- name: trading.series
INSERT INTO public.series (series_id, platform_id, external_id, category, subcategory, title)
VALUES (%(series_id)s::text, %(platform_id)s::text, %(external_id)s::text, %(category)s::text, %(subcategory)s::text,
        %(title)s::text)
ON CONFLICT (series_id) DO UPDATE
SET title = excluded.title, subcategory = excluded.subcategory, updated_at = clock_timestamp()

-- name: trading.event
INSERT INTO public.events (event_id, platform_id, series_id, external_id, category, subcategory, title, start_time, status)
VALUES (%(event_id)s::text, %(platform_id)s::text, %(series_id)s::text, %(external_id)s::text, %(category)s::text,
        %(subcategory)s::text, %(title)s::text, %(start_time)s::timestamptz, %(status)s::text)
ON CONFLICT (event_id) DO UPDATE
SET title = excluded.title, subcategory = excluded.subcategory, start_time = excluded.start_time,
    status = excluded.status, updated_at = clock_timestamp()

-- name: trading.strategy
INSERT INTO public.strategies (strategy_name, strategy_version, strategy_type, sport, config, status, description, created_by)
VALUES (%(name)s::text, %(version)s::text, %(strategy_type)s::text, %(sport)s::text, %(config)s::jsonb, %(status)s::text,
        %(description)s::text, %(created_by)s::text)
RETURNING strategy_id AS id

-- name: trading.model
INSERT INTO public.probability_models (model_name, model_version, model_type, category, sport, config, status,
    validation_accuracy, validation_calibration, validation_sample_size, description, created_by)
VALUES (%(name)s::text, %(version)s::text, %(model_type)s::text, %(category)s::text, %(sport)s::text, %(config)s::jsonb,
        %(status)s::text, %(validation_accuracy)s::numeric, %(validation_calibration)s::numeric,
        %(validation_sample_size)s::int, %(description)s::text, %(created_by)s::text)
RETURNING model_id AS id

-- name: trading.strategy_to_move
-- Held until the end of the transaction, so that of two moves each is judged by what the other made of it.
SELECT s.strategy_name || '@' || s.strategy_version AS name, s.status
FROM public.strategies AS s
WHERE s.strategy_id = %(id)s::bigint
FOR NO KEY UPDATE

-- name: trading.move_strategy
UPDATE public.strategies SET status = %(status)s::text WHERE strategy_id = %(id)s::bigint

-- name: trading.model_to_move
-- As trading.strategy_to_move.
SELECT p.model_name || '@' || p.model_version AS name, p.status
FROM public.probability_models AS p
WHERE p.model_id = %(id)s::bigint
FOR NO KEY UPDATE

-- name: trading.move_model
UPDATE public.probability_models SET status = %(status)s::text WHERE model_id = %(id)s::bigint

-- name: trading.trade
INSERT INTO public.trades (market_id, platform_id, method_id, position_id, edge_id, strategy_id, model_id, order_id, side,
    price, quantity, fees, is_paper, edge_at_execution, confidence_at_execution, created_at)
VALUES (%(market_id)s::text, %(platform_id)s::text, %(method_id)s::bigint, %(position_id)s::bigint, %(edge_id)s::bigint,
        %(strategy_id)s::bigint, %(model_id)s::bigint, %(order_id)s::text, %(side)s::text, %(price)s::numeric,
        %(quantity)s::numeric, %(fees)s::numeric, %(is_paper)s::boolean, %(edge_at_execution)s::numeric,
        %(confidence_at_execution)s::text, coalesce(%(at)s::timestamptz, clock_timestamp()))
RETURNING trade_id AS id

-- name: trading.exit_attempt
INSERT INTO public.exit_attempts (position_id, exit_condition, priority_level, order_type, limit_price, fill_price, quantity,
    attempt_number, timeout_seconds, success, created_at)
VALUES (%(position_id)s::bigint, %(exit_condition)s::text, %(priority_level)s::text, %(order_type)s::text,
        %(limit_price)s::numeric, %(fill_price)s::numeric, %(quantity)s::numeric, %(attempt_number)s::int,
        %(timeout_seconds)s::int, %(success)s::boolean, coalesce(%(at)s::timestamptz, clock_timestamp()))
RETURNING attempt_id AS id

-- name: trading.position_exit
INSERT INTO public.position_exits (position_id, exit_condition, exit_priority, quantity_exited, exit_price,
    unrealized_pnl_at_exit, created_at)
VALUES (%(position_id)s::bigint, %(exit_condition)s::text, %(exit_priority)s::text, %(quantity_exited)s::numeric,
        %(exit_price)s::numeric, %(unrealized_pnl_at_exit)s::numeric, coalesce(%(at)s::timestamptz, clock_timestamp()))
RETURNING exit_id AS id

-- name: trading.settlement
INSERT INTO public.settlements (market_id, platform_id, outcome, payout, created_at)
VALUES (%(market_id)s::text, %(platform_id)s::text, %(outcome)s::text, %(payout)s::numeric,
        coalesce(%(at)s::timestamptz, clock_timestamp()))
RETURNING settlement_id AS id

-- name: trading.api_failure
INSERT INTO public.api_failures (platform_id, request, error, created_at)
VALUES (%(platform_id)s::text, %(request)s::text, %(error)s::text, coalesce(%(at)s::timestamptz, clock_timestamp()))
RETURNING failure_id AS id
