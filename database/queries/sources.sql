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

-- name: sources.alerts_of_ended_positions
SELECT a.alert_id
FROM public.alerts AS a
JOIN public.positions AS p ON p.position_id::text = a.source_id AND p.row_current_ind
WHERE a.environment = %(environment)s::text AND a.resolved_at IS NULL AND NOT a.suppressed
  AND a.source_table = 'positions' AND a.alert_type IN ('loss_alert', 'gain_alert')
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
