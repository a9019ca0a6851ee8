"""Closed word classes that evidence features need: small, reviewable tables. English here, other languages from `languages.py`.

Every key is lower case and without accents.
"""

from __future__ import annotations

from detectors.text import languages
from detectors.text.stem import stem


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOPWORDS = (
    _words("""
a about above after again against all also although am among an and any are aren't around as at be
because been before being below between both but by can can't cannot could couldn't did didn't do
does doesn't doing don't down during each either else ever every few for from further get gets got
had hadn't has hasn't have haven't having he he'd he'll he's hence her here here's hers herself him
himself his how how's however i i'd i'll i'm i've if in instead into is isn't it it'd it'll it's its
itself just let let's like may me might more most much must mustn't my myself no nor not of off often
on once only onto or other others ought our ours ourselves out over own per perhaps quite rather
really same shall she she'd she'll she's should shouldn't since so some such than that that'd that'll
that's the their theirs them themselves then there there's therefore these they they'd they'll
they're they've this those though through thus to too toward towards under unless until up upon us
very via was wasn't we we'd we'll we're we've well were weren't what what's when when's where where's
whether which while who who's whom whose why why's will with within without won't would wouldn't yet
you you'd you'll you're you've your yours yourself yourselves s t re ve ll d m lrb rrb etc eg ie
""")
    | languages.STOPWORDS
)

NEGATIONS = (
    _words("""
no not never none neither nor nothing nobody nowhere without cannot can't couldn't didn't doesn't
don't hadn't hasn't haven't isn't mustn't shouldn't wasn't weren't won't wouldn't aren't ain't n't
hardly barely rarely seldom lack lacks lacked unable fail fails failed refuse refused deny denied
prohibited prohibits forbidden excluded excludes banned except
""")
    | languages.NEGATIONS
)

FIRST_PERSON = _words("i i'd i'll i'm i've me my mine myself we we'd we'll we're we've us our ours")
SECOND_PERSON = _words("you you'd you'll you're you've your yours yourself")

# Words with which an answer talks about itself, its sources or its own limits, not about the world, and verbs that say little themselves.
META = _words("""
passage passages text context document documents article excerpt source sources provided given
based according information answer question mention mentioned mentions state stated states specify
specified specific explicitly directly summary overall conclusion additionally furthermore moreover
following follow here note sorry unfortunately unable available detail details refer regarding
include includes including included involve involves involving provide provides providing help helps helping
allow allows allowing make makes making use uses using need needs become appear appears
""")

HEDGES = _words(
    "maybe perhaps possibly probably likely unlikely seems seem appear appears might could may generally "
    "typically usually often sometimes think believe guess sure suppose tend tends"
)

#: What amounts are counted in, stemmed as terms are: "an hour" that the context does not hold is a number made up.
MEASURES = frozenset(
    map(
        stem,
        _words("""
second minute hour day week month year decade century dollar euro pound percent degree inch foot mile meter kilometer gram kilogram ounce
cup teaspoon tablespoon liter gallon calorie
stunde stunden tag tage woche wochen monat monate jahr jahre heure heures jour jours semaine semaines mois annee annees
hora horas dia dias semana semanas mes meses ano anos ora ore giorno giorni settimana mese mesi anno anni uur dag dagen week weken maand maanden jaar
"""),
    )
)

#: Words beside numbers that an answer has worked out.
WORKED_OUT = _words("""
more less fewer longer shorter higher lower later earlier total totals altogether together difference extra saved left remain remaining
zusammen insgesamt mehr weniger
""")

_UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
ORDINALS = (
    "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth "
    "fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"

NUMBER_WORDS = {
    **{word: str(i) for i, word in enumerate(_UNITS.split())},
    **{word: str(i) for i, word in enumerate(ORDINALS.split())},
    **{word: str(20 + 10 * i) for i, word in enumerate(_TENS.split())},
    **{"once": "1", "twice": "2", "thrice": "3", "dozen": "12", "hundred": "100", "thousand": "1000"},
    **languages.NUMBER_WORDS,
}

SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "k": 1e3, "bn": 1e9, **languages.SCALES}

# Spellings of one thing: months, units and abbreviations, each mapped to one form.
SAME = {
    "jan": "january", "feb": "february", "mar": "march", "apr": "april", "jun": "june", "jul": "july",
    "aug": "august", "sep": "september", "sept": "september", "oct": "october", "nov": "november",
    "dec": "december", "km": "kilometer", "kms": "kilometer", "kilometre": "kilometer",
    "kilometres": "kilometer", "kilometers": "kilometer", "cm": "centimeter", "centimetre": "centimeter",
    "mm": "millimeter", "kg": "kilogram", "kgs": "kilogram", "lb": "pound", "lbs": "pound", "oz": "ounce",
    "ft": "foot", "feet": "foot", "hr": "hour", "hrs": "hour", "min": "minute", "mins": "minute",
    "sec": "second", "secs": "second", "yr": "year", "yrs": "year", "percent": "percent",
    "percentage": "percent", "usa": "usa", "u.s": "usa", "u.s.a": "usa", "us": "us", "u.k": "uk",
    "dr": "doctor", "st": "saint", "mt": "mount", "vs": "versus", "ok": "okay", "mom": "mother",
    "mum": "mother", "dad": "father", "tv": "television", "movie": "film", "movies": "film",
    "films": "film", "fahrenheit": "f", "celsius": "c", "colour": "color", "favourite": "favorite",
    "centre": "center", "theatre": "theater", "metre": "meter", "litre": "liter", "grey": "gray",
    "kids": "child", "kid": "child", "children": "child", "people": "person", "persons": "person",
    "men": "man", "women": "woman", "wives": "wife", "lives": "life", "teeth": "tooth", "mice": "mouse",
    "best": "good", "better": "good", "worse": "bad", "worst": "bad",
    "%": "percent", "prozent": "percent", "$": "dollar", "usd": "dollar", "€": "euro", "eur": "euro", "£": "pound", "gbp": "pound", "chf": "franc",
    **languages.SAME,
}  # fmt: skip

_IRREGULAR = """
arise arose arisen|awake awoke awoken|bear bore borne born|beat beaten|become became|begin began begun|
bend bent|bet|bind bound|bite bit bitten|bleed bled|blow blew blown|break broke broken|breed bred|
bring brought|build built|burn burnt|buy bought|catch caught|choose chose chosen|come came|
creep crept|deal dealt|dig dug|draw drew drawn|dream dreamt|drink drank drunk|drive drove driven|
eat ate eaten|fall fell fallen|feed fed|feel felt|fight fought|find found|flee fled|fly flew flown|
forbid forbade forbidden|forget forgot forgotten|forgive forgave forgiven|freeze froze frozen|
give gave given|go went gone goes|grow grew grown|hang hung|hear heard|hide hid hidden|hold held|
keep kept|kneel knelt|know knew known|lay laid|lead led|leave left|lend lent|lie lain|lose lost|
make made|mean meant|meet met|pay paid|ride rode ridden|ring rang rung|rise rose risen|run ran|
say said says|see saw seen|seek sought|sell sold|send sent|shake shook shaken|shine shone|
shoot shot|show shown|shrink shrank shrunk|sing sang sung|sink sank sunk|sit sat|sleep slept|
slide slid|speak spoke spoken|spend spent|spin spun|stand stood|steal stole stolen|stick stuck|
strike struck stricken|swear swore sworn|sweep swept|swim swam swum|swing swung|take took taken|
teach taught|tear tore torn|tell told|think thought|throw threw thrown|understand understood|
wake woke woken|wear wore worn|weave wove woven|win won|wind wound|write wrote written|
withdraw withdrew withdrawn|undergo underwent undergone|overcome overcame
"""
for _group in _IRREGULAR.replace("\n", "").split("|"):
    _base, *_forms = _group.split()
    SAME.update(dict.fromkeys(_forms, _base))
