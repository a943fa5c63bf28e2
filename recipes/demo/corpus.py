"""Conversations about LLM efficiency, generated from content/ and the phrasings beside this file.

Everything is drawn from one seeded generator, so a seed names a corpus exactly.
"""

import random
import tomllib
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONTENT = HERE.parents[1] / "content"

FACTS = ("what", "why", "cost", "when_not")
START = ("linear_algebra", "calculus", "probability")
ASKED_FIRST = (
    "kv_cache", "speculative_decoding", "quantization", "continuous_batching", "flash_attention", "mamba",
    "mixture_of_experts", "paged_attention", "prefix_caching", "ttft", "knowledge_distillation", "grouped_query_attention",
    "roofline", "attention_mechanism", "k_quants", "memory_bandwidth", "prefill", "decode_phase",
)  # fmt: skip
COMPARED_FIRST = (
    ("grouped_query_attention", "multi_query_attention"),
    ("grouped_query_attention", "multi_head_attention"),
    ("int8_quantization", "int4_quantization"),
    ("tensor_parallelism", "pipeline_parallelism"),
    ("awq", "gptq"),
    ("q4_0", "q8_0"),
    ("ttft", "inter_token_latency"),
)
# Comparisons that dialogues.toml answers with care of its own.
HAND_WRITTEN = {
    frozenset(p)
    for p in (
        ("prefill", "decode_phase"),
        ("mamba", "transformers"),
        ("mamba", "attention_mechanism"),
        ("attention_mechanism", "state_space_models"),
    )
}

Turn = tuple[str, str]  # question, answer


@dataclass
class Concept:
    id: str
    name: str
    category: str
    module: int
    what: str
    why: str
    cost: str
    when_not: str
    aliases: list[str] = field(default_factory=list)
    recipes: list[dict] = field(default_factory=list)

    @property
    def combines(self) -> list[list[str]]:
        """The pairs that yield it. Triples are left to the game."""
        return [recipe["of"] for recipe in self.recipes if len(recipe["of"]) == 2]


def read_toml(path: Path) -> dict:
    with path.open("rb") as file:
        return tomllib.load(file)


def load_concepts(folder: Path = CONTENT / "concepts") -> dict[str, Concept]:
    concepts: dict[str, Concept] = {}
    for path in sorted(folder.glob("*.toml")):
        data = read_toml(path)
        for entry in data["concept"]:
            known = {key: entry[key] for key in entry if key in Concept.__dataclass_fields__}
            concept = Concept(category=data["category"], **known)
            if concept.id in concepts:
                raise ValueError(f"{path}: concept id {concept.id!r} is used twice")
            concepts[concept.id] = concept
    check(concepts)
    return concepts


def check(concepts: dict[str, Concept]) -> None:
    """Names are unique, recipes name known concepts, and all can be reached from the starting ones."""
    names: dict[str, str] = {}
    for concept in concepts.values():
        for name in (concept.name, *concept.aliases):
            if names.setdefault(name.lower(), concept.id) != concept.id:
                raise ValueError(f"{name!r} names both {names[name.lower()]!r} and {concept.id!r}")
        for part in (part for pair in concept.combines for part in pair):
            if part not in concepts:
                raise ValueError(f"concept {concept.id!r} combines unknown {part!r}")
    reached = set(START)
    while grown := {c.id for c in concepts.values() if any(reached.issuperset(p) for p in c.combines)} - reached:
        reached |= grown
    if missing := sorted(set(concepts) - reached):
        raise ValueError(f"cannot be reached from the starting concepts: {', '.join(missing)}")


class Corpus:
    def __init__(self, split: str = "train"):
        self.split = split
        self.concepts = load_concepts()
        self.modules = read_toml(CONTENT / "modules.toml")["module"]
        self.phrasings = read_toml(HERE / "phrasings.toml")
        self.talk = read_toml(HERE / "dialogues.toml")
        self.pairs = self._comparable_pairs()
        self.results = self._combination_results()

    def _comparable_pairs(self) -> list[tuple[Concept, Concept]]:
        """Pairs of one category or one recipe; every tenth is kept for the test."""
        pairs = {
            frozenset((a.id, b.id))
            for a, b in combinations(self.concepts.values(), 2)
            if a.category == b.category
        }
        pairs |= {frozenset((c.id, part)) for c in self.concepts.values() for pair in c.combines for part in pair}
        ordered = sorted(tuple(sorted(p)) for p in pairs - HAND_WRITTEN if len(p) == 2)
        random.Random(7).shuffle(ordered)
        held_out = len(ordered) // 10
        trained = {tuple(sorted(pair)) for pair in COMPARED_FIRST}
        chosen = ordered[held_out:] if self.split == "train" else [p for p in ordered[:held_out] if p not in trained]
        return [(self.concepts[a], self.concepts[b]) for a, b in chosen]

    def _combination_results(self) -> dict[tuple[str, str], list[Concept]]:
        results: dict[tuple[str, str], list[Concept]] = {}
        for concept in self.concepts.values():
            for pair in concept.combines:
                results.setdefault(tuple(sorted(pair)), []).append(concept)
        return results

    def answer(self, intent: str, c: Concept) -> str:
        if intent == "explain":
            return f"{c.what} {c.why}"
        if intent == "trade_off":
            return f"Gain: {c.why} Cost: {c.cost}"
        if intent == "module":
            return f"{c.name} is covered in module {c.module}: {self.modules[c.module]['title'].lower()}."
        if intent == "recipe":
            if c.id in START:
                return f"{c.name} is one of the three concepts you start with."
            ways = (" and ".join(self.concepts[p].name for p in pair) for pair in c.combines)
            return "Combine " + ", or ".join(ways) + "."
        return getattr(c, intent)

    def ask(self, rng: random.Random, key: str, **names: object) -> str:
        node = self.phrasings
        for part in key.split("."):
            node = node[part]
        return rng.choice(node[self.split]).format(**names)

    def name(self, rng: random.Random, c: Concept) -> str:
        name = rng.choice([c.name, c.name, *c.aliases])
        plain = not name.startswith(("a ", "an ", "the ")) and not name.endswith("s")
        return rng.choice(["a ", "the "]) + name if plain and rng.random() < 0.12 else name

    def concept(self, rng: random.Random) -> Concept:
        """Any concept, the ones people ask for first somewhat more often."""
        if rng.random() < 0.2:
            return self.concepts[rng.choice(ASKED_FIRST)]
        return rng.choice(list(self.concepts.values()))

    def about(self, rng: random.Random, intent: str, c: Concept) -> Turn:
        return self.ask(rng, intent, x=self.name(rng, c)), self.answer(intent, c)

    def versus(self, rng: random.Random) -> Turn:
        pair = rng.choice(self.pairs)
        if self.split == "train" and rng.random() < 0.2:
            pair = [self.concepts[c] for c in rng.choice(COMPARED_FIRST)]
        x, y = rng.sample(pair, 2)
        return self.ask(rng, "versus", x=self.name(rng, x), y=self.name(rng, y)), f"{x.what} {y.what}"

    def combine(self, rng: random.Random) -> Turn:
        pair = rng.choice(list(self.results))
        made = self.results[pair]
        x, y = rng.sample([self.concepts[p] for p in pair], 2)
        names = " or ".join(c.name for c in made)
        return self.ask(rng, "combine", x=self.name(rng, x), y=self.name(rng, y)), f"They lead to {names}. {made[0].what}"

    def module_content(self, rng: random.Random) -> Turn:
        module = rng.choice(self.modules)
        names = [c.name for c in self.concepts.values() if c.module == module["id"]][:5]
        answer = f"Module {module['id']} is {module['title'].lower()}. {module['goal']} Among its concepts: {', '.join(names)}."
        return self.ask(rng, "module_content", n=module["id"]), answer

    def dialogue(self, rng: random.Random) -> Turn:
        entry = rng.choice(self.talk["dialogue"])
        return rng.choice(entry[self.split]), entry["answer"]

    def unknown(self, rng: random.Random) -> Turn:
        unknown = self.talk["unknown"]
        x, y = rng.sample(unknown[self.split], 2)
        off_topic = next(d for d in self.talk["dialogue"] if d["id"] == "off_topic")
        return rng.choice(unknown["ask"]).format(x=x, y=y), off_topic["answer"]

    def follow_ups(self, rng: random.Random, c: Concept) -> list[Turn]:
        opening = rng.choice(["what", "what", "explain", "why", "cost", "when_not"])
        rest = [i for i in ("why", "cost", "when_not", "module") if i != opening]
        rng.shuffle(rest)
        if rng.random() < 0.1:
            rest.insert(1, "what")
        asked = [(self.ask(rng, f"follow_up.{i}"), self.answer(i, c)) for i in rest[: rng.randint(1, 4)]]
        return [self.about(rng, opening, c), *asked]

    KINDS = {
        "what": 5, "explain": 4, "why": 3, "cost": 3, "when_not": 3, "trade_off": 1, "module": 1.5, "recipe": 1.5,
        "versus": 3, "combine": 2, "module_content": 0.4, "dialogue": 5, "unknown": 0.8, "follow_ups": 3,
    }  # fmt: skip

    def turns(self, rng: random.Random, kind: str | None = None) -> list[Turn]:
        kind = kind or rng.choices(list(self.KINDS), list(self.KINDS.values()))[0]
        if kind in ("versus", "combine", "module_content", "dialogue", "unknown"):
            return [getattr(self, kind)(rng)]
        concept = self.concept(rng)
        if kind == "follow_ups":
            return self.follow_ups(rng, concept)
        return [self.about(rng, kind, concept)]

    def conversation(self, rng: random.Random) -> list[dict[str, str]]:
        """One training conversation: usually one subject, sometimes several in a row."""
        turns = self.turns(rng)
        if rng.random() < 0.12:
            for _ in range(rng.randint(1, 4)):
                turns += self.turns(rng)
        messages = []
        if rng.random() < 0.12:
            messages.append({"role": "system", "content": rng.choice(self.talk["system_prompts"])})
        for question, answer in turns:
            messages.append({"role": "user", "content": as_typed(rng, question)})
            messages.append({"role": "assistant", "content": answer})
        return messages


def as_typed(rng: random.Random, text: str) -> str:
    """People skip capitals and question marks, and mistype now and then."""
    if rng.random() < 0.35:
        text = text.lower()
    elif rng.random() < 0.5:
        text = text[0].upper() + text[1:]
    if rng.random() < 0.3:
        text = text.rstrip("?.")
    if rng.random() < 0.05 and len(text) > 8:
        i = rng.randrange(1, len(text) - 2)
        text = rng.choice([text[:i] + text[i + 1 :], text[:i] + text[i + 1] + text[i] + text[i + 2 :], text[:i] + text[i] + text[i:]])
    return text


def test_questions(count: int, seed: int = 1) -> list[dict]:
    """Held-out phrasings: {kind, messages (the last one is the question), answer}, no two alike."""
    corpus, rng = Corpus("test"), random.Random(seed)
    questions: dict[str, dict] = {}
    while len(questions) < count:
        kind = rng.choices(list(Corpus.KINDS), list(Corpus.KINDS.values()))[0]
        turns = corpus.turns(rng, kind)
        messages = []
        for question, answer in turns:
            messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        answer = messages.pop()["content"]
        questions.setdefault(str(messages), {"kind": kind, "messages": messages, "answer": answer})
    return list(questions.values())
