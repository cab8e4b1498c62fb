"""Italian: what refuses, what keeps, what invokes a right. Read `gateway.core.intent_words` for how to read this."""

RULES = r"""
it-unsubscribe-me REFUSAL
  \b(?:cancell|rimuov|elimin|disiscriv|togli|tolg|depenn|esclud|leva|disattiv)\w*(?:mi|ci|telo|tela|temi|teci|rmi|rci)\b
  \b(?:mi|ci) (?:cancell|rimuov|elimin|disiscriv|tolg|togli|depenn|esclud|lev)\w*
  \b(?:cancell|rimuov|rimozion|elimin|togli|tolg|tolt|depenn|esclud|lev|disiscri)\w*\b~\b(?:mio|mia|nostro|nostra
  |nostri|mie|questo|questa|suo|il|l'|dalla|dalle|dal|dai)\b~\b(?:indirizz\w+|e-?mail|mail|nominativ\w*|contatt\w+
  |list\w+|mailing\w*|database|archivi\w*|newsletter|rubrica|recapit\w+|posta)\b
it-unsubscribe-wish REFUSAL
  \b(?:vorre\w+|vogl\w+|chied\w+|desider\w+|prego|potre\w+|potet\w+|puo|posso|per favore|cortes\w+|richied\w+
  |gentilmente|cerco di|procedere)\b~\b(?:cancellar(?:mi|ci)|disiscriv\w+|essere (?:cancellat|rimoss|tolt
  |eliminat)\w|cancellazione dal\w*|disiscrizione|disdir\w+)\b
it-remove-named REFUSAL
  \b(?:cancell|rimuov|elimin|togli|tolg|esclud)\w*\b[^!?\n]{0,60}@[\w-]
it-no-more REFUSAL
  \bnon (?:vogli\w+|desider\w+|intend\w+|gradi\w+|voglio)\b~\b(?:piu|ricever\w*|altre|altri|nessun\w*|ulterior\w+
  |essere contattat\w)\b
  \bnon (?:mi |ci |gli |le )?(?:scriv\w+|mand\w+|invi\w+|contatt\w+|spedi\w+|disturb\w+|chiam\w+|inoltr\w+
  |importun\w+|scoccia\w*)(?:mi|ci|gli|le|temi|teci)?\b~\b(?:piu|niente|nulla|altr\w+|mai)\b
  \b(?:mai piu|niente piu|nessun'altra|basta)\b~\b(?:e-?mail|mail|messaggi|pubblicita|newsletter|spam
  |comunicazion\w+|offerte|promozion\w+|posta|inviar\w*|scriver\w*|contattar\w*)\b
  \bnon scriver\w+ piu\b
  \bniente piu (?:e-?mail|mail|pubblicita)
it-stop-it REFUSAL
  \b(?:smett\w+|smetter\w*|finit\w+|piant\w+|cessat\w+|cessare|interromp\w+|fermat\w+|stop|basta
  |sospend\w+)\b~\b(?:di |con |l'|gli |le |la |a )?(?:inviar\w*|mandar\w*|scriver\w*|spam\w*|e-?mail|mail|pubblicita
  |messaggi|disturbar\w*|tormentar\w*|newsletter|invio|invii|contattar\w*|comunicazion\w+)\b
  \bpiantatela\b
  \bsmettetela\b
  \bfinitela\b
it-leave-me REFUSAL
  \blasci\w*(?:mi|ci|temi|teci)\b~\b(?:in pace|tranquill\w+|stare)\b
  \bdimenticat\w*(?:mi|ci|vi di)\b
  \bscordat\w*vi\b
  \b(?:andate a|fuori dalle|non rompet\w+|avete rotto|mi avete stancato)\b
it-withdraw REFUSAL
  \b(?:revoc|ritir)\w*\b~\b(?:consenso|autorizzazione)\b
  \bnon autorizzo\b
  \bnon acconsento\b
it-unsubscribe MENTION
  \b(?:disiscri|cancell|rimoss|rimuov|rimozion)\w*
  \bspam\b
  \bstop\b
  \bbasta\b
  \bmolest\w+
it-annoyed MENTION
  \b(?:mai (?:chiesto|richiesto|iscritt\w|autorizzat\w|dato|acconsentito)|senza (?:il )?mio consenso|indesiderat\w+
  |stuf\w|stanc\w|esasperat\w)\b
it-soft SOFT
  \bno[, ]+(?:molte )?grazie\b
  \bnon (?:mi |ci |sono |siamo |e di )?(?:interess\w+|necessit\w+)\b
  \b(?:per ora|al momento|per il momento|adesso) no\b
  \bnon (?:al momento|per ora|abbiamo (?:bisogno|interesse)|ho bisogno|fa per)\b
it-keep KEEP
  \bnon (?:voglio |desidero |intendo |vorrei |volevo |dovete |mi |ci )*(?:cancell|rimuov|togli|disiscriv|elimin
  |depenn)\w*(?: dalla (?:lista|newsletter|mailing))?
  \b(?:cancellat\w*|disiscritt\w*|cliccato|disiscrizione)\b~\b(?:per (?:errore|sbaglio)|involontari\w+)\b
  \bguai\b[^.!?\n]{0,40}
  \bper (?:errore|sbaglio)\b[^.!?\n]{0,40}
  \b(?:reiscriv|riscriver|iscriv)\w*(?:mi|ci|temi)\b
it-missing KEEP
  \bnon (?:ricevo|riceviamo|mi arriva\w*|ci arriva\w*|sto ricevendo)\b(?: piu)?[^.!?\n]{0,40}
it-aside ASIDE
  \b(?:nostri|miei|vostri|suoi|i|gli) (?:clienti|iscritti|utenti|contatti|destinatari|abbonati|soci)\b~\b(?:disiscri
  |cancell|rimuov)\w*
  \b(?:disiscri|cancell|disdett)\w*\b~\b(?:dei (?:nostri|miei|vostri) (?:clienti|iscritti|utenti|contatti)|(?:dal|la
  |il|dell'|del|della) (?:corso|prenotazione|ordine|evento|viaggio|prenotazione|abbonamento|lezione
  |iscrizione al corso|camera))
it-you-may ASIDE
  \b(?:puo|puoi|potete|potra|per)\b[^.!?\n]{0,15}\b(?:cancellar(?:si|ti|vi)|disiscriver(?:si|ti|vi))\b[^.!?\n]{0,60}
it-left LEFT
  \bnon (?:lavora|fa parte|e in servizio|opera|collabora|e) piu\b
  \bnon e piu\b
  \b(?:in pensione|deceduto|deceduta|mancat[oa]|morto|morta|scompars[oa]|ha lasciato|si e dimess\w)\b
  \b(?:persona|indirizzo|destinatario) sbagliat\w
it-auto AUTO
  \brisposta auto\w+
  \brisponditore automatico
  \b(?:messaggio|e-?mail|mail)\b~\b(?:generat\w|inviat\w)? ?automatic\w+
  \bnon rispond\w+ a (?:questa|questo) (?:e-?mail|mail|messaggio)
it-away AWAY
  \bfuori (?:ufficio|sede|dall'ufficio)\b
  \b(?:sono|saro|siamo|saremo) (?:in ferie|assente\w?|fuori|in vacanza|assenti)\b
  \bin ferie\b
  \bassente\b
  \b(?:rientr\w+|saro di ritorno|tornero)\b
  \b(?:ufficio|uffici|negozio)\b~\bchius\w
  \b(?:abbiamo ricevuto|e stat[ao] (?:ricevut|registrat|presa in carico)\w*)\b
  \bnumero di ticket\b
  \bmaternita\b
it-access RIGHT:access
  \bdiritto (?:di|d') ?accesso\b
  \b(?:articolo|art\.?) ?15\b
  \b(?:quali|copia|tutti i|tutte le|elenco|fornir\w*|comunica\w*|saper\w+)\b~\b(?:dati|informazioni)\b~\b(?:su di me
  |personali|mi riguarda\w*|avete|conserva\w*|possed\w*|deten\w+|tratta\w*|in vostro possesso)\b
it-erasure RIGHT:erasure
  \bdiritto all'?(?:a )?(?:oblio|cancellazione)\b
  \b(?:articolo|art\.?) ?17\b
  \b(?:cancell|elimin|distru)\w*\b~\b(?:dati|account|profilo|scheda|informazioni|tutto quello|tutto cio)\b
it-rectification RIGHT:rectification
  \brettific\w+
  \b(?:articolo|art\.?) ?16\b
  \b(?:corregg\w*|corregger\w*|aggiorn\w+|modific\w+|cambi\w+)\b~\b(?:dati|nome|cognome|indirizzo|e-?mail|mail
  |anagrafic\w+)\b
  \bnuov[oa] (?:indirizzo|e-?mail|mail)\b
it-portability RIGHT:portability
  \bportabilita\b
  \b(?:articolo|art\.?) ?20\b
it-restriction RIGHT:restriction
  \blimitazione del trattamento\b
  \b(?:articolo|art\.?) ?18\b
it-objection RIGHT:objection
  \bmi oppongo\b
  \bci opponiamo\b
  \bdiritto di opposizione\b
  \b(?:articolo|art\.?) ?21\b
  \bopposizione al trattamento\b
  \bopporsi\b
it-complaint RIGHT:complaint
  \b(?:garante|autorita|avvocat\w+|legale|polizia postale)\b~\b(?:segnal\w*|reclam\w*|denunci\w*|rivolg\w*|espost\w*
  |scriver\w*)
  \b(?:segnal\w*|reclam\w*|denunci\w*|rivolg\w*|espost\w*|ricors\w*)\b~\b(?:garante|autorita|avvocat\w+|polizia
  |legale)\b
  \bvie legali\b
  \bpresentero\b~\b(?:reclamo|esposto|denuncia)
it-source RIGHT:source
  \b(?:dove|come|chi|da chi|da dove)\b[^.!?\n]{0,20}\b(?:avet\w*|hai|ha|vi ha|ottenut\w*|preso|trovat\w*
  |recuperat\w*|arriva\w*|proven\w+|avuto)\b~\b(?:mio|mia|miei|nostro|questo|nostra) (?:\w+ )?(?:indirizzo|e-?mail
  |mail|dati|contatto|nominativo|numero)\w*
  \bchi (?:vi|ti) ha (?:dato|venduto|fornito|passato|girato|ceduto)\b
  \b(?:origine|provenienza|fonte) de\w* (?:miei|mio|questi)? ?(?:dati|indirizzo)
it-law LAW
  \bgdpr\b
  \bgarante\b
  \bprivacy\b
  \bdati personali\b
  \bavvocat\w+
  \bdpo\b
  \billegal\w*
it-out REFUSAL
  \bcan?ce?ll?at\w*(?:mi|ci|teci|temi)\b
  \b(?:disdi\w+|annull\w+|recedo)\b (?:la |l'|il |mia |questa |dalla |dell')*~\b(?:newsletter|iscrizione|abbonamento
  |notiziario|mailing)\b
  \bfuori dal\w*\b~\b(?:lista|mailing|elenco|newsletter)
  \bvia (?:il|la) (?:mio|nostro|mia|nostra)\b
  \bva(?:nno)? (?:eliminat|tolt|cancellat|rimoss)\w
  \b(?:mi|ci) (?:dimentich|cancell|tolg)\w+
  \btogliete (?:pure|anche|tutt\w|quest\w)
it-no-further REFUSAL
  \b(?:nn|non) (?:voglio|vogliamo|scriv\w+|mand\w+|desider\w+|contattat\w*)\b~\b(?:piu|oltre|altre|altro|le vostre
  |e-?mail|saperne|mail)\b
  \bnon (?:la|le|li|lo|vuole|vogliono|vuol) (?:voglio |vogliamo )?piu\b
  \b(?:prefer\w+|desider\w+|gradi\w+) (?:di )?non\b~\b(?:ricever\w*|essere|che|mi|altr\w+|scriv\w+)\b
  \bpreferi\w+ (?:che )?(?:non|questa fosse)\b
  \bnon (?:serve|occorre|c'e bisogno)\b~\b(?:continuare|che|scriver\w*|inviar\w*)\b
  \bnessun(?:'|a |o )?(?:altr\w+) (?:invio|mail|e-?mail|messaggio|comunicazione)
  \b(?:nessun altro|niente) (?:invio|pubblicita|piu|mail)\b
  \brisparmia\w*(?:mi|ci|vi|temi|teci|tevi)\b
  \basten\w+\b
  \bvi diffid\w+
  \b(?:fosse|sia) l'ultim\w\b
  \bfini\w+ qui\b
  \bfermat\w*(?:la|le|li|lo|vi)\b
  \bfermar(?:la|li|le)\b
  \bne telefonate ne\b
  \bbasta cosi\b
  \bmi dimentichi\b
it-trade TRADE
  \b(?:preventiv\w+|prezz\w+|quanto|costa\w*|ordin[ei]\w*|spedi(?:te|zione)|consegn\w+|appuntament\w+|richiam\w+
  |fattura|disponibil\w+|sconto|taglia|modello|pacco|garanzia|compatibil\w+|catalogo|contratto|bigliett\w+|prenot\w+
  |demo\w*|prova|brochure|proposta|riunione|orari\w*|apert\w+|pagar\w+|pagamento|post[io]|corso|mi interessa\w*
  |ci interessa\w*|iscrivetemi|acquist\w+|comprar\w+|offerta|installaz\w+|visita)\b
it-glad GLAD
  \b(?:adoro|complimenti per|bravi|bravissim\w+|splendid\w+|perfetto|ottim\w+|volentieri|d'accordo|grazie (?:per|di
  |della|del|dell')|felice|con piacere|bell\w+|auguri|va bene|certo|continuate cosi|ricevuto|non vedo l'ora
  |contate su)\b
it-source-named RIGHT:source
  \b(?:quale|quali|chi|da chi|nome de\w+)\b~\b(?:ditta|azienda|partner|fornitore|societa|venditore|comprat\w+
  |vendut\w+|passat\w*|dato|fornito|passa)\b~\b(?:dati|contatt\w+|nome|indirizzo|mio|miei|mia)\b
  \bbase giuridica\b
  \bprova\b~\bconsenso\b
  \bconsenso\b~\bprova\b
  \bcome fate a conoscer\w+
  \bda dove viene\b
  \bcompr\w+\b~\b(?:contatto|elenco|lista)\b
it-access-file RIGHT:access
  \b(?:vedere|consultare|copia|risulta|conoscere|mostr\w+|accedere)\b~\b(?:mia|mio|miei|mie)\b ?~\b(?:scheda
  |fascicolo|dati|informazioni)\b
  \btutto (?:cio|quello) che\b~\b(?:sa|sapete|avete|conserv\w+)\b
  \bsu di me\b
  \bsul mio conto\b
it-erasure-all RIGHT:erasure
  \bdi me non\b
  \btraccia di me\b
  \b(?:sparire|distrugg\w+|svuot\w+)\b
  \bchiud\w+\b~\baccount\b
  \bl'eliminazione\b
it-authority LAW
  \b(?:autorita|garante|avvocat\w+|responsabile della protezione|reclamo|esposto|denuncia)\b
it-hours AWAY
  \b(?:fuori orario|nostro orario|festa e non|riferimento|numero di pratica|avviso (?:automatico|di sistema)
  |non lavoro|codice)\b
"""
