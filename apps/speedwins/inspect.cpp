#include <fmt/core.h>

#include <memory>
#include <string>

#include "commands.hpp"
#include "hub/catalogue.hpp"
#include "load.hpp"
#include "model/describe.hpp"
#include "ops/kv_layout.hpp"
#include "progress.hpp"
#include "state/layout.hpp"

namespace sw {
namespace {

struct InspectFlags {
  std::string model;
  bool tensors = false;
};

/// "1 235 814 400" reads better than a row of digits.
std::string grouped(std::int64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, " ");
  return digits;
}

/// "494.0 M"
std::string in_units(std::int64_t n) {
  const auto x = static_cast<double>(n);
  if (n >= 1'000'000'000) return fmt::format("{:.2f} B", x / 1e9);
  if (n >= 1'000'000) return fmt::format("{:.1f} M", x / 1e6);
  if (n >= 1'000) return fmt::format("{:.1f} k", x / 1e3);
  return std::to_string(n);
}

void add_line(std::string& out, std::string_view label, const std::string& value) {
  out += fmt::format("  {:<12} {}\n", label, value);
}

std::string overview(const Description& d) {
  const ModelSpec& spec = d.spec;
  std::string out = fmt::format("{} ({})\n\n", spec.name.empty() ? "(no name)" : spec.name, spec.architecture);
  add_line(out, "parameters", fmt::format("{} ({})", in_units(d.parameters), grouped(d.parameters)));
  add_line(out, "weights", fmt::format("{}, {:.2f} bits each", human_bytes(d.bytes), d.bits_per_weight()));
  add_line(out, "vocabulary",
           fmt::format("{} tokens, width {}{}", grouped(spec.vocab), spec.width,
                       spec.tied_head ? ", head tied to the embedding" : ""));
  if (!spec.ropes.empty()) {
    add_line(out, "context", fmt::format("{} positions", grouped(spec.trained_context)));
    const Rope& rope = spec.ropes.front();
    add_line(out, "positions",
             fmt::format("RoPE over {} dimensions, {}{}", 2 * rope.inv_freq.size(),
                         rope.layout == RopeLayout::half ? "halves" : "neighbours",
                         rope.magnitude != 1 ? fmt::format(", magnitude {:.3f}", rope.magnitude) : ""));
  }
  add_line(out, "norm",
           fmt::format("RMS, ε {:g}{}", spec.norm_eps,
                       spec.final_softcap > 0 ? fmt::format("; logits capped at {}", spec.final_softcap) : ""));
  return out;
}

std::string blocks(const Description& d) {
  std::string out = fmt::format("\n{} blocks", d.spec.blocks.size());
  if (d.block_repeats > 1) out += fmt::format(": {} times", d.block_repeats);
  out += '\n';
  for (const BlockRun& run : d.blocks) {
    std::string count = fmt::format("{} ×", run.count);
    std::string_view rest = run.text;
    while (!rest.empty()) {
      const auto end = std::min(rest.find("; "), rest.size());
      out += fmt::format("  {:>5}  {}\n", count, rest.substr(0, end));
      rest.remove_prefix(std::min(end + 2, rest.size()));
      count.clear();
    }
  }
  return out;
}

std::string groups(const Description& d) {
  std::string out = fmt::format("\n  {:<18} {:<6} {:>8} {:>12} {:>11} {:>7}\n", "tensors", "type", "count",
                                "parameters", "size", "share");
  for (const TensorGroup& g : d.groups) {
    const double share = d.bytes == 0 ? 0 : static_cast<double>(g.bytes) / static_cast<double>(d.bytes);
    const std::string bar(static_cast<std::size_t>(share * 10 + 0.5), '#');
    out += fmt::format("  {:<18} {:<6} {:>8} {:>12} {:>11} {:>6.1f}%{}{}\n", g.role, g.dtype, g.tensors,
                       in_units(g.parameters), human_bytes(g.bytes), 100 * share, bar.empty() ? "" : "  ", bar);
  }
  return out;
}

std::uint64_t kv_bytes_per_token(const ModelSpec& spec, KvType type) {
  return StateLayout::of(spec, type).block_bytes / kv_block;
}

std::string costs(const Description& d) {
  std::string out = "\n";
  add_line(out, "per token",
           fmt::format("reads {} of weights: at most {:.0f} tokens/s from 20 GB/s of memory",
                       human_bytes(d.bytes_per_token), 20e9 / static_cast<double>(d.bytes_per_token)));
  if (d.kv_bytes_per_token > 0)
    add_line(out, "KV cache",
             fmt::format("{} per token at bf16, {} for the whole context; per token at q8 {}, at q4 {}",
                         human_bytes(d.kv_bytes_per_token),
                         human_bytes(d.kv_bytes_per_token * static_cast<std::uint64_t>(d.spec.trained_context)),
                         human_bytes(kv_bytes_per_token(d.spec, KvType::q8)),
                         human_bytes(kv_bytes_per_token(d.spec, KvType::q4))));
  if (d.state_bytes > 0)
    add_line(out, "state", fmt::format("{} per sequence, however long", human_bytes(d.state_bytes)));
  return out;
}

std::string tokenizer(const OpenedCheckpoint& opened) {
  std::string out;
  if (!opened.tokenizer) {
    add_line(out, "tokenizer", "none");
    return out;
  }
  const Tokenizer& t = *opened.tokenizer;
  const auto named = [&](std::optional<TokenId> id) { return id ? std::string(t.piece(*id)) : std::string("none"); };
  add_line(out, "tokenizer",
           fmt::format("{} tokens, begin {}, end {}, {}", grouped(t.vocab_size()), named(t.bos()), named(t.eos()),
                       t.chat_template().empty() ? "no chat template" : "chat template"));
  return out;
}

std::string tensor_list(const Checkpoint& checkpoint) {
  std::string out = fmt::format("\n{} tensors\n", checkpoint.tensors.size());
  for (const TensorView& t : checkpoint.tensors)
    out += fmt::format("  {:<34} {:<6} {:<18} {:>11}\n", t.name, info(t.dtype).name, to_string(t.shape),
                       human_bytes(t.data.size()));
  return out;
}

nlohmann::ordered_json json(const Description& d, const OpenedCheckpoint& opened, bool tensors) {
  const ModelSpec& spec = d.spec;
  nlohmann::ordered_json out{{"name", spec.name},
                             {"architecture", spec.architecture},
                             {"parameters", d.parameters},
                             {"bytes", d.bytes},
                             {"bits_per_weight", d.bits_per_weight()},
                             {"vocab", spec.vocab},
                             {"width", spec.width},
                             {"context", spec.trained_context},
                             {"norm_eps", spec.norm_eps},
                             {"tied_head", spec.tied_head},
                             {"n_blocks", spec.blocks.size()},
                             {"bytes_per_token", d.bytes_per_token},
                             {"kv_bytes_per_token", d.kv_bytes_per_token},
                             {"state_bytes", d.state_bytes}};
  for (const auto& [name, type] : kv_types)
    out["kv_bytes_per_token_by_type"][std::string(name)] = kv_bytes_per_token(spec, type);
  out["block_repeats"] = d.block_repeats;
  for (const BlockRun& run : d.blocks) out["blocks"].push_back({{"count", run.count}, {"block", run.text}});
  for (const TensorGroup& g : d.groups)
    out["groups"].push_back({{"role", g.role},
                             {"type", g.dtype},
                             {"tensors", g.tensors},
                             {"parameters", g.parameters},
                             {"bytes", g.bytes}});
  if (opened.tokenizer)
    out["tokenizer"] = {{"tokens", opened.tokenizer->vocab_size()},
                        {"chat_template", !opened.tokenizer->chat_template().empty()}};
  if (tensors)
    for (const TensorView& t : opened.checkpoint.tensors)
      out["tensors"].push_back(
          {{"name", t.name}, {"type", info(t.dtype).name}, {"shape", t.shape}, {"bytes", t.data.size()}});
  return out;
}

Result<Report> inspect(const InspectFlags& flags) {
  SW_ASSIGN(const CatalogueEntry entry, find_model(flags.model));
  SW_ASSIGN(const OpenedCheckpoint opened, open_checkpoint(entry.path()));
  SW_ASSIGN(const Description d, describe(opened.checkpoint));
  Report report{.json = json(d, opened, flags.tensors), .text = overview(d)};
  report.text += tokenizer(opened) + blocks(d) + groups(d) + costs(d);
  if (flags.tensors) report.text += tensor_list(opened.checkpoint);
  return report;
}

}  // namespace

void add_inspect_command(CLI::App& app, Context& context) {
  auto flags = std::make_shared<InspectFlags>();
  CLI::App* command = app.add_subcommand("inspect", "What a checkpoint is, how large, and what a token costs");
  add_model_argument(*command, flags->model);
  command->add_flag("--tensors", flags->tensors, "List every tensor");
  command->footer("Example:\n  speedwins inspect qwen2.5-0.5b.gguf");
  on_command(*command, context, [flags] { return inspect(*flags); });
}

}  // namespace sw
