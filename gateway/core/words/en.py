"""English: what refuses, what keeps, what invokes a right. Read `gateway.core.intent_words` for how to read this."""

RULES = r"""
en-unsubscribe-me REFUSAL
  \b(?:unsub\w*|unsuscri\w*|un-subscri\w*|un subscribe|deregister|opt)[- ]*(?:me|us|my|our|this|out (?:me|us))\b
  \bopt(?:ing)? (?:me |us )?out of (?:your|all|any|these|this|further|future)
en-unsubscribe-wish REFUSAL
  \b(?:please|pls|plz|kindly|want|wants|wish|like to|need|request\w*|asked?|asking|trying|tried|try|can you
  |could you|would you|cannot|can't|cant|unable|immediately|let me|how do i|how can i
  |how to)\b(?! your)~\b(?:unsub\w*|unsuscri\w*|opt(?:-| |ed )?out|be (?:removed|deleted|taken off))
en-remove-me REFUSAL
  \b(?:remove|delete|drop|strike|scrub|cross|take|get|cut|erase|scratch|purge|wipe)\b (?:me|us|my|our|this|him|her
  |them|his|their)\b~(?:\b(?:off|from|out)\b|$|[.!?\n,]|\b(?:address|e-?mail|name|details|contact|info\w*|addresses)\b)
en-remove-from REFUSAL
  \b(?:remove|delete|take|get|drop|removal|strike|exclude)\w*\b[^.!?\n]{0,60}\b(?:from|off|of)\b (?:your|the|this
  |all|any|that|ur|every|these)?~\b(?:lists?|mailing\w*|database|records|newsletters?|system|distribution|crm
  |emails?|mailings|files)\b
en-remove-named REFUSAL
  \b(?:remove|delete|unsubscribe|drop|block|take)\b[^!?\n]{0,60}@[\w-]
en-do-not REFUSAL
  (?<!you )\b(?:don'?t|do not|dont|never|must not|shouldn'?t|stop)\b (?:you )?(?:ever )?(?:e-?mail\w*|contact\w*
  |write|writing|send\w*|messag\w+|mail\w*|spam\w*|bother\w*|pester\w*|call\w*|harass\w*|bombard\w*|text\w*|reach\w*
  |solicit\w*|trying to sell)\b(?!~\bonly\b)
en-no-more REFUSAL
  \b(?:no (?:more|further|longer)|any (?:more|further|longer)|anymore)\b~\b(?:e-?mails?|mail|messages?|newsletters?
  |spam|contact\w*|communications?|marketing|correspondence|hear|receiv\w+|offers? from you|wish to receive|ads?
  |promotions?)\b
  \b(?:don'?t|do not|dont|never|no longer|not) (?:want|wish|need|care|like)\b~\b(?:hear from|receive|get|getting
  |receiving|your (?:e-?mails?|mails?|spam|messages|newsletters?)|these|emails?|contacted)\b~\b(?:you|your|emails?
  |messages?|mails?|spam|newsletters?|these|anymore|again|more|this|stuff|contacted|offers|marketing|it)\b
en-leave-me REFUSAL
  \bleave (?:me|us) (?:the \w+ )?(?:alone|be|in peace)\b
  \b(?:piss|bugger|sod|fuck|f\*+k|eff|buzz|push|clear|back|go|rack) ?off\b
  \b(?:lose|forget|burn|bin|shred|ditch) (?:my|our|this) (?:e-?mail|address|number|details|contact|name)
  \bget lost\b
  \bgo away\b
  \bforget (?:about me|i exist|me)\b
  \bcease and desist\b
  \bknock it off\b
  \bget me off\b
en-stop-it REFUSAL
  \b(?:stop|cease|quit|enough|end)\b (?:\w+ )?(?:these|this|the|your|all|it|sending|with|of|spamm?ing
  |any)\b~\b(?:e-?mails?|mails?|messages?|spam\w*|newsletters?|marketing|mailings?|harass\w*|sending|nonsense
  |rubbish|junk|contact\w*|crap|communication\w*|processing)\b
en-withdraw REFUSAL
  \bwithdraw\w* (?:my|our|any|all) (?:consent|permission|authori[sz]ation)
  \brevok\w+ (?:my|any|all) (?:consent|permission)
  \bdo not (?:have|consent)\b~\b(?:my|consent|permission)
  \bno consent\b~\b(?:remove|stop)
en-suppress REFUSAL
  \b(?:suppression list|do[- ]not[- ](?:contact|mail|email|call)( list)?|dnc list|blocklist me|blacklist)\b
en-unsubscribe MENTION
  \bunsub\w*
  \bopt(?:-| |ed |ing )?out
  \bspam\w*
  \bjunk\b
  \bunsolicited\b
  \bharass\w*
  \bstop\b
en-annoyed MENTION
  \b(?:never (?:signed|subscribed|asked|gave|opted|consented|requested|agreed)|didn'?t (?:ask|sign|subscribe|agree
  |consent)|did not (?:ask|sign|subscribe|agree|consent)|without my (?:consent|permission)|sick of|tired of|fed up
  |how many times|blocked?|reported? (?:as|you))\b
en-soft SOFT
  \b(?:no|nope)[, ]+(?:thank\w*|thx|ta|cheers)\b
  \bnot (?:really |currently |at all )?(?:interested|relevant|for (?:us|me)|at this time|right now|at the moment
  |needed|a (?:good )?fit|in the market|looking)\b
  \b(?:we'll|i'll|we will|i will|going to) pass\b
  ^pass\b
  \bwe (?:have|are) (?:no need|all set|sorted|covered)\b
  \ball set\b
  \bno (?:interest|need)\b
  \bmaybe (?:later|next year|another time)\b
en-keep KEEP
  (?<!you )(?<!why )\b(?:don'?t|do not|dont|never|not)\b (?:please |ever |want (?:you )?to |wish to |mean to[ ]
  |intend to |going to |to |trying to |asking (?:you )?to |you dare )*(?:be )?(?:unsub\w*|unsuscri\w*|(?:remove
  |removed|delete|drop|take|cut) (?:me|us|my|our)\b(?: \w+)?(?: off)?|removed|(?:be )?dropped|opt(?:ing)? out
  |stop (?:sending|emailing|writing|these|the))
en-keep-mistake KEEP
  \b(?:unsub\w*|removed|opted out|clicked)\b~\b(?:by mistake|by accident|accidental\w*|in error|mistakenly)
  \b(?:accidentally|mistakenly|by mistake|by accident) (?:unsub\w*|opted out|removed|clicked)
  \bkeep (?:me|us) (?:on|in|posted|subscribed|informed|updated)
  \bnever asked to be (?:unsubscribed|removed)\b
  \b(?:ignore|disregard)\b~\b(?:opt-?out|unsub\w*|my last|previous)\b
  \b(?:re-?subscribe|re-?add|put me back|sad to be dropped|where i am|add me back|sign me (?:back )?up)\b
en-missing KEEP
  \b(?:no longer|not|stopped|n't|haven't) (?:receiv\w+|getting|been getting|been receiving|get|receive) (?:your|the
  |any|my)\b
en-aside ASIDE
  \b(?:our|my|their|your|the|own|of|let|lets|for|when|if|how|those|each|every) (?:own )?(?:customers?|clients?
  |subscribers?|contacts|recipients|users?|members?|donors?|people|guests|readers|visitors?|patients?|someone
  |somebody|anyone)\b~\b(?:unsub\w*|opt(?:s|ed|ing)?[- ]?(?:s |ed )?out|opt-outs?|removed?)
  \b(?:my|our) (?:own )?(?:customers|clients|subscribers|readers|users)\b
  \b(?:unsub\w*|remove|opt out) (?:my|our|a|their) (?:\w+ )?(?:customers?|clients?|subscribers?|readers?|users?
  |contacts?|members?|product\w*|photo\w*|item\w*|hard drive|passenger)\b
  \b(?:handle|handles|manage|manages|support|supports|process|track|tracks|include|includes|automatic|feature|rate
  |rates|integrat\w+)\b~\b(?:unsub\w+|opt-?outs?)
  \b(?:unsub\w+|opt-?out)[- ](?:rates?|links?|pages?|buttons?|features?|handling|requests?|management
  |lists?)\b~\b(?:feature|your (?:tool|software|platform|product)|does|customers?|customi[sz]e|built)
en-you-may ASIDE
  \b(?:to|you (?:can|may)|if you (?:want|wish|would like) to)\b[^.!?\n]{0,12}\b(?:unsub\w*|opt[- ]out) (?:from|of
  |at any time|by|click|reply|at|text|here)\b[^.!?\n]{0,60}
en-left LEFT
  \b(?:has |have |had )?(?:left|leaves|leaving) (?:us|the (?:company|firm|business|organi[sz]ation|team|charity
  |school|practice)|our)
  \bno longer (?:work\w*|with|at|employed|here|in|part|exists?|on this|our)
  \b(?:doesn'?t|does not|don'?t) work\b~\b(?:here|anymore|any more)
  \b(?:passed away|deceased|died|is dead|late (?:husband|wife|father|mother))\b
  \bretired\b
  \bmoved on\b
  \bwrong (?:person|address|email|recipient)\b
en-auto AUTO
  \bauto(?:matic|mated|-|matically)? ?(?:reply|response|replies|responder|generated|message|email|answer|notification|notice)
  \bautoresponder\b
  \b(?:do not|don'?t) reply (?:directly )?to this (?:e-?mail|message)
  \btype your reply above
  \bthis (?:is an|e?-?mail is an|message (?:is|was)) (?:auto\w*|unmonitored)
  \b(?:mailbox|inbox|address) is (?:not|un)(?: |-)?(?:monitored|attended|being)
en-away AWAY
  \bout of (?:the )?office\b
  \booo\b
  \b(?:on|away on) (?:annual |maternity |parental |sick |paternity )?(?:leave|holiday|vacation|pto)\b
  \baway (?:from|until|for|on)\b
  \b(?:will )?(?:be )?(?:back|return(?:ing)?) (?:on|in the office|to the office|in|at work)\b
  \blimited access to (?:e-?)?mail
  \b(?:has|have) been (?:received|logged|assigned)\b
  \b(?:is|are|will be) closed\b
  \bticket\b~\b(?:number|created|received|id|#)
  \bthanks? (?:you )?for (?:contacting|your message|your e-?mail|getting in touch)\b
en-access RIGHT:access
  \b(?:subject access|access request|dsar|sar)\b
  \bright (?:of|to) access\b
  \b(?:article|art\.?) ?15\b
  \b(?:copy|copies|details|send|provide|supply|disclose|show|know|list|tell me)\b~\b(?:data|information|info
  |everything|what)\b~\b(?:you )?(?:hold|have (?:on|about)|stored?|keep|about me|on me|process)\b
en-erasure RIGHT:erasure
  \bright to (?:be forgotten|erasure|deletion|delete)\b
  \b(?:article|art\.?) ?17\b
  \b(?:delete|erase|destroy|wipe|purge|remove|deletion of|erasure of|removal of)\b~\b(?:all |any |my |our |personal[ ]
  |every)~\b(?:data|information|info|records?|account|profile|details|everything|trace|files?)\b
  \b(?:delete|erase|wipe|destroy) (?:everything|it all|the lot|all of it)\b
en-rectification RIGHT:rectification
  \bright to rectification\b
  \b(?:article|art\.?) ?16\b
  \b(?:correct|rectify|amend|fix|update|change|misspell?\w*|mis-?spelt|wrong)\b~\b(?:my|our)? ?(?:e-?mail|name
  |address|details|record|surname|data|title|spelling|information)\b
  \b(?:new|changed|changing|moved) (?:my )?(?:e-?mail )?address\b
  \buse\b~@~\b(?:instead|from now|in future)
en-portability RIGHT:portability
  \bportab\w+\b
  \b(?:article|art\.?) ?20\b
  \bmachine[- ]readable\b
en-restriction RIGHT:restriction
  \brestrict\w*\b~\bprocessing\b
  \b(?:article|art\.?) ?18\b
en-objection RIGHT:objection
  \b(?:i|we|hereby) object\b
  \bobject\w* to\b~\b(?:processing|marketing|use|profiling|my)
  \bright to object\b
  \b(?:article|art\.?) ?21\b
en-complaint RIGHT:complaint
  \b(?:complain\w*|report\w*|escalat\w+|file|filed|lodg\w+|referr?\w*|notify|going)\b~\b(?:ico
  |information commissioner\w*|data protection (?:authority|commission\w*)|ftc|regulator|supervisory|dpc|dpa
  |attorney general|spamcop|cnil|lawyer|solicitors?|trading standards|authorit\w+)\b
  \b(?:ico|ftc|regulator|my lawyer|solicitors?)\b~\b(?:complain\w*|will|hear|next|report\w*)
  \blegal action\b
  \bsmall claims\b
en-source RIGHT:source
  \b(?:where|how|who)\b[^.!?\n]{0,15}\b(?:did|do|have|has|had|come|comes|on earth|the hell|exactly)\b~\b(?:get|got
  |obtain\w*|find|found|acquir\w*|source\w*|buy|bought|came|come|have|gotten)\b~\b(?:my|this|our
  |these) (?:\w+ )?(?:e-?mail|address|details|name|data|contact|info\w*|number)
  \bwho (?:gave|sold|passed|provided|supplied|shared|told)\b~\b(?:you|my|our)\b
  \b(?:source|origin) of (?:my|this|our|these|the) (?:\w+ )?(?:data|details|address|e-?mail|info\w*|contact)
en-law LAW
  \bgdpr\b
  \bcan-?spam\b
  \bpecr\b
  \bccpa\b
  \bcasl\b
  \bdata protection\b
  \bico\b
  \bprivacy (?:law\w*|rights?|officer|act)\b
  \bpersonal data\b
  \bdpo\b
  \bmy rights\b
  \billegal\b
  \bunlawful\w*
en-refrain REFUSAL
  \b(?:refrain from|desist|discontinue)\b
  \b(?:would like|want|'?d like|wish|get) (?:to be |to get )?(?:off|out of|out)\b (?:of )?(?:this|your|the|it|here
  |these|every|that)
  \b(?:cancel|end|kill|stop|terminate|discontinue) (?:my|this|our|the|all) (?:subscription|e-?mails?
  |newsletters?)s?\b(?! (?:reminders?|of my customers))
  \b(?:stop|end|cease) (?:it|this|these|those|them)\b(?! (?:order|payment|machine))
  \bjust stop\b
  ^stop\b[ ,.!]*(?:it|please|now|already|ok)?[ .!]*$
en-rather-not REFUSAL
  \b(?:rather|prefer)\b (?:not|you (?:didn'?t|did not|stopped)|if you (?:didn'?t|stopped))\b~\b(?:get|receiv\w+|hear
  |be contacted|e-?mail\w*|send|sent|write|any)\b
  \b(?:don'?t|dnt|do not|dont|never|no longer) (?:want|need|wish for|require)\b (?!to (?:miss|lose))~\b(?:e-?mails?
  |newsletters?|spam|marketing|mailings?|messages from)\b
  \bno (?:marketing|adverts?|ads|advertising|promotional|promotions?|newsletters?|spam)\b~(?:\b(?:e-?mails?|please
  |anymore)\b|$|[.!])
  \bdon'?t (?:follow up|chase|use (?:my|this|our))
  \bstop (?:chasing|pitching|pestering|following|selling|bugging|the|those|that|your|with)\b(?! (?:order|delivery
  |machine|alarm|press\w*|car|payment))
en-unsubscribe-bare REFUSAL
  (?:^|[,.!;:\n] ?)(?:please |pls |plz |just )?(?:unsub\w*|opt[- ]?out)(?: me| us| please| pls| now| asap
  | immediately| this \w+| my \w+)*[ .!]*$
  \b(?:already|have|i'?ve|times?)\b~\bunsubscribed?\b(?! (?:from everybody|from every|by))~(?:times?|again|still
  |before|\bbut\b|already|$)
  \bunsubscri\w+ (?:link|page|button|form|process|option)\b~\b(?:broken|work\w*|fail\w*|error|nothing|dead|404
  |loops?|missing|expired)
  \b(?:opt[- ]?out|unsubscribe) link\b~\bnothing\b
  \b(?:removing|dropping|taking|deleting) (?:me|us|my|our)\b~\b(?:from|off)\b
  \b(?:kindly|please|to) (?:remove|delete|drop) (?:it|this|both|them|me|us)\b(?! (?:line|item|photo|page))
  \bno need to (?:keep )?(?:writ|send|email|contact)\w*
  \bi'?m out\b
  \bi want out\b
en-trade TRADE
  \b(?:quote|prices?|pricing|orders?|ordered|deliver\w*|shipping|ship|demo|trial|appointment|book(?:ed|ing)?|call me
  |invoice|stock|discount|how much|cost|costs|sizes?|model|parcel|refund\w*|warranty|compatible|catalogue|catalog
  |sign me up|subscribe me|contract|tickets?|session|available|brochure|proposal|meeting|schedule|zoom|install\w*
  |payment|pay|plan|plans|seats?|samples?|open(?:ing)?|webinar|course|reseller|next steps)\b
en-glad GLAD
  \b(?:love|loved|great|lovely|wonderful newsletter|well done|congrat\w*|thanks for|thank you for|happy to
  |happy (?:new|birthday|easter)|keep (?:them|it|up|me)|looking forward|count me in|sounds good|sounds great|perfect
  |excellent|brilliant|interested in|i'?m interested|yes please|please do|excited|enjoy\w*|good luck|cheers
  |best wishes|noted|received)\b
en-source-named RIGHT:source
  \b(?:which|what|whose|name of)\b~\b(?:broker|company|partner|list|vendor|supplier|source|whoever|seller)\b~\b(?:my
  |you|this|me)\b
  \b(?:how|where)\b~\b(?:know me|came? (?:by|across)|come (?:by|across)|have it)\b
  \b(?:proof|record|evidence) of\b~\bconsent\b
  \b(?:when and where|where and when|legal basis)\b
  \b(?:buy|bought|purchas\w+) (?:a|my|this|the)\b~\b(?:list|address|name|from)\b
  \bsupplied you\b
  \bwho (?:sold|gave|supplied|passed|handed)\b
en-access-file RIGHT:access
  \b(?:see|view|show me|access|what'?s in|read)\b~\bmy\b~\b(?:file|record|data|information|details|profile)\b
  \b(?:whatever|all|everything|what)\b~\b(?:knows?|hold|holds|stored|keep|have) (?:about|on) me\b
  \b(?:disclosed|shared)\b~\b(?:with whom|to whom)
  \b(?:with|to) whom\b
  \bstored about me\b
en-erasure-all RIGHT:erasure
  \bno trace\b
  \bnothing about me\b
  \b(?:anonymi[sz]e|destroy|wipe|erase|purge)\w*\b~\b(?:file|history|details|everything|it all|data|records?
  |information)\b
  \b(?:data|information|records?|details)\b~\b(?:erased|wiped|destroyed|deleted|disappear|purged)\b
  \berasure\b
  \bbe forgotten\b
en-authority LAW
  \b(?:supervisory authority|regulator|attorney general|privacy commissioner|authorities|my lawyer|solicitor
  |data protection officer|dsb|dpc)\b
en-hours AWAY
  \b(?:opening hours|our hours|bank holiday|case number|reference number|under reference|system notice
  |outside (?:our|of our|office)|working days|business days|secondment|monday to friday)\b
"""
