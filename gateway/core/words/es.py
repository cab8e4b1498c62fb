"""Spanish: what refuses, what keeps, what invokes a right. Read `gateway.core.intent_words` for how to read this."""

RULES = r"""
es-unsubscribe-me REFUSAL
  \b(?:dar|de|den|dad|dame|deme|denme|darme|dadme|danos|denos|dennos|dadnos|darnos|darse|causar|solicit\w+|quiero
  |pido|tramit\w+|cursar|pedir)(?:me|nos)?\b~\b(?:de baja|la baja|baja|mi baja)\b
  \b(?:mi|nuestra|la) baja\b~\b(?:lista|newsletter|boletin|suscripcion|correos?|envios?|inmediata|favor|ya)\b
  \bbaja (?:inmediata|definitiva|ya|por favor|de)\b
es-remove-me REFUSAL
  \b(?:borr|elimin|quit|sac|retir|suprim|exclu|tach)\w*(?:me|nos)\b
  \b(?:elimin|borr|quit|sac|retir|suprim|exclu)\w*\b~\b(?:mi|nuestra|nuestro|esta|este|su|mis|nuestros|me
  |nos)\b~\b(?:correo|e-?mail|direccion|lista|base|contacto|datos de|buzon|listado|nombre|boletin)\w*
  \b(?:desuscri|dessuscri|desuscrib|desapunt|desinscri)\w*(?:me|nos|rme|rse)\b
es-remove-named REFUSAL
  \b(?:borr|elimin|quit|sac|retir|suprim|exclu)\w*\b[^!?\n]{0,60}@[\w-]
  \bbaja\b[^!?\n]{0,40}@[\w-]
es-no-more REFUSAL
  \bno (?:me |nos |le |les )?(?:deseo|deseamos|quiero|queremos|quisiera|mande\w*|envi\w+|escrib\w+|contact\w+
  |moleste\w*|remit\w+|llam\w+|vuelv\w+|mandeis|sigan)\b~\b(?:mas|nunca|jamas|volver|seguir|recibir\w*|escribi\w+
  |contact\w+|correos?|mensajes|publicidad|e-?mails?|nada|promociones|boletines|newsletter)\b
  \bni un (?:solo )?(?:correo|mensaje|email|mail)\b
  \bnunca mas\b
  \bno mas (?:correos?|e-?mails?|mails?|publicidad|spam|mensajes|envios|newsletters?)\b
  \bno (?:me|nos) (?:escrib|contact|molest|envi|mand|llam)\w+ (?:mas|nunca)\b
es-stop-it REFUSAL
  \b(?:deje\w*|deja|dejad|dejar|pare\w*|para|parad|parar|cese\w*|basta|bastan|stop|no sigan)\b~\b(?:de |ya[ ]
  |con )?(?:envi\w+|mandar\w*|escrib\w+|molest\w+|spam\w*|publicidad|correos?|acosa\w*|bombarde\w+|mensajes
  |e-?mails?|mails?|propaganda|contactar\w*)\b
es-leave-me REFUSAL
  \b(?:deje|deja|deje[nm]|dejad|dejadme|dejen|dejenme|dejeme|dejame|dejennos|dejadnos)\w*\b~\b(?:en paz|tranquil\w+)\b
  \b(?:olvid\w*(?:me|nos|os de mi|ense de mi|ese de mi)|vayanse a|iros a|a la mierda|largo)\b
  \bpierda\w* (?:mi|nuestro)\b
es-withdraw REFUSAL
  \b(?:retiro|revoco|retirar|revocar)\b~\b(?:consentimiento|autorizacion|permiso)\b
es-no-authorise REFUSAL
  \bno (?:autorizo|consiento|doy (?:mi )?(?:permiso|consentimiento))\b
es-unsubscribe MENTION
  \bbaja\b
  \b(?:desuscri|cancelar|suscripcion)\w*
  \bspam\b
  \bstop\b
  \bacos\w+
es-annoyed MENTION
  \b(?:nunca (?:me (?:suscribi|apunte|registre)|solicite|pedi|di)|sin mi (?:consentimiento|permiso|autorizacion)
  |no (?:lo )?(?:he )?(?:pedido|solicitado)|hart[oa]|cansad[oa]|pesados|no solicitad\w*)\b
es-soft SOFT
  \bno[, ]+(?:muchas )?gracias\b
  \bno (?:me |nos |estoy |estamos |me resulta |nos resulta )?(?:interesa\w*|interesad\w+|necesit\w+)\b
  \b(?:por ahora|de momento|en este momento|por el momento|ahora) no\b
  \bno (?:por ahora|de momento|tenemos interes|tengo interes)\b
es-keep KEEP
  \bno (?:quiero |deseo |queria |pretendo |hace falta |he pedido )?(?:que )?(?:me|nos)? ?(?:de[ins]*|dar\w*|deis|den
  |des|quiten|quiteis|borr\w+|elimin\w+|saqu\w+|causar|dado|desuscri\w+)(?:me|nos)?\b(?: (?:de baja|de la lista
  |la baja|baja))?(?! m[a]s)
  \b(?:baja|borr\w+|desuscri\w*)\b~\b(?:por error|sin querer|por equivocacion)\b
  \bni se les? ocurra\b[^.!?\n]{0,40}
  \bno quiero perder\w*\b
  \bpor error\b[^.!?\n]{0,40}
  \b(?:volver a (?:suscrib|apunt|dar\w* de alta)|dar\w* de alta)\w*
es-missing KEEP
  \b(?:ya )?no (?:me |nos )?(?:recib\w+|llega\w*)\b[^.!?\n]{0,40}
es-aside ASIDE
  \b(?:nuestros|mis|sus|los|tus|vuestros) (?:propios )?(?:clientes|suscriptores|usuarios|contactos|destinatarios
  |socios|lectores)\b~\b(?:de baja|baja|desuscri\w*)
  \b(?:bajas|baja)\b~\b(?:de (?:nuestros|mis|los|sus) (?:clientes|suscriptores|usuarios|contactos)|del (?:curso
  |taller|gimnasio|viaje|servicio|evento)|de la (?:excursion|clase|actividad|reserva))
  \b(?:dimos|dar|damos|dieron|di|se dio) de baja (?:el|la|al|los|las|un|una)\b
  \bquien se dio de baja\b
  \b(?:vecino|amig\w|cliente)\b~\bde baja\b
  \benlace de baja\b
  \bgestion\w*\b~\bbajas\b
  \bbaja (?:laboral|medica|maternal|por maternidad|por enfermedad)
es-you-may ASIDE
  \b(?:puede|puedes|podra|podras|para)\b[^.!?\n]{0,20}\b(?:dar(?:se|te) de baja|cancelar su suscripcion)\b[^.!?\n]{0,60}
es-left LEFT
  \bya no (?:trabaja|esta|forma parte|pertenece|existe|es)\b
  \b(?:ha dejado|dejo|se ha jubilado|se jubilo|jubilad\w+|fallecio|fallecid\w+|ha fallecido|murio|ha muerto)\b
  \b(?:persona|destinatario|direccion) equivocad\w+
es-auto AUTO
  \brespuesta auto\w+
  \b(?:mensaje|correo|respuesta|e-?mail)\b~\b(?:generad\w+ |enviad\w+ )?automatic\w+
  \bno respond(?:a|er|as|ais) a este (?:mensaje|correo|e-?mail)
  \bautorrespuesta\b
es-away AWAY
  \bfuera de (?:la )?oficina\b
  \b(?:estoy|estare|estamos|estaremos) (?:de vacaciones|fuera|ausente\w?|de baja)\b
  \bausente\b
  \bde vacaciones\b
  \b(?:vuelvo|regreso|volvere|regresare|a mi (?:vuelta|regreso))\b
  \b(?:estamos|permanecera|oficina|tienda)\b~\bcerrad\w+
  \b(?:hemos recibido|ha sido (?:recibid|registrad)\w+|se ha registrado)\b
  \bnumero de (?:ticket|incidencia|caso)
es-access RIGHT:access
  \bderecho de acceso\b
  \b(?:articulo|art\.?) ?15\b
  \b(?:que|cuales|copia de|todos los|facilit\w+|envi\w+|indi\w+|remit\w+|proporcion\w+)\b~\b(?:datos
  |informacion)\b~\b(?:sobre mi|mios|personales|tienen|tien\w+|conserv\w+|almacen\w+|guard\w+|dispon\w+
  |me conciern\w+|poseen|trat\w+)\b
es-erasure RIGHT:erasure
  \bderecho (?:de|al?) (?:supresion|cancelacion|olvido)
  \b(?:articulo|art\.?) ?17\b
  \b(?:borr|elimin|suprim|supres|cancel|destru)\w*\b~\b(?:datos|cuenta|perfil|ficha|informacion|registros?
  |expediente|todo lo)\b
es-rectification RIGHT:rectification
  \brectific\w+
  \b(?:articulo|art\.?) ?16\b
  \b(?:corrij\w+|corregir\w*|actualiz\w+|modifi\w+|cambi\w+)\b~\b(?:datos|nombre|apellidos?|direccion|correo|e-?mail)\b
  \b(?:nueva|nuevo) (?:direccion|correo|e-?mail)\b
es-portability RIGHT:portability
  \bportabilidad\b
  \b(?:articulo|art\.?) ?20\b
es-restriction RIGHT:restriction
  \blimitacion del tratamiento\b
  \b(?:articulo|art\.?) ?18\b
es-objection RIGHT:objection
  \bme opongo\b
  \bnos oponemos\b
  \bderecho de oposicion\b
  \b(?:articulo|art\.?) ?21\b
  \boposicion al tratamiento\b
  \bejerz?\w*\b~\boposicion\b
es-complaint RIGHT:complaint
  \b(?:denunci\w*|reclam\w*|queja|demand\w+|acudir\w*|informar\w*|presentar\w*)\b~\b(?:agencia|aepd
  |proteccion de datos|autoridad\w*|abogad\w+|consumo|ocu|facua|policia|juzgado)
  \baepd\b~\b(?:denunci\w*|reclam\w*)
  \b(?:pondre|presentare|interpondre)\b~\b(?:denuncia|reclamacion|queja)\b
  \bacciones legales\b
es-source RIGHT:source
  \b(?:de donde|donde|como|quien|de que)\b[^.!?\n]{0,25}\b(?:han|has|habeis|ha|saca\w*|obtuv\w+|obten\w*|consegui\w*
  |consigui\w*|tienen|tienes|teneis|sacasteis|les|os|te)\b~\b(?:mi|mis|nuestro|nuestra|este|esta
  |estos) (?:\w+ )?(?:correo|direccion|e-?mail|mail|datos|contacto|nombre|telefono)\w*
  \bquien\b~\b(?:dado|dio|vendi\w+|vendido|cedi\w+|facilit\w+|proporcion\w+|paso|pasado)\b
  \b(?:origen|procedencia) de (?:mis|los|estos) datos\b
es-law LAW
  \brgpd\b
  \blopd\w*
  \blssi\b
  \baepd\b
  \bproteccion de datos\b
  \bdatos personales\b
  \babogad\w+
  \bdpd\b
  \bilegal\w*
es-out REFUSAL
  \b(?:saqu|saca|baj|quit|borr|retir|remuev|remov|elimin|exclu)\w*(?:enme|eme|adme|ame|ennos|adnos|enos|enlo|enla
  |enlos|enlas|arme|arnos)\b
  \b(?:me|nos) (?:pod\w+|pued\w+|podria\w*|quit\w+|borr\w+|sac\w+)\b~\b(?:quitar|borrar|sacar|eliminar|quitan|borran
  |favor)\b
  \b(?:anul\w*|cancel\w*|elimin\w*|remover|rmover|borrar|quitar)\b (?:la |mi |el |de |esta |nuestra |su |del[ ]
  |al )*(?:suscripcion|boletin|correo|e-?mail|mail|contacto|base|lista|newsletter|inscripcion)\b
  \b(?:salir|fuera) de (?:la|su|esta|mi|vuestra)\b~\b(?:lista|bandeja|base|newsletter)
  \beliminacion de\b~\b(?:contacto|correo|lista)
es-no-return REFUSAL
  \bno (?:vuelv\w+|volver)\b~\b(?:a )?(?:escrib\w+|contact\w+|enviar\w*|mandar\w*|preguntar|llamar\w*|molestar\w*)\b
  \bprefer\w+ (?:que )?no\b~\b(?:recib\w+|escrib\w+|seguir|envi\w+|mand\w+|me|contact\w+)\b
  \bno hace falta que\b~\b(?:sigan|escrib\w+|envi\w+|mand\w+)\b
  \bno (?:me|nos) (?:lo |la |los |las )?(?:mand|envi|escrib|remit|llam)(?:en|eis|es|an)\b
  \bni (?:me|nos)\b~\bni (?:me|nos)\b
  \bno insist\w+
  \bni un[oa]? mas\b
  \bningun\w* (?:oferta|correo|mensaje|envio)\w* mas\b
  \b(?:abstengan\w*|absteng\w+|detenga\w*|detengan\w*|corten|cortar|corta\w+)\b~\b(?:envio\w*|correos?|contactos?
  |publicidad|la|los|favor)\b
  \bni correos ni
  \bya no (?:quiero|deseo|queremos)\b
  \bno kiero\b
  \bno dese[ao]\w* (?:mas|recibir|ningun\w*)
  \bnunca mas\b
es-trade TRADE
  \b(?:presupuesto|precios?|cuanto|cuesta\w*|pedido|envio a|entreg\w+|cita|llamen?me|llamad|factura|disponib\w+
  |descuento|talla|modelo|paquete|garantia|compatible|catalogo|contrat\w+|entradas|reserv\w+|demo\w*|prueba|folleto
  |propuesta|reunion|horarios?|abiert\w+|pagar|pago|plazas?|curso|taller|me interesa\w*|nos interesa\w*|apunt(?:ad
  |en|e)me|suscribirme|comprar|oferta corregida|instal\w+)\b
es-glad GLAD
  \b(?:me encanta\w*|nos encanta\w*|enhorabuena|felicid\w+|genial|estupend\w+|perfecto|excelente|con mucho gusto
  |de acuerdo|adelante|gracias por|bravo|sigan asi|seguid asi|feliz|buen\w* noticia|encantad\w+|vale|cuenten conmigo
  |precios\w+|recibido)\b
es-source-named RIGHT:source
  \b(?:que|cual|quien|nombre de|a quien)\b~\b(?:empresa|proveedor|socio|intermediario|vendedor|compraron|vendio|paso
  |pasaron|dio|dieron)\b~\b(?:datos|contacto|nombre|direccion|correo|mis|mi)\b
  \bbase legal\b
  \bprueba\b~\bconsentimiento\b
  \bde que me conoc\w+
  \bde donde salio\b
  \bpas\w+ (?:los|mis|mi)\b~\b(?:datos|contactos?|correo)\b
es-access-file RIGHT:access
  \b(?:ver|consultar|copia|figura|ensen\w+|acceder)\b~\b(?:mi|mis|de mi)\b ?~\b(?:ficha|expediente|registro|datos
  |informacion)\b
  \btodo lo que\b~\b(?:sabe\w*|tien\w+|guard\w+)\b
  \bsobre mi\b
es-erasure-all RIGHT:erasure
  \b(?:que no quede|no quede|desapare\w+|destruy\w+|vaci\w+)\b
  \bcierren\b~\bcuenta\b
  \brastro\b
es-authority LAW
  \b(?:superintendencia|agencia de proteccion|autoridad\w*|delegado de proteccion|abogad\w+|reclamacion|denuncia)\b
es-hours AWAY
  \b(?:fuera de (?:hora|horario|nuestro horario)|horario es|festivo|feriado|referencia|numero de expediente
  |aviso (?:automatico|del sistema)|no trabajo|tardamos)\b
"""
