"""Words of which only one can be true in one place: opposites, and members of one closed kind (days, months, units, colours).

An answer that says *Sunday* where its evidence says *Saturday* has changed a fact, though both words may stand in the context. English, small,
reviewable; terms as `words.tokens` gives them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Set

from detectors.text.lexicon import SAME, STOPWORDS
from detectors.text.stem import stem

_KINDS = """
monday tuesday wednesday thursday friday saturday sunday
january february march april june july august september october november december
spring summer autumn winter
second minute hour day week month year decade century
daily weekly monthly yearly annually hourly
red orange yellow green blue purple violet pink brown black white gray gold silver
north south east west
northern southern eastern western
asia africa europe america australia antarctica
english french german spanish italian dutch russian chinese japanese portuguese arabic
mercury venus earth mars jupiter saturn uranus neptune pluto
dollar euro pound yen franc
milligram gram kilogram ounce ton
millimeter centimeter meter kilometer inch foot mile yard
cup teaspoon tablespoon liter milliliter gallon
morning noon afternoon evening night midnight
breakfast lunch dinner
half third quarter double triple
thousand million billion trillion
mother father brother sister son daughter uncle aunt
iron copper zinc lead aluminum
"""

_OPPOSITES = """
before after|above below|over under|more less|more fewer|most least|always never|always sometimes|all none|all some|all few|many few|may must
inside outside|first last|early late|earlier later|maximum minimum
allow forbid|allow prohibit|permit prohibit|mandatory optional|mandatory voluntary|compulsory voluntary|free paid|include exclude
increase reduce|increase decrease|raise lower|rise fall|grow shrink|gain lose|gain loss|profit loss|improve worsen|expand contract
warm cold|hot cold|heat cool|wet dry|big small|large small|high low|higher lower|long short|longer shorter|old new|old young|fast slow|quick slow
quickly slowly|rich poor|strong weak|hard soft|hard easy|easy difficult|simple complex|open close|start end|begin end|start stop|buy sell
win lose|victory defeat|war peace|friend enemy|import export|accept reject|approve reject|enable disable|public private|left right|top bottom
front back|upper lower|inner outer|internal external|domestic foreign|local national|natural artificial|wild tame|wild domestic
husband wife|king queen|he she|his her|male female|man woman|boy girl|good bad|add remove|full empty|safe dangerous|safe unsafe|cheap expensive
near far|single several|temporary permanent|vertical horizontal|sunrise sunset|dead alive|true false|right wrong|correct incorrect
positive negative|acid alkaline|liquid solid|liquid gas|ascend descend|love hate|success failure|succeed fail|credit debit|income expense
supply demand|cause prevent|protect harm|help harm|support oppose|agree disagree|remember forget|arrive leave|enter leave|enter exit|push pull
give take|send receive|borrow lend|teach learn|keep discard|save delete|save spend|wide narrow|thick thin|deep shallow|heavy light|dark light
bright dark|clean dirty|fresh stale|raw cooked|sweet sour|sweet bitter|smooth rough|tight loose|loud quiet|active inactive|healthy sick
modern ancient|urban rural|legal illegal|common rare|often rarely|often seldom|usually rarely|usually never|sometimes never|frequent rare
partly fully|partially fully|inhale exhale|absorb release|attract repel|float sink|visible invisible|possible impossible|known unknown
"""


def _term(word: str) -> str:
    word = SAME.get(word, word)
    return word if word in STOPWORDS else stem(word)


def _kinds() -> tuple[dict[str, int], dict[int, frozenset[str]]]:
    members = {number: frozenset(map(_term, line.split())) for number, line in enumerate(_KINDS.strip().splitlines())}
    return {term: number for number, terms in members.items() for term in terms}, members


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for pair in _OPPOSITES.strip().replace("\n", "|").split("|"):
        one, other = map(_term, pair.split())
        if one != other:
            found[one].add(other)
            found[other].add(one)
    return {term: frozenset(others) for term, others in found.items()}


_KIND, _MEMBERS = _kinds()
#: Opposites of a term.
OPPOSITES: Mapping[str, Set[str]] = _opposites()
#: The other members of a term's closed kind.
SIBLINGS: Mapping[str, Set[str]] = {term: _MEMBERS[kind] - {term} for term, kind in _KIND.items()}
