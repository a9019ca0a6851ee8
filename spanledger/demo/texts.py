"""What the demo's people ask and its models answer: a small corpus, templates, and made-up personal data to show redaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from random import Random

FIRST = ("Ana", "Bram", "Chidi", "Dana", "Emre", "Farah", "Goran", "Hana", "Ines", "Jonas", "Keiko", "Liam", "Mira", "Noah", "Olga", "Priya")
LAST = ("Okafor", "Lopez", "Schmidt", "Tanaka", "Novak", "Haddad", "Berg", "Costa", "Dubois", "Evans", "Fischer", "Garcia", "Horvat", "Ivanova")
SYSTEMS = ("billing-api", "search-indexer", "checkout", "auth-gateway", "image-resizer", "mail-relay", "ledger-sync", "feature-store")
CAUSES = (
    "a full disk",
    "an expired certificate",
    "a connection leak after the last deployment",
    "a slow query without an index",
    "a bad feature flag",
)
PRODUCTS = ("trail-running shoes", "a coffee subscription", "noise-cancelling headphones", "a city e-bike", "herbal teas", "a language course")
TONES = ("playful", "matter-of-fact", "warm", "urgent", "premium")
FUNCTIONS = ("parse_invoice", "retry_request", "merge_intervals", "load_policy", "render_page", "sum_usage", "validate_token")
FLAWS = (
    "the file handle is not closed when parsing fails",
    "the retry loop never gives up when the server answers 500",
    "an empty list makes `min()` raise ValueError",
    "the cache key leaves out the tenant, so two tenants may share an entry",
    "the comparison uses `is` where `==` is meant",
    "the timeout is given in seconds but the library expects milliseconds",
)
LANGUAGES = ("German", "French", "Spanish", "Japanese", "Dutch", "Polish")


@dataclass(frozen=True)
class Passage:
    """One row of the corpus, rendered: its numbers are drawn."""

    question: str
    text: str
    right: str
    wrong: str


@dataclass(frozen=True)
class Exchange:
    """What one call says."""

    system: str
    user: str
    answer: str
    documents: tuple[str, ...] = ()
    schema: str = ""


@cache
def corpus() -> dict[str, list[tuple[str, str, str, str]]]:
    """Domain → rows (question, passage, right answer, wrong answer) of ``corpus.tsv``."""
    found: dict[str, list[tuple[str, str, str, str]]] = {}
    for line in (resources.files("spanledger.demo") / "corpus.tsv").read_text(encoding="utf8").splitlines():
        if line and not line.startswith("#"):
            domain, question, passage, right, wrong = line.split("\t")
            found.setdefault(domain, []).append((question, passage, right, wrong))
    return found


def passage(domain: str, index: int, rnd: Random) -> Passage:
    """Row ``index`` (modulo) of a domain with fresh numbers."""
    rows = corpus()[domain]
    a = rnd.choice((7, 10, 14, 15, 20, 21, 24, 25, 30, 40, 45, 60, 90))
    b = a + rnd.choice((3, 5, 12, 35, 100))
    numbers = {"a": a, "b": b, "c": rnd.randint(2, 9)}
    question, text, right, wrong = rows[index % len(rows)]
    return Passage(question, text.format(**numbers), right.format(**numbers), wrong.format(**numbers))


def person(rnd: Random) -> tuple[str, str]:
    """A name and an e-mail address nobody has."""
    first, last = rnd.choice(FIRST), rnd.choice(LAST)
    return f"{first} {last}", f"{first}.{last}{rnd.randint(1, 99)}@example.com".lower()


def personal(rnd: Random) -> str:
    """A sentence with made-up personal data, as people paste it into chats (card and account numbers are the usual test values)."""
    name, mail = person(rnd)
    return rnd.choice(
        (
            f" My name is {name} and you can reach me at {mail}.",
            f" Please call me back on +49 30 {rnd.randint(1000000, 9999999)}, {name}.",
            " I paid with card 4111 1111 1111 1111, it expires next month.",
            " The money should go to IBAN DE89 3704 0044 0532 0130 00.",
            f" I am logged in from {rnd.randint(11, 99)}.{rnd.randint(1, 250)}.{rnd.randint(1, 250)}.{rnd.randint(1, 250)} as {mail}.",
        )
    )


def retrieval(domain: str, rnd: Random, bad: bool) -> Exchange:
    """A question over retrieved passages. ``bad``: the answer says what no passage says."""
    asked, documents = _shelf(domain, rnd.randrange(len(corpus()[domain])))
    opening = rnd.choice(("", "", "Hello, ", "Quick question: ", "Hi there. "))
    user = opening + asked.question + (personal(rnd) if rnd.random() < 0.12 else "")
    answer = asked.wrong if bad else asked.right
    lead = rnd.choice(("", "", "According to our documents: ", "Thanks for asking. ", "Good question. "))
    return Exchange("Answer from the documents only. If they do not say, say so.", user, lead + answer, documents)


@cache
def _shelf(domain: str, row: int) -> tuple[Passage, tuple[str, ...]]:
    """A passage and the documents that are found for its question: the same ones whoever asks."""
    rows = len(corpus()[domain])
    asked, *others = (
        passage(domain, at, Random(f"{domain}/{at % rows}"))  # noqa: S311  texts, no secrets
        for at in (row, row + 1 + row % 3, row + 5 + row % 4)
    )
    documents = [asked.text, *(other.text for other in others)]
    return asked, tuple(documents[row % 3 :] + documents[: row % 3])


def triage(rnd: Random, broken: bool) -> Exchange:
    """A ticket to be classified as JSON. ``broken``: the answer does not obey the schema."""
    asked = passage("help", rnd.randrange(99), rnd)
    schema = {
        "type": "object",
        "properties": {
            "category": {"enum": ["billing", "account", "technical", "other"]},
            "priority": {"type": "integer", "minimum": 1, "maximum": 4},
            "summary": {"type": "string"},
        },
        "required": ["category", "priority", "summary"],
        "additionalProperties": False,
    }
    verdict = {"category": rnd.choice(("billing", "account", "technical", "other")), "priority": rnd.randint(1, 4), "summary": asked.question}
    answer = json.dumps(verdict)
    if broken:
        answer = rnd.choice((f"Sure! Here is the JSON:\n```json\n{answer}\n```", answer[:-14], json.dumps({**verdict, "priority": "high"})))
    user = f"Ticket {rnd.randint(10_000, 99_999)}: {asked.question}{personal(rnd) if rnd.random() < 0.3 else ''}"
    return Exchange("Classify the ticket. Answer with JSON only.", user, answer, schema=json.dumps(schema))


def campaign(rnd: Random) -> Exchange:
    """Marketing copy."""
    product, tone = rnd.choice(PRODUCTS), rnd.choice(TONES)
    lines = (
        f"Made for mornings that matter: {product}, ready when you are.",
        f"You do the living. We bring {product} to your door, without fuss and without small print.",
        f"Some things get better the longer you have them. Meet {product}, built to stay.",
    )
    answer = " ".join(rnd.sample(lines, 2)) + f" Order before {rnd.choice(('Friday', 'Sunday', 'midnight'))} and the first month is on us."
    return Exchange("You write short advertisements.", f"Write a {tone} advertisement for {product}, at most fifty words.", answer)


def review(rnd: Random) -> Exchange:
    """A code review."""
    name, flaw = rnd.choice(FUNCTIONS), rnd.choice(FLAWS)
    user = f"Review the change to `{name}` in pull request {rnd.randint(100, 2000)}: {rnd.randint(4, 180)} lines added, {rnd.randint(0, 90)} removed."
    answer = f"In `{name}`, {flaw}. I would add a test that fails first, then change the line. The rest reads well; the naming is consistent."
    return Exchange("You review pull requests. Be brief and concrete.", user, answer)


def incident(rnd: Random) -> Exchange:
    """A summary of an incident."""
    system, cause = rnd.choice(SYSTEMS), rnd.choice(CAUSES)
    minutes = rnd.randint(6, 95)
    log = (
        f"{system}: error rate {rnd.randint(3, 60)} percent for {minutes} minutes. Cause: {cause}. The on-call engineer rolled the release back. "
        "Follow-up: an alert on the first sign of errors."
    )
    answer = f"{system} had errors for {minutes} minutes, caused by {cause}. The on-call engineer rolled the release back; an alert will follow up."
    return Exchange("Summarise incidents for managers in two sentences.", log, answer)


def fraud(rnd: Random) -> Exchange:
    """An explanation of a declined payment."""
    amount, country = rnd.randint(20, 4000), rnd.choice(("Portugal", "Canada", "Kenya", "Norway", "Chile"))
    attempts = rnd.randint(3, 9)
    user = (
        f"Payment {rnd.randint(10**7, 10**8)} over {amount} euros was held. Signals: this is the first payment from {country}; there were {attempts} "
        f"attempts within an hour; the card is three years old. Explain why it was held.{personal(rnd) if rnd.random() < 0.2 else ''}"
    )
    answer = f"The payment of {amount} euros was held: it is the first payment from {country}, and there were {attempts} attempts within an hour."
    return Exchange("Explain risk decisions to agents in plain words.", user, answer)


def translation(rnd: Random) -> Exchange:
    """A document to be translated."""
    text, language = passage(rnd.choice(("help", "shop", "legal")), rnd.randrange(99), rnd).text, rnd.choice(LANGUAGES)
    return Exchange("Translate faithfully.", f"Translate into {language}: {text}", f"[{language}] " + " ".join(reversed(text.split(". "))))


def analysis(rnd: Random) -> Exchange:
    """A step of a data analysis."""
    metric, rise = rnd.choice(("churn", "basket size", "delivery time", "sign-ups")), rnd.randint(2, 40)
    user = f"Which segment explains the change in {metric} over the last {rnd.randint(2, 12)} weeks?"
    answer = (
        f"Most of the {rise} percent change in {metric} comes from one segment: customers who joined by referral. The others moved under 1 percent."
    )
    return Exchange("You analyse tables with the tools given.", user, answer)


def storefront(rnd: Random) -> Exchange:
    """Small talk of a shop assistant."""
    product = rnd.choice(PRODUCTS)
    user = f"I am looking for {product} as a present, around {rnd.randint(3, 30)}0 euros.{personal(rnd) if rnd.random() < 0.1 else ''}"
    answer = f"For a present I would look at our {rnd.choice(TONES)} edition of {product}. It comes gift-wrapped and can be exchanged for a month."
    return Exchange("You help visitors of a shop. Be kind and short.", user, answer)
