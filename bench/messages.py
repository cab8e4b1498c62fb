"""Makes the three messages of the benchmark: a newsletter of 4 KiB, one of 50 KiB, and one of 5 MiB with an attachment.

French text in UTF-8, quoted-printable, as mailing tools send it. `@ID@` and `@TO@` in the header are filled in by the source.
"""

from __future__ import annotations

import base64
import quopri
import random
from dataclasses import dataclass
from pathlib import Path

SIZES = {"4k": 4 * 1024, "50k": 50 * 1024, "5m": 5 * 1024 * 1024}
SENDER = "news@example.com"
ID_MARK, TO_MARK = b"@ID@", b"@TO@"

_SENTENCES = (
    "Découvrez nos nouveautés de la semaine, choisies pour vous par notre équipe.",
    "L’été s’annonce généreux : les premières pêches arrivent au marché dès samedi.",
    "À bientôt dans nos ateliers, où le café est toujours prêt et l’accueil chaleureux.",
    "Nos artisans ont préparé une série limitée, disponible jusqu’à épuisement.",
    "Pour être sûr de ne rien manquer, notez dès maintenant la date du 14 juin.",
)
_ROW = (
    '<tr><td style="padding:12px 24px;font-family:Arial,sans-serif;font-size:15px;color:#333333">{text} '
    '<a href="https://www.example.com/a/{number}?c=ete" style="color:#0b57d0">Lire la suite</a></td></tr>\n'
)
_HEAD = (
    '<!DOCTYPE html>\n<html lang="fr"><head><meta charset="utf-8"><title>La lettre de l\'été</title>\n'
    "<style>td{color:#333} @media (max-width:600px){td{padding:8px}}</style></head>\n"
    '<body style="margin:0"><!--[if mso]><table width="600"><tr><td><![endif]-->\n<table width="100%">\n'
)
_FOOT = "</table>\n<!--[if mso]></td></tr></table><![endif]--></body></html>\n"


@dataclass(frozen=True, slots=True)
class Sample:
    """One message on disk."""

    name: str
    path: Path
    size: int


def write_samples(folder: Path) -> dict[str, Sample]:
    """The three messages, written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = {}
    for name, size in SIZES.items():
        raw = make(size)
        path = folder / f"{name}.eml"
        path.write_bytes(raw)
        samples[name] = Sample(name, path, len(raw))
    return samples


def make(size: int) -> bytes:
    """A message of about `size` octets, the same at every call."""
    if size < 1024 * 1024:
        return _top("multipart/alternative", "alt") + _alternative(size - 500)
    inner = _alternative(SIZES["50k"])
    rest = size - len(inner) - 1000
    attachment = base64.encodebytes(random.Random(1).randbytes(rest * 57 // 78)).replace(b"\n", b"\r\n")
    return (
        _top("multipart/mixed", "mix")
        + b'--mix\r\nContent-Type: multipart/alternative; boundary="alt"\r\n\r\n'
        + inner
        + b'--mix\r\nContent-Type: application/pdf; name="programme.pdf"\r\nContent-Transfer-Encoding: base64\r\n'
        + b'Content-Disposition: attachment; filename="programme.pdf"\r\n\r\n'
        + attachment
        + b"--mix--\r\n"
    )


def _top(kind: str, boundary: str) -> bytes:
    fields = (
        f"From: La lettre <{SENDER}>",
        f"To: <{TO_MARK.decode()}>",
        "Subject: =?utf-8?q?La_lettre_de_l=27=C3=A9t=C3=A9?=",
        f"Message-ID: <{ID_MARK.decode()}@example.com>",
        "Date: Sat, 06 Jun 2026 09:00:00 +0200",
        "MIME-Version: 1.0",
        "List-Unsubscribe: <https://tool.example/stop?id=1>",
        "X-Mailer: bench",
        f'Content-Type: {kind}; boundary="{boundary}"',
    )
    return "\r\n".join(fields).encode() + b"\r\n\r\n"


def _alternative(size: int) -> bytes:
    """A text part and an HTML part that fill `size` octets, boundary `alt`, closed."""
    html = _part("text/html", _HEAD + _FOOT)
    cycle = len(_SENTENCES)
    row = (len(_part("text/html", "".join(map(_row, range(cycle))))) - len(_part("text/html", ""))) / cycle
    text = _part("text/plain", "\n".join(_SENTENCES[: max(2, min(5, size // 2000))] * max(1, size // 8000)) + "\n")
    rows = max(1, round((size - len(html) - len(text) - 9) / row))
    body = _HEAD + "".join(_row(number) for number in range(rows)) + _FOOT
    return text + _part("text/html", body) + b"--alt--\r\n"


def _row(number: int) -> str:
    return _ROW.format(text=_SENTENCES[number % len(_SENTENCES)], number=number)


def _part(kind: str, text: str) -> bytes:
    encoded = quopri.encodestring(text.encode()).replace(b"\n", b"\r\n")
    top = f"--alt\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return top.encode() + encoded + b"\r\n"
