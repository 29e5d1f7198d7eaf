"""What a department's file is made of."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from lotse.plugins.demo_sports.vocabulary import Words

# m and w: cut for men and women, a product each; u: for everybody; k: for children.
Audience = Literal["m", "w", "u", "k"]
Fact = int | float | Words


class Model(Struct, frozen=True):
    """One model, from which a product per audience is made, with a variant per colour and size.

    `looks` are pairs of colour and second colour; `sizes` replaces the run of the kind; `step` is what the next size
    costs more; `hook` is the one sentence that says why one would want it; `facts` fill the sentences of the kind.
    """

    name: str
    kind: str
    brand: str
    price: Decimal
    looks: tuple[tuple[str, str], ...]
    audiences: tuple[Audience, ...]
    hook: Words
    facts: dict[str, Fact]
    step: Decimal
    sizes: str
    also: tuple[str, ...]


class Department(Struct, frozen=True):
    """A category of the first level. `sport` stands in the attributes of its products."""

    slug: str
    name: Words
    description: Words
    sport: Words
    models: tuple[Model, ...]


def model(
    name: str,
    kind: str,
    brand: str,
    price: str,
    looks: str,
    hook: tuple[str, str],
    *,
    who: str = "u",
    step: str = "0",
    sizes: str = "",
    also: tuple[str, ...] = (),
    **facts: int | float | tuple[str, str],
) -> Model:
    """A model as its file writes it: looks as `night/coral jet/lime`, audiences as `mw`, texts as (German, English)."""
    pairs = tuple(tuple(look.split("/")) for look in looks.split())
    told: dict[str, Fact] = {key: Words(*fact) if isinstance(fact, tuple) else fact for key, fact in facts.items()}
    return Model(
        name,
        kind,
        brand,
        Decimal(price),
        pairs,  # type: ignore[arg-type]
        tuple(who),  # type: ignore[arg-type]
        Words(*hook),
        told,
        Decimal(step),
        sizes,
        also,
    )
