"""`lotse bench faults`: nothing acknowledged is lost or doubled, whatever dies under load."""

from lotse.bench.faults import run as faults
from lotse.bench.profile import Options, Profile, Report, Say
from lotse.kernel.settings import Settings

# More clients than these only wait for each other while everything dies around them.
MOST_CLIENTS = 12


async def run(settings: Settings, options: Options, say: Say) -> Report:
    wanted = faults.Wanted(
        rounds=options.rounds,
        seconds=options.seconds,
        clients=min(options.clients, MOST_CLIENTS),
        seed=options.seed,
    )
    outcome = await faults.run(settings, wanted, say)
    if outcome.findings:
        say(faults.told(outcome))
    return Report(outcome.figures, faults.told(outcome), ok=not outcome.findings)


PROFILE = Profile("faults", "everything killed under load, then the history is checked", run)
