#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "game/content.hpp"
#include "game/state.hpp"

/// Hands-on challenges: predict, then let this program measure. The rules only compare; measuring is done by whoever
/// shows the game, through measure().
namespace sw::game {

/// The challenge of a concept that was found; else an Error that says why there is none.
Result<const Challenge*> open_challenge(const Content& content, const State& state, ConceptIndex idea);

/// An Error where `prediction` is none that can be right: no band's place, or no number.
Status check_prediction(const Challenge& challenge, double prediction);
/// Whether the measurement lies where the prediction said, give or take the challenge's slack.
bool foretold(const Challenge& challenge, double prediction, double measured);
/// The band that the measurement lies in.
std::size_t band_of(const Challenge& challenge, double measured);

/// The number at a JSON pointer (RFC 6901, without escapes) whose tokens of the form `key=value` choose the entry of a
/// list that has this text under this key: "/decode/ops/op=attention/share".
Result<double> number_at(const nlohmann::json& document, std::string_view pointer);

/// Runs this program with the arguments given and --json, and returns what it printed.
using RunProgram = std::function<Result<nlohmann::json>(const std::vector<std::string>& arguments)>;
/// What the challenge asks for, measured now on this machine.
Result<double> measure(const Challenge& challenge, const RunProgram& run);

/// As people write it: "1,704", "8.52", "0.031"
std::string number_text(double number);
/// The same with the challenge's unit: "8.52 bits"
std::string measured_text(const Challenge& challenge, double measured);
/// The commands that measure() runs, as one types them.
std::vector<std::string> command_lines(const Challenge& challenge);

}  // namespace sw::game
