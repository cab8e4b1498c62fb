"""What stands under a reply and is nobody's words: signatures, the phone's line, confidentiality notices.

Over the author's own lines only, after the quotation is gone. When in doubt a line stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from gateway.core.quotation import folded

_LONGEST = 25  # lines of a signature after "-- ", a notice under it included
_LONGEST_RULED = 12  # after a row of dashes or underscores, which may as well divide a letter
_DELIMITER = re.compile(r"\*?(?:--|—|––|––-|—-|__)\*?[ \t\u00a0]*\Z")
_RULED = re.compile(r"[ \t]*[-_=—–*~]{3,200}[ \t]*\Z")
_SENTENCE = re.compile(r"(?:\S{1,40}\s+){5}\S|[!?]\s*\Z")

_DEVICE = re.compile(
    r"(?:sent|written|posted|typed) (?:from|via|using|with|by|on) |get (?:outlook|bluemail|the)\b.{0,40}\b(?:for|app)\b"
    r"|(?:télécharg\w{1,4}|obten\w{1,4}) (?:outlook|bluemail)|(?:envoyé|envoyée|expédié|transmis|écrit) (?:de|depuis|du|à partir d|via|avec|par|grâce) ?"
    r"|(?:von|aus|mit) (?:meine[mr]|der|dem|outlook|yahoo|web\.de|gmx)\b.{0,60}\b(?:gesendet|geschickt|verschickt)|gesendet (?:von|mit|über|aus|via|vom) "
    r"|diese (?:nachricht|mail|e-mail) wurde (?:von|mit|über)\b|holen sie sich outlook|outlook für (?:ios|android)"
    r"|enviado (?:desde|con|mediante|a partir|do|da|de|através|pelo|via) |obtener outlook|obter o? ?outlook|mandado desde "
    r"|inviato (?:da|dal|dall'|dalla|con|tramite|via) ?|scarica outlook|ottieni outlook|"
    r"(?:verstuurd|verzonden|gestuurd) (?:vanaf|met|via|van|vanuit) |outlook voor (?:ios|android)"
    r"|(?:skickat|skickades|skickad) (?:från|med|via) |hämta outlook|(?:sendt|send) (?:fra|med|via) |hent outlook|lähetetty |hanki outlook"
    r"|(?:wysłan[eoay]|wiadomość wysłana) (?:z|ze|za|przez|przy) |pobierz outlook|отправлено (?:с|из|через) |надіслано (?:з|із) |odesláno |"
    r"provenance : courrier|发自|來自我的|从我的|iphoneから送信|나의 iphone에서 보냄|trimis de pe|iphone'?umdan gönderildi|küldve"
)
_NO_DEVICE = re.compile(r"[.!?;]\s+\S|,\s")
_GADGET = re.compile(
    r"iphone|ipad|ipod|\bmac\b|apple|android|galaxy|samsung|huawei|xiaomi|redmi|honor|oppo|oneplus|pixel|nokia|sony|xperia|motorola|\bmoto\b|wiko"
    r"|blackberry|windows|outlook|mail\b|gmail|yahoo|proton|orange|\bsfr\b|\bfree\b|bouygues|la poste|laposte|t-online|telekom|gmx|web\.de|libero|"
    r"typeapp|bluemail|spark|airmail|thunderbird|nine|zoho|hotmail|mobile|móvil|movil|cellulare|smartphone|handy|téléphone|telefon|tel[ée]fono|phone"
    r"|tablet|appareil|gerät|dispositiv|device|app\b|application|wireless|matkapuhelin|ordinateur|messagerie|webmail"
)
_SCANNED = re.compile(
    r"(?:garanti sans virus|virenfrei|virus-free|libre de virus|privo di virus|sans virus|scanned by|antivirus)\W.{0,60}\Z|.{0,80}\bwww\.avast\.com"
)

_NOTICE = (
    re.compile(r"confiden[tc]|vertraulich|riservat|reservad|privileged|privilégi|vertrouwelijk|geheimhaltung|poufn"),
    re.compile(r"recipient|addressee|destinat|empfänger|adressat|intended|geadresseerde|bestemd|adresat|bestimmt|destinée?"),
    re.compile(
        r"in error|par erreur|irrtümlich|versehentlich|por error|per errore|par inadvertance|par mégarde|irrtum|ten onrechte|abusivement"
    ),
    re.compile(
        r"pièces? jointe|attachment|anhänge|anlage|allegat|adjunt|annexe|anexo|bijlage|communicated|disclos|divulg|weitergabe|utilisation|copie|copy"
    ),
    re.compile(r"liab|responsab|haftung|virus|malware|intégrité|integrity|altér|modifié|falsif|opinions?\b"),
    re.compile(r"vor dem ausdrucken|avant d'imprimer|before printing|prima di stampare|antes de imprimir|imprimez"),
)
# One of these is enough.
_ALONE = re.compile(
    _NOTICE[-1].pattern
    + r"|has been scanned|been checked for viruses|a été (?:vérifié|analysé)|wurde (?:auf viren|von avast) |è stat[oa] (?:analizzat|verificat)"
    r"|originated (?:from )?outside|from an external (?:sender|source)|external e?-?mail|expéditeur externe|extérieur de (?:l'|votre )organi|externe[rnm]? absender"
)
_FORMAL = re.compile(
    r"if you (?:are|have) (?:not|received)|is intended|s(?:i|'il) vous n'?êtes|si vous (?:avez|recevez)|sollten sie|falls sie|wenn sie nicht|si (?:usted )?no es"
    r"|si ha recibido|se (?:non siete|avete|non è|ha ricevuto)|est (?:strictement |exclusivement )|ist (?:nur|ausschließlich)|enthält|contains?\b|contien|"
    r"may contain|is confidential|are confidential|sont confidentiel|est confidentiel|sono riservate|è riservat|a été (?:vérifié|analysé)|has been scanned"
)
_FIRST_PERSON = re.compile(r"(?<!\w)(?:i|i'm|my|je|j'ai|j'|moi|mon|mes|m'|ich|mich|mir|meine|meinen|yo|io|mio|mia|mi)(?!\w)")
_TITLE = re.compile(
    r"\W{0,8}(?:legal |email |e-mail )?(?:disclaimer|confidentiality(?: notice)?|avertissement|avis de confidentialité|clause de confidentialité|confidentialité"
    r"|haftungsausschluss|vertraulichkeitshinweis|aviso legal|avviso di riservatezza|aviso de confidencialidad|important|notice|caution|hinweis)\W{0,8}\Z"
)


class Cut(NamedTuple):
    """Lines that are the author's, whether a signature was taken away, and whether it may have been more than one."""

    lines: list[str]
    signature: bool
    unsure: bool


def without_signature(lines: Sequence[str], said: bool) -> Cut:
    """These lines without what signs them; `said` tells that the author's words may all stand elsewhere."""
    kept = [line for line in lines if not is_device_line(line)]
    signed = len(kept) < len(lines)
    at = _delimiter(kept, said)
    doubtful = False
    if at >= 0:
        doubtful = any(_RULED.match(kept[at]) and _talks(line) for line in kept[at + 1 :])
        signed, kept = True, kept[:at]
    kept, cut = _without_notices(kept)
    return Cut(kept, signed or cut, doubtful)


def is_device_line(line: str) -> bool:
    """Whether a line only says by which device or program it was sent."""
    if len(line) > 160:
        return False
    text = folded(line).strip(" *_<>[]()-\t")
    if _SCANNED.match(text):
        return True
    bare = text.partition("<http")[0].partition("http")[0].strip()
    if len(bare) > 90 or _DEVICE.match(bare) is None or _NO_DEVICE.search(bare):
        return False
    return _GADGET.search(bare) is not None or (not bare.isascii() and not bare[:2].isascii())


def _delimiter(lines: Sequence[str], said: bool) -> int:
    """Where the signature begins, -1 where there is none: only under words, and never more than a signature's length."""
    spoken = said
    for at, line in enumerate(lines):
        if spoken and len(line) < 220:
            plain = _DELIMITER.match(line.lstrip()) is not None
            after = sum(1 for other in lines[at + 1 :] if other.strip()) if plain or _RULED.match(line) else 0
            if plain and after <= _LONGEST:
                return at
            if 0 < after <= _LONGEST_RULED and _apart(lines, at):
                return at
        spoken = spoken or any(letter.isalnum() for letter in line[:200])
    return -1


def _apart(lines: Sequence[str], at: int) -> bool:
    """Whether a row of dashes stands apart from a heading above it and a table below."""
    above = lines[at - 1].strip()
    return not above or (len(above) < 40 and above.endswith((",", ".", "!")))


def _talks(line: str) -> bool:
    return _SENTENCE.search(line[:400]) is not None


def _without_notices(lines: list[str]) -> tuple[list[str], bool]:
    """The lines without paragraphs of legal boilerplate; the first paragraph that is none always stays."""
    kept: list[str] = []
    cut = False
    for paragraph in _paragraphs(lines):
        words = folded(" ".join(line.strip() for line in paragraph[:40])[:300])
        if (len(words) < 60 and _TITLE.match(words)) or _is_notice(words, folded(paragraph[0])):
            cut = True
        else:
            kept += paragraph
    if cut and not any(line.strip() for line in kept):
        return lines, False
    return kept, cut


def _is_notice(words: str, first: str) -> bool:
    """Whether a paragraph is boilerplate from its first line on, in nobody's name."""
    if len(words) < 60 or _FIRST_PERSON.search(words) or not (_ALONE.search(first) or any(one.search(first) for one in _NOTICE)):
        return False
    if _ALONE.search(words):
        return True
    return sum(1 for one in _NOTICE if one.search(words)) >= 2 and _FORMAL.search(words) is not None


def _paragraphs(lines: Sequence[str]) -> list[list[str]]:
    """The lines in groups, each ending with the blank lines after it."""
    groups: list[list[str]] = []
    for line in lines:
        if not groups or (line.strip() and not groups[-1][-1].strip()):
            groups.append([])
        groups[-1].append(line)
    return groups
