"""The command line `precog`: one file a group of commands, each a few lines over what the rest of Precog does."""

import io
import sys


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that is not UTF-8 shows what it lacks as an escape
            stream.reconfigure(errors="backslashreplace")
    try:
        from precog.cli.app import app  # the commands are loaded when one is run, not when this package is named

        app(prog_name="precog")
    except KeyboardInterrupt:  # while they are loaded; one that runs hears of it itself
        sys.stderr.write("Stopped by Ctrl-C before it began.\n")
        sys.exit(130)
