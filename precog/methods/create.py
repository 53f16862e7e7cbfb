"""Making a method: a template with overrides, on a strategy and a model, as a draft."""

from collections.abc import Callable, Iterable, Mapping

from precog.domain.methods import NAME, VERSION, Method, MethodConfigs, Versioned
from precog.domain.nearest import did_you_mean
from precog.errors import MethodInvalid, Problem
from precog.methods.configs import overridden, plain_config
from precog.store import methods


def create_method(
    name: str,
    version: str,
    *,
    template: str,
    strategy: str,
    model: str,
    overrides: Mapping[str, object] | None = None,
    new_keys: bool = False,
    description: str | None = None,
    notes: str | None = None,
    created_by: str | None = None,
) -> Method:
    """Store a draft made from a template, and return it.

    version: vX.Y; a changed config needs a new one.
    strategy, model: written `name@vX.Y`.
    overrides: by config, merged into the template at every depth: {"risk_config": {"kelly_fraction": Decimal("0.18")}}.
    new_keys: whether overrides may name keys that the template lacks; otherwise such a key is taken for a misspelling.

    Raises MethodInvalid with everything that is wrong, before anything is written; StoreError.
    """
    problems: list[Problem] = []
    said = {"template": template, "strategy": strategy, "model": model}
    plain_config({**said, "description": description, "notes": notes, "created_by": created_by}, "", problems)
    if problems:  # these would not even reach the database
        raise MethodInvalid(problems)
    named = _new_name(name, version, problems)
    configs = _configs(template, overrides or {}, new_keys=new_keys, problems=problems)
    strategy_part = named_part("strategy", strategy, methods.strategy, methods.strategy_names, problems)
    model_part = named_part("model", model, methods.model, methods.model_names, problems)
    if problems or configs is None or strategy_part is None or model_part is None:
        raise MethodInvalid(problems)
    new = methods.NewMethod(
        name=named,
        strategy_id=strategy_part.part_id,
        model_id=model_part.part_id,
        configs=configs,
        description=description,
        notes=notes,
        created_by=created_by,
    )
    return methods.get(methods.add(new, template=template))


def _new_name(name: str, version: str, problems: list[Problem]) -> Versioned:
    named = Versioned(name, version)
    wrong = name_problems(named)
    problems.extend(wrong)
    if not wrong and methods.find(named) is not None:
        newest = methods.listed(name=name, deprecated=True)[0].name.version
        text = f"{named} is there already, and a version never changes; take a new one, its newest is {newest}"
        problems.append(Problem("version", text))
    return named


def name_problems(named: Versioned) -> list[Problem]:
    problems = []
    if not NAME.fullmatch(named.name):
        text = f"{named.name!r} must begin with a letter or digit and go on with those and _ . : -, at most 100 of them"
        problems.append(Problem("name", text))
    if not VERSION.fullmatch(named.version):
        problems.append(Problem("version", f"{named.version!r} is not written like v1.0"))
    return problems


def _configs(
    template: str, overrides: Mapping[str, object], *, new_keys: bool, problems: list[Problem]
) -> MethodConfigs | None:
    found = methods.template(template)
    if found is None:
        known = methods.template_names()
        text = f"there is no {template!r}{did_you_mean(template, known)}; there are: {', '.join(known)}"
        problems.append(Problem("template", text))
        return None
    return overridden(found, overrides, new_keys=new_keys, problems=problems)


def named_part(
    kind: str,
    reference: str,
    find: Callable[[Versioned], methods.Part | None],
    names: Callable[[], Iterable[str]],
    problems: list[Problem],
) -> methods.Part | None:
    """The strategy or model that is meant, or None with what is wrong added to `problems`."""
    named = Versioned.parse(reference)
    if named is None:
        problems.append(Problem(kind, f"{reference!r} is not written like name@v1.0"))
        return None
    part = find(named)
    if part is None:
        problems.append(Problem(kind, f"there is no {kind} {named}{did_you_mean(reference, names())}"))
    return part
