-- name: edges.record
-- As positions.record; an unchanged edge stays as it is.
WITH current AS MATERIALIZED (
    SELECT e.edge_row_id,
           (e.market_id, e.method_id, e.strategy_id, e.model_id, e.probability_matrix_id, e.expected_value,
            e.true_win_probability, e.market_implied_probability, e.market_price, e.confidence_level,
            e.confidence_metrics, e.recommended_action)
           IS NOT DISTINCT FROM
           (%(market_id)s::text, %(method_id)s::bigint, %(strategy_id)s::bigint, %(model_id)s::bigint,
            %(probability_matrix_id)s::bigint, %(expected_value)s::numeric, %(true_win_probability)s::numeric,
            %(market_implied_probability)s::numeric, %(market_price)s::numeric, %(confidence_level)s::text,
            %(confidence_metrics)s::jsonb, %(recommended_action)s::text) AS same
    FROM public.edges AS e
    WHERE e.edge_id = %(edge_id)s::bigint AND e.row_current_ind
), closed AS (
    UPDATE public.edges AS e
    SET row_current_ind = false,
        row_end_ts = greatest(coalesce(%(at)s::timestamptz, clock_timestamp()), e.row_start_ts + interval '1 microsecond')
    FROM current WHERE e.edge_row_id = current.edge_row_id AND NOT current.same
    RETURNING e.row_end_ts
), opened AS (
    INSERT INTO public.edges (
        edge_id, market_id, method_id, strategy_id, model_id, probability_matrix_id, expected_value,
        true_win_probability, market_implied_probability, market_price, confidence_level, confidence_metrics,
        recommended_action, created_at, row_start_ts)
    SELECT %(edge_id)s::bigint, %(market_id)s::text, %(method_id)s::bigint, %(strategy_id)s::bigint,
           %(model_id)s::bigint, %(probability_matrix_id)s::bigint, %(expected_value)s::numeric,
           %(true_win_probability)s::numeric, %(market_implied_probability)s::numeric, %(market_price)s::numeric,
           %(confidence_level)s::text, %(confidence_metrics)s::jsonb, %(recommended_action)s::text, begins.at,
           begins.at
    FROM (SELECT coalesce((SELECT closed.row_end_ts FROM closed), %(at)s::timestamptz, clock_timestamp()) AS at) AS begins
    WHERE NOT EXISTS (SELECT FROM current WHERE current.same)
      AND (%(edge_id)s::bigint IS NULL OR EXISTS (SELECT FROM current))
    RETURNING edge_id
)
SELECT EXISTS (SELECT FROM opened) AS changed,
       coalesce((SELECT opened.edge_id FROM opened), (SELECT %(edge_id)s::bigint FROM current)) AS id
