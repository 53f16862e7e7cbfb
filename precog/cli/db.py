"""`precog db`: the schema."""

from dataclasses import asdict

import typer

from precog.cli.options import Json
from precog.cli.outcome import Exit
from precog.cli.output import coloured, exact, new_table, out, print_json, say
from precog.settings import process
from precog.store import migrate as migrations
from precog.store.logins import provide_login
from precog.store.migrate import MigrationState

app = typer.Typer(help="Bring the database to the schema of this program, and tell how far it is from it.")


@app.command()
def migrate() -> None:
    """Apply the migrations the database lacks, and give the roles their rights. Several at once wait for each other.

    It logs in as PRECOG_OWNER_URL says, which names the owner of the schema; as DATABASE_URL says where that is unset.

    Example: precog db migrate
    """
    applied = migrations.migrate(process.owner_url())
    for name in applied:
        say(f"applied {name}")
    if not applied:
        say("The schema is up to date.")


@app.command()
def login() -> None:
    """Make the login of DATABASE_URL, with its password: it may do what programs and workers do, and nothing more.

    The login of PRECOG_OWNER_URL makes it. Where that is unset nothing is done.

    Example: precog db login
    """
    owner, program = process.owner_url(), process.database_url()
    if owner == program:
        say("Programs use the login that owns the schema: PRECOG_OWNER_URL names no other. Nothing was done.")
    else:
        say(f"{provide_login(owner, program)} may do what programs do.")


@app.command()
def status(*, as_json: Json = False) -> None:
    """List every migration and whether it is applied. Exit status 1 unless all of them are.

    Example: precog db status
    """
    every = migrations.status(process.owner_url())
    if as_json:
        print_json([asdict(each) for each in every])
    else:
        table = new_table("MIGRATION", "STATE", "APPLIED AT")
        for each in every:
            table.add_row(str(each), coloured(each.state), exact(each.applied_at) if each.applied_at else "")
        out().print(table)
    if any(each.state is not MigrationState.APPLIED for each in every):
        raise typer.Exit(Exit.NOT_WELL)
