"""Every secret this process knows, so that its log can mask them wherever they turn up."""

from collections.abc import Iterator

from pydantic import BaseModel, SecretStr

from precog.settings.model import Settings
from precog.settings.process import Environ, current_environ


def configured_secrets(settings: Settings, environ: Environ | None = None) -> frozenset[str]:
    """The channels' secrets, the heartbeat's URL, and the server URLs as a whole: they may hold a password."""
    environ = current_environ(environ)
    urls = (environ.get(name, "") for name in ("DATABASE_URL", "PRECOG_OWNER_URL", "REDIS_URL"))
    sections = (*settings.channels.values(), settings.health)
    found = (secret for section in sections for secret in _secrets_in(section))
    return frozenset(filter(None, (*urls, *found)))


def _secrets_in(value: object) -> Iterator[str]:
    match value:
        case SecretStr():
            yield value.get_secret_value()
        case BaseModel():
            for name in type(value).model_fields:
                yield from _secrets_in(getattr(value, name))
        case list() | tuple():
            for each in value:
                yield from _secrets_in(each)
        case _:
            return
