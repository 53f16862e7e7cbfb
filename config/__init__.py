"""The YAML files of this installation: every fractional number in them is a Decimal, never a float.

config.load("trading")["circuit_breakers"]["rapid_loss"]["dollars"]     plain data of one file
config.settings().trading.circuit_breakers.rapid_loss.dollars           everything, checked and typed
"""

from precog.domain.nearest import did_you_mean
from precog.errors import ConfigError, Problem
from precog.settings.load import FILES, load_settings
from precog.settings.model import Settings
from precog.settings.process import Environ, config_directory, current_environ
from precog.settings.source import read_source
from precog.settings.yaml_tree import Plain

NAMES = tuple(name.removesuffix(".yaml") for name in FILES.values())


def load(name: str, environ: Environ | None = None) -> dict[str, Plain]:
    """One file as plain data, as it is written: a key that ends in `_env` still names its variable.

    Raises ConfigError when the file cannot be read as it is meant; whether its keys are known is `settings()`'s to say.
    """
    if name not in NAMES:
        text = f"there is no {name!r}{did_you_mean(name, NAMES)}; files: {', '.join(NAMES)}"
        raise ConfigError([Problem("config.load", text)])
    file = config_directory(environ) / f"{name}.yaml"
    source = read_source(file, current_environ(environ))
    if problems := source.problems():
        raise ConfigError(problems)
    return source.tree.value


def settings(environ: Environ | None = None) -> Settings:
    """All files together with the environment. Raises one ConfigError with everything that is wrong."""
    from precog.channels.registry import KINDS  # here, because the channels bring their providers' libraries along

    return load_settings(channels={kind: KINDS[kind].settings for kind in KINDS}, environ=environ)
