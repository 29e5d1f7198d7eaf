"""Signing in with a real OpenID provider, and every way in which its answer is refused."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from lotse.kernel import clock
from lotse.kernel.auth import identities, notices, oidc, roles, sessions, signin, staff
from lotse.kernel.auth.identities import AccountOff, IdentityTaken, IdentityUnknown, LoginExists, NoRole, OnlyWayIn
from lotse.kernel.auth.oidc import (
    AnswerInvalid,
    AnswerUnknown,
    Directory,
    IssuerRefused,
    IssuerUnavailable,
    Proof,
    Provider,
)
from lotse.kernel.auth.principal import SYSTEM, Grant
from lotse.kernel.auth.sealing import Sealer
from lotse.kernel.auth.signin import HalfWay, SignedIn
from lotse.kernel.auth.visitor import Visitor
from lotse.kernel.db import Database
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import Settings, SettingsError
from lotse.testing import Fresh
from tests.oidc.provider import AFTER_SIGN_OUT, BACK, CLIENT, Running, running

SEALER = Sealer(b"k" * 32)


@pytest.fixture(scope="module")
def work() -> Iterator[Running]:
    with running() as provider:
        yield provider


@dataclass
class Trip:
    """One visitor on the way to a provider and back, in one browser."""

    db: Database
    work: Running
    provider: Provider
    directory: Directory
    at: datetime
    browser: str = "b" * 43

    async def leaves(self, staff_id: UUID | None = None) -> str:
        return await oidc.leave(
            self.db,
            self.directory,
            self.provider,
            browser=self.browser,
            back=BACK,
            goes_to="/office/orders",
            visitor=Visitor(f"10.9.{self.at.second}.{self.at.microsecond % 250}"),
            staff_id=staff_id,
            at=self.at,
        )

    async def proves(self, answer: dict[str, str], **change: Any) -> Proof:
        given: dict[str, Any] = {"browser": self.browser, "back": BACK, "at": self.at, "answer": answer, **change}
        return await oidc.come_back(self.db, self.directory, self.provider, **given)

    async def whole(self, staff_id: UUID | None = None) -> Proof:
        return await self.proves(self.work.visited(await self.leaves(staff_id)))

    async def lets_in(self, proof: Proof, settings: Settings | None = None) -> SignedIn | HalfWay:
        return await identities.sign_in(
            self.db, settings or Settings(), SEALER, proof=proof, visitor=Visitor("10.9.0.1", "Firefox"), at=self.at
        )


@pytest.fixture
def trip(db: Database, work: Running, fresh: Fresh) -> Trip:
    work.signs_in(fresh.text(), email=fresh.email(), email_verified=True, name="Ada")
    return Trip(db, work, work.settings(), Directory(), clock.now())


async def account(db: Database, fresh: Fresh, login: str | None = None) -> UUID:
    async with db.transaction() as tx:
        return await staff.add(
            tx, login=login or fresh.email(), name="Ada", password_hash=None, actor="system", at=clock.now()
        )


# -- there and back


async def test_there_and_back(trip: Trip) -> None:
    address = await trip.leaves()
    asked = parse_qs(urlsplit(address).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["response_type"] == ["code"]
    assert len(asked["state"][0]) >= 43 and len(asked["nonce"][0]) >= 43 and asked["redirect_uri"] == [BACK]
    proof = await trip.proves(trip.work.visited(address))
    assert proof.claims["iss"] == trip.work.issuer and proof.goes_to == "/office/orders"
    assert proof.label == proof.claims["email"]
    assert proof.end_session == trip.work.issuer + "/session/end"


async def test_what_was_sent_is_kept_only_as_hashes(trip: Trip) -> None:
    state = parse_qs(urlsplit(await trip.leaves()).query)["state"][0]
    async with trip.db.reading() as conn:
        rows = await conn.raw.fetch("select to_jsonb(r)::text as row from kernel.oidc_requests r")
    assert not any(state in row["row"] or trip.browser in row["row"] for row in rows)


@pytest.mark.parametrize(
    ("fault", "refusal", "part"),
    [
        ("another browser", AnswerUnknown, None),
        ("no browser", AnswerUnknown, None),
        ("no state", AnswerUnknown, None),
        ("another state", AnswerUnknown, None),
        ("too late", AnswerUnknown, None),
        ("another provider", AnswerUnknown, None),
        ("comes twice", AnswerUnknown, None),
        ("cancelled", IssuerRefused, None),
        ("another issuer", AnswerInvalid, "iss"),
        ("no issuer", AnswerInvalid, "iss"),
        ("no code", AnswerInvalid, "code"),
        ("another code", AnswerInvalid, "code"),
        ("a code used before", AnswerInvalid, "code"),
        ("another verifier", AnswerInvalid, "code"),
        ("another nonce", AnswerInvalid, "nonce"),
        ("token expired", AnswerInvalid, "exp"),
        ("token of tomorrow", AnswerInvalid, "iat"),
        ("token for somebody else", AnswerInvalid, "aud"),
        ("clock a little behind", None, None),
        ("clock a little ahead", None, None),
    ],
)
async def test_an_answer(trip: Trip, fault: str, refusal: type[Refusal] | None, part: str | None) -> None:
    if fault == "cancelled":
        trip.work.signs_in("ada", refuses=True)
    answer = trip.work.visited(await trip.leaves())
    change: dict[str, Any] = {}
    match fault:
        case "another browser":
            change["browser"] = "x" * 43
        case "no browser":
            change["browser"] = None
        case "no state":
            answer.pop("state")
        case "another state":
            answer["state"] += "x"
        case "too late":
            change["at"] = trip.at + oidc.AWAY
        case "another provider":
            trip.provider = trip.work.settings(name="other")
        case "comes twice":
            await trip.proves(dict(answer))
        case "another issuer":
            answer["iss"] = "https://evil.example"
        case "no issuer":
            answer.pop("iss")
        case "no code":
            answer.pop("code")
        case "another code":
            answer["code"] = answer["code"][:-1] + ("-" if answer["code"].endswith("_") else "_")
        case "a code used before":
            used = answer["code"]
            await trip.proves(answer)
            answer = {**trip.work.visited(await trip.leaves()), "code": used}
        case "another verifier":
            await _spoil(trip, "verifier")
        case "another nonce":
            await _spoil(trip, "nonce")
        case "token expired":
            change["at"] = trip.at + timedelta(minutes=3)
        case "token of tomorrow":
            change["at"] = trip.at - timedelta(minutes=3)
        case "token for somebody else":
            keep = Directory.metadata
            trip.provider = trip.provider  # the code is taken by the right client, and read as another
            proof_client = trip.work.settings(client_id="somebody-else")
            metadata = await keep(trip.directory, trip.provider)
            asked = (await _requests(trip))[0]
            token = await oidc._exchanged(  # pyright: ignore[reportPrivateUsage]
                trip.provider, metadata, answer["code"], asked["verifier"], BACK
            )
            with pytest.raises(AnswerInvalid) as refused:
                await oidc._verified(  # pyright: ignore[reportPrivateUsage]
                    trip.directory, proof_client, metadata, token["id_token"], None, asked["nonce"], trip.at
                )
            assert refused.value.part == "aud"
            return
        case "clock a little behind":
            change["at"] = trip.at - timedelta(seconds=50)
        case "clock a little ahead":
            change["at"] = trip.at + timedelta(seconds=90)
        case _:
            pass
    if refusal is None:
        assert await trip.proves(answer, **change)
        return
    with pytest.raises(refusal) as refused:
        await trip.proves(answer, **change)
    assert getattr(refused.value, "part", None) == part


async def test_a_key_that_changed_is_fetched_and_one_that_never_was_refused(db: Database, fresh: Fresh) -> None:
    directory = Directory()
    with running() as first:
        first.signs_in(fresh.text())
        trip = Trip(db, first, first.settings(), directory, clock.now())
        assert await trip.whole()
        port = urlsplit(first.issuer).port
    forget = oidc._RENEWED_SECONDS  # pyright: ignore[reportPrivateUsage]
    with running(port=port, rotated=True) as second, pytest.MonkeyPatch.context() as patch:
        second.signs_in(fresh.text())
        trip = Trip(db, second, second.settings(), directory, clock.now())
        with pytest.raises(AnswerInvalid) as refused:  # asked only once in a while, whatever tokens say
            await trip.whole()
        assert refused.value.part == "signature" and forget > 0
        patch.setattr(oidc, "_RENEWED_SECONDS", 0.0)
        assert await trip.whole()


async def test_a_provider_that_is_down_is_named(db: Database, fresh: Fresh) -> None:
    with running() as work:
        work.signs_in(fresh.text())
        trip = Trip(db, work, work.settings(), Directory(), clock.now())
        answer = work.visited(await trip.leaves())
    with pytest.raises(IssuerUnavailable):  # it went down while the visitor was there
        await trip.proves(answer)
    with pytest.raises(IssuerUnavailable):
        await Trip(db, work, work.settings(), Directory(), clock.now()).leaves()


@pytest.mark.parametrize("issuer", ["", "/"])
async def test_a_provider_that_calls_itself_otherwise_is_not_believed(db: Database, work: Running, issuer: str) -> None:
    provider = work.settings(issuer=work.issuer + "/" if issuer else work.issuer.replace("127.0.0.1", "localhost"))
    with pytest.raises(IssuerUnavailable):
        await Directory().metadata(provider)


# -- who it is here


async def test_nobody_is_let_in_whom_nobody_linked(trip: Trip) -> None:
    with pytest.raises(IdentityUnknown):
        await trip.lets_in(await trip.whole())


async def test_a_linked_account_signs_in_and_an_address_says_nothing(trip: Trip, fresh: Fresh) -> None:
    address = fresh.email()
    id = await account(trip.db, fresh, login=address)
    subject = fresh.text()
    trip.work.signs_in(subject, email=address, email_verified=True)
    with pytest.raises(IdentityUnknown):  # the same address is not the same person
        await trip.lets_in(await trip.whole())
    proof = await trip.whole(staff_id=id)
    assert proof.staff_id == id
    await identities.link(trip.db, proof=proof, staff_id=id, session_id=id, visitor=Visitor(), at=trip.at)
    trip.work.signs_in(subject, email="renamed@example.org", email_verified=True)
    done = await trip.lets_in(await trip.whole())
    assert isinstance(done, SignedIn) and done.goes_to == "/office/orders"
    session = await sessions.session_of(trip.db, done.token, trip.at)
    assert session and (session.staff_id, session.method) == (id, "oidc:work")
    async with trip.db.reading() as conn:
        [linked] = await identities.of_account(conn, staff_id=id)
        assert (linked.label, linked.subject) == ("renamed@example.org", subject)
        assert [notice.kind for notice in await notices.latest(conn, staff_id=id)] == ["identity-linked"]


async def test_an_account_of_a_provider_signs_one_person_in(trip: Trip, fresh: Fresh) -> None:
    mine, theirs = await account(trip.db, fresh), await account(trip.db, fresh)
    proof = await trip.whole()

    async def link(id: UUID) -> None:
        await identities.link(trip.db, proof=proof, staff_id=id, session_id=id, visitor=Visitor(), at=trip.at)

    await link(mine)
    await link(mine)
    with pytest.raises(IdentityTaken):
        await link(theirs)


async def test_the_only_way_in_is_kept(trip: Trip, fresh: Fresh) -> None:
    id = await account(trip.db, fresh)
    proof = await trip.whole()
    await identities.link(trip.db, proof=proof, staff_id=id, session_id=id, visitor=Visitor(), at=trip.at)
    with pytest.raises(OnlyWayIn):
        async with trip.db.transaction() as tx:
            await identities.unlink(
                tx,
                issuer=trip.work.issuer,
                subject=proof.subject,
                staff_id=id,
                session_id=id,
                visitor=Visitor(),
                at=trip.at,
            )


async def test_an_account_switched_off_stays_out(trip: Trip, fresh: Fresh) -> None:
    login = fresh.email()
    id = await account(trip.db, fresh, login)
    await identities.link(trip.db, proof=await trip.whole(), staff_id=id, session_id=id, visitor=Visitor(), at=trip.at)
    async with trip.db.transaction() as tx:
        await staff.change(tx, login=login, active=False, actor="system", at=trip.at)
    with pytest.raises(AccountOff):
        await trip.lets_in(await trip.whole())


async def test_where_the_provider_creates_accounts_its_claim_is_master_of_the_roles(trip: Trip, fresh: Fresh) -> None:
    clerk, lead = fresh.text(), fresh.text()
    async with trip.db.transaction() as tx:
        for name in (clerk, lead):
            await roles.put_role(tx, name=name, grants=[Grant("orders.read")], by=SYSTEM, at=trip.at)
    trip.provider = trip.work.settings(creates=True, roles_claim="groups", roles={"clerks": clerk, "leads": lead})
    subject, address = fresh.text(), fresh.email()

    async def with_groups(*groups: str) -> list[str]:
        trip.work.signs_in(subject, email=address, email_verified=True, name="Grace", groups=list(groups))
        done = await trip.lets_in(await trip.whole())
        assert isinstance(done, SignedIn)
        session = await sessions.session_of(trip.db, done.token, trip.at)
        assert session and (session.login, session.name) == (address, "Grace")
        async with trip.db.reading() as conn:
            held = await roles.held_by(conn, roles.Holder(staff_id=session.staff_id))
        return sorted(str(one.role_name) for one in held)

    trip.work.signs_in(subject, groups=["others"])
    with pytest.raises(NoRole):
        await trip.lets_in(await trip.whole())
    assert await with_groups("clerks", "others") == [clerk]
    assert await with_groups("clerks", "leads") == sorted([clerk, lead])
    assert await with_groups("leads") == [lead]
    trip.work.signs_in(subject, groups=[])
    with pytest.raises(NoRole):
        await trip.lets_in(await trip.whole())


async def test_a_login_that_exists_is_not_taken_over(trip: Trip, fresh: Fresh) -> None:
    address, name = fresh.email(), fresh.text()
    await account(trip.db, fresh, login=address)
    async with trip.db.transaction() as tx:
        await roles.put_role(tx, name=name, grants=[Grant("orders.read")], by=SYSTEM, at=trip.at)
    trip.provider = trip.work.settings(creates=True, roles_claim="groups", roles={"clerks": name})
    trip.work.signs_in(fresh.text(), email=address, email_verified=True, groups=["clerks"])
    with pytest.raises(LoginExists):
        await trip.lets_in(await trip.whole())


@pytest.mark.parametrize(("asks", "half"), [("theirs", False), ("ours", True)])
async def test_whose_second_factor_counts(trip: Trip, fresh: Fresh, asks: str, half: bool) -> None:
    id = await account(trip.db, fresh)
    trip.provider = trip.work.settings(second_factor=asks)
    await identities.link(trip.db, proof=await trip.whole(), staff_id=id, session_id=id, visitor=Visitor(), at=trip.at)
    done = await trip.lets_in(await trip.whole(), Settings(second_factor="required"))
    assert isinstance(done, HalfWay) is half


async def test_signing_out_there_as_well(trip: Trip, fresh: Fresh) -> None:
    id = await account(trip.db, fresh)
    proof = await trip.whole()
    await identities.link(trip.db, proof=proof, staff_id=id, session_id=id, visitor=Visitor(), at=trip.at)
    done = await trip.lets_in(await trip.whole())
    assert isinstance(done, SignedIn)
    async with trip.db.reading() as conn:
        there = await identities.signing_out(conn, SEALER, token_hash=signin._hash(done.token))  # pyright: ignore[reportPrivateUsage]
        kept: bytes = await conn.raw.fetchval("select sign_out from kernel.sessions where staff_id = $1", id)
    assert there and there.client_id == CLIENT and there.id_token.encode() not in kept
    address = oidc.sign_out_address(
        there.end_session, client_id=there.client_id, id_token=there.id_token, back=AFTER_SIGN_OUT
    )
    async with httpx.AsyncClient() as browser:
        page = (await browser.get(address)).text
        action = re.findall(r'action="([^"]+)"', page)[0]
        hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
        done_there = await browser.post(action, data={**hidden, "logout": "yes"})
    assert done_there.headers["location"] == AFTER_SIGN_OUT


# -- settings


GOOD = {"LOTSE_OIDC_WORK_ISSUER": "https://id.example", "LOTSE_OIDC_WORK_CLIENT_ID": "lotse"}


@pytest.mark.parametrize(
    ("names", "change", "said"),
    [
        ("work", {"LOTSE_OIDC_WORK_ISSUER": ""}, "LOTSE_OIDC_WORK_ISSUER is missing"),
        ("work,home", {}, "LOTSE_OIDC_HOME_ISSUER is missing"),
        ("my work", {}, "letters and digits"),
        ("work", {"LOTSE_OIDC_WORK_ISSUER": "http://id.example"}, "https, or http on this machine"),
        ("work", {"LOTSE_OIDC_WORK_CLIENTID": "x"}, "is not a setting"),
        ("work", {"LOTSE_OIDC_WORK_CREATE": "on"}, "belong together"),
        ("work", {"LOTSE_OIDC_WORK_CREATE": "perhaps"}, "on or off"),
        ("work", {"LOTSE_OIDC_WORK_ROLES": "a=b"}, "belong together"),
        ("work", {"LOTSE_OIDC_WORK_ROLES": "a"}, "value=role"),
        ("work", {"LOTSE_OIDC_WORK_SECOND_FACTOR": "none"}, "theirs or ours"),
        ("work", {"LOTSE_OIDC_WORK_CLIENT_SECRET_FILE": "/nowhere/at/all"}, "CLIENT_SECRET_FILE"),
    ],
)
def test_a_setting_that_is_wrong_is_named(names: str, change: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        oidc.providers(Settings(oidc_providers=names), {**GOOD, **change})


def test_several_providers_stand_in_the_settings() -> None:
    more = {
        "LOTSE_OIDC_HOME_ISSUER": "http://127.0.0.1:9000",
        "LOTSE_OIDC_HOME_CLIENT_ID": "x",
        "LOTSE_OIDC_HOME_ROLES_CLAIM": "groups",
        "LOTSE_OIDC_HOME_ROLES": "a=Clerk, b=Store lead",
        "LOTSE_OIDC_HOME_CREATE": "yes",
    }
    found = oidc.providers(Settings(oidc_providers="work, home"), GOOD | more)
    assert list(found) == ["work", "home"] and found["work"].title == "Work"
    assert found["home"].roles == {"a": "Clerk", "b": "Store lead"} and found["home"].creates


async def _requests(trip: Trip) -> list[dict[str, Any]]:
    async with trip.db.reading() as conn:
        rows = await conn.raw.fetch("select nonce, verifier from kernel.oidc_requests order by expires_at desc limit 1")
    return [dict(row) for row in rows]


async def _spoil(trip: Trip, column: str) -> None:
    async with trip.db.reading() as conn:
        await conn.raw.execute(f"update kernel.oidc_requests set {column} = {column} || 'x'")
