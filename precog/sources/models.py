"""Model degradation: the settled predictions of the last days against those before them."""

from datetime import datetime, timedelta

from precog.domain.predictions import Track
from precog.settings import process
from precog.settings.methods import Degradation
from precog.settings.thresholds import Thresholds
from precog.sources.model_rules import Standing, Verdict, judge
from precog.sources.raising import Record, alert_about, end_by_itself, raise_once_a_window
from precog.sources.thresholds import current_thresholds
from precog.store import sources, trading

TABLE = "probability_models"
ALERT_TYPE = "model_degraded"


def check_models(*, now: datetime | None = None, thresholds: Thresholds | None = None) -> dict[str, Standing]:
    """Judge every active model; how each stands. A degraded one is told of once in a window of its alert type.

    Raises StoreError, ConfigError.
    """
    rule = (thresholds or current_thresholds()).probability_models.degradation
    moment = now or trading.now()
    tracks = sources.tracks(moment - timedelta(days=rule.window_days), moment)
    return {str(each.name): _see_to(each, rule, at=now) for each in tracks}


def _see_to(track: Track, rule: Degradation, *, at: datetime | None) -> Standing:
    verdict = judge(track, rule)
    if verdict.standing is Standing.DEGRADED:
        _raise(track, verdict, rule, at=at)
    elif verdict.standing is Standing.AS_BEFORE:
        _end(track)
    return verdict.standing


def _raise(track: Track, verdict: Verdict, rule: Degradation, *, at: datetime | None) -> None:
    raise_once_a_window(
        alert_about(
            Record(table=TABLE, id=track.model_id),
            alert_type=ALERT_TYPE,
            severity=rule.severity,
            component=track.name.name,
            message=f"{track.name} is worse than it was: {verdict.reason}",
            details={"model_id": track.model_id, **verdict.figures},
            occurred_at=at,
        )
    )


def _end(track: Track) -> None:
    here = process.environment()
    for each in sources.open_alerts(TABLE, track.model_id, ALERT_TYPE):
        if each.environment == here:
            end_by_itself(each.alert_id, here, notes="its predictions are as good as before")
