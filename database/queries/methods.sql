-- name: methods.find
-- By number, or by name and version. Configs are text, so that no number passes through a float.
SELECT m.method_id, m.method_name, m.method_version, s.strategy_name, s.strategy_version, p.model_name, p.model_version,
       m.position_mgmt_config::text, m.risk_config::text, m.execution_config::text, m.sport_config::text, m.config_hash,
       m.status, m.activated_at, m.deactivated_at, m.description, m.notes, m.created_at, m.created_by
FROM public.methods AS m
JOIN public.strategies AS s ON s.strategy_id = m.strategy_id
JOIN public.probability_models AS p ON p.model_id = m.model_id
WHERE m.method_id = %(method_id)s::bigint
   OR m.method_name = %(name)s::text AND m.method_version = %(version)s::text

-- name: methods.list
-- By name, newest version first; deprecated ones only if asked for.
SELECT m.method_id, m.method_name, m.method_version, s.strategy_name, s.strategy_version, p.model_name, p.model_version,
       m.position_mgmt_config::text, m.risk_config::text, m.execution_config::text, m.sport_config::text, m.config_hash,
       m.status, m.activated_at, m.deactivated_at, m.description, m.notes, m.created_at, m.created_by
FROM public.methods AS m
JOIN public.strategies AS s ON s.strategy_id = m.strategy_id
JOIN public.probability_models AS p ON p.model_id = m.model_id
WHERE (%(status)s::text IS NULL AND (%(deprecated)s::boolean OR m.status <> 'deprecated') OR m.status = %(status)s::text)
  AND (%(name)s::text IS NULL OR m.method_name = %(name)s::text)
ORDER BY m.method_name COLLATE "C", public.version_number(m.method_version) DESC

-- name: methods.names
SELECT m.method_name || '@' || m.method_version AS name FROM public.methods AS m

-- name: methods.twins
-- Other versions, of whatever name, with the same strategy, model and configs.
SELECT twin.method_name, twin.method_version
FROM public.methods AS m
JOIN public.methods AS twin USING (strategy_id, model_id, config_hash)
WHERE m.method_id = %(method_id)s::bigint AND twin.method_id <> m.method_id
ORDER BY twin.method_id

-- name: methods.template
SELECT t.position_mgmt_config::text, t.risk_config::text, t.execution_config::text, t.sport_config::text
FROM public.method_templates AS t
WHERE t.template_name = %(name)s::text

-- name: methods.template_names
SELECT t.template_name FROM public.method_templates AS t ORDER BY t.template_id

-- name: methods.count_use
UPDATE public.method_templates SET usage_count = usage_count + 1 WHERE template_name = %(name)s::text

-- name: methods.strategy
SELECT s.strategy_id AS part_id, md5(public.canonical_json(s.config)) AS config_hash
FROM public.strategies AS s
WHERE s.strategy_name = %(name)s::text AND s.strategy_version = %(version)s::text

-- name: methods.model
SELECT p.model_id AS part_id, md5(public.canonical_json(p.config)) AS config_hash
FROM public.probability_models AS p
WHERE p.model_name = %(name)s::text AND p.model_version = %(version)s::text

-- name: methods.strategy_names
SELECT s.strategy_name || '@' || s.strategy_version AS name FROM public.strategies AS s

-- name: methods.model_names
SELECT p.model_name || '@' || p.model_version AS name FROM public.probability_models AS p

-- name: methods.add
INSERT INTO public.methods (method_name, method_version, strategy_id, model_id, position_mgmt_config, risk_config,
                            execution_config, sport_config, config_hash, description, notes, created_by)
VALUES (%(name)s::text, %(version)s::text, %(strategy_id)s::bigint, %(model_id)s::bigint,
        %(position_mgmt_config)s::jsonb, %(risk_config)s::jsonb, %(execution_config)s::jsonb, %(sport_config)s::jsonb,
        %(config_hash)s::text, %(description)s::text, %(notes)s::text, %(created_by)s::text)
RETURNING method_id

-- name: methods.keep_older
-- For this transaction, activating a version leaves the older ones as they are.
SELECT set_config('precog.keep_older_methods', CASE WHEN %(keep)s::boolean THEN 'on' ELSE 'off' END, true)

-- name: methods.move
UPDATE public.methods SET status = %(status)s::text WHERE method_id = %(method_id)s::bigint AND status <> %(status)s::text

-- name: methods.older_in_use
SELECT older.method_name, older.method_version
FROM public.methods AS m
JOIN public.methods AS older ON older.method_name = m.method_name AND older.status <> 'deprecated'
     AND public.version_number(older.method_version) < public.version_number(m.method_version)
WHERE m.method_id = %(method_id)s::bigint
ORDER BY public.version_number(older.method_version)

-- name: methods.performance
SELECT p.method_id, p.is_paper, p.trades, p.bets, p.decided, p.won, p.stake, p.profit, p.roi, p.win_rate, p.sharpe
FROM public.method_performance AS p
WHERE p.method_id = ANY (%(method_ids)s::bigint[])

-- name: methods.running
-- When the method first traded and when it stopped, null for what has not come yet.
SELECT min(b.opened_at) AS since,
       (SELECT m.deactivated_at FROM public.methods AS m WHERE m.method_id = %(method_id)s::bigint) AS until
FROM public.method_bets AS b
WHERE b.method_id = %(method_id)s::bigint AND b.is_paper = %(paper)s::boolean

-- name: methods.made
-- What the bets opened in a period came to, with the sums that their spread is computed from.
SELECT coalesce(sum(b.trades), 0)::bigint AS trades, count(*) AS bets, count(b.profit) AS decided,
       count(*) FILTER (WHERE b.profit > 0) AS won,
       coalesce(sum(b.stake) FILTER (WHERE b.profit IS NOT NULL), 0) AS stake, coalesce(sum(b.profit), 0) AS profit,
       public.exact_ratio(sum(b.profit), sum(b.stake) FILTER (WHERE b.profit IS NOT NULL)) AS roi,
       public.exact_ratio(count(*) FILTER (WHERE b.profit > 0), count(b.profit)) AS win_rate,
       coalesce(sum(b.profit * b.profit), 0) AS profit_squared,
       coalesce(sum(b.stake * b.stake) FILTER (WHERE b.profit IS NOT NULL), 0) AS stake_squared,
       coalesce(sum(b.profit * b.stake), 0) AS profit_by_stake
FROM public.method_bets AS b
WHERE b.method_id = %(method_id)s::bigint AND b.is_paper = %(paper)s::boolean
  AND b.opened_at >= %(since)s::timestamptz AND b.opened_at < %(until)s::timestamptz

-- name: methods.clock
SELECT clock_timestamp() AS now
