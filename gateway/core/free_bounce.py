"""Reads bounces in free words: no report part, or one without recipients. Status and cause are read here, whom by flufl.bounce.

flufl.bounce knows the formats of many servers but takes 4.x for permanent, so only its addresses are used (libraries 13). It sees a
short, flattened copy: some of its patterns are quadratic in the length of a line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import MessageError

from gateway.core.automatic import automatic
from gateway.core.bounce_cause import Cause, bare, cause_of, code_in, status_in, step_of
from gateway.core.notice_text import ADDRESS, CONTEXT, MOST_MENTIONS, words_about
from gateway.core.phrases import any_of
from gateway.core.returned import encloses_message
from gateway.core.signal import Reported, Told
from gateway.core.unpack import Mail, first

MOST_LINE = 300
MOST_LINES = 400
MOST_RECIPIENTS = 12

_DAEMON = any_of(
    r"""
    mailer[-_. ]?daemon|post[-_ ]?master|mail[-_. ]?(?:delivery|administrator|system)|mdaemon|mailerdaemon|bounces?\b
    interscan|system administrator|mail deliver|(?:no|do-?not)-?reply|delivery (?:subsystem|system|service)
    """,
)
_FAILED = any_of(
    r"""
    undeliver|non[- ]?deliver|not (?:be |been |yet been )?delivered
    (?:delivery|mail|message|e-?mail)(?: status)?(?: notification)?(?: \S+){0,2} (?:has |have )?(?:failed|failure|
    +problem|error|delayed|aborted)\b|delivery (?:status )?notification|delivery report|failure notice|failed delivery
    returned (?:mail|to sender|message)|return(?:ing)? (?:the )?(?:message )?to sender
    (?:couldn't|could not|cannot|can't|can not|unable to be) (?:be )?deliver|(?:did|does) not reach
    (?:unable|not able|trouble|error|problem|failed) (?:to |while )?(?:attempting to )?deliver
    following (?:recipient|address)\S* (?:\S+ ){0,3}(?:fail|error|reject|problem|delivery)
    permanent (?:fatal )?(?:delivery )?error|processing error|mail (?:system )?error|mailbox is full|loop alert
    errors from |error sending|error has occurred while attempting to deliver|address\S* failed|non remis
    (?:pas|jamais) (?:pu )?(?:[eê]tre )?(?:remis|d[eé]livr[eé]|distribu[eé])
    [eé]chec (?:de |d'|lors de )?(?:la |l')?(?:remise|distribution|livraison|envoi)
    impossible de (?:remettre|d[eé]livrer|distribuer)|message non (?:distribu|d[eé]livr|remis)
    retour (?:de message|[aà] l'exp[eé]diteur)|unzustellbar|nicht (?:zugestellt|ausgeliefert) werden
    zustellung (?:\S+ ){0,3}(?:fehlgeschlagen|nicht)|zustell(?:fehler|status|benachrichtigung)
    konnte(?:n)? (?:\S+ ){0,5}nicht (?:zugestellt|ausgeliefert)
    no (?:se )?(?:ha |pudo |pudimos |ha podido )(?:\S+ )?(?:entreg|ser entreg)|no entregad|no se pudo entregar
    correo devuelto|error de entrega|entrega (?:\S+ )?(?:fallida|no completada)|impossibile (?:recapitare|consegnare)
    non (?:[eè] stato |pu[oò] essere )?(?:\S+ )?(?:recapitat|consegnat)|mancata (?:consegna|recapito)
    recapito (?:\S+ )?(?:fallito|non riuscito)|n[aã]o (?:foi |p[oô]de )(?:\S+ )?(?:ser )?entreg|falha na entrega|devolvid
    nie (?:mo[zż]na|zosta[lł][ao]?|uda[lł]o) (?:\S+ ){0,2}dor[eę]cz|niedostarcz|недоставл|не доставлен
    не (?:может|могло|удалось) (?:\S+ ){0,3}доставл|не может быть доставлен|送信できません|配信できません|配信不能
    お届けできません|送信に失敗|届けられません|無法(?:投遞|傳送|送達)|无法(?:投递|送达|发送)|退信|rejete|onbestelbaar
    niet (?:worden )?(?:bezorgd|afgeleverd)|kunde inte levereras|kunne ikke leveres|ei voitu toimittaa
    """,
)
_DELAYED = any_of(
    r"""
    warning (?:message )?only|will be retried|has been delayed|is delayed|delayed (?:mail|for|by|\d)
    delivery (?:status notification )?\(?delay|not yet been delivered|still being retried|temporary failure report
    has been postponed|will continue to (?:try|be made)|delivery attempts will continue|do not need to re-?send
    just a warning|wird weiter versucht|verzögert|retardé|retraso|ritardo
    """,
)
_FINAL = any_of(
    r"""
    permanent (?:error|fail|fatal)|given up|has been removed|final failure|message is being returned
    """,
)
_NOT_HIM = any_of(
    r"""
    (?:contact|mail to|write to|send (?:\S+ ){0,3}to|e-?mail|please|help|assistance|support|from|sender|mail from|by|via|
    +postmaster at|administrator|reply to|envelope-from|sent by|return-path|reporting|generated from|expanded from|
    +subject|message-id|abuse|hello|dobrý den,|from:)[ :=<(\"']{0,4}$
    """,
)
_HIM = any_of(
    r"""
    (?:rcpt to|recipient\S*|addressed to|delivered to|deliver\S* (?:\S+ ){0,2}(?:to|failed)|addresses?|reach|user\S*|
    +userid|failed|invio a|destinataire|an|to|full|mailbox|account|a|à)[ :=<(\"'*]{0,4}$
    """,
)
_OURSELVES = re.compile(r"(?:mailer-daemon|postmaster|abuse|support|helpdesk|noc|hostmaster|root)@", re.IGNORECASE)

_NAMED = (Cause.NOBODY, Cause.NOWHERE, Cause.MOVED, Cause.FULL)


@dataclass(frozen=True, slots=True)
class FreeBounce:
    """What a notice in free words tells: `bounce` or `delayed`, and of whom."""

    told: Told
    reported: tuple[Reported, ...]
    cause: Cause


def null_sender(mail: Mail, sender: str | None) -> bool:
    """Whether the envelope's sender is null, as reports have it (RFC 3464 2); from Return-Path where nobody knows it."""
    return sender == "" or (sender is None and first(mail.fields, "return-path").strip() in ("<>", "< >"))


def from_a_machine(mail: Mail, sender: str | None) -> bool:
    """Whether a notice may be meant at all: a null sender, a daemon's name, or a subject that speaks of failure (R-STD-60).

    A person who answers has In-Reply-To; what a person writes about a failed delivery is not one.
    """
    if null_sender(mail, sender):
        return True
    if first(mail.fields, "x-failed-recipients") or mail.parameters.get("report-type", "").lower() == "delivery-status":
        return True
    author = mail.one("from")
    if author and (_DAEMON.search(author.partition("@")[0].lower()) or not author.strip("<> ")):
        return True
    return (bool(_FAILED.search(mail.one("subject").lower())) or encloses_message(mail)) and not first(mail.fields, "in-reply-to")


def free_bounce(mail: Mail, notice: str) -> FreeBounce | None:
    """What a notice in free words tells; None where it tells nothing of the kind."""
    head = f"{mail.one('subject')}\n{notice}".lower()
    said = bool(_FAILED.search(head))
    if not said and not _DELAYED.search(head):
        if automatic(mail) is not None:
            return None  # who has left and who stands in for them is no bounce
        said = _first_cause(notice) in _NAMED
        if not said and not code_in(bare(notice)):
            return None
    addresses = _addresses(mail, notice)
    told = Told.DELAYED if _DELAYED.search(head) and not _FINAL.search(head) else Told.BOUNCE
    lines = tuple(_line(address, notice, len(addresses) == 1, told) for address in addresses)
    if lines:
        causes = [cause for _, cause in lines]
        return FreeBounce(told, tuple(one for one, _ in lines), next((cause for cause in causes if cause.hard), causes[0]))
    cause = _first_cause(notice)
    return FreeBounce(told, (), Cause.UNSAID if cause.hard else cause) if said else None


def _line(address: str, notice: str, alone: bool, told: Told) -> tuple[Reported, Cause]:
    """What is told of one address: what stands on its line, else up to the next address, else all of it where it is alone."""
    around = words_about(address, notice)
    status = status_in(bare(around)) or (status_in(bare(notice)) if alone else "")
    if told is Told.DELAYED:
        return Reported(address, status, False), Cause.LATER
    cause = _first_cause(*_own_lines(address, notice), around, *((notice,) if alone else ()), step=notice if alone else around)
    return Reported(address, status, cause.hard), cause


def _first_cause(*places: str, step: str = "") -> Cause:
    """The cause the first of these places names."""
    found = (cause_of(status_in(bare(place)), place, step_of(step)) for place in places)
    return next((cause for cause in found if cause is not Cause.UNSAID), Cause.UNSAID)


def _own_lines(address: str, notice: str) -> list[str]:
    """Each line that names the address, with the indented lines that continue it."""
    pieces: list[str] = []
    at = notice.find(address)
    while at >= 0 and len(pieces) < MOST_MENTIONS:
        end = notice.find("\n", at)
        while 0 <= end < at + CONTEXT and notice[end + 1 : end + 2] in (" ", "\t") and notice[end + 1 : end + 80].strip():
            end = notice.find("\n", end + 1)
        pieces.append(notice[max(notice.rfind("\n", 0, at), 0) : end if end >= 0 else at + CONTEXT][: CONTEXT * 2])
        at = notice.find(address, at + CONTEXT if end < 0 else max(end, at + 1))
    return pieces


def _addresses(mail: Mail, notice: str) -> tuple[str, ...]:
    """Whom the notice speaks of: what the server says in a field, what flufl.bounce finds, else what the words' layout shows."""
    failed = [found[0] for found in ADDRESS.finditer(first(mail.fields, "x-failed-recipients"))]
    known = failed or _by_flufl(mail, notice) or _by_layout(mail, notice)
    return tuple(dict.fromkeys(known))[:MOST_RECIPIENTS]


def _by_layout(mail: Mail, notice: str) -> list[str]:
    """Addresses alone on a line or at its start, else after a word such as `to`; never the reporter's own or our own sender's."""
    others = {
        found[0].lower()
        for name in ("from", "to", "sender", "reply-to", "return-path")
        for found in ADDRESS.finditer(first(mail.fields, name))
    }
    leading: list[str] = []
    mentioned: list[str] = []
    rest: list[str] = []
    for line in notice.split("\n")[:MOST_LINES]:
        for found in ADDRESS.finditer(line[:MOST_LINE]):
            before, address = line[: found.start()].lower(), found[0].rstrip(".")
            if address.lower() in others or _OURSELVES.match(address) or _NOT_HIM.search(before):
                continue
            (leading if not before.strip(" \t<>*-|:") else mentioned if _HIM.search(before) else rest).append(address)
    return leading or mentioned or rest[:1]


def _by_flufl(mail: Mail, notice: str) -> list[str]:
    """What flufl.bounce finds in a short copy of the message."""
    from flufl.bounce import all_failures

    copy = _flattened(mail, notice).encode("utf-8", "replace")
    try:
        temporary, permanent = all_failures(message_from_bytes(copy, policy=policy.compat32))
    except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError, MessageError):
        return []  # a format its detectors did not foresee
    found = (one.decode("ascii", "replace").strip("<> \t.") for one in sorted(temporary | permanent))
    return [one for one in found if ADDRESS.fullmatch(one)]


def _flattened(mail: Mail, notice: str) -> str:
    """The notice as a message of one part, or of two where it had several: what the detectors look at besides the words."""
    words = "\n".join(line[:MOST_LINE] for line in notice.split("\n")[:MOST_LINES])
    head = "".join(
        f"{name}: {value}\n"
        for name, value in (
            ("From", _one_line(first(mail.fields, "from")) or "x@invalid"),
            ("X-Mailer", _one_line(first(mail.fields, "x-mailer"))),
            ("Subject", _one_line(mail.one("subject"))),
        )
    )
    text = f"Content-Type: text/plain; charset=utf-8\n\n{words}\n"
    if not mail.kind.startswith("multipart/"):
        return head + text
    kind = _one_line(mail.kind)
    return (
        f'{head}Content-Type: {kind}; boundary="=a"\n\n--=a\n{text}--=a\nContent-Type: message/rfc822\n\nSubject: x\n\nx\n--=a--\n'
    )


def _one_line(value: str) -> str:
    return " ".join(value[:MOST_LINE].split())
