"""Closed word classes of German, French, Spanish, Italian, Dutch and Portuguese, written without accents, as `words.plain` gives them.

One list for all: what language a text is in is never asked. Words that mean something else in English (`die`, `war`, `plus`, `once`) are left out; a
function word of an answer that its context holds too does no harm as a content word.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOPWORDS = _words("""
der das den dem des ein eine einen einem einer eines und oder aber auch als wie wenn dass ob weil denn doch nur noch schon sehr mehr
ist sind waren wird werden wurde wurden sein seine seinen seinem seiner haben hatte hatten kann konnen konnte konnten muss mussen
soll sollen sollte sollten darf durfen mochte mochten ich du er sie wir ihr ihre ihren ihrem ihrer ihnen mich mir dich dir uns euch sich es
mein meine dein deine unser unsere im am um bei beim zu zum zur von vom nach mit aus auf fur uber unter zwischen durch gegen bis seit vor
hinter neben wahrend nicht kein keine keinen keinem keiner nichts nie ohne ja nein hier dort dann dabei dazu davon daran damit dafur darauf
jedoch allerdings sowie etwa rund bereits jeweils insgesamt selbst bitte dieser diese dieses diesen diesem welche welcher welches
le la les un une et ou mais ainsi que qui quoi dont ce cet cette ces est sont etait etaient etre ete avoir ont avait avez avons vous nous
je tu il elle ils elles on se sa ses leur leurs mon ma mes ton ta tes notre votre nos vos du au aux en dans sur sous par avec sans chez
entre vers depuis pendant lors ne pas jamais aucun aucune rien oui si tres aussi alors donc car puis deja encore peut peuvent pouvez doit
doivent faut fait y d l j qu n s c m
el los las una unos unas y o pero tambien porque cuando donde quien cual es son era eran ser esta estan este estos estas ese esa eso ha han
habia hay tiene tienen tener yo usted ustedes nosotros ellos ellas su sus mi mis lo le les se del al en por para con sin sobre entre desde
hasta segun durante no nunca ningun ninguna nada si muy ya mas menos puede pueden debe deben basta como
il lo gli uno ed ma anche perche quando dove chi cui che sono era erano essere stato stata ha hanno avere suo sua suoi sue mio nostro vostro
di del dello della dei degli delle al allo alla ai agli alle dal dalla nel nella nei nelle sul sulla con per tra fra non mai nessuno niente
gia ancora puo possono deve devono questo questa questi queste
het een van voor met aan op uit bij naar om te dat deze dit die wordt worden werd werden zijn heeft hebben kan kunnen moet moeten mag mogen
niet geen nooit niets ook maar nog al wel zeer ik jij u uw wij zij hun haar onze als wanneer waar
os um uma uns umas e ou mas tambem porque quando onde quem qual sao era eram foi foram ser estar tem ter voce voces seu sua seus suas
meu minha do da dos das no na nos nas ao aos pelo pela com sem sobre entre ate desde nao nunca nenhum nenhuma nada sim muito ja pode podem
deve devem isto isso
""") - _words("car dove era hay he me no on pour plus son ton van")  # fmt: skip

NEGATIONS = _words("""
nicht kein keine keinen keinem keiner keines nichts nie niemals ohne nein weder pas jamais aucun aucune rien sans nunca ningun ninguna nada
sin non nessun nessuno nessuna niente senza niet geen nooit niets zonder nao nenhum nenhuma sem
verboten untersagt ausgeschlossen interdit interdite prohibido prohibida vietato verboden proibido
""")

#: Words that tell German, where every noun has a capital and capitals tell no names.
GERMAN = _words("der das und nicht ein eine einen ist sind fur mit von auf dem den zu zum sie wird werden bei nach oder ich konnen kann im")

_COUNTED = (
    ("2", "zwei deux dos twee dois"), ("3", "drei trois tres drie"), ("4", "vier quatre cuatro quattro quatro"),
    ("5", "funf cinq cinco cinque vijf"),
    ("6", "sechs seis zes"), ("7", "sieben siete sette zeven"), ("8", "acht huit ocho otto oito"), ("9", "neun neuf nueve nove negen"),
    ("10", "zehn dix diez dieci tien dez"), ("11", "onze undici"), ("12", "zwolf douze doce dodici twaalf doze"),
    ("20", "zwanzig vingt veinte venti twintig vinte"),
    ("30", "dreissig trente treinta trenta dertig trinta"), ("100", "hundert cien cento honderd cem"), ("1000", "tausend duizend"),
)  # fmt: skip
NUMBER_WORDS = {word: number for number, words in _COUNTED for word in words.split()}

SCALES = {
    **dict.fromkeys(["mn", "mio", "millionen", "millions", "millones", "milioni", "miljoen", "milhoes"], 1e6),
    **dict.fromkeys(["mrd", "milliarden", "milliard", "milliards", "miliardi", "miljard"], 1e9),
}

_MONTHS = (
    ("january", "januar janner janvier enero gennaio januari janeiro"), ("february", "februar fevrier febrero febbraio februari fevereiro"),
    ("march", "marz marzo maart marco"), ("april", "avril abril aprile"), ("may", "mai mayo maggio mei maio"),
    ("june", "juni juin junio giugno junho"),
    ("july", "juli juillet julio luglio julho"), ("august", "aout agosto augustus"), ("september", "septembre septiembre settembre setembro"),
    ("october", "oktober octobre octubre ottobre outubro"), ("november", "novembre noviembre novembro"),
    ("december", "dezember decembre diciembre dicembre dezembro"),
)  # fmt: skip
SAME = {word: month for month, words in _MONTHS for word in words.split()}
MONTHS = tuple(month for month, _ in _MONTHS)
