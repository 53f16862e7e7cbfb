-- name: breakers.api_failures
-- Failed requests since a moment, by platform.
SELECT f.platform_id, count(*) AS failures, (array_agg(f.error ORDER BY f.created_at DESC))[1] AS last_error
FROM public.api_failures AS f
WHERE f.created_at > public.breaker_counts_from('api_failures', jsonb_build_object('platform_id', f.platform_id), %(since)s::timestamptz)
  AND f.created_at > %(since)s::timestamptz AND f.created_at <= %(now)s::timestamptz
GROUP BY f.platform_id
ORDER BY f.platform_id

-- name: breakers.live_markets
-- The open markets of live events, and since when nothing came of each: a resolution counts as news.
SELECT m.market_id, m.platform_id,
       public.breaker_counts_from(
           'data_stale', jsonb_build_object('market_id', m.market_id),
           public.breaker_counts_from('data_stale', jsonb_build_object('platform_id', m.platform_id), m.updated_at)) AS seen_at
FROM public.markets AS m
JOIN public.events AS e ON e.event_id = m.event_id
WHERE m.row_current_ind AND m.status = 'open' AND e.status = 'live'
ORDER BY m.platform_id, m.market_id

-- name: breakers.large_edges
-- Edges above a size that were found since a moment, by model and strategy; the method's where the edge names none.
SELECT found.model_id, found.strategy_id, count(DISTINCT found.edge_id) AS edges, max(found.expected_value) AS largest
FROM (SELECT e.edge_id, e.expected_value, e.created_at,
             coalesce(e.model_id, m.model_id) AS model_id, coalesce(e.strategy_id, m.strategy_id) AS strategy_id
      FROM public.edges AS e
      LEFT JOIN public.methods AS m ON m.method_id = e.method_id
      WHERE e.created_at > %(since)s::timestamptz AND e.created_at <= %(now)s::timestamptz
        AND e.expected_value > %(above)s::numeric) AS found
WHERE found.created_at > public.breaker_counts_from(
    'edge_anomaly', jsonb_build_object('model_id', found.model_id, 'strategy_id', found.strategy_id), %(since)s::timestamptz)
GROUP BY found.model_id, found.strategy_id
ORDER BY found.model_id, found.strategy_id

-- name: breakers.changes
-- How gains and losses, taken or not, moved since a moment, by platform: what each position stands at now minus what it
-- stood at then. Positions on paper are left out.
SELECT p.platform_id, count(*) AS positions,
       sum(coalesce(p.realized_pnl, 0) + coalesce(p.unrealized_pnl, 0) - coalesce(before.pnl, 0)) AS change
FROM (SELECT f.platform_id,
             public.breaker_counts_from(
                 %(breaker)s::text, jsonb_build_object('platform_id', f.platform_id) || %(scope)s::jsonb,
                 %(since)s::timestamptz) AS since
      FROM public.platforms AS f) AS f
JOIN public.positions AS p ON p.platform_id = f.platform_id AND p.row_current_ind AND p.row_start_ts > f.since
LEFT JOIN LATERAL (SELECT coalesce(v.realized_pnl, 0) + coalesce(v.unrealized_pnl, 0) AS pnl
                   FROM public.positions AS v
                   WHERE v.position_id = p.position_id AND v.row_start_ts <= f.since
                   ORDER BY v.row_start_ts DESC LIMIT 1) AS before ON true
WHERE p.row_start_ts > %(since)s::timestamptz
  AND NOT EXISTS (SELECT FROM public.trades AS t WHERE t.position_id = p.position_id AND t.is_paper)
GROUP BY p.platform_id
ORDER BY p.platform_id

-- name: breakers.trades
-- Trades with money since a moment, by platform and strategy; the method's where the trade names none.
SELECT made.platform_id, made.strategy_id, count(*) AS trades
FROM (SELECT t.platform_id, t.created_at, coalesce(t.strategy_id, m.strategy_id) AS strategy_id
      FROM public.trades AS t
      LEFT JOIN public.methods AS m ON m.method_id = t.method_id
      WHERE t.created_at > %(since)s::timestamptz AND t.created_at <= %(now)s::timestamptz AND NOT t.is_paper) AS made
WHERE made.created_at > public.breaker_counts_from(
    'unusual_activity', jsonb_build_object('platform_id', made.platform_id, 'strategy_id', made.strategy_id),
    %(since)s::timestamptz)
GROUP BY made.platform_id, made.strategy_id
ORDER BY made.platform_id, made.strategy_id

-- name: breakers.results
-- What the positions came to that ended since a moment, by strategy, the newest first; those on paper are left out.
WITH counted AS MATERIALIZED (
    SELECT s.strategy_id, public.breaker_counts_from(
               'consecutive_losses', jsonb_build_object('strategy_id', s.strategy_id), %(since)s::timestamptz) AS since
    FROM public.strategies AS s
)
SELECT ended.strategy_id, ended.realized_pnl
FROM (SELECT by_whom.strategy_id, p.realized_pnl, p.row_start_ts, p.position_id,
             row_number() OVER (PARTITION BY by_whom.strategy_id ORDER BY p.row_start_ts DESC, p.position_id DESC) AS newest
      FROM public.positions AS p
      JOIN LATERAL (SELECT coalesce(t.strategy_id, m.strategy_id) AS strategy_id, t.is_paper
                    FROM public.trades AS t
                    LEFT JOIN public.methods AS m ON m.method_id = t.method_id
                    WHERE t.position_id = p.position_id
                    ORDER BY t.trade_id LIMIT 1) AS by_whom ON NOT by_whom.is_paper
      JOIN counted ON counted.strategy_id = by_whom.strategy_id AND p.row_start_ts > counted.since
      WHERE p.row_current_ind AND p.status IN ('closed', 'settled') AND p.realized_pnl IS NOT NULL
        AND p.row_start_ts > %(since)s::timestamptz AND p.row_start_ts <= %(now)s::timestamptz) AS ended
WHERE ended.newest <= %(most)s
ORDER BY ended.strategy_id, ended.newest

-- name: breakers.open
-- A trip. No row where one of this breaker and scope is open already.
INSERT INTO public.circuit_breaker_events (breaker_type, trigger_value, triggered_at)
VALUES (%(breaker)s::text, %(trigger_value)s::jsonb, coalesce(%(at)s::timestamptz, clock_timestamp()))
ON CONFLICT DO NOTHING
RETURNING event_id

-- name: breakers.open_event
SELECT e.event_id
FROM public.circuit_breaker_events AS e
WHERE e.breaker_type = %(breaker)s::text AND e.trigger_value -> 'scope' = %(scope)s::jsonb AND e.resolved_at IS NULL

-- name: breakers.resolve
-- Once; a repeat changes nothing.
UPDATE public.circuit_breaker_events AS e
SET resolved_at = greatest(coalesce(%(at)s::timestamptz, clock_timestamp()), e.triggered_at),
    resolution_action = %(action)s::text, notes = coalesce(e.notes, %(notes)s::text)
WHERE e.event_id = %(event_id)s::bigint AND e.resolved_at IS NULL

-- name: breakers.list
-- One event, or with a null id the newest: those that are open, or all.
SELECT e.event_id, e.breaker_type, e.triggered_at, e.resolved_at, e.trigger_value::text, e.resolution_action, e.notes,
       (SELECT min(a.alert_id) FROM public.alerts AS a
        WHERE a.source_table = 'circuit_breaker_events' AND a.source_id = e.event_id::text) AS alert_id
FROM public.circuit_breaker_events AS e
WHERE e.event_id = %(event_id)s::bigint
   OR %(event_id)s::bigint IS NULL AND (%(resolved)s::boolean OR e.resolved_at IS NULL)
ORDER BY e.triggered_at DESC, e.event_id DESC
LIMIT %(most)s
