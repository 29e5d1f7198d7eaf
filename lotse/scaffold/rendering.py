"""Turns a folder of templates into files.

Plain Jinja and no tool for it (copier, cookiecutter): what is made is forty small files without questions, Jinja is
here anyway, and a retailer's repository does not go on being written by us: what Lotse changes reaches it through the
package and its seams. Such a tool would bring a dozen packages and its own way of asking.

The brackets are « » («% %» for conditions), because the files that are made are themselves templates, SQL, TOML and
Python. In a path `@name` stands for the value `name`, `dot.` at the beginning of a part for a dot; `.jinja` falls away.
"""

import ast
import sys
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

_FOLDER = Path(str(files("lotse.scaffold")))
_SUFFIX = ".jinja"
_ENGINE = Environment(
    variable_start_string="«",
    variable_end_string="»",
    block_start_string="«%",
    block_end_string="%»",
    comment_start_string="«#",
    comment_end_string="#»",
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - source code is made, and no HTML of what visitors typed
    keep_trailing_newline=True,
    trim_blocks=True,
)
# Programs among what is made.
_EXECUTABLE = {".ci/run"}


def rendered(kind: str, values: Mapping[str, str], *, own: str, without: Iterable[str] = ()) -> dict[Path, str]:
    """The files of a kind (`shop`, `domain`, `pay`), by relative path. `own` is the package whose modules are ours."""
    found: dict[Path, str] = {}
    folder = _FOLDER / kind
    for path in sorted(folder.rglob(f"*{_SUFFIX}")):
        inside = path.relative_to(folder).as_posix().removesuffix(_SUFFIX)
        if inside.startswith(tuple(without)):
            continue
        text = _ENGINE.from_string(path.read_text("utf-8")).render(values)
        target = Path(_placed(inside, values))
        found[target] = ordered(text, own) if target.suffix == ".py" else text
    if not found:
        raise LookupError(f"no templates for {kind}: the package lotse is not whole")
    return found


def write(folder: Path, made: Mapping[Path, str]) -> None:
    """Put files into a folder that nobody else sees yet."""
    for inside, text in made.items():
        target = folder / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        if inside.as_posix() in _EXECUTABLE:
            target.chmod(0o755)


def ordered(text: str, own: str) -> str:
    """Python with its imports in the order that linters want, which depends on the names that were filled in."""
    lines = text.splitlines(keepends=True)
    imports = [node for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom)]
    if not imports:
        return text
    first, last = imports[0].lineno - 1, imports[-1].end_lineno or imports[-1].lineno
    sections: dict[int, list[tuple[tuple[bool, str], str]]] = {}
    for node in imports:
        name = node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
        root = name.partition(".")[0]
        section = 0 if root in sys.stdlib_module_names else 2 if root == own.partition(".")[0] else 1
        said = "".join(lines[node.lineno - 1 : node.end_lineno])
        sections.setdefault(section, []).append(((isinstance(node, ast.ImportFrom), name.lower()), said))
    block = "\n".join("".join(said for _, said in sorted(sections[section])) for section in sorted(sections))
    return "".join([*lines[:first], block, *lines[last:]])


def _placed(inside: str, values: Mapping[str, str]) -> str:
    for name in sorted(values, key=len, reverse=True):
        inside = inside.replace(f"@{name}", values[name])
    return "/".join("." + part.removeprefix("dot.") if part.startswith("dot.") else part for part in inside.split("/"))
