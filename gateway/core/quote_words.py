"""The words by which mail clients announce a quoted message, in many languages. `quotation` says what they mean."""

from __future__ import annotations

# What ends or joins "On DATE, NAME wrote:", case folded.
VERBS = (
    *("wrote", "writes"),
    *("a écrit", "a ecrit", "écrit", "écrivait"),
    *("schrieb", "geschrieben", "schreibt"),
    *("escribió", "escribio", "escribiõ", "ha escrito", "escribe"),
    *("ha scritto", "scrisse", "scrive"),
    *("escreveu", "escreve"),
    *("schreef", "schrijft"),
    *("skrev", "skriver"),
    *("kirjoitti", "kirjutas"),
    *("napisał", "napisała", "napisał(a)", "napisano", "pisze", "wiadomość napisana przez"),
    *("napsal", "napsala", "napsal(a)", "napísal", "napísala", "napísal(a)"),
    *("написал", "написала", "написал(а)", "писал", "пишет"),
    *("написав", "написала", "пише", "написа"),
    *("a scris", "va escriure", "írta", "yazdı", "έγραψε", "je napisao", "je napisala", "je napisal", "rašė", "rakstīja"),
    *("đã viết", "menulis", "كتب", "כתב", "כתבה"),
)
# Written without blanks around them.
JOINED_VERBS = ("写道", "寫道", "写到", "書きました", "のメール", "작성", "썼습니다", "쓴 글")

# What begins it; a date follows.
OPENERS = (
    *(
        "on",
        "le",
        "am",
        "el",
        "il",
        "em",
        "op",
        "den",
        "in data",
        "dnia",
        "w dniu",
        "il giorno",
        "el día",
        "el dia",
        "no dia",
        "a",
        "at",
    ),
    *("dne", "dňa", "на", "kl", "på", "vào", "pada", "στις", "în", "pe", "el dl", "dana", "data", "um"),
)

# By whom such a sentence is no attribution but part of a letter: "Am 3. März schrieb ich Ihnen:".
OURS = (
    *("i", "we", "you"),
    *("je", "j'ai", "nous", "vous", "m'a", "m'avez", "m'avait", "on"),
    *("ich", "wir", "sie", "mir", "uns", "ihnen"),
    *("yo", "usted", "ustedes", "nosotros", "io", "noi", "voi"),
)
# Only before the verb: after it they begin a name or a Wednesday ("schrieb am Mi., 5. Nov.").
OURS_BEFORE = ("me", "mi", "ci", "vi", "le", "les", "os", "nos")

FROM, DATE, TO, SUBJECT, COPY = "from", "date", "to", "subject", "copy"

_LABELS = {
    FROM: (
        *("from", "de", "expéditeur", "von", "absender", "da", "mittente", "remitente", "remetente", "van", "från", "fra", "od"),
        *("nadawca", "от", "от кого", "отправитель", "від", "lähettäjä", "kimden", "από", "feladó", "de la", "šalje", "van de"),
        *("发件人", "寄件者", "寄件人", "差出人", "送信者", "送信元", "보낸 사람", "보낸사람", "من", "מאת"),
    ),
    DATE: (
        *("sent", "date", "date sent", "envoyé", "envoyé le", "envoye", "envoye le", "date d'envoi", "message du", "mail du"),
        *("gesendet", "gesendet am", "datum", "datum/uhrzeit", "inviato", "inviato il", "data", "data e ora"),
        *("enviado", "enviado el", "enviado em", "enviada", "enviada em", "enviada a", "fecha", "fecha de envío"),
        *("verzonden", "verzonden op", "skickat", "skickades", "sendt", "sendte", "dato", "wysłano", "wysłane", "data wysłania"),
        *("отправлено", "дата", "odesláno", "odoslané", "lähetetty", "päivämäärä", "päiväys", "elküldve", "dátum", "gönderildi"),
        *("tarih", "trimis", "надіслано", "poslano", "ημερομηνία", "στάλθηκε"),
        *("发送时间", "日期", "时间", "寄件日期", "傳送日期", "送信日時", "日時", "日付", "날짜", "보낸 날짜", "تاريخ", "נשלח"),
    ),
    TO: (
        *("to", "à", "a", "au", "destinataire", "an", "empfänger", "per", "destinatario", "para", "aan", "till", "til", "do"),
        *("кому", "komu", "pro", "vastaanottaja", "címzett", "kime", "προς", "către", "catre", "za"),
        *("收件人", "收件者", "宛先", "받는 사람", "받는사람", "إلى", "אל"),
    ),
    SUBJECT: (
        *("subject", "objet", "sujet", "betreff", "oggetto", "asunto", "assunto", "onderwerp", "ämne", "emne", "temat", "тема"),
        *("předmět", "predmet", "aihe", "tárgy", "konu", "subiect", "θέμα", "subj", "tópico"),
        *("主题", "主題", "主旨", "件名", "제목", "الموضوع", "נושא"),
    ),
    COPY: (
        *(
            "cc",
            "bcc",
            "cci",
            "ccn",
            "cco",
            "copie",
            "copie à",
            "copie a",
            "kopie",
            "kopie (cc)",
            "kopia",
            "cópia",
            "копия",
            "抄送",
            "참조",
        ),
        *("reply-to", "reply to", "répondre à", "antwort an", "antworten an", "rispondi a", "risposta", "responder a", "svar til"),
        *(
            "importance",
            "importanza",
            "priorité",
            "priority",
            "wichtigkeit",
            "organisation",
            "organization",
            "attachments",
            "pièces jointes",
        ),
    ),
}
LABELS = {label: kind for kind, labels in _LABELS.items() for label in labels}

# Between two rows of dashes, or in front of a name there.
MARKERS = (
    *("original message", "original mail", "original email", "original e-mail", "original appointment", "previous message"),
    *("forwarded message", "forwarded by", "forwarded mail", "reply message", "replied message", "forward message"),
    *("message d'origine", "message original", "message initial", "message transféré", "message transmis", "message réexpédié"),
    *("mail original", "mail d'origine", "mail transféré", "courriel original", "courriel d'origine", "e-mail d'origine"),
    *("courrier original", "e-mail original", "message précédent"),
    *(
        "ursprüngliche nachricht",
        "ursprüngliche mail",
        "ursprüngliche e-mail",
        "original-nachricht",
        "originalnachricht",
        "originalmail",
    ),
    *("original nachricht", "originale nachricht", "weitergeleitete nachricht", "vorherige nachricht"),
    *("mensaje original", "mensaje reenviado", "mensaje enviado", "correo original", "mensaje anterior"),
    *("messaggio originale", "messaggio inoltrato", "messaggio originario", "messaggio precedente", "mail originale"),
    *("mensagem original", "mensagem encaminhada", "mensagem reencaminhada"),
    *("oorspronkelijk bericht", "oorspronkelijke bericht", "origineel bericht", "doorgestuurd bericht"),
    *("ursprungligt meddelande", "originalmeddelande", "vidarebefordrat meddelande", "vidarebefordrat mail"),
    *("oprindelig meddelelse", "original meddelelse", "videresendt meddelelse", "opprinnelig melding", "videresendt melding"),
    *("alkuperäinen viesti", "välitetty viesti", "wiadomość oryginalna", "oryginalna wiadomość", "wiadomość przekazana"),
    *(
        "przekazana wiadomość",
        "treść przekazanej wiadomości",
        "исходное сообщение",
        "пересылаемое сообщение",
        "пересланное сообщение",
    ),
    *("вихідне повідомлення", "оригінальне повідомлення", "původní zpráva", "přeposlaná zpráva", "pôvodná správa"),
    *(
        "eredeti üzenet",
        "továbbított üzenet",
        "orijinal mesaj",
        "özgün ileti",
        "iletilmiş mesaj",
        "mesaj original",
        "mesaj redirecționat",
    ),
    *("原始邮件", "原始郵件", "原邮件", "转发邮件", "转发的邮件", "回复的原邮件", "轉寄的郵件", "元のメッセージ", "転送メッセージ"),
    *("원본 메시지", "원본 메일", "전달된 메시지"),
)

# On a line of their own, with a colon and no dashes (Apple).
ANNOUNCED = (
    *("begin forwarded message", "début du message réexpédié", "début du message transféré", "début du message partagé"),
    *("anfang der weitergeleiteten nachricht", "anfang der weitergeleiteten e-mail", "inizio messaggio inoltrato"),
    *("inicio del mensaje reenviado", "comienzo del mensaje reenviado", "início da mensagem reencaminhada"),
    *("início da mensagem encaminhada", "begin doorgestuurd bericht", "vidarebefordrat brev", "videresendt brev"),
    *("videresendt besked", "początek przekazywanej wiadomości", "начало переадресованного сообщения", "下面是被转发的邮件"),
)
ABOVE_THIS = (
    *("reply above this line", "type your reply above this line", "write above this line", "répondre au-dessus de cette ligne"),
    *("répondez au-dessus de cette ligne", "antworten sie oberhalb dieser zeile", "bitte antworten sie über dieser linie"),
    *("bitte oberhalb dieser linie antworten", "responda por encima de esta línea", "rispondi sopra questa riga"),
)

# By which an author says that his answers stand within what he quotes.
ELSEWHERE = (
    *("below", "inline", "in-line", "in red", "in blue", "ci-dessous", "plus bas", "dans le texte", "en rouge", "en bleu"),
    *("unten", "im text", "in rot", "in blau", "más abajo", "abajo", "en rojo", "in rosso", "qui sotto", "di seguito", "in calce"),
)
