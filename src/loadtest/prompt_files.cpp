#include <fmt/core.h>

#include <memory>

#include "base/file.hpp"
#include "formats/json.hpp"
#include "formats/utf8.hpp"
#include "loadtest/prompts.hpp"

namespace sw::loadtest {
namespace {

using nlohmann::json;

constexpr std::uint64_t largest_file = std::uint64_t{1} << 30;

/// Calls `on_line` with every line that is not empty.
template <class OnLine>
Status for_each_line(std::string_view text, const std::string& file, const OnLine& on_line) {
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == line.npos) continue;
    SW_TRY(on_line(line, fmt::format("{}, line {}", file, number)));
  }
  return {};
}

bool is_message(const json& message) {
  return message.is_object() && message.contains("role") && message["role"].is_string() &&
         message.contains("content") && message["content"].is_string();
}

Result<int> token_count(const json& object, const char* key, const std::string& where) {
  const json& value = object[key];
  if (!value.is_number_integer() || value < 1 || value > 1000000)
    return fail(fmt::format("'{}' is something else", key), where, "a whole number from 1 to 1000000");
  return value.get<int>();
}

Result<LoadPrompt> parse_prompt(const json& object, const std::string& where) {
  LoadPrompt prompt;
  if (const auto it = object.find("prompt"); it != object.end() && it->is_string()) {
    prompt.messages.push_back({"user", it->get<std::string>()});
  } else if (const auto messages = object.find("messages"); messages != object.end() && messages->is_array()) {
    for (const json& message : *messages) {
      if (!is_message(message)) return fail("a message is something else", where, R"({"role": "…", "content": "…"})");
      prompt.messages.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
    }
  }
  if (prompt.messages.empty()) return fail("has no prompt", where, R"("prompt": "…" or "messages": […])");
  for (const char* key : {"max_tokens", "output_length"})
    if (object.contains(key)) {
      SW_ASSIGN(prompt.max_tokens, token_count(object, key, where));
    }
  return prompt;
}

Result<json> parse_object(std::string_view line, const std::string& where) {
  SW_ASSIGN(json object, parse_json(line, where));
  if (!object.is_object()) return fail("is no JSON object", where);
  return object;
}

PromptSource in_turn(std::vector<LoadPrompt> prompts) {
  const auto shared = std::make_shared<const std::vector<LoadPrompt>>(std::move(prompts));
  return [shared](std::uint64_t i) { return (*shared)[i % shared->size()]; };
}

/// Seconds of one line of a trace.
Result<double> instant(const json& object, const std::string& where) {
  for (const auto& [key, per_second] : {std::pair{"at", 1.0}, {"timestamp", 1000.0}})
    if (const auto it = object.find(key); it != object.end() && it->is_number()) return it->get<double>() / per_second;
  return fail("has no instant", where, R"("at": seconds or "timestamp": milliseconds)");
}

}  // namespace

Result<PromptSource> prompts_from_file(const std::filesystem::path& file) {
  SW_ASSIGN(const std::string text, read_text_file(file, largest_file));
  std::vector<LoadPrompt> prompts;
  SW_TRY(for_each_line(text, file.string(), [&](std::string_view line, const std::string& where) -> Status {
    if (!is_utf8(line)) return fail("is not UTF-8", where);
    if (!line.starts_with('{')) {
      prompts.push_back({{{"user", std::string(line)}}, 0});
      return {};
    }
    SW_ASSIGN(const json object, parse_object(line, where));
    SW_ASSIGN(LoadPrompt prompt, parse_prompt(object, where));
    prompts.push_back(std::move(prompt));
    return {};
  }));
  if (prompts.empty()) return fail("holds no prompts", file.string(), "one per line");
  return in_turn(std::move(prompts));
}

Result<RecordedTrace> read_trace(const std::filesystem::path& file, std::uint64_t seed) {
  SW_ASSIGN(const std::string text, read_text_file(file, largest_file));
  RecordedTrace trace;
  std::vector<LoadPrompt> prompts;
  SW_TRY(for_each_line(text, file.string(), [&](std::string_view line, const std::string& where) -> Status {
    SW_ASSIGN(json object, parse_object(line, where));
    SW_ASSIGN(const double at_s, instant(object, where));
    if (!trace.at_s.empty() && at_s < trace.at_s.back()) return fail("is earlier than the line before", where);
    if (object.contains("input_length")) {
      SW_ASSIGN(const int length, token_count(object, "input_length", where));
      SW_ASSIGN(const auto words, LengthDistribution::parse(std::to_string(length)));
      object["prompt"] = random_prompts(words, words, seed)(prompts.size()).messages.front().content;
    }
    SW_ASSIGN(LoadPrompt prompt, parse_prompt(object, where));
    trace.at_s.push_back(at_s);
    prompts.push_back(std::move(prompt));
    return {};
  }));
  if (prompts.empty()) return fail("holds no requests", file.string(), "one JSON object per line");
  const double begin_s = trace.at_s.front();
  for (double& at_s : trace.at_s) at_s -= begin_s;
  trace.prompts = in_turn(std::move(prompts));
  return trace;
}

}  // namespace sw::loadtest
