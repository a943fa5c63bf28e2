#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "decode/byte_expression.hpp"
#include "decode/chat_prompt.hpp"
#include "decode/token_trie.hpp"
#include "hub/catalogue.hpp"
#include "server/chat_request.hpp"
#include "server/delivery.hpp"
#include "server/tool_calls.hpp"
#include "serving/engine.hpp"

namespace sw {

/// Which model to serve, and how.
struct ModelConfig {
  std::string name;                  ///< in requests
  std::string path;                  ///< what find_model() takes
  std::vector<std::string> aliases;  ///< more names
  int context = 0;                   ///< 0: the checkpoint's own
  KvType kv_type = default_kv_type;
  std::size_t state_bytes = 0;  ///< 0: the engine's choice
  bool preload = true;          ///< at start; else by the first request
  double keep_warm_s = -1;      ///< unloaded after so long without a request; −1: never
};

/// A model in memory with all that requests to it need. Its functions may be called from any thread.
class ServedModel {
 public:
  static Result<std::unique_ptr<ServedModel>> load(const ModelConfig& config, std::shared_ptr<Compute> compute,
                                                   EngineOptions options, Delivery::Post post);

  const std::string& name() const { return config_.name; }
  const ModelConfig& config() const { return config_; }
  Engine& engine() const { return *engine_; }
  const Tokenizer& tokenizer() const { return *model_->tokenizer; }
  const Model& model() const { return *model_; }
  Delivery& delivery() const { return *delivery_; }
  bool can_chat() const { return chat_prompt_.has_value(); }
  ToolFormat tool_format() const { return tool_format_; }
  std::uint64_t weights_bytes() const { return model_->weights->bytes(); }
  std::int64_t parameters() const { return parameters_; }

  /// The tokens of a chat up to where the assistant's next message begins.
  Api<std::vector<TokenId>> chat_tokens(const Chat& chat) const;

  /// The constraint that a response_format asks for; null: free text.
  Api<std::shared_ptr<const TokenConstraint>> constraint_of(const std::optional<Json>& response_format);
  /// The one that makes the answer calls.
  Api<std::shared_ptr<const TokenConstraint>> constraint_of(const Json& tools, const ToolChoice& choice, bool parallel);

 private:
  ServedModel() = default;
  using Rules = Api<std::vector<Expression>>;
  template <class MakeRules>
  Api<std::shared_ptr<const TokenConstraint>> cached(const std::string& key, MakeRules&& make_rules);

  ModelConfig config_;
  std::optional<CatalogueEntry> entry_;
  std::shared_ptr<const Model> model_;
  std::shared_ptr<Delivery> delivery_;
  std::optional<ChatPrompt> chat_prompt_;
  ToolFormat tool_format_ = ToolFormat::none;
  std::int64_t parameters_ = 0;
  std::shared_ptr<const TokenTrie> trie_;
  std::unique_ptr<Engine> engine_;  // last: its thread ends first

  struct CachedConstraint {
    std::string key;
    std::shared_ptr<const TokenConstraint> constraint;
  };
  std::mutex constraints_mutex_;
  std::list<CachedConstraint> constraints_;  // the last used first
};

}  // namespace sw
