#include "game/api.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>
#include <nlohmann/json.hpp>

#include "formats/json.hpp"
#include "game/challenge.hpp"
#include "game/documents.hpp"
#include "game/move_json.hpp"
#include "game/player_cookie.hpp"
#include "game/players.hpp"
#include "game/quiz.hpp"
#include "game/rate_limit.hpp"
#include "game/search.hpp"
#include "game/share_code.hpp"
#include "game/views.hpp"

namespace sw::game {
namespace {

using views::Json;

constexpr std::size_t largest_move_body = 4096;  ///< of everything but /load and /merge
constexpr std::size_t longest_query = 200;
constexpr std::size_t most_merged = 5000;  ///< moves at once
constexpr std::size_t most_results = 50;

/// An answer that is not a success. Carries an Error to the one place that writes it.
struct Refusal {
  int status = 400;
  const char* code = "bad_request";
  Error error;
  std::optional<std::uint32_t> moves;  ///< of a conflict
};
template <class T>
using Reply = std::expected<T, Refusal>;

std::unexpected<Refusal> refuse(int status, const char* code, Error error) {
  return std::unexpected(Refusal{status, code, std::move(error), {}});
}
std::unexpected<Refusal> bad(std::string what, std::string expected = {}) {
  return refuse(400, "bad_request", {std::move(what), {}, std::move(expected), {}});
}
/// Errors of the rules, of saves and of names.
std::unexpected<Refusal> rejected(Error error) {
  return refuse(422, "rejected", std::move(error));
}

ApiResponse write(const Refusal& refusal) {
  Json error{{"code", refusal.code}, {"what", refusal.error.what}};
  if (!refusal.error.where.empty()) error["where"] = refusal.error.where;
  if (!refusal.error.expected.empty()) error["expected"] = refusal.error.expected;
  if (!refusal.error.next.empty()) error["next"] = refusal.error.next;
  Json body{{"error", error}};
  if (refusal.moves) body["moves"] = *refusal.moves;
  return {refusal.status, body.dump(-1, ' ', false, Json::error_handler_t::replace), {}};
}

std::int64_t system_seconds() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

double steady_seconds() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

std::uint64_t random_seed() {
  const auto id = random_id();
  std::uint64_t seed = 0;
  if (id) std::from_chars(id->data(), id->data() + 13, seed, 16);
  return seed;
}

std::string_view query(const ApiRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.query)
    if (key == name) return value;
  return {};
}

Reply<std::optional<int>> small_query(const ApiRequest& request, std::string_view name) {
  const std::string_view text = query(request, name);
  if (text.empty()) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return bad(fmt::format("'{}' in the query is no number", name));
  return value;
}

}  // namespace

struct Api::Impl {
  const Content& content;
  const std::vector<Document> documents;
  Store& store;
  ApiOptions options;
  PlayerCookie cookies;
  Players players;
  RateLimit per_player, new_players, speculations, challenges;
  const std::string everything;  ///< the answer of /content

  /// One request with its player.
  struct Call {
    const ApiRequest& request;
    std::string player;
    nlohmann::json body;  ///< of a POST; an object
    Seat seat;
  };
  using Handler = Reply<Json> (Impl::*)(const Call&);
  struct Route {
    std::string_view method, path;
    Handler handler;
    std::size_t largest = largest_move_body;
  };
  static const std::vector<Route>& routes();

  ApiResponse handle(const ApiRequest& request);
  Reply<Json> answer(const ApiRequest& request, std::string player);
  Reply<Json> document(std::string_view id) const;
  Reply<Json> card(const Call& call, std::string_view id);

  Reply<Json> session(const Call& call);
  Reply<Json> state(const Call& call);
  Reply<Json> concepts(const Call& call);
  Reply<Json> search(const Call& call);
  Reply<Json> path(const Call& call);
  Reply<Json> paths(const Call& call);
  Reply<Json> achievements(const Call& call);
  Reply<Json> statistics(const Call& call);
  Reply<Json> export_game(const Call& call);
  Reply<Json> share(const Call& call);
  Reply<Json> list_documents(const Call& call);
  Reply<Json> combine(const Call& call);
  Reply<Json> hint(const Call& call);
  Reply<Json> quiz(const Call& call);
  Reply<Json> quiz_answer(const Call& call);
  Reply<Json> challenge(const Call& call);
  Reply<Json> undo(const Call& call);
  Reply<Json> predict(const Call& call);
  Reply<Json> save(const Call& call);
  Reply<Json> load(const Call& call);
  Reply<Json> merge(const Call& call);
  Reply<Json> reset(const Call& call);
  Reply<Json> remove(const Call& call);
  Reply<Json> speculate(const Call& call);

  Reply<Json> look(const Call& call, const std::function<Json(const State&)>& show);
  Reply<Json> play(const Call& call, const char* type, std::initializer_list<const char*> fields,
                   const std::function<void(Json&, const State&, const Events&)>& add = {});
  Json told(const State& after, const Played& played) const;
  Reply<Json> slot_list(const std::string& player);
};

namespace {

Refusal failed(Error error) {
  return {500, "failed", std::move(error), {}};
}

}  // namespace

const std::vector<Api::Impl::Route>& Api::Impl::routes() {
  static const std::vector<Route> all{{"GET", "/session", &Impl::session},
                                      {"GET", "/state", &Impl::state},
                                      {"GET", "/concepts", &Impl::concepts},
                                      {"GET", "/search", &Impl::search},
                                      {"GET", "/path", &Impl::path},
                                      {"GET", "/paths", &Impl::paths},
                                      {"GET", "/achievements", &Impl::achievements},
                                      {"GET", "/statistics", &Impl::statistics},
                                      {"GET", "/export", &Impl::export_game},
                                      {"GET", "/share", &Impl::share},
                                      {"GET", "/documents", &Impl::list_documents},
                                      {"POST", "/combine", &Impl::combine},
                                      {"POST", "/hint", &Impl::hint},
                                      {"POST", "/quiz", &Impl::quiz},
                                      {"POST", "/quiz/answer", &Impl::quiz_answer},
                                      {"POST", "/challenge", &Impl::challenge},
                                      {"POST", "/undo", &Impl::undo},
                                      {"POST", "/predict", &Impl::predict},
                                      {"POST", "/save", &Impl::save},
                                      {"POST", "/load", &Impl::load, largest_body},
                                      {"POST", "/merge", &Impl::merge, largest_body},
                                      {"POST", "/reset", &Impl::reset},
                                      {"POST", "/delete", &Impl::remove},
                                      {"POST", "/speculate", &Impl::speculate}};
  return all;
}

Reply<Json> Api::Impl::answer(const ApiRequest& request, std::string player) {
  constexpr std::string_view one_document = "/documents/", one_concept = "/concepts/";
  Call call{request, std::move(player), nlohmann::json::object(), {}};
  call.seat = {call.player, "main"};
  if (const auto slot = query(request, "slot"); !slot.empty()) call.seat.slot = slot;

  const bool reads = request.method == "GET" || request.method == "HEAD";
  const Route* route = nullptr;
  std::string allowed;
  for (const Route& candidate : routes())
    if (candidate.path == request.path) {
      if ((candidate.method == "GET") == reads && (reads || request.method == "POST")) route = &candidate;
      allowed = candidate.method;
    }
  if (!route) {
    if (reads && request.path.starts_with(one_document)) return document(request.path.substr(one_document.size()));
    if (reads && request.path.starts_with(one_concept)) return card(call, request.path.substr(one_concept.size()));
    if (!allowed.empty())
      return refuse(405, "method", {fmt::format("{} is not for this", request.method.substr(0, 16)), {}, allowed, {}});
    return refuse(404, "not_found", {"there is nothing here", {}, {}, "docs/game-api.md lists what there is"});
  }
  if (!reads) {
    if (request.body.size() > route->largest)
      return refuse(413, "too_large",
                    {fmt::format("the body has {} bytes", request.body.size()),
                     {},
                     fmt::format("at most {}", route->largest),
                     {}});
    auto body = parse_json(request.body.empty() ? "{}" : request.body, "the body");
    if (!body) {
      Error error = std::move(body).error();
      error.next.clear();
      return refuse(400, "bad_request", std::move(error));
    }
    if (!body->is_object()) return bad("the body is no object", "a JSON object");
    call.body = std::move(*body);
    if (const auto slot = call.body.find("slot"); slot != call.body.end()) {
      if (!slot->is_string()) return bad("'slot' is no text");
      call.seat.slot = slot->get<std::string>();
    }
  }
  if (!is_slot_name(call.seat.slot)) return bad("'slot' is no name", "1 to 32 letters, digits, '-' or '_'");
  return (this->*route->handler)(call);
}

ApiResponse Api::Impl::handle(const ApiRequest& request) {
  if (request.path == "/content" && (request.method == "GET" || request.method == "HEAD")) {
    const std::string tag = '"' + content.fingerprint + '"';
    ApiResponse response{200, "", {{"ETag", tag}, {"Cache-Control", "no-cache"}}};
    if (request.if_none_match == tag)
      response.status = 304;
    else
      response.body = everything;
    return response;
  }
  const double now = steady_seconds();
  auto player = cookies.verify(request.cookie);
  const bool is_new = !player;
  const bool allowed = is_new ? new_players.allow(std::string(request.client), now) : per_player.allow(*player, now);
  if (!allowed) {
    ApiResponse response = write({429, "too_many", {"too many requests", {}, {}, "Wait a second"}, {}});
    response.headers.emplace_back("Retry-After", "1");
    return response;
  }
  if (is_new) {
    auto id = random_id();
    if (!id) return write(failed(std::move(id).error()));
    player = std::move(*id);
  }
  auto answered = answer(request, *player);
  ApiResponse response = answered ? ApiResponse{200, answered->dump(-1, ' ', false, Json::error_handler_t::replace), {}}
                                  : write(answered.error());
  response.headers.emplace_back("Cache-Control", "no-store");
  if (is_new)
    response.headers.emplace_back(
        "Set-Cookie", fmt::format("{}={}; Path=/; Max-Age=63072000; HttpOnly; SameSite=Lax{}", player_cookie_name,
                                  cookies.sign(*player), request.secure ? "; Secure" : ""));
  if (response.status == 429) response.headers.emplace_back("Retry-After", "10");
  if (response.status == 405) response.headers.emplace_back("Allow", answered.error().error.expected);
  return response;
}

Reply<Json> Api::Impl::look(const Call& call, const std::function<Json(const State&)>& show) {
  Json out;
  auto done = players.look(call.seat, [&](const State& state) { out = show(state); });
  if (!done) return std::unexpected(failed(std::move(done).error()));
  return out;
}

Reply<Json> Api::Impl::slot_list(const std::string& player) {
  auto slots = players.slots(player);
  if (!slots) return std::unexpected(failed(std::move(slots).error()));
  return Json{{"slots", views::slots(*slots)}};
}

Reply<Json> Api::Impl::session(const Call& call) {
  auto out = slot_list(call.player);
  if (!out) return out;
  Json start = Json::array();
  for (const ConceptIndex idea : content.start) start.push_back(content[idea].id);
  (*out)["player"] = call.player.substr(0, 8);
  (*out)["content"] = {{"fingerprint", content.fingerprint}, {"concepts", content.size()}, {"start", start}};
  (*out)["experiments"] = static_cast<bool>(options.run_program);
  (*out)["sandbox"] = static_cast<bool>(options.ask_model);
  return out;
}

Reply<Json> Api::Impl::state(const Call& call) {
  return look(call, [&](const State& s) { return views::state(content, s, call.seat.slot, players.now()); });
}

Reply<Json> Api::Impl::concepts(const Call& call) {
  const auto difficulty = small_query(call.request, "difficulty"), module = small_query(call.request, "module");
  if (!difficulty) return std::unexpected(difficulty.error());
  if (!module) return std::unexpected(module.error());
  const std::string_view category = query(call.request, "category");
  const bool with_known = query(call.request, "known") != "false";
  return look(call, [&](const State& s) {
    Json out{{"concepts", Json::array()}, {"hidden", Json::array()}};
    std::map<std::tuple<std::size_t, int, int>, int> hidden;
    for (std::size_t i = 0; i < content.size(); ++i) {
      const Concept& c = content.concepts[i];
      if (!category.empty() && content.categories[c.category].id != category) continue;
      if ((*difficulty && c.difficulty != *difficulty) || (*module && c.module != *module)) continue;
      const auto idea = static_cast<ConceptIndex>(i);
      if (!s.knows(idea))
        ++hidden[{c.category, c.difficulty, c.module}];
      else if (with_known)
        out["concepts"].push_back(views::brief(content, s, idea));
    }
    for (const auto& [key, count] : hidden)
      out["hidden"].push_back({{"category", content.categories[std::get<0>(key)].id},
                               {"difficulty", std::get<1>(key)},
                               {"module", std::get<2>(key)},
                               {"count", count}});
    return out;
  });
}

Reply<Json> Api::Impl::card(const Call& call, std::string_view id) {
  const auto idea = content.find(id);
  if (!idea) return refuse(404, "not_found", {"there is no such concept", {}, {}, {}});
  if (!is_slot_name(call.seat.slot)) return bad("'slot' is no name", "1 to 32 letters, digits, '-' or '_'");
  auto out = look(call, [&](const State& s) { return s.knows(*idea) ? views::card(content, s, *idea) : Json(); });
  if (out && out->is_null())
    return refuse(403, "undiscovered", {"this concept has not been found yet", {}, {}, "Ask for a hint towards it"});
  return out;
}

Reply<Json> Api::Impl::search(const Call& call) {
  const std::string_view typed = query(call.request, "q");
  const auto limit = small_query(call.request, "limit");
  if (!limit) return std::unexpected(limit.error());
  if (typed.size() > longest_query) return bad("'q' is too long", fmt::format("at most {} bytes", longest_query));
  return look(call, [&](const State& s) {
    std::vector<ConceptIndex> known;
    for (const Found& found : s.found) known.push_back(found.idea);
    const auto hits = game::search(content, typed, known);
    const std::size_t wanted =
        limit->has_value() && **limit > 0 ? std::min<std::size_t>(**limit, most_results) : std::size_t{20};
    Json results = Json::array();
    for (const SearchHit& hit : hits) {
      if (results.size() == wanted) break;
      Json row = views::brief(content, s, hit.idea);
      row["matched"] = hit.ranges;
      results.push_back(std::move(row));
    }
    return Json{{"results", results}};
  });
}

Reply<Json> Api::Impl::path(const Call& call) {
  const auto target = content.find(query(call.request, "target"));
  if (!target) return bad("'target' is no concept", "the id of a concept");
  return look(call, [&](const State& s) { return views::way(content, s, *target); });
}

Reply<Json> Api::Impl::paths(const Call& call) {
  return look(call, [&](const State& s) { return Json{{"paths", views::paths(content, s)}}; });
}

Reply<Json> Api::Impl::achievements(const Call& call) {
  return look(call, [&](const State& s) { return Json{{"achievements", views::achievements(content, s)}}; });
}

Reply<Json> Api::Impl::statistics(const Call& call) {
  return look(call, [&](const State& s) { return views::statistics(content, s, players.now()); });
}

Reply<Json> Api::Impl::export_game(const Call& call) {
  auto text = players.export_game(call.seat);
  if (!text) return std::unexpected(failed(std::move(text).error()));
  return Json::parse(*text);
}

Reply<Json> Api::Impl::share(const Call& call) {
  return look(call, [&](const State& s) { return Json{{"code", share_code(content, s)}}; });
}

Reply<Json> Api::Impl::list_documents(const Call&) {
  Json out = Json::array();
  for (const Document& document : documents)
    out.push_back({{"id", document.id}, {"title", document.title}, {"bytes", document.markdown.size()}});
  return Json{{"documents", out}};
}

Reply<Json> Api::Impl::document(std::string_view id) const {
  const auto found = std::ranges::find(documents, id, &Document::id);
  if (found == documents.end()) return refuse(404, "not_found", {"there is no such document", {}, {}, {}});
  return Json{{"id", found->id}, {"title", found->title}, {"markdown", found->markdown}};
}

Json Api::Impl::told(const State& after, const Played& played) const {
  return {{"moves", after.moves},
          {"repeated", played.repeated},
          {"events", views::events(content, after, played.events)},
          {"summary", views::summary(content, after, players.now())}};
}

/// Plays the move `type` whose fields stand in the body.
Reply<Json> Api::Impl::play(const Call& call, const char* type, std::initializer_list<const char*> fields,
                            const std::function<void(Json&, const State&, const Events&)>& add) {
  nlohmann::json fields_of_move{{"type", type}, {"at", 0}};
  for (const char* field : fields)
    if (const auto at = call.body.find(field); at != call.body.end()) fields_of_move[field] = *at;
  auto move = parse_move(content, fields_of_move, "the body");
  if (!move) return refuse(400, "bad_request", std::move(move).error());
  std::optional<std::uint32_t> number;
  if (const auto at = call.body.find("move"); at != call.body.end() && !at->is_null()) {
    if (!at->is_number_unsigned() || at->get<std::uint64_t>() > most_moves) return bad("'move' is no move number");
    number = at->get<std::uint32_t>();
  }
  Json out;
  State after;
  auto played = players.play(call.seat, move->action, number, [&](const State& s) { after = s; });
  if (!played) return rejected(std::move(played).error());
  if (played->conflict)
    return std::unexpected(Refusal{409,
                                   "conflict",
                                   {fmt::format("move {} was another one", *number),
                                    {},
                                    fmt::format("move {}", after.moves),
                                    "Fetch the state and go on from there"},
                                   after.moves});
  out = told(after, *played);
  if (add) add(out, after, played->events);
  return out;
}

Reply<Json> Api::Impl::combine(const Call& call) {
  return play(call, "combine", {"ingredients", "prediction"},
              [](Json& out, const State&, const Events& events) { out["outcome"] = views::outcome(events); });
}

Reply<Json> Api::Impl::hint(const Call& call) {
  return play(call, "hint", {"target"}, [&](Json& out, const State& s, const Events& events) {
    for (const Event& event : events)
      if (const auto* hinted = std::get_if<event::Hinted>(&event)) {
        out["hint"] = views::hint(content, s, {hinted->idea, hinted->step});
        out["hint"]["cost"] = hinted->cost;
      }
  });
}

Reply<Json> Api::Impl::quiz(const Call& call) {
  return play(call, "quiz", {"scope"},
              [&](Json& out, const State& s, const Events&) { out["quiz"] = views::quiz(content, s); });
}

Reply<Json> Api::Impl::quiz_answer(const Call& call) {
  return play(call, "answer", {"choice"},
              [&](Json& out, const State& s, const Events&) { out["quiz"] = views::quiz(content, s); });
}

/// Measures, then plays the move: whatever else this player does meanwhile goes first.
Reply<Json> Api::Impl::challenge(const Call& call) {
  nlohmann::json fields{{"type", "challenge"}, {"at", 0}, {"measured", 0}};
  for (const char* field : {"concept", "prediction"})
    if (const auto at = call.body.find(field); at != call.body.end()) fields[field] = *at;
  const auto move = parse_move(content, fields, "the body");
  if (!move) return refuse(400, "bad_request", move.error());
  auto taken = std::get<TakeChallenge>(move->action);
  const Challenge* challenge = nullptr;
  Status possible;
  auto seen = look(call, [&](const State& s) {
    const auto open = open_challenge(content, s, taken.idea);
    possible = open ? check_prediction(**open, taken.prediction) : Status(std::unexpected(open.error()));
    challenge = open.value_or(nullptr);
    return Json();
  });
  if (!seen) return seen;
  if (!possible) return rejected(possible.error());
  if (!options.run_program)
    return refuse(404, "not_found",
                  {"this server measures nothing for players", {}, {}, "Start it with --game-experiments"});
  if (!challenges.allow(call.player, steady_seconds()))
    return refuse(429, "too_many", {"that is a lot of measuring", {}, {}, "Wait a few seconds"});
  const auto measured = measure(*challenge, [&](const std::vector<std::string>& arguments) {
    return options.run_program(arguments, call.request.gone);
  });
  if (!measured) return std::unexpected(failed(measured.error()));
  taken.measured = *measured;
  State after;
  auto played = players.play(call.seat, taken, std::nullopt, [&](const State& s) { after = s; });
  if (!played) return rejected(std::move(played).error());
  return told(after, *played);
}

Reply<Json> Api::Impl::undo(const Call& call) {
  return play(call, "undo", {});
}

namespace {

Reply<Ingredients> ingredients_of(const Content& content, const nlohmann::json& body) {
  nlohmann::json fields{{"type", "combine"}, {"at", 0}};
  if (const auto at = body.find("ingredients"); at != body.end()) fields["ingredients"] = *at;
  auto move = parse_move(content, fields, "the body");
  if (!move) return refuse(400, "bad_request", std::move(move).error());
  return std::get<Combine>(move->action).ingredients;
}

}  // namespace

Reply<Json> Api::Impl::predict(const Call& call) {
  const auto ingredients = ingredients_of(content, call.body);
  if (!ingredients) return std::unexpected(ingredients.error());
  return look(call, [&](const State& s) {
    Json choices = Json::array();
    for (const ConceptIndex idea : prediction_choices(content, s, *ingredients))
      choices.push_back({{"id", content[idea].id}, {"name", content[idea].name}, {"emoji", content[idea].emoji}});
    return Json{{"choices", choices}};
  });
}

Reply<Json> Api::Impl::save(const Call& call) {
  const auto as = call.body.find("as");
  if (as == call.body.end() || !as->is_string() || !is_slot_name(as->get_ref<const std::string&>()))
    return bad("'as' is no name for a slot", "1 to 32 letters, digits, '-' or '_'");
  if (*as != call.seat.slot)
    if (auto copied = players.copy(call.seat, as->get<std::string>()); !copied)
      return rejected(std::move(copied).error());
  return slot_list(call.player);
}

Reply<Json> Api::Impl::load(const Call& call) {
  const auto save = call.body.find("save"), code = call.body.find("code");
  Json out;
  const auto show = [&](const State& s) { out["state"] = views::state(content, s, call.seat.slot, players.now()); };
  if (code != call.body.end() && code->is_string()) {
    auto adopted = players.adopt(call.seat, code->get<std::string>(), show);
    if (!adopted) return rejected(std::move(adopted).error());
    out["notes"] = Json::array();
    return out;
  }
  if (save == call.body.end() || !save->is_object()) return bad("there is no 'save' and no 'code'", "one of them");
  auto notes = players.import_game(call.seat, save->dump(), show);
  if (!notes) return rejected(std::move(notes).error());
  out["notes"] = *notes;
  return out;
}

Reply<Json> Api::Impl::merge(const Call& call) {
  const auto list = call.body.find("moves");
  if (list == call.body.end() || !list->is_array()) return bad("'moves' is no list", "a list of moves");
  if (list->size() > most_merged)
    return refuse(413, "too_large",
                  {fmt::format("there are {} moves", list->size()), {}, fmt::format("at most {}", most_merged), {}});
  std::vector<Move> moves;
  int unknown = 0, skipped = 0;
  for (const auto& item : *list) {
    auto move = parse_move(content, item, "the body");
    if (move)
      moves.push_back(std::move(*move));
    else
      ++unknown;
  }
  Json out;
  State after;
  auto merged = players.merge(call.seat, moves, skipped, [&](const State& s) { after = s; });
  if (!merged) return rejected(std::move(merged).error());
  return Json{{"state", views::state(content, after, call.seat.slot, players.now())},
              {"events", views::events(content, after, merged->events)},
              {"played", static_cast<int>(moves.size()) - skipped},
              {"skipped", skipped + unknown}};
}

Reply<Json> Api::Impl::reset(const Call& call) {
  Json out;
  auto done = players.reset(
      call.seat, [&](const State& s) { out["state"] = views::state(content, s, call.seat.slot, players.now()); });
  if (!done) return std::unexpected(failed(std::move(done).error()));
  return out;
}

Reply<Json> Api::Impl::remove(const Call& call) {
  if (auto done = players.remove(call.seat); !done) return std::unexpected(failed(std::move(done).error()));
  return slot_list(call.player);
}

Reply<Json> Api::Impl::speculate(const Call& call) {
  const auto ingredients = ingredients_of(content, call.body);
  if (!ingredients) return std::unexpected(ingredients.error());
  auto known = look(call, [&](const State& s) { return Json(s.knows_all(*ingredients)); });
  if (!known) return known;
  if (!known->get<bool>()) return refuse(403, "undiscovered", {"not all of these have been found yet", {}, {}, {}});
  if (!options.ask_model)
    return refuse(404, "not_found", {"the sandbox is off", {}, {}, "Start the server with --game-sandbox"});
  if (!yields_nothing(content, *ingredients))
    return rejected({"this combination has an answer", {}, {}, "Combine it instead"});
  const auto kept = kept_speculation(content, store, *ingredients);
  if (!kept) return std::unexpected(failed(kept.error()));
  if (!*kept && !speculations.allow(call.player, steady_seconds()))
    return refuse(429, "too_many", {"that is a lot of questions for the model", {}, {}, "Wait a few seconds"});
  auto made = game::speculate(content, store, options.ask_model, *ingredients);
  if (!made) return std::unexpected(failed(std::move(made).error()));
  return Json{{"name", made->name},
              {"text", made->text},
              {"model", made->model},
              {"cached", made->cached},
              {"speculation", true}};
}

Result<std::unique_ptr<Api>> Api::create(const Content& content, std::span<const ContentFile> files, Store& store,
                                         ApiOptions options) {
  SW_ASSIGN(const std::string first_half, random_id());
  SW_ASSIGN(const std::string second_half, random_id());
  SW_ASSIGN(const std::string key, store.keep("player cookie key", first_half + second_half));
  if (!options.clock) options.clock = system_seconds;
  const auto clock = options.clock;
  const double rate = options.requests_per_second, burst = options.burst;
  const double new_rate = options.new_players_per_second, new_burst = options.new_player_burst;
  const double wonder_rate = options.speculations_per_second, wonder_burst = options.speculation_burst;
  const double measure_rate = options.challenges_per_second, measure_burst = options.challenge_burst;
  auto impl = std::unique_ptr<Impl>(new Impl{content, documents(files), store, std::move(options), PlayerCookie(key),
                                             Players(content, store, clock, random_seed), RateLimit(rate, burst),
                                             RateLimit(new_rate, new_burst), RateLimit(wonder_rate, wonder_burst),
                                             RateLimit(measure_rate, measure_burst), views::content(content).dump()});
  return std::unique_ptr<Api>(new Api(std::move(impl)));
}

Api::Api(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Api::~Api() = default;

ApiResponse Api::handle(const ApiRequest& request) {
  return impl_->handle(request);
}

}  // namespace sw::game
