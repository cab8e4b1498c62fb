"""French: what refuses, what keeps, what invokes a right. Read `gateway.core.intent_words` for how to read this."""

RULES = r"""
fr-unsubscribe-me REFUSAL
  \b(?:des?in(?:s?cri|sri)\w*|de?sab\w*nn?\w*)[- ]*(?:moi|nous)\b
  \b(?:me|nous)[- ](?:des?in(?:s?cri|sri)\w*|desab\w*nn?\w*)
fr-unsubscribe-wish REFUSAL
  \b(?:demande\w*|veu[xt]?|souhait\w+|voudr\w+|aimer\w+|desir\w+|veuillez|merci d[e'u]|pri\w+ de|pri\w+ bien
  |possible de|proceder|priere|svp|faire|faites|besoin|reitere|peux|pouve[zr]|pouriez|pourriez)\b~\b(?:desinscri
  |desincri|desabo)\w*
fr-unsubscribe-mine REFUSAL
  \b(?:ma|notre|mon|cette) (?:desinscription|desabonnement|desincription)\b
fr-unsubscribe-fails REFUSAL
  \b(?:impossible|arrive pas|reussi\w* pas|parvien\w+ pas|marche pas|fonctionne pas|deja|fois)\b~\b(?:me
  |nous) (?:desinscri|desabo)\w*
fr-no-more REFUSAL
  \b(?:veu[xts]?|vx|souhait\w+|desir\w+|voudr\w+|aimerais|prefer\w+|merci|priere|veuillez|svp|demand\w+|afin|jveux
  |pri[ez]\w*|pri\w*|faites|compte|entends)\b~\bpl(?:us?|u)\b(?: (?:jamais|du tout|rien|etre|figurer
  |apparaitre))? ?~\b(?:re[cs]\w*v\w*|ecri\w+|contact\w+|envo\w+|sollicit\w+|demarch\w+|relanc\w+|appel\w+|embet\w+
  |importun\w+|derang\w+|entendre|harcel\w+|spam\w*|vos|vo|mails?|lire|figurer|apparaitre|adresser|utiliser)
fr-do-not REFUSAL
  \b(?:ne|n)[ '](?:m'|me |nous |lui |leur |m ?)?(?:ecri\w+|contact\w+|envoy\w+|sollicit\w+|relanc\w+|appel\w+
  |derang\w+|spamm\w+|embet\w+|importun\w+|adress\w+|mail\w*)[- ]?(?:moi|nous)?\b~\b(?:plus|jamais)\b
fr-write-no-more REFUSAL
  (?:^|[.!,;\n] ?)(?:ne )?(?:m'|me |nous )(?:ecrivez|contactez|envoyez|sollicitez|relancez|appelez|derangez|spammez
  |ecris|ecrive|contacte|envoie|envoies|embetez|enmerdez|emmerdez|recontactez)\b~\b(?:plus|jamais)\b
fr-never-again REFUSAL
  \bplus jamais\b~\b(?:m'|me |nous )?(?:ecri|contact|envoy|sollicit|mail|recevoir|entendre)\w*
fr-none-of-your REFUSAL
  \bplus (?:aucune?s? |un seul |une seule |de |d'|jamais de )(?:vos |tes |ces |autres? |votre )?(?:mails?|e-?mails?
  |messages?|pubs?|publicites?|newsletters?|sollicitations?|courriels?|envois?|spams?|relances?|prospection
  |demarchage|communications?)\b
fr-remove-me REFUSAL
  \b(?:retire[rz]?|enleve[rz]?|supprime[rz]?|suprime[rz]?|radie[rz]|raye[rz]|efface[rz]?|sorte[zs]|ote[rz]|vire[rz]?
  |oublie[rz]?|desactive[rz]?|blackliste[rz]?)[- ]*(?:moi|nous)\b
fr-remove-from REFUSAL
  \b(?:retir|enlev|suppr?im|suprim|suppression|retrait|efface|ray|radi|ote|sort[ei]|vire|bann|exclu|disparai
  |degage)\w*\b~\b(?:de |des |du |a |sur )(?:vos|votre|ta|tes|la|cette|ces|toutes?|tous|ces|ce|vo|l'ensemble de vos
  |chacun\w* de vos)?~\b(?:listes?|fichiers?|fichié|bases?|envois?|diffusions?|mailings?|newsletters?|carnet
  |repertoires?|bdd|crm|contacts|destinataires|campagnes?|tablettes)\b
fr-remove-address REFUSAL
  \b(?:retire[rz]?|enleve[rz]?|supprime[rz]?|suprime[rz]?|radie[rz]?|raye[rz]?|efface[rz]?|otez|oter|oubliez
  |oublier)\b~\b(?:mon|notre|son|cette|nos|mes|leur|toutes les|l')[ ]?(?:adresses?|e-?mails?|mails?|courriels?
  |coordonnees|contacts?|nom|num)\b
fr-remove-named REFUSAL
  \b(?:retire[rz]?|enleve[rz]?|supprime[rz]?|suprime[rz]?|radie[rz]?|raye[rz]?|bloque[rz]?|desinscri\w+
  |desabonn\w+)\b[^!?\n]{0,60}@[\w-]
fr-stop-sending REFUSAL
  \b(?:arr?ete[rz]?|cesse[rz]?|stoppe[rz]?|stop|halte|suffit|basta|assez|marre|mettre fin|mettez fin|interromp\w+
  |cessation)\b~\b(?:envo\w+|ecri\w+|e?-?mail\w*|pubs?|publicit\w*|spam\w*|harcel\w*|messages?|sollicit\w*
  |newsletters?|contact\w+|relanc\w*|demarch\w*|inond\w*|importun\w*|courriels?|prospect\w*|bombard\w*|pourri\w+
  |embet\w*|emmerd\w*|matraqu\w*)\b
fr-leave-me REFUSAL
  \b(?:foute[zr]?|fou[st]|fiche[zr]?|fichent?|laisse[zr]?)[- ]*(?:moi|nous|les?)\b(?: donc| un peu
  | enfin)? ?(?:la )?(?:en )?(?:paix|tranquilles?|peace)
  \b(?:lache|oublie)[rz]?[- ]*(?:moi|nous)\b
  \bdu balai\b
  \ballez vous faire\b
  \bdegage[zr]?\b
fr-no-authorisation REFUSAL
  \b(?:interdis|n'autorise pas|autorise plus|retire mon consentement|retirer mon consentement|revoque)\b
fr-delete-written REFUSAL
  \b(?:inutile|pas la peine|plus la peine|plus besoin)\b~\b(?:de |d')(?:continuer|m'|nous |lui |leur |me |insister
  |envoyer|ecrire|relancer|revenir)
fr-unsubscribe MENTION
  \b(?:desinscri|desincri|desabo)\w*
  \bstop\b
  \bspam\w*
  \bindesirable\w*
  \bharcel\w*
fr-annoyed MENTION
  \b(?:rien demande|jamais demande|jamais inscri\w*|jamais donne|jamais autorise|jamais consenti|sans mon (?:accord
  |consentement|autorisation)|ras le bol|ras-le-bol|marre|assez|insupportable\w*|poubelle|corbeille|bloquer?|bloque
  |signal\w+ comme)\b
fr-soft SOFT
  \bnon[, ]+merci\b
  \b(?:pas|plus|aucunement|nullement|guere) (?:du tout |vraiment |tres )?(?:interess\w*|concern\w*|besoin
  |le bon moment|preneur|la cible|d'actualite|de projet)
  \bpas pour (?:le|l'|nous|moi|linstant)\b
  \bsans suite\b
  \bne (?:donner|donnerons|donnerai)\w* pas suite\b
  \b(?:aucun|pas d'|pas de) (?:interet|besoin)
fr-keep KEEP
  (?<!vous )\bn[e'] ?(?:surtout )?(?:me |nous |m')?(?:desinscri|desabonn|retir|enlev|supprim|radi|oubli
  |arret)\w*(?:[- ]moi|[- ]nous)?(?: surtout)? (?:pas|jamais)\b(?! vous)
  \bne (?:surtout )?pas (?:me |nous )?(?:desinscrire|desabonner|retirer|enlever|supprimer|arreter)\b(?: de la| mon
  | notre)?[^.!?\n]{0,20}
fr-keep-wish KEEP
  \b(?:veu[xt]?|souhaite|voudrais|compte|desire)\w* (?:surtout )?pas (?:me |nous |etre |du tout )*(?:desinscri\w+
  |desabonn\w+|retire\w*|supprim\w*)
  \bpas (?:me |nous )?(?:desinscrire|desabonner)\b
  \bpas (?:demande|fait) (?:a |de |ma )*(?:me |etre )?(?:desinscri\w+|desabonn\w+)
  \b(?:desinscri\w*|desabonn\w*|retire) par (?:erreur|megarde|accident)
  \b(?:re-?inscri|re-?abonn)\w*
  \bremettez[- ](?:moi|nous)
  \b(?:gardez|laissez|maintenez)[- ](?:moi|nous) (?:bien |donc )?(?:dans|sur|parmi|abonne)
  \b(?:reste|rester) (?:abonne|inscrit)\w*
  \berreur de manipulation
  \bfausse manipulation
fr-missing KEEP
  \b(?:ne|n') ?(?:recois|recevons|recoit|ai|avons|vois|trouve)\b[^.!?\n]{0,12}\bplus\b[^.!?\n]{0,50}
fr-aside ASIDE
  \b(?:nos|mes|leurs|vos|les|des|un|une|chaque|ses) (?:propres )?(?:clients?|abonnes?|contacts|destinataires
  |utilisateurs?|adherents?|prospects|lecteurs?|inscrits|internautes|membres|salaries)\b~\b(?:desinscri|desabonn)\w*
  \b(?:desinscri|desabonn)\w*\b~\b(?:de (?:nos|mes|leurs|vos) (?:clients|abonnes|contacts|utilisateurs|adherents
  |destinataires)|d'une? (?:session|cours|formation|atelier|evenement|stage)|(?:de la|du|au|a la) (?:session|cours
  |formation|atelier|evenement|stage|seance|webinaire|salon|concours|voyage|sortie|tournoi|conference))
fr-glad-stopped ASIDE
  \bmerci d'avoir (?:arrete|cesse|retire)\w*\b[^.!?\n]{0,40}
  \bstop au\b
  \bstop a (?:la|l')\b
fr-you-may ASIDE
  \bne plus recevoir nos\b[^.!?\n]{0,40}
  \b(?:vous pouvez|vous pourrez|possibilite de|libre de|pour)\b[^.!?\n]{0,30}\bvous (?:en )?(?:desinscri
  |desabonn)\w*[^.!?\n]{0,60}
fr-link-for-others ASIDE
  \b(?:votre (?:outil|logiciel|solution|plateforme|produit|application)|gere[zr]?|module
  |fonction\w*)\b~\b(?:desinscri|desabonn|opt-?out)\w*
fr-left LEFT
  \b(?:a|ont|avait) (?:definitivement )?quitte\b
  \bne (?:travaill\w+|fait|font|fais) plus\b~\b(?:chez|ici|partie|nous|societe|entreprise)
  \bplus (?:dans|parmi) (?:les effectifs|nos effectifs|la societe|l'entreprise|nous)
  \b(?:est|etait|mon mari est|ma mere est) (?:malheureusement )?(?:decede\w*|mort\w*)\b
  \bdeces\b
  \bretraite\b
  \bn'est plus (?:en poste|la|chez|salarie|dans|parmi|de ce monde)
  \bnous a quittes\b
fr-auto AUTO
  \breponse auto\w*
  \b(?:message|mail|e-mail|courriel|reponse)s? (?:est |a ete )?(?:genere\w* |envoye\w* )?automati\w+
  \b(?:ne pas repondre|ne repondez pas) a (?:cet?|cette) (?:message|mail|courriel|e-?mail|adresse)
  \brepondeur automatique
  \baccuse de reception automatique
fr-away AWAY
  \b(?:absente?s?|en conges?|en vacances|en deplacement|en formation|en arret|indisponible|conge maternite
  |conge parental)\b[^.!?\n]{0,40}\b(?:du|jusqu|de retour|retour|a partir|a compter|le|bureau|pour)\b
  \b(?:de retour|serai de retour|mon retour)\b
  \b(?:bureaux?|magasins?|etablissement|boutique|cabinet) (?:est |sont |sera |seront )?ferme
  \b(?:bien ete (?:enregistre|recu|prise? en compte)\w*)
fr-access RIGHT:access
  \bdroit d'acces\b
  \b(?:article|art\.?) ?15\b
  \b(?:communiqu|transmet|fourni|adress|envoy|indiqu|conna\w*tre)\w*\b~\b(?:donnees
  |informations)\b~\b(?:me concern\w+|detene\w*|possede\w*|conserve\w*|sur moi|personnel\w+|stocke\w*)
  \b(?:quelles?|copie de|toutes? (?:les |mes )?) ?(?:donnees|informations|infos)\b~\b(?:sur moi|me concern\w+
  |detene\w*|avez|ave|personnel\w+|possede\w*|conserve\w*)
fr-erasure RIGHT:erasure
  \bdroit (?:a l')?(?:effacement|oubli|suppression)
  \bdroit a l'oubli\b
  \b(?:article|art\.?) ?17\b
  \b(?:efface|suppri?m|suprim|detrui|elimin|purg)\w*\b~\b(?:donnees|compte|informations|infos|dossier|fiche|tout ce)
  \b(?:effacement|suppression|destruction)\b~\b(?:donnees|compte|informations|dossier|fiche)
fr-rectification RIGHT:rectification
  \bdroit de rectification\b
  \b(?:article|art\.?) ?16\b
  \b(?:rectifi|corrig)\w*\b~\b(?:donnees|nom|adresse|prenom|fiche|informations|coordonnees|orthographe|civilite
  |erreur|fichier)
  \b(?:mettre|mettez|mise) a jour\b~\b(?:adresse|coordonnees|donnees|fiche|nom|mail)
  \b(?:change\w*|nouvelle|modifi\w*|remplac\w*)\b~\b(?:adresse|d'adresse)\b~(?:\b(?:mail|e-mail|electronique
  |desormais|dorenavant|est|fiche|fichier)\b|@)
fr-portability RIGHT:portability
  \bportabilite\b
  \b(?:article|art\.?) ?20\b
  \bformat (?:structure|lisible|csv|json|ouvert|exploitable)
fr-restriction RIGHT:restriction
  \b(?:droit (?:a|de) la limitation|limitation du traitement|limiter le traitement|gel(?:er)? (?:de )?mes donnees)\b
  \b(?:article|art\.?) ?18\b
fr-objection RIGHT:objection
  \b(?:m'|nous |je m')oppos\w+
  \bdroit d'opposition\b
  \b(?:article|art\.?) ?21\b
  \bopposition au traitement\b
  \bopposition a la prospection\b
fr-complaint RIGHT:complaint
  \b(?:saisi[rs]?|saisis|plainte|signale\w*|reclamation|denonc\w+|alert\w+|porte\w*)\b~\b(?:c\.?n\.?i\.?l|dgccrf
  |autorite\w*|procureur|justice|tribunal|signal spam|avocat|bloctel)
  \bcnil\b~\b(?:saisi|plainte|saura|informe|prevenue|sera|reclamation|signal)\w*
  \bporte\w* plainte\b
  \bdepose\w* (?:une )?plainte\b
  \bmise? en demeure\b
fr-source RIGHT:source
  \b(?:ou|comment|d'ou|dou)\b[^.!?\n]{0,25}\b(?:eu|eus|obtenu|obtenez|trouve|recupere|recuperer|pris|prise|tenez
  |tene|vient|provien\w*|procure|achete|dégoté|degote|avoir|avez)\b~\b(?:adresse|mail|e-mail|email|courriel
  |coordonnees|nom|contact|donnees|numero|fiche|fichier)\b
  \bqui (?:vous|t') ?(?:a|as|avait|ont)? ?(?:donne|vendu|communique|fourni|transmis|refile|file|cede|passe|revendu)
  \b(?:origine|source|provenance) de\w* (?:mes|cette|mon|ces|vos|l'|ma|notre) ?\w*
  \bcomment se fait\b~\badresse
  \bpar quel (?:biais|moyen|canal)\b~\b(?:adresse|mail|coordonnees)
fr-law LAW
  \brgpd\b
  \bcnil\b
  \bdpo\b
  \bdonnees (?:personnelles|a caractere)
  \binformatique et libertes\b
  \bdgccrf\b
  \bl\.? ?34-5\b
  \bmes droits\b
  \bplainte\b
fr-no-more-of REFUSAL
  \bne plus (?:me |nous |lui |leur |rien |jamais |etre |m'|l')*(?:adress|envoy|recevoir|ecri|contact|sollicit|relanc
  |figurer|derang|import|appel|solicit|spam|demarch|mail)\w*(?! (?:nos|notre))
  \b(?:ne|n'en|n') ?(?:desir|souhait|veu|accept|souhaitons)\w* (?:plus |pas |aucun\w* |nullement[ ]
  |en aucun cas )+(?:de |d')?~\b(?:recevoir|recontact\w*|contact\w*|communications?|sollicit\w*|mails?|courriels?
  |demarch\w*|relanc\w*|publicite\w*|prospection|offres commerciales)\b
  \bn'en (?:envoyez|veux|voulons) (?:plus|pas)
  \bplus rien (?:recevoir|envoyer|m'|s'il|svp|de votre part|de chez)
  \b(?:je?|on) ?v[eu]+[xt]? ?pl?u\w?\b
  ^(?:bjr |slt |bonjour )?(?:plus?|pu) de (?:mails?|pubs?|publicites?|newsletters?|messages?|spam)\b
fr-refuse REFUSAL
  \brefus\w*\b~\b(?:recevoir|newsletters?|sollicit\w*|courriels?|mails?|publicite\w*|prospection|demarchage
  |vos offres|vos envois|vos messages)\b
  \bsans (?:recevoir|etre sollicit\w*)\b
  \bpas de (?:pubs?|publicites?|demarchage|spams?|prospection|newsletters?|mails? (?:commerc|public)\w*)\b
  \bopposition a\b~\b(?:envois?|demarchage|sollicitations?)\b
fr-take-me REFUSAL
  \b(?:me|nous) (?:retir|ray|radi|supprim|enlev|ot|sort|effac|oubli|vir)(?:er|ir|iez)\b
  \b(?:enlev|retir|supprim|sort)\w+ (?:ma|mon|notre|cette) (?:boite|messagerie|inscription|contact|e-?mail|mail
  |adresse)\b
  \bbloque\w* (?:notre|mon|ce|le) domaine
fr-end-subscription REFUSAL
  \b(?:fin|resili\w+|annul\w+|arret\w*|cess\w+|supprim\w*|suppression|stop\w*)\b (?:de |d'|a )?(?:l'|mon |notre[ ]
  |cet |cette |la |ma |mes |vos |votre )?(?:abonnements?|inscription|souscription|adresse|newsletters?
  |lettres?)\b(?: (?:a |d'|de )(?:la |votre |vos |cette |l')?(?:newsletter|lettre|liste|mails?|infos?|information
  |messages?|hebdo\w*)|[^\w]*$| svp| merci| s'il| mail)
fr-fed-up REFUSAL
  \ben ai (?:plus qu')?(?:assez|marre)\b
  \btrop c'est trop\b
  \bvous m'emmerdez\b
  \b(?:d'|ne (?:plus |pas )|de ne pas )insist(?:er|ez)\b
  \bm'importun\w+
  \bepargne[rz]\b~\b(?:moi|peine|vos|nous)
fr-trade TRADE
  \b(?:devis|tarifs?|prix|commande\w*|livr(?:e|er|ez|aison|aisons)|rendez[- ]vous|rdv|reserv\w+|rappele[rz]
  |factur\w+|stock|demo\w*|essai|essayer|tester|combien|taille|modeles?|colis|remise|promo\w*|horaires|payer
  |paiement|paie|places?|garantie|installation|compatib\w+|catalogue|inscrivez|abonner|m'inscrire|contrat
  |rembours\w+|session|visite\w*|disponib\w+|interesses? par|m'interesse|brochure|plaquette|proposition
  |participation|ouvert|retrouve\w*|presentation)\b
fr-glad GLAD
  \b(?:j'adore|adore|bravo|felicit\w+|super|magnifique|excellent\w*|ravie?s?|vivement|continuez|hate de|avec plaisir
  |volontiers|parfait|genial\w*|merci (?:pour|a|de votre|beaucoup)|tres (?:bon|beau|bel|belle|bien|interesse\w*
  |content\w*)|content\w*|bonne (?:annee|journee|continuation|nouvelle)|joyeux|entendu|d'accord|banco|j'attends
  |impatien\w+)\b
fr-source-named RIGHT:source
  \b(?:nom|identite|origine|provenance) d\w+'?~\b(?:courtier|vendeur|fournisseur|partenaire|intermediaire|societe
  |entreprise|fichier|donnees|adresse|coordonnees)\b
  \b(?:quel(?:le)?s?|laquelle|auprès|aupres)\b~\b(?:partenaire|societe|courtier|entreprise|fichier|personne
  |qui)\b~\b(?:adresse|mail|coordonnees|contact|nom|donnees|acheté|achete\w*|procure\w*|tenez|transmis)\b
  \bqui\b~\b(?:donne|vendu|communique|fourni|transmis|refile|cede|parle)\b~\b(?:mon|mes|ma|cette|moi)\b
  \bbase legale\b
  \bpreuve\b~\b(?:consentement|accord)\b
  \b(?:d'ou|comment) me connaissez\b
  \btomb\w+ sur (?:cette|mon)\b
fr-access-file RIGHT:access
  \b(?:voir|consulter|acceder|copie|contient|contenu|connaitre|releve|detail)\b~\b(?:ma|mon|mes|ces
  |mienn\w+)\b ?~\b(?:fiche|dossier|donnees|informations|personne)\b
  \btout ce que\b~\b(?:savez|sait|detenez|possedez|avez)\b
  \bliste des destinataires\b
  \brenseignements\b~\bme concernant\b
fr-erasure-all RIGHT:erasure
  \baucune? (?:trace|information|donnee)\b
  \b(?:disparaitre|anonymis\w+|detrui\w+|cloturer|clore|purge\w*|effac\w+)\b~\b(?:compte|donnees|historique|dossier
  |informations|coordonnees|tout|ensemble|contenu)\b
  \b(?:donnees|compte|dossier|informations)\b~\b(?:effac|supprim|detrui|purg)\w+
fr-authority LAW
  \b(?:autorite (?:de controle|competente|de protection)|edob|cnpd|apd|saisi\w*|avocate?|instruction
  |delegue a la protection|reglement general)\b
fr-hours AWAY
  \b(?:horaires d'ouverture|heures d'ouverture|hors de nos horaires|en dehors de nos|jour ferie|nos horaires
  |reference|accus\w+ reception|message systeme)\b~\b(?:message|courriel|mail|dossier|ferme\w*|traite\w*|demande
  |correspondance|reponse|lundi)\b
  \b(?:ne travaille pas le|ne lis pas cette boite|message systeme|delai de (?:reponse|traitement))\b
"""
