"""The words by which mail servers say why they refuse, in the languages seen on the wire. Data and their compilation only.

Each list is one alternation of literal pieces: linear whatever the text. Addresses and links are taken out before they are used,
since `user-unknown@` or `/mailbox-full` say nothing.
"""

from __future__ import annotations

from gateway.core.phrases import any_of

FULL = any_of(
    r"""
    (?:over|exceed(?:s|ed|ing)?) (?:(?:the|its|their|his|her|allowed|allotted|storage|disk|mail|mailbox) ){0,3}quota
    quota (?:is |has been |was )?(?:full|exceed|violat|over)|over ?quota|out of quota|quota.{0,20}exceeded|disk quota
    storage quota|mail ?box quota
    (?:mail ?box|mail ?folder|inbox|mailspool|mail ?store|account|mail ?drop|spool) (?:\S+ )?(?:is |are |was |
    +has been )?(?:currently )?(?:too )?full\b|full mail ?box|mail ?box(?: size)? (?:limit|exceed)
    exceed\w* (?:the |its )?(?:max\w* )?(?:mail ?box|storage|local) (?:size |allocation |space )?(?:limit)?
    too (?:many messages|much mail)|number of messages in recipient's mailbox
    (?:not enough|insufficient|no) (?:\w+ )?(?:storage|disk space|space)|storage (?:space )?(?:limit|full|exceed)
    recipient storage full|over (?:the )?(?:maximum )?(?:allowed )?(?:storage|limit)
    message (?:count|quantity) (?:limit|exceed)|zuviele mails|postfach (?:\S+ )?(?:ist )?(?:\S+ )?voll|speicherplatz
    quota.{0,12}berschritten|bo[iî]te (?:aux lettres|de r[eé]ception|mail)?\s?(?:\S+ )?(?:est )?(?:\S+ )?pleine
    quota (?:de \S+ )?(?:est )?(?:d[eé]pass|atteint)|espace (?:de stockage )?insuffisant
    buz[oó]n (?:de \S+ )?(?:est[aá] )?(?:\S+ )?lleno|cuota (?:\S+ )?excedid|casella (?:\S+ )?(?:[eè] )?piena
    casella (?:\S+ ){0,3}piena|caixa (?:\S+ )?cheia|postvak (?:\S+ )?vol|メールボックスの容量|容量が|いっぱい|容量制限
    переполнен|skrzynka (?:\S+ )?(?:jest )?(?:prze)?pe[łl]n|postl[aå]da(?:n)? (?:[aä]r )?full
    """,
)
"""The mailbox has no room: 5.2.2 in words."""

SIZE = any_of(
    r"""
    (?:message|mail|attachment|e-?mail|size|file)s? (?:\S+ ){0,3}(?:too|is) (?:big|large|long)
    message size (?:\S+ ){0,2}exceed|exceed\w* (?:\S+ ){0,4}(?:message|size) (?:size )?(?:limit)?
    max(?:imum)? (?:inbound )?message size|size ?limit|sendsizelimit|too large|message length exceed
    taille (?:\S+ ){0,3}(?:maximale|trop)|zu gro(?:ß|ss)
    """,
)
"""The message, not the address, is refused."""

POLICY = any_of(
    r"""
    \bspam|\bube\b|\buce\b|unsolicited|junk ?mail|\bbulk\b|mass mail|black ?list|block ?list|block(?:ed|ing)\b|bloqu
    \brbl\b|dnsbl|\buribl|surbl|\bspf\b|\bdkim\b|dmarc|reputation|sender ?policy|polic(?:y|ies)|virus|malware|phish
    content (?:rejected|filter|restriction|den)|suspicious|prohibited|not allowed|not permitted|disallowed|unauthori[sz]ed
    not authori[sz]ed|unauthenticated|authenticat|relay(?:ing)? (?:denied|not|access|prohibited|den)
    (?:no|deny|denied|insecure mail|open|third.party|to) relay|relay access|banned|denied|forbidden|\bptr\b|reverse dns
    \brdns\b|name lookup failed|client host|helo\b|ehlo\b|rate limit|frequency limit
    too many (?:connections|recipients|errors|hops|sessions)|grey ?list|gray ?list|confirmation|challenge
    not accepting mail from|does(?: not|n't) accept (?:e-?mail|messages?|mail) from|restrict|permission|moderat|violat
    header error|rfc ?\d|compliant|administrative prohibition|google groups
    message (?:was )?(?:rejected|refused|not accepted|blocked|content)|mail (?:was )?refused|loop|duplicate|refus[eé]
    nicht erlaubt|abgelehnt|rechazad|rifiutat
    list(?:ed)? (?:at|in|on|by) \S*(?:spamhaus|barracuda|spamcop|sorbs|proofpoint|cloudmark)
    your (?:ip|server|host|network|domain)|sending (?:ip|domain|server|host|mta)
    \bip\b.{0,24}(?:denied|listed|reject|refus|limit)
    """,
)
"""The sender, the content or a rule is refused: 5.7 in words; never a dead address."""

SENDER = any_of(
    r"""
    sender (?:address )?(?:\S+ )?(?:rejected|denied|refused|blocked|verif|unknown|domain|address|invalid|is not|not)
    (?:invalid|bad|unknown|fake) sender|domain of sender|return.?path|envelope.?from|mail from|sender was rejected
    my name was rejected|your (?:e-?mail )?address|purported responsible|no such domain at this location|from: header
    resent-from
    """,
)
"""The sender's address is what is unknown, not the recipient's."""

LATER = any_of(
    r"""
    tempor(?:ar|ai)|try (?:again|later)|retry|again later|deferred|timed? ?out|time-?out|time limit|expired|too long
    queue too long|could not connect|cannot connect|couldn't connect|unable to connect|connection|not respond|no route
    unreachable|not reachable|network|resources|disk space|frozen|suspend|locked|disabled|deactivat|discontinued|on hold
    busy|overload|maintenance|service (?:currently (?:not available|unavailable)|refus)|inactive|not active
    system (?:error|config|fail)|internal (?:system |server )?error|configuration error|lookup fail|have been failing
    not been collected|provisoire|plus tard|vor[uü]bergehend|sp[aä]ter
    """,
)
"""A fault that may pass, or one of the network: never proof that an address is dead."""

_WHO = (
    r"(?:user|recipient|account|mail ?box|mail-box|address(?:ee)?|alias|local ?part|userid|user ?name|mailbox name|e-?mail address"
    r"|customer|member|person|login|subscriber)"
)
NOBODY = any_of(
    r"""
    (?:unknown|no such|invalid|illegal|nonexist[ae]nt|non-exist[ae]nt|unrecogni[sz]ed|undefined|incorrect|
    +unknown or illegal) (?:local |virtual |final |delivery |recipient |e-?mail |destination )*<who>
    <who>(?:\(s\)|s)?(?: name)? ?(?:<>|\[<>\]|\(<>\)|\"<>\"|'<>'|: ?<>|\S+)? ?(?:(?:is |was |are |has been |
    +were )(?:not |un)|not )(?:found|known|recogni[sz]ed|listed|exist|defined|registered|a valid)
    <who>(?: name)? ?(?:\S+ ){0,2}(?:does not|doesn't|do not|don't|did not|didn't) exist
    <who> (?:\S+ ){0,2}(?:not exist|no longer exist|nonexist)|does not exist|doesn't exist
    no longer (?:exist|valid|on server|available|active|in use)|<who> (?:is |are )?(?:invalid|wrong|not valid|no longer)
    <who> (?:is|are) unknown|not a (?:known|valid|current|local|registered) (?:user|mailbox|recipient|address|account)
    is not (?:a )?(?:known|valid|an active)
    no (?:<who>|user|one|mailbox found|mailbox|account|valid recipient)s? (?:by that name|here|found|with that|
    +by the name|of that|exist)|no (?:mailbox|account|such (?:user|recipient|person|address|mailbox|account|member))
    there is no (?:user|account|one|such|mailbox)\x20
    (?:couldn't|could not|can't|cannot) (?:be found|find (?:the )?(?:user|recipient|address|mailbox))|not our customer
    not listed in (?:\S+ ){0,3}(?:directory|address book)|nosuchuser|recipient unknown|mailbox unknown|address unknown
    unknown address|unknown recipient|recip(?:ient)?not ?found|recipient name is not recogni[sz]ed|bad destination mailbox
    (?:utilisateur|destinataire|adresse|bo[iî]te|compte)(?: \S+){0,4}? (?:inconnu|n'existe|inexistant|non recens|
    +introuvable|invalide|erron)|n'existe (?:pas|plus)|l'adresse .{0,60}n'existe
    (?:empf(?:ä|ae?)nger|benutzer|adresse|postfach|mailbox|konto)\S* (?:\S+ ){0,3}(?:unbekannt|existiert nicht|
    +nicht gefunden|nicht bekannt|ung[uü]ltig|nicht vorhanden)|unbekannte[rn]? (?:empf|benutzer|adress)
    (?:usuario|destinatario|direcci[oó]n|buz[oó]n|cuenta)(?: \S+){0,4}? (?:desconocid|no existe|inexistente|no encontrad|
    +inv[aá]lid|no v[aá]lid)|no existe (?:el |la |ning[uú]n )?(?:usuario|cuenta|buz|direcc)
    (?:utente|destinatario|indirizzo|casella|account)(?: \S+){0,4}? (?:sconosciut|inesistente|non esiste|non trovat|
    +non valid)
    (?:utilizador|usu[aá]rio|destinat[aá]rio|caixa|endere[cç]o)(?: \S+){0,4}? (?:desconhecid|n[aã]o existe|inexistente)
    nie istnieje|nieznany|nie znaleziono|не существует|не найден|неизвестн|недействител
    onbekende? (?:gebruiker|ontvanger|adres)|bestaat niet|ok[aä]nd (?:mottagare|anv)|finns inte|findes ikke|finnes ikke
    ei ole olemassa|見つかりませ|見つからな|存在しませ|存在しな|宛先が|あて先.{0,10}不明|不存在|查无此|沒有此|没有此
    找不到|존재하지 않|bulunamad|mevcut değil|neexistuje|nem l[eé]tezik|nu exist[aă]|δεν υπάρχει|לא קיים|غير موجود
    mailbox not found|mail-box not found|user not exist|account not found|invalid address|address not present|badrcptto
    no valid recipients? (?:for|were found)|no longer accepts? (?:mail|messages|e-?mail)|unknown local[- ]part|unknown mailbox
    nicht im \S*verzeichnis|pas (?:\S+ )?dans l'annuaire|no aparece en el directorio|non elencat|not a mailbox|no account by
    """,
    who=_WHO,
)
"""Nobody has this address there: 5.1.1 in words."""

QUOTED = any_of(
    r"""
    user(?:\(s\))? unknown|user \(?<>\)? ?unknown
    """,
)
"""Words of an SMTP answer that count only beside its code: without it they are a headline."""

CLOSED = any_of(
    r"""
    user (?:\S+ )?doesn't have an? \S+ account|account (?:\S+ )?(?:has been |is )?(?:\S+ or )?discontinued
    """,
)
"""Words of an SMTP answer that name a closed account, whatever command they answer; beside a code only."""

NOWHERE = any_of(
    r"""
    (?:host|domain|hostname|host or domain)(?: name)? (?:\S+ )?(?:is )?(?:unknown|not found|does not exist|doesn't exist|
    +not exist)|unknown (?:host|domain)|no such (?:host|domain)|host unknown|invalid domain|no mx (?:record|or|host)
    no (?:mail )?(?:exchanger|mx)|couldn't find (?:a mail exchanger|any host)|could not find (?:a mail exchanger|any host)
    nxdomain|name or service not known|unrouteable (?:mail )?domain|unrouteable address
    all relevant mx records point to non-existent
    (?:host|domain|host/domain|system)\S* (?:does not|doesn't|not) accept (?:e-?mail|mail|network)(?! from)|null ?mx
    illegal host/domain|domaine? (?:inconnu|n'existe|inexistant)|dom[aä]ne? (?:unbekannt|existiert)
    """,
)
"""The domain does not exist, or takes no mail at all: 5.1.2 and 5.1.10 in words."""

MOVED = any_of(
    r"""
    has moved|mail ?box (?:has )?moved|no forwarding address|no longer on server
    (?:employee|person|user) (?:\S+ )?(?:has left|is no longer|no longer)|n'est plus|ne travaille plus
    nicht mehr (?:g[uü]ltig|erreichbar|bei)
    """,
)
"""The mailbox is gone for good: 5.1.6 in words."""

VAGUE = any_of(
    r"""
    requested (?:mail )?action (?:has been )?(?:not taken|aborted)
    """,
)
"""RFC 5321's own words for 550, which name no cause."""
