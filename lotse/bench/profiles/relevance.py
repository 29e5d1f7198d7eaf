"""`relevance`: how well the search finds, by judged queries, beside PostgreSQL full text over the same articles.

It asks the catalogue that is there (`lotse demo`, `lotse import demo-large DIR`, or both in one shop), in a home
without one the demo's in a database of its own. Wishes that it cannot fulfil are left out. The whole search is asked,
as pages ask it: with the shop's synonyms and rules, with corrections, loosened where nothing is found. Full text is
given its best: a configuration per language, weights by field, ranks by length, and any of the words where no article
has all.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct, structs

from lotse.bench.arena import database_in, temporary_home
from lotse.bench.profile import BenchFailed, Options, Profile, Report, Say
from lotse.bench.relevance.judged import NONE, Query, Thing, ndcg, wishes
from lotse.domains.search import commands, queries
from lotse.domains.search.contracts import Question
from lotse.kernel import clock, seams
from lotse.kernel.db import opened
from lotse.kernel.desk.desk import running
from lotse.kernel.postgres import attached
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements

SQL = statements("lotse.bench", "relevance")
PLACES = 10
DEMO = "demo"
# What the issue promises.
NDCG, MORE_THAN_FULLTEXT, ZERO_RESULTS = 0.85, 0.1, 0.02


class Figures(Struct, frozen=True, kw_only=True):
    """The JSON line. `zero_results` is the share of the queries with an answer that found nothing, or nothing but what
    is shown instead; `kinds` is nDCG by what is difficult about the queries."""

    bench: str
    articles: int
    queries: int
    ndcg: float
    ndcg_fulltext: float
    zero_results: float
    zero_results_fulltext: float
    kinds: dict[str, float]
    none_answered: int


class _Row(Struct, frozen=True):
    id: UUID
    brand: str
    attributes: dict[str, Any]
    name: str
    text: str
    categories: list[str]
    options: list[dict[str, str]]


class _Asked(Struct, frozen=True):
    wish: str
    query: Query
    ndcg: float
    fulltext: float
    found: int


async def run(given: Settings, options: Options, say: Say) -> Report:
    """Ask everything twice."""
    async with (
        _catalogue(given, say) as (settings, dsn),
        opened(dsn, role="lotse bench", connections=2) as database,
    ):
        shops = await queries.shops_with_pages(database)
        if not shops:
            raise BenchFailed("there is no shop here that people can search in")
        shop = shops[0]
        index = queries.index_of(settings, shop)
        if index.mark() is None:
            say("the index is built …")
            await commands.rebuild(database, settings, shop, at=clock.now())
        async with database.reading() as conn:
            # Of this run's own connection: what reads 50,000 articles whole takes longer than any page may.
            await conn.raw.execute("set statement_timeout = '10min'")
            things = [_thing(row) for row in await conn.many(SQL.things, _Row)]
            decisions = queries.Decisions(
                await queries.synonyms(conn, shop_id=shop.id),
                await queries.rules(conn, shop_id=shop.id, at=clock.now()),
            )
            say(f"{len(things)} articles; full text is prepared …")
            await conn.raw.execute(SQL.begin_fulltext.sql)
            asked: list[_Asked] = []
            none_answered = 0
            for wish in wishes():
                grades = wish.grades(things)
                if wish.name != NONE and max(grades.values(), default=0) < 3:
                    continue
                for query in wish.queries:
                    question = Question(words=query.words, language=query.language, limit=PLACES, counts=False)
                    question = queries.decided_for(question, decisions, at=clock.now())
                    answer, step, _ = await queries.ordered(index, question)
                    found = 0 if step == "popular" else answer.total
                    if wish.name == NONE:
                        none_answered += step != "popular"
                        continue
                    theirs: list[UUID] = await conn.values(SQL.fulltext_all, words=query.words, limit=PLACES)
                    if not theirs:
                        theirs = await conn.values(SQL.fulltext_any, words=query.words, limit=PLACES)
                    ours = answer.ids if found else []
                    asked.append(
                        _Asked(wish.name, query, ndcg(ours, grades, PLACES), ndcg(theirs, grades, PLACES), found)
                    )
    if not asked:
        raise BenchFailed("the catalogue that is here is none of those that the queries were judged for")
    return _reported(asked, len(things), none_answered)


@asynccontextmanager
async def _catalogue(given: Settings, say: Say) -> AsyncIterator[tuple[Settings, str]]:
    """The catalogue of this home, or the demo's in a home of its own."""
    with ExitStack() as stack:
        dsn = stack.enter_context(attached(given))
        if await _has_shop(dsn):
            yield given, dsn
            return
    if DEMO not in seams.retailers:
        raise BenchFailed("there is no catalogue here, and no demo installed: `lotse import demo-large DIR`")
    with temporary_home() as home, database_in(given, home) as dsn, _demo_in(home):
        own = structs.replace(given, home=home)
        say("there is no catalogue here: the demo's is loaded into a database of its own")
        async with opened(dsn, role="lotse bench") as database, running(dsn) as desk:
            await seams.retailers[DEMO](database, desk, seed=1, at=clock.now(), progress=say)
        yield own, dsn


async def _has_shop(dsn: str) -> bool:
    """Whether anybody ever sold anything here; an empty database has no schema yet."""
    connection = await asyncpg.connect(dsn)
    try:
        if await connection.fetchval("select to_regclass('parties.shops')") is None:
            return False
        return bool(await connection.fetchval("select exists (select from parties.shops)"))
    finally:
        await connection.close()


@contextmanager
def _demo_in(home: Path) -> Iterator[None]:
    """What the demo reads of the environment: where its pictures go, and that it brings no orders (nobody searches in
    those)."""
    own = {"LOTSE_HOME": str(home), "LOTSE_DEMO_SECONDS": "0"}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _reported(asked: list[_Asked], articles: int, none_answered: int) -> Report:
    kinds: dict[str, list[float]] = {}
    for one in asked:
        kinds.setdefault(one.query.kind, []).append(one.ndcg)
    figures = Figures(
        bench="relevance",
        articles=articles,
        queries=len(asked),
        ndcg=round(fmean(one.ndcg for one in asked), 4),
        ndcg_fulltext=round(fmean(one.fulltext for one in asked), 4),
        zero_results=round(sum(not one.found for one in asked) / len(asked), 4),
        zero_results_fulltext=round(sum(one.fulltext == 0 for one in asked) / len(asked), 4),
        kinds={kind: round(fmean(values), 3) for kind, values in sorted(kinds.items())},
        none_answered=none_answered,
    )
    worst = sorted(asked, key=lambda one: one.ndcg)[:40]
    lines = [
        f"{len(asked)} judged queries over {articles} articles, nDCG@{PLACES}",
        f"  Lotse      {figures.ndcg:.3f}   nothing found {figures.zero_results:.1%}",
        f"  full text  {figures.ndcg_fulltext:.3f}   nothing good {figures.zero_results_fulltext:.1%}",
        *(f"  {kind:10} {value:.3f}" for kind, value in figures.kinds.items()),
        "the poorest:",
        *(f"  {one.ndcg:.2f} ({one.fulltext:.2f}) {one.query.language} {one.query.words}" for one in worst),
    ]
    ok = (
        figures.ndcg >= NDCG
        and figures.ndcg >= figures.ndcg_fulltext + MORE_THAN_FULLTEXT
        and figures.zero_results <= ZERO_RESULTS
    )
    return Report(figures, "\n".join(lines), ok)


def _thing(row: _Row) -> Thing:
    options: dict[str, set[str]] = {}
    for one in row.options:
        for name, value in one.items():
            options.setdefault(name, set()).add(value)
    return Thing(
        row.id,
        row.name.lower(),
        f"{row.name} {row.text}".lower(),
        row.brand,
        frozenset(row.categories),
        {name: frozenset({str(value)}) for name, value in row.attributes.items() if not isinstance(value, list)},
        {name: frozenset(values) for name, values in options.items()},
    )


PROFILE = Profile("relevance", "judged queries of the search beside PostgreSQL full text", run)
