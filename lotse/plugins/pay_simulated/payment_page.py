"""The simulated provider's own pages: plain HTML that needs nothing of Lotse, as the real other side would not."""

from decimal import Decimal
from html import escape

from babel.numbers import format_currency, get_currency_precision

from lotse.plugins.pay_simulated.book import OPEN, Kept

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#eef1f5, #14181d); }
main { width: min(26rem, calc(100% - 2rem)); background: light-dark(#fff, #1f252c); border-radius: 12px; margin: 1rem;
  padding: 1.5rem; box-sizing: border-box; display: grid; gap: 1rem; box-shadow: 0 8px 30px #0002; }
h1 { font-size: 1.25rem; margin: 0; }
p { margin: 0; }
.sum { font-size: 2rem; font-weight: 700; }
.test { background: #f7c948; color: #3b2f00; border-radius: 6px; padding: .25rem .6rem; justify-self: start; }
form { display: grid; gap: .6rem; }
button, input { font: inherit; padding: .75rem 1rem; border-radius: 8px; border: 1px solid #8894a3; }
button { cursor: pointer; background: transparent; color: inherit; }
button.yes { background: #0b6e4f; border-color: #0b6e4f; color: #fff; font-weight: 600; }
label { display: grid; gap: .3rem; }
.bad { color: light-dark(#b00020, #ff8a80); }
code { font-size: 1.1em; }
"""
_TEXTS = {
    "en": {
        "title": "Test payment",
        "test": "Test: no money moves",
        "to": "You pay:",
        "approve": "Pay",
        "decline": "Decline",
        "challenge": "Pay with 3-D Secure",
        "code": "Code from your bank",
        "sent": "Your bank would send you this code:",
        "confirm": "Confirm",
        "wrong": "That was not the code.",
        "over": "This payment is over.",
        "back": "Back to the shop",
    },
    "de": {
        "title": "Testzahlung",
        "test": "Test: es fließt kein Geld",
        "to": "Du bezahlst:",
        "approve": "Bezahlen",
        "decline": "Ablehnen",
        "challenge": "Mit 3-D Secure bezahlen",
        "code": "Code deiner Bank",
        "sent": "Deine Bank würde dir diesen Code schicken:",
        "confirm": "Bestätigen",
        "wrong": "Das war nicht der Code.",
        "over": "Diese Zahlung ist beendet.",
        "back": "Zurück zum Shop",
    },
}


def payment(charge: Kept, *, code: str, wrong: bool) -> str:
    """What the buyer sees: approve, decline, or the code of a challenge."""
    said = _TEXTS.get(charge.language[:2], _TEXTS["en"])
    amount = escape(_money(charge.amount_minor, charge.currency, charge.language[:2]))
    head = (
        f'<span class="test">{said["test"]}</span><h1>{said["title"]}</h1>'
        f'<p>{said["to"]} {escape(charge.description)}</p><p class="sum">{amount}</p>'
    )
    if charge.status not in OPEN:
        body = f'<p>{said["over"]}</p><p><a href="{escape(charge.return_url)}">{said["back"]}</a></p>'
    elif charge.status == "challenge":
        mistake = f'<p class="bad" role="alert">{said["wrong"]}</p>' if wrong else ""
        body = (
            f"<p>{said['sent']} <code>{code}</code></p>{mistake}"
            f'<form method="post"><label>{said["code"]}<input name="code" inputmode="numeric" required autofocus'
            f' autocomplete="one-time-code"></label>'
            f'<button class="yes" name="action" value="approve">{said["confirm"]}</button>'
            f'<button name="action" value="decline" formnovalidate>{said["decline"]}</button></form>'
        )
    else:
        body = (
            f'<form method="post"><button class="yes" name="action" value="approve">{said["approve"]}</button>'
            f'<button name="action" value="challenge">{said["challenge"]}</button>'
            f'<button name="action" value="decline">{said["decline"]}</button></form>'
        )
    return _page(said["title"], charge.language[:2] or "en", head + body)


def front(faults: dict[str, float]) -> str:
    """What somebody sees who opens the address: what this is."""
    said = ", ".join(f"{name} {value:g}" for name, value in faults.items()) or "none"
    return _page(
        "Simulated payment provider",
        "en",
        '<span class="test">Test: no money moves</span><h1>Simulated payment provider</h1>'
        f"<p>Shops send their buyers to this server's payment pages.</p><p>Faults: {escape(said)}</p>",
    )


def _money(amount_minor: int, currency: str, language: str) -> str:
    """119,95 € in German; in English, which the pages have besides, €119.95."""
    major = Decimal(amount_minor).scaleb(-get_currency_precision(currency))
    return format_currency(major, currency, locale=language if language in _TEXTS else "en")


def _page(title: str, language: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="{escape(language)}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><main>{body}</main></html>"
    )
