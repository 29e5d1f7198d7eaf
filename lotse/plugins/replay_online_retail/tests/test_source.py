"""Files in, typed lines out: every way in which a file can be dirty has its row here."""

import csv
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from lotse.kernel.refusals import Refusal
from lotse.plugins.replay_online_retail.source import (
    AmbiguousDates,
    ColumnTwice,
    MissingColumn,
    NothingToRead,
    SameInvoicesTwice,
    SourceLine,
    Unmapped,
    UnreadableFile,
    opened,
    total_minor,
    utc_of,
)

HEAD = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"]
GOOD = ["536365", "85123A", "WHITE HEART", "6", "2010-12-01 08:26:00", "2.55", "17850", "United Kingdom"]


def changed(**fields: str) -> list[str]:
    return [fields.get(name, value) for name, value in zip(HEAD, GOOD, strict=True)]


def written(folder: Path, *rows: list[str], name: str = "a.csv", head: list[str] | None = None, sep: str = ",") -> Path:
    with (folder / name).open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=sep).writerows([head or HEAD, *rows])
    return folder


def read(folder: Path) -> list[SourceLine | Unmapped]:
    with opened(folder) as source:
        return list(source.lines())


def test_a_line_as_it_stands(tmp_path: Path) -> None:
    assert read(written(tmp_path, GOOD)) == [
        SourceLine(
            file="a.csv",
            row=1,
            invoice="536365",
            stock_code="85123A",
            description="WHITE HEART",
            quantity=6,
            at=datetime(2010, 12, 1, 8, 26, tzinfo=UTC),
            unit_price=Decimal("2.55"),
            amount_minor=1530,
            customer_no="17850",
            country="United Kingdom",
        )
    ]


@pytest.mark.parametrize(
    ("fields", "field", "expected"),
    [
        ({"StockCode": "72349b"}, "stock_code", "72349B"),
        ({"StockCode": " 47503J "}, "stock_code", "47503J"),
        ({"InvoiceNo": "c536365"}, "invoice", "C536365"),
        ({"Description": "  TEA  SET "}, "description", "TEA  SET"),
        ({"Description": ""}, "description", None),
        ({"CustomerID": "17850.0"}, "customer_no", "17850"),
        ({"CustomerID": ""}, "customer_no", None),
        ({"CustomerID": "nan"}, "customer_no", None),
        ({"Country": ""}, "country", None),
        ({"Quantity": "6.0"}, "quantity", 6),
        ({"Quantity": "-6"}, "amount_minor", -1530),
        ({"Quantity": "1", "UnitPrice": "0.005"}, "amount_minor", 1),
        ({"Quantity": "-1", "UnitPrice": "0.005"}, "amount_minor", -1),
        ({"Quantity": "1", "UnitPrice": "0.001"}, "amount_minor", 0),
        ({"Quantity": "3", "UnitPrice": "0.115"}, "amount_minor", 35),
        ({"Description": 'line\nbreak, and "quotes"'}, "description", 'line break, and "quotes"'),
        ({"InvoiceDate": "2011-07-01 09:00:00"}, "at", datetime(2011, 7, 1, 8, 0, tzinfo=UTC)),
        ({"InvoiceDate": "2011-07-01 09:00:00+00:00"}, "at", datetime(2011, 7, 1, 9, 0, tzinfo=UTC)),
    ],
)
def test_values(tmp_path: Path, fields: dict[str, str], field: str, expected: object) -> None:
    (line,) = read(written(tmp_path, changed(**fields)))
    assert isinstance(line, SourceLine)
    assert getattr(line, field) == expected


@pytest.mark.parametrize(
    ("fields", "reason", "amount_minor"),
    [
        ({"InvoiceNo": ""}, "no invoice number", 1530),
        ({"StockCode": " "}, "no stock code", 1530),
        ({"InvoiceNo": "5" * 37}, "an invoice, stock code or customer of more than 36 characters", 1530),
        ({"Description": "x" * 201}, "a description of more than 200 characters", 1530),
        ({"Quantity": ""}, "no quantity", 0),
        ({"Quantity": "six"}, "a quantity that is not a whole number up to ten million", 0),
        ({"Quantity": "1.5"}, "a quantity that is not a whole number up to ten million", 0),
        ({"Quantity": "99999999999"}, "a quantity that is not a whole number up to ten million", 0),
        ({"UnitPrice": "NULL"}, "no unit price", 0),
        ({"UnitPrice": "2,55 pounds"}, "a unit price that is not a number up to ten million", 0),
        ({"UnitPrice": "inf"}, "a unit price that is not a number up to ten million", 0),
        ({"UnitPrice": "1_000"}, "a unit price that is not a number up to ten million", 0),
        ({"InvoiceDate": ""}, "no date", 1530),
        ({"InvoiceDate": "yesterday"}, "not a date between 1990 and 2099", 1530),
        ({"InvoiceDate": "1910-12-01 08:26:00"}, "not a date between 1990 and 2099", 1530),
        ({"InvoiceDate": "2011-02-30 08:26:00"}, "not a date between 1990 and 2099", 1530),
    ],
)
def test_what_cannot_be_read_is_listed(tmp_path: Path, fields: dict[str, str], reason: str, amount_minor: int) -> None:
    line, good = sorted(read(written(tmp_path, changed(**fields), GOOD)), key=lambda line: line.row)
    assert isinstance(line, Unmapped)
    assert (line.reason, line.amount_minor, line.file, line.row) == (reason, amount_minor, "a.csv", 1)
    assert isinstance(good, SourceLine)
    assert total_minor(tmp_path) == 1530 + amount_minor


def test_bytes_that_are_not_utf8_cost_their_own_line_only(tmp_path: Path) -> None:
    written(tmp_path, GOOD, changed(Description="Gift Voucher £20.00"), GOOD)
    (tmp_path / "a.csv").write_bytes((tmp_path / "a.csv").read_text(encoding="utf-8").encode("latin-1"))
    first, voucher, third = sorted(read(tmp_path), key=lambda line: line.row)
    assert isinstance(first, SourceLine)
    assert isinstance(third, SourceLine)
    assert isinstance(voucher, Unmapped)
    assert (voucher.reason, voucher.amount_minor) == ("not UTF-8", 1530)
    assert "Gift Voucher \\xa320.00" in voucher.raw
    assert total_minor(tmp_path) == 3 * 1530


def test_fields_missing_and_too_many(tmp_path: Path) -> None:
    short, long, good = sorted(read(written(tmp_path, GOOD[:3], [*GOOD, "more"], GOOD)), key=lambda line: line.row)
    assert isinstance(short, Unmapped)
    assert (short.reason, short.amount_minor) == ("3 fields where the heading has 8", 0)
    assert isinstance(long, Unmapped)
    assert (long.reason, long.amount_minor) == ("9 fields where the heading has 8", 1530)
    assert isinstance(good, SourceLine)
    assert total_minor(tmp_path) == 2 * 1530


def test_a_nul_is_no_text(tmp_path: Path) -> None:
    written(tmp_path, changed(Description="TEA\0SET"))
    (line,) = read(tmp_path)
    assert isinstance(line, Unmapped)
    assert line.reason == "a NUL character"


def test_the_other_edition_and_an_excel_with_semicolons(tmp_path: Path) -> None:
    head = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"]
    written(tmp_path, changed(UnitPrice="2,55"), head=head, sep=";")
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + (tmp_path / "a.csv").read_bytes())
    (line,) = read(tmp_path)
    assert isinstance(line, SourceLine)
    assert (line.amount_minor, line.invoice) == (1530, "536365")
    assert total_minor(tmp_path) == 1530


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["12/1/2010 8:26", "12/31/2010 8:26"], ["2010-12-01", "2010-12-31"]),
        (["1/12/2010 8:26", "31/12/2010 8:26"], ["2010-12-01", "2010-12-31"]),
        (["01.12.10 08:26", "31.12.10 08:26"], ["2010-12-01", "2010-12-31"]),
    ],
)
def test_which_comes_first_is_read_from_the_file(tmp_path: Path, dates: list[str], expected: list[str]) -> None:
    lines = read(written(tmp_path, *(changed(InvoiceNo=str(i), InvoiceDate=date) for i, date in enumerate(dates))))
    assert [line.at.date().isoformat() for line in lines if isinstance(line, SourceLine)] == expected


def test_a_neighbour_says_which_comes_first(tmp_path: Path) -> None:
    written(tmp_path, changed(InvoiceNo="1", InvoiceDate="12/1/2010 8:26"))
    written(tmp_path, changed(InvoiceNo="2", InvoiceDate="12/31/2010 8:26"), name="b.csv")
    assert [line.at.month for line in read(tmp_path) if isinstance(line, SourceLine)] == [12, 12]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2010-12-01 08:26:00", "2010-12-01T08:26"),
        ("2011-06-01 08:26:00", "2011-06-01T07:26"),
        ("2011-03-27 00:59:00", "2011-03-27T00:59"),
        ("2011-03-27 01:30:00", "2011-03-27T01:30"),  # the clock skipped it: 02:30 summer time
        ("2011-03-27 02:00:00", "2011-03-27T01:00"),
        ("2011-10-30 01:30:00", "2011-10-30T00:30"),  # the clock showed it twice: the first
        ("2011-10-30 02:00:00", "2011-10-30T02:00"),
    ],
)
def test_london_time(text: str, utc: str) -> None:
    assert utc_of(text, day_first=False) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_order_is_that_of_invoices_not_of_rows_or_files(tmp_path: Path) -> None:
    written(
        tmp_path,
        changed(InvoiceNo="536370", InvoiceDate="2010-12-01 08:46:00"),
        changed(InvoiceNo="C536366", InvoiceDate="2010-12-01 08:26:00"),
        changed(InvoiceNo="536365", InvoiceDate="2010-12-01 08:27:00"),
        changed(InvoiceNo="", InvoiceDate="2010-12-01 08:00:00"),
    )
    written(
        tmp_path,
        changed(InvoiceNo="536370", InvoiceDate="2010-12-01 08:45:00"),
        changed(InvoiceNo="536365", InvoiceDate="2010-12-01 08:26:00"),
        name="b.csv",
    )
    order = [(line.invoice, line.file, line.row) for line in read(tmp_path) if isinstance(line, SourceLine)]
    assert order == [
        ("536365", "a.csv", 3),
        ("536365", "b.csv", 2),
        ("C536366", "a.csv", 2),
        ("536370", "a.csv", 1),
        ("536370", "b.csv", 1),
    ]


def test_parquet_says_the_same_as_csv(tmp_path: Path) -> None:
    rows = [GOOD, changed(UnitPrice="0.001"), changed(CustomerID=""), changed(Quantity="-3", UnitPrice="0.115")]
    (tmp_path / "csv").mkdir()
    (tmp_path / "parquet").mkdir()
    written(tmp_path / "csv", *rows)
    duckdb.execute(
        "copy (select * replace (InvoiceNo::varchar as InvoiceNo, UnitPrice::double as UnitPrice, "
        "CustomerID::double as CustomerID) from read_csv(?, header = true)) "
        f"to '{tmp_path}/parquet/a.csv.parquet'",
        [str(tmp_path / "csv" / "a.csv")],
    )
    as_csv = [line for line in read(tmp_path / "csv") if isinstance(line, SourceLine)]
    as_parquet = [line for line in read(tmp_path / "parquet") if isinstance(line, SourceLine)]
    assert len(as_csv) == 4
    names = ("row", "invoice", "stock_code", "description", "quantity", "at", "unit_price", "customer_no", "country")
    assert [[getattr(line, name) for name in names] for line in as_parquet] == [
        [getattr(line, name) for name in names] for line in as_csv
    ]
    assert total_minor(tmp_path / "csv") == total_minor(tmp_path / "parquet") == 1530 + 1 + 1530 - 35


def test_refusals_have_names(tmp_path: Path) -> None:
    cases: list[tuple[type[Refusal], dict[str, bytes]]] = [
        (NothingToRead, {}),
        (NothingToRead, {"notes.txt": b"hello"}),
        (NothingToRead, {"a.csv": ",".join(HEAD).encode() + b"\n"}),
        (MissingColumn, {"a.csv": b"InvoiceNo,StockCode\n1,2\n"}),
        (MissingColumn, {"a.csv": b""}),
        (ColumnTwice, {"a.csv": ",".join(HEAD).encode() + b",Unit_Price\n"}),
        (ColumnTwice, {"a.csv": ",".join(HEAD).encode() + b",Price\n"}),
        (UnreadableFile, {"a.parquet": b"PAR1 and no more"}),
        (UnreadableFile, {"a.csv": ",".join(HEAD).encode("utf-16")}),
        (UnreadableFile, {"a.csv": ",".join(HEAD).encode() + b'\n1,2,"' + b"x" * 200_000}),
        (AmbiguousDates, {"a.csv": "\n".join([",".join(HEAD), ",".join(changed(InvoiceDate="3/4/2011"))]).encode()}),
    ]
    for number, (refusal, files) in enumerate(cases):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
        with pytest.raises(refusal):
            read(folder)
    with pytest.raises(NothingToRead):
        read(tmp_path / "nowhere")


def test_the_same_invoices_in_two_files_are_refused(tmp_path: Path) -> None:
    rows = [changed(InvoiceNo=str(number)) for number in range(10)]
    written(tmp_path, *rows)
    written(tmp_path, *rows, name="copy.csv")
    with pytest.raises(SameInvoicesTwice):
        read(tmp_path)


def test_the_same_line_twice_is_two_lines(tmp_path: Path) -> None:
    assert len(read(written(tmp_path, GOOD, GOOD))) == 2
    assert total_minor(tmp_path) == 2 * 1530


def test_lines_can_be_read_again(tmp_path: Path) -> None:
    with opened(written(tmp_path, GOOD, GOOD)) as source:
        assert list(source.lines()) == list(source.lines())
        assert source.rows == 2


def test_survey_names_articles(tmp_path: Path) -> None:
    written(
        tmp_path,
        changed(StockCode="1", Description="damages", UnitPrice="0", Quantity="-1"),
        changed(StockCode="1", Description="OLD NAME", UnitPrice="3.1", InvoiceDate="2010-12-02 08:00"),
        changed(StockCode="1", Description="NEW NAME", UnitPrice="2.1", InvoiceDate="2010-12-03 08:00"),
        changed(StockCode="1", Description="NEW NAME", UnitPrice="2.1", InvoiceDate="2010-12-04 08:00"),
        changed(StockCode="2", Description="found", UnitPrice="0"),
        changed(StockCode="3", Description="NEVER SOLD JUG", UnitPrice="0"),
        changed(StockCode="1", UnitPrice="2.1", Quantity="-1", InvoiceNo="C1", CustomerID="17850.0"),
        changed(StockCode="2", Description="x", UnitPrice="2.1", Quantity="-1", InvoiceNo="C2", CustomerID=""),
    )
    with opened(tmp_path) as source:
        survey = source.survey()
    named = {code: (article.name, article.price) for code, article in survey.articles.items()}
    assert named == {"1": ("NEW NAME", Decimal("3.1")), "2": (None, None), "3": ("NEVER SOLD JUG", None)}
    assert survey.returned == {("17850", "1")}
