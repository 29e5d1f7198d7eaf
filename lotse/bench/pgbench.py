"""The other side: pgbench, which writes the same rows with the scripts in `bench/`.

pgbench comes with the embedded PostgreSQL; for a server of one's own it is taken from the PATH if it is there, because
it should be of the server's version.
"""

import asyncio
import re
import resource
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from lotse.bench.profile import BenchFailed
from lotse.kernel.postgres import binaries
from lotse.kernel.settings import Settings

# In a checkout beside the package; in the wheel inside it (pyproject.toml, force-include).
_CHECKOUT = Path(__file__).parents[2] / "bench"
_WHEEL = Path(__file__).parent / "scripts"
# Clients are spread over this many threads: as many as the machines in mind have cores.
THREADS = 2


class Outcome(Struct, frozen=True):
    """One run. `transactions` counts all of them, also those after the last full second."""

    rate: float
    transactions: int
    latency_ms: float
    cpu_seconds: float


def script(name: str) -> Path:
    """A script of `bench/`."""
    folder = _CHECKOUT if (_CHECKOUT / "order_leanest.sql").is_file() else _WHEEL
    return folder / f"{name}.sql"


def program(settings: Settings) -> Path:
    """The pgbench to use."""
    if settings.database_url and (found := shutil.which("pgbench")):
        return Path(found)
    return binaries.program("pgbench")


async def run(
    settings: Settings,
    dsn: str,
    scripts: Sequence[str],
    *,
    clients: int,
    seconds: float | None = None,
    transactions: int | None = None,
    variables: Mapping[str, int],
) -> Outcome:
    """Run the scripts' texts, one after the other, as one transaction, again and again.

    For whole `seconds`, or this many `transactions` per client. Raises `BenchFailed` if one transaction fails.
    """
    with tempfile.TemporaryDirectory(prefix="lotse-pgbench-") as folder:
        whole = Path(folder) / "script.sql"
        whole.write_text("\n".join(script(name).read_text("utf-8") for name in scripts), "utf-8")
        long = ["-t", str(transactions)] if transactions else ["-T", str(max(1, round(seconds or 1)))]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process = await asyncio.create_subprocess_exec(
            str(program(settings)),
            *("-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, THREADS)), *long),
            *(part for name, value in variables.items() for part in ("-D", f"{name}={value}")),
            *("-f", str(whole), dsn),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C reaches us, and we end it
        )
        try:
            out, errors = await process.communicate()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    text = out.decode()
    if process.returncode:
        raise BenchFailed(f"pgbench {' '.join(scripts)}: {_last_line(errors.decode() or text)}")
    rate = _figure(r"tps = ([\d.]+)", text)
    if not rate:
        raise BenchFailed(f"pgbench {' '.join(scripts)}: no transaction ended in time; give it more --seconds")
    if failed := _figure(r"number of failed transactions: (\d+)", text):
        raise BenchFailed(
            f"pgbench {' '.join(scripts)}: {failed:.0f} transactions failed: {_last_line(errors.decode())}"
        )
    return Outcome(
        rate,
        int(_figure(r"number of transactions actually processed: (\d+)", text)),
        _figure(r"latency average = ([\d.]+) ms", text),
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    )


def _figure(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else 0.0


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if "ERROR" in line or "error" in line] or text.splitlines() or ["?"]
    return lines[0]
