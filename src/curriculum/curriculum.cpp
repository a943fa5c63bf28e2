#include "curriculum/curriculum.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "curriculum/facts.hpp"
#include "curriculum/skills.hpp"

namespace sw::curriculum {
namespace {

/// Of the lessons drawn, how many are of a kind, and how many questions the test asks.
struct Share {
  std::string_view kind;
  double weight;
  int questions;
};
constexpr Share shares[] = {
    {"what", 6, 120},
    {"why", 6, 120},
    {"cost", 6, 100},
    {"when_not", 5, 120},
    {"explain", 2, 60},
    {"trade_off", 2, 30},
    {"module", 2.5, 40},
    {"recipe", 3, 60},
    {"combine", 4, 60},
    {"versus", 4, 60},
    {"follow_up", 5, 120},
    {"module_content", 0.2, 11},
    {"talk", 2, 0},
    {"unknown", 1, 20},
    {"skill", 18, 20},  // of each skill and grade; its answers are short
};

/// In the order of Skills::kinds: what has to be computed takes more exercise than what is copied or ordered.
constexpr std::array skill_weights = {4.0, 4.0, 1.0, 1.0, 3.0, 1.0, 1.0, 1.0};
static_assert(skill_weights.size() == std::size(Skills::kinds));

/// Draws for the questions of one kind, of which there may be fewer than asked for.
constexpr int most_tries = 10'000;

/// People skip capitals and question marks, and mistype now and then.
std::string as_typed(std::string text, Random& random) {
  if (random.chance(0.35)) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  } else if (random.chance(0.5)) {
    text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  }
  if (random.chance(0.3))
    while (text.size() > 1 && (text.back() == '?' || text.back() == '.')) text.pop_back();
  if (random.chance(0.03) && text.size() > 8) {
    const std::size_t at = 1 + random.below(text.size() - 3);
    // Never inside a character of several bytes.
    if (static_cast<unsigned char>(text[at]) < 0x80 && static_cast<unsigned char>(text[at + 1]) < 0x80) {
      if (random.chance(0.5))
        text.erase(at, 1);
      else
        std::swap(text[at], text[at + 1]);
    }
  }
  return text;
}

class Teacher {
 public:
  Teacher(Facts facts, Skills skills, const Phrasings& phrasings, std::uint64_t seed)
      : facts_(std::move(facts)), skills_(std::move(skills)), phrasings_(phrasings), random_(seed) {
    for (const Share& share : shares) weights_.push_back(share.weight);
  }

  /// One conversation to train on: usually one lesson, sometimes several in a row.
  nlohmann::ordered_json conversation() {
    Lesson lesson = draw();
    if (random_.chance(0.06))
      for (int more = random_.between(1, 3); more > 0; --more)
        for (Turn& turn : draw().turns) lesson.turns.push_back(std::move(turn));
    auto messages = nlohmann::ordered_json::array();
    if (random_.chance(0.06)) messages.push_back(message("system", random_.pick(phrasings_.system_prompts)));
    const bool is_skill = std::ranges::find(Skills::kinds, lesson.kind) != std::end(Skills::kinds);
    for (const Turn& turn : lesson.turns) {
      messages.push_back(message("user", is_skill ? turn.question : as_typed(turn.question, random_)));
      messages.push_back(message("assistant", turn.answer));
    }
    return {{"messages", messages}};
  }

  /// To begin with: texts from which looking up is learned soon, and questions that ask for it. From the questions
  /// alone small models do not learn it.
  nlohmann::ordered_json lookup() {
    if (random_.chance(0.6)) return {{"text", skills_.lookup(random_)}};
    auto messages = nlohmann::ordered_json::array();
    for (const Turn& turn : skills_.drill("recall", random_.between(1, Skills::grades), random_).turns) {
      messages.push_back(message("user", turn.question));
      messages.push_back(message("assistant", turn.answer));
    }
    return {{"messages", messages}};
  }

  /// All questions of the test, no two alike.
  std::vector<Lesson> test() {
    std::vector<Lesson> lessons;
    std::set<std::string> seen;
    const auto ask = [&](int count, auto&& make) {
      for (int tries = 0; count > 0 && tries < most_tries; ++tries) {
        Lesson lesson = make();
        std::string text;
        for (const Turn& turn : lesson.turns) text += turn.question + "\n";
        if (!seen.insert(text).second) continue;
        lessons.push_back(std::move(lesson));
        --count;
      }
    };
    for (const auto& [kind, weight, questions] : shares) {
      if (kind == "talk") {
        for (const Dialogue& dialogue : phrasings_.dialogues)
          for (const std::string& question : dialogue.ways.test)
            lessons.push_back({"talk", 1, {{question, dialogue.answer}}});
      } else if (kind == "unknown") {
        ask(questions, [&] { return unknown(Split::test); });
      } else if (kind == "skill") {
        for (const std::string_view skill : Skills::kinds)
          for (int grade = 1; grade <= Skills::grades; ++grade)
            ask(questions, [&] { return skills_.make(skill, grade, Split::test, random_); });
      } else {
        ask(questions, [&] { return facts_.next(kind, Split::test, random_); });
      }
    }
    return lessons;
  }

 private:
  static nlohmann::ordered_json message(const char* role, const std::string& content) {
    return {{"role", role}, {"content", content}};
  }

  Lesson unknown(Split split) {
    const auto two = random_.some(phrasings_.unknown.of(split), 2);
    const auto off_topic = std::ranges::find(phrasings_.dialogues, "off_topic", &Dialogue::id);
    return {"unknown", 1, {{put(random_.pick(phrasings_.unknown_ask), two[0], two[1]), off_topic->answer}}};
  }

  Lesson draw() {
    const std::string_view kind = shares[random_.weighted(weights_)].kind;
    if (kind == "talk") {
      const Dialogue& dialogue = random_.pick(phrasings_.dialogues);
      return {"talk", 1, {{random_.pick(dialogue.ways.train), dialogue.answer}}};
    }
    if (kind == "unknown") return unknown(Split::train);
    if (kind != "skill") return facts_.next(kind, Split::train, random_);
    const std::string_view skill = Skills::kinds[random_.weighted(skill_weights)];
    const int grade = random_.between(1, Skills::grades);
    return skills_.drill(skill, grade, random_);
  }

  Facts facts_;
  Skills skills_;
  const Phrasings& phrasings_;
  Random random_;
  std::vector<double> weights_;
};

/// A line of tasks for `speedwins eval`; content/tasks/README.md is the format.
nlohmann::ordered_json task(const Lesson& lesson, std::size_t number) {
  auto history = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i + 1 < lesson.turns.size(); ++i) {
    history.push_back({{"role", "user"}, {"content", lesson.turns[i].question}});
    history.push_back({{"role", "assistant"}, {"content", lesson.turns[i].answer}});
  }
  nlohmann::ordered_json json = {{"id", lesson.kind + "-" + std::to_string(number)},
                                 {"task", lesson.kind},
                                 {"grade", lesson.grade},
                                 {"kind", "exact_match"}};
  if (!history.empty()) json["history"] = history;
  json["prompt"] = lesson.turns.back().question;
  json["answers"] = {lesson.turns.back().answer};
  json["max_tokens"] = 160;
  return json;
}

Status write_lines(const std::filesystem::path& path, std::size_t count, const auto& line) {
  SW_ASSIGN(AtomicFile file, AtomicFile::create(path));
  for (std::size_t i = 0; i < count; ++i) SW_TRY(file.write(line(i).dump() + "\n"));
  return file.commit();
}

}  // namespace

Result<CorpusFiles> write_corpus(const game::Content& content, const std::filesystem::path& phrasings_folder,
                                 const std::filesystem::path& out, const CorpusSize& size) {
  SW_ASSIGN(const Phrasings phrasings, read_phrasings(phrasings_folder));
  if (std::ranges::find(phrasings.dialogues, "off_topic", &Dialogue::id) == phrasings.dialogues.end())
    return fail("no [[dialogue]] has the id 'off_topic'", "dialogues.toml", "the answer to what is not known");
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error) return fail("the folder cannot be made: " + error.message(), out.string());

  CorpusFiles files{out / "lookup.jsonl", out / "train.jsonl", out / "validation.jsonl", out / "test.jsonl"};
  // Each file has a seed of its own, so that the length of one changes no other.
  const auto teacher = [&](std::uint64_t stream) -> Result<Teacher> {
    SW_ASSIGN(Facts facts, Facts::create(content, phrasings));
    SW_ASSIGN(Skills skills, Skills::create(phrasings));
    return Teacher(std::move(facts), std::move(skills), phrasings, 3 * size.seed + stream);
  };
  SW_ASSIGN(Teacher train, teacher(0));
  SW_TRY(write_lines(files.train, static_cast<std::size_t>(size.conversations),
                     [&](std::size_t) { return train.conversation(); }));
  SW_ASSIGN(Teacher validation, teacher(1));
  SW_TRY(write_lines(files.validation, static_cast<std::size_t>(size.validation),
                     [&](std::size_t) { return validation.conversation(); }));
  SW_ASSIGN(Teacher first, teacher(~std::uint64_t{0} / 2));
  SW_TRY(
      write_lines(files.lookup, static_cast<std::size_t>(size.lookups), [&](std::size_t) { return first.lookup(); }));
  SW_ASSIGN(Teacher examiner, teacher(2));
  const std::vector<Lesson> test = examiner.test();
  SW_TRY(write_lines(files.test, test.size(), [&](std::size_t i) { return task(test[i], i); }));
  files.questions = static_cast<int>(test.size());
  return files;
}

}  // namespace sw::curriculum
