"""Reads what follows a verb: paths and parameters, strictly and whole, so that nothing unread slips through.

Answers a value or the `Reply` that says what is wrong; never raises for bad input. Addresses stay as the client spelled them:
canonical forms and rules are the desk's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.core.reply import BAD_ARGUMENTS, BAD_RECIPIENT, BAD_SENDER, TOO_BIG, UNKNOWN_PARAMETER, UTF8_NEEDED, Reply
from gateway.edges.smtp.limits import Limits
from gateway.flow.desk import MailFrom, RcptTo

# RFC 5321 4.1.2 with RFC 6531 3.3: UTF-8 beyond ASCII may stand in local parts and domains; C1 controls may not.
_UTF8 = "\u00a0-\U0010ffff"
_ATOM = rf"[A-Za-z0-9!#$%&'*+\-/=?^_`{{|}}~{_UTF8}]+"
_DOTTED = rf"{_ATOM}(?:\.{_ATOM})*"
_QUOTED = rf'"(?:[ !#-\[\]-~{_UTF8}]|\\[ -~])*"'
_DOMAIN = rf"[A-Za-z0-9{_UTF8}](?:[A-Za-z0-9._\-{_UTF8}]*)|\[[!-Z^-~]+\]"
_PATH = re.compile(rf"<(?P<local>{_DOTTED}|{_QUOTED})@(?P<domain>{_DOMAIN})>")
_POSTMASTER = re.compile(r"<postmaster>", re.IGNORECASE)
_PARAMETERS = re.compile(r"(?: +[A-Za-z0-9][A-Za-z0-9\-]*(?:=[^\x00-\x20=\x7f]+)?)* *")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")
_UNITEXT = re.compile(rf"(?:[!-*,-<>-~{_UTF8}]|\+[0-9A-F]{{2}}|\\x\{{[0-9A-F]{{2,6}}\}})+")
_PLAIN = r"<([A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*)@([A-Za-z0-9][A-Za-z0-9._\-]*)>"
_PLAIN_FROM = re.compile(rb"[Ff][Rr][Oo][Mm]:" + _PLAIN.encode())
_PLAIN_TO = re.compile(rb"[Tt][Oo]:" + _PLAIN.encode())
_BDAT = re.compile(rb"([0-9]{1,20})(?: +(LAST))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chunk:
    """BDAT's arguments (RFC 3030 2)."""

    size: int
    last: bool


def mail(argument: bytes, limits: Limits, auth_offered: bool) -> MailFrom | Reply:
    """MAIL's argument, `FROM:<path> parameters`."""
    if plain := _plain(_PLAIN_FROM, argument, limits):
        return MailFrom(plain)
    text = _decode(argument)
    if text is None:
        return BAD_SENDER if b"SMTPUTF8" in argument.upper() else UTF8_NEEDED
    found = _path(text, "FROM:", limits)
    if found is None:
        return BAD_SENDER
    sender, rest = found
    given = _parameters(rest)
    if given is None:
        return BAD_ARGUMENTS
    if not given.keys() <= _MAIL_PARAMETERS or ("AUTH" in given and not auth_offered):
        return UNKNOWN_PARAMETER
    if fault := _mail_fault(given, limits):
        return fault
    utf8 = "SMTPUTF8" in given
    if not text.isascii() and not utf8:
        return UTF8_NEEDED
    return MailFrom(
        sender=sender,
        size=int(given.get("SIZE") or 0),
        eight_bit=(given.get("BODY") or "").upper() == "8BITMIME",
        smtputf8=utf8,
        ret=(given.get("RET") or "").upper(),
        envid=given.get("ENVID") or "",
    )


_MAIL_PARAMETERS = {"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH"}


def _mail_fault(given: dict[str, str | None], limits: Limits) -> Reply | None:
    for name, value in given.items():
        match name, value:
            case "SMTPUTF8", None:
                continue
            case "SIZE", str() if re.fullmatch(r"[0-9]{1,20}", value):
                if int(value) > limits.size:
                    return TOO_BIG
            case "BODY", str() if value.upper() in ("7BIT", "8BITMIME"):
                continue
            case "BODY", str() if value.upper() == "BINARYMIME":
                return UNKNOWN_PARAMETER
            case "RET", str() if value.upper() in ("FULL", "HDRS"):
                continue
            case "ENVID", str() if len(value) <= 100 and _XTEXT.fullmatch(value):
                continue
            case "AUTH", str() if value == "<>" or _XTEXT.fullmatch(value):
                continue  # RFC 4954 5: must be understood; whom the tool names is of no account here
            case _:
                return BAD_ARGUMENTS
    return None


def rcpt(argument: bytes, limits: Limits, utf8: bool) -> RcptTo | Reply:
    """RCPT's argument, `TO:<path> parameters`; `utf8` says whether MAIL carried SMTPUTF8."""
    if plain := _plain(_PLAIN_TO, argument, limits):
        return RcptTo(plain)
    text = _decode(argument)
    if text is None:
        return BAD_RECIPIENT if utf8 else UTF8_NEEDED
    if not utf8 and not text.isascii():
        return UTF8_NEEDED
    found = _path(text, "TO:", limits)
    if found is None or not found[0]:
        return BAD_RECIPIENT
    recipient, rest = found
    given = _parameters(rest)
    if given is None:
        return BAD_ARGUMENTS
    if not given.keys() <= {"NOTIFY", "ORCPT"}:
        return UNKNOWN_PARAMETER
    if ("NOTIFY" in given and not _notify_fits(given["NOTIFY"])) or ("ORCPT" in given and not _orcpt_fits(given["ORCPT"])):
        return BAD_ARGUMENTS
    return RcptTo(recipient, notify=(given.get("NOTIFY") or "").upper(), orcpt=given.get("ORCPT") or "")


def _notify_fits(value: str | None) -> bool:
    """NEVER alone, or each of the three events at most once (RFC 3461 4.1)."""
    wishes = (value or "").upper().split(",")
    return wishes == ["NEVER"] or (len(set(wishes)) == len(wishes) and set(wishes) <= {"SUCCESS", "FAILURE", "DELAY"})


def _orcpt_fits(value: str | None) -> bool:
    """`addr-type;xtext` of at most 500 octets (RFC 3461 4.2); `utf-8` addresses may hold more (RFC 6533 3)."""
    kind, semicolon, address = (value or "").partition(";")
    if not semicolon or len((value or "").encode()) > 500 or not re.fullmatch(r"[A-Za-z0-9\-]+", kind):
        return False
    return bool((_UNITEXT if kind.lower() == "utf-8" else _XTEXT).fullmatch(address))


def bdat(argument: bytes) -> Chunk | None:
    """BDAT's size and LAST; None when the size of the chunk that follows cannot be known."""
    found = _BDAT.fullmatch(argument)
    return Chunk(int(found[1]), bool(found[2])) if found else None


def hello(argument: bytes) -> str:
    """The client's name made fit for a trace header: anything but name characters becomes `?`; empty when it gave none."""
    return re.sub(r"[^A-Za-z0-9.:_\-\[\]]", "?", argument.strip().decode("ascii", "replace"))[:255]


def _decode(argument: bytes) -> str | None:
    try:
        return argument.decode()
    except UnicodeDecodeError:
        return None


def _plain(form: re.Pattern[bytes], argument: bytes, limits: Limits) -> str:
    """The address of an ASCII path without parameters, which most commands hold; empty where all must be read."""
    found = form.fullmatch(argument)
    if found is None or found.end(1) - found.start(1) > limits.local_part or found.end(2) - found.start(2) > limits.domain:
        return ""
    return argument[found.start(1) : -1].decode("ascii")


def _path(text: str, keyword: str, limits: Limits) -> tuple[str, str] | None:
    """The path between the angle brackets and what follows them; source routes and comments do not parse (T8)."""
    if text[: len(keyword)].upper() != keyword:
        return None
    text = text[len(keyword) :].lstrip(" ")  # a space after the colon is wrong and common
    if keyword == "FROM:" and text.startswith("<>"):
        return "", text[2:]
    if found := _PATH.match(text):
        if len(found["local"].encode()) > limits.local_part or len(found["domain"].encode()) > limits.domain:
            return None
    elif keyword != "TO:" or not (found := _POSTMASTER.match(text)):  # RFC 5321 4.1.1.3: <Postmaster> needs no domain
        return None
    return found[0][1:-1], text[found.end() :]


def _parameters(text: str) -> dict[str, str | None] | None:
    """Parameters by upper-case name, value None where there is no `=`; None when they do not parse or come twice."""
    if not text:
        return {}
    if not _PARAMETERS.fullmatch(text):
        return None
    given: dict[str, str | None] = {}
    for word in text.split(" "):
        if not word:
            continue
        name, equals, value = word.partition("=")
        if name.upper() in given:
            return None
        given[name.upper()] = value if equals else None
    return given
