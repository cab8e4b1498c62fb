"""A consent receipt as one HTML page that loads nothing, from `templates/pages/receipt.xx.html.j2`.

The wording stands in it to the character: whoever copies it from the page, or parses the file, gets the octets that were hashed.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.core.receipt import ALGORITHM, Receipt, record_table, state, wording_sha256
from gateway.edges.web.pages import Writer

LANGUAGES = ("en", "fr")
_SET_APART = ("advertiser", "wording", "wording_sha256", "wording_octets", "state", "missing")
"""Fields that the page shows at a place of their own."""


class ReceiptPage:
    """The page in each of its languages."""

    def __init__(self, folder: Path, shipped: Path) -> None:
        """`shipped` is where templates come from that an operator's own folder lacks."""
        places = [folder / name for name in ("page.css", "receipt.css")]
        styles = [(place if place.is_file() else shipped / place.name).read_text(encoding="utf-8") for place in places]
        self._environment = Environment(
            loader=FileSystemLoader([folder, shipped]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            auto_reload=False,
        )
        self._environment.filters["exact"] = _exact
        self._environment.globals["style"] = Markup("\n".join(styles))  # noqa: S704  the operator's own files, not input

    def render(self, receipt: Receipt, language: str) -> bytes:
        """The page, UTF-8."""
        names = {receipt.legal_names.get(consent.advertiser) or consent.advertiser for consent, _ in receipt.records}
        records = [
            {
                "consent": consent,
                "name": receipt.legal_names.get(consent.advertiser) or consent.advertiser,
                "state": state(consent),
                "sha256": wording_sha256(consent.wording),
                "facts": {name: cell for name, cell in record_table(consent).items() if cell and name not in _SET_APART},
                "traces": traces,
            }
            for consent, traces in receipt.records
        ]
        page = self._environment.get_template(f"receipt.{language}.html.j2").render(
            page="receipt",
            lang=language,
            who=Writer(names.pop() if len(names) == 1 else ""),
            languages=(),
            receipt=receipt,
            records=records,
            algorithm=ALGORITHM,
        )
        return page.encode()


def _exact(text: str) -> Markup:
    """Text that an HTML parser gives back as it is: a bare carriage return would be read as a line feed."""
    return Markup(str(escape(text)).replace("\r", "&#13;"))  # noqa: S704  escaped right before
