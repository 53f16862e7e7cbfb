-- name: games.record
-- As markets.record, of the game that the event and its external id name; two nulls are the same game.
WITH current AS MATERIALIZED (
    SELECT g.game_state_id,
           (g.sport, g.home_team, g.away_team, g.home_score, g.away_score, g.period, g.time_remaining, g.possession,
            g.status, g.sport_metadata)
           IS NOT DISTINCT FROM
           (%(sport)s::text, %(home_team)s::text, %(away_team)s::text, %(home_score)s::int, %(away_score)s::int,
            %(period)s::text, %(time_remaining)s::text, %(possession)s::text, %(status)s::text,
            %(sport_metadata)s::jsonb) AS same
    FROM public.game_states AS g
    WHERE g.event_id = %(event_id)s::text AND g.external_game_id IS NOT DISTINCT FROM %(external_game_id)s::text
      AND g.row_current_ind
), seen AS (
    UPDATE public.game_states AS g
    SET updated_at = greatest(g.updated_at, coalesce(%(at)s::timestamptz, clock_timestamp()))
    FROM current WHERE g.game_state_id = current.game_state_id AND current.same
), closed AS (
    UPDATE public.game_states AS g
    SET row_current_ind = false,
        row_end_ts = greatest(coalesce(%(at)s::timestamptz, clock_timestamp()), g.row_start_ts + interval '1 microsecond')
    FROM current WHERE g.game_state_id = current.game_state_id AND NOT current.same
    RETURNING g.row_end_ts
), opened AS (
    INSERT INTO public.game_states (
        event_id, external_game_id, sport, home_team, away_team, home_score, away_score, period, time_remaining,
        possession, status, sport_metadata, created_at, updated_at, row_start_ts)
    SELECT %(event_id)s::text, %(external_game_id)s::text, %(sport)s::text, %(home_team)s::text, %(away_team)s::text,
           %(home_score)s::int, %(away_score)s::int, %(period)s::text, %(time_remaining)s::text, %(possession)s::text,
           %(status)s::text, %(sport_metadata)s::jsonb, begins.at, begins.at, begins.at
    FROM (SELECT coalesce((SELECT closed.row_end_ts FROM closed), %(at)s::timestamptz, clock_timestamp()) AS at) AS begins
    WHERE NOT EXISTS (SELECT FROM current WHERE current.same)
    RETURNING game_state_id
)
SELECT EXISTS (SELECT FROM opened) AS changed

-- name: games.current
SELECT g.event_id, g.external_game_id, g.sport, g.home_team, g.away_team, g.home_score, g.away_score, g.period,
       g.time_remaining, g.possession, g.status, g.sport_metadata::text
FROM public.game_states AS g
WHERE g.event_id = %(event_id)s::text AND g.external_game_id IS NOT DISTINCT FROM %(external_game_id)s::text
  AND g.row_current_ind
