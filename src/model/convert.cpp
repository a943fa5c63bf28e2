#include "model/convert.hpp"

#include <algorithm>

#include <fmt/core.h>

#include "quant/quant.hpp"

namespace sw {
namespace {

constexpr std::size_t piece_bytes = 8 << 20;  // of encoded rows, between two writes

/// Lets go of the pages of a mapped file that were read.
void release(const Checkpoint& checkpoint, std::span<const std::byte> range) {
  for (const auto& file : checkpoint.files) {
    const auto bytes = file->bytes();
    if (range.data() >= bytes.data() && range.data() + range.size() <= bytes.data() + bytes.size())
      file->release(range);
  }
}

bool holds_weights(DType dtype) {
  return info(dtype).quantized || dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16;
}

TensorSource reencoded(const TensorView& tensor, DType dtype, ThreadPool& pool) {
  if (tensor.dtype == dtype || !holds_weights(tensor.dtype) || tensor.data.empty()) return source_of(tensor);
  const auto columns = static_cast<std::size_t>(tensor.shape.back());
  const std::size_t row_bytes = info(tensor.dtype).row_bytes(columns);
  return encoded_source(
      tensor.name, dtype, tensor.shape, pool, [tensor, row_bytes](std::int64_t row, std::span<float> values) {
        dequantize(tensor.dtype, tensor.data.data() + static_cast<std::size_t>(row) * row_bytes, values);
      });
}

/// GGUF's name for the mix of types that a checkpoint already has: that of its largest tensor.
std::uint32_t present_file_type(const Checkpoint& checkpoint) {
  const auto largest =
      std::ranges::max_element(checkpoint.tensors, {}, [](const TensorView& t) { return t.data.size(); });
  const auto types = file_types();
  const auto it =
      largest == checkpoint.tensors.end() ? types.end() : std::ranges::find(types, largest->dtype, &FileType::dtype);
  return it == types.end() ? 0 : it->id;
}

}  // namespace

TensorSource encoded_source(std::string name, DType dtype, Shape shape, ThreadPool& pool, FillRow fill) {
  const auto columns = static_cast<std::size_t>(shape.back());
  const std::int64_t rows = count(shape) / shape.back();
  auto produce = [=, &pool, fill = std::move(fill)](const ByteSink& sink) -> Status {
    const std::size_t row_bytes = info(dtype).row_bytes(columns);
    const std::int64_t piece = std::clamp<std::int64_t>(static_cast<std::int64_t>(piece_bytes / row_bytes), 1, rows);
    std::vector<std::byte> encoded(static_cast<std::size_t>(piece) * row_bytes);
    std::vector<std::vector<float>> scratch(static_cast<std::size_t>(pool.size()), std::vector<float>(columns));
    for (std::int64_t first = 0; first < rows; first += piece) {
      const std::int64_t n = std::min(piece, rows - first);
      pool.parallel_for(n, std::max<std::int64_t>(1, n / 64), [&](std::int64_t begin, std::int64_t end, int thread) {
        std::vector<float>& values = scratch[static_cast<std::size_t>(thread)];
        for (std::int64_t row = begin; row < end; ++row) {
          fill(first + row, values);
          quantize(dtype, values, encoded.data() + static_cast<std::size_t>(row) * row_bytes);
        }
      });
      SW_TRY(sink(std::span(encoded).first(static_cast<std::size_t>(n) * row_bytes)));
    }
    return {};
  };
  return {std::move(name), dtype, std::move(shape), std::move(produce)};
}

void pad_vocabulary(Metadata& metadata, int vocab) {
  const auto* tokens = metadata.strings("tokenizer.ggml.tokens");
  const auto wanted = static_cast<std::size_t>(vocab);
  if (!tokens || tokens->size() >= wanted) return;
  constexpr std::int32_t unused = 5;  // gguf.TokenType.UNUSED
  MetadataValue::Strings padded = *tokens;
  while (padded.size() < wanted) padded.push_back(fmt::format("[PAD{}]", padded.size()));
  if (const auto* types = metadata.integers("tokenizer.ggml.token_type")) {
    std::vector<std::int32_t> longer(types->begin(), types->end());
    longer.resize(wanted, unused);
    metadata.set("tokenizer.ggml.token_type", std::move(longer));
  }
  if (const auto* scores = metadata.floats("tokenizer.ggml.scores")) {
    std::vector<float> longer(scores->begin(), scores->end());
    longer.resize(wanted, -10000.0f);
    metadata.set("tokenizer.ggml.scores", std::move(longer));
  }
  metadata.set("tokenizer.ggml.tokens", std::move(padded));
}

Status convert(const OpenedCheckpoint& opened, const std::filesystem::path& out, ThreadPool& pool,
               const ConvertOptions& options) {
  const Checkpoint& checkpoint = opened.checkpoint;
  SW_ASSIGN(const ModelSpec spec, read_spec(checkpoint));
  const ModelOutline outline{.blocks = static_cast<int>(spec.blocks.size()), .tied_head = spec.tied_head};

  Metadata metadata = checkpoint.metadata;
  metadata.set("general.file_type", options.type ? options.type->id : present_file_type(checkpoint));
  metadata.set("general.quantization_version", std::uint32_t{2});
  if (opened.tokenizer && !metadata.find("tokenizer.ggml.model")) SW_TRY(opened.tokenizer->write_metadata(metadata));
  pad_vocabulary(metadata, spec.vocab);

  std::vector<TensorSource> sources;
  for (const TensorView& tensor : checkpoint.tensors) {
    const bool derived = tensor.name.starts_with("rope_");
    const DType dtype =
        options.type && !derived ? tensor_type(*options.type, tensor.name, tensor.shape, outline) : tensor.dtype;
    TensorSource source = reencoded(tensor, dtype, pool);
    source.produce = [&checkpoint, data = tensor.data,
                      produce = std::move(source.produce)](const ByteSink& sink) -> Status {
      SW_TRY(produce(sink));
      release(checkpoint, data);
      return {};
    };
    sources.push_back(std::move(source));
  }
  return write_gguf(out, metadata, sources, options.progress);
}

}  // namespace sw
