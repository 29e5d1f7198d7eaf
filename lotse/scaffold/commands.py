"""The commands `lotse new` and `lotse theme`."""

from pathlib import Path

from cyclopts import App

from lotse.scaffold import making, repository
from lotse.scaffold import theme as themes

new = App(name="new", help="Begin something of your own: a shop's repository, a domain, a plugin.")
theme = App(name="theme", help="Templates of yours that stand in for Lotse's.")


@new.command
def shop(
    dir: Path,
    /,
    *,
    name: str = "",
    package: str = "",
) -> None:
    """Make a repository of your own that depends on Lotse: look, domain, way to pay, tests.

    Parameters
    ----------
    dir
        The folder to make.
    name
        What the shop is called, e.g. "Müller & Söhne"; else it is made from the folder's name.
    package
        The Python package in it, if the folder's name cannot be one.
    """
    _say(making.new_shop(dir, title=name, package=package))


@new.command
def domain(name: str, /) -> None:
    """Make a domain in this repository: schema, commands, pages, a fragment on the article's page, tests.

    Parameters
    ----------
    name
        Small letters: also its PostgreSQL schema and its address.
    """
    _say(making.new_domain(Path.cwd(), name))


@new.command
def plugin(kind: str, name: str, /) -> None:
    """Make a plugin in this repository.

    Parameters
    ----------
    kind
        `pay`: a way to pay.
    name
        Small letters; it stands on orders for ever.
    """
    _say(making.new_plugin(Path.cwd(), kind, name))


@theme.command
def override(template: str, /) -> None:
    """Copy one of Lotse's templates into your theme, where it stands in for Lotse's.

    Parameters
    ----------
    template
        Its name, e.g. `storefront/imprint.html`.
    """
    made = themes.override(_here(), template)
    _say([f"{made} stands in for Lotse's {template} from the next start on."])


@theme.command
def status() -> int:
    """Say which of your templates Lotse changed since you copied them; exit with 1 if somebody has to look."""
    here = _here()
    found = themes.status(here)
    unknown = themes.unknown_tokens(here)
    _say([str(one) for one in found] or ["no template of Lotse is overridden"])
    _say([f"unknown   {name}: neither Lotse nor your theme uses a token of this name" for name in unknown])
    return 1 if unknown or any(one.state in themes.NEEDS for one in found) else 0


@theme.command
def diff(template: str, /) -> None:
    """Show what Lotse changed in a template since you copied it.

    Parameters
    ----------
    template
        Its name.
    """
    _say([themes.diff(_here(), template).rstrip("\n") or "nothing changed"])


@theme.command
def merge(template: str, /) -> int:
    """Bring what Lotse changed into your copy; exit with 1 if places are left that you have to decide.

    Parameters
    ----------
    template
        Its name.
    """
    left = themes.merge(_here(), template)
    _say([f"{template} is merged" + (f"; {left} places are marked <<<<<<< for you to decide" if left else "")])
    return 1 if left else 0


@theme.command
def seen(template: str, /) -> None:
    """Say that your copy is right for Lotse's template as it is now.

    Parameters
    ----------
    template
        Its name.
    """
    _say([f"{themes.seen(_here(), template)} is marked as up to date"])


def _here() -> repository.Repository:
    return repository.here(Path.cwd())


def _say(lines: list[str]) -> None:
    for line in lines:
        print(line)
