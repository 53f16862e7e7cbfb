-- name: balances.record
-- As markets.record; an unchanged balance stays as it is.
WITH current AS MATERIALIZED (
    SELECT b.balance_id,
           b.balance = %(balance)s::numeric AS same
    FROM public.account_balance AS b
    WHERE b.platform_id = %(platform_id)s::text AND b.currency = %(currency)s::text AND b.row_current_ind
), closed AS (
    UPDATE public.account_balance AS b
    SET row_current_ind = false,
        row_end_ts = greatest(coalesce(%(at)s::timestamptz, clock_timestamp()), b.row_start_ts + interval '1 microsecond')
    FROM current WHERE b.balance_id = current.balance_id AND NOT current.same
    RETURNING b.row_end_ts
), opened AS (
    INSERT INTO public.account_balance (
        platform_id, currency, balance, created_at, row_start_ts)
    SELECT %(platform_id)s::text, %(currency)s::text, %(balance)s::numeric, begins.at, begins.at
    FROM (SELECT coalesce((SELECT closed.row_end_ts FROM closed), %(at)s::timestamptz, clock_timestamp()) AS at) AS begins
    WHERE NOT EXISTS (SELECT FROM current WHERE current.same)
    RETURNING platform_id
)
SELECT EXISTS (SELECT FROM opened) AS changed,
       coalesce((SELECT opened.platform_id FROM opened), (SELECT %(platform_id)s::text FROM current)) AS id

-- name: balances.current
SELECT b.balance
FROM public.account_balance AS b
WHERE b.platform_id = %(platform_id)s::text AND b.currency = %(currency)s::text AND b.row_current_ind
