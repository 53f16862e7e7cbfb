"""The command line `precog`: one file a group of commands, each a few lines over what the rest of Precog does."""


def main() -> None:
    from precog.cli.app import app  # the commands are loaded when one is run, not when this package is named

    app(prog_name="precog")
