"""`python -m precog.recovery [--parent PID]`"""

import argparse
import sys

from precog.channels.registry import KINDS
from precog.courier import open_courier
from precog.errors import ConfigError
from precog.logger import configure_logging
from precog.recovery.process import Recovery
from precog.settings.load import load_settings
from precog.settings.process import process_settings
from precog.settings.secrets import configured_secrets


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m precog.recovery", description=__doc__)
    parser.add_argument("--parent", type=int, help="the worker that started this process, and with which it ends")
    parent: int | None = parser.parse_args().parent
    try:
        process_settings()
        settings = load_settings(channels={name: kind.settings for name, kind in KINDS.items()})
    except ConfigError as error:
        sys.exit(f"{error}\nrecovery does not start; `precog doctor` shows the same")
    configure_logging(settings.logging, secrets=configured_secrets(settings))
    Recovery(open_courier(settings), parent=parent, health=settings.health).run()


if __name__ == "__main__":
    main()
