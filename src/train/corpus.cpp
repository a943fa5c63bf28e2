#include "train/corpus.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/file.hpp"
#include "formats/json.hpp"

namespace sw::train {
namespace {

constexpr std::uint64_t largest_text = std::uint64_t{8} << 30;

Error at_line(const std::filesystem::path& path, std::int64_t line, std::string what, std::string expected) {
  return {std::move(what), path.string() + ", line " + std::to_string(line), std::move(expected), {}};
}

Result<Document> read_line(const nlohmann::json& json, const CorpusOptions& options) {
  constexpr const char* expected = "{\"text\": …} or {\"messages\": [{\"role\": …, \"content\": …}, …]}";
  if (json.is_object() && json.contains("text") && json["text"].is_string())
    return Document{{json["text"].get<std::string>()}};
  if (!json.is_object() || !json.contains("messages") || !json["messages"].is_array())
    return fail("the line is no document", {}, expected);
  Document document;
  for (const auto& message : json["messages"]) {
    if (!message.is_object() || !message.value("role", nlohmann::json()).is_string() ||
        !message.value("content", nlohmann::json()).is_string())
      return fail("a message without role or content", {}, expected);
    const auto role = message["role"].get<std::string>();
    const float weight = role == "assistant" ? 1.0f : options.prompt_weight;
    document.push_back({turn_start + role + "\n", 0, true});
    document.push_back({message["content"].get<std::string>(), weight});
    document.push_back({turn_end, weight, true});
    document.push_back({"\n", 0});
  }
  return document;
}

Status each_line(const std::filesystem::path& path, const CorpusOptions& options,
                 const std::function<Status(const Document&)>& f) {
  std::ifstream file(path);
  if (!file) return fail("the file cannot be read", path.string());
  std::string line;
  for (std::int64_t number = 1; std::getline(file, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto json = parse_json(line, path.string());
    if (!json) return std::unexpected(at_line(path, number, json.error().what, "one JSON object"));
    auto document = read_line(*json, options);
    if (!document) return std::unexpected(at_line(path, number, document.error().what, document.error().expected));
    SW_TRY(f(*document));
  }
  return {};
}

}  // namespace

const char* const chat_template =
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

Status each_document(const std::filesystem::path& path, const CorpusOptions& options,
                     const std::function<Status(const Document&)>& f) {
  if (path.extension() == ".jsonl") return each_line(path, options, f);
  SW_ASSIGN(const std::string text, read_text_file(path, largest_text));
  if (options.separator.empty()) return f({{text}});
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(options.separator, begin), text.size());
    if (end > begin) SW_TRY(f({{text.substr(begin, end - begin)}}));
    begin = end + options.separator.size();
  }
  return {};
}

}  // namespace sw::train
