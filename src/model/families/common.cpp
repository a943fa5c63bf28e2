#include "model/families/common.hpp"

#include <cmath>
#include <limits>

#include <fmt/core.h>

namespace sw {

Result<ModelSpec> read_common(const Checkpoint& checkpoint, const Keys& keys, int context) {
  ModelSpec spec;
  SW_ASSIGN(spec.architecture, checkpoint.metadata.string("general.architecture"));
  SW_ASSIGN(spec.name, checkpoint.metadata.string_or("general.name", ""));
  SW_ASSIGN(spec.width, keys.size("embedding_length"));
  SW_ASSIGN(spec.trained_context, keys.size("context_length", Keys::max_positions));
  if (context < 0 || context > Keys::max_positions)
    return fail(fmt::format("a context of {} positions was asked for", context), {},
                fmt::format("1 to {}, or 0 for the checkpoint's own", Keys::max_positions));
  spec.context = context > 0 ? context : spec.trained_context;
  SW_ASSIGN(spec.norm_eps, keys.positive("attention.layer_norm_rms_epsilon"));
  if (spec.norm_eps >= 1)
    return fail(fmt::format("metadata key '{}' is {}", keys.name("attention.layer_norm_rms_epsilon"), spec.norm_eps),
                {}, "less than 1");

  // Many files lack the vocabulary's size: it is then the token embedding's number of rows.
  const TensorView* embedding = checkpoint.find("token_embd.weight");
  const std::int64_t rows = embedding && embedding->shape.size() == 2 ? embedding->shape[0] : 0;
  if (rows > 0 && rows <= Keys::max_size) spec.vocab = static_cast<int>(rows);
  if (checkpoint.metadata.find(keys.name("vocab_size")) || spec.vocab == 0) {
    SW_ASSIGN(spec.vocab, keys.size("vocab_size"));
  }
  spec.tied_head = !checkpoint.find("output.weight");
  return spec;
}

Status import_numbers(const Metadata& config, std::string_view architecture,
                      std::initializer_list<std::pair<const char*, const char*>> names, Metadata& out) {
  for (const auto& [from, to] : names) {
    const auto value = config.integer(from);
    if (!value) return fail(fmt::format("config.json has no integer '{}'", from));
    if (*value < 0 || *value > std::numeric_limits<std::uint32_t>::max())
      return fail(fmt::format("config.json's '{}' is {}", from, *value), {}, "0 to 4294967295");
    out.set(fmt::format("{}.{}", architecture, to), static_cast<std::uint32_t>(*value));
  }
  return {};
}

Status import_norm_eps(const Metadata& config, const char* name, std::string_view architecture, Metadata& out) {
  const auto eps = config.number(name);
  if (!eps) return fail(fmt::format("config.json has no number '{}'", name));
  out.set(fmt::format("{}.attention.layer_norm_rms_epsilon", architecture), static_cast<float>(*eps));
  return {};
}

}  // namespace sw
