#include "questions.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <span>

#include "base/file.hpp"
#include "formats/json.hpp"

namespace sw {
namespace {

constexpr std::uint64_t most_bytes = std::uint64_t{1} << 32;

Result<OpenConversation> read_question(std::string_view line, OpenAnswers open, const std::string& where) {
  constexpr const char* expected = "{\"prompt\": …} or {\"messages\": [{\"role\": …, \"content\": …}, …]}";
  SW_ASSIGN(const nlohmann::json json, parse_json(line, where));
  OpenConversation out;
  if (json.is_object() && json.contains("prompt") && json["prompt"].is_string())
    return OpenConversation{{"user", json["prompt"].get<std::string>()}, {"assistant", {}}};
  if (!json.is_object() || !json.contains("messages") || !json["messages"].is_array())
    return fail("the line asks nothing", where, expected);
  for (const auto& message : json["messages"]) {
    if (!message.is_object() || !message.value("role", nlohmann::json()).is_string() ||
        !message.value("content", nlohmann::json()).is_string())
      return fail("a message without role or content", where, expected);
    out.push_back({message["role"].get<std::string>(), message["content"].get<std::string>()});
  }
  while (!out.empty() && out.back().role != "user") out.pop_back();
  if (out.empty()) return fail("no message is the user's", where, expected);
  // What the assistant says before anything is asked answers nothing.
  const auto first_question = std::ranges::find(out, "user", &Turn::role);
  if (open == OpenAnswers::every)
    for (auto turn = first_question; turn != out.end(); ++turn)
      if (turn->role == "assistant") turn->content.reset();
  out.push_back({"assistant", {}});
  return out;
}

/// Whether the line is this conversation, or its beginning, with the answers written.
bool is_answer_to(const OpenConversation& question, std::string_view line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("messages") || !json["messages"].is_array()) return false;
  const auto& messages = json["messages"];
  if (messages.size() < 2 || messages.size() > question.size() || question[messages.size() - 1].content)
    return false;
  return std::ranges::equal(messages, std::span(question).first(messages.size()), [](const nlohmann::json& message, const Turn& turn) {
    return message.is_object() && message.value("role", nlohmann::json()) == turn.role &&
           (!turn.content || message.value("content", nlohmann::json()) == *turn.content);
  });
}

bool is_left(const Turn& turn) { return !turn.content; }

}  // namespace

Result<std::vector<OpenConversation>> read_questions(const std::string& path, OpenAnswers open) {
  SW_ASSIGN(const std::string text, read_text_file(path, most_bytes));
  std::vector<OpenConversation> out;
  for (std::size_t begin = 0, number = 1; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    SW_ASSIGN(OpenConversation question, read_question(line, open, fmt::format("{}, line {}", path, number)));
    out.push_back(std::move(question));
  }
  if (out.empty()) return fail("asks nothing", path, "one JSON object per line");
  return out;
}

std::vector<Message> before_answer(const OpenConversation& conversation) {
  std::vector<Message> out;
  for (const Turn& turn : conversation) {
    if (!turn.content) break;
    out.push_back({turn.role, *turn.content});
  }
  return out;
}

bool is_open(const OpenConversation& conversation) {
  return std::ranges::any_of(conversation, is_left);
}

void write_answer(OpenConversation& conversation, std::string answer) {
  const auto turn = std::ranges::find_if(conversation, is_left);
  if (turn != conversation.end()) turn->content = std::move(answer);
}

void cut(OpenConversation& conversation) {
  const auto open = std::ranges::find_if(conversation, is_left);
  const auto last = std::find_if(std::reverse_iterator(open), conversation.rend(),
                                 [](const Turn& turn) { return turn.role == "assistant"; });
  conversation.erase(last.base(), conversation.end());
}

std::string to_line(const OpenConversation& conversation) {
  auto messages = nlohmann::ordered_json::array();
  for (const Turn& turn : conversation)
    messages.push_back({{"role", turn.role}, {"content", turn.content.value_or("")}});
  return nlohmann::ordered_json{{"messages", messages}}.dump() + "\n";
}

Result<std::size_t> answered(const std::string& path, const std::vector<OpenConversation>& questions) {
  std::error_code missing;
  if (!std::filesystem::exists(path, missing)) return 0u;
  SW_ASSIGN(const std::string text, read_text_file(path, most_bytes));
  std::size_t n = 0, kept = 0;
  for (std::size_t end; (end = text.find('\n', kept)) != std::string::npos; kept = end + 1, ++n)
    if (n >= questions.size() || !is_answer_to(questions[n], std::string_view(text).substr(kept, end - kept)))
      return fail("the file answers other questions", fmt::format("{}, line {}", path, n + 1),
                  "what an earlier call for the same questions left", "Name another file, or remove this one");
  std::error_code error;
  std::filesystem::resize_file(path, kept, error);
  if (error) return fail("the file cannot be written: " + error.message(), path);
  return n;
}

}  // namespace sw
