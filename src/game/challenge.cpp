#include "game/challenge.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace sw::game {
namespace {

constexpr const char* where = "the challenge";

const nlohmann::json* step(const nlohmann::json& at, std::string_view token) {
  if (at.is_object()) {
    const auto member = at.find(std::string(token));
    return member == at.end() ? nullptr : &*member;
  }
  const std::size_t equals = token.find('=');
  if (!at.is_array() || equals == std::string_view::npos) return nullptr;
  const std::string key(token.substr(0, equals)), wanted(token.substr(equals + 1));
  const auto entry = std::ranges::find_if(at, [&](const nlohmann::json& item) {
    return item.is_object() && item.contains(key) && item[key].is_string() && item[key] == wanted;
  });
  return entry == at.end() ? nullptr : &*entry;
}

}  // namespace

Result<const Challenge*> open_challenge(const Content& content, const State& state, ConceptIndex idea) {
  if (idea >= content.size() || !state.knows(idea)) return fail("this concept has not been found yet", where);
  if (!content[idea].challenge)
    return fail(fmt::format("{} has nothing to measure", content[idea].name), where, {}, "Measure another concept");
  return &*content[idea].challenge;
}

Status check_prediction(const Challenge& challenge, double prediction) {
  if (challenge.bands.empty()) {
    if (!std::isfinite(prediction)) return fail("the prediction is no number", where, "a number");
    return {};
  }
  const auto n = static_cast<double>(challenge.bands.size());
  if (!(prediction >= 0 && prediction < n && prediction == std::floor(prediction)))
    return fail("there is no such answer", where, fmt::format("one of the {} choices", challenge.bands.size()));
  return {};
}

bool foretold(const Challenge& challenge, double prediction, double measured) {
  if (challenge.bands.empty()) return std::abs(prediction - measured) <= challenge.slack * std::abs(measured);
  const auto place = static_cast<std::size_t>(prediction);
  const bool is_above = place == 0 || measured >= challenge.bands[place - 1].below / (1 + challenge.slack);
  return is_above && measured < challenge.bands[place].below * (1 + challenge.slack);
}

std::size_t band_of(const Challenge& challenge, double measured) {
  const auto band = std::ranges::find_if(challenge.bands, [&](const Band& b) { return measured < b.below; });
  return std::min(static_cast<std::size_t>(band - challenge.bands.begin()), challenge.bands.size() - 1);
}

Result<double> number_at(const nlohmann::json& document, std::string_view pointer) {
  const nlohmann::json* at = &document;
  std::string_view rest = pointer;
  while (at && !rest.empty()) {
    rest.remove_prefix(1);  // the slash
    const std::size_t end = std::min(rest.find('/'), rest.size());
    at = step(*at, rest.substr(0, end));
    rest.remove_prefix(end);
  }
  if (!at || !at->is_number()) return fail(fmt::format("there is no number at {}", pointer), "what was measured");
  return at->get<double>();
}

Result<double> measure(const Challenge& challenge, const RunProgram& run) {
  SW_ASSIGN(const nlohmann::json document, run(challenge.value.run));
  SW_ASSIGN(double measured, number_at(document, challenge.value.at));
  if (challenge.per) {
    double divisor = 0;
    if (challenge.per->run == challenge.value.run) {
      SW_ASSIGN(divisor, number_at(document, challenge.per->at));
    } else {
      SW_ASSIGN(const nlohmann::json other, run(challenge.per->run));
      SW_ASSIGN(divisor, number_at(other, challenge.per->at));
    }
    measured /= divisor;
  }
  measured *= challenge.scale;
  if (!std::isfinite(measured)) return fail("it could not be measured: there is nothing to divide by", where);
  return measured;
}

std::string number_text(double number) {
  const double size = std::abs(number);
  if (size >= 1000 || (size == std::floor(size) && size < 1e15)) {
    std::string digits = fmt::format("{:.0f}", size);
    for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
    return (number < 0 ? "-" : "") + digits;
  }
  // Three digits that say something.
  const int decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return fmt::format("{:.{}f}", number, decimals);
}

std::string measured_text(const Challenge& challenge, double measured) {
  return number_text(measured) + (challenge.unit.empty() || challenge.unit == "×" ? "" : " ") + challenge.unit;
}

std::vector<std::string> command_lines(const Challenge& challenge) {
  std::vector<std::string> out;
  const auto add = [&](const Reading& reading) {
    std::string line = "speedwins";
    for (const std::string& argument : reading.run) line += ' ' + argument;
    if (std::ranges::find(out, line) == out.end()) out.push_back(std::move(line));
  };
  add(challenge.value);
  if (challenge.per) add(*challenge.per);
  return out;
}

}  // namespace sw::game
