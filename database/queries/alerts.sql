-- name: alerts.lock
-- Serialises all that decides about one fingerprint: the call, planning, acknowledging, resolving. Several are taken in the
-- order given.
SELECT pg_advisory_xact_lock(hashtextextended(asked.fingerprint, 0)) FROM unnest(%(fingerprints)s::text[]) AS asked (fingerprint)

-- name: alerts.together
-- Before several calls in one transaction: a lock that somebody keeps fails it soon, and each call waits for its own alone
-- then, with nearly all of its time left. Two groups of one program wait for each other's commit, a few milliseconds.
SELECT set_config('lock_timeout', %(lock_timeout)s::text, true)

-- name: alerts.log
-- Stores calls that somebody is to be told of, and decides about each: duplicate, or deliveries from the routes. Run after
-- alerts.lock in the same transaction, with no fingerprint twice, since none sees another of its own statement. Returns a
-- row for each delivery, one for an alert without any, and none for one whose uuid is already stored.
--
-- The calls come as one value: half of a server's work on a statement is done once, however many it stores. As JSON, since
-- one function reads it whole; a function for each of seventeen arrays took longer than the decision. Each step that hands
-- on all of a call's columns costs as much as an index, so there is one: what is decided joins the call where it is stored,
-- and triggered_at is left to its default, since a clock of its own in the list of columns would be another step.
WITH stored AS (
    INSERT INTO public.alerts (
        alert_id, alert_uuid, alert_type, severity, category, component, message, details, source_table, source_id,
        occurred_at, fingerprint, band, environment, tags, request_hash,
        planned, notify, suppressed, duplicate_of, incident_id, notification_channels)
    SELECT decided.alert_id, call.alert_uuid, call.alert_type, call.severity, call.category, call.component, call.message,
           call.details, call.source_table, call.source_id, call.occurred_at, call.fingerprint, call.band, call.environment,
           call.tags, call.request_hash,
           decided.duplicate OR decided.channels IS NOT NULL
           OR EXISTS (SELECT FROM public.alert_routes AS r WHERE r.environment = call.environment),
           decided.channels IS NOT NULL, decided.duplicate, decided.duplicate_of, decided.incident_id,
           coalesce(decided.channels, '{}')
    FROM json_to_recordset(%(calls)s::json) AS call (
        alert_uuid uuid, alert_type text, severity text, category text, component text, message text, details jsonb,
        source_table text, source_id text, occurred_at timestamptz, fingerprint text, band int, environment text, tags jsonb,
        request_hash text, window_minutes int)
    CROSS JOIN LATERAL (
        SELECT fresh.alert_id,
               coalesce(anchor.repeated, false) AS duplicate,
               CASE WHEN anchor.repeated THEN anchor.alert_id END AS duplicate_of,
               CASE WHEN anchor.open THEN anchor.incident_id ELSE fresh.alert_id END AS incident_id,
               CASE WHEN anchor.repeated THEN NULL
                    ELSE (SELECT jsonb_object_agg(r.channel, 'pending') FROM public.alert_routes AS r
                          WHERE r.environment = call.environment AND r.severity = call.severity) END AS channels
        -- The condition is always true, and makes it one number for each call.
        FROM (SELECT nextval('public.alerts_alert_id_seq') AS alert_id WHERE call.alert_uuid IS NOT NULL) AS fresh
        LEFT JOIN (
            SELECT a.alert_id, a.incident_id, a.open,
                   a.stands AND (public.alert_severity_rank(call.severity), call.band) <= (a.rank, a.band) AS repeated
            FROM public.alert_anchor(call.environment, call.fingerprint, NULL, call.window_minutes) AS a) AS anchor ON true
        OFFSET 0) AS decided
    ON CONFLICT (alert_uuid) DO NOTHING
    RETURNING alert_id, alert_uuid, severity, environment, planned, notify, duplicate_of
), delivered AS (
    INSERT INTO public.alert_deliveries (delivery_id, alert_id, environment, channel, recipient, urgency, rung_at)
    SELECT md5(stored.alert_uuid || E'\x1f' || route.channel || E'\x1f' || route.recipient)::uuid, stored.alert_id,
           stored.environment, route.channel, route.recipient, public.alert_severity_rank(stored.severity),
           CASE WHEN %(ring)s::boolean THEN statement_timestamp() END
    FROM stored
    CROSS JOIN LATERAL (
        SELECT r.channel, r.recipient FROM public.alert_routes AS r
        WHERE r.environment = stored.environment AND r.severity = stored.severity AND stored.notify
        OFFSET 0) AS route
    RETURNING alert_id, delivery_id, channel
)
SELECT stored.alert_uuid::text, stored.alert_id, stored.planned, stored.duplicate_of,
       delivered.delivery_id::text, delivered.channel
FROM stored LEFT JOIN delivered ON delivered.alert_id = stored.alert_id

-- name: alerts.write
-- Stores calls of which nobody is told, or nobody yet: the rows alone, without a lock and without a decision. Returns a row
-- for each but those whose uuid is already stored.
INSERT INTO public.alerts (
    alert_id, alert_uuid, alert_type, severity, category, component, message, details, source_table, source_id,
    occurred_at, fingerprint, band, environment, tags, request_hash, planned, incident_id)
SELECT fresh.alert_id, call.alert_uuid, call.alert_type, call.severity, call.category, call.component, call.message,
       call.details, call.source_table, call.source_id, call.occurred_at, call.fingerprint, call.band,
       call.environment, call.tags, call.request_hash, NOT call.notify, fresh.alert_id
FROM json_to_recordset(%(calls)s::json) AS call (
    alert_uuid uuid, alert_type text, severity text, category text, component text, message text, details jsonb,
    source_table text, source_id text, occurred_at timestamptz, fingerprint text, band int, environment text, tags jsonb,
    request_hash text, notify boolean)
CROSS JOIN LATERAL (
    SELECT nextval('public.alerts_alert_id_seq') AS alert_id WHERE call.alert_uuid IS NOT NULL OFFSET 0) AS fresh
ON CONFLICT (alert_uuid) DO NOTHING
RETURNING alert_uuid::text, alert_id, planned, NULL::bigint AS duplicate_of, NULL::text AS delivery_id, NULL::text AS channel

-- name: alerts.stored
-- What stands under some uuids, in their order: the alerts, with a row for each of their deliveries that is not sent yet,
-- as alerts.log. Looked up one by one and asked for their state afterwards, or a plan made while the tables are young
-- goes by an index of all that is pending.
SELECT a.alert_id, a.planned, a.duplicate_of, d.delivery_id::text, d.channel, a.request_hash, asked.uuid AS alert_uuid
FROM unnest(%(alert_uuids)s::text[]) WITH ORDINALITY AS asked (uuid, place)
CROSS JOIN LATERAL (SELECT * FROM public.alerts AS every WHERE every.alert_uuid = asked.uuid::uuid OFFSET 0) AS a
LEFT JOIN LATERAL (
    SELECT * FROM public.alert_deliveries AS every WHERE every.alert_id = a.alert_id OFFSET 0
) AS d ON d.status = 'pending'
ORDER BY asked.place

-- name: alerts.announce
-- A note to recovery about an alert in its caller's own transaction, heard at their commit.
SELECT pg_notify('precog_unplanned', %(environment)s::text)

-- name: alerts.unplanned
-- Alerts nobody has decided about yet, oldest first, where the environment has routes to decide by.
SELECT a.alert_id, a.alert_type, a.fingerprint
FROM public.alerts AS a
WHERE a.environment = %(environment)s::text AND NOT a.planned
  AND EXISTS (SELECT FROM public.alert_routes AS r WHERE r.environment = a.environment)
ORDER BY a.alert_id
LIMIT %(most)s

-- name: alerts.plan
-- Decides about a stored alert as alerts.log does about a new one. Run after alerts.lock in the same transaction.
-- Returns its deliveries, none when it is a duplicate, is resolved or has been planned meanwhile.
WITH alert AS MATERIALIZED (
    SELECT a.alert_id, a.alert_uuid, a.severity, a.band, a.environment, a.fingerprint, a.resolved_at
    FROM public.alerts AS a
    WHERE a.alert_id = %(alert_id)s AND NOT a.planned
    FOR NO KEY UPDATE
), anchor AS MATERIALIZED (
    SELECT standing.*
    FROM alert, public.alert_anchor(alert.environment, alert.fingerprint, alert.alert_id, %(window_minutes)s::int) AS standing
), routes AS MATERIALIZED (
    SELECT r.channel, r.recipient
    FROM alert JOIN public.alert_routes AS r ON r.environment = alert.environment AND r.severity = alert.severity
    WHERE alert.resolved_at IS NULL
), decision AS MATERIALIZED (
    SELECT alert.*,
           EXISTS (SELECT FROM anchor
                   WHERE anchor.stands
                     AND (public.alert_severity_rank(alert.severity), alert.band) <= (anchor.rank, anchor.band)) AS duplicate
    FROM alert
), planned AS (
    UPDATE public.alerts AS a
    SET planned = true,
        suppressed = decision.duplicate,
        notify = NOT decision.duplicate AND EXISTS (SELECT FROM routes),
        duplicate_of = CASE WHEN decision.duplicate THEN (SELECT anchor.alert_id FROM anchor) END,
        incident_id = coalesce((SELECT anchor.incident_id FROM anchor WHERE anchor.open), a.alert_id),
        notification_channels = CASE WHEN decision.duplicate THEN '{}'
                                     ELSE coalesce((SELECT jsonb_object_agg(routes.channel, 'pending') FROM routes), '{}') END
    FROM decision
    WHERE a.alert_id = decision.alert_id
    RETURNING a.alert_id, a.alert_uuid, a.severity, a.environment, a.notify
)
INSERT INTO public.alert_deliveries (delivery_id, alert_id, environment, channel, recipient, urgency)
SELECT md5(planned.alert_uuid || E'\x1f' || routes.channel || E'\x1f' || routes.recipient)::uuid, planned.alert_id,
       planned.environment, routes.channel, routes.recipient, public.alert_severity_rank(planned.severity)
FROM planned, routes
WHERE planned.notify
RETURNING delivery_id::text, channel

-- name: alerts.forecast
-- Whether an alert of this fingerprint would be suppressed now, were it no worse than its anchor.
SELECT EXISTS (
    SELECT FROM public.alert_anchor(%(environment)s::text, %(fingerprint)s::text, NULL, %(window_minutes)s::int) AS a
    WHERE a.stands) AS suppressed

-- name: alerts.get
SELECT a.*
FROM public.alert_records AS a
WHERE a.alert_id = %(alert_id)s AND a.environment = %(environment)s::text

-- name: alerts.list
-- Newest first. Asked severity by severity and with the duplicates apart, so that each part is the beginning of an index:
-- a filter that lets little through reads no more than one that lets all. What says which filters count (by_..., only_...,
-- duplicates, most) is written into the text before it is planned, so that the one plan of such a text knows its index.
-- First how far back the list goes, from the index alone; then the same beginnings as far as that, with their rows. By
-- their ids they would be looked up in the primary key as well, which is a page more to read for each.
WITH parts AS MATERIALIZED (
    SELECT of_severity.severity, of_kind.suppressed
    FROM unnest(CASE WHEN %(by_severity)s::boolean THEN ARRAY[%(severity)s::text]
                     ELSE '{critical,high,medium,low}' END) AS of_severity (severity)
    CROSS JOIN unnest(CASE WHEN %(duplicates)s::boolean THEN '{f,t}'::boolean[] ELSE '{f}' END) AS of_kind (suppressed)
), newest AS MATERIALIZED (
    SELECT part.triggered_at
    FROM parts
    CROSS JOIN LATERAL (
        SELECT a.triggered_at
        FROM public.alerts AS a
        WHERE a.environment = %(environment)s::text AND a.severity = parts.severity
          AND (NOT %(duplicates)s::boolean OR a.suppressed = parts.suppressed)
          AND (NOT %(by_component)s::boolean OR a.component = %(component)s::text)
          AND (NOT %(by_type)s::boolean OR a.alert_type = %(alert_type)s::text)
          -- As the partial indexes have it, which nothing of the two lists above can prove.
          AND (%(duplicates)s::boolean OR NOT a.suppressed)
          AND (NOT %(only_open)s::boolean OR a.resolved_at IS NULL)
          AND (NOT %(only_unacknowledged)s::boolean OR a.acknowledged_at IS NULL AND a.severity IN ('critical', 'high'))
        ORDER BY a.triggered_at DESC, a.alert_id DESC
        LIMIT %(most)s) AS part
    ORDER BY part.triggered_at DESC
    LIMIT %(most)s
)
SELECT part.*
FROM parts
CROSS JOIN LATERAL (
    SELECT a.*
    FROM public.alert_records AS a
    WHERE a.environment = %(environment)s::text AND a.severity = parts.severity
      AND (NOT %(duplicates)s::boolean OR a.suppressed = parts.suppressed)
      AND (NOT %(by_component)s::boolean OR a.component = %(component)s::text)
      AND (NOT %(by_type)s::boolean OR a.alert_type = %(alert_type)s::text)
      AND (%(duplicates)s::boolean OR NOT a.suppressed)
      AND (NOT %(only_open)s::boolean OR a.resolved_at IS NULL)
      AND (NOT %(only_unacknowledged)s::boolean OR a.acknowledged_at IS NULL AND a.severity IN ('critical', 'high'))
      AND a.triggered_at >= (SELECT min(newest.triggered_at) FROM newest)
    ORDER BY a.triggered_at DESC, a.alert_id DESC
    LIMIT %(most)s) AS part
ORDER BY part.triggered_at DESC, part.alert_id DESC
LIMIT %(most)s

-- name: alerts.fingerprint
SELECT a.fingerprint
FROM public.alerts AS a
WHERE a.alert_id = %(alert_id)s AND a.environment = %(environment)s::text

-- name: alerts.acknowledge
-- The whole incident, those of it that nobody has taken on. Run after alerts.lock.
UPDATE public.alerts AS a
SET acknowledged_at = clock_timestamp(), acknowledged_by = %(by)s::text, acknowledged_notes = %(notes)s::text
WHERE a.incident_id = (SELECT given.incident_id FROM public.alerts AS given WHERE given.alert_id = %(alert_id)s)
  AND a.acknowledged_at IS NULL AND a.resolved_at IS NULL
RETURNING a.alert_id

-- name: alerts.resolve
-- The whole incident, those of it that are open. Run after alerts.lock.
UPDATE public.alerts AS a
SET resolved_at = clock_timestamp(), resolved_by = %(by)s::text, resolved_notes = %(notes)s::text,
    resolution_action = %(action)s::text
WHERE a.incident_id = (SELECT given.incident_id FROM public.alerts AS given WHERE given.alert_id = %(alert_id)s)
  AND a.resolved_at IS NULL
RETURNING a.alert_id

-- name: alerts.hold_row
-- Serialises the deliveries of one alert that finish at the same time, so that each sees the others in its summary.
SELECT FROM public.alerts AS a WHERE a.alert_id = %(alert_id)s FOR NO KEY UPDATE

-- name: alerts.summarise
-- Brings the alert's notification columns up to date with its deliveries. A statement of its own after the move it sums
-- up: in the same statement it would see the rows as they were.
UPDATE public.alerts AS a
SET notification_sent = summary.first_sent IS NOT NULL,
    notification_sent_at = summary.first_sent,
    notification_attempts = summary.attempts,
    notification_channels = summary.channels,
    notification_errors = summary.errors
FROM (
    SELECT min(d.first_sent) AS first_sent, sum(d.attempts) AS attempts,
           jsonb_object_agg(d.channel, d.worst) AS channels,
           jsonb_object_agg(d.channel, d.error) FILTER (WHERE d.error IS NOT NULL) AS errors
    FROM (
        SELECT one.channel,
               sum(one.attempts) AS attempts,
               min(one.finished_at) FILTER (WHERE one.status = 'sent' AND one.receipt IS DISTINCT FROM 'undelivered')
                   AS first_sent,
               (array_agg(one.status ORDER BY array_position(
                   ARRAY['failed', 'unknown', 'held', 'sending', 'pending', 'cancelled', 'sent'], one.status)))[1] AS worst,
               (array_agg(coalesce(one.last_error, one.receipt_error) ORDER BY one.next_attempt_at DESC)
                   FILTER (WHERE coalesce(one.last_error, one.receipt_error) IS NOT NULL))[1] AS error
        FROM public.alert_deliveries AS one
        WHERE one.alert_id = %(alert_id)s
        GROUP BY one.channel
    ) AS d
) AS summary
WHERE a.alert_id = %(alert_id)s AND summary.channels IS NOT NULL

-- name: alerts.update
-- The columns a person or a program may change after the fact; a null leaves the column as it is.
UPDATE public.alerts AS a
SET acknowledged_at = coalesce(%(acknowledged_at)s::timestamptz, a.acknowledged_at),
    acknowledged_by = coalesce(%(acknowledged_by)s::text, a.acknowledged_by),
    acknowledged_notes = coalesce(%(acknowledged_notes)s::text, a.acknowledged_notes),
    resolved_at = coalesce(%(resolved_at)s::timestamptz, a.resolved_at),
    resolved_by = coalesce(%(resolved_by)s::text, a.resolved_by),
    resolved_notes = coalesce(%(resolved_notes)s::text, a.resolved_notes),
    resolution_action = coalesce(%(resolution_action)s::text, a.resolution_action),
    notification_sent = coalesce(%(notification_sent)s::boolean, a.notification_sent),
    notification_sent_at = coalesce(%(notification_sent_at)s::timestamptz, a.notification_sent_at),
    notification_channels = coalesce(%(notification_channels)s::jsonb, a.notification_channels),
    notification_attempts = coalesce(%(notification_attempts)s::int, a.notification_attempts),
    notification_errors = coalesce(%(notification_errors)s::jsonb, a.notification_errors),
    tags = coalesce(%(tags)s::jsonb, a.tags)
WHERE a.alert_id = %(alert_id)s AND a.environment = %(environment)s::text
RETURNING a.alert_id
