#include "text/pre_tokenizer_names.hpp"

#include <algorithm>

namespace sw {
namespace {

using Kind = PreTokenizerStep::Kind;
using Behavior = PreTokenizerStep::Behavior;

PreTokenizerStep split(std::string_view pattern) {
  return {.kind = Kind::regex, .pattern = std::string(pattern)};
}
PreTokenizerStep digits() {
  return {.kind = Kind::digits};
}
PreTokenizerStep digit_runs() {
  return {.kind = Kind::digit_runs};
}
PreTokenizerStep punctuation() {
  return {.kind = Kind::punctuation, .behavior = Behavior::contiguous};
}

constexpr std::string_view cjk = R"([一-龥぀-ゟ゠-ヿ]+)";
constexpr std::string_view deepseek_cjk = R"([一-龥ࠀ-一가-퟿]+)";
constexpr std::string_view deepseek_letters =
    R"(\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+)";
constexpr std::string_view deepseek_signs = R"(\s?[!-/:-~！-／：-～‘-‟　-。]+)";
constexpr std::string_view deepseek3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view gpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view tekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view bailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view seed_coder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view bloom = R"( ?[^(\s|.,!?…。，、।۔،)]+)";

const std::vector<PreTokenizerFamily>& families() {
  static const std::vector<PreTokenizerFamily> all{
      {.names = {"gpt-2", "phi-2", "olmo", "mpt", "jais", "trillion", "granite-docling", "jina-es", "jina-de",
                 "gigachat", "jina-v2-es", "jina-v2-de", "jina-v1-en", "jina-v2-code", "roberta-bpe", "a.x-4.0",
                 "mellum", "modern-bert", "exaone4"},
       .steps = {split(patterns::gpt2)}},
      {.names = {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2",
                 "jina-v5-nano"},
       .steps = {split(patterns::llama3)},
       .ignore_merges = true,
       .add_bos = true},
      {.names = {"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"}, .steps = {split(patterns::llama3)}},
      {.names = {"qwen2", "qwen3", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan",
                 "solar-open", "grok-2"},
       .steps = {split(patterns::qwen2)}},
      {.names = {"qwen35"}, .steps = {split(patterns::qwen35)}},
      {.names = {"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"},
       .steps = {digits(), split(patterns::gpt2)}},
      {.names = {"deepseek-llm"},
       .steps = {split(R"([\r\n])"), split(deepseek_letters), split(deepseek_signs), split(R"(\s+$)"),
                 split(deepseek_cjk), digit_runs()}},
      // DeepSeek LLM's own file; its vocabulary has no token of several digits, so both split alike.
      {.names = {"deepseek-llm"},
       .steps = {split(R"([\r\n])"), split(deepseek_letters), split(deepseek_signs), split(R"(\s+$)"),
                 split(deepseek_cjk), digits()}},
      {.names = {"deepseek-coder"},
       .steps = {split(R"([\r\n])"), split(R"(\s?\p{L}+)"), split(R"(\s?\p{P}+)"), split(deepseek_cjk), digits()}},
      {.names = {"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"},
       .steps = {split(R"(\p{N}{1,3})"), split(cjk), split(deepseek3)}},
      {.names = {"falcon"}, .steps = {punctuation(), split(patterns::gpt2), split("[0-9][0-9][0-9]")}},
      {.names = {"falcon"}, .steps = {punctuation(), split(patterns::gpt2), digit_runs(), split("[0-9][0-9][0-9]")}},
      {.names = {"default"},
       .steps = {split(R"([\p{P}\$\+<=>\^~\|]+)"), split(patterns::gpt2), digit_runs(), split("[0-9][0-9][0-9]")}},
      {.names = {"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, .steps = {split(gpt4o)}},
      {.names = {"tekken"}, .steps = {split(tekken)}, .ignore_merges = true, .add_bos = true},
      {.names = {"bailingmoe", "bailingmoe2", "llada-moe"}, .steps = {split(bailing)}},
      {.names = {"seed-coder"}, .steps = {split(seed_coder)}},
      {.names = {"bloom", "poro-chat", "gpt3-finnish"}, .steps = {split(bloom)}},
      {.names = {"viking"}, .steps = {split(bloom), digits()}},
  };
  return all;
}

}  // namespace

const PreTokenizerFamily* find_pre_tokenizer(std::string_view name) {
  for (const PreTokenizerFamily& family : families()) {
    if (std::ranges::find(family.names, name) != family.names.end()) return &family;
  }
  return nullptr;
}

std::vector<const PreTokenizerFamily*> families_of(const std::vector<PreTokenizerStep>& steps) {
  std::vector<const PreTokenizerFamily*> found;
  for (const PreTokenizerFamily& family : families()) {
    if (family.steps == steps) found.push_back(&family);
  }
  return found;
}

std::string canonical_pattern(std::string_view pattern) {
  std::string out;
  for (const char c : pattern) {
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace sw
