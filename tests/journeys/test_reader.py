"""Somebody who may read everything and change nothing is shown no form and no way to one that they would be refused."""

import re
from collections import deque
from uuid import uuid4

from lotse.web.app import rights
from tests.journeys.conftest import Open
from tests.journeys.test_http import Browser

PASSWORD = "the tide tables of november"
# Everybody's own.
OWN = ("/office/account", "/signout", "/office/views")
# Of things that are all alike one is enough.
PARAMETER = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+|[0-9a-f]{64}-\d+x\d+\.\w+")


def test_who_may_only_read_meets_nothing_that_would_be_refused(shop: Open) -> None:
    reading = [name for name in rights() if name.endswith(".read")]
    scopes = [word for name in reading for word in ("--scope", name)]
    login = f"reader-{uuid4().hex[:8]}"  # a second try finds the first one's
    shop.lotse("staff", "add", login, *scopes, typed=PASSWORD + "\n")
    reader = Browser(shop)
    reader.open("/signin")
    reader.follow(reader.fill("/signin", {"login": login, "password": PASSWORD}))
    waiting, seen, refused = deque(["/office/orders"]), {"/office/orders"}, list[str]()
    while waiting:
        path = waiting.popleft()
        answer = reader.client.get(path, follow_redirects=True)
        if answer.status_code == 403:
            refused.append(f"{path}: a page leads there")
            continue
        reader.response = answer
        assert answer.status_code == 200, (path, answer.text[:500])
        for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", answer.text, re.DOTALL):
            action = re.search(r'action="([^"]+)"', form)
            if not action or not re.search(r"<button\b(?![^>]*type=\"button\")", form):
                continue  # nothing to press
            kind = PARAMETER.sub("{}", action[1])
            if kind in seen or action[1].startswith(OWN):
                continue
            seen.add(kind)
            # Nothing is filled in: whoever may gets the form again.
            if reader.fill(action[1]).status_code == 403:
                refused.append(f"{path}: a form to {action[1]}")
        for link in re.findall(r'href="(?:/en)?(/office/[^"?#]*)["?#]', answer.text):
            kind = PARAMETER.sub("{}", link)
            if kind not in seen and not link.startswith(OWN) and not re.search(r"\.(csv|xlsx)$", link):
                seen.add(kind)
                waiting.append(link)
    assert len(seen) > 30, sorted(seen)
    assert not refused, "\n".join(refused)
    reader.client.close()
