"""Checks every rule of content/README.md. Prints what is wrong and exits with 1, or prints a summary."""

import re
import sys
import tomllib
from collections import Counter
from pathlib import Path

CONTENT = Path(__file__).resolve().parent
START = {"linear_algebra", "calculus", "probability"}
TEXTS = ("name", "emoji", "what", "why", "cost", "when_not", "complexity", "improves", "costs", "generalizes", "next_bottleneck")
LISTS = ("aliases", "failure_modes", "figures", "papers", "code", "prerequisites", "recipes")
KINDS = {
    "discovered", "in_category", "in_module", "at_difficulty", "in_path", "all_of", "recipes", "recipes_of_one", "triples",
    "misconceptions", "attempts", "predictions", "prediction_streak", "discovery_streak", "unaided", "checks", "check_streak",
    "chapters", "paths", "mastered", "reviews", "days", "experiments", "level",
}  # fmt: skip

problems: list[str] = []


def wrong(message: str) -> None:
    problems.append(message)


def read(name: str) -> dict:
    with (CONTENT / name).open("rb") as file:
        return tomllib.load(file)


def read_concepts(categories: set[str], modules: set[int]) -> dict[str, dict]:
    concepts: dict[str, dict] = {}
    for path in sorted((CONTENT / "concepts").glob("*.toml")):
        data = read(f"concepts/{path.name}")
        if data["category"] != path.stem or path.stem not in categories:
            wrong(f"{path.name}: category {data['category']!r} is not the file's name or not in categories.toml")
        for c in data["concept"]:
            if c["id"] in concepts:
                wrong(f"{c['id']}: used twice")
            c["category"] = data["category"]
            concepts[c["id"]] = c
            check_fields(c, modules)
    return concepts


def check_fields(c: dict, modules: set[int]) -> None:
    if not re.fullmatch("[a-z0-9_]+", c["id"]):
        wrong(f"{c['id']!r}: not an id")
    for field in TEXTS:
        if not c.get(field, "").strip():
            wrong(f"{c['id']}: {field} is missing")
    for field in LISTS:
        if field not in c:
            wrong(f"{c['id']}: {field} is missing")
            c[field] = []
    if c["module"] not in modules or c["difficulty"] not in range(1, 6):
        wrong(f"{c['id']}: module {c['module']} or difficulty {c['difficulty']} out of range")
    if len(re.findall(r"[.!?](?= |$)", c["what"])) not in (2, 3):
        wrong(f"{c['id']}: what has not two or three sentences")
    for field in ("what", "why", "cost", "when_not"):
        if c[field][-1:] not in ".!?":
            wrong(f"{c['id']}: {field} does not end a sentence")
    for field in ("improves", "costs", "generalizes", "next_bottleneck"):
        if c[field].endswith("."):
            wrong(f"{c['id']}: {field} is a phrase without a full stop")
    if not c["failure_modes"]:
        wrong(f"{c['id']}: no failure mode")
    for paper in c["papers"]:
        if not 1900 < paper["year"] <= 2026 or not re.fullmatch(r"\d{4}\.\d{4,5}", paper.get("arxiv", "1234.56789")):
            wrong(f"{c['id']}: paper {paper}")
        arxiv = paper.get("arxiv")
        if arxiv and not paper["year"] - 1 <= 2000 + int(arxiv[:2]) <= paper["year"]:
            wrong(f"{c['id']}: arxiv id {arxiv} does not fit the year {paper['year']}")
    for path in c["code"]:
        if not (CONTENT.parent / path).exists():
            wrong(f"{c['id']}: no such code: {path}")


def check_names(concepts: dict[str, dict]) -> None:
    seen: dict[str, str] = {}
    for c in concepts.values():
        for name in {n.lower() for n in (c["name"], *c["aliases"], *c.get("seed_ids", []))}:
            if seen.setdefault(name, c["id"]) != c["id"]:
                wrong(f"{name!r} names both {seen[name]} and {c['id']}")
            if name != c["id"] and name in concepts:
                wrong(f"{name!r}, a name of {c['id']}, is the id of another concept")


def reached(concepts: dict[str, dict], without: str = "") -> set[str]:
    """What pairs lead to from the start, when one concept never comes about."""
    found = START - {without}
    pairs = [(c["id"], r["of"]) for c in concepts.values() if c["id"] != without for r in c["recipes"] if len(r["of"]) == 2]
    while grown := {i for i, of in pairs if i not in found and found.issuperset(of)}:
        found |= grown
    return found


def check_graph(concepts: dict[str, dict]) -> None:
    for c in concepts.values():
        referred = {p for r in c["recipes"] for p in r["of"]} | set(c["prerequisites"])
        if re.fullmatch("[a-z0-9_]+", c["next_bottleneck"]):
            referred.add(c["next_bottleneck"])
        for i in sorted(referred - concepts.keys()):
            wrong(f"{c['id']}: refers to unknown {i!r}")
    if problems:
        return

    made: dict[frozenset, str] = {}
    used = Counter(p for c in concepts.values() for r in c["recipes"] for p in r["of"])
    everything = reached(concepts)
    for c in concepts.values():
        i = c["id"]
        if c.get("start", False) != (i in START):
            wrong(f"{i}: start")
        pairs = [r for r in c["recipes"] if len(r["of"]) == 2]
        if bool(pairs) == (i in START):
            wrong(f"{i}: {len(pairs)} pairs")
        if i not in everything:
            wrong(f"{i}: not reachable")
        alone = reached(concepts, without=i)
        for r in c["recipes"]:
            of = frozenset(r["of"])
            if len(of) != len(r["of"]) or len(of) not in (2, 3) or i in of or not r["because"].strip():
                wrong(f"{i}: recipe {r}")
            if made.setdefault(of, i) != i or sum(frozenset(x["of"]) == of for x in c["recipes"]) > 1:
                wrong(f"{' + '.join(sorted(of))} makes both {made[of]} and {i}")
            if not alone.issuperset(of) and i in everything:
                wrong(f"{i}: {' + '.join(r['of'])} needs {i} itself ({', '.join(sorted(of - alone))})")
            if c["difficulty"] < max(concepts[p]["difficulty"] for p in of) - 1:
                wrong(f"{i} ({c['difficulty']}): {' + '.join(r['of'])} is much harder")
        if pairs and not any(all(concepts[p]["difficulty"] <= c["difficulty"] for p in r["of"]) for r in pairs):
            wrong(f"{i} ({c['difficulty']}): every pair has a harder part")
        for p in c["prerequisites"]:
            if p not in alone:
                wrong(f"{i}: prerequisite {p} is not reachable without it")
            if concepts[p]["difficulty"] > c["difficulty"]:
                wrong(f"{i} ({c['difficulty']}): prerequisite {p} is harder ({concepts[p]['difficulty']})")
        if not c["prerequisites"] and i not in START:
            wrong(f"{i}: no prerequisites")
        if bool(used[i]) == c.get("summit", False):
            wrong(f"{i}: {'a summit that is used' if used[i] else 'part of no recipe'}")
    pairs = [(c, r["of"]) for c in concepts.values() for r in c["recipes"] if len(r["of"]) == 2]
    growth = sum(c["difficulty"] - sum(concepts[p]["difficulty"] for p in of) / 2 for c, of in pairs) / max(1, len(pairs))
    if growth <= 0:
        wrong(f"difficulty does not grow: {growth:.2f}")
    check_order(concepts)


def check_order(concepts: dict[str, dict]) -> None:
    left = {i: set(c["prerequisites"]) for i, c in concepts.items()}
    while free := {i for i, p in left.items() if not p & left.keys()}:
        for i in free:
            del left[i]
    if left:
        wrong(f"prerequisites form a cycle: {', '.join(sorted(left))}")


def check_misconceptions(concepts: dict[str, dict], entries: list[dict]) -> None:
    recipes = {frozenset(r["of"]) for c in concepts.values() for r in c["recipes"]}
    for pair, count in Counter(frozenset(m["pair"]) for m in entries).items():
        names = " + ".join(sorted(pair))
        if count > 1 or len(pair) != 2:
            wrong(f"misconception {names}: twice, or not a pair")
        if pair in recipes:
            wrong(f"misconception {names} is a recipe")
    for m in entries:
        for i in (*m["pair"], m["see"]):
            if i not in concepts:
                wrong(f"misconception {m['pair']}: unknown {i!r}")
        for field in ("tempting", "why_not", "missing"):
            if not m.get(field, "").strip():
                wrong(f"misconception {m['pair']}: no {field}")


def check_paths(concepts: dict[str, dict], paths: list[dict]) -> None:
    for path in paths:
        order = [i for chapter in path["chapter"] for i in chapter["concepts"]]
        if len(order) != len(set(order)):
            wrong(f"path {path['id']}: twice: {[i for i, n in Counter(order).items() if n > 1]}")
        place = {i: n for n, i in enumerate(order)}
        for i in order:
            if i not in concepts:
                wrong(f"path {path['id']}: unknown {i!r}")
                continue
            for p in concepts[i]["prerequisites"]:
                if place.get(p, -1) > place[i]:
                    wrong(f"path {path['id']}: {p} comes after {i}")


def check_achievements(concepts: dict[str, dict], achievements: list[dict], paths: set[str], categories: set[str]) -> None:
    if len({a["id"] for a in achievements}) != len(achievements):
        wrong("achievements: an id is used twice")
    for a in achievements:
        known = (
            a["kind"] in KINDS
            and a.get("category", next(iter(categories))) in categories
            and a.get("path", next(iter(paths))) in paths
            and set(a.get("concepts", [])) <= concepts.keys()
            and len(a.get("concepts", [])) in (0, a["count"])
        )
        if not known:
            wrong(f"achievement {a['id']}: {a}")


def check_challenges(concepts: dict[str, dict], challenges: list[dict], modules: set[int]) -> None:
    for concept, count in Counter(c["concept"] for c in challenges).items():
        if concept not in concepts or count > 1:
            wrong(f"challenge of {concept}: unknown concept, or twice")
    for module in modules - {concepts[c["concept"]]["module"] for c in challenges if c["concept"] in concepts}:
        wrong(f"module {module}: no challenge")
    for c in challenges:
        for field in ("question", "because"):
            if c[field][-1:] not in ".!?":
                wrong(f"challenge of {c['concept']}: {field} does not end a sentence")


def main() -> int:
    modules = {m["id"] for m in read("modules.toml")["module"]}
    categories = {c["id"] for c in read("categories.toml")["category"]}
    concepts = read_concepts(categories, modules)
    check_names(concepts)
    check_graph(concepts)
    misconceptions = read("misconceptions.toml")["misconception"]
    paths = read("paths.toml")["path"]
    achievements = read("achievements.toml")["achievement"]
    check_misconceptions(concepts, misconceptions)
    check_paths(concepts, paths)
    challenges = read("challenges.toml")["challenge"]
    check_challenges(concepts, challenges, modules)
    check_achievements(concepts, achievements, {p["id"] for p in paths}, categories)
    sizes = Counter(len(r["of"]) for c in concepts.values() for r in c["recipes"])
    for name, count, least in (("concepts", len(concepts), 260), ("pairs", sizes[2], 600), ("misconceptions", len(misconceptions), 150)):
        if count < least:
            wrong(f"{count} {name}, at least {least} wanted")
    for problem in problems:
        print(problem)
    print(
        f"{len(concepts)} concepts, {sizes[2]} pairs, {sizes[3]} triples, {len(misconceptions)} misconceptions, "
        f"{len(paths)} paths, {len(challenges)} challenges, {len(achievements)} achievements: {len(problems)} problems"
    )
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
