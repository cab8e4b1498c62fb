"""The rules that say what a reply asks, in so many words: named, closed, readable by a person who doubts a verdict.

The rules of each language stand in `gateway.core.words`: a line with name and weight, then its alternatives, one a line (one that
begins with `|` goes on where the line before ended). They are read on folded text (lower case, no accents); `~` is a gap within
one sentence. Every language is looked for, whatever the mail declares. What a hit is worth, `intent` decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from gateway.core.intent_text import flowing, sentences, squeezed
from gateway.core.signal import Right
from gateway.core.words import de, en, es, fr, it


class Weight(StrEnum):
    """What a rule's hit is worth."""

    COMMAND = "COMMAND"
    """A whole sentence that says stop in one breath."""
    REFUSAL = "REFUSAL"
    """A request to stop, in so many words (R-FR-57)."""
    MENTION = "MENTION"
    """A word of leaving or of annoyance, which asks for nothing by itself."""
    SOFT = "SOFT"
    """A no to the offer that may be one to the mail (R-FR-58)."""
    KEEP = "KEEP"
    """A refusal denied; its words are not read again as a refusal."""
    ASIDE = "ASIDE"
    """Leaving something else, or somebody else's list; its words are not read again as a refusal."""
    LEFT = "LEFT"
    """Whom we wrote to is not there any more."""
    AUTO = "AUTO"
    """A machine says that it is one (R-FR-62)."""
    AWAY = "AWAY"
    """Words of absence or of a counter, as machines use them, and people too."""
    RIGHT = "RIGHT"
    """A right invoked by its name or its effect (R-FR-59)."""
    TRADE = "TRADE"
    """Prices, orders, dates: what a customer speaks of."""
    GLAD = "GLAD"
    """Praise, agreement, thanks for something."""
    LAW = "LAW"
    """A law or an authority is named."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name as `why` shows it, its weight, its pattern, the right it invokes."""

    name: str
    weight: Weight
    pattern: re.Pattern[str]
    right: Right | None = None


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _parsed(text: str) -> list[Rule]:
    """The rules of one language."""
    rules = []
    for block in re.split(r"\n(?=\S)", text.strip()):
        head, *lines = block.split("\n")
        name, _, weight = head.partition(" ")
        kind, _, right = weight.partition(":")
        pattern = "|".join(line.removeprefix("  ") for line in lines).replace("||", "|").replace("~", r"[^.!?\n]{0,40}?")
        rules.append(Rule(name, Weight(kind), re.compile(pattern), Right(right) if right else None))
    return rules


RULES = tuple(rule for language in (fr, en, de, es, it) for rule in _parsed(language.RULES))
_MASKING = tuple(rule for rule in RULES if rule.weight in (Weight.KEEP, Weight.ASIDE))
_MASKED = tuple(rule for rule in RULES if rule.weight in (Weight.REFUSAL, Weight.MENTION))
_OPEN = tuple(rule for rule in RULES if rule not in _MASKING and rule not in _MASKED)
_DECLARING = tuple(rule for rule in _OPEN if rule.weight is Weight.AUTO)

COMMANDS = _words(
    """
    stop stopp stoppp stopmail stopmails stoppub stopsms stopspam stopit stopemail stopemails stopnewsletter arret arretez
    cessez spam spams desinscription desinscriptions desinscrire desinscrivez desinscrit desinscris desinscriremoi
    desinscrivezmoi medesinscrire sedesinscrire desincription desinscripton desincrire desinscrption jemedesinscris
    jemedesabonne desabonnement desabonner desabonnez desabo desabonnezmoi desabonement desaboner sedesabonner medesabonner
    radiation radiez radiezmoi retirer retirezmoi supprimer supprimezmoi supprimez enlevezmoi effacezmoi oubliezmoi opposition
    neplusrecevoir neplusenvoyer neplusmecontacter plusdemail plusdemails plusdepub plusjamais unsubscribe unsub unsubscribeme
    unsubscribed unsuscribe unsubcribe unsubscrib unsubsribe unsubscibe unsubscription unsubscribethanks remove removeme
    removal optout optmeout optingout takemeoff cancelsubscription deleteme nomore nomoreemails nomoremail enough basta
    leavemealone goaway abmelden abmeldung abbestellen abbestellung austragen austragung streichen loschen aufhoren
    keinewerbung keinemails keineemails keinewerbungmehr keinemailsmehr keineemailsmehr baja darbaja dardebaja darsedebaja
    darmedebaja demedebaja denmedebaja damedebaja bajaya bajainmediata cancelarsuscripcion desuscribir desuscribirme
    desuscribirse desuscripcion borrarme borradme eliminarme nomascorreos nomas cancellami cancellatemi cancellazione
    cancellarmi disiscrizione disiscrivimi disiscrivermi disiscrivetemi disiscriviti rimuovimi rimuovetemi rimozione
    toglietemi toglimi bastamail bastaspam smettetela
    """
)
"""Whole sentences that say stop in one breath, letters only."""

_POLITE = _words(
    """
    bonjour bonsoir salut slt bjr madame monsieur mesdames messieurs merci beaucoup svp stp cordialement cdt cdlt bien vous
    par avance d s il te plait hello hi hey dear sir madam team all please pls plz thanks thank you thx regards kind kindly
    best cheers now immediately hallo guten tag sehr geehrte damen und herren bitte danke vielen dank gruss grusse mfg sofort
    hola buenos dias buenas tardes noches por favor gracias saludos un saludo ya buongiorno buonasera salve ciao grazie mille
    cortesemente saluti distinti cordiali subito per favore
    """
)
_RECEIVED = _words(
    """
    ok okay oki recu recue note noted notee bien bonne journee soiree d accord c est compris entendu parfait super top cool
    received got it will do fine good great perfect alles klar erhalten gut notiert verstanden recibido vale entendido
    perfecto ricevuto va bene capito perfetto fyi lol bises a bientot see below tout molte muchas very much so gerne keine
    ursache de nada prego di niente figurati
    """
)
_WORD = re.compile(r"[a-z]+")
_COMMANDED_WITHIN = 5
"""A command is one of the first sentences; further down it is somebody's footer."""

_LONGEST_COMMAND = 60


@dataclass(frozen=True, slots=True)
class Heard:
    """The rules a text hit, by weight."""

    rules: tuple[Rule, ...]
    command: bool = False
    acknowledged: bool = False

    def of(self, *weights: Weight) -> tuple[Rule, ...]:
        """Those of these weights, in the order of the house."""
        return tuple(rule for rule in self.rules if rule.weight in weights)

    def says(self, weight: Weight) -> bool:
        """Whether any has this weight."""
        return self.command if weight is Weight.COMMAND else any(rule.weight is weight for rule in self.rules)

    @property
    def rights(self) -> tuple[Right, ...]:
        """The rights invoked, each once, in the order of the law."""
        named = {rule.right for rule in self.rules}
        return tuple(right for right in Right if right in named)


def heard(folded: str) -> Heard:
    """What the rules hear in folded text: first what denies or sets aside, then refusals in what is left."""
    text = flowing(folded)
    found = [rule for rule in _MASKING if rule.pattern.search(text)]
    rest = text
    for rule in found:
        rest = rule.pattern.sub(" - ", rest)
    found += [rule for rule in _MASKED if rule.pattern.search(rest)]
    found += [rule for rule in _OPEN if rule.pattern.search(text)]
    return Heard(tuple(found), commands(folded), _acknowledges(text))


def declares(folded: str) -> bool:
    """Whether folded text says that it is a machine's; as `heard` would hear it, for the price of these rules alone."""
    text = flowing(folded)
    return any(rule.pattern.search(text) for rule in _DECLARING)


def _acknowledges(text: str) -> bool:
    """Whether it says that it was read, and nothing more."""
    return len(text) <= _LONGEST_COMMAND and all(word in _POLITE or word in _RECEIVED for word in _WORD.findall(text))


def commands(folded: str) -> bool:
    """Whether one of its first sentences is a command and nothing else, politeness aside."""
    return any(_commands(piece) for piece in sentences(folded)[:_COMMANDED_WITHIN])


def _commands(piece: str) -> bool:
    if len(piece) > _LONGEST_COMMAND or "?" in piece:
        return False
    blunt = "".join(word for word in _WORD.findall(piece) if word not in _POLITE)
    return blunt in COMMANDS or squeezed(piece) in COMMANDS
