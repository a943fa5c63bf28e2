#include <fmt/format.h>

#include <limits>
#include <utility>

#include "formats/gguf.hpp"
#include "formats/gguf_format.hpp"
#include "formats/layout.hpp"
#include "formats/utf8.hpp"

namespace sw {
namespace {

using Type = MetadataValue::Type;

// llama.cpp refuses longer tensor names (ggml.h, GGML_MAX_NAME, with its terminating zero).
constexpr std::size_t longest_tensor_name = 63;

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

void append_string(std::string& out, std::string_view text) {
  append(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

template <class T>
bool append_integer(std::string& out, std::int64_t value) {
  if (!std::in_range<T>(value)) return false;
  append(out, static_cast<T>(value));
  return true;
}

/// False when the type is not an integer type or cannot hold the value.
bool append_integer(std::string& out, Type type, std::int64_t value) {
  switch (type) {
    case Type::u8:
      return append_integer<std::uint8_t>(out, value);
    case Type::i8:
      return append_integer<std::int8_t>(out, value);
    case Type::u16:
      return append_integer<std::uint16_t>(out, value);
    case Type::i16:
      return append_integer<std::int16_t>(out, value);
    case Type::u32:
      return append_integer<std::uint32_t>(out, value);
    case Type::i32:
      return append_integer<std::int32_t>(out, value);
    case Type::u64:
      return append_integer<std::uint64_t>(out, value);
    case Type::i64:
      return append_integer<std::int64_t>(out, value);
    case Type::boolean:
      return value >= 0 && value <= 1 && append_integer<std::uint8_t>(out, value);
    default:
      return false;
  }
}

bool append_float(std::string& out, Type type, double value) {
  if (type == Type::f32)
    append(out, static_cast<float>(value));
  else if (type == Type::f64)
    append(out, value);
  return type == Type::f32 || type == Type::f64;
}

bool append_text(std::string& out, Type type, std::string_view value) {
  if (type == Type::string) append_string(out, value);
  return type == Type::string;
}

template <class Values, class Append>
bool append_array(std::string& out, Type element, const Values& values, Append append_one) {
  append(out, static_cast<std::uint32_t>(element));
  append(out, static_cast<std::uint64_t>(values.size()));
  for (const auto& value : values)
    if (!append_one(out, element, value)) return false;
  return true;
}

/// One overload per alternative of MetadataValue::value; false when the declared type does not fit the value.
struct ValueWriter {
  std::string& out;
  const MetadataValue& value;

  bool operator()(std::int64_t v) const { return value.type != Type::boolean && append_integer(out, value.type, v); }
  bool operator()(double v) const { return append_float(out, value.type, v); }
  bool operator()(bool v) const { return value.type == Type::boolean && append_integer(out, Type::boolean, v); }
  bool operator()(const std::string& v) const { return append_text(out, value.type, v); }
  bool operator()(const MetadataValue::Strings& v) const {
    return array() && append_array(out, value.element, v, append_text);
  }
  bool operator()(const MetadataValue::Floats& v) const {
    return array() && append_array(out, value.element, v, append_float);
  }
  bool operator()(const MetadataValue::Integers& v) const {
    return array() && append_array(out, value.element, v,
                                   [](std::string& o, Type t, std::int64_t x) { return append_integer(o, t, x); });
  }
  bool array() const { return value.type == Type::array; }
};

Status check_name(std::string_view name, std::size_t longest, const char* kind) {
  if (name.empty() || name.size() > longest || !is_utf8(name))
    return fail(fmt::format("{} {} cannot be stored", kind, in_quotes(name)), {},
                fmt::format("UTF-8 of 1 to {} bytes", longest));
  return {};
}

Status append_metadata(std::string& out, const Metadata& metadata) {
  std::vector<std::string_view> keys;
  for (const auto& [key, value] : metadata.entries()) {
    SW_TRY(check_name(key, gguf::longest_key, "metadata key"));
    keys.push_back(key);
    append_string(out, key);
    append(out, static_cast<std::uint32_t>(value.type));
    if (!std::visit(ValueWriter{out, value}, value.value))
      return fail(fmt::format("the value of metadata key {} does not fit its type", in_quotes(key)));
  }
  if (const auto key = repeated(std::move(keys)); !key.empty())
    return fail(fmt::format("metadata key {} occurs twice", in_quotes(key)), {}, "distinct keys");
  return {};
}

/// Appends the tensor table and returns the size of each tensor's data.
Result<std::vector<std::uint64_t>> append_table(std::string& out, std::span<const TensorSource> tensors,
                                                std::uint64_t alignment) {
  std::vector<std::uint64_t> sizes;
  std::vector<std::string_view> names;
  std::uint64_t offset = 0;
  for (const auto& tensor : tensors) {
    SW_TRY(check_name(tensor.name, longest_tensor_name, "tensor name"));
    names.push_back(tensor.name);
    const auto bytes = stored_bytes(tensor.dtype, tensor.shape);
    const bool sized = bytes && *bytes > 0;
    if (!sized || tensor.shape.empty() || tensor.shape.size() > gguf::most_dimensions)
      return fail(fmt::format("tensor {} of shape {} cannot be stored as {}", in_quotes(tensor.name),
                              to_string(tensor.shape), info(tensor.dtype).name),
                  {},
                  fmt::format("1 to {} dimensions, none of them 0, the last a multiple of {}", gguf::most_dimensions,
                              info(tensor.dtype).block_size));
    append_string(out, tensor.name);
    append(out, static_cast<std::uint32_t>(tensor.shape.size()));
    for (auto size = tensor.shape.rbegin(); size != tensor.shape.rend(); ++size)
      append(out, static_cast<std::uint64_t>(*size));
    append(out, static_cast<std::uint32_t>(tensor.dtype));
    append(out, offset);
    sizes.push_back(*bytes);
    offset += gguf::align_up(*bytes, alignment);
    if (offset > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return fail("the tensors are larger together than any file can be");
  }
  if (const auto name = repeated(std::move(names)); !name.empty())
    return fail("two tensors are named " + in_quotes(name), {}, "distinct names");
  return sizes;
}

Status pad(AtomicFile& file, std::uint64_t alignment) {
  const std::uint64_t missing = gguf::align_up(file.bytes_written(), alignment) - file.bytes_written();
  return file.write(std::string(missing, '\0'));
}

Status write_data(AtomicFile& file, std::span<const TensorSource> tensors, std::span<const std::uint64_t> sizes,
                  std::uint64_t alignment, const WriteProgress& progress) {
  std::uint64_t total = 0, done = 0;
  for (const std::uint64_t size : sizes) total += size;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    SW_TRY(write_tensor(file, tensors[i], sizes[i], [&](std::uint64_t written) {
      if (progress) progress(done + written, total);
    }));
    done += sizes[i];
    SW_TRY(pad(file, alignment));
  }
  return {};
}

}  // namespace

Status write_gguf(const std::filesystem::path& path, const Metadata& metadata, std::span<const TensorSource> tensors,
                  const WriteProgress& progress) {
  const auto written = [&]() -> Status {
    SW_ASSIGN(const auto alignment, gguf::alignment(metadata));
    std::string head(gguf::magic);
    append(head, gguf::newest_version);
    append(head, static_cast<std::uint64_t>(tensors.size()));
    append(head, static_cast<std::uint64_t>(metadata.entries().size()));
    SW_TRY(append_metadata(head, metadata));
    SW_ASSIGN(const auto sizes, append_table(head, tensors, alignment));

    SW_ASSIGN(auto file, AtomicFile::create(path));
    SW_TRY(file.write(head));
    SW_TRY(pad(file, alignment));
    SW_TRY(write_data(file, tensors, sizes, alignment, progress));
    return file.commit();
  }();
  if (written) return {};
  Error error = written.error();
  if (error.where.empty()) error.where = path.string();
  return std::unexpected(std::move(error));
}

}  // namespace sw
