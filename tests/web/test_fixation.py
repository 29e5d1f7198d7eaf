"""Nobody can plant a session: whoever signs in gets a new one, and the one that the browser had before ends."""

import httpx

from lotse.kernel import clock
from lotse.kernel.auth import sessions
from lotse.kernel.auth.sessions import COOKIE
from lotse.kernel.db import Database
from lotse.testing import Fresh
from tests.web.test_auth import HERE, PASSWORD, account, sign_in


async def test_a_planted_token_does_not_become_a_session(api: httpx.AsyncClient, db: Database, fresh: Fresh) -> None:
    planted = "p" * 43
    login = await account(db, fresh, "*")
    api.cookies.set(COOKIE, planted)
    answer = await sign_in(api, login)
    assert answer.status_code == 303
    given = next(one for one in answer.headers.get_list("set-cookie") if one.startswith(f"{COOKIE}="))
    assert planted not in given
    assert await sessions.session_of(db, planted, clock.now()) is None


async def test_a_planted_session_of_somebody_else_ends(api: httpx.AsyncClient, db: Database, fresh: Fresh) -> None:
    await sign_in(api, await account(db, fresh, "*"))
    theirs = api.cookies[COOKIE]
    session = await sessions.session_of(db, theirs, clock.now())
    assert session
    # The form that the browser was shown carries the token of the session that it is in.
    typed = {"login": await account(db, fresh, "*"), "password": PASSWORD, "_csrf": session.form_token()}
    answer = await api.post("/signin", data=typed, headers=HERE)
    assert answer.status_code == 303
    assert api.cookies[COOKIE] != theirs
    assert await sessions.session_of(db, theirs, clock.now()) is None
