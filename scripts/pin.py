"""Write the whole resolved set of dependencies into pyproject.toml: `uv run scripts/pin.py [--upgrade]`.

Without `--upgrade` everything keeps its version and only what is new gets one; with it every version is the newest
that the ranges allow. Run it after each change of a dependency and commit the result. No registry is named: uv asks
whatever the machine is configured for, and only names, versions and markers are written down.
"""

# /// script
# requires-python = ">=3.11"
# dependencies = []
# ///

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
LISTS = ("constraint-dependencies", "build-constraint-dependencies")
# A line of a resolution that pins something; comments, hashes and options of a registry do not look like this.
PIN = re.compile(r"^[a-zA-Z0-9][\w.-]*(\[[\w,-]+\])?==\S+( *;.+)?$")


def main() -> None:
    upgrade = sys.argv[1:] == ["--upgrade"]
    if sys.argv[1:] and not upgrade:
        raise SystemExit(__doc__)
    before = PROJECT.read_text("utf-8")
    try:
        if upgrade:
            PROJECT.write_text(with_pins(before, LISTS[0], []), "utf-8")
        run("uv", "lock", *(["--upgrade"] if upgrade else []))
        text = with_pins(before, LISTS[0], pins(run("uv", "export", "--all-groups", "--no-hashes")))
        text = with_pins(text, LISTS[1], pins(build_pins(before, keep=not upgrade)))
    except BaseException:
        PROJECT.write_text(before, "utf-8")
        raise
    PROJECT.write_text(text, "utf-8")
    run("uv", "lock")  # the constraints are part of the lock file


def build_pins(project: str, *, keep: bool) -> str:
    """The resolution of what a build needs: the build system and what hatch_build.py asks for when it has work."""
    declared = tomllib.loads(project)
    node = re.search(r'^NODE = "(.+)"$', (PROJECT.parent / "hatch_build.py").read_text("utf-8"), re.MULTILINE)
    assert node, "hatch_build.py names Node in a line of its own"
    kept = declared["tool"]["uv"][LISTS[1]] if keep else []
    # Given as requirements would add to the set; given as constraints they only hold versions.
    command = ["uv", "pip", "compile", "--universal", "--no-config", "--no-header", "--no-annotate", "--quiet", "-"]
    constraints = PROJECT.parent / ".pins.txt"
    constraints.write_text("\n".join(kept), "utf-8")
    try:
        wanted = "\n".join([*declared["build-system"]["requires"], node[1]])
        return run(*command, "--python-version", "3.11", "--constraints", str(constraints), given=wanted)
    finally:
        constraints.unlink()


def pins(resolution: str) -> list[str]:
    """`name==version` of each package. Its marker stays only where another platform or Python has another version."""
    lines = [line for line in resolution.splitlines() if PIN.match(line)]
    several = Counter(line.split("==")[0] for line in lines)
    kept = [line if several[line.split("==")[0]] > 1 else line.split(" ;")[0] for line in lines]
    return sorted(kept, key=lambda line: line.split("=="))


def with_pins(text: str, name: str, pins: list[str]) -> str:
    """The project's text with one of the lists replaced."""
    lines = "".join(f'    "{pin}",\n' for pin in pins)
    text, found = re.subn(rf"^{name} = \[\n(?:    .+\n)*\]$", f"{name} = [\n{lines}]", text, flags=re.MULTILINE)
    assert found == 1, f"pyproject.toml has one list {name}"
    return text


def run(*command: str, given: str | None = None) -> str:
    return subprocess.run(
        command, cwd=PROJECT.parent, check=True, stdout=subprocess.PIPE, text=True, input=given
    ).stdout


if __name__ == "__main__":
    main()
