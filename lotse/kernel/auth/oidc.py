"""OpenID Connect: staff sign in with the account of a provider (OpenID Connect Core 1.0, authorisation code with PKCE).

Here is the protocol: where a provider stands in the settings, what it says about itself, the way there and back, and
the proof that its answer is meant for us. Who the answer stands for is `identities`' business.

The answer of a provider counts once, in the browser that left, for the nonce that was sent, and only signed by one of
its keys with a public-key algorithm. Keys are fetched anew when one is unknown: that is how providers change them.
"""

import hmac
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, Literal, cast
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import httpx2
import msgspec
import structlog
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from msgspec import Struct

from lotse.kernel.auth import attempts
from lotse.kernel.auth.visitor import Visitor, guesser
from lotse.kernel.db import Database
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import PREFIX, Settings, SettingsError
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "signin")
log = structlog.get_logger()

# Time to find the phone that the provider asks for.
AWAY = timedelta(minutes=15)
# One who leaves writes a row; a visitor who leaves more often than this is a program.
LEAVING = attempts.Limit("oidc", burst=30, interval=timedelta(seconds=10))
# A provider that needs longer is down for whoever waits.
_SECONDS = 8.0
# What a provider says about itself holds for this long; its keys too, unless one is unknown.
_KNOWN_SECONDS = 3_600.0
# Whoever sends tokens with invented key ids must not make us ask the provider each time.
_RENEWED_SECONDS = 10.0
# Their clock and ours.
_LEEWAY_SECONDS = 60
_MOST_BYTES = 1024 * 1024
# Public-key signatures only: with `none` or a shared secret anybody, or any of its other clients, could sign.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


class IssuerUnknown(Refusal, status=404, title="There is no such way to sign in"):
    """No provider of this name stands in the settings."""

    provider: str


class IssuerUnavailable(Refusal, status=503, title="The provider does not answer"):
    """It is down, or says something about itself that cannot be used; the log has the reason."""

    provider: str


class IssuerRefused(Refusal, status=401, title="The provider did not sign you in"):
    """`error` is its own code, e.g. `access_denied` for who pressed cancel."""

    provider: str
    error: str


class AnswerUnknown(Refusal, status=400, title="This answer of the provider is not expected"):
    """It came twice, too late, or in another browser than the one that left."""

    provider: str


class AnswerInvalid(Refusal, status=401, title="The provider's answer proves nothing"):
    """`part` of it is wrong: its code, its signature, or one of its claims."""

    provider: str
    part: str


class Provider(Struct, frozen=True, kw_only=True):
    """A provider as the settings describe it."""

    name: str
    title: str
    issuer: str
    client_id: str
    client_secret: str | None
    scopes: str = "openid profile email"
    # Whether somebody whom nobody has linked gets an account, with the roles that `roles` gives to values of a claim.
    creates: bool = False
    roles_claim: str = ""
    roles: dict[str, str] = {}
    # Who asks for the second factor: they (who know how the person proved themselves) or we as well.
    second_factor: Literal["theirs", "ours"] = "theirs"
    # Whether who signs out here is signed out there.
    signs_out: bool = True


class Proof(Struct, frozen=True):
    """What a provider vouched for, and what was kept while the visitor was away."""

    provider: Provider
    subject: str
    claims: dict[str, Any]
    id_token: str
    end_session: str | None
    goes_to: str
    staff_id: UUID | None

    @property
    def label(self) -> str:
        """What people call the account there."""
        names = (self.claims.get(name) for name in ("email", "preferred_username", "name"))
        return next((str(name)[:200] for name in names if name), self.subject[:200])

    def roles(self) -> list[str]:
        """The names of our roles that its claim stands for."""
        said = self.claims.get(self.provider.roles_claim) if self.provider.roles_claim else None
        values = cast("list[Any]", said) if isinstance(said, list) else [said]
        return [role for value, role in self.provider.roles.items() if value in values]


class _Asked(Struct, frozen=True):
    nonce: str
    verifier: str
    goes_to: str
    staff_id: UUID | None


# -- the settings


_VARIABLES = (
    "ISSUER",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "CLIENT_SECRET_FILE",
    "TITLE",
    "SCOPES",
    "CREATE",
    "ROLES_CLAIM",
    "ROLES",
    "SECOND_FACTOR",
    "SIGN_OUT",
)
_SWITCH = {"on": True, "yes": True, "true": True, "1": True, "off": False, "no": False, "false": False, "0": False}


def providers(settings: Settings, env: Mapping[str, str]) -> dict[str, Provider]:
    """The providers of an installation, by name, in their order. `SettingsError` names the variable that is wrong."""
    names = [name.strip().lower() for name in settings.oidc_providers.split(",") if name.strip()]
    for name in names:
        if not name.isascii() or not name.isalnum():
            raise SettingsError(f"{PREFIX}OIDC_PROVIDERS: a name is made of letters and digits, not {name!r}")
    return {name: _provider(name, env) for name in names}


def _provider(name: str, env: Mapping[str, str]) -> Provider:
    start = f"{PREFIX}OIDC_{name.upper()}_"
    given = {key.removeprefix(start): text.strip() for key, text in env.items() if key.startswith(start)}
    if unknown := sorted(set(given) - set(_VARIABLES)):
        raise SettingsError(f"{start}{unknown[0]} is not a setting; there are {', '.join(_VARIABLES)}")
    given = {key: text for key, text in given.items() if text}
    for needed in ("ISSUER", "CLIENT_ID"):
        if needed not in given:
            raise SettingsError(f"{start}{needed} is missing: {name} stands in {PREFIX}OIDC_PROVIDERS")
    if not _is_safe(given["ISSUER"]):
        raise SettingsError(f"{start}ISSUER: https, or http on this machine (found {given['ISSUER']!r})")
    roles = dict(_pair(start, part) for part in given.get("ROLES", "").split(",") if part.strip())
    creates = _switch(start + "CREATE", given.get("CREATE", "off"))
    if bool(roles) != ("ROLES_CLAIM" in given) or (creates and not roles):
        raise SettingsError(f"{start}ROLES and {start}ROLES_CLAIM belong together, and {start}CREATE needs them")
    if (asks := given.get("SECOND_FACTOR", "theirs")) not in ("theirs", "ours"):
        raise SettingsError(f"{start}SECOND_FACTOR: theirs or ours (found {asks!r})")
    return Provider(
        name=name,
        title=given.get("TITLE", name.capitalize()),
        issuer=given["ISSUER"],
        client_id=given["CLIENT_ID"],
        client_secret=_secret(start, given),
        scopes=given.get("SCOPES", "openid profile email"),
        creates=creates,
        roles_claim=given.get("ROLES_CLAIM", ""),
        roles=roles,
        second_factor="ours" if asks == "ours" else "theirs",
        signs_out=_switch(start + "SIGN_OUT", given.get("SIGN_OUT", "on")),
    )


def _secret(start: str, given: Mapping[str, str]) -> str | None:
    path = given.get("CLIENT_SECRET_FILE")
    if not path:
        return given.get("CLIENT_SECRET")  # None: a public client, which PKCE alone protects
    try:
        return Path(path).read_text("utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{start}CLIENT_SECRET_FILE: {error}") from None


def _pair(start: str, part: str) -> tuple[str, str]:
    value, sign, role = part.partition("=")
    if not sign or not value.strip() or not role.strip():
        raise SettingsError(f"{start}ROLES: value=role, with commas (found {part!r})")
    return value.strip(), role.strip()


def _switch(variable: str, text: str) -> bool:
    if text.lower() not in _SWITCH:
        raise SettingsError(f"{variable}: on or off (found {text!r})")
    return _SWITCH[text.lower()]


# -- what a provider says about itself


class Directory:
    """What the providers say about themselves, as this process last heard it."""

    def __init__(self) -> None:
        self._metadata: dict[str, tuple[float, dict[str, Any]]] = {}
        self._keys: dict[str, tuple[float, KeySet]] = {}

    async def metadata(self, provider: Provider) -> dict[str, Any]:
        """Its discovery document (OpenID Connect Discovery 1.0). Refusal: `IssuerUnavailable`."""
        known = self._metadata.get(provider.issuer)
        if known and known[0] > time.monotonic():
            return known[1]
        found = await _fetched(provider, provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if found.get("issuer") != provider.issuer:
            raise _unavailable(provider, f"calls itself {found.get('issuer')!r}, not {provider.issuer!r}")
        for endpoint in ("authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"):
            address = found.get(endpoint)
            if address is None and endpoint == "end_session_endpoint":
                continue
            if not isinstance(address, str) or not _is_safe(address):
                raise _unavailable(provider, f"{endpoint} is {address!r}")
        self._metadata[provider.issuer] = (time.monotonic() + _KNOWN_SECONDS, found)
        return found

    async def keys(self, provider: Provider, *, renew: bool = False) -> KeySet:
        """Its public keys; `renew`: one is unknown, so they have changed. Refusal: `IssuerUnavailable`."""
        known = self._keys.get(provider.issuer)
        now = time.monotonic()
        if known and known[0] > now and not (renew and known[0] - _KNOWN_SECONDS < now - _RENEWED_SECONDS):
            return known[1]
        metadata = await self.metadata(provider)
        found = await _fetched(provider, metadata["jwks_uri"])
        try:
            keys = KeySet.import_key_set(cast("Any", found))
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise _unavailable(provider, f"keys: {error}") from None
        self._keys[provider.issuer] = (now + _KNOWN_SECONDS, keys)
        return keys


async def _fetched(provider: Provider, address: str) -> dict[str, Any]:
    """A JSON object of the provider, which must not lead elsewhere and must not be large."""
    try:
        async with httpx2.AsyncClient(timeout=_SECONDS) as client, client.stream("GET", address) as answer:
            if answer.status_code != 200:
                raise _unavailable(provider, f"{address} answers {answer.status_code}")
            body = b""
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > _MOST_BYTES:
                    raise _unavailable(provider, f"{address} answers more than {_MOST_BYTES} bytes")
        return msgspec.json.decode(body, type=dict[str, Any])
    except (httpx2.HTTPError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unavailable(provider, f"{address}: {error!r}") from error


# -- there and back


async def leave(
    database: Database,
    directory: Directory,
    provider: Provider,
    *,
    browser: str,
    back: str,
    goes_to: str,
    visitor: Visitor,
    at: datetime,
    staff_id: UUID | None = None,
) -> str:
    """The address at the provider to send the browser to. `browser` is the token of its cookie, `back` our address for
    the answer. `staff_id`: who links the account there to their own.

    Refusals, in this order: `TooManyAttempts`, `IssuerUnavailable`.
    """
    async with database.transaction() as tx:
        await attempts.count(tx, LEAVING, guesser(visitor.address), at=at)
    metadata = await directory.metadata(provider)
    state, nonce, verifier = token_urlsafe(32), token_urlsafe(32), token_urlsafe(48)
    async with _client(provider, back) as client:
        made: tuple[str, str] = client.create_authorization_url(
            metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
        )
    async with database.transaction() as tx:
        await tx.execute(
            SQL.add_oidc_request,
            state_hash=_hash(state),
            browser_hash=_hash(browser),
            provider=provider.name,
            nonce=nonce,
            verifier=verifier,
            goes_to=goes_to[:2_000],
            staff_id=staff_id,
            expires_at=at + AWAY,
        )
    return made[0]


async def come_back(
    database: Database,
    directory: Directory,
    provider: Provider,
    *,
    answer: Mapping[str, str],
    browser: str | None,
    back: str,
    at: datetime,
) -> Proof:
    """What the provider's answer (the query of our address) proves.

    Refusals, in this order: `AnswerUnknown`, `IssuerRefused`, `AnswerInvalid` (iss), `IssuerUnavailable`,
    `AnswerInvalid` (code, signature, claims).
    """
    async with database.transaction() as tx:
        asked = await tx.maybe(
            SQL.take_oidc_request,
            _Asked,
            state_hash=_hash(answer.get("state", "")),
            browser_hash=_hash(browser or ""),
            provider=provider.name,
            at=at,
        )
    if asked is None:
        raise AnswerUnknown(provider=provider.name)
    if "error" in answer:
        raise IssuerRefused(provider=provider.name, error=answer["error"][:100])
    # RFC 9207: of several providers, the one that we asked is the one that answers.
    if answer.get("iss", provider.issuer) != provider.issuer:
        raise AnswerInvalid(provider=provider.name, part="iss")
    metadata = await directory.metadata(provider)
    if metadata.get("authorization_response_iss_parameter_supported") and "iss" not in answer:
        raise AnswerInvalid(provider=provider.name, part="iss")
    token = await _exchanged(provider, metadata, answer.get("code", ""), asked.verifier, back)
    id_token, access_token = token.get("id_token"), token.get("access_token")
    if not isinstance(id_token, str):
        raise AnswerInvalid(provider=provider.name, part="id_token")
    claims = await _verified(directory, provider, metadata, id_token, access_token, asked.nonce, at)
    return Proof(
        provider,
        str(claims["sub"])[:255],
        claims,
        id_token,
        metadata.get("end_session_endpoint") if provider.signs_out else None,
        asked.goes_to,
        asked.staff_id,
    )


def sign_out_address(end_session: str, *, client_id: str, id_token: str, back: str) -> str:
    """Where to sign out at the provider (OpenID Connect RP-Initiated Logout 1.0)."""
    query = {"client_id": client_id, "id_token_hint": id_token, "post_logout_redirect_uri": back}
    return end_session + ("&" if "?" in end_session else "?") + urlencode({k: v for k, v in query.items() if v})


async def _exchanged(
    provider: Provider, metadata: dict[str, Any], code: str, verifier: str, back: str
) -> dict[str, Any]:
    if not code:
        raise AnswerInvalid(provider=provider.name, part="code")
    methods = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    try:
        async with _client(provider, back, methods) as client:
            return dict(await client.fetch_token(metadata["token_endpoint"], code=code, code_verifier=verifier))
    except OAuthError as error:
        log.warning("provider refused a code", provider=provider.name, error=str(error.error)[:100])
        raise AnswerInvalid(provider=provider.name, part="code") from error
    except (httpx2.HTTPError, ValueError) as error:
        raise _unavailable(provider, f"token endpoint: {error!r}") from error


async def _verified(
    directory: Directory,
    provider: Provider,
    metadata: dict[str, Any],
    id_token: str,
    access_token: Any,
    nonce: str,
    at: datetime,
) -> dict[str, Any]:
    """The claims of an ID token that is signed by the provider, for us, for this nonce, and still valid."""
    supported = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
    registry = JWSRegistry(algorithms=[name for name in _ALGORITHMS if name in supported], strict_check_header=False)
    try:
        token = jwt.decode(id_token, await directory.keys(provider), registry=registry)
    except (JoseError, ValueError):
        # Perhaps signed by a key that is newer than what we know.
        try:
            token = jwt.decode(id_token, await directory.keys(provider, renew=True), registry=registry)
        except (JoseError, ValueError) as error:
            log.warning("ID token not verified", provider=provider.name, error=repr(error)[:200])
            raise AnswerInvalid(provider=provider.name, part="signature") from error
    options = {
        "iss": {"essential": True, "value": provider.issuer},
        "aud": {"essential": True, "value": provider.client_id},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "nonce": {"essential": True, "value": nonce},
    }
    params = {"nonce": nonce, "client_id": provider.client_id, "access_token": access_token}
    claims: Any = CodeIDToken(token.claims, token.header, cast("Any", options), params)
    try:
        claims.validate(now=int(at.timestamp()), leeway=_LEEWAY_SECONDS)
    except JoseError as error:
        part = getattr(error, "claim", None) or str(error.error)
        log.warning("ID token refused", provider=provider.name, error=repr(error)[:200])
        raise AnswerInvalid(provider=provider.name, part=str(part)[:100]) from error
    # Authlib compares with `!=`; this one is a secret of the browser's visit.
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise AnswerInvalid(provider=provider.name, part="nonce")
    return dict(claims)


def _client(provider: Provider, back: str, methods: Any = ("client_secret_basic",)) -> Any:
    """Authlib's client, with the way of proving who we are that both sides know."""
    if provider.client_secret is None:
        method = "none"
    else:
        method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
    return AsyncOAuth2Client(
        provider.client_id,
        provider.client_secret,
        scope=provider.scopes,
        redirect_uri=back,
        token_endpoint_auth_method=method,
        code_challenge_method="S256",
        timeout=_SECONDS,
    )


def _unavailable(provider: Provider, reason: str) -> IssuerUnavailable:
    log.error("provider unavailable", provider=provider.name, reason=reason[:500])
    return IssuerUnavailable(provider=provider.name)


def _is_safe(address: str) -> bool:
    """https, or http to this machine: what a provider says travels as it is."""
    parts = urlsplit(address)
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1"))
    )


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
