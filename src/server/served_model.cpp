#include "server/served_model.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "decode/grammar.hpp"
#include "decode/grammar_constraint.hpp"
#include "decode/json_schema_expression.hpp"
#include "decode/regex_expression.hpp"
#include "model/checkpoint_io.hpp"
#include "model/describe.hpp"

namespace sw {
namespace {

constexpr std::size_t max_constraints = 64;

Api<std::vector<Expression>> rules_of(const Json& format) {
  const auto wrong = [](std::string message) {
    return refuse(400, std::move(message), "invalid_value", "response_format");
  };
  if (!format.is_object() || !format.contains("type") || !format["type"].is_string())
    return wrong("response_format must be an object with a type");
  const std::string type = format["type"].get<std::string>();
  if (type == "json_object") return json_object_rules();
  if (type == "regex") {
    if (!format.contains("regex") || !format["regex"].is_string())
      return wrong("response_format.regex must be a string");
    auto expression = parse_regex(format["regex"].get_ref<const std::string&>());
    if (!expression) return refuse(expression.error(), "response_format.regex");
    return std::vector<Expression>{std::move(*expression)};
  }
  if (type != "json_schema")
    return wrong(fmt::format("response_format.type is '{}', not text, json_object, json_schema or regex", type));
  const auto named = format.find("json_schema");
  if (named == format.end() || !named->is_object() || !named->contains("schema"))
    return wrong("response_format.json_schema must be an object with a schema");
  auto rules = json_schema_rules((*named)["schema"]);
  if (!rules) return refuse(rules.error(), "response_format.json_schema.schema");
  return std::move(*rules);
}

}  // namespace

Result<std::unique_ptr<ServedModel>> ServedModel::load(const ModelConfig& config, std::shared_ptr<Compute> compute,
                                                       EngineOptions options, Delivery::Post post) {
  std::unique_ptr<ServedModel> served(new ServedModel);
  served->config_ = config;
  SW_ASSIGN(CatalogueEntry entry, find_model(config.path));
  served->entry_.emplace(std::move(entry));
  {
    SW_ASSIGN(const OpenedCheckpoint opened, open_checkpoint(served->entry_->path()));
    SW_ASSIGN(const Description description, describe(opened.checkpoint));
    served->parameters_ = description.parameters;
  }
  ModelOptions model_options;
  model_options.context = config.context;
  {
    const std::scoped_lock lock(compute->turns);  // others' steps wait while the weights are packed
    SW_ASSIGN(Model model, open_model(served->entry_->path(), model_options, compute->pool));
    served->model_ = std::make_shared<const Model>(std::move(model));
  }
  if (!served->model_->tokenizer) return fail("the checkpoint has no tokenizer", config.path);
  const Tokenizer& tokenizer = *served->model_->tokenizer;
  if (!tokenizer.chat_template().empty()) {
    SW_ASSIGN(served->chat_prompt_, ChatPrompt::create(tokenizer));
    served->tool_format_ = tool_format_of(tokenizer.chat_template());
  }
  served->trie_ = std::make_shared<const TokenTrie>(tokenizer);

  served->delivery_ = std::make_shared<Delivery>(std::move(post));
  options.kv_type = config.kv_type;
  options.state_bytes = config.state_bytes;
  options.after_step = [delivery = served->delivery_] { delivery->flush(); };
  SW_ASSIGN(served->engine_, Engine::create(served->model_, std::move(compute), options));
  return served;
}

Api<std::vector<TokenId>> ServedModel::chat_tokens(const Chat& chat) const {
  if (!can_chat())
    return refuse(400, fmt::format("{} has no chat template; use /v1/completions", name()), "no_chat_template",
                  "model");
  if (!chat.tools.empty() && tool_format_ == ToolFormat::none)
    return refuse(400, fmt::format("{} was not made for tools: its chat template does not know them", name()),
                  "tools_not_supported", "tools");
  Json variables = chat.template_kwargs;
  variables["messages"] = chat.messages;
  if (!chat.tools.empty()) variables["tools"] = chat.tools;
  auto text = chat_prompt_->render(std::move(variables));
  if (!text) return refuse(text.error(), "messages");
  auto tokens = chat_prompt_->encode(*text);
  if (!tokens) return refuse(tokens.error(), "messages");
  return std::move(*tokens);
}

template <class MakeRules>
Api<std::shared_ptr<const TokenConstraint>> ServedModel::cached(const std::string& key, MakeRules&& make_rules) {
  {
    const std::scoped_lock lock(constraints_mutex_);
    const auto found = std::find_if(constraints_.begin(), constraints_.end(),
                                    [&](const CachedConstraint& entry) { return entry.key == key; });
    if (found != constraints_.end()) {
      constraints_.splice(constraints_.begin(), constraints_, found);
      return found->constraint;
    }
  }
  Rules rules = make_rules();
  if (!rules) return std::unexpected(std::move(rules.error()));
  auto grammar = Grammar::compile(*rules);
  if (!grammar) return refuse(grammar.error(), "response_format");
  auto masks =
      std::make_shared<GrammarMasks>(std::make_shared<const Grammar>(std::move(*grammar)), model_->tokenizer, trie_);
  masks->allowed(masks->begin());  // here, where nobody else waits for it
  std::shared_ptr<const TokenConstraint> constraint = std::make_shared<GrammarConstraint>(std::move(masks));

  const std::scoped_lock lock(constraints_mutex_);
  constraints_.push_front({key, constraint});
  if (constraints_.size() > max_constraints) constraints_.pop_back();
  return constraint;
}

Api<std::shared_ptr<const TokenConstraint>> ServedModel::constraint_of(const std::optional<Json>& response_format) {
  if (!response_format || (response_format->is_object() && response_format->value("type", Json()) == "text"))
    return nullptr;
  return cached("format " + dump(*response_format), [&] { return rules_of(*response_format); });
}

Api<std::shared_ptr<const TokenConstraint>> ServedModel::constraint_of(const Json& tools, const ToolChoice& choice,
                                                                       bool parallel) {
  if (choice.kind != ToolChoice::Kind::required && choice.kind != ToolChoice::Kind::function) return nullptr;
  return cached(fmt::format("tools {} {} {}", parallel, choice.function, dump(tools)),
                [&] { return tool_call_rules(tools, choice, tool_format_, parallel); });
}

}  // namespace sw
