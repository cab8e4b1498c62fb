"""Words, edits and messages for the tests of the rewrite: one advertiser, one stream, the shipped templates."""

from __future__ import annotations

from gateway.core.mime import Malformed, Message, parse
from gateway.core.model import Advertiser, Category, Partner, RefusalMode, Stream
from gateway.core.notice import NO_PARTNERS, NoticeFault, Notices, Shown, Words
from gateway.core.record import NamedPartner
from gateway.core.rewrite import CannotCarry, Edit, Rewritten, rewrite
from gateway.core.verdict import Due
from tests.support.corpora import ROOT

OPT_OUT = "https://optout.example/u/" + "abcdefgh234567ij" * 3
MARK = "optout.example/u/abcdefgh"
TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / "templates" / "notice").glob("*.j2"))}
NOTICES = Notices(TEMPLATES)
ADVERTISER = Advertiser(
    "acme",
    "Éditions Acme SAS",
    "12 rue de l’Exemple\n75001 Paris",
    "contact@acme.example",
    "https://acme.example/vie-privee",
    "dpo@acme.example",
    ("acme.example",),
)
STREAM = Stream(
    "news", 1, ADVERTISER, Category.MARKETING, "vous informer de nos nouveautés", "fr", "sink", RefusalMode.REJECT, "fr", ()
)
PARTNER = Partner("jeux", "Jeux & Loisirs SARL", "https://jeux.example/donnees", "dpo@jeux.example", True, False)
SHOWN = Shown(
    "https://optout.example/p/acme",
    (
        NamedPartner("sport", "Sport & Santé SAS", "https://sport.example/donnees?langue=fr&page=2"),
        NamedPartner("jardin", "Le Jardin d’Été SARL", "https://jardin.example/vie-privee"),
    ),
)
"""A list with two partners that are new to the person."""
PUT = (
    ("List-Unsubscribe", f"<{OPT_OUT}>, <mailto:u-token@in.example?subject=unsubscribe>".encode()),
    ("List-Unsubscribe-Post", b"List-Unsubscribe=One-Click"),
)
HEAD = (
    b"Received: from tool.example by relay.example; Mon, 2 Mar 2026 10:00:00 +0000\r\n"
    b'From: "Acme" <news@acme.example>\r\nTo: someone@example.net\r\nSubject: Nouvelles\r\n'
    b"Date: Mon, 2 Mar 2026 10:00:00 +0000\r\nMessage-ID: <1@acme.example>\r\nMIME-Version: 1.0\r\n"
    b"List-Unsubscribe: <https://tool.example/out>\r\n"
)


def words(due: Due = Due.FULL_NOTICE, language: str = "fr", shown: Shown = NO_PARTNERS) -> Words:
    """The shipped words for one person."""
    made = NOTICES.compose(STREAM, due, "jeux", PARTNER, OPT_OUT, "https://www.cnil.fr/plaintes", "CNIL", language, shown)
    assert not isinstance(made, NoticeFault), made
    return made


def edit(some: Words | None = None, eight_bit: bool = True) -> Edit:
    """The edit every marketing message gets."""
    return Edit(PUT, frozenset({"list-unsubscribe", "list-unsubscribe-post"}), some, eight_bit)


def sent(raw: bytes, some: Words | None = None, eight_bit: bool = True) -> bytes | CannotCarry | Malformed:
    """The bytes that would leave, or why none would."""
    message = parse(raw)
    if not isinstance(message, Message):
        return message
    result = rewrite(message, edit(words() if some is None else some, eight_bit))
    if not isinstance(result, Rewritten):
        return result
    assert bytes(result.chunks[0]).endswith(b"\r\n\r\n")
    return b"".join(result.chunks)


def leaves(raw: bytes, some: Words | None = None, eight_bit: bool = True) -> bytes:
    """The bytes that leave; the message must be one that does."""
    out = sent(raw, some, eight_bit)
    assert isinstance(out, bytes), out
    return out
