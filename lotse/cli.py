"""The command `lotse`."""

import logging
import sys

from cyclopts import App

from lotse.kernel.postgres import PostgresError
from lotse.kernel.postgres.commands import db
from lotse.kernel.settings import SettingsError

app = App(name="lotse", help="The commerce platform that a retailer owns.")
app.command(db)


def main() -> None:
    """Run the command line. What an operator can put right is one line and exit code 1; the rest is a bug."""
    logging.basicConfig(level="INFO", format="%(message)s")
    try:
        app()
    except (PostgresError, SettingsError) as error:
        print(f"lotse: {error}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
