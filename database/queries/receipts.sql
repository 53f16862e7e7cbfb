-- name: receipts.record
-- Writes down what a provider says became of an accepted message, for its delivery and for those it carried as a digest.
-- Only forward, so that reports may come twice and in any order. A report may be faster than the answer to the send: a
-- delivery that waits for that answer takes the message's name from the report. Returns the alerts it concerns.
UPDATE public.alert_deliveries AS d
SET receipt = %(receipt)s::text, receipt_at = clock_timestamp(), receipt_code = %(receipt_code)s::text,
    receipt_error = %(receipt_error)s::text, provider_message_id = %(provider_message_id)s::text
WHERE (d.delivery_id = %(delivery_id)s::uuid OR d.folded_into = %(delivery_id)s::uuid)
  AND d.environment = %(environment)s::text
  AND (d.provider_message_id = %(provider_message_id)s::text
       OR d.provider_message_id IS NULL AND d.status IN ('sending', 'unknown'))
  AND %(receipt)s::text IS NOT NULL
  AND (d.receipt IS NULL OR d.receipt = 'queued' AND %(receipt)s::text <> 'queued')
RETURNING d.alert_id

-- name: receipts.awaited
-- Sent messages without a final receipt that it is time to ask their provider about. `ages`: the seconds after the sending at
-- which one is asked about, ascending; each of those that have passed counts once, in the same statement, so that several
-- recoveries share the work and one that was away does not ask ten times in a row. What is too old to ask about counts from
-- statement_timestamp(), as in limits.sms_used.
UPDATE public.alert_deliveries AS d
SET receipt_looks = passed.looks
FROM (
    SELECT waiting.delivery_id, looked.looks
    FROM public.alert_deliveries AS waiting
    CROSS JOIN LATERAL (SELECT count(*)::int AS looks FROM unnest(%(ages)s::float8[]) AS age
                        WHERE waiting.finished_at <= clock_timestamp() - make_interval(secs => age)) AS looked
    WHERE waiting.environment = %(environment)s::text AND waiting.receipt = 'queued' AND waiting.status = 'sent'
      AND waiting.finished_at > statement_timestamp() - make_interval(secs => %(max_age_seconds)s)
      AND waiting.channel <> ALL(%(not_channels)s::text[]) AND waiting.folded_into IS NULL
      AND waiting.receipt_looks < looked.looks
    ORDER BY waiting.urgency DESC, waiting.finished_at
    LIMIT %(most)s
    FOR NO KEY UPDATE OF waiting SKIP LOCKED) AS passed
WHERE d.delivery_id = passed.delivery_id
RETURNING d.delivery_id::text, d.channel

-- name: receipts.message_of
-- By what name its provider knows a sent message that has no final receipt yet.
SELECT d.provider_message_id
FROM public.alert_deliveries AS d
WHERE d.delivery_id = %(delivery_id)s::uuid AND d.environment = %(environment)s::text
  AND d.status = 'sent' AND d.receipt = 'queued' AND d.provider_message_id IS NOT NULL
