#include "text/regex.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "text/unicode.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace sw {
namespace {

std::string message_of(int error) {
  std::array<PCRE2_UCHAR8, 256> text{};
  pcre2_get_error_message(error, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

/// PCRE2 10.42 reads \s and \w differently from the engines that tokenizers were made with: spell them out.
std::string spell_out_classes(std::string_view pattern) {
  constexpr std::string_view word = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
  std::string out;
  bool in_class = false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '\\' || i + 1 == pattern.size()) {
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      out += c;
      continue;
    }
    const char escaped = pattern[++i];
    if (escaped == 's') {
      out += R"(\p{White_Space})";
    } else if (escaped == 'S') {
      out += R"(\P{White_Space})";
    } else if (escaped == 'w') {
      out += in_class ? std::string(word) : '[' + std::string(word) + ']';
    } else if (escaped == 'W' && !in_class) {
      out += "[^" + std::string(word) + ']';
    } else {
      out += c;
      out += escaped;
    }
  }
  return out;
}

struct MatchDataDeleter {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct ContextDeleter {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};
struct StackDeleter {
  void operator()(pcre2_jit_stack* stack) const { pcre2_jit_stack_free(stack); }
};

}  // namespace

struct Regex::Code {
  pcre2_code* code = nullptr;
  explicit Code(pcre2_code* compiled) : code(compiled) {}
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() { pcre2_code_free(code); }
};

Regex::Regex(std::unique_ptr<Code> code) : code_(std::move(code)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

Result<Regex> Regex::compile(std::string_view pattern) {
  constexpr std::size_t longest_pattern = 1 << 16;
  if (pattern.size() > longest_pattern) {
    return fail("a regular expression has " + std::to_string(pattern.size()) + " bytes", "tokenizer",
                "at most " + std::to_string(longest_pattern));
  }
  const std::string spelled = spell_out_classes(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spelled.data()), spelled.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, nullptr);
  if (code == nullptr) {
    return fail("regular expression '" + std::string(pattern) + "' does not compile: " + message_of(error), "tokenizer",
                "a pattern that PCRE2 accepts");
  }
  auto owned = std::make_unique<Code>(code);
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without a JIT the interpreter matches the same
  return Regex(std::move(owned));
}

struct RegexMatcher::State {
  const pcre2_code* code;
  std::unique_ptr<pcre2_match_data, MatchDataDeleter> data;
  std::unique_ptr<pcre2_match_context, ContextDeleter> context;
  std::unique_ptr<pcre2_jit_stack, StackDeleter> stack;
  bool jit = false;  ///< call the compiled code directly, without pcre2_match's checks of its arguments
};

RegexMatcher::RegexMatcher(const Regex& regex) : state_(std::make_unique<State>()) {
  state_->code = regex.code_->code;
  state_->data.reset(pcre2_match_data_create_from_pattern(state_->code, nullptr));
  state_->context.reset(pcre2_match_context_create(nullptr));
  constexpr std::uint32_t most_heap = 1 << 20;  // KiB
  if (state_->context) pcre2_set_heap_limit(state_->context.get(), most_heap);
  std::size_t jit_size = 0;
  state_->jit = pcre2_pattern_info(state_->code, PCRE2_INFO_JITSIZE, &jit_size) == 0 && jit_size != 0;
}

RegexMatcher::~RegexMatcher() = default;

Status RegexMatcher::find_all(std::string_view text, std::vector<Span>& matches) {
  std::string masked;
  std::string_view subject = text;
  if (!unicode::is_valid(text)) {
    masked = unicode::mask_invalid(text);
    subject = masked;
  }
  auto& [code, data, context, stack, jit] = *state_;
  if (!data || !context) return fail("out of memory", "tokenizer");
  // Enough for any pattern that backtracks over a run of characters; a pattern made to explode ends in an Error.
  constexpr std::uint64_t base_steps = 10'000'000, steps_per_byte = 100;
  const std::uint64_t steps = base_steps + steps_per_byte * subject.size();
  const auto limit =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(steps, std::numeric_limits<std::uint32_t>::max()));
  pcre2_set_match_limit(context.get(), limit);
  pcre2_set_depth_limit(context.get(), limit);
  std::size_t offset = 0;
  while (offset < subject.size()) {
    const auto* start = reinterpret_cast<PCRE2_SPTR>(subject.data());
    const int n = jit ? pcre2_jit_match(code, start, subject.size(), offset, 0, data.get(), context.get())
                      : pcre2_match(code, start, subject.size(), offset, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data.get(),
                                    context.get());
    if (n == PCRE2_ERROR_NOMATCH) break;
    if (n == PCRE2_ERROR_JIT_STACKLIMIT && !stack) {
      constexpr std::size_t initial = 64u << 10, largest = 256u << 20;
      stack.reset(pcre2_jit_stack_create(initial, largest, nullptr));
      pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
      if (stack) continue;
    }
    if ((n == PCRE2_ERROR_JIT_STACKLIMIT || n == PCRE2_ERROR_MATCHLIMIT) && jit) {
      // The interpreter keeps its frames on the heap.
      jit = false;
      continue;
    }
    if (n < 0) return fail("a pre-tokenizer's regular expression gave up: " + message_of(n), "tokenizer");
    const PCRE2_SIZE* range = pcre2_get_ovector_pointer(data.get());
    if (range[1] > range[0] && range[0] >= offset) {
      matches.push_back({range[0], range[1]});
      offset = range[1];
    } else {  // an empty match separates nothing; go on one character further
      offset = std::max<std::size_t>(offset, range[1]);
      if (offset < subject.size()) offset += unicode::decode(subject, offset).size;
    }
  }
  return {};
}

}  // namespace sw
