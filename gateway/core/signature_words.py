"""The words under a reply that nobody typed: of telephones, programs, scanners and lawyers. Patterns only, over folded text."""

from __future__ import annotations

# How a line begins that says by what it was sent; a gadget of the second table follows.
SENT_BY = (
    r"(?:sent|written|posted|typed) (?:from|via|using|with|by|on) ",
    r"get (?:outlook|bluemail|the)\b.{0,40}\b(?:for|app)\b",
    r"(?:envoyée?|expédiée?|transmis|écrit) (?:de|depuis|du|à partir d|via|avec|par|grâce) ?",
    r"(?:télécharg\w{1,4}|obten\w{1,4}) (?:outlook|bluemail)|provenance : courrier",
    r"(?:von|aus|mit) (?:meine[mr]|der|dem|outlook|yahoo|web\.de|gmx)\b.{0,60}\b(?:gesendet|geschickt|verschickt)",
    r"gesendet (?:von|mit|über|aus|via|vom) |diese (?:nachricht|mail|e-mail) wurde (?:von|mit|über)\b",
    r"holen sie sich outlook|outlook für (?:ios|android)",
    r"(?:enviado|mandado) (?:desde|con|mediante|a partir|do|da|de|através|pelo|via) |obter? o? ?outlook|obtener outlook",
    r"inviat[oa] (?:da|dal|dall'|dalla|con|tramite|via) ?|(?:scarica|ottieni) outlook",
    r"(?:verstuurd|verzonden|gestuurd) (?:vanaf|met|via|van|vanuit) |outlook voor (?:ios|android)",
    r"(?:skickat|skickades|skickad) (?:från|med|via) |(?:sendt|send) (?:fra|med|via) |(?:hämta|hent|hanki) outlook|lähetetty ",
    r"(?:wysłan[eoay]|wiadomość wysłana) (?:z|ze|za|przez|przy) |pobierz .{0,20}outlook",
    r"отправлено (?:с|из|через) |надіслано (?:з|із) |odesláno |odoslané |trimis de pe|küldve",
    r"发自|發自|來自我的|从我的|iphoneから送信|나의 iphone에서 보냄|iphone'?umdan gönderildi",
)
GADGETS = (
    r"iphon|ipad|ipod|\bmac\b|apple|android|galaxy|samsung|huawei|xiaomi|redmi|honor|oppo|oneplus|pixel|nokia|sony|xperia",
    r"motorola|\bmoto\b|wiko|blackberry|windows|outlook|mail\b|gmail|yahoo|proton|orange|\bsfr\b|\bfree\b|bouygues|la ?poste",
    r"t-online|telekom|gmx|web\.de|libero|typeapp|bluemail|spark|airmail|thunderbird|nine|zoho|hotmail|wireless|messagerie|webmail",
    r"mobile|móvil|movil|cellulare|smartphone|handy|téléphone|telefon|tel[ée]fono|phone|tablet|appareil|gerät|dispositiv|device",
    r"app\b|application|ordinateur|matkapuhelin|почт|手机",
)
EXCUSES = (r"typo|brevity|briefness|fautes? de frappe|concision|brièveté|kürze|tippfehler|brevedad|brevità|errori di bat",)
SCANNED = (
    r"(?:garanti sans virus|virenfrei|virus-free|libre de virus|privo di virus|sans virus|scanned by|antivirus)\W.{0,60}\Z",
    r".{0,80}\bwww\.avast\.com",
)

# Of a confidentiality notice: it speaks of several of these ...
SUBJECTS = (
    r"confiden[tc]|vertraulich|riservat|reservad|privileged|privilégi|vertrouwelijk|geheimhaltung|poufn",
    r"recipient|addressee|destinat|empfänger|adressat|intended|geadresseerde|bestemd|adresat|bestimmt|destinée?",
    r"in error|par erreur|irrtümlich|versehentlich|por error|per errore|par inadvertance|par mégarde|irrtum|ten onrechte",
    r"pièces? jointe|attachment|anhänge|anlage|allegat|adjunt|annexe|anexo|bijlage|disclos|divulg|weitergabe|copie|copy",
    r"liab|responsab|haftung|virus|malware|intégrité|integrity|altér|modifié|falsif|opinions?\b",
)
# ... in such a tone.
TONE = (
    r"if you (?:are|have) (?:not|received)|is intended|s(?:i|'il) vous n'?êtes|si vous (?:avez|recevez)|sollten sie|falls sie",
    r"wenn sie nicht|si (?:usted )?no es|si ha recibido|se (?:non siete|avete|non è|ha ricevuto)|est (?:strictement|exclusivement)",
    r"ist (?:nur|ausschließlich)|enthält|contains?\b|contien|may contain|(?:is|are) confidential|(?:sont|est) confidentiel",
    r"sono riservate|è riservat|indien u|om du inte|jeśli nie",
)
# One of these alone makes a notice.
ALONE = (
    r"vor dem ausdrucken|avant d'imprimer|before printing|prima di stampare|antes de imprimir",
    r"has been scanned|been checked for viruses|a été (?:vérifié|analysé) par|wurde (?:auf viren|von avast) ",
    r"è stat[oa] (?:analizzat|verificat)",
    r"originated (?:from )?outside|from an external (?:sender|source)|external e?-?mail|expéditeur externe",
    r"l'extérieur de (?:l'|votre )organi|externe[rnm]? absender",
)
# Somebody speaks for himself: no notice, whatever else it says.
FIRST_PERSON = (
    "i",
    "i'm",
    "my",
    "je",
    "j'ai",
    "moi",
    "mon",
    "mes",
    "ich",
    "mich",
    "mir",
    "meine",
    "meinen",
    "yo",
    "io",
    "mio",
    "mia",
    "mi",
)
TITLES = (
    "disclaimer",
    *("legal disclaimer", "email disclaimer", "confidentiality", "confidentiality notice", "legal notice", "important notice"),
    *("avertissement", "avis de confidentialité", "clause de confidentialité", "confidentialité", "mentions légales"),
    *("haftungsausschluss", "vertraulichkeitshinweis", "rechtlicher hinweis", "aviso legal", "aviso de confidencialidad"),
    *("avviso di riservatezza", "avvertenze legali", "caution"),
)
