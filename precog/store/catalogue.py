"""The schema as PostgreSQL itself describes it: tables and views, columns, constraints, indexes and triggers."""

from dataclasses import dataclass

from precog.store.connection import Connection, Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    type: str
    nullable: bool
    """False in views, where it means nothing."""
    filled_with: str
    """The default's expression, `identity`, or nothing."""
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    name: str
    definition: str
    target: str
    """The table a foreign key points at, else nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    name: str
    definition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    name: str
    moment: str
    """Such as `BEFORE UPDATE`."""
    call: str
    """The function with its arguments."""
    function: str
    comment: str
    """What the function enforces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    name: str
    is_view: bool
    comment: str
    columns: tuple[Column, ...]
    constraints: tuple[Constraint, ...]
    indexes: tuple[Index, ...]
    triggers: tuple[Trigger, ...]


def relations(connection: Connection) -> tuple[Relation, ...]:
    """Every table and view of the schema public, by name."""
    columns, constraints = _grouped(connection, "catalogue.columns"), _grouped(connection, "catalogue.constraints")
    indexes, triggers = _grouped(connection, "catalogue.indexes"), _grouped(connection, "catalogue.triggers")
    return tuple(
        Relation(
            **row,
            columns=tuple(Column(**each) for each in columns.get(row["name"], ())),
            constraints=tuple(Constraint(**each) for each in constraints.get(row["name"], ())),
            indexes=tuple(Index(**each) for each in indexes.get(row["name"], ())),
            triggers=tuple(Trigger(**each) for each in triggers.get(row["name"], ())),
        )
        for row in connection.run("catalogue.relations")
    )


def _grouped(connection: Connection, query: str) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in connection.run(query):
        groups.setdefault(row.pop("relation"), []).append(row)
    return groups
