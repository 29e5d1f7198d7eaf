"""Settings: everything an operator can decide, typed, each from one environment variable `LOTSE_<FIELD>`.

The page docs/reference/settings.md is written from this file (`python -m lotse.kernel.settings`); a test compares them.
What a retailer decides about the business (prices, shops, rights) is master data, not a setting.
"""

import difflib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

PREFIX = "LOTSE_"

# What people write for yes and no; msgspec itself takes only true, false, 1 and 0.
_SWITCH = {"on": "true", "yes": "true", "off": "false", "no": "false"}


class SettingsError(Exception):
    """A setting has a value that it cannot have. One line: the variable, the value, what is allowed."""


class Settings(Struct, frozen=True, kw_only=True):
    """The settings of one process. Build it with `Settings.load()` at the edge and pass it on."""

    home: Annotated[
        Path,
        Meta(
            description="Folder of everything that this installation keeps: the database, pictures, search index, "
            "sockets. A relative path counts from the working directory. Back it up; it must be on a local disk."
        ),
    ] = Path(".lotse")
    database_url: Annotated[
        str | None,
        Meta(
            description="A PostgreSQL of your own, as `postgresql://user:password@host:port/database`. "
            "Without it Lotse starts the PostgreSQL that it brings along, with its data below `LOTSE_HOME`."
        ),
    ] = None
    host: Annotated[
        str,
        Meta(description="Address to listen on. `0.0.0.0` lets other machines in; put a proxy with TLS before it."),
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="Port to listen on.")] = 8000
    pages_listen: Annotated[
        Annotated[str, Meta(pattern=r"^.+:[0-9]{1,5}$")] | None,
        Meta(
            description="An address `host:port` that the role `pages` listens on, for clusters whose proxy sends pages "
            "and API to different hosts. Who reaches it is believed about the visitor (`X-Forwarded-*`), so only the "
            "proxy and the role `api` may. Without it: a private socket below `LOTSE_HOME`.",
        ),
    ] = None
    trusted_proxies: Annotated[
        str,
        Meta(
            description="Addresses or networks of the proxies in front of Lotse, with commas: `10.0.0.0/8,192.0.2.7`. "
            "Only their `X-Forwarded-For` and `X-Forwarded-Proto` are believed."
        ),
    ] = ""
    access_log: Annotated[
        Literal["all", "notable", "off"],
        Meta(
            description="Which requests get a line in the log; `notable` are those that failed or took over a second."
        ),
    ] = "all"
    log_format: Annotated[
        Literal["console", "json"],
        Meta(description="`console` for people, `json` for a log collector: one object per line."),
    ] = "console"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="The least important message that is still written."),
    ] = "info"
    postgres_user: Annotated[
        str,
        Meta(
            min_length=1,
            description="Only when Lotse runs as root, which PostgreSQL refuses to do: the system user that the "
            "embedded PostgreSQL runs as. It is created if it does not exist and `useradd` does.",
        ),
    ] = "lotse-postgres"
    postgres_memory_mb: Annotated[
        Annotated[int, Meta(ge=256)] | None,
        Meta(
            description="Memory in MiB that the embedded PostgreSQL is tuned for. Without it: the memory of the "
            "machine or of the container (cgroup), whichever is smaller.",
        ),
    ] = None
    postgres_start_seconds: Annotated[
        int,
        Meta(
            ge=1,
            description="How long a start of the embedded PostgreSQL may take, in seconds. Recovery after a crash "
            "replays at most 2 GB of log, which a slow disk does in a few minutes.",
        ),
    ] = 300
    postgres_fsync: Annotated[
        bool,
        Meta(
            description="`off` is for tests only: it makes the embedded PostgreSQL faster by not waiting for the disk, "
            "and a power cut then destroys the database. Each start with `off` logs a warning."
        ),
    ] = True

    second_factor: Annotated[
        Literal["optional", "required"],
        Meta(
            description="Whether everybody who signs in to the back office with a password needs a second factor, an "
            "authenticator app; `optional` leaves it to each person and to their roles. With `required` passwords may "
            "be shorter: 8 characters instead of 15."
        ),
    ] = "optional"
    oidc_providers: Annotated[
        str,
        Meta(
            description="Names of the OpenID providers that staff may sign in with, with commas: `work,google`. Each "
            "has variables of its own, such as `LOTSE_OIDC_WORK_ISSUER`: see docs/operations/sign-in.md."
        ),
    ] = ""
    sealing_secret: Annotated[
        Annotated[str, Meta(min_length=32)] | None,
        Meta(
            description="A secret of your own, of 32 characters or more and the same on every host. Second factors are "
            "then stored so that a stolen copy of the database does not open them. Keep it: without it they have to be "
            "set up anew.",
        ),
    ] = None

    media_store: Annotated[
        str,
        Meta(
            description="Where pictures and files are kept: `s3://bucket` or `s3://bucket/folder`. Without it: the "
            "folder `media` below `LOTSE_HOME`, which every host must share (NFS) when there are several."
        ),
    ] = ""
    media_s3_endpoint: Annotated[
        str,
        Meta(description="Address of an S3 server other than Amazon's: `https://s3.example.com`."),
    ] = ""
    media_s3_region: Annotated[
        str,
        Meta(min_length=1, description="Region of the bucket; servers other than Amazon's mostly take any."),
    ] = "us-east-1"
    media_s3_key_id: Annotated[
        str,
        Meta(
            description="Access key of the bucket. Without it: as Amazon's own tools find one (environment, role of "
            "the machine)."
        ),
    ] = ""
    media_s3_secret: Annotated[str, Meta(description="The secret of that access key.")] = ""
    media_fetch_networks: Annotated[
        str,
        Meta(
            description="Private networks that pictures may be fetched from, with commas: `10.1.0.0/16`. Without it "
            "only public addresses are asked, so that nobody reads your inner network through a picture's address."
        ),
    ] = ""

    hold_most: Annotated[
        int,
        Meta(
            ge=1,
            description="How many unpaid holds one buyer may have at a time. One is a checkout; more are a second tab, "
            "a second device, a payment that was begun anew.",
        ),
    ] = 5
    hold_most_units: Annotated[
        int,
        Meta(
            ge=1,
            description="How many units (pieces, or grams and millimetres of what is sold by weight or length) the "
            "unpaid holds of one buyer may take in all.",
        ),
    ] = 10_000
    hold_most_percent: Annotated[
        int,
        Meta(
            ge=1,
            le=100,
            description="How much of the stock of one article at one place, in percent, the unpaid holds of one buyer "
            "may take; ten units always. So a few visitors who do not pay cannot block what others want to buy.",
        ),
    ] = 25

    events_per_address: Annotated[
        int,
        Meta(
            ge=1,
            description="How many events of behaviour a second are taken from one address, ten times as many at once. "
            "A phone network has thousands of visitors behind one address; each tells about one every two seconds.",
        ),
    ] = 500

    public_url: Annotated[
        Annotated[str, Meta(pattern=r"^https?://[^/\s]+$")] | None,
        Meta(
            description="The address under which visitors reach the shop: `https://shop.example.com`. Mails, payment "
            "providers and search engines lead there. Without it: the address that Lotse listens on."
        ),
    ] = None
    mail_smtp: Annotated[
        Annotated[str, Meta(pattern=r"^smtps?://")] | None,
        Meta(
            description="The mail server, as `smtp://user:password@host:587` (STARTTLS where the server offers it) or "
            "`smtps://user:password@host:465`. Without it mails are written as files below `LOTSE_HOME`/mail."
        ),
    ] = None
    mail_from: Annotated[
        Annotated[str, Meta(pattern=r"^[^@\s]+@[^@\s]+$")] | None,
        Meta(
            description="The address that mails are sent from; reports about what did not arrive go there as well. Its "
            "domain must be allowed at your mail server (SPF, DKIM). Without it: `shop@` and the host of "
            "`LOTSE_PUBLIC_URL`."
        ),
    ] = None
    mail_bounces: Annotated[
        Annotated[str, Meta(pattern=r"^(imaps?://|maildir:)")] | None,
        Meta(
            description="Where reports about mails that did not arrive are read: `imaps://user:password@host/INBOX`, "
            "or `maildir:/var/mail/bounces` for a Maildir on this host. Reports that were understood are moved to the "
            "folder `Lotse` (IMAP) or marked as seen."
        ),
    ] = None
    mail_unsure: Annotated[
        Literal["ask", "again"],
        Meta(
            description="What becomes of a mail when worker or line died after its bytes had gone and before the mail "
            "server's answer: `ask` shows it to staff, `again` sends it once more under the same Message-ID."
        ),
    ] = "ask"
    mail_kept_days: Annotated[
        int,
        Meta(
            ge=1,
            le=3650,
            description="For how many days the copies and addresses of mails that were sent are kept.",
        ),
    ] = 90

    webhook_private_addresses: Annotated[
        bool,
        Meta(
            description="Whether webhooks may go to addresses in private networks and without TLS: for own systems "
            "beside Lotse (an ERP, a test receiver). Off, a name that leads to a private address is refused with "
            "every try, so that nobody reaches into your network through Lotse."
        ),
    ] = False

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, *, cwd: Path | None = None) -> "Settings":
        """Read the settings from `env` (default: the process's environment).

        An empty variable counts as not set. Raises `SettingsError` for a value that is not allowed, and for a variable
        that looks like a misspelt setting; other `LOTSE_*` variables belong to plugins and are left alone.
        """
        env = os.environ if env is None else env
        names = {variable(field): field for field in cls.__struct_fields__}
        found: dict[str, Any] = {}
        for name, text in env.items():
            if not name.startswith(PREFIX) or not text.strip():
                continue
            if name in names:
                found[names[name]] = _converted(name, names[name], text.strip())
            elif near := difflib.get_close_matches(name, names, n=1, cutoff=0.85):
                raise SettingsError(f"{name} is not a setting; did you mean {near[0]}?")
        settings = cls(**found)
        return msgspec.structs.replace(settings, home=(cwd or Path.cwd()) / settings.home.expanduser())


def base_of(settings: Settings) -> str:
    """Where visitors reach the shop, without a slash at its end: as it is set and never as a request says: pages are
    kept for all, and mails and payment providers lead people there."""
    if settings.public_url:
        return settings.public_url
    host = "localhost" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104 - read, not bound
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def _converted(name: str, field: str, text: str) -> Any:
    hint = get_type_hints(Settings, include_extras=True)[field]
    plain = text
    if bool in get_args(hint)[:1]:
        plain = _SWITCH.get(text.lower(), text)
    try:
        # Path is not among msgspec's own types; every string is one.
        return Path(plain) if field == "home" else msgspec.convert(plain, hint, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{name}: {error} (found {text!r}; see docs/reference/settings.md)") from None


def _split(annotated: Any) -> tuple[Any, Meta]:
    kind, *rest = get_args(annotated)
    return kind, next(meta for meta in rest if isinstance(meta, Meta))


def reference() -> str:
    """The page docs/reference/settings.md."""
    rows = [_row(field) for field in msgspec.structs.fields(Settings)]
    return "\n".join(
        [
            "# Settings",
            "",
            "<!-- Written by `python -m lotse.kernel.settings > docs/reference/settings.md`;"
            " change the code instead. -->",
            "",
            "Each setting is one environment variable. An empty variable counts as not set.",
            "A value that is not allowed stops the command with one line that names it.",
            "",
            *rows,
        ]
    )


def _row(field: msgspec.structs.FieldInfo) -> str:
    kind, meta = _split(field.type)
    return (
        f"## `{variable(field.name)}`\n\n{meta.description}\n\n"
        f"- values: {_values(kind, meta)}\n- default: {_shown(field.default)}\n"
    )


def _values(kind: Any, meta: Meta) -> str:
    if choices := [choice for choice in get_args(kind) if isinstance(choice, str)]:
        return ", ".join(f"`{choice}`" for choice in choices)
    if kind is bool:
        return "`on`, `off`"
    if kind is Path:
        return "a path"
    for part in get_args(kind):  # of `whole number or none`, the part that has the limits
        if get_args(part):
            return _values(*_split(part))
    if kind is int:
        return f"a whole number from {meta.ge}" + (f" to {meta.le}" if meta.le is not None else "")
    return "text"


def _shown(default: object | UnsetType) -> str:
    if default is None or default is UNSET:
        return "none"
    if isinstance(default, bool):
        return "`on`" if default else "`off`"
    return f"`{default}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
