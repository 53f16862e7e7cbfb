-- name: markets.record
-- The market as its source shows it now. Unchanged, its version is confirmed; changed, that version ends in the moment in
-- which the next begins. Run after trading.lock in the same transaction.
WITH current AS MATERIALIZED (
    SELECT m.market_row_id,
           (m.platform_id, m.event_id, m.external_id, m.ticker, m.title, m.market_type, m.yes_price, m.no_price,
            m.volume, m.open_interest, m.spread, m.status, m.settlement_value, m.metadata)
           IS NOT DISTINCT FROM
           (%(platform_id)s::text, %(event_id)s::text, %(external_id)s::text, %(ticker)s::text, %(title)s::text,
            %(market_type)s::text, %(yes_price)s::numeric, %(no_price)s::numeric, %(volume)s::numeric,
            %(open_interest)s::numeric, %(spread)s::numeric, %(status)s::text, %(settlement_value)s::numeric,
            %(metadata)s::jsonb) AS same
    FROM public.markets AS m
    WHERE m.market_id = %(market_id)s::text AND m.row_current_ind
), seen AS (
    UPDATE public.markets AS m
    SET updated_at = greatest(m.updated_at, coalesce(%(at)s::timestamptz, clock_timestamp()))
    FROM current WHERE m.market_row_id = current.market_row_id AND current.same
), closed AS (
    UPDATE public.markets AS m
    SET row_current_ind = false,
        row_end_ts = greatest(coalesce(%(at)s::timestamptz, clock_timestamp()), m.row_start_ts + interval '1 microsecond')
    FROM current WHERE m.market_row_id = current.market_row_id AND NOT current.same
    RETURNING m.row_end_ts
), opened AS (
    INSERT INTO public.markets (
        market_id, platform_id, event_id, external_id, ticker, title, market_type, yes_price, no_price, volume,
        open_interest, spread, status, settlement_value, metadata, created_at, updated_at, row_start_ts)
    SELECT %(market_id)s::text, %(platform_id)s::text, %(event_id)s::text, %(external_id)s::text, %(ticker)s::text,
           %(title)s::text, %(market_type)s::text, %(yes_price)s::numeric, %(no_price)s::numeric, %(volume)s::numeric,
           %(open_interest)s::numeric, %(spread)s::numeric, %(status)s::text, %(settlement_value)s::numeric,
           %(metadata)s::jsonb, begins.at, begins.at, begins.at
    FROM (SELECT coalesce((SELECT closed.row_end_ts FROM closed), %(at)s::timestamptz, clock_timestamp()) AS at) AS begins
    WHERE NOT EXISTS (SELECT FROM current WHERE current.same)
    RETURNING market_id
)
SELECT EXISTS (SELECT FROM opened) AS changed,
       coalesce((SELECT opened.market_id FROM opened), (SELECT %(market_id)s::text FROM current)) AS id

-- name: markets.current
SELECT m.market_id, m.platform_id, m.event_id, m.external_id, m.ticker, m.title, m.market_type, m.yes_price, m.no_price,
       m.volume, m.open_interest, m.spread, m.status, m.settlement_value, m.metadata::text
FROM public.markets AS m
WHERE m.market_id = %(market_id)s::text AND m.row_current_ind
