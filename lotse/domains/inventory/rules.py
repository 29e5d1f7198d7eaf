"""When stock counts as low, when a place is open, how far away it is and which days are free there. Pure."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from holidays import HolidayBase, country_holidays
from holidays.utils import list_supported_countries

from lotse.domains.inventory.contracts import Opening, Region, State

# At most so many units: a page may say "only 3 left". A state and not the number, because pages are cached and a number
# would change with every sale.
LOW = 5

# The largest number that a page says of stock; what is more is "more than", so that pages of what sells well last.
MOST_SHOWN = 10


def stock_state(available: int) -> State:
    """What a shop says about a quantity that it can sell."""
    if available <= 0:
        return "out"
    return "low" if available <= LOW else "in_stock"


def difference(figure: int, on_hand_then: int) -> int:
    """What to book for a figure of a moment: its difference to the books *of that moment*, whatever moved since.

    Booked as of then, the balance now is the figure and all that moved later; and the same figure finds nothing again.
    """
    return figure - on_hand_then


# -- where a postcode is

# The first two digits of a German postcode name a region: a city in its middle with its coordinates (WGS 84, degrees),
# and the federal states that such postcodes lie in, the main one first. Good to some 30 km, which orders stores by
# distance; `lotse import` of kind `postcodes` brings exact ones.
_REGIONS_DE = """
01 Dresden 51.05 13.74 SN BB|02 Görlitz 51.15 14.80 SN|03 Cottbus 51.76 14.33 BB SN|04 Leipzig 51.34 12.37 SN ST TH BB
06 Halle 51.48 11.97 ST TH SN|07 Gera 50.88 11.90 TH SN|08 Zwickau 50.65 12.40 SN|09 Chemnitz 50.83 12.92 SN
10 Berlin 52.51 13.39 BE|12 Berlin 52.45 13.46 BE BB|13 Berlin 52.57 13.36 BE|14 Potsdam 52.42 13.01 BB BE ST
15 Frankfurt_(Oder) 52.30 14.15 BB BE|16 Oranienburg 52.85 13.30 BB MV|17 Neubrandenburg 53.70 13.30 MV BB
18 Rostock 54.09 12.50 MV|19 Schwerin 53.53 11.40 MV BB NI|20 Hamburg 53.56 10.00 HH|21 Lüneburg 53.36 10.00 HH NI SH
22 Hamburg 53.60 10.05 HH SH|23 Lübeck 53.87 10.85 SH MV|24 Kiel 54.33 9.90 SH|25 Itzehoe 54.25 9.15 SH
26 Oldenburg 53.25 7.95 NI|27 Bremerhaven 53.40 8.75 NI HB HH|28 Bremen 53.08 8.81 HB NI|29 Celle 52.75 10.40 NI ST
30 Hannover 52.38 9.73 NI|31 Hildesheim 52.25 9.60 NI|32 Herford 52.10 8.75 NW NI|33 Bielefeld 51.93 8.55 NW NI
34 Kassel 51.25 9.40 HE NI NW|35 Gießen 50.65 8.65 HE RP|36 Fulda 50.65 9.80 HE TH|37 Göttingen 51.55 9.95 NI HE NW TH
38 Braunschweig 52.15 10.60 NI ST|39 Magdeburg 52.25 11.60 ST NI|40 Düsseldorf 51.23 6.80 NW
41 Mönchengladbach 51.17 6.45 NW|42 Wuppertal 51.23 7.15 NW|44 Dortmund 51.51 7.40 NW|45 Essen 51.47 7.05 NW
46 Oberhausen 51.70 6.70 NW|47 Duisburg 51.42 6.60 NW|48 Münster 52.05 7.50 NW NI|49 Osnabrück 52.45 7.95 NI NW
50 Köln 50.93 6.90 NW|51 Köln 50.97 7.15 NW RP|52 Aachen 50.80 6.25 NW|53 Bonn 50.65 7.05 NW RP
54 Trier 49.90 6.70 RP NW|55 Mainz 49.90 8.00 RP HE|56 Koblenz 50.35 7.50 RP HE|57 Siegen 50.90 8.00 NW RP HE
58 Hagen 51.32 7.55 NW|59 Hamm 51.50 8.05 NW|60 Frankfurt_am_Main 50.12 8.66 HE|61 Bad_Homburg 50.27 8.65 HE
63 Offenbach 50.10 9.05 HE BY|64 Darmstadt 49.80 8.70 HE BW BY|65 Wiesbaden 50.15 8.20 HE RP
66 Saarbrücken 49.33 7.05 SL RP|67 Ludwigshafen 49.48 8.15 RP|68 Mannheim 49.50 8.50 BW HE
69 Heidelberg 49.42 8.85 BW HE|70 Stuttgart 48.78 9.18 BW|71 Böblingen 48.85 9.15 BW|72 Tübingen 48.42 9.00 BW
73 Göppingen 48.75 9.75 BW|74 Heilbronn 49.20 9.45 BW|75 Pforzheim 48.90 8.70 BW|76 Karlsruhe 49.02 8.35 BW RP
77 Offenburg 48.47 7.95 BW|78 Konstanz 47.95 8.65 BW|79 Freiburg 47.90 7.85 BW|80 München 48.15 11.56 BY
81 München 48.12 11.58 BY|82 Starnberg 47.95 11.25 BY|83 Rosenheim 47.85 12.20 BY|84 Landshut 48.50 12.40 BY
85 Ingolstadt 48.50 11.65 BY|86 Augsburg 48.40 10.85 BY|87 Kempten 47.70 10.35 BY BW|88 Ravensburg 47.85 9.65 BW BY
89 Ulm 48.48 10.10 BW BY|90 Nürnberg 49.45 11.07 BY|91 Erlangen 49.40 10.80 BY|92 Amberg 49.45 12.00 BY
93 Regensburg 49.10 12.30 BY|94 Passau 48.75 13.10 BY|95 Bayreuth 50.05 11.85 BY|96 Bamberg 50.05 10.95 BY
97 Würzburg 49.85 9.95 BY BW|98 Suhl 50.55 10.70 TH|99 Erfurt 51.00 11.00 TH
"""
_FORMS = {"DE": re.compile(r"[0-9]{5}"), "AT": re.compile(r"[0-9]{4}"), "CH": re.compile(r"[0-9]{4}")}
_EARTH_KM = 6371.0088


def is_postcode(country: str, postcode: str) -> bool:
    """Whether a text has the form of a postcode of a country; of countries that are not known here, anything short."""
    form = _FORMS.get(country)
    return bool(form.fullmatch(postcode)) if form else 0 < len(postcode) <= 16


@cache
def _regions() -> Mapping[str, Region]:
    found: dict[str, Region] = {}
    for entry in re.split(r"[|\n]", _REGIONS_DE.strip()):
        begins, city, latitude, longitude, *states = entry.split()
        found[begins] = Region(city.replace("_", " "), float(latitude), float(longitude), tuple(states))
    return found


def region_of(country: str, postcode: str) -> Region | None:
    """About where a postcode is; None where nobody knows."""
    return _regions().get(postcode[:2]) if country == "DE" and is_postcode("DE", postcode) else None


def state_of(country: str, postcode: str, region: str = "") -> str:
    """The federal state of an address, as ISO 3166-2 without the country; empty where nobody knows.

    `region` is what the address itself says (`NW`, `DE-NW`); else the main state of the postcode's region.
    """
    said = region.removeprefix(f"{country}-")
    if re.fullmatch(r"[A-Z]{2}", said):
        return said
    found = region_of(country, postcode)
    return found.states[0] if found else ""


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Along the great circle (haversine)."""
    a, b = math.radians(latitude), math.radians(other_latitude)
    turn = math.radians(other_longitude - longitude)
    part = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(turn / 2) ** 2
    return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(part)))


# -- free days and opening hours

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@cache
def _calendar(country: str, state: str) -> HolidayBase | None:
    supported = list_supported_countries()
    if country not in supported:
        return None
    # Years are filled in as they are asked for.
    return country_holidays(country, subdiv=state if state in supported[country] else None)


def holiday(country: str, state: str, day: date) -> str:
    """The name of the public holiday of a country (and state, if it is known); empty on other days.

    Countries that the calendar does not know have none.
    """
    calendar = _calendar(country, state)
    return str(calendar.get(day) or "") if calendar is not None else ""


@cache
def states_with_holiday(country: str, day: date) -> frozenset[str]:
    """The states of a country that have a public holiday on a day."""
    states = [state for state in list_supported_countries().get(country, ()) if re.fullmatch(r"[A-Z]{2}", state)]
    return frozenset(state for state in states if holiday(country, state, day))


def opening(
    hours: Mapping[str, Sequence[Sequence[str]]], *, zone: str, country: str, state: str, at: datetime
) -> Opening:
    """Whether a place is open at a moment, in its own time: until when, or when it opens next within a week.

    On public holidays it is closed, unless its hours name them (`holiday`).
    """
    here = at.astimezone(ZoneInfo(zone))
    for ahead in range(8):
        day = here.date() + timedelta(days=ahead)
        free = holiday(country, state, day)
        spans = [(span[0], span[1]) for span in hours.get("holiday" if free else WEEKDAYS[day.weekday()], ())]
        for begins, ends in sorted(spans):
            start, end = _moment(day, begins, zone), _moment(day, ends, zone)
            if end <= here:
                continue
            if start <= here:
                return Opening(True, end, holiday(country, state, here.date()))
            return Opening(False, start, holiday(country, state, here.date()))
    return Opening(False, None, holiday(country, state, here.date()))


def _moment(day: date, text: str, zone: str) -> datetime:
    # "24:00" is the end of the day and no time that Python knows.
    midnight = text.startswith("24")
    moment = datetime.combine(day + timedelta(days=midnight), time() if midnight else time.fromisoformat(text))
    return moment.replace(tzinfo=ZoneInfo(zone))
