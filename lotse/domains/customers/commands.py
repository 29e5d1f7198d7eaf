"""Make and change customers, many in one call: checkout, imports and the service desk use the same verbs."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict, replace

from lotse.domains.catalog.contracts import UnknownProduct, UnknownVariant
from lotse.domains.catalog.queries import variants_by_ids
from lotse.domains.customers.contracts import (
    PURPOSES,
    AccountMade,
    AccountTaken,
    Address,
    AddressKind,
    AddressUnknown,
    ConsentAsked,
    ConsentOver,
    ConsentRequest,
    Customer,
    CustomerAddress,
    CustomerChanged,
    EditCustomer,
    EmailChange,
    EmailChangeAsked,
    EmailChanged,
    EmailChangeOver,
    PasswordChanged,
    PasswordForgotten,
    PutCustomer,
    ResetOver,
    SignInFailed,
    StoredCustomer,
    UnknownCustomer,
)
from lotse.domains.customers.queries import Login, Reset, consents, consents_asked, token_hash, wish_list
from lotse.domains.customers.rules import check_address, check_customer, check_email, edit_of
from lotse.domains.parties.commands import put_parties
from lotse.domains.parties.contracts import PutParty, UnknownShop
from lotse.kernel import audit
from lotse.kernel.auth import attempts, passwords
from lotse.kernel.db import Database, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.masters import EVERYTHING, LOTSE, masters_of
from lotse.kernel.outbox import emit
from lotse.kernel.privacy import Erased
from lotse.kernel.refusals import Invalid, refusing
from lotse.kernel.sql import statements

READS = statements("lotse.domains.customers", "reads")
WRITES = statements("lotse.domains.customers", "writes")


async def put_customers(
    tx: Transaction, customers: Sequence[PutCustomer], *, by: str, at: datetime, source: str | None = LOTSE
) -> list[StoredCustomer]:
    """Make customers with their parties and addresses, or overwrite those whose numbers exist; in the order given.

    Set-based, and the same call again (with numbers) changes nothing. `source` is the system that says so; None:
    whether it has the say was asked before. Refusals in this order: `Invalid` (by `customers[i].field`),
    `NotTheMaster`, `UnknownShop`.
    """
    if not customers:
        return []
    for i, customer in enumerate(customers):
        check_customer(customer, f"customers[{i}]")
    given = [customer.number for customer in customers if customer.number is not None]
    if len(set(given)) != len(given):
        raise Invalid(field="customers", rule="each number once")
    known: dict[str, StoredCustomer] = {}
    if given:
        await tx.execute(WRITES.lock_numbers)
        known = {row.number: row for row in await tx.many(READS.by_numbers, StoredCustomer, numbers=given)}
    if source is not None:
        await _refuse_foreign(tx, customers, known, source)
    drawn = iter(await tx.values(READS.draw_numbers, count=len(customers) - len(given)))
    numbers = [next(drawn) if customer.number is None else customer.number for customer in customers]
    parties = await put_parties(
        tx,
        [
            PutParty(
                id=known[number].party_id if number in known else None,
                kind=customer.kind,
                name=customer.name,
                email=customer.email,
                phone=customer.phone,
                roles=("customer",),
            )
            for number, customer in zip(numbers, customers, strict=True)
        ],
        by=by,
        at=at,
    )
    rows = [
        _CustomerRow(uuid7(), party_id, number, customer.shop_id, customer.customer_group)
        for party_id, number, customer in zip(parties, numbers, customers, strict=True)
    ]
    with refusing({"customers_shop": lambda: UnknownShop(shop=str(customers[0].shop_id))}):
        stored = {row.number: row for row in await tx.many(WRITES.put_customers, _Stored, customers=rows, at=at)}
    found = [StoredCustomer(stored[number].id, stored[number].party_id, number) for number in numbers]
    added = await _put_addresses(
        tx,
        [
            (customer.id, kind, address)
            for customer, put in zip(found, customers, strict=True)
            for kind, address in put.addresses
        ],
        at=at,
    )
    changed = sorted({*added, *(row.id for row in stored.values() if row.changed)})
    await emit(tx, *(CustomerChanged(id) for id in changed), at=at)
    return found


async def locked_customer(tx: Transaction, *, customer_id: UUID) -> Customer:
    """A customer as it is, until the transaction ends: two people at one customer wait for each other.

    Refusal: `UnknownCustomer`.
    """
    locked = await tx.values(READS.lock, customer_id=customer_id)
    found = await tx.maybe(READS.customers, Customer, ids=[customer_id]) if locked else None
    if found is None:
        raise UnknownCustomer(customer=str(customer_id))
    return found


async def edit_customer(
    tx: Transaction, *, customer_id: UUID, edited: EditCustomer, by: str, reason: str | None, at: datetime
) -> None:
    """Change how a customer is called, reached and priced. Refusals in this order: `Invalid` (by field),
    `UnknownCustomer`, `NotTheMaster`.

    On record stands who changed which field and why; not what names and addresses said, which would outlive the
    person's wish to be forgotten.
    """
    check_email(edited.email, "email")
    found = await locked_customer(tx, customer_id=customer_id)
    now = edit_of(found)
    changed = [name for name in edited.__struct_fields__ if getattr(edited, name) != getattr(now, name)]
    if not changed:
        return
    put = PutCustomer(
        number=found.number,
        shop_id=found.shop_id,
        name=edited.name,
        email=edited.email,
        phone=edited.phone,
        customer_group=edited.customer_group,
    )
    await put_customers(tx, [put], by=by, at=at)
    old = {name: now.customer_group if name == "customer_group" else None for name in changed}
    new = {name: edited.customer_group if name == "customer_group" else "…" for name in changed}
    subject = f"customers.customer:{customer_id}"
    await audit.record(tx, actor=by, subject=subject, old=old, new=new, at=at, reason=reason)


async def edit_own(tx: Transaction, *, customer_id: UUID, name: str, phone: str, at: datetime) -> None:
    """Change how a customer is called, as they say themselves. Refusals: those of `edit_customer`."""
    found = await locked_customer(tx, customer_id=customer_id)
    edited = replace(edit_of(found), name=name, phone=phone)
    await edit_customer(tx, customer_id=customer_id, edited=edited, by="customer", reason=None, at=at)


async def put_address(
    tx: Transaction,
    *,
    customer_id: UUID,
    kind: AddressKind,
    address: Address,
    at: datetime,
    source: str | None = LOTSE,
) -> UUID:
    """Give a customer an address; it is the one of its kind in use from now on. Its id. `source` as in `put_customers`.

    Refusals in this order: `Invalid` (by `address.field`), `NotTheMaster`, `UnknownCustomer`.
    """
    check_address(address, "address")
    if source is not None and not (masters := await masters_of(tx, "customers")).are_all(source):
        in_use = {one.kind: one for one in await tx.many(READS.addresses, CustomerAddress, ids=[customer_id])}
        masters.refuse(_other_parts(kind, address, in_use.get(kind)), source=source)
    row = _row(customer_id, kind, address)
    with refusing({"addresses_customer": lambda: UnknownCustomer(customer=str(customer_id))}):
        stored = await tx.many(WRITES.put_addresses, _StoredAddress, addresses=[row], at=at)
    await emit(tx, *(CustomerChanged(one.customer_id) for one in stored), at=at)
    return stored[0].id


async def _refuse_foreign(
    tx: Transaction, customers: Sequence[PutCustomer], known: Mapping[str, StoredCustomer], source: str
) -> None:
    """Compare with what is there, but only where somebody else has a say at all. Refusal: `NotTheMaster`."""
    masters = await masters_of(tx, "customers")
    if masters.are_all(source):
        return
    ids = [one.id for one in known.values()]
    there = {one.number: one for one in await tx.many(READS.customers, Customer, ids=ids)}
    in_use = {(one.customer_id, one.kind): one for one in await tx.many(READS.addresses, CustomerAddress, ids=ids)}
    for customer in customers:
        before = there.get(customer.number) if customer.number is not None else None
        if before is None:
            masters.refuse((EVERYTHING,), source=source)
            continue
        masters.refuse((name for name in _OWN if getattr(customer, name) != getattr(before, name)), source=source)
        for kind, address in customer.addresses:
            masters.refuse(_other_parts(kind, address, in_use.get((before.id, kind))), source=source)


# What imports call the fields of a customer, beside the parts of the address that bills go to.
_OWN = ("name", "email", "phone", "customer_group")
_PARTS = ("company", "street", "street2", "postcode", "city", "region", "country")


def _other_parts(kind: AddressKind, address: Address, before: CustomerAddress | None) -> Iterable[str]:
    """The fields, as imports name them, that an address would change. Where parcels go is the customer's own affair:
    no file says it."""
    if kind == "billing":
        yield from (part for part in _PARTS if getattr(address, part) != (getattr(before, part) if before else ""))


async def edit_address(tx: Transaction, *, customer_id: UUID, address_id: UUID, address: Address, at: datetime) -> None:
    """Change an address; it stays of its kind and as new as it was.

    Refusals in this order: `Invalid` (by `address.field`), `AddressUnknown`, `NotTheMaster`.
    """
    check_address(address, "address")
    before = await tx.maybe(READS.address, CustomerAddress, id=address_id, customer_id=customer_id)
    if before is None:
        raise AddressUnknown()
    if not (masters := await masters_of(tx, "customers")).are_all(LOTSE):
        masters.refuse(_other_parts(before.kind, address, before), source=LOTSE)
    await tx.execute(WRITES.edit_address, id=address_id, customer_id=customer_id, **asdict(address))
    await emit(tx, CustomerChanged(customer_id), at=at)


async def remove_address(tx: Transaction, *, customer_id: UUID, address_id: UUID, at: datetime) -> None:
    """Take an address away; one that is gone already stays so."""
    if await tx.execute(WRITES.remove_address, id=address_id, customer_id=customer_id):
        await emit(tx, CustomerChanged(customer_id), at=at)


# -- accounts

# A household shares a phone; who is away for two months signs in again.
SESSION = timedelta(days=60)
# People mistype a few times; a program that guesses gets one try a minute for an account, and some for an address.
ACCOUNT = attempts.Limit("customer", burst=10, interval=timedelta(minutes=1))
ADDRESS = attempts.Limit("customer-from", burst=30, interval=timedelta(seconds=20))
# Whoever types an address may fill somebody's letterbox: three mails at once, then one in a quarter of an hour.
FORGOTTEN = attempts.Limit("customer-forgotten", burst=3, interval=timedelta(minutes=15))
# Long enough for a slow mail, short enough that a mailbox read tomorrow opens nothing.
RESET = timedelta(hours=1)
# As many mails that ask for a consent, to the address of whoever's account it is or is said to be.
ASKED = attempts.Limit("customer-asked", burst=3, interval=timedelta(minutes=15))
# Somebody away for some days may still answer; who does not in a week has answered.
CONFIRM = timedelta(days=7)
# As many mails to an address that is to become somebody's, and as many wishes for one of an account.
MOVED = attempts.Limit("customer-email", burst=3, interval=timedelta(minutes=15))
# The new mailbox is at hand; a day is for mail that is slow, and for who reads it in the evening.
MOVE = timedelta(days=1)
# Long enough that guessing online is hopeless, short enough for a phone; what is common is refused beside it.
LEAST_PASSWORD = 10
MOST_WISHES = 200
# A season, as baskets.
LISTS_KEPT = timedelta(days=90)


async def register(
    database: Database,
    *,
    shop_id: UUID,
    name: str,
    email: str,
    password: str,
    guesser: str,
    at: datetime,
    language: str = "",
) -> tuple[UUID, str]:
    """Make a customer with an account and sign them in: their id, and the token for the cookie.

    `language` is what mails to them are written in; empty for the shop's.

    Refusals in this order: `TooManyAttempts`, `Invalid` (email, password), `PasswordCommon`, `AccountTaken`.
    """
    check_email(email, "email")
    if not email:
        raise Invalid(field="email", rule="a mail address")
    async with database.transaction() as tx:
        await attempts.count(tx, ADDRESS, guesser, at=at)
    kept = await passwords.new_hash(password, known=(name, email), least=LEAST_PASSWORD, field="password")
    async with database.transaction() as tx:
        if await tx.maybe(READS.login_of_email, Login, email=email):
            raise AccountTaken()
        [stored] = await put_customers(tx, [PutCustomer(shop_id=shop_id, name=name, email=email)], by="customer", at=at)
        with refusing({"logins_email": AccountTaken}):
            await tx.execute(WRITES.add_login, customer_id=stored.id, email=email, password=kept, at=at)
        await emit(tx, AccountMade(stored.id, language), at=at)
        return stored.id, await _begin_session(tx, stored.id, at)


async def sign_in(database: Database, *, email: str, password: str, guesser: str, at: datetime) -> tuple[UUID, str]:
    """Who signs in, and the token for their cookie; a new one each time.

    Attempts count before anything is looked at, for unknown addresses as for known ones; both take as long.
    Refusals in this order: `TooManyAttempts`, `SignInFailed`.
    """
    async with database.transaction() as tx:
        await attempts.count(tx, ADDRESS, guesser, at=at)
        await attempts.count(tx, ACCOUNT, email.casefold()[:254], at=at)
        found = await tx.maybe(READS.login_of_email, Login, email=email.replace("\0", ""))
    if not await passwords.matches(found.password if found else None, password) or found is None:
        raise SignInFailed()
    newer = await passwords.renewed(found.password, password)
    async with database.transaction() as tx:
        # Thousands share the address of a phone network: who knows the password takes no place of theirs. In the order
        # in which they are counted, so that two who sign in at once do not wait for each other.
        await attempts.give_back(tx, ADDRESS, guesser)
        await attempts.forget(tx, ACCOUNT, email.casefold()[:254])
        if newer:
            await tx.execute(WRITES.set_password, customer_id=found.customer_id, password=newer, at=at)
        return found.customer_id, await _begin_session(tx, found.customer_id, at)


async def change_password(
    database: Database, *, customer_id: UUID, old: str, new: str, token: str, at: datetime, language: str = ""
) -> None:
    """A new password; every other session of the account ends. Refusals: `TooManyAttempts`, `SignInFailed`, `Invalid`,
    `PasswordCommon`."""
    async with database.transaction() as tx:
        found = await tx.maybe(READS.login_of_customer, Login, customer_id=customer_id)
        await attempts.count(tx, ACCOUNT, found.email.casefold() if found else str(customer_id), at=at)
    if not await passwords.matches(found.password if found else None, old) or found is None:
        raise SignInFailed()
    kept = await passwords.new_hash(new, known=(found.email,), least=LEAST_PASSWORD, field="password")
    async with database.transaction() as tx:
        await tx.execute(WRITES.set_password, customer_id=customer_id, password=kept, at=at)
        await tx.execute(WRITES.end_sessions, customer_id=customer_id, but=token_hash(token))
        await tx.execute(WRITES.drop_resets, customer_id=customer_id)
        await tx.execute(WRITES.drop_email_changes, customer_id=customer_id)
        await emit(tx, PasswordChanged(customer_id, language), at=at)


async def ask_email(
    database: Database, *, customer_id: UUID, email: str, password: str, at: datetime, language: str = ""
) -> None:
    """Have another mail address asked whether it is to be the account's: it is once the link of its mail was followed.

    Whoever asks must not be told whether the address has an account already, nor notice it: everything here is the
    same, and what the mail says is seen when it is written. A link that was asked for before ends.
    Refusals in this order: `Invalid` (email), `SignInFailed`, `TooManyAttempts`, `NotTheMaster`.
    """
    check_email(email, "email")
    async with database.transaction() as tx:
        found = await tx.maybe(READS.login_of_customer, Login, customer_id=customer_id)
        if found is None:
            raise SignInFailed()
        if not email or email.casefold() == found.email.casefold():
            raise Invalid(field="email", rule="another mail address than now")
        await attempts.count(tx, ACCOUNT, found.email.casefold(), at=at)
    if not await passwords.matches(found.password, password):
        raise SignInFailed()
    async with database.transaction() as tx:
        await attempts.count(tx, MOVED, str(customer_id), at=at)
        await attempts.count(tx, MOVED, email.casefold(), at=at)
        # Rather now than after the click.
        (await masters_of(tx, "customers")).refuse(("email",), source=LOTSE)
        change_id = uuid7()
        await tx.execute(WRITES.drop_email_changes, customer_id=customer_id)
        await tx.execute(
            WRITES.ask_email, id=change_id, customer_id=customer_id, email=email, at=at, expires_at=at + MOVE
        )
        await emit(tx, EmailChangeAsked(customer_id, change_id, language), at=at)


async def change_email(
    database: Database,
    *,
    change_id: UUID,
    customer_id: UUID | None,
    password: str,
    token: str,
    guesser: str,
    at: datetime,
    language: str = "",
) -> UUID:
    """A mail's link was followed: the account has the address that the mail went to. Whose account it is.

    The link alone is not enough, because a mistyped address is somebody else's mailbox: `customer_id` is who is signed
    in here, with the session `token`; anybody else says the account's password. Every other session ends, as do links
    that went to the former address, and consents to mail, which held for it.
    Refusals in this order: `TooManyAttempts`, `EmailChangeOver`, `SignInFailed`, `NotTheMaster`, `AccountTaken`.
    """
    async with database.transaction() as tx:
        await attempts.count(tx, ADDRESS, guesser, at=at)
        asked = await tx.maybe(READS.email_change, EmailChange, id=change_id, at=at)
        account = await tx.maybe(READS.login_of_customer, Login, customer_id=asked.customer_id) if asked else None
        is_here = asked is not None and asked.customer_id == customer_id
        if account is not None and not is_here:
            await attempts.count(tx, ACCOUNT, account.email.casefold(), at=at)
    if asked is None or account is None:
        raise EmailChangeOver()
    if not is_here and not await passwords.matches(account.password, password):
        raise SignInFailed()
    owner = asked.customer_id
    async with database.transaction() as tx:
        # First of all, because it locks the customer: of two who come with the link one finds it used. And before the
        # account, as whoever registers does.
        edited = replace(edit_of(await locked_customer(tx, customer_id=owner)), email=asked.email)
        await edit_customer(tx, customer_id=owner, edited=edited, by="customer", reason=None, at=at)
        with refusing({"logins_email": AccountTaken}):
            former: str = await tx.value(WRITES.set_email, customer_id=owner, email=asked.email, at=at)
        if not await tx.execute(WRITES.take_email_change, id=change_id, former=former, at=at):
            raise EmailChangeOver()
        for purpose in PURPOSES:
            await withdraw_consent(tx, customer_id=owner, purpose=purpose, at=at)
        await tx.execute(WRITES.drop_resets, customer_id=owner)
        await tx.execute(WRITES.drop_email_changes, customer_id=owner)
        await tx.execute(WRITES.end_sessions, customer_id=owner, but=token_hash(token) if is_here else b"")
        await emit(tx, EmailChanged(owner, change_id, language), at=at)
    return owner


async def forget_password(
    database: Database, *, email: str, guesser: str, at: datetime, language: str = ""
) -> UUID | None:
    """Have a link sent to the account of a mail address, if it has one; the id of the link.

    Whoever asks must not be told whether there is an account, nor notice it: attempts count for unknown addresses as
    for known ones, and the mail is written by somebody else. Refusal: `TooManyAttempts`.
    """
    async with database.transaction() as tx:
        await attempts.count(tx, ADDRESS, guesser, at=at)
        await attempts.count(tx, FORGOTTEN, email.casefold()[:254], at=at)
        reset_id = uuid7()
        email = email.replace("\0", "")
        owner: UUID | None = await tx.value(WRITES.ask_reset, id=reset_id, email=email, at=at, expires_at=at + RESET)
        if owner is None:
            return None
        await emit(tx, PasswordForgotten(owner, reset_id, language), at=at)
        return reset_id


async def reset_password(
    database: Database, *, reset_id: UUID, password: str, guesser: str, at: datetime, language: str = ""
) -> tuple[UUID, str]:
    """Set the password that a link allows to set, once. Every session of the account ends, and whoever has its mailbox
    is signed in: who it is, and the token for the cookie.

    Refusals in this order: `TooManyAttempts`, `ResetOver`, `Invalid` (password), `PasswordCommon`.
    """
    async with database.transaction() as tx:
        await attempts.count(tx, ADDRESS, guesser, at=at)
        found = await tx.maybe(READS.reset, Reset, id=reset_id, at=at)
    if found is None:
        raise ResetOver()
    kept = await passwords.new_hash(password, known=(found.email,), least=LEAST_PASSWORD, field="password")
    async with database.transaction() as tx:
        # First of all, because it locks the account: of two who come with links to it one finds nothing left.
        await tx.execute(WRITES.set_password, customer_id=found.customer_id, password=kept, at=at)
        if not await tx.execute(WRITES.take_reset, id=reset_id, at=at):
            raise ResetOver()
        await tx.execute(WRITES.drop_resets, customer_id=found.customer_id)
        await tx.execute(WRITES.drop_email_changes, customer_id=found.customer_id)
        await tx.execute(WRITES.end_sessions, customer_id=found.customer_id, but=b"")
        await attempts.forget(tx, ACCOUNT, found.email.casefold())
        await emit(tx, PasswordChanged(found.customer_id, language), at=at)
        return found.customer_id, await _begin_session(tx, found.customer_id, at)


async def sign_out(tx: Transaction, *, token: str) -> None:
    """End a session; one that is over already stays so."""
    await tx.execute(WRITES.end_session, token_hash=token_hash(token))


async def _begin_session(tx: Transaction, customer_id: UUID, at: datetime) -> str:
    token = secrets.token_urlsafe(32)
    await tx.execute(
        WRITES.begin_session, token_hash=token_hash(token), customer_id=customer_id, at=at, expires_at=at + SESSION
    )
    return token


async def wish(
    tx: Transaction,
    *,
    customer_id: UUID | None,
    list_id: UUID | None,
    product_id: UUID | None = None,
    variant_id: UUID | None = None,
    at: datetime,
) -> UUID:
    """Put a variant, or a product of which none is chosen, on the customer's list, or on a guest's, which is made if
    there is none: the list's id.

    A list that is full takes no more. Refusals: `UnknownVariant`, `UnknownProduct`.
    """
    if variant_id is not None:
        found = await variants_by_ids(tx, variant_ids=[variant_id], language="")
        if not found:
            raise UnknownVariant(variant=str(variant_id))
        product_id = found[0].product_id
    known = customer_id is None and list_id is not None and await tx.value(READS.guest_list, id=list_id)
    own: UUID = known or await tx.value(WRITES.make_list, id=uuid7(), customer_id=customer_id, at=at)
    with refusing({"wishes_product": lambda: UnknownProduct(product=str(product_id))}):
        await tx.execute(
            WRITES.add_wish, list_id=own, product_id=product_id, variant_id=variant_id, at=at, most=MOST_WISHES
        )
    await tx.execute(WRITES.drop_open_wishes, list_id=own)
    return own


async def unwish(
    tx: Transaction,
    *,
    customer_id: UUID | None,
    list_id: UUID | None,
    product_id: UUID,
    variant_id: UUID | None = None,
) -> None:
    """Take a wish off the list; one that is not on it stays away."""
    own = await wish_list(tx, customer_id=customer_id, list_id=list_id)
    if own is not None:
        await tx.execute(WRITES.remove_wish, list_id=own, product_id=product_id, variant_id=variant_id)


async def join_wishes(tx: Transaction, *, customer_id: UUID, list_id: UUID, at: datetime) -> None:
    """What a guest wished for becomes the customer's, at sign-in."""
    if await tx.value(READS.guest_list, id=list_id) is None:
        return
    into: UUID = await tx.value(WRITES.make_list, id=uuid7(), customer_id=customer_id, at=at)
    await tx.execute(WRITES.join_lists, into=into, list_id=list_id)
    await tx.execute(WRITES.drop_open_wishes, list_id=into)
    await tx.execute(WRITES.drop_list, list_id=list_id)


async def ask_consent(
    tx: Transaction, *, customer_id: UUID, purpose: str, at: datetime, language: str = "", again: bool = False
) -> bool:
    """Agree to a purpose: it holds once the link of a mail to the account's address was followed. Whether it is asked.

    An account may have been made with anybody's address, and only its mailbox can prove who agreed (s. 7 (2) UWG).
    What holds or is asked already is not asked anew, unless `again` wants the mail once more.
    Refusals in this order: `Invalid` (purpose), `SignInFailed` (no account), `TooManyAttempts`.
    """
    _check_purpose(purpose)
    account = await tx.maybe(READS.login_of_customer, Login, customer_id=customer_id)
    if account is None:
        raise SignInFailed()
    held = (await consents(tx, customer_id=customer_id)).get(purpose)
    if held is not None and held.given:
        return False
    if not again and purpose in await consents_asked(tx, customer_id=customer_id, at=at):
        return True
    await attempts.count(tx, ASKED, account.email.casefold(), at=at)
    request_id = uuid7()
    await tx.execute(
        WRITES.ask_consent, id=request_id, customer_id=customer_id, purpose=purpose, at=at, expires_at=at + CONFIRM
    )
    await emit(tx, ConsentAsked(customer_id, request_id, language), at=at)
    return True


async def confirm_consent(tx: Transaction, *, request_id: UUID, at: datetime) -> None:
    """A mail's link was followed: the consent holds from now on, for the address that the mail went to.

    Refusal: `ConsentOver`.
    """
    asked = await tx.maybe(WRITES.take_consent_request, ConsentRequest, id=request_id, at=at)
    if asked is None:
        raise ConsentOver()
    await _decide(tx, asked.customer_id, asked.purpose, given=True, email=asked.email, asked_at=asked.asked_at, at=at)


async def withdraw_consent(tx: Transaction, *, customer_id: UUID, purpose: str, at: datetime) -> None:
    """Take a consent back, at once; what is only asked is asked no more. Refusal: `Invalid` (purpose)."""
    _check_purpose(purpose)
    await _decide(tx, customer_id, purpose, given=False, email="", asked_at=None, at=at)


async def _decide(
    tx: Transaction,
    customer_id: UUID,
    purpose: str,
    *,
    given: bool,
    email: str,
    asked_at: datetime | None,
    at: datetime,
) -> None:
    await tx.execute(
        WRITES.decide_consent,
        customer_id=customer_id,
        purpose=purpose,
        given=given,
        email=email,
        asked_at=asked_at,
        at=at,
    )
    await tx.execute(WRITES.drop_consent_requests, customer_id=customer_id, purpose=purpose)


def _check_purpose(purpose: str) -> None:
    if purpose not in PURPOSES:
        raise Invalid(field="purpose", rule=", ".join(PURPOSES))


async def sweep(tx: Transaction, *, at: datetime, limit: int) -> int:
    """Forget sessions and links that ended, and guests' lists that nobody touched; how many."""
    ended = await tx.execute(WRITES.sweep_sessions, at=at, limit=limit)
    ended += await tx.execute(WRITES.sweep_resets, at=at, limit=limit)
    ended += await tx.execute(WRITES.sweep_consent_requests, at=at, limit=limit)
    ended += await tx.execute(WRITES.sweep_email_changes, at=at, limit=limit)
    return ended + await tx.execute(WRITES.sweep_lists, before=at - LISTS_KEPT, limit=limit)


async def _put_addresses(
    tx: Transaction, addresses: Sequence[tuple[UUID, AddressKind, Address]], *, at: datetime
) -> set[UUID]:
    """The customers that have an address now which they had not."""
    rows = {(id, kind, address): _row(id, kind, address) for id, kind, address in addresses}  # each once
    stored = await tx.many(WRITES.put_addresses, _StoredAddress, addresses=list(rows.values()), at=at)
    return {row.customer_id for row in stored if row.made}


def _row(customer_id: UUID, kind: AddressKind, address: Address) -> "_AddressRow":
    return _AddressRow(
        uuid7(),
        customer_id,
        kind,
        address.name,
        address.company,
        address.street,
        address.street2,
        address.postcode,
        address.city,
        address.region,
        address.country,
    )


async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    """Erase the addresses of a person; orders keep their own copy for as long as the law asks."""
    customers = await tx.values(WRITES.erase_addresses, party_id=party_id)
    await tx.execute(WRITES.erase_account, party_id=party_id)
    await emit(tx, *(CustomerChanged(customer_id) for customer_id in sorted(set(customers))), at=at)
    subjects = tuple(f"customers.customer:{customer_id}" for customer_id in sorted(set(customers)))
    return Erased(len(customers), subjects=subjects)


class _CustomerRow(Struct, frozen=True):
    id: UUID
    party_id: UUID
    number: str
    shop_id: UUID
    customer_group: str


class _Stored(Struct, frozen=True):
    id: UUID
    party_id: UUID
    number: str
    changed: bool


class _AddressRow(Struct, frozen=True):
    id: UUID
    customer_id: UUID
    kind: str
    name: str
    company: str
    street: str
    street2: str
    postcode: str
    city: str
    region: str
    country: str


class _StoredAddress(Struct, frozen=True):
    id: UUID
    customer_id: UUID
    made: bool
