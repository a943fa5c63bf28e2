#include "evaluation/logits_file.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace sw {
namespace {

// magic, then little-endian: u32 vocab, u32 convention, u64 window, u64 stride, u64 windows, u64 bytes of the model's
// name, u64 tokens; the name; the tokens as i32; then rows of f32 largest, f32 step and u16[vocab] steps below it.
constexpr std::array<char, 8> magic = {'S', 'W', 'L', 'O', 'G', 'I', 'T', '1'};
constexpr float nats_kept = 30;
constexpr std::size_t row_header = 2 * sizeof(float);

struct FixedHeader {
  std::array<char, 8> magic;
  std::uint32_t vocab, convention;
  std::uint64_t window, stride, windows, name_bytes, tokens;
};
static_assert(sizeof(FixedHeader) == 56);

template <class T>
std::string_view bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

double log_of_sum(std::span<const float> logits, float largest) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum);
}

}  // namespace

Result<LogitsWriter> LogitsWriter::create(const std::filesystem::path& path, const LogitsHeader& header) {
  SW_ASSIGN(AtomicFile file, AtomicFile::create(path));
  const FixedHeader fixed{magic,
                          header.vocab,
                          static_cast<std::uint32_t>(header.convention),
                          header.window,
                          header.stride,
                          header.windows,
                          header.model.size(),
                          header.tokens.size()};
  SW_TRY(file.write(bytes_of(fixed)));
  SW_TRY(file.write(header.model));
  SW_TRY(file.write(std::as_bytes(std::span(header.tokens))));
  return LogitsWriter(std::move(file));
}

Status LogitsWriter::add(std::span<const float> logits) {
  const float largest = *std::ranges::max_element(logits);
  const auto normalizer = static_cast<float>(log_of_sum(logits, largest));
  const float step = nats_kept / 65535;
  row_.resize(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const float below = (largest - logits[i]) / step;
    row_[i] = static_cast<std::uint16_t>(below < 65535 ? std::lround(below) : 65535);  // NaN and −∞ are the least
  }
  const float top = largest - normalizer;
  SW_TRY(file_.write(bytes_of(top)));
  SW_TRY(file_.write(bytes_of(step)));
  return file_.write(std::as_bytes(std::span(row_)));
}

Result<LogitsReader> LogitsReader::open(const std::filesystem::path& path) {
  LogitsReader reader;
  SW_ASSIGN(reader.file_, MappedFile::open(path));
  const auto bytes = reader.file_.bytes();
  const auto damaged = [&](const std::string& what) {
    return fail(what, path.string(), "a file that `speedwins eval --save-logits` wrote",
                "Write it again from the baseline");
  };
  FixedHeader fixed{};
  if (bytes.size() < sizeof(fixed)) return damaged("is too short");
  std::memcpy(&fixed, bytes.data(), sizeof(fixed));
  if (fixed.magic != magic) return damaged("holds no logits");
  const std::uint64_t rest = bytes.size() - sizeof(fixed);
  if (fixed.name_bytes > rest || fixed.tokens > (rest - fixed.name_bytes) / sizeof(TokenId) || fixed.vocab == 0 ||
      fixed.vocab > 1u << 24 || fixed.convention > 1 || fixed.window < 2 || fixed.stride == 0)
    return damaged("has a header that its size contradicts");
  LogitsHeader& header = reader.header_;
  header = {.convention = static_cast<Convention>(fixed.convention),
            .vocab = fixed.vocab,
            .window = fixed.window,
            .stride = fixed.stride,
            .windows = fixed.windows,
            .model = std::string(reinterpret_cast<const char*>(bytes.data()) + sizeof(fixed), fixed.name_bytes),
            .tokens = std::vector<TokenId>(fixed.tokens)};
  const std::size_t tokens_at = sizeof(fixed) + fixed.name_bytes;
  std::memcpy(header.tokens.data(), bytes.data() + tokens_at, fixed.tokens * sizeof(TokenId));
  reader.first_row_ = tokens_at + fixed.tokens * sizeof(TokenId);
  const std::size_t row_bytes = row_header + std::size_t{fixed.vocab} * sizeof(std::uint16_t);
  reader.rows_ = (bytes.size() - reader.first_row_) / row_bytes;
  if (reader.first_row_ + reader.rows_ * row_bytes != bytes.size()) return damaged("ends in the middle of a row");
  if (std::ranges::any_of(header.tokens, [&](TokenId id) { return id < 0 || id >= static_cast<TokenId>(fixed.vocab); }))
    return damaged("holds tokens that are not in its vocabulary");
  reader.values_.resize(fixed.vocab);
  return reader;
}

std::span<const float> LogitsReader::row(std::uint64_t i) {
  const std::size_t vocab = header_.vocab;
  const std::byte* at = file_.bytes().data() + first_row_ + i * (row_header + vocab * sizeof(std::uint16_t));
  float top = 0, step = 0;
  std::memcpy(&top, at, sizeof(top));
  std::memcpy(&step, at + sizeof(top), sizeof(step));
  for (std::size_t v = 0; v < vocab; ++v) {
    std::uint16_t below = 0;
    std::memcpy(&below, at + row_header + v * sizeof(below), sizeof(below));
    values_[v] = top - step * static_cast<float>(below);
  }
  // Rounding leaves their sum a little beside 1.
  const auto excess = static_cast<float>(log_of_sum(values_, top));
  for (float& value : values_) value -= excess;
  return values_;
}

Divergence divergence(std::span<const float> baseline, std::span<const float> logits, TokenId target) {
  const auto ours = std::ranges::max_element(logits), theirs = std::ranges::max_element(baseline);
  const double normalizer = log_of_sum(logits, *ours);
  Divergence result;
  for (std::size_t v = 0; v < logits.size(); ++v) {
    const double p = std::exp(static_cast<double>(baseline[v]));
    if (p > 0) result.kl += p * (baseline[v] - (logits[v] - normalizer));
  }
  result.same_top = ours - logits.begin() == theirs - baseline.begin();
  const auto t = static_cast<std::size_t>(target);
  result.nats_more = baseline[t] - (logits[t] - normalizer);
  return result;
}

}  // namespace sw
