-- name: sources.told
-- What was said so far about a record: the worst step and severity, and when last.
SELECT max(a.band) AS band, max(public.alert_severity_rank(a.severity)) AS rank, max(a.triggered_at) AS triggered_at
FROM public.alerts AS a
WHERE a.source_table = %(source_table)s::text AND a.source_id = %(source_id)s::text
  AND a.alert_type = %(alert_type)s::text AND a.environment = %(environment)s::text

-- name: sources.open_alerts
-- What is open about a record, of one type or of any, in any environment.
SELECT a.alert_id, a.environment
FROM public.alerts AS a
WHERE a.source_table = %(source_table)s::text AND a.source_id = %(source_id)s::text AND a.resolved_at IS NULL
  AND (%(alert_type)s::text IS NULL OR a.alert_type = %(alert_type)s::text)
ORDER BY a.alert_id

-- name: sources.positions
-- What is held with money, and what was held until lately.
SELECT p.position_id, p.market_id, p.platform_id, p.side, p.quantity, p.status,
       coalesce(p.realized_pnl, 0) + coalesce(p.unrealized_pnl, 0) AS pnl
FROM public.positions AS p
WHERE p.row_current_ind AND (p.status = 'open' OR p.row_start_ts > %(ended_after)s::timestamptz)
  AND NOT EXISTS (SELECT FROM public.trades AS t WHERE t.position_id = p.position_id AND t.is_paper)
ORDER BY p.position_id

-- name: sources.sized_positions
-- What the open positions cost that are held with money, and what the method behind each allows. One that nobody has
-- traded yet is left out until it is older than a moment: its first trade, which tells whether it is on paper, follows it.
SELECT p.position_id, p.market_id, p.platform_id, trim_scale(p.entry_price * p.quantity) AS dollars,
       by_whom.method, by_whom.most
FROM public.positions AS p
LEFT JOIN LATERAL (SELECT m.method_name || '@' || m.method_version AS method,
                          CASE WHEN jsonb_typeof(m.risk_config -> 'max_position_dollars') = 'number'
                               THEN (m.risk_config ->> 'max_position_dollars')::numeric END AS most
                   FROM public.trades AS t
                   LEFT JOIN public.methods AS m ON m.method_id = t.method_id
                   WHERE t.position_id = p.position_id
                   ORDER BY t.trade_id LIMIT 1) AS by_whom ON true
WHERE p.row_current_ind AND p.status = 'open'
  AND NOT EXISTS (SELECT FROM public.trades AS t WHERE t.position_id = p.position_id AND t.is_paper)
  AND (EXISTS (SELECT FROM public.trades AS t WHERE t.position_id = p.position_id)
       OR EXISTS (SELECT FROM public.positions AS v
                  WHERE v.position_id = p.position_id AND v.row_start_ts <= %(begun_before)s::timestamptz))
ORDER BY p.position_id

-- name: sources.failing_exits
-- The attempts to leave each open position that failed since the last one that filled; those on paper are left out.
SELECT p.position_id, p.market_id, p.platform_id, count(*) AS attempts, min(a.attempt_id) AS first_attempt_id,
       (array_agg(a.exit_condition ORDER BY a.created_at DESC, a.attempt_id DESC))[1] AS exit_condition,
       (array_agg(a.priority_level ORDER BY a.created_at DESC, a.attempt_id DESC))[1] AS priority_level
FROM public.positions AS p
JOIN public.exit_attempts AS a ON a.position_id = p.position_id AND NOT a.success
WHERE p.row_current_ind AND p.status = 'open' AND a.created_at <= %(now)s::timestamptz
  AND NOT EXISTS (SELECT FROM public.exit_attempts AS s
                  WHERE s.position_id = p.position_id AND s.success AND s.created_at <= %(now)s::timestamptz
                    AND (s.created_at, s.attempt_id) > (a.created_at, a.attempt_id))
  AND NOT EXISTS (SELECT FROM public.trades AS t WHERE t.position_id = p.position_id AND t.is_paper)
GROUP BY p.position_id, p.market_id, p.platform_id
ORDER BY p.position_id

-- name: sources.alerts_of_ended_exits
-- The open alerts about exits that failed, and have filled since or have nothing left to leave. The text is made a number,
-- and not the numbers texts, so that the few alerts find their attempts by the key.
SELECT a.alert_id
FROM public.alerts AS a
JOIN public.exit_attempts AS f ON f.attempt_id = CASE WHEN a.source_id ~ '^[0-9]{1,18}$' THEN a.source_id::bigint END
JOIN public.positions AS p ON p.position_id = f.position_id AND p.row_current_ind
WHERE a.environment = %(environment)s::text AND a.resolved_at IS NULL AND NOT a.suppressed
  AND a.source_table = 'exit_attempts' AND a.alert_type = 'exit_failing'
  AND (p.status <> 'open'
       OR EXISTS (SELECT FROM public.exit_attempts AS s
                  WHERE s.position_id = f.position_id AND s.success
                    AND (s.created_at, s.attempt_id) > (f.created_at, f.attempt_id)))
ORDER BY a.alert_id

-- name: sources.alerts_of_ended_positions
SELECT a.alert_id
FROM public.alerts AS a
JOIN public.positions AS p ON p.position_id::text = a.source_id AND p.row_current_ind
WHERE a.environment = %(environment)s::text AND a.resolved_at IS NULL AND NOT a.suppressed
  AND a.source_table = 'positions' AND a.alert_type = ANY (%(alert_types)s::text[])
  AND p.status <> 'open' AND p.row_start_ts <= %(ended_before)s::timestamptz
ORDER BY a.alert_id

-- name: sources.predictions
-- What the active models predicted and what came, in the window and before it. A probability of one half names no side.
SELECT p.model_id, m.model_name, m.model_version, m.validation_accuracy, m.validation_calibration, m.validation_sample_size,
       count(*) FILTER (WHERE p.settled_at > %(since)s::timestamptz) AS recent,
       count(*) FILTER (WHERE p.settled_at > %(since)s::timestamptz AND p.came_yes = (p.probability > 0.5)) AS recent_right,
       coalesce(sum(greatest(p.probability, 1 - p.probability)) FILTER (WHERE p.settled_at > %(since)s::timestamptz), 0)
           AS recent_confidence,
       count(*) FILTER (WHERE p.settled_at <= %(since)s::timestamptz) AS earlier,
       count(*) FILTER (WHERE p.settled_at <= %(since)s::timestamptz AND p.came_yes = (p.probability > 0.5)) AS earlier_right,
       coalesce(sum(greatest(p.probability, 1 - p.probability)) FILTER (WHERE p.settled_at <= %(since)s::timestamptz), 0)
           AS earlier_confidence
FROM public.model_predictions AS p
JOIN public.probability_models AS m ON m.model_id = p.model_id
WHERE m.status = 'active' AND p.probability <> 0.5 AND p.settled_at <= %(now)s::timestamptz
GROUP BY p.model_id, m.model_id
ORDER BY p.model_id
