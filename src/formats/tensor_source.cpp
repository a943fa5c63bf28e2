#include "formats/tensor_source.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "formats/utf8.hpp"

namespace sw {
namespace {

constexpr std::size_t copied_at_once = 1u << 20;

}  // namespace

TensorSource source_of(const TensorView& tensor) {
  return {tensor.name, tensor.dtype, tensor.shape, [data = tensor.data](const ByteSink& sink) -> Status {
            for (std::size_t at = 0; at < data.size(); at += copied_at_once)
              SW_TRY(sink(data.subspan(at, std::min(copied_at_once, data.size() - at))));
            return {};
          }};
}

Status write_tensor(AtomicFile& file, const TensorSource& source, std::uint64_t bytes,
                    const std::function<void(std::uint64_t written)>& progress) {
  std::uint64_t produced = 0;
  const ByteSink sink = [&](std::span<const std::byte> piece) -> Status {
    produced += piece.size();
    if (produced > bytes) return {};  // reported below, once the true size is known
    SW_TRY(file.write(piece));
    progress(produced);
    return {};
  };
  SW_TRY(source.produce(sink));
  if (produced == bytes) return {};
  return fail(fmt::format("tensor {} was given {} bytes", in_quotes(source.name), produced), {},
              fmt::format("{} for the shape {} as {}", bytes, to_string(source.shape), info(source.dtype).name));
}

}  // namespace sw
