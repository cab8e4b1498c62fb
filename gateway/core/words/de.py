"""German: what refuses, what keeps, what invokes a right. Read `gateway.core.intent_words` for how to read this."""

RULES = r"""
de-unsubscribe-me REFUSAL
  \b(?:trag\w*|nehm\w*|streich\w*|losch\w*|entfern\w*|nimm|meld\w*|lass\w*|schmeiss\w*|werf\w*|sperr\w*)\b (?:sie[ ]
  |bitte |doch |endlich |sofort )*(?:mich|uns|meine?n?|unsere?n?|diese?|ihn|die)\b~\b(?:aus|von|ab|raus|heraus|liste
  |verteiler|adresse|datenbank|kartei|austragen|mailadresse|email\w*|e-mail\w*|newsletter|streichen|entfernen)\b
de-unsubscribe-short REFUSAL
  \b(?:losch\w*|entfern\w*|streich\w*) (?:sie )?(?:mich|uns)\b
  \b(?:mich|uns|newsletter|meine \S+) (?:bitte |sofort |endlich |umgehend |wieder[ ]
  |hiermit )*(?:aus\w* \w+ )*(?:abmelden|abbestellen|austragen|loschen|streichen|entfernen|rausnehmen|herausnehmen)\b
de-unsubscribe-wish REFUSAL
  \b(?:bitte|mochte\w*|will|wollen|wunsche\w*|konn\w+|wurde|hiermit|dringend|sofort|bestelle
  |kundige)\b~\b(?:abmeld\w+|abbestell\w+|austrag\w+|abzumelden|abzubestellen|auszutragen)\b
  \bbestelle\b~\bab\b
  \bmelde (?:mich|uns)\b~\bab\b
de-no-more REFUSAL
  \b(?:kein\w*|nie|nicht)\b~\b(?:mehr|weiteren?|wieder|langer|weiterhin)\b~\b(?:e-?mails?|mails?|werbung|newsletter
  |nachrichten|post|angebote|zusenden|schicken|senden|schreib\w+|kontaktier\w+|anschreib\w+|erhalten|bekommen
  |belastig\w+|horen|zuschicken|zukommen|haben|empfangen|kontakt\w*|werbemails?|werbe\w*|zusendung\w*)\b
  \bkeine\w? (?:weitere\w? |mehr )?(?:werbung|werbe\w*|e-?mails?|mails?|newsletter|spam|zusendungen
  |nachrichten)\b~\b(?:mehr|erhalten|bekommen|bitte|schicken|senden|zu(?:senden|schicken)|wunsch\w*|haben)\b
  \bkeine werbung\b
de-stop-it REFUSAL
  \b(?:hor\w*|schluss|stoppen|stop|stopp|unterlass\w*|einstell\w*|lass\w*|beende\w*|verschon\w*|aufhoren)\b~\b(?:auf
  |damit|e-?mails?|werbung|spam\w*|mails?|newsletter|zusendung\w*|mich|uns|belastigung\w*|mull|schreiben|schicken
  |einstellen|unterlassen)\b
de-leave-me REFUSAL
  \blass\w* (?:sie )?(?:mich|uns)\b~\b(?:ruhe|frieden|zufrieden)\b
  \bruhe lassen\b
  \bin ruhe\b
  \bverschon\w*\b
  \bverpiss\w*
  \bgeh\w* mir\b~\bnerven?\b
de-write-no-more REFUSAL
  \b(?:schreib\w*|kontaktier\w*|schick\w*|send\w*|ruf\w*|belastig\w*|nerv\w*)\b (?:sie )?(?:mir|mich|uns|ihm
  |ihr)\b~\b(?:nicht mehr|nie mehr|nie wieder|nichts mehr|keine\w?|nicht weiter)\b
de-remove-named REFUSAL
  \b(?:losch\w*|entfern\w*|streich\w*|trag\w*|nehm\w*|sperr\w*)\b[^!?\n]{0,60}@[\w-]
de-withdraw REFUSAL
  \bwiderruf\w*\b~\b(?:einwilligung|zustimmung|einverstandnis)\b
  \b(?:einwilligung|zustimmung|einverstandnis)\b~\bwiderruf\w*
de-objects REFUSAL
  \bwiderspreche\b
  \b(?:widerspruch)\b~\b(?:gegen|werbung|zusendung|verarbeitung|nutzung|einlegen|lege)\b
  \blege\b~\bwiderspruch\b
de-unsubscribe MENTION
  \b(?:abmeld\w*|abbestell\w*|austrag\w*|auszutragen|spam\w*|stopp?|verteiler|belastig\w*|werbung)\b
de-annoyed MENTION
  \b(?:nie (?:angemeldet|bestellt|zugestimmt|angefordert|eingewilligt|abonniert)|ohne (?:meine )?(?:einwilligung
  |zustimmung)|unaufgefordert\w*|unerwunscht\w*|nerv\w*|genug|reicht)\b
de-soft SOFT
  \bnein[, ]+danke\b
  \b(?:kein(?:e|en)?|nicht) (?:interesse|bedarf|interessiert|interessant|relevant|benotig\w*)\b
  \b(?:derzeit|momentan|aktuell|zur ?zeit|im moment) (?:nicht|kein\w*)\b
  \bbrauchen wir nicht\b
  \bkein thema fur\b
de-keep KEEP
  \b(?:bitte )?(?:nicht|keinesfalls|auf keinen fall) (?:mich |uns )?(?:abmelden|abbestellen|austragen|loschen
  |streichen|entfernen|abzumelden|ab(?:gemeldet|bestellt)|aus der liste)
  \b(?:trag\w*|losch\w*|streich\w*|nehm\w*|meld\w*|entfern\w*)\b (?:sie )?(?:mich|uns)\b[^.!?\n]{0,20}\b(?:nicht
  |keinesfalls|auf keinen fall)\b(?! mehr)[^.!?\n]{0,30}
  \b(?:lass\w*|behalt\w*) (?:sie )?(?:mich|uns)\b[^.!?\n]{0,20}\bauf (?:der|ihrer|eurer) liste\b
  \bversehentlich\b[^.!?\n]{0,40}
  \baus versehen\b[^.!?\n]{0,40}
  \b(?:wieder|erneut) (?:anmelden|aufnehmen|eintragen|in (?:den|die))\b
de-missing KEEP
  \b(?:erhalte|bekomme|erhalten|bekommen) (?:ich |wir )?(?:seit \w+ )?(?:keine?n?
  |nicht)\b[^.!?\n]{0,40}\bmehr\b(?=[^.!?\n]{0,30}(?:\?|woran|warum|wieso|schade))
de-aside ASIDE
  \b(?:unsere|meine|die|ihre|deren|sich) (?:eigenen )?(?:kunden|abonnenten|empfanger|kontakte|nutzer|mitglieder
  |gaste|teilnehmer)\b~\b(?:abmeld\w*|abbestell\w*|austrag\w*|auszutragen)
  \b(?:abmelde|abbestell)(?:link|quote|rate|funktion|seite|prozess)\w*\b
de-leave-out ASIDE
  \blass\w* (?:sie |bitte |die |den |das )*\w+ weg\b
  \bhaufig\w* fragen\b
de-you-may ASIDE
  \b(?:konnen|kannst) (?:sie |du )?(?:sich )?[^.!?\n]{0,40}\b(?:jederzeit)?[^.!?\n]{0,20}\b(?:abmelden|abbestellen
  |austragen)\b
de-left LEFT
  \b(?:nicht mehr|nicht langer) (?:bei uns|im (?:unternehmen|hause?|dienst)|in (?:der|unserer) firma|hier
  |beschaftigt|tatig|fur uns)
  \b(?:verlassen|ausgeschieden|verstorben|gestorben|tot|ruhestand|pensioniert|in rente)\b
  \bfalsche\w? (?:ansprechpartner\w*|adresse|person|empfanger)
de-auto AUTO
  \bautomati\w+ (?:antwort|generiert\w*|erstellt\w*|erzeugt\w*|nachricht|e-?mail|versendet\w*|eingangs\w*)
  \bautomati\w+ (?:mitteilung|benachrichtigung|ruckmeldung)
  \bautomatisch\b~\b(?:erstellt|generiert|versandt|versendet|erzeugt|gesendet)
  \bnicht auf diese (?:e-?mail|nachricht)\b
  \babwesenheits\w+
  \beingangsbestatigung\b
de-away AWAY
  \bnicht (?:im (?:buro|haus\w?|dienst)|am (?:platz|arbeitsplatz)|erreichbar)\b
  \bim urlaub\b
  \b(?:ich bin|bin ich) (?:vom|bis|ab|derzeit|aktuell)\b
  \bausser haus\b
  \babwesend\b
  \b(?:wieder|zuruck) (?:erreichbar|im buro|fur sie da|am)\b
  \b(?:geschlossen|betriebsferien|elternzeit)\b
  \b(?:ticket|anfrage|vorgang)\b~\b(?:nummer|eingegangen|erhalten|erstellt|bearbeit\w*)
de-access RIGHT:access
  \bauskunft\w*\b
  \bart(?:ikel|\.)? ?15\b
  \b(?:welche|samtliche|alle|kopie)\b~\b(?:daten|informationen)\b~\b(?:uber mich|zu meiner person|von mir
  |speicher\w*|gespeichert\w*|besitz\w*|haben)
de-erasure RIGHT:erasure
  \brecht auf (?:loschung|vergessen\w*)\b
  \bart(?:ikel|\.)? ?17\b
  \b(?:losch\w*|vernicht\w*|entfern\w*|tilg\w*)\b~\b(?:daten|konto|profil|account|kundenkonto|datensatz|angaben
  |alles|informationen)\b
  \b(?:daten|konto|profil|account|kundenkonto|datensatz|angaben|alles)\b~\b(?:losch\w*|geloscht|zu loschen
  |vernichte\w*)\b
de-rectification RIGHT:rectification
  \bberichtig\w*
  \bart(?:ikel|\.)? ?16\b
  \b(?:korrigier\w*|aktualisier\w*|ander\w*|falsch\w*)\b~\b(?:daten|name\w*|adresse|mailadresse|anschrift|angaben
  |schreibweise)\b
  \b(?:neue|neuen) (?:e-?mail-?|mail-?)?adresse\b
de-portability RIGHT:portability
  \bubertragbarkeit\b
  \bportabilitat\b
  \bart(?:ikel|\.)? ?20\b
  \bmaschinenlesbar\w*
de-restriction RIGHT:restriction
  \beinschrankung der verarbeitung\b
  \bart(?:ikel|\.)? ?18\b
de-objection RIGHT:objection
  \bwiderspruch\b~\b(?:art|verarbeitung|dsgvo|nutzung|datenschutz\w*|daten|werbezweck\w*|direktwerbung)
  \bwiderspreche\b~\b(?:verarbeitung|nutzung|verwendung|weitergabe|daten|dsgvo|direktwerbung|werbung)
  \bart(?:ikel|\.)? ?21\b
  \bwiderspruchsrecht\b
de-complaint RIGHT:complaint
  \b(?:beschwer\w*|meld\w*|anzeig\w*|anwalt\w*|abmahn\w*|wende\w*|einschalt\w*)\b~\b(?:datenschutz\w*|behorde
  |aufsicht\w*|verbraucher\w*|anwalt\w*|bundesnetzagentur|landesbeauftragt\w*|wettbewerbszentrale)
  \b(?:datenschutzbehorde|aufsichtsbehorde|datenschutzbeauftragt\w*|verbraucherzentrale|anwalt
  |rechtsanwalt)\b~\b(?:beschwer\w*|meld\w*|anzeig\w*|einschalt\w*|wende\w*|informier\w*|ubergeb\w*)
  \babmahnung\b
  \brechtliche schritte\b
  \bstrafanzeige\b
de-source RIGHT:source
  \b(?:woher|wo|wie|von wem|durch wen)\b[^.!?\n]{0,30}\b(?:haben|hast|habt|bekommen|stammt|stammen|kommt|kommen
  |kennen|gekommen|erhalten)\b~\b(?:adresse|mailadresse|daten|e-?mail\w*|kontaktdaten|namen|kontakt)\b
  \bwer\b~\b(?:weitergegeben|verkauft|gegeben|ubermittelt)\b
  \bherkunft\b~\b(?:daten|adresse)
de-law LAW
  \bdsgvo\b
  \bbdsg\b
  \buwg\b
  \bdatenschutz\w*
  \baufsichtsbehorde\b
  \bpersonenbezogen\w*
  \banwalt\b
  \brechtswidrig\w*
de-out REFUSAL
  \b(?:raus|heraus|rausnehmen|herausnehmen|rausloschen)\b(?! (?:aus dem haus|zum))
  \b(?:nehm|nimm|streich|entfern|trag|losch|sperr)\w* (?:sie |bitte |mal |doch )*(?:mich|uns|meine|unsere|seine|ihre
  |ihren|diese|sie|ihn|mi)\b~\b(?:aus|raus|heraus|von|verteiler\w*|\w*liste|adresse|datenbank|system|us)\b
  \b(?:aus|von) (?:dem|der|ihrem|ihrer|eurem|eurer|allen|ihren|ausm|jedem)\b~(?:verteiler|liste|listen|kartei
  |datenbank|datei|system)\w*\b~\b(?:nehmen|entfernen|streichen|austragen|loschen|tragen|raus|nimm)\b
  \b(?:ausm|aus dem) \w*verteiler raus\b
de-end-it REFUSAL
  \b(?:werbung|reklame|versand|zusendung\w*|newsletter|mails?|e-?mails?|adresse|rabattmails|abo)\b~\b(?:einstellen
  |unterlassen|abstellen|beenden|kundigen|sperren|austragen|loschen|streichen|entfernen|abbestellen|stoppen)\b
  \b(?:kundige|beende|storniere)\w*\b~\b(?:newsletter|abo|mails?|rundbrief)\b
  \b(?:bitte|sofort|sie das|das bitte) (?:einstellen|unterlassen|abstellen|beenden|streichen|sperren|stoppen|loschen)\b
  \bstell\w*\b~\b(?:das|versand|sendungen|mails|werbung|zusendung\w*)\b~\b(?:ab|ein)\b
  \bmeld\w+ (?:ich )?(?:mich|uns)\b~\bab\b
  \babmeldn\b
  \bunterlass\w* sie\b
  \bverbitte\b
  \buntersag\w+
  \bwerbeverbot\b
  \bwunsch\w* kein\w*\b
  \b(?:absehen|sehen sie)\b~\b(?:ab|weiter\w*|zu senden|davon|kontakt\w*|schicken)\b
de-nothing-more REFUSAL
  \b(?:nix|nichts|nie|niemals|weder)\b~\b(?:mehr|von (?:euch|ihnen)|wieder)\b~(?:\b(?:schick\w*|send\w*|krieg\w*
  |horen|wissen|von|bekomm\w*|zu|schreib\w*|erhalten|les\w*)\b|[.!]|$)
  \bwill (?:nix|nichts|das nicht|keine?n?)\b
  \bnicht noch ?mal (?:fragen|schreiben|melden)
  \bkeine (?:weiteren|erinnerungen|kaltakquise|kontaktaufnahme)\w*\b
  \b(?:zieht leine|nerv\w* nicht|lasst? es\b(?! mich wissen)|finger weg|weg damit|mir reicht'?s|es reicht)\b
  \bspar\w* sie sich\b
  \bschluss (?:jetzt|damit)\b
  \bkein newsletter mehr\b
  \brufen sie nicht an\b
de-trade TRADE
  \b(?:angebot\w*|preis\w*|kosten|kostet|bestell\w*|liefer\w*|termin\w*|anruf\w*|ruckruf|rechnung|lager|rabatt\w*
  |wie viel|grosse|modell|paket|garantie|kompatibel|katalog|anmelden zum|vertrag|tickets?|verfugbar|prospekt
  |vorfuhrung|demo|test\w*|seminar|webinar|zahlen|zahlung|platze?|offnungszeiten|geoffnet|interessiert an|stornieren
  |reservier\w*|buch\w+|vorschlag)\b
de-glad GLAD
  \b(?:danke fur|vielen dank fur|super|toll(?:e|er|es)?|prima|perfekt|gern\w*|freu\w*|gluckwunsch|weiter so
  |ausgezeichnet|klasse|wunderbar|einverstanden|alles gute|schone\w?|passt|liebe euren|spannend|schickt? mir|wann)\b
de-source-named RIGHT:source
  \b(?:wer|welche\w*|von welche\w*|bei wem|name\w*)\b~\b(?:handler|firma|partner|adresshandler|lieferant|quelle
  |gekauft|gegeben|verkauft|verraten|weitergegeben)\b~\b(?:daten|adresse|namen|kontakt\w*|mich|meine\w?|ihnen|euch)\b
  \brechtsgrundlage\b
  \bnachweis\b~\beinwilligung\b
  \beinwilligung\b~\bnachweis\b
  \bwoher (?:kennen|haben|kommt|stammt)\b
  \bwie\b~\b(?:gekommen|kommen|gelangt)\b
  \bwer hat\b~\b(?:gegeben|verkauft|verraten)\b
de-access-file RIGHT:access
  \b(?:sehen|einsehen|kopie|zeig\w*|steht in|einsicht)\b~\b(?:meine?n?r?|aller?|von allem)\b~\b(?:akte|datensatz
  |daten|angaben|unterlagen|weiss)\b
  \b(?:akte|datensatz|daten|angaben)\b~\b(?:sehen|einsehen|uber mich)\b
  \b(?:was|alles)\b~\buber mich\b
de-erasure-all RIGHT:erasure
  \b(?:nichts|alles)\b~\b(?:ubrig|verschwinde\w*|gespeichert bleiben|verschwunden)\b
  \bvernicht\w+\b
  \bkonto\b~\b(?:schliess\w+|entfern\w+)\b
  \bschliess\w*\b~\bkonto\b
de-authority LAW
  \b(?:aufsicht\w*|datenschutzbeauftragt\w*|bfdi|lfdi|edob|dsb|landesdatenschutz\w*|rechtsanwalt\w*|behorde\w*
  |beschwerde)\b
de-hours AWAY
  \b(?:offnungszeiten|geschaftszeiten|feiertag\w*|aktenzeichen|fallnummer|systemhinweis|unter dem zeichen
  |unsere zeiten|arbeite ich nicht|bearbeitungszeit|sprechzeiten|referenz)\b
"""
