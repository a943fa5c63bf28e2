#include "text/chat_template.hpp"

#include <ctime>

#include "text/jinja.hpp"

namespace sw {

struct ChatTemplate::Program {
  jinja::Body body;
};

namespace {

std::tm local_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  localtime_r(&now, &local);
  return local;
}

}  // namespace

ChatTemplate::ChatTemplate(std::unique_ptr<Program> program) : program_(std::move(program)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

Result<ChatTemplate> ChatTemplate::compile(std::string_view source) {
  SW_ASSIGN(jinja::Body body, jinja::compile(source));
  return ChatTemplate(std::make_unique<Program>(Program{std::move(body)}));
}

Result<std::string> ChatTemplate::render(const nlohmann::ordered_json& context) const {
  return jinja::render(program_->body, context, jinja::Limits{}, local_time);
}

}  // namespace sw
