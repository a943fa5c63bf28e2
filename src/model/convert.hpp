#pragma once

#include <filesystem>
#include <functional>

#include "base/thread_pool.hpp"
#include "formats/gguf.hpp"
#include "model/checkpoint_io.hpp"
#include "model/file_type.hpp"

namespace sw {

struct ConvertOptions {
  const FileType* type = nullptr;  ///< null: every tensor keeps its type
  WriteProgress progress;          ///< called between pieces; may be empty
};

/// Writes the checkpoint with its tokenizer as one GGUF file, complete or not at all. Tensors are read, re-encoded
/// and written piece by piece, so memory stays small whatever the model's size.
Status convert(const OpenedCheckpoint& opened, const std::filesystem::path& out, ThreadPool& pool,
               const ConvertOptions& options);

/// Fills row `row` of a matrix; called from several threads at once.
using FillRow = std::function<void(std::int64_t row, std::span<float> values)>;

/// A matrix encoded row by row on the pool's threads. The bytes do not depend on their number.
TensorSource encoded_source(std::string name, DType dtype, Shape shape, ThreadPool& pool, FillRow fill);

/// Makes "tokenizer.ggml.tokens" as long as the embedding, as GGUF readers expect: published embeddings are often
/// padded.
void pad_vocabulary(Metadata& metadata, int vocab);

}  // namespace sw
