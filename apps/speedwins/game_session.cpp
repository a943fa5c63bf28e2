#include "game_session.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <unordered_set>

#include "base/file.hpp"
#include "game/graph.hpp"
#include "game/quiz.hpp"
#include "game/search.hpp"
#include "game/share_code.hpp"
#include "game/statistics.hpp"
#include "game/views.hpp"
#include "game_pages.hpp"

namespace sw {
namespace {

using namespace game;  // NOLINT: every name here is the game's
using Json = nlohmann::ordered_json;

constexpr std::size_t most_suggestions = 7;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    out.push_back(trimmed(text.substr(0, end)));
    if (end == text.size()) return out;
    text.remove_prefix(end + 1);
  }
}

std::pair<std::string_view, std::string_view> first_word(std::string_view text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  return {text.substr(0, end), trimmed(text.substr(end))};
}

std::optional<int> number(std::string_view text) {
  if (text.empty() || text.size() > 4 || !std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c); }))
    return std::nullopt;
  return std::stoi(std::string(text));
}

/// A number as people write it: "3,072", "8.5".
std::optional<double> real(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (c != ',' && c != '_' && c != ' ') digits += c;
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

/// Markdown as it is, wrapped: headings bold, tables and code untouched.
std::string markdown(const TextStyle& style, std::string_view text) {
  std::string out, paragraph;
  bool code = false;
  const auto flush = [&] {
    if (!paragraph.empty()) out += style.paragraph(paragraph, 2);
    paragraph.clear();
  };
  for (const std::string_view raw : split(text, "\n")) {
    if (raw.starts_with("```")) {
      flush();
      code = !code;
    } else if (code || raw.starts_with("|")) {
      flush();
      out += "  " + std::string(raw) + '\n';
    } else if (raw.empty()) {
      flush();
      if (!out.ends_with("\n\n")) out += '\n';
    } else if (raw.starts_with("#")) {
      flush();
      out += "  " + style.bold(trimmed(raw.substr(raw.find_first_not_of('#')))) + '\n';
    } else if (raw.starts_with("- ") || raw.starts_with("* ")) {
      flush();
      paragraph = "• " + std::string(raw.substr(2));
    } else {
      paragraph += (paragraph.empty() ? "" : " ") + std::string(raw);
    }
  }
  flush();
  return out;
}

}  // namespace

struct GameSession::Command {
  std::vector<std::string_view> names;
  Turn (*run)(GameSession&, std::string_view rest);
  enum class Takes { nothing, known, unknown, challenge, category, path, slot } takes = Takes::nothing;
};

const std::vector<GameSession::Command>& GameSession::commands() {
  using S = GameSession;
  using Text = std::string_view;
  using Takes = Command::Takes;
  static const std::vector<Command> all{
      {{"help", "?"}, [](S& s, Text) { return s.page(pages::help(s.style_)); }},
      {{"hint", "help me"}, [](S& s, Text rest) { return s.hint(rest); }, Takes::unknown},
      {{"imagine"}, [](S& s, Text rest) { return s.imagine(rest); }, Takes::known},
      {{"measure", "experiment", "challenge"}, [](S& s, Text rest) { return s.measure(rest); }, Takes::challenge},
      {{"undo"}, [](S& s, Text) { return s.act(Undo{}); }},
      {{"show", "what", "info"}, [](S& s, Text rest) { return s.show_concept(rest); }, Takes::known},
      {{"list", "ls", "found"}, [](S& s, Text rest) { return s.list(rest); }, Takes::category},
      {{"open", "available", "combinations"},
       [](S& s, Text) {
         Json ideas = Json::object();
         for (const Makeable& m : makeable(s.content_, s.state_)) {
           const std::string& category = s.content_.categories[s.content_[m.idea].category].id;
           ideas[category] = ideas.value(category, 0) + 1;
         }
         return s.page(pages::open_ends(s.style_, s.content_, s.state_),
                       {{"makeable", s.state_.makeable}, {"by_category", ideas}});
       }},
      {{"search", "find"}, [](S& s, Text rest) { return s.search(rest); }, Takes::known},
      {{"path", "way"}, [](S& s, Text rest) { return s.way(rest); }, Takes::unknown},
      {{"paths"}, [](S& s, Text rest) { return s.paths(rest); }, Takes::path},
      {{"tree"}, [](S& s, Text) { return s.page(pages::tree(s.style_, s.content_, s.state_)); }},
      {{"timeline", "history"}, [](S& s, Text) { return s.page(pages::timeline(s.style_, s.content_, s.state_)); }},
      {{"stats", "statistics"},
       [](S& s, Text) {
         return s.page(pages::statistics(s.style_, s.content_, s.state_, s.players_.now()),
                       views::statistics(s.content_, s.state_, s.players_.now()));
       }},
      {{"trophies", "achievements"},
       [](S& s, Text) {
         return s.page(pages::achievements(s.style_, s.content_, s.state_),
                       {{"achievements", views::achievements(s.content_, s.state_)}});
       }},
      {{"quiz", "check"}, [](S& s, Text rest) { return s.quiz(rest); }, Takes::path},
      {{"review"}, [](S& s, Text) { return s.act(StartQuiz{}); }},
      {{"read"}, [](S& s, Text rest) { return s.read(rest); }},
      {{"save"}, [](S& s, Text rest) { return s.save(rest); }, Takes::slot},
      {{"load"}, [](S& s, Text rest) { return s.load(rest); }, Takes::slot},
      {{"slots", "games"}, [](S& s, Text) { return s.slots(); }},
      {{"new"}, [](S& s, Text rest) { return s.begin(rest); }, Takes::slot},
      {{"delete"}, [](S& s, Text rest) { return s.remove(rest); }, Takes::slot},
      {{"export"}, [](S& s, Text rest) { return s.export_file(rest); }},
      {{"import"}, [](S& s, Text rest) { return s.import_file(rest); }},
      {{"share"}, [](S& s, Text) { return s.share(); }},
      {{"redeem"}, [](S& s, Text rest) { return s.redeem(rest); }},
      {{"quit", "exit", "q"}, [](S& s, Text) {
         Turn turn = s.page(s.style_.paragraph("Every move is saved. Until next time!", 2));
         turn.quit = true;
         return turn;
       }}};
  return all;
}

GameSession::GameSession(const Content& content, Players& players, std::vector<Document> documents, Seat seat,
                         TextStyle& style)
    : content_(content),
      players_(players),
      documents_(std::move(documents)),
      seat_(std::move(seat)),
      style_(style),
      state_(new_game(content, 0)) {}

Status GameSession::refresh() {
  return players_.look(seat_, [this](const State& state) { state_ = state; });
}

std::string GameSession::welcome() {
  if (auto read = refresh(); !read) return failed(read.error()).text;
  std::string out = pages::welcome(style_, content_, state_);
  if (state_.quiz) out += pages::question(style_, content_, state_);
  return out;
}

std::string GameSession::status() {
  return pages::status(style_, content_, state_, players_.now());
}

Result<Json> GameSession::state_json() {
  SW_TRY(refresh());
  return views::state(content_, state_, seat_.slot, players_.now());
}

Turn GameSession::page(std::string text, Json json) const {
  Json out{{"ok", true}};
  out.update(json);
  return {.ok = true, .quit = false, .text = std::move(text), .json = std::move(out)};
}

Turn GameSession::failed(const Error& error) const {
  std::string text = error.what;
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  if (!error.expected.empty()) text += fmt::format(" (expected {})", error.expected);
  text += '.';
  if (!error.next.empty()) text += ' ' + error.next + '.';
  return {.ok = false,
          .quit = false,
          .text = style_.paragraph(text, 2),
          .json = {{"ok", false}, {"error", {{"what", error.what}, {"next", error.next}}}}};
}

Result<ConceptIndex> GameSession::known(std::string_view typed) const {
  if (typed.empty()) return fail("a name is missing", {}, {}, "Name something you have found");
  if (const auto exact = find_by_name(content_, typed)) {
    if (state_.knows(*exact)) return *exact;
    return fail(fmt::format("you have not found {} yet", content_[*exact].name), {}, {},
                fmt::format("`path {}` shows the way", content_[*exact].name));
  }
  std::vector<ConceptIndex> mine;
  for (const Found& found : state_.found) mine.push_back(found.idea);
  const auto hits = game::search(content_, typed, mine);
  if (hits.empty())
    return fail(fmt::format("you have nothing called '{}'", typed), {}, {}, "`list` shows what you found");
  return hits.front().idea;
}

Result<ConceptIndex> GameSession::any(std::string_view typed) const {
  if (const auto exact = find_by_name(content_, typed)) return *exact;
  std::vector<ConceptIndex> all(content_.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<ConceptIndex>(i);
  const auto hits = game::search(content_, typed, all);
  if (typed.empty() || hits.empty()) return fail(fmt::format("there is nothing called '{}'", typed));
  return hits.front().idea;
}

Result<Ingredients> GameSession::ingredients_of(std::string_view typed) const {
  std::vector<ConceptIndex> parts;
  for (const std::string_view name : split(typed, "+,")) {
    SW_ASSIGN(const ConceptIndex idea, known(name));
    parts.push_back(idea);
  }
  if (parts.size() > Ingredients::most) return fail("at most three things can be combined");
  return Ingredients(parts);
}

Result<std::optional<ConceptIndex>> GameSession::target_of(std::string_view typed) const {
  if (typed.empty()) return std::nullopt;
  SW_ASSIGN(const ConceptIndex idea, any(typed));
  return idea;
}

Turn GameSession::act(const Action& action) {
  const State before = state_;
  auto played = players_.play(seat_, action, std::nullopt, [this](const State& state) { state_ = state; });
  if (!played) return failed(played.error());
  std::string text = pages::events(style_, content_, state_, played->events);
  const bool about_quiz = std::holds_alternative<StartQuiz>(action) || std::holds_alternative<Answer>(action);
  if (state_.quiz && about_quiz) text += pages::question(style_, content_, state_);
  Json json{{"moves", state_.moves}, {"events", views::events(content_, state_, played->events)}};
  if (const std::string outcome = views::outcome(played->events); !outcome.empty()) json["outcome"] = outcome;
  if (state_.quiz) json["quiz"] = views::quiz(content_, state_);
  if (imagine_ && json.value("outcome", "") == "nothing")
    text += style_.paragraph(style_.dim("`imagine` asks the model what they could become."), 2);
  // A finished half chapter is worth telling once, when its check opens.
  for (const Module& module : content_.modules) {
    const Scope scope{Scope::Kind::module, module.id};
    if (std::holds_alternative<Combine>(action) && !is_open(content_, before, scope) &&
        is_open(content_, state_, scope))
      text += style_.paragraph(
          style_.dim(fmt::format("The check of \"{}\" is open: `quiz {}`.", module.title, module.id)), 2);
  }
  for (const Event& event : played->events)
    if (const auto* found = std::get_if<event::Discovered>(&event); found && content_[found->idea].challenge)
      text += style_.paragraph(
          style_.dim(fmt::format("This one can be measured: `measure {}`.", content_[found->idea].name)), 7);
  return page(std::move(text), std::move(json));
}

Turn GameSession::combine(std::string_view line) {
  std::string_view prediction;
  if (const std::size_t equals = line.find('='); equals != std::string_view::npos) {
    prediction = trimmed(line.substr(equals + 1));
    line = line.substr(0, equals);
  }
  const auto ingredients = ingredients_of(line);
  if (!ingredients) return failed(ingredients.error());
  Combine move{*ingredients, {}};
  if (prediction == "?") {
    if (const auto allowed = std::ranges::adjacent_find(move.ingredients); allowed != move.ingredients.end())
      return act(move);
    choices_ = prediction_choices(content_, state_, move.ingredients);
    pending_ = move.ingredients;
    std::string text = "\n  " + style_.bold("What will come of it?") + "\n\n";
    Json choices = Json::array();
    for (std::size_t i = 0; i < choices_.size(); ++i) {
      const Concept& c = content_[choices_[i]];
      text += fmt::format("    {} {} {}\n", style_.cool(std::to_string(i + 1)), c.emoji, c.name);
      choices.push_back(c.id);
    }
    return page(text, {{"choices", choices}});
  }
  if (!prediction.empty()) {
    const auto idea = any(prediction);
    if (!idea) return failed(idea.error());
    move.prediction = *idea;
  }
  return act(move);
}

Turn GameSession::imagine(std::string_view rest) {
  if (!imagine_)
    return failed({"no model is asked here", {}, {}, "`speedwins game --sandbox demo` imagines what could be"});
  std::optional<Ingredients> about;
  if (!rest.empty()) {
    const auto typed = ingredients_of(rest);
    if (!typed) return failed(typed.error());
    about = *typed;
  } else if (!state_.history.empty()) {
    if (const auto* last = std::get_if<Combine>(&state_.history.back().action)) about = last->ingredients;
  }
  if (!about || about->size() < 2) return failed({"two names are missing", {}, {}, "`imagine A + B`"});
  const auto made = imagine_(*about);
  if (!made) return failed(made.error());
  return page(pages::speculation(style_, content_, *about, *made), {{"speculation", true},
                                                                    {"name", made->name},
                                                                    {"text", made->text},
                                                                    {"model", made->model},
                                                                    {"cached", made->cached}});
}

Turn GameSession::measure(std::string_view rest) {
  if (rest.empty()) {
    Json open = Json::array();
    for (const Found& found : state_.found)
      if (content_[found.idea].challenge) open.push_back(content_[found.idea].id);
    return page(pages::challenges(style_, content_, state_), {{"open", open}});
  }
  const std::size_t equals = rest.find('=');
  const auto idea = known(trimmed(rest.substr(0, std::min(equals, rest.size()))));
  if (!idea) return failed(idea.error());
  const auto challenge = open_challenge(content_, state_, *idea);
  if (!challenge) return failed(challenge.error());
  if (equals == std::string_view::npos) {
    challenge_ = *idea;
    return page(pages::challenge(style_, content_, state_, *idea),
                {{"challenge", views::card(content_, state_, *idea)["challenge"]}});
  }
  const auto prediction = real(trimmed(rest.substr(equals + 1)));
  if (!prediction) return failed({"the prediction is no number", {}, {}, "`measure X = 2`, for example"});
  return take(*idea, *prediction);
}

/// `prediction` as typed: choices are counted from 1.
Turn GameSession::take(ConceptIndex idea, double prediction) {
  const auto challenge = open_challenge(content_, state_, idea);
  if (!challenge) return failed(challenge.error());
  if (!(*challenge)->bands.empty()) prediction -= 1;
  if (const auto valid = check_prediction(**challenge, prediction); !valid) return failed(valid.error());
  challenge_.reset();
  if (!run_program_) return failed({"nothing is measured here", {}, {}, {}});
  const auto measured = game::measure(**challenge, run_program_);
  if (!measured) return failed(measured.error());
  return act(TakeChallenge{idea, prediction, *measured});
}

Turn GameSession::choose(int choice) {
  if (pending_) {
    if (choice < 1 || choice > static_cast<int>(choices_.size()))
      return failed({fmt::format("there is no choice {}", choice), {}, {}, {}});
    const Combine move{*std::exchange(pending_, std::nullopt), choices_[static_cast<std::size_t>(choice) - 1]};
    return act(move);
  }
  return act(Answer{choice - 1});
}

Turn GameSession::show_concept(std::string_view name) {
  const auto idea = known(name);
  if (!idea) return failed(idea.error());
  return page(pages::card(style_, content_, state_, *idea), {{"concept", views::card(content_, state_, *idea)}});
}

Turn GameSession::hint(std::string_view rest) {
  const auto target = target_of(rest);
  if (!target) return failed(target.error());
  return act(AskHint{*target});
}

Turn GameSession::way(std::string_view rest) {
  if (rest.empty()) return failed({"a name is missing", {}, {}, "`path flash attention`, for example"});
  const auto target = any(rest);
  if (!target) return failed(target.error());
  return page(pages::way(style_, content_, state_, *target), {{"path", views::way(content_, state_, *target)}});
}

Turn GameSession::list(std::string_view rest) {
  std::string category;
  if (!rest.empty()) {
    int best = -1;
    for (const Category& c : content_.categories)
      if (Match match; fuzzy_match(rest, c.name, match) && match.score > best) {
        best = match.score;
        category = c.id;
      }
    if (category.empty()) return failed({fmt::format("there is no category '{}'", rest), {}, {}, "`stats` lists them"});
  }
  Json ideas = Json::array();
  for (const Found& found : state_.found)
    if (category.empty() || content_.categories[content_[found.idea].category].id == category)
      ideas.push_back(content_[found.idea].id);
  return page(pages::discovered(style_, content_, state_, category), {{"concepts", ideas}});
}

Turn GameSession::search(std::string_view rest) {
  constexpr std::size_t most = 8;
  std::vector<ConceptIndex> mine, out;
  for (const Found& found : state_.found) mine.push_back(found.idea);
  for (const SearchHit& hit : game::search(content_, rest, mine)) out.push_back(hit.idea);
  const std::string wanted = lower(rest);
  for (const ConceptIndex idea : mine) {
    const Concept& c = content_[idea];
    const bool says = lower(c.what + ' ' + c.why + ' ' + c.cost).find(wanted) != std::string::npos;
    if (says && std::ranges::find(out, idea) == out.end()) out.push_back(idea);
  }
  if (out.size() > most) out.resize(most);
  Json ideas = Json::array();
  for (const ConceptIndex idea : out) ideas.push_back(content_[idea].id);
  return page(pages::found_by_search(style_, content_, out), {{"results", ideas}});
}

Turn GameSession::paths(std::string_view rest) {
  if (rest.empty())
    return page(pages::learning_paths(style_, content_, state_), {{"paths", views::paths(content_, state_)}});
  std::optional<std::size_t> chosen;
  int best = -1;
  for (std::size_t p = 0; p < content_.paths.size(); ++p)
    if (Match match;
        (fuzzy_match(rest, content_.paths[p].name, match) || fuzzy_match(rest, content_.paths[p].id, match)) &&
        match.score > best) {
      best = match.score;
      chosen = p;
    }
  if (!chosen) return failed({fmt::format("there is no path '{}'", rest), {}, {}, "`paths` lists them"});
  return page(pages::learning_path(style_, content_, state_, *chosen),
              {{"path", views::paths(content_, state_)[*chosen]}});
}

Turn GameSession::quiz(std::string_view rest) {
  if (rest.empty()) {
    if (state_.quiz) return page(pages::question(style_, content_, state_), {{"quiz", views::quiz(content_, state_)}});
    return page(pages::chapters(style_, content_, state_));
  }
  if (const auto module = number(rest)) return act(StartQuiz{{Scope::Kind::module, *module}});
  const std::size_t space = rest.rfind(' ');
  const std::string_view name = trimmed(rest.substr(0, std::min(space, rest.size())));
  const auto chapter = space == std::string_view::npos ? std::nullopt : number(rest.substr(space + 1));
  for (std::size_t p = 0; chapter && *chapter > 0 && p < content_.paths.size(); ++p)
    if (lower(name) == content_.paths[p].id || lower(name) == lower(content_.paths[p].name))
      return act(StartQuiz{{Scope::Kind::chapter, 0, p, static_cast<std::size_t>(*chapter) - 1}});
  if (const auto exact = find_by_name(content_, rest); exact && state_.knows(*exact))
    return act(StartQuiz{{.kind = Scope::Kind::idea, .idea = *exact}});
  for (const Module& module : content_.modules)
    if (Match match; fuzzy_match(rest, module.title, match)) return act(StartQuiz{{Scope::Kind::module, module.id}});
  if (const auto idea = known(rest)) return act(StartQuiz{{.kind = Scope::Kind::idea, .idea = *idea}});
  return failed({fmt::format("there is no chapter or find '{}'", rest), {}, {}, "`quiz` lists them"});
}

Turn GameSession::read(std::string_view rest) {
  if (documents_.empty()) return failed({"there are no documents", {}, {}, {}});
  for (const Document& document : documents_) {
    Match match;
    if (rest.empty() || !(fuzzy_match(rest, document.title, match) || fuzzy_match(rest, document.id, match))) continue;
    return page('\n' + markdown(style_, document.markdown), {{"document", document.id}});
  }
  if (!rest.empty()) return failed({fmt::format("there is no document '{}'", rest), {}, {}, "`read` lists them"});
  std::string text = "\n";
  Json ids = Json::array();
  for (const Document& document : documents_) {
    text += fmt::format("  {} {}\n", padded(style_.cool(document.id), 28), document.title);
    ids.push_back(document.id);
  }
  return page(text, {{"documents", ids}});
}

Turn GameSession::save(std::string_view rest) {
  const std::string to(rest);
  if (!is_slot_name(to))
    return failed({"a name for the copy is missing", {}, "letters, digits, '-' or '_'", "`save before-quantization`"});
  if (auto copied = players_.copy(seat_, to); !copied) return failed(copied.error());
  return page(style_.paragraph(fmt::format("Saved as {}. You go on with {}.", to, seat_.slot), 2), {{"slot", to}});
}

Turn GameSession::load(std::string_view rest) {
  const auto slots = players_.slots(seat_.player);
  if (!slots) return failed(slots.error());
  if (std::ranges::find(*slots, rest, &SlotInfo::slot) == slots->end())
    return failed({fmt::format("there is no saved game '{}'", rest), {}, {}, "`slots` lists them"});
  seat_.slot = rest;
  pending_.reset();
  if (auto read = refresh(); !read) return failed(read.error());
  return page(style_.paragraph(
                  fmt::format("You play {} now: {} of {} found.", seat_.slot, state_.found.size(), content_.size()), 2),
              {{"slot", seat_.slot}});
}

Turn GameSession::slots() {
  const auto slots = players_.slots(seat_.player);
  if (!slots) return failed(slots.error());
  return page(pages::slots(style_, *slots, seat_.slot, content_.size()), {{"slots", views::slots(*slots)}});
}

Turn GameSession::begin(std::string_view rest) {
  const auto slots = players_.slots(seat_.player);
  if (!slots) return failed(slots.error());
  std::string name(rest);
  for (int n = 2; name.empty(); ++n)
    if (const std::string candidate = fmt::format("game-{}", n);
        std::ranges::find(*slots, candidate, &SlotInfo::slot) == slots->end())
      name = candidate;
  if (!is_slot_name(name)) return failed({fmt::format("'{}' is no name", name), {}, "letters, digits, '-' or '_'", {}});
  if (std::ranges::find(*slots, name, &SlotInfo::slot) != slots->end())
    return failed(
        {fmt::format("there is a game '{}' already", name), {}, {}, "Load it, delete it, or choose another name"});
  seat_.slot = name;
  pending_.reset();
  if (auto read = refresh(); !read) return failed(read.error());
  return page(style_.paragraph(fmt::format("A new game, {}. The others wait in `slots`.", name), 2), {{"slot", name}});
}

Turn GameSession::remove(std::string_view rest) {
  if (!is_slot_name(rest)) return failed({"the name of a saved game is missing", {}, {}, "`slots` lists them"});
  const Seat seat{seat_.player, std::string(rest)};
  if (auto removed = players_.remove(seat); !removed) return failed(removed.error());
  if (auto read = refresh(); !read) return failed(read.error());
  return page(style_.paragraph(fmt::format("{} is gone.", rest), 2));
}

Turn GameSession::export_file(std::string_view rest) {
  if (rest.empty()) return failed({"a file name is missing", {}, {}, "`export game.json`"});
  const auto save = players_.export_game(seat_);
  if (!save) return failed(save.error());
  auto file = AtomicFile::create(std::string(rest));
  if (!file) return failed(file.error());
  if (auto written = file->write(*save); !written) return failed(written.error());
  if (auto written = file->commit(); !written) return failed(written.error());
  return page(style_.paragraph(fmt::format("Written to {}.", rest), 2), {{"file", rest}});
}

Turn GameSession::import_file(std::string_view rest) {
  if (rest.empty()) return failed({"a file name is missing", {}, {}, "`import game.json`"});
  const auto text = read_text_file(std::string(rest), largest_save);
  if (!text) return failed(text.error());
  if (state_.moves > 0) {
    const Turn fresh = begin("");  // what is being played is not thrown away
    if (!fresh.ok) return fresh;
  }
  const auto notes = players_.import_game(seat_, *text, [this](const State& state) { state_ = state; });
  if (!notes) return failed(notes.error());
  std::string said = fmt::format("Imported as {}: {} of {} found.", seat_.slot, state_.found.size(), content_.size());
  for (const std::string& note : *notes) said += ' ' + note;
  return page(style_.paragraph(said, 2), {{"slot", seat_.slot}, {"notes", *notes}});
}

Turn GameSession::share() {
  const std::string code = share_code(content_, state_);
  return page(fmt::format("\n  {}\n\n", code) +
                  style_.paragraph(style_.dim(fmt::format("Whoever types `redeem {}…` begins with your {} finds.",
                                                          code.substr(0, 10), state_.found.size())),
                                   2),
              {{"code", code}});
}

Turn GameSession::redeem(std::string_view rest) {
  const auto [code, name] = first_word(rest);
  if (code.empty()) return failed({"the code is missing", {}, {}, "`redeem SW1-… NAME`"});
  if (const auto valid = parse_share_code(content_, code); !valid) return failed(valid.error());
  if (state_.moves > 0 || !name.empty()) {
    const Turn fresh = begin(name);
    if (!fresh.ok) return fresh;
  }
  if (auto done = players_.adopt(seat_, std::string(code), [this](const State& state) { state_ = state; }); !done)
    return failed(done.error());
  return page(style_.paragraph(fmt::format("A game with {} finds: {}.", state_.found.size(), seat_.slot), 2),
              {{"slot", seat_.slot}, {"found", state_.found.size()}});
}

Turn GameSession::play(std::string_view line) {
  line = trimmed(line);
  if (line.empty()) return page("");
  const auto [word, rest] = first_word(line);
  const std::string wanted = lower(word);
  if (line.find('+') != std::string_view::npos && wanted != "imagine") return combine(line);
  if (const auto prediction = challenge_ ? real(line) : std::nullopt) return take(*challenge_, *prediction);
  challenge_.reset();
  if (const auto choice = number(line); choice && (pending_ || state_.quiz)) return choose(*choice);
  pending_.reset();
  // A name that begins like a command is still a name.
  if (const auto exact = find_by_name(content_, line); exact && state_.knows(*exact)) return show_concept(line);
  for (const Command& command : commands())
    if (std::ranges::find(command.names, wanted) != command.names.end()) return command.run(*this, rest);
  const auto idea = known(line);
  if (idea) return show_concept(line);
  Error error = idea.error();
  if (error.next.starts_with("`list`")) error.next = "`help` lists the commands; A + B combines";
  return failed(error);
}

/// Says of each suggestion what came of it together with `before`, and leaves out what stands there already. While
/// nothing is typed yet, what was not tried comes first.
void GameSession::mark_tried(std::string_view before, Suggestions& suggestions) const {
  std::vector<ConceptIndex> parts;
  for (const std::string_view name : split(before, "+,"))
    if (const auto idea = known(name)) parts.push_back(*idea);
  std::unordered_set<std::uint64_t> tried;
  for (const Move& move : state_.history)
    if (const auto* combine = std::get_if<Combine>(&move.action)) tried.insert(combine->ingredients.key());
  parts.push_back(0);
  const bool typed =
      std::ranges::any_of(suggestions.items, [](const Suggestion& item) { return !item.ranges.empty(); });
  std::vector<Suggestion> first, later;
  for (Suggestion& item : suggestions.items) {
    parts.back() = find_by_name(content_, item.text).value_or(0);
    if (std::find(parts.begin(), parts.end() - 1, parts.back()) != parts.end() - 1) continue;
    const Ingredients together(parts);
    const bool is_new = !tried.contains(together.key());
    if (!is_new) {
      const auto made = content_.by_ingredients.find(together.key());
      item.note =
          made == content_.by_ingredients.end() ? "tried in vain" : "gave " + content_[made->second.result].name;
    }
    (is_new || typed ? first : later).push_back(std::move(item));
  }
  std::ranges::move(later, std::back_inserter(first));
  suggestions.items = std::move(first);
}

Suggestions GameSession::suggest(std::string_view line) {
  Suggestions out;
  const auto add_ideas = [&](std::string_view typed, bool found, bool missing, std::size_t limit = most_suggestions) {
    std::vector<ConceptIndex> candidates;
    if (found)
      for (auto f = state_.found.rbegin(); f != state_.found.rend(); ++f) candidates.push_back(f->idea);
    if (missing)
      for (std::size_t i = 0; i < content_.size(); ++i)
        if (!state_.knows(static_cast<ConceptIndex>(i))) candidates.push_back(static_cast<ConceptIndex>(i));
    for (const SearchHit& hit : game::search(content_, typed, candidates)) {
      if (out.items.size() == limit) break;
      const Concept& c = content_[hit.idea];
      out.items.push_back({c.name, content_.categories[c.category].name, hit.ranges});
    }
  };
  const auto add_names = [&](std::string_view typed, const auto& entries, const auto& name_of, const auto& note_of) {
    for (const auto& entry : entries)
      if (Match match; out.items.size() < most_suggestions && fuzzy_match(typed, name_of(entry), match))
        out.items.push_back({std::string(name_of(entry)), std::string(note_of(entry)), match.ranges});
  };
  const auto skip_spaces = [&](std::size_t from) {
    while (from < line.size() && line[from] == ' ') ++from;
    return from;
  };

  if (const std::size_t equals = line.find('='); equals != std::string_view::npos) {
    out.begin = skip_spaces(equals + 1);
    add_ideas(line.substr(out.begin), false, true);
    return out;
  }
  if (const std::size_t plus = line.find_last_of("+,"); plus != std::string_view::npos) {
    out.begin = skip_spaces(plus + 1);
    add_ideas(line.substr(out.begin), true, false, content_.size());
    mark_tried(line.substr(0, plus), out);
    if (out.items.size() > most_suggestions) out.items.resize(most_suggestions);
    return out;
  }
  out.begin = skip_spaces(0);
  const auto [word, rest] = first_word(line.substr(out.begin));
  const bool has_rest = line.substr(out.begin).find(' ') != std::string_view::npos;
  for (const Command& command : commands()) {
    if (!has_rest || std::ranges::find(command.names, lower(word)) == command.names.end()) continue;
    out.begin = skip_spaces(out.begin + word.size());
    const auto nothing = [](const auto&) { return ""; };
    switch (command.takes) {
      case Command::Takes::known:
        add_ideas(rest, true, false);
        break;
      case Command::Takes::unknown:
        add_ideas(rest, false, true);
        break;
      case Command::Takes::challenge: {
        std::vector<ConceptIndex> open;
        for (const Found& found : state_.found)
          if (content_[found.idea].challenge) open.push_back(found.idea);
        add_names(
            rest, open, [&](ConceptIndex idea) { return std::string_view(content_[idea].name); },
            [&](ConceptIndex idea) { return state_.challenges.contains(idea) ? "measured" : ""; });
        break;
      }
      case Command::Takes::category:
        add_names(
            rest, content_.categories, [](const Category& c) { return std::string_view(c.name); }, nothing);
        break;
      case Command::Takes::path:
        add_names(
            rest, content_.paths, [](const LearningPath& p) { return std::string_view(p.name); }, nothing);
        break;
      case Command::Takes::slot:
        if (const auto slots = players_.slots(seat_.player))
          add_names(
              rest, *slots, [](const SlotInfo& s) { return std::string_view(s.slot); }, nothing);
        break;
      case Command::Takes::nothing:
        break;
    }
    return out;
  }
  const std::string_view typed = line.substr(out.begin);
  if (typed.empty()) return out;
  if (!has_rest)
    for (const Command& command : commands())
      if (command.names.front().starts_with(lower(typed)) && out.items.size() < 3)
        out.items.push_back({std::string(command.names.front()), "command", {{0, typed.size()}}});
  add_ideas(typed, true, false);
  return out;
}

}  // namespace sw
