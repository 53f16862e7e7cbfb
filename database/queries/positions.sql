-- name: positions.record
-- As markets.record. Without an id a new position begins; an id that nobody gave out changes nothing and returns no id.
WITH current AS MATERIALIZED (
    SELECT p.position_row_id,
           (p.market_id, p.platform_id, p.side, p.entry_price, p.quantity, p.fees, p.status, p.unrealized_pnl,
            p.realized_pnl, p.current_price, p.unrealized_pnl_pct, p.trailing_stop_state, p.exit_reason,
            p.exit_priority)
           IS NOT DISTINCT FROM
           (%(market_id)s::text, %(platform_id)s::text, %(side)s::text, %(entry_price)s::numeric,
            %(quantity)s::numeric, %(fees)s::numeric, %(status)s::text, %(unrealized_pnl)s::numeric,
            %(realized_pnl)s::numeric, %(current_price)s::numeric, %(unrealized_pnl_pct)s::numeric,
            %(trailing_stop_state)s::jsonb, %(exit_reason)s::text, %(exit_priority)s::text) AS same
    FROM public.positions AS p
    WHERE p.position_id = %(position_id)s::bigint AND p.row_current_ind
), seen AS (
    UPDATE public.positions AS p
    SET updated_at = greatest(p.updated_at, coalesce(%(at)s::timestamptz, clock_timestamp())),
        last_update = greatest(p.last_update, coalesce(%(at)s::timestamptz, clock_timestamp()))
    FROM current WHERE p.position_row_id = current.position_row_id AND current.same
), closed AS (
    UPDATE public.positions AS p
    SET row_current_ind = false,
        row_end_ts = greatest(coalesce(%(at)s::timestamptz, clock_timestamp()), p.row_start_ts + interval '1 microsecond')
    FROM current WHERE p.position_row_id = current.position_row_id AND NOT current.same
    RETURNING p.row_end_ts
), opened AS (
    INSERT INTO public.positions (
        position_id, market_id, platform_id, side, entry_price, quantity, fees, status, unrealized_pnl, realized_pnl,
        current_price, unrealized_pnl_pct, trailing_stop_state, exit_reason, exit_priority, created_at, updated_at,
        last_update, row_start_ts)
    SELECT %(position_id)s::bigint, %(market_id)s::text, %(platform_id)s::text, %(side)s::text,
           %(entry_price)s::numeric, %(quantity)s::numeric, %(fees)s::numeric, %(status)s::text,
           %(unrealized_pnl)s::numeric, %(realized_pnl)s::numeric, %(current_price)s::numeric,
           %(unrealized_pnl_pct)s::numeric, %(trailing_stop_state)s::jsonb, %(exit_reason)s::text,
           %(exit_priority)s::text, begins.at, begins.at, begins.at, begins.at
    FROM (SELECT coalesce((SELECT closed.row_end_ts FROM closed), %(at)s::timestamptz, clock_timestamp()) AS at) AS begins
    WHERE NOT EXISTS (SELECT FROM current WHERE current.same)
      AND (%(position_id)s::bigint IS NULL OR EXISTS (SELECT FROM current))
    RETURNING position_id
)
SELECT EXISTS (SELECT FROM opened) AS changed,
       coalesce((SELECT opened.position_id FROM opened), (SELECT %(position_id)s::bigint FROM current)) AS id

-- name: positions.current
-- One position, or with a null id those that are open.
SELECT p.position_id, p.market_id, p.platform_id, p.side, p.entry_price, p.quantity, p.fees, p.status, p.unrealized_pnl,
       p.realized_pnl, p.current_price, p.unrealized_pnl_pct, p.trailing_stop_state::text, p.exit_reason, p.exit_priority
FROM public.positions AS p
WHERE p.row_current_ind AND (p.position_id = %(position_id)s::bigint OR %(position_id)s::bigint IS NULL AND p.status = 'open')
ORDER BY p.position_id
