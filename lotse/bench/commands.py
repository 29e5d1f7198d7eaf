"""`lotse bench`: run a profile and print what came out."""

import asyncio
import signal
import sys
from contextlib import suppress

import msgspec

from lotse.bench.profile import BenchFailed, Options, Report, known
from lotse.kernel import logs
from lotse.kernel.settings import Settings


def bench(settings: Settings, name: str, options: Options, *, as_json: bool) -> int:
    """0, or 1 if a promise was broken (errors, a difference in the books). Raises `BenchFailed`."""
    profiles = known()
    if name not in profiles:
        listed = "; ".join(f"{profile.name}: {profile.summary}" for profile in profiles.values())
        raise BenchFailed(f"there is no benchmark named {name}; there are {listed}")
    for field, least in (("seconds", 0.1), ("clients", 1), ("desks", 1), ("rounds", 1), ("orders", 1_000)):
        if getattr(options, field) < least:
            raise BenchFailed(f"--{field} is {least} or more")
    logs.configure(msgspec.structs.replace(settings, log_level="warning"), "bench")
    report = asyncio.run(_until_stopped(settings, name, options))
    print(msgspec.json.encode(report.figures).decode() if as_json else report.table, flush=True)
    return 0 if report.ok else 1


async def _until_stopped(settings: Settings, name: str, options: Options) -> Report:
    """Ctrl-C and SIGTERM cancel the run, which takes everything down on its way out."""
    running = asyncio.create_task(known()[name].run(settings, options, _say))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        return await running
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
