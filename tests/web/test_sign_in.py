"""Signing in, step by step: attempts, known browsers, second factor, recovery codes, notices, passwords."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from msgspec import structs
from pyotp.totp import TOTP

from lotse.kernel import clock, housekeeping
from lotse.kernel.auth import attempts, notices, passwords, sessions, signin, staff, totp, visitor
from lotse.kernel.auth.notices import AccountNoticed
from lotse.kernel.auth.sealing import SealBroken, Sealer
from lotse.kernel.auth.signin import HalfWay, SignedIn, SignInExpired, WrongCredentials, WrongPassword
from lotse.kernel.auth.totp import CodeSpent, NoSecondFactor, WrongCode
from lotse.kernel.auth.visitor import Visitor
from lotse.kernel.db import Database
from lotse.kernel.refusals import Invalid, Refusal
from lotse.kernel.settings import Settings
from lotse.testing import Fresh

PASSWORD = "correct horse battery"
OPTIONAL = Settings()
REQUIRED = Settings(second_factor="required")
SEALER = Sealer(b"k" * 32)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)


class Ada:
    """An account, and what its owner can do."""

    def __init__(self, db: Database, id: UUID, login: str) -> None:
        self.db, self.id, self.login = db, id, login
        self.secret = ""
        self.home = f"10.{id.bytes[-1]}.{id.bytes[-2]}.{id.bytes[-3]}"  # nobody else's: attempts count per address

    async def tries(
        self,
        password: str = PASSWORD,
        *,
        at: datetime,
        address: str = "",
        device: str | None = None,
        settings: Settings = OPTIONAL,
        agent: str = FIREFOX,
    ) -> SignedIn | HalfWay:
        return await signin.with_password(
            self.db,
            settings,
            login=self.login,
            password=password,
            visitor=Visitor(address or self.home, agent, device),
            at=at,
            goes_to="/office/orders",
        )

    async def is_in(self, *, at: datetime, address: str = "", device: str | None = None) -> SignedIn:
        done = await self.tries(at=at, address=address, device=device)
        assert isinstance(done, SignedIn)
        return done

    async def half(self, *, at: datetime, device: str | None = None, address: str = "") -> str:
        done = await self.tries(at=at, device=device, address=address)
        assert isinstance(done, HalfWay) and not done.needs_setup
        return done.token

    async def gives(self, half: str | None, code: str, *, at: datetime, device: str | None = None) -> SignedIn:
        return await signin.with_code(
            self.db, SEALER, token=half, code=code, visitor=Visitor(self.home, FIREFOX, device), at=at
        )

    async def sets_up(self, *, at: datetime) -> list[str]:
        async with self.db.transaction() as tx:
            self.secret = (
                await totp.propose(tx, SEALER, staff_id=self.id, login=self.login, issuer="Shop", renew=True)
            ).secret
            return await totp.confirm(
                tx,
                SEALER,
                staff_id=self.id,
                code=self.code(at),
                actor=f"staff:{self.id}",
                visitor=Visitor(),
                session_id=None,
                at=at,
            )

    def code(self, at: datetime, steps: int = 0) -> str:
        return TOTP(self.secret).generate_otp(int(at.timestamp()) // 30 + steps)

    async def told(self) -> list[str]:
        async with self.db.reading() as conn:
            return [notice.kind for notice in await notices.latest(conn, staff_id=self.id)]


@pytest.fixture
async def ada(db: Database, fresh: Fresh) -> Ada:
    login = fresh.email()
    async with db.transaction() as tx:
        id = await staff.add(
            tx,
            login=login,
            name="Ada",
            password_hash=staff.hashed(PASSWORD),
            scopes=["orders.read"],
            actor="system",
            at=clock.now(),
        )
    return Ada(db, id, login)


@pytest.fixture
def at() -> datetime:
    """On the first second of a time step, so that no test runs over its end."""
    now = clock.now()
    return now - timedelta(seconds=now.timestamp() % 30)


# -- attempts


async def test_wrong_passwords_are_limited_per_account_and_network_and_leak(ada: Ada, at: datetime) -> None:
    for _ in range(signin.HERE.burst):
        with pytest.raises(WrongCredentials):
            await ada.tries("wrong", at=at)
    with pytest.raises(attempts.TooManyAttempts) as refused:  # also the right one, else it could be found out
        await ada.tries(at=at)
    wait = timedelta(seconds=refused.value.retry_after_seconds)
    assert timedelta() < wait <= signin.HERE.interval
    assert await ada.is_in(at=at + wait)
    for _ in range(signin.HERE.burst):  # success emptied the bucket
        with pytest.raises(WrongCredentials):
            await ada.tries("wrong", at=at + wait)


async def test_who_guesses_elsewhere_locks_nobody_out(ada: Ada, at: datetime) -> None:
    for _ in range(signin.HERE.burst + 1):
        with pytest.raises(Refusal):
            await ada.tries("wrong", at=at, address="192.0.2.66")
    assert await ada.is_in(at=at, address="198.51.100.7")


async def test_a_known_browser_is_let_through_while_the_whole_world_guesses(ada: Ada, at: datetime) -> None:
    device = (await ada.is_in(at=at)).device
    outcomes: Counter[type[Refusal]] = Counter()
    for number in range(signin.ACCOUNT.burst + 10):
        with pytest.raises(Refusal) as refused:
            await ada.tries("wrong", at=at, address=f"192.0.{number}.1")
        outcomes[type(refused.value)] += 1
    assert outcomes == {WrongCredentials: signin.ACCOUNT.burst, attempts.TooManyAttempts: 10}
    with pytest.raises(attempts.TooManyAttempts):
        await ada.tries(at=at, address="198.51.100.7")  # an unknown browser waits
    assert await ada.is_in(at=at, device=device)
    assert await ada.is_in(at=at, device=device, address="192.0.1.1")  # also in the midst of the guessers


async def test_whoever_knows_the_password_takes_no_place_of_those_who_share_the_address(ada: Ada, at: datetime) -> None:
    for _ in range(max(signin.ADDRESS.burst, signin.ACCOUNT.burst) + 5):
        assert await ada.is_in(at=at)  # in a browser that is new each time
    # Mistakes count all the same.
    for _ in range(signin.HERE.burst):
        with pytest.raises(WrongCredentials):
            await ada.tries("wrong", at=at)
    with pytest.raises(attempts.TooManyAttempts):
        await ada.tries(at=at)


async def test_many_sign_in_from_one_address_at_once(ada: Ada, at: datetime) -> None:
    came = await asyncio.gather(*(ada.tries(at=at) for _ in range(signin.HERE.burst)))
    assert all(isinstance(one, SignedIn) for one in came)


async def test_a_known_browser_may_not_guess_for_ever_either(ada: Ada, at: datetime) -> None:
    device = (await ada.is_in(at=at)).device
    for _ in range(signin.DEVICE.burst):
        with pytest.raises(WrongCredentials):
            await ada.tries("wrong", at=at, device=device)
    with pytest.raises(attempts.TooManyAttempts):
        await ada.tries(at=at, device=device)


@pytest.mark.parametrize("device", ["", "guessed", "x" * 43])
async def test_a_browser_that_claims_to_be_known_is_not(ada: Ada, at: datetime, device: str) -> None:
    for _ in range(signin.HERE.burst):
        with pytest.raises(WrongCredentials):
            await ada.tries("wrong", at=at, device=device)
    with pytest.raises(attempts.TooManyAttempts):
        await ada.tries(at=at, device=device)


async def test_a_browser_is_known_to_the_accounts_that_used_it(db: Database, ada: Ada, at: datetime) -> None:
    device = (await ada.is_in(at=at)).device
    async with db.reading() as conn:
        here, later = Visitor(device=device), at + visitor.DEVICE_KEPT
        assert await visitor.known_device(conn, here, ada.login, at=at)
        assert not await visitor.known_device(conn, here, "somebody@else.example", at=at)
        assert not await visitor.known_device(conn, here, ada.login, at=later)


async def test_attempts_at_the_same_moment_are_counted_one_by_one(ada: Ada, at: datetime) -> None:
    trying = (ada.tries("wrong", at=at) for _ in range(2 * signin.HERE.burst))
    outcomes = Counter(map(type, await asyncio.gather(*trying, return_exceptions=True)))
    assert outcomes == {WrongCredentials: signin.HERE.burst, attempts.TooManyAttempts: signin.HERE.burst}


async def test_attempts_are_limited_per_address(db: Database, fresh: Fresh, at: datetime) -> None:
    outcomes: list[type[Refusal]] = []
    address = fresh.text()
    for _ in range(signin.ADDRESS.burst + 1):
        async with db.transaction() as tx:
            try:
                await attempts.count(tx, signin.ADDRESS, address, at=at)
            except Refusal as refusal:
                outcomes.append(type(refusal))
    assert outcomes == [attempts.TooManyAttempts]


@pytest.mark.parametrize(
    ("addresses", "is_one"),
    [
        (("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), True),
        (("2001:db8:1:2::1", "2001:db8:1:3::1"), False),
        (("192.0.2.1", "::ffff:192.0.2.1"), True),
        (("192.0.2.1", "192.0.2.2"), False),
        (("fe80::1%eth0", "fe80::2%eth1"), True),
    ],
)
def test_a_network_of_addresses_is_one_guesser(addresses: tuple[str, str], is_one: bool) -> None:
    assert (visitor.guesser(addresses[0]) == visitor.guesser(addresses[1])) is is_one


# -- the second factor


async def test_a_right_password_is_half_of_it(db: Database, ada: Ada, at: datetime) -> None:
    await ada.sets_up(at=at)
    half = await ada.half(at=at)
    done = await ada.gives(half, ada.code(at, 1), at=at)
    assert done.goes_to == "/office/orders"
    found = await sessions.session_of(db, done.token, at)
    assert found and (found.staff_id, found.method) == (ada.id, "password+code")
    with pytest.raises(SignInExpired):  # the half is used up
        await ada.gives(half, ada.code(at, 1), at=at)


@pytest.mark.parametrize(
    ("half", "code", "refusal"),
    [
        ("none", "right", SignInExpired),
        ("unknown", "right", SignInExpired),
        ("old", "right", SignInExpired),
        ("good", "spent", CodeSpent),
        ("good", "earlier than the spent one", CodeSpent),
        ("good", "two steps old", WrongCode),
        ("good", "two steps early", WrongCode),
        ("good", "wrong", WrongCode),
        ("good", "nothing", WrongCode),
        ("good", "seven digits", WrongCode),
        ("good", "recovery of somebody else", WrongCode),
        ("good", "right", None),
        ("good", "right with spaces", None),
    ],
)
async def test_a_code(ada: Ada, at: datetime, half: str, code: str, refusal: type[Refusal] | None) -> None:
    await ada.sets_up(at=at)  # spends the code of this step
    halves = {"none": None, "unknown": "x" * 43}
    token = (
        halves[half] if half in halves else await ada.half(at=at - (signin.HALF_KEPT if half == "old" else timedelta()))
    )
    right = ada.code(at, 1)
    codes = {
        "right": right,
        "spent": ada.code(at),
        "earlier than the spent one": ada.code(at, -1),
        "two steps old": ada.code(at, -2),
        "two steps early": ada.code(at, 2),
        "wrong": f"{(int(right) + 1) % 10**6:06}",
        "nothing": "",
        "seven digits": right + "0",
        "recovery of somebody else": "abcd-efgh-ijkl-mnop",
        "right with spaces": f" {right[:3]} {right[3:]} ",
    }
    if refusal is None:
        assert await ada.gives(token, codes[code], at=at)
    else:
        with pytest.raises(refusal):
            await ada.gives(token, codes[code], at=at)


async def test_a_code_counts_once_however_many_come_at_once(ada: Ada, at: datetime) -> None:
    await ada.sets_up(at=at)
    halves = [await ada.half(at=at) for _ in range(4)]
    giving = (ada.gives(half, ada.code(at, 1), at=at) for half in halves)
    outcomes = Counter(map(type, await asyncio.gather(*giving, return_exceptions=True)))
    assert outcomes == {SignedIn: 1, CodeSpent: 3}


async def test_wrong_codes_end_the_half_and_are_told(ada: Ada, at: datetime) -> None:
    await ada.sets_up(at=at)
    half = await ada.half(at=at)
    for _ in range(signin.MISTAKES):
        with pytest.raises(WrongCode):
            await ada.gives(half, "000000" if ada.code(at, 1) != "000000" else "000001", at=at)
    with pytest.raises(SignInExpired):
        await ada.gives(half, ada.code(at, 1), at=at)
    assert "codes-refused" in await ada.told()
    again = await ada.half(at=at)
    with pytest.raises(attempts.TooManyAttempts):  # a new half is no new chance
        await ada.gives(again, ada.code(at, 1), at=at)


async def test_who_knows_the_password_does_not_keep_its_owner_from_the_second_factor(ada: Ada, at: datetime) -> None:
    device = (await ada.is_in(at=at)).device
    await ada.sets_up(at=at)
    half = await ada.half(at=at, address="192.0.2.1")
    for _ in range(signin.MISTAKES):
        with pytest.raises(WrongCode):
            await ada.gives(half, "wrong", at=at)
    half = await ada.half(at=at, device=device)
    assert await ada.gives(half, ada.code(at, 1), at=at, device=device)


async def test_a_recovery_code_counts_once(db: Database, ada: Ada, at: datetime) -> None:
    codes = await ada.sets_up(at=at)
    assert len(set(codes)) == totp.CODES and all(len(code) == 19 for code in codes)
    done = await ada.gives(await ada.half(at=at), codes[0].upper().replace("-", " "), at=at)
    found = await sessions.session_of(db, done.token, at)
    assert found and found.method == "password+recovery"
    assert "recovery-used" in await ada.told()
    with pytest.raises(WrongCode):
        await ada.gives(await ada.half(at=at), codes[0], at=at)
    async with db.reading() as conn:
        assert (await totp.state(conn, staff_id=ada.id)).codes_left == totp.CODES - 1
        kept = await conn.raw.fetch(
            "select to_jsonb(c)::text as row from kernel.recovery_codes c where staff_id = $1", ada.id
        )
    assert not any(code.replace("-", "") in row["row"] for code in codes for row in kept)


async def test_new_recovery_codes_end_the_old_ones(db: Database, ada: Ada, at: datetime) -> None:
    old = await ada.sets_up(at=at)
    async with db.transaction() as tx:
        new = await totp.renew_codes(
            tx, SEALER, staff_id=ada.id, actor="x", visitor=Visitor(), session_id=ada.id, at=at
        )
    with pytest.raises(WrongCode):
        await ada.gives(await ada.half(at=at), old[1], at=at)
    assert await ada.gives(await ada.half(at=at), new[1], at=at)


async def test_the_secret_is_kept_sealed(db: Database, ada: Ada, at: datetime) -> None:
    await ada.sets_up(at=at)
    async with db.reading() as conn:
        sealed: bytes = await conn.raw.fetchval("select sealed from kernel.second_factors where staff_id = $1", ada.id)
    assert ada.secret.encode() not in sealed
    assert SEALER.open(totp.PURPOSE, str(ada.id), sealed).decode() == ada.secret


@pytest.mark.parametrize(
    "reader",
    [
        lambda sealed: Sealer(b"x" * 32).open("p", "a", sealed),
        lambda sealed: SEALER.open("q", "a", sealed),
        lambda sealed: SEALER.open("p", "b", sealed),
        lambda sealed: SEALER.open("p", "a", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        lambda sealed: SEALER.open("p", "a", sealed[:20]),
        lambda sealed: SEALER.open("p", "a", b""),
        lambda sealed: SEALER.open("p", "a", Sealer(b"k" * 32, "pepper").seal("p", "a", b"secret")),
        lambda sealed: Sealer(b"k" * 32, "other").open("p", "a", Sealer(b"k" * 32, "pepper").seal("p", "a", b"secret")),
    ],
    ids=["key", "purpose", "owner", "a bit", "cut off", "nothing", "no pepper", "other pepper"],
)
def test_a_broken_seal_is_named(reader: object) -> None:
    assert callable(reader)
    with pytest.raises(SealBroken):
        reader(SEALER.seal("p", "a", b"secret"))


def test_what_was_sealed_before_the_operators_secret_can_still_be_opened() -> None:
    assert Sealer(b"k" * 32, "pepper").open("p", "a", SEALER.seal("p", "a", b"secret")) == b"secret"


async def test_an_unconfirmed_factor_asks_for_nothing(db: Database, ada: Ada, at: datetime) -> None:
    async with db.transaction() as tx:
        first = await totp.propose(tx, SEALER, staff_id=ada.id, login=ada.login, issuer="Shop")
        again = await totp.propose(tx, SEALER, staff_id=ada.id, login=ada.login, issuer="Shop")
        other = await totp.propose(tx, SEALER, staff_id=ada.id, login=ada.login, issuer="Shop", renew=True)
    assert first == again != other
    assert first.address.startswith("otpauth://totp/Shop:") and first.picture().startswith("<svg")
    assert await ada.is_in(at=at)


async def test_a_new_app_replaces_the_old_one_only_when_its_code_comes(db: Database, ada: Ada, at: datetime) -> None:
    await ada.sets_up(at=at)
    old = ada.secret
    async with db.transaction() as tx:
        await totp.propose(tx, SEALER, staff_id=ada.id, login=ada.login, issuer="Shop", renew=True)
    assert await ada.gives(await ada.half(at=at), ada.code(at, 1), at=at)
    later = at + timedelta(minutes=5)
    await ada.sets_up(at=later)
    assert ada.secret != old
    assert await ada.gives(await ada.half(at=later), ada.code(later, 1), at=later)


async def test_a_required_factor_is_set_up_before_the_session_begins(db: Database, ada: Ada, at: datetime) -> None:
    done = await ada.tries(at=at, settings=REQUIRED)
    assert isinstance(done, HalfWay) and done.needs_setup
    with pytest.raises(NoSecondFactor):  # there is no way around
        await ada.gives(done.token, "000000", at=at)
    proposed = await signin.proposal(db, SEALER, token=done.token, issuer="Shop", at=at)
    code = TOTP(proposed.secret).generate_otp(int(at.timestamp()) // 30)
    with pytest.raises(WrongCode):
        await signin.with_setup(db, SEALER, token=done.token, code="1", visitor=Visitor(), at=at)
    begun, codes = await signin.with_setup(db, SEALER, token=done.token, code=code, visitor=Visitor(), at=at)
    assert len(codes) == totp.CODES and await sessions.session_of(db, begun.token, at)
    again = await ada.tries(at=at, settings=REQUIRED)
    assert isinstance(again, HalfWay) and not again.needs_setup


async def test_a_half_sign_in_cannot_set_up_another_factor(db: Database, ada: Ada, at: datetime) -> None:
    """Who has the password alone must not get in by making the second factor anew."""
    await ada.sets_up(at=at)
    half = await ada.half(at=at)
    with pytest.raises(SignInExpired):
        await signin.proposal(db, SEALER, token=half, issuer="Shop", at=at)
    with pytest.raises(SignInExpired):
        await signin.with_setup(db, SEALER, token=half, code="000000", visitor=Visitor(), at=at)


async def test_a_reset_factor_ends_sessions_and_asks_for_a_reason(db: Database, ada: Ada, at: datetime) -> None:
    session = (await ada.is_in(at=at)).token
    await ada.sets_up(at=at)
    half = await ada.half(at=at)
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(Invalid):
            async with db.transaction() as tx:
                await totp.reset(tx, staff_id=ada.id, actor="system", reason=reason, at=at)
    async with db.transaction() as tx:
        await totp.reset(tx, staff_id=ada.id, actor="system", reason="phone lost", at=at)
    assert await sessions.session_of(db, session, at) is None
    with pytest.raises(SignInExpired):
        await ada.gives(half, ada.code(at, 1), at=at)
    assert await ada.is_in(at=at)
    async with db.reading() as conn:
        reasons = await conn.raw.fetch("select reason from kernel.audit where subject = $1", f"kernel.staff:{ada.id}")
    assert "phone lost" in [row["reason"] for row in reasons]
    with pytest.raises(NoSecondFactor):
        async with db.transaction() as tx:
            await totp.reset(tx, staff_id=ada.id, actor="system", reason="once more", at=at)


async def test_an_account_switched_off_half_way_does_not_get_in(db: Database, ada: Ada, at: datetime) -> None:
    await ada.sets_up(at=at)
    half = await ada.half(at=at)
    async with db.transaction() as tx:
        await staff.change(tx, login=ada.login, active=False, actor="system", at=at)
    with pytest.raises(SignInExpired):
        await ada.gives(half, ada.code(at, 1), at=at)


# -- what an account is told


async def test_the_first_sign_in_is_no_news_and_a_new_browser_is(db: Database, ada: Ada, at: datetime) -> None:
    first = await ada.is_in(at=at)
    assert await ada.told() == []
    await ada.is_in(at=at, device=first.device)
    assert await ada.told() == []
    second = await ada.is_in(at=at)
    assert second.device != first.device
    assert await ada.told() == ["new-device"]
    await ada.is_in(at=at, device=first.device, address="192.0.2.1")
    assert await ada.told() == ["new-place", "new-device"]
    await ada.is_in(at=at, device=first.device, address="192.0.77.1")  # the same region
    assert await ada.told() == ["new-place", "new-device"]
    async with db.reading() as conn:
        events = await conn.raw.fetch("select payload from kernel.events where key = $1", str(ada.id))
    assert [AccountNoticed.__struct_config__.tag] * 2 == [event["payload"]["type"] for event in events]


async def test_a_notice_shows_in_the_other_sessions_until_it_is_put_away(db: Database, ada: Ada, at: datetime) -> None:
    mine = await sessions.session_of(db, (await ada.is_in(at=at)).token, at)
    theirs = await sessions.session_of(db, (await ada.is_in(at=at)).token, at)
    assert mine and theirs
    mine = structs.replace(mine, notices=1)
    async with db.transaction() as tx:
        assert [notice.kind for notice in await notices.unseen(tx, staff_id=ada.id, session_id=mine.id)] == [
            "new-device"
        ]
        assert await notices.unseen(tx, staff_id=ada.id, session_id=theirs.id) == []
        await notices.put_away(tx, staff_id=ada.id, session_id=theirs.id, at=at)  # who was let in by it cannot hide it
        assert await notices.unseen(tx, staff_id=ada.id, session_id=mine.id)
        await notices.put_away(tx, staff_id=ada.id, session_id=mine.id, at=at)
        assert await notices.unseen(tx, staff_id=ada.id, session_id=mine.id) == []


async def test_a_token_that_somebody_planted_does_not_become_a_known_browser(ada: Ada, at: datetime) -> None:
    planted = "p" * 43
    assert (await ada.is_in(at=at, device=planted)).device != planted


@pytest.mark.parametrize(
    ("agent", "called"),
    [
        (FIREFOX, ("Firefox 140", "Windows")),
        (PHONE, ("Safari 18", "iOS")),
        ("", ("", "")),
        ("curl/8.5.0", ("curl 8", "")),
    ],
)
def test_a_browser_is_called_by_its_name(agent: str, called: tuple[str, str]) -> None:
    assert visitor.called(agent) == called


# -- sessions


async def test_sessions_are_listed_and_ended_one_by_one_or_all_others(db: Database, ada: Ada, at: datetime) -> None:
    tokens = [(await ada.is_in(at=at + timedelta(minutes=n))).token for n in range(3)]
    later = at + timedelta(minutes=5)
    async with db.transaction() as tx:
        listed = await sessions.of_account(tx, staff_id=ada.id, at=later)
        assert [(one.address, one.agent) for one in listed] == [(ada.home, FIREFOX)] * 3
        await sessions.revoke(tx, staff_id=UUID(int=0), id=listed[1].id)  # nobody else's
        await sessions.revoke(tx, staff_id=ada.id, id=listed[1].id)
    assert [bool(await sessions.session_of(db, token, later)) for token in tokens] == [True, False, True]
    async with db.transaction() as tx:
        assert await sessions.revoke_others(tx, staff_id=ada.id, but=listed[0].id) == 1
    assert [bool(await sessions.session_of(db, token, later)) for token in tokens] == [False, False, True]


# -- passwords


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("too short", Invalid),
        ("x" * 201, Invalid),
        ("aaaaaaaaaaaaaaaaaaaa", passwords.PasswordCommon),
        ("12345678901234567", passwords.PasswordCommon),
        ("passwordpassword1", passwords.PasswordCommon),
        ("qwertyuiopasdfgh", passwords.PasswordCommon),
        ("ada.lovelace@example", passwords.PasswordCommon),
        ("lotselotselotse!", passwords.PasswordCommon),
        ("drei Kühe im Regen", None),
        ("correct horse battery", None),
        ("ÄÖÜäöüßéèêñçåøæ", None),
        ("1 long one without a capital " * 3, None),
    ],
)
def test_a_password_is_long_and_not_common(password: str, refusal: type[Refusal] | None) -> None:
    known = ("ada.lovelace@example.org", "Ada Lovelace")
    if refusal:
        with pytest.raises(refusal):
            passwords.hashed(password, known=known)
    else:
        assert passwords.hashed(password, known=known).startswith("$argon2id$")


def test_where_a_second_factor_is_required_a_password_may_be_shorter() -> None:
    assert (passwords.least(OPTIONAL), passwords.least(REQUIRED)) == (15, 8)
    assert passwords.hashed("kuh7regen!x", least=passwords.least(REQUIRED))


async def test_a_password_is_the_same_however_its_letters_are_typed() -> None:
    assert await passwords.matches(
        passwords.hashed("Gru\u0308ße aus Ko\u0308ln am Rhein"), "Gr\u00fcße aus K\u00f6ln am Rhein"
    )


@pytest.mark.parametrize(
    ("old", "new", "refusal"),
    [
        ("wrong", "three cows in the rain", WrongPassword),
        (PASSWORD, "short", Invalid),
        (PASSWORD, "qwertyuiopasdfgh", passwords.PasswordCommon),
        (PASSWORD, "three cows in the rain", None),
    ],
)
async def test_changing_ones_own_password(
    db: Database, ada: Ada, at: datetime, old: str, new: str, refusal: type[Refusal] | None
) -> None:
    here, elsewhere = await ada.is_in(at=at), await ada.is_in(at=at)
    session = await sessions.session_of(db, here.token, at)
    assert session

    async def change() -> None:
        await signin.change_password(
            db,
            OPTIONAL,
            staff_id=ada.id,
            old=old,
            new=new,
            session_id=session.id,
            visitor=Visitor(ada.home, FIREFOX, here.device),
            at=at,
        )

    if refusal:
        with pytest.raises(refusal):
            await change()
        assert await sessions.session_of(db, elsewhere.token, at)
        return
    await change()
    assert await sessions.session_of(db, here.token, at)
    assert await sessions.session_of(db, elsewhere.token, at) is None
    assert (await ada.told())[0] == "password-changed"
    assert isinstance(await ada.tries(new, at=at), SignedIn)
    async with db.reading() as conn:
        assert await visitor.known_device(conn, Visitor(device=here.device), ada.login, at=at)
        assert not await visitor.known_device(conn, Visitor(device=elsewhere.device), ada.login, at=at)


async def test_what_nobody_can_use_any_more_is_swept(db: Database, ada: Ada, at: datetime) -> None:
    await ada.is_in(at=at)
    await ada.is_in(at=at)
    await ada.sets_up(at=at)
    await ada.half(at=at)
    tables = ("devices", "networks", "half_sign_ins", "notices", "sessions")
    await housekeeping.sweep_sign_in(db, at=at)
    assert await _rows(db, ada, *tables) == [2, 1, 1, 2, 2]
    await housekeeping.sweep_sign_in(db, at=at + timedelta(days=366))
    assert await _rows(db, ada, *tables) == [0] * 5


async def _rows(db: Database, ada: Ada, *tables: str) -> list[int]:
    async with db.reading() as conn:
        return [
            await conn.raw.fetchval(f"select count(*) from kernel.{table} where staff_id = $1", ada.id)
            for table in tables
        ]
