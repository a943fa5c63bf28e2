#include "curriculum/skills.hpp"

#include <algorithm>
#include <string>

#include <fmt/core.h>

namespace sw::curriculum {

struct Skills::Exercise {
  std::string x, y, answer;
  std::string way = {};   ///< the phrasings' table, where the skill has several
  bool is_table = false;  ///< combinations are trained and tested
  /// What else the same text tells: who is asked for, and the answer.
  Owners others = {};
};

namespace {

/// FNV-1a: whether a combination is kept for the test must not depend on the order of drawing.
bool is_tested(std::string_view x, std::string_view y) {
  std::uint64_t hash = 0xcbf29ce484222325ull;
  for (const std::string_view text : {x, std::string_view("|"), y})
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return (hash ^ hash >> 32) % 10 == 0;
}

std::string join(const std::vector<std::string>& items, std::string_view between) {
  std::string out;
  for (const std::string& item : items) out += (out.empty() ? "" : std::string(between)) + item;
  return out;
}

/// Who has what, one after another: what comes between the person and the thing, and after them.
struct Wording {
  std::string_view between, after;
};
constexpr Wording sentence{" has the ", "."};
/// From the closest to the widest.
constexpr Wording wordings[] = {{" ", ""}, {" ", "."}, {": ", "."}, {"? ", "."}, {" has ", "."}, sentence};

template <class Owners>
std::string tell(const Owners& owners, const Wording& wording = sentence) {
  std::string out;
  for (const auto& [person, thing] : owners) {
    if (!out.empty()) out += ' ';
    out.append(person).append(wording.between).append(thing).append(wording.after);
  }
  return out;
}

}  // namespace

Result<Skills> Skills::create(const Phrasings& phrasings) {
  for (const std::string_view kind : kinds)
    if (kind != "instructions" && !phrasings.skills.contains(kind))
      return fail("there is no [" + std::string(kind) + "]", "skills.toml", "train and test");
  for (const char* way : {"instructions.first", "instructions.last", "instructions.twice", "instructions.count"})
    if (!phrasings.skills.contains(way)) return fail(fmt::format("there is no [{}]", way), "skills.toml");
  for (const auto* list : {&phrasings.words, &phrasings.people, &phrasings.things, &phrasings.places})
    if (list->size() < 8) return fail("there are too few words, people, things or places", "skills.toml", "8 or more");
  return Skills(phrasings);
}

Skills::Owners Skills::owners(std::size_t count, Random& random) const {
  const std::vector<std::string> people = random.some(phrasings_.people, count);
  const std::vector<std::string> things = random.some(phrasings_.things, count);
  Owners out;
  for (std::size_t i = 0; i < count; ++i) out.emplace_back(people[i], things[i]);
  return out;
}

std::string Skills::lookup(Random& random) const {
  Owners pairs = owners(2 * static_cast<std::size_t>(random.between(1, grades)), random);
  const auto any = [&] { return wordings[random.below(std::size(wordings))]; };
  // Side by side is learned first, and everything else from there.
  const Wording first = random.chance(0.5) ? wordings[0] : any(), then = random.chance(0.7) ? first : any();
  std::string out = tell(pairs, first);
  for (std::size_t told = 0; told < lookups; told += pairs.size()) {
    random.shuffle(pairs);
    out += " " + tell(pairs, then);
  }
  return out;
}

Skills::Exercise Skills::draw(std::string_view kind, int grade, Random& random) const {
  const auto size = static_cast<std::size_t>(grade);
  if (kind == "addition") {
    const int most = grade == 1 ? 9 : grade == 2 ? 19 : 99;
    const int a = random.between(0, most), b = random.between(0, most);
    return {std::to_string(a), std::to_string(b), std::to_string(a + b), {}, grade == 1};
  }
  if (kind == "subtraction") {
    const int most = grade == 1 ? 9 : grade == 2 ? 19 : 99;
    const int a = random.between(0, most), b = random.between(0, a);
    return {std::to_string(a), std::to_string(b), std::to_string(a - b), {}, grade == 1};
  }
  if (kind == "comparison") {
    const int most = grade == 1 ? 9 : grade == 2 ? 99 : 999;
    const int a = random.between(0, most);
    int b = random.between(0, most);
    if (a == b) b = a == most ? a - 1 : a + 1;
    return {std::to_string(a), std::to_string(b), std::to_string(std::max(a, b)), {}, grade == 1};
  }
  if (kind == "copying") {
    const std::string text = join(random.some(phrasings_.words, 1 + 2 * size), " ");
    return {text, {}, text};
  }
  if (kind == "recall") {
    Owners pairs = owners(2 * size, random);
    const std::string told = tell(pairs);
    random.shuffle(pairs);
    const auto asked = pairs.front();
    pairs.erase(pairs.begin());
    return {told, asked.first, asked.second, {}, false, pairs};
  }
  if (kind == "extraction") {
    std::vector<std::pair<std::string, std::string>> fields = {{"name", random.pick(phrasings_.people)},
                                                               {"place", random.pick(phrasings_.places)},
                                                               {"item", random.pick(phrasings_.things)},
                                                               {"age", std::to_string(random.between(10, 99))},
                                                               {"code", random.pick(phrasings_.words)}};
    random.shuffle(fields);
    fields.resize(size + 2);
    const auto& asked = fields[random.below(fields.size())];
    std::string told;
    for (const auto& [key, value] : fields) told += fmt::format("{}{}: {}", told.empty() ? "" : ", ", key, value);
    return {told, asked.first, asked.second};
  }
  if (kind == "sorting") {
    std::vector<std::string> digits = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    digits = random.some(std::move(digits), size + 2);
    const std::string given = join(digits, " ");
    std::ranges::sort(digits);
    return {given, {}, join(digits, " ")};
  }
  static constexpr std::string_view ways[] = {"first", "last", "twice", "count"};  // "instructions"
  const std::string_view way = ways[random.below(std::size(ways))];
  const std::string name = "instructions." + std::string(way);
  if (way == "twice") {
    const std::string text = join(random.some(phrasings_.words, size), " ");
    return {text, {}, text + " " + text, name};
  }
  const auto count = static_cast<std::size_t>(random.between(2, 2 + 2 * grade));
  const std::vector<std::string> words = random.some(phrasings_.words, count);
  const std::string answer = way == "first" ? words.front() : way == "last" ? words.back() : std::to_string(count);
  return {join(words, " "), {}, answer, name};
}

Skills::Exercise Skills::draw(std::string_view kind, int grade, Split split, Random& random) const {
  Exercise exercise = draw(kind, grade, random);
  while (!exercise.is_table && is_tested(exercise.x, exercise.y) != (split == Split::test))
    exercise = draw(kind, grade, random);
  return exercise;
}

Turn Skills::ask(std::string_view kind, const Exercise& exercise, Split split, Random& random) const {
  const std::string_view way = exercise.way.empty() ? kind : std::string_view(exercise.way);
  const Ways& ways = phrasings_.skills.find(way)->second;
  std::string pattern = random.pick(ways.of(split));
  // What was told before is not told again.
  if (exercise.x.empty()) pattern.erase(0, pattern.find_first_not_of(' ', pattern.find("{x}") + 3));
  return {put(pattern, exercise.x, exercise.y), exercise.answer};
}

Lesson Skills::make(std::string_view kind, int grade, Split split, Random& random) const {
  return {std::string(kind), grade, {ask(kind, draw(kind, grade, split, random), split, random)}};
}

Lesson Skills::drill(std::string_view kind, int grade, Random& random) const {
  Lesson lesson{std::string(kind), grade, {}};
  while (lesson.turns.size() < most_drilled) {
    Exercise exercise = draw(kind, grade, Split::train, random);
    const std::string told = exercise.x;
    lesson.turns.push_back(ask(kind, exercise, Split::train, random));
    for (auto& [asked, answer] : exercise.others) {
      if (is_tested(told, asked)) continue;
      lesson.turns.push_back(ask(kind, {{}, asked, answer}, Split::train, random));
    }
    if (random.chance(0.4)) break;
  }
  return lesson;
}

}  // namespace sw::curriculum
