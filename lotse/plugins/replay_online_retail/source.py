"""Reads a folder of Online Retail files (Parquet, CSV) as `SourceLine`s, invoice by invoice in time order.

Its job: columns, encodings, dates, numbers and the order of the lines. What a line *means* is `mapping`'s job.

The files may be split anywhere and their rows may stand in any order: everything goes through a DuckDB file in a
temporary folder first, so that memory stays bounded, and comes back sorted. A row that cannot be read is never
dropped: it comes back as `Unmapped` with its reason. A file that cannot be read at all is refused by name.

The data: D. Chen, S. L. Sain, K. Guo, "Data mining for the online retail industry", J. Database Marketing 19 (2012);
UCI Machine Learning Repository, "Online Retail" and "Online Retail II" (whose column names are understood as well).
"""

import csv
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import duckdb
from msgspec import Struct

from lotse.kernel.money import line_amount
from lotse.kernel.refusals import Refusal

ZONE: Final = ZoneInfo("Europe/London")  # the retailer's clock: the files hold its wall time without an offset
CURRENCY: Final = "GBP"

# Rows fetched from DuckDB, or staged into it, at a time: large enough to hide the call, small enough to stay in cache.
BATCH_ROWS: Final = 10_000
# DuckDB sorts beyond this on disk. Half a gigabyte sorts ten years of this retailer without touching the disk.
MEMORY_LIMIT: Final = "512MB"
# Their product in pence still fits a bigint; the largest real price is 53,594 pounds, the largest quantity 80,995.
LARGEST_NUMBER: Final = 10_000_000
# Places of a unit price that a database column keeps; a binary float's noise (0.30000000000000004) has more.
MOST_PRICE_PLACES: Final = 20
# What a customer number and a label hold, with room for the prefix of a natural key.
LONGEST_CODE: Final = 36
LONGEST_TEXT: Final = 200
LONGEST_RAW: Final = 300
# Before the first web shop, or after anybody who reads this: a slip of the keyboard, not a time of sale.
FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2099

# Column -> the headings it goes by, without case, blanks and underscores. The first is Online Retail's, the second
# Online Retail II's.
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "InvoiceNo": ("invoiceno", "invoice"),
    "StockCode": ("stockcode",),
    "Description": ("description",),
    "Quantity": ("quantity",),
    "InvoiceDate": ("invoicedate",),
    "UnitPrice": ("unitprice", "price"),
    "CustomerID": ("customerid",),
    "Country": ("country",),
}
# What exports write for "nothing".
_NOTHING: Final = frozenset({"", "nan", "null", "none", "n/a", "#n/a", "<na>"})
_DATE: Final = re.compile(r"(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4}|\d{2})(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?")


class NothingToRead(Refusal, status=422, title="No Parquet or CSV file in this folder"):
    """The folder is not there, or holds no `*.parquet` and no `*.csv` with a row in it."""

    folder: str


class UnreadableFile(Refusal, status=422, title="A file cannot be read"):
    """Not what its ending says, cut off, or not text."""

    file: str
    reason: str


class MissingColumn(Refusal, status=422, title="A file lacks a column"):
    """`found` are the headings that the file does have."""

    file: str
    column: str
    found: str


class ColumnTwice(Refusal, status=422, title="A file has a column twice"):
    """Two headings mean the same, and which of them to believe stands nowhere. Take one of them out."""

    file: str
    column: str
    found: str


class AmbiguousDates(Refusal, status=422, title="The dates of a file can be read as day/month and as month/day"):
    """Written as 3/4/2011, and no date in any file says which comes first. Export them as 2011-04-03."""

    file: str
    example: str


class SameInvoicesTwice(Refusal, status=422, title="Two files hold the same invoices"):
    """The same data in two files (a CSV beside its Parquet?) would count every sale twice. Take one of them out."""

    file: str
    other: str
    invoices: int


class SourceLine(Struct, frozen=True, gc=False):
    """One line of the source, as it stands there; only codes are normalised.

    `invoice` and `stock_code` are upper case without blanks around them: the source writes the same article as 72349B
    and 72349b. `description` is None where the source has none. `at` is UTC. `unit_price` is in pounds, exactly as
    written; `amount_minor` is quantity times unit price in pence, rounded half up on its magnitude, so that a refund
    undoes its sale exactly. `row` counts the file's records from 1.
    """

    file: str
    row: int
    invoice: str
    stock_code: str
    description: str | None
    quantity: int
    at: datetime
    unit_price: Decimal
    amount_minor: int
    customer_no: str | None
    country: str | None


class Unmapped(Struct, frozen=True, gc=False):
    """A line that has no place in Lotse, why, and how it stood in the file.

    `amount_minor` is what the line adds to the source's total: 0 where quantity or price cannot be read. It is booked
    on a suspense account under this reason, so that no total loses a penny while somebody looks at the line.
    """

    file: str
    row: int
    reason: str
    raw: str
    amount_minor: int
    at: datetime | None


class Article(Struct, frozen=True):
    """What the whole source says about an article: its usual name and first price; None where it says nothing."""

    name: str | None
    price: Decimal | None


class Survey(Struct, frozen=True):
    """What is known after a first look at the whole source, before the first line is mapped.

    `returned` are the (customer, article) pairs with a negative priced line: only their sales need to be remembered.
    """

    articles: dict[str, Article]
    returned: frozenset[tuple[str, str]]


class Source:
    """An opened folder. `lines()` may be called again: every call starts at the first invoice."""

    def __init__(self, stage: duckdb.DuckDBPyConnection, files: Sequence[Path], rows: int) -> None:
        self._stage = stage
        self.files = tuple(files)
        self.rows = rows

    def survey(self) -> Survey:
        """Names, prices and returned pairs, by SQL over the staged rows."""
        names = self._stage.execute(_NAMES).fetchall()
        articles = {code: Article(name, _number(price or "")) for code, name, price in names}
        returned = self._stage.execute(_RETURNED).fetchall()
        return Survey(articles, frozenset((_customer(customer) or "", code) for customer, code in returned))

    def lines(self) -> Iterator[SourceLine | Unmapped]:
        """Every row once: invoices by their first line's time, then number; within one, by file and row."""
        names = [path.name for path in self.files]
        read = _RowReader(names)
        rows = self._stage.cursor().execute(_IN_ORDER)
        while batch := rows.fetchmany(BATCH_ROWS):
            for row in batch:
                yield read(row)


@contextmanager
def opened(folder: Path) -> Iterator[Source]:
    """Stage a folder's files for the life of the block.

    Refusals: `NothingToRead`, `UnreadableFile`, `MissingColumn`, `ColumnTwice`, `AmbiguousDates`, `SameInvoicesTwice`.
    """
    files = _files(folder)
    with tempfile.TemporaryDirectory(prefix="lotse-online-retail-") as scratch:
        stage = duckdb.connect(str(Path(scratch, "stage.duckdb")))
        try:
            stage.execute("set memory_limit = ?", [MEMORY_LIMIT])
            stage.execute("set temp_directory = ?", [str(Path(scratch, "spill"))])
            stage.execute(_STAGE)
            for number, path in enumerate(files):
                _stage_file(stage, number, path)
            rows = _count(stage, "select count(*) from staged")
            if not rows:
                raise NothingToRead(folder=str(folder))
            _read_times(stage, files)
            _refuse_twins(stage, files)
            yield Source(stage, files, rows)
        finally:
            stage.close()


def total_minor(folder: Path) -> int:
    """The sum over all source lines of quantity x unit price, each rounded to pence: the figure to be reproduced.

    Deliberately a way of its own from file to figure, which shares with `lines` only the spelling of numbers: Parquet
    is grouped by price and quantity, CSV is read line by line. Refusals: as `opened`.
    """
    total = 0
    for path in _files(folder):
        found = _parquet_amounts(path) if path.suffix.lower() == ".parquet" else _csv_amounts(path)
        for (quantity, price), count in found.items():
            whole, exact = _whole(quantity), _number(price)
            if whole is not None and exact is not None:
                total += count * line_amount(exact, whole, CURRENCY)
    return total


# -- files


def _files(folder: Path) -> list[Path]:
    found = [
        path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if path.suffix.lower() in (".parquet", ".csv") and path.is_file()
    ]
    if not found:
        raise NothingToRead(folder=str(folder))
    return sorted(found, key=lambda path: path.name)


def _headings(path: Path, found: Sequence[str]) -> dict[str, int]:
    """Column -> its place among the file's headings."""
    plain = [re.sub(r"[\s_]", "", heading).lower() for heading in found]
    places: dict[str, int] = {}
    for column, spellings in COLUMNS.items():
        fitting = [place for place, heading in enumerate(plain) if heading in spellings]
        if not fitting:
            raise MissingColumn(file=path.name, column=column, found=", ".join(found)[:LONGEST_RAW])
        if len(fitting) > 1:
            raise ColumnTwice(file=path.name, column=column, found=", ".join(found)[:LONGEST_RAW])
        places[column] = fitting[0]
    return places


def _stage_file(stage: duckdb.DuckDBPyConnection, number: int, path: Path) -> None:
    if path.suffix.lower() == ".parquet":
        _stage_parquet(stage, number, path)
    else:
        _stage_csv(stage, number, path)


def _parquet(db: duckdb.DuckDBPyConnection, path: Path) -> duckdb.DuckDBPyRelation:
    """The eight columns as text, named as `staged` names them, and the number of the row."""
    try:
        file = db.read_parquet(str(path), file_row_number=True)
    except duckdb.Error as error:
        raise UnreadableFile(file=path.name, reason=_first_line(error)) from error
    places = _headings(path, file.columns)
    row = duckdb.ColumnExpression("file_row_number").alias("row_no")
    # A cast to varchar writes a double as the shortest decimal that reads back to it: the number as it was written.
    texts = [
        duckdb.ColumnExpression(file.columns[place]).cast("VARCHAR").alias(name)
        for name, place in zip(_STAGED, places.values(), strict=True)
    ]
    return file.select(row, *texts)


def _stage_parquet(stage: duckdb.DuckDBPyConnection, number: int, path: Path) -> None:
    found = _parquet(stage, path)
    try:
        found.create_view("parquet", replace=True)
        stage.execute("insert into staged select ?, row_no + 1, * exclude (row_no), null from parquet", [number])
    except duckdb.Error as error:
        raise UnreadableFile(file=path.name, reason=_first_line(error)) from error


def _parquet_amounts(path: Path) -> Counter[tuple[str, str]]:
    with duckdb.connect() as db:
        try:
            rows = _parquet(db, path).aggregate("quantity, price, count(*)").fetchall()
        except duckdb.Error as error:
            raise UnreadableFile(file=path.name, reason=_first_line(error)) from error
    return Counter({(quantity or "", price or ""): count for quantity, price, count in rows})


@contextmanager
def _csv_rows(path: Path) -> Iterator[tuple[dict[str, int], int, bool, Iterator[list[str]]]]:
    """The places of the columns, the number of headings, whether decimals have a comma, and the records.

    Bytes that are not UTF-8 come as surrogates, so that one bad line costs no other.
    """
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
            head = text.readline()
            if "\0" in head:
                raise UnreadableFile(file=path.name, reason="not text in UTF-8 (UTF-16?)")
            delimiter = max(",;\t|", key=head.count)
            headings = next(csv.reader([head], delimiter=delimiter), [])
            places = _headings(path, [_utf8(heading.strip()) for heading in headings])
            # Excel separates fields by semicolons exactly where its decimals have a comma.
            yield places, len(headings), delimiter == ";", csv.reader(text, delimiter=delimiter)
    except (OSError, csv.Error) as error:
        raise UnreadableFile(file=path.name, reason=str(error)) from error


def _stage_csv(stage: duckdb.DuckDBPyConnection, number: int, path: Path) -> None:
    with _csv_rows(path) as (places, width, decimal_comma, records):
        clean = _clean(number, list(places.values()), width, decimal_comma, records)
        _copy_in(stage, "staged", clean)


def _clean(
    number: int, order: Sequence[int], width: int, decimal_comma: bool, records: Iterator[list[str]]
) -> Iterator[Sequence[Any]]:
    """A CSV's records as rows of `staged`. An empty line is no record."""
    price = list(COLUMNS).index("UnitPrice")
    for row, record in enumerate(filter(None, records), 1):
        reason = None
        if len(record) != width:
            reason = f"{len(record)} fields where the heading has {width}"
            record = [*record, *[""] * width]
        values = [record[place].strip() for place in order]
        if decimal_comma:
            values[price] = values[price].replace(",", ".")
        if not "".join(values).isprintable():  # quick: line breaks, NULs and what is not UTF-8 are not printable
            reason = reason or _unprintable(values)
            values = [_utf8(value) for value in values]
        yield number, row, *values, reason


def _copy_in(stage: duckdb.DuckDBPyConnection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Add rows to a table by way of a file: DuckDB copies 300,000 in half a second where parameters take minutes."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="", suffix=".csv", prefix="lotse-stage-") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
        file.flush()
        # Nothing is guessed: this function wrote the file, and no field of it holds a line break.
        stage.execute(
            f"copy {table} from '{file.name}' (auto_detect false, header false, delimiter ',', quote '\"', escape '\"')"
        )


def _csv_amounts(path: Path) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    with _csv_rows(path) as (places, _, decimal_comma, records):
        quantity, price = places["Quantity"], places["UnitPrice"]
        for record in records:
            if len(record) > max(quantity, price):
                text = record[price].replace(",", ".") if decimal_comma else record[price]
                found[record[quantity], text] += 1
    return found


def _unprintable(values: Sequence[str]) -> str | None:
    text = "".join(values)
    if any("\ud800" <= char <= "\udfff" for char in text):
        return "not UTF-8"
    return "a NUL character" if "\0" in text else None


def _utf8(text: str) -> str:
    """Text that any encoding can carry: bytes that are not UTF-8 as \\xa3, NUL as \\x00."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text.replace("\0", "\\x00").replace("\r", " ").replace("\n", " ")


# -- times


def _read_times(stage: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """Fill `times`: the UTC second of every spelling of a date in every file."""
    spellings: dict[int, list[str]] = {}
    for number, text in stage.execute(_SPELLINGS).fetchall():
        spellings.setdefault(number, []).append(text)
    orders = {number: _day_first(texts) for number, texts in spellings.items()}
    decided = {order for order in orders.values() if isinstance(order, bool)}
    for number, texts in spellings.items():
        order = orders[number]
        if order is None:
            # The file alone does not say; its neighbours come from the same export, if they agree.
            if len(decided) != 1:
                example = next(text for text in texts if _DATE.fullmatch(text.strip()))
                raise AmbiguousDates(file=files[number].name, example=example)
            order = next(iter(decided))
        moments = ((text, utc_of(text, day_first=order is True)) for text in texts)
        _copy_in(stage, "times", ((number, text, int(at.timestamp())) for text, at in moments if at is not None))


def _day_first(texts: Sequence[str]) -> bool | str | None:
    """Whether the day stands first in dates with slashes; None if nothing says so; "iso" if there is none of them."""
    parts = [(int(match[1]), int(match[2])) for text in texts if (match := _DATE.fullmatch(text.strip()))]
    day_first = sum(first > 12 for first, _ in parts)
    month_first = sum(second > 12 for _, second in parts)
    if not parts:
        return "iso"
    if day_first == month_first == 0:
        return None
    return day_first > month_first  # of a mixed file, the minority cannot be read and is listed


def utc_of(text: str, *, day_first: bool) -> datetime | None:
    """The moment that a date of the source means, or None if it is no date between 1990 and 2099.

    Without an offset it is London's wall clock. An hour that the clock skipped in March is read with the offset
    before the change (01:30 becomes 02:30 summer time); one that it showed twice in October is the first of the two
    (PEP 495's fold 0).
    """
    text = text.strip()
    try:
        if match := _DATE.fullmatch(text):
            one, other, year = int(match[1]), int(match[2]), int(match[3])
            year += 2000 if year < 100 else 0
            day, month = (one, other) if day_first else (other, one)
            hour, minute, second = (int(match[group] or 0) for group in (4, 5, 6))
            moment = datetime(year, month, day, hour, minute, second, tzinfo=ZONE)
        else:
            moment = datetime.fromisoformat(text)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).astimezone(UTC)
    except ValueError:
        return None


def _refuse_twins(stage: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """A split may run through an invoice; that half a file's invoices stand line for line in another is no split."""
    for number, other, invoices in stage.execute(_TWINS).fetchall():
        raise SameInvoicesTwice(file=files[number].name, other=files[other].name, invoices=invoices)


# -- rows


class _RowReader:
    """Turns staged text into a typed line. Prices, quantities and minutes repeat, so each is parsed once."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = dict(enumerate(names))
        self._prices: dict[str | None, Decimal | None] = {}
        self._quantities: dict[str | None, int | None] = {}
        self._moments: dict[int | None, datetime | None] = {None: None}
        self._customers: dict[str | None, str | None] = {}
        self._amounts: dict[tuple[str, str], int] = {}

    def __call__(self, row: tuple[Any, ...]) -> SourceLine | Unmapped:
        file_no, number, invoice, code, description, quantity, second, price, customer, country, reason, raw = row
        file = self._names[file_no]
        try:
            whole = self._quantities[quantity]
        except KeyError:
            whole = self._quantities[quantity] = _whole(quantity or "")
        try:
            exact = self._prices[price]
        except KeyError:
            exact = self._prices[price] = _number(price or "")
        try:
            at = self._moments[second]
        except KeyError:
            at = self._moments[second] = datetime.fromtimestamp(second, UTC)
        try:
            customer_no = self._customers[customer]
        except KeyError:
            customer_no = self._customers[customer] = _customer(customer)
        amount = 0
        if whole is not None and exact is not None:
            try:
                amount = self._amounts[quantity, price]
            except KeyError:
                amount = self._amounts[quantity, price] = line_amount(exact, whole, CURRENCY)
        if not description or description.lower() in _NOTHING:
            description = None
        reason = reason or _fault(invoice, code, description, quantity, whole, at, raw, price, exact, customer_no)
        if reason is not None or whole is None or exact is None or at is None:
            text = shown(invoice, code, description, quantity, raw, price, customer, country)
            return Unmapped(file, number, reason or "unreadable", text, amount, at)
        return SourceLine(
            file,
            number,
            invoice,
            code,
            description,
            whole,
            at,
            exact,
            amount,
            customer_no,
            None if country is None or country.lower() in _NOTHING else country,
        )


def _fault(
    invoice: str | None,
    code: str | None,
    description: str | None,
    quantity: str | None,
    whole: int | None,
    at: datetime | None,
    raw_at: str | None,
    price: str | None,
    exact: Decimal | None,
    customer: str | None,
) -> str | None:
    """Why a row cannot be read, or None. The first reason counts; the order is part of the contract."""
    if not invoice or invoice.lower() in _NOTHING:
        return "no invoice number"
    if not code or code.lower() in _NOTHING:
        return "no stock code"
    if len(invoice) > LONGEST_CODE or len(code) > LONGEST_CODE or len(customer or "") > LONGEST_CODE:
        return f"an invoice, stock code or customer of more than {LONGEST_CODE} characters"
    if len(description or "") > LONGEST_TEXT:
        return f"a description of more than {LONGEST_TEXT} characters"
    if "\0" in invoice or "\0" in code or "\0" in (description or "") or "\0" in (customer or ""):
        return "a NUL character"
    if not quantity or quantity.strip().lower() in _NOTHING:
        return "no quantity"
    if whole is None:
        return "a quantity that is not a whole number up to ten million"
    if not price or price.strip().lower() in _NOTHING:
        return "no unit price"
    if exact is None:
        return "a unit price that is not a number up to ten million"
    if not raw_at or raw_at.strip().lower() in _NOTHING:
        return "no date"
    if at is None:
        return f"not a date between {FIRST_YEAR} and {LAST_YEAR}"
    return None


def _whole(text: str) -> int | None:
    """A quantity: a whole number, which some exports write as 6.0. Larger than any real one counts as unreadable."""
    number = _number(text)
    return int(number) if number is not None and number == number.to_integral_value() else None


def _number(text: str) -> Decimal | None:
    """A decimal exactly as written, or None: words, infinities, more than ten million, more places than can be kept."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > LARGEST_NUMBER or "_" in text:
        return None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > MOST_PRICE_PLACES:
        return None
    return Decimal(format(number.normalize(), "f"))  # 2.50 and 2.5 are one price, whatever file it comes from


def _customer(text: str | None) -> str | None:
    """A customer's number; exports that had gaps in the column write 17850 as 17850.0."""
    text = (text or "").strip()
    if text.lower() in _NOTHING:
        return None
    return text.removesuffix(".0")


def shown(*values: object) -> str:
    """A row as one line for people: no control character of it reaches a terminal."""
    text = " | ".join("" if value is None else str(value) for value in values)[:LONGEST_RAW]
    return "".join(char if char.isprintable() else " " for char in text)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _count(stage: duckdb.DuckDBPyConnection, sql: str) -> int:
    found = stage.execute(sql).fetchone()
    return int(found[0]) if found else 0


# -- SQL

# The columns of `staged` that hold the file's, in the order of `COLUMNS`.
_STAGED = ("invoice", "code", "description", "quantity", "time_text", "price", "customer", "country")
_STAGE = """
create table staged (
    file_no integer not null, row_no bigint not null,
    invoice varchar, code varchar, description varchar, quantity varchar, time_text varchar, price varchar,
    customer varchar, country varchar, broken varchar
);
create table times (file_no integer not null, time_text varchar not null, second bigint not null);
create macro bare(words) as trim(words, e' \\t\\r\\n');
create macro normal(words) as upper(bare(words));
"""

_SPELLINGS = "select distinct file_no, time_text from staged where time_text is not null"

# Rows without an invoice come last: they cannot be grouped. The number decides within one minute, because it was
# counted up when the invoice was written; its letter (C, A) does not.
_IN_ORDER = """
with timed as (
    select staged.*, normal(invoice) as no, times.second
    from staged left join times using (file_no, time_text)
), begun as (
    select no, min(second) as first from timed where broken is null group by no
)
select
    file_no, row_no, no, normal(code), bare(description), quantity, second, price,
    customer, bare(country), broken, time_text
from timed left join begun using (no)
order by
    coalesce(no, '') = '', first is null, first,
    try_cast(regexp_extract(no, '[0-9]+') as bigint), no, file_no, row_no
"""

# The name that most priced lines use, the earlier one if two are as usual. Unpriced lines carry notes ("damages")
# where a name would stand; names are written in capitals, notes seldom are. The price is the first one asked.
_NAMES = """
with said as (
    select
        normal(code) as code,
        bare(description) as name,
        try_cast(price as double) > 0 and try_cast(quantity as double) > 0 as priced,
        price, times.second, row_no
    from staged left join times using (file_no, time_text)
    where broken is null and bare(code) <> ''
), names as (
    select code, name, priced, count(*) as often, min(second) as first
    from said
    where name <> '' and (priced or (name = upper(name) and length(name) > 8))
    group by all
), named as (
    select code, first(name order by priced desc, often desc, first, name) as name from names group by code
), prices as (
    select code, first(price order by second, row_no) as price from said where priced group by code
)
select code, name, price
from (select distinct code from said) left join named using (code) left join prices using (code)
"""

_RETURNED = """
select distinct customer, normal(code) from staged
where try_cast(quantity as double) < 0 and try_cast(price as double) >= 0 and bare(customer) <> ''
"""

_TWINS = """
with bills as (
    select normal(invoice) as no, file_no, count(*) as lines,
        sum(hash(normal(code), try_cast(quantity as double), try_cast(price as double), second)::hugeint) as fingerprint
    from staged left join times using (file_no, time_text)
    where broken is null
    group by all
), sizes as (
    select file_no, count(*) as invoices from bills group by file_no
), pairs as (
    select one.file_no as one, two.file_no as two, count(*) as twins
    from bills as one join bills as two using (no, lines, fingerprint)
    where one.file_no < two.file_no
    group by all
)
select one, two, twins
from pairs join sizes as a on a.file_no = one join sizes as b on b.file_no = two
where twins * 2 > least(a.invoices, b.invoices)
limit 1
"""
