#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include "base/error.hpp"

namespace sw {

/// A compiled chat template. Immutable; rendering is bounded in steps, depth and output size, and cannot reach
/// anything but its arguments.
class ChatTemplate {
 public:
  static Result<ChatTemplate> compile(std::string_view source);

  /// `context` holds "messages" and, where wanted, "tools", "add_generation_prompt", "bos_token", "eos_token" …:
  /// the names Hugging Face's apply_chat_template passes. A template's raise_exception becomes an Error.
  Result<std::string> render(const nlohmann::ordered_json& context) const;

  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

 private:
  struct Program;
  explicit ChatTemplate(std::unique_ptr<Program> program);
  std::unique_ptr<Program> program_;
};

}  // namespace sw
