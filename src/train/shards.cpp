#include "train/shards.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "formats/safetensors.hpp"

namespace sw::train {
namespace {

std::filesystem::path shard_path(const std::filesystem::path& folder, const std::string& name, int number) {
  return folder / fmt::format("{}-{:05}.safetensors", name, number);
}

template <class T>
Result<std::span<const T>> tensor(const Safetensors& file, std::string_view name, DType dtype,
                                  const std::string& where) {
  const auto it = std::ranges::find(file.tensors, name, &TensorView::name);
  if (it == file.tensors.end() || it->dtype != dtype || it->shape.size() != 1)
    return fail(fmt::format("there is no vector '{}' of {}", name, info(dtype).name), where, "a shard of tokens",
                "Delete the data folder: it is made again");
  return std::span<const T>(reinterpret_cast<const T*>(it->data.data()), it->data.size() / sizeof(T));
}

template <class T>
TensorSource source(std::string name, DType dtype, const std::vector<T>& values) {
  return {std::move(name), dtype, {static_cast<std::int64_t>(values.size())}, [&values](const ByteSink& sink) {
            return sink(std::as_bytes(std::span(values)));
          }};
}

}  // namespace

Result<Shards> Shards::open(const std::filesystem::path& folder, const std::string& name) {
  Shards out;
  std::error_code ignored;
  for (int number = 0; std::filesystem::exists(shard_path(folder, name, number), ignored); ++number) {
    const std::string where = shard_path(folder, name, number).string();
    SW_ASSIGN(const Safetensors file, read_safetensors(where));
    Shard shard{file.file, {}, {}, {}};
    SW_ASSIGN(shard.tokens, tensor<TokenId>(file, "tokens", DType::i32, where));
    SW_ASSIGN(shard.weights, tensor<std::int8_t>(file, "weights", DType::i8, where));
    SW_ASSIGN(shard.documents, tensor<std::int64_t>(file, "documents", DType::i64, where));
    const auto size = static_cast<std::int64_t>(shard.tokens.size());
    if (shard.weights.size() != shard.tokens.size() || shard.documents.empty() || shard.documents.front() != 0 ||
        shard.documents.back() != size || !std::ranges::is_sorted(shard.documents))
      return fail("the documents do not lie one after another", where, {}, "Delete the data folder: it is made again");
    out.tokens_ += size;
    out.documents_ += static_cast<std::int64_t>(shard.documents.size()) - 1;
    out.shards_.push_back(std::move(shard));
  }
  return out;
}

std::vector<Shards::Place> Shards::chunks(int length) const {
  std::vector<Place> out;
  std::int64_t row = 0;
  for (std::uint32_t s = 0; s < shards_.size(); ++s) {
    const auto& documents = shards_[s].documents;
    for (std::size_t d = 0; d + 1 < documents.size(); ++d)
      // The last token of a document is only a target.
      for (std::int64_t at = documents[d]; at + 1 < documents[d + 1]; at += length) {
        const std::int64_t inputs = std::min<std::int64_t>(length, documents[d + 1] - 1 - at);
        out.push_back({s, static_cast<std::uint32_t>(inputs), at, row});
        row += inputs;
      }
  }
  return out;
}

Shards::Chunk Shards::at(const Place& place) const {
  const Shard& shard = shards_[place.shard];
  const auto first = static_cast<std::size_t>(place.first);
  return {shard.tokens.subspan(first, place.length), shard.tokens.subspan(first + 1, place.length),
          shard.weights.subspan(first + 1, place.length)};
}

Status ShardWriter::add(const Document& document, const Tokenizer& tokenizer, TokenId end) {
  for (const Piece& piece : document) {
    SW_ASSIGN(const std::vector<TokenId> ids,
              tokenizer.encode(piece.text, {.add_special = false, .parse_special = piece.is_markup}));
    tokens_.insert(tokens_.end(), ids.begin(), ids.end());
    weights_.insert(weights_.end(), ids.size(), static_cast<std::int8_t>(std::lround(127 * piece.weight)));
  }
  tokens_.push_back(end);
  weights_.push_back(document.empty() ? 0 : 127);
  documents_.push_back(static_cast<std::int64_t>(tokens_.size()));
  return static_cast<std::int64_t>(tokens_.size()) >= shard_tokens_ ? write() : Status{};
}

Status ShardWriter::finish() {
  return tokens_.empty() ? Status{} : write();
}

Status ShardWriter::write() {
  const TensorSource sources[] = {source("tokens", DType::i32, tokens_), source("weights", DType::i8, weights_),
                                  source("documents", DType::i64, documents_)};
  SW_TRY(write_safetensors(shard_path(folder_, name_, written_++), sources));
  tokens_.clear();
  weights_.clear();
  documents_.assign(1, 0);
  return {};
}

}  // namespace sw::train
