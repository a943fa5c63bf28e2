#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <limits>
#include <utility>

#include "formats/byte_reader.hpp"
#include "formats/gguf.hpp"
#include "formats/gguf_format.hpp"
#include "formats/layout.hpp"
#include "formats/utf8.hpp"

namespace sw {
namespace {

using Type = MetadataValue::Type;

// The smallest an entry can be: key length, one letter, type, one byte of value; and name length, one letter,
// n_dims, type, offset.
constexpr std::size_t smallest_key_value = 8 + 1 + 4 + 1;
constexpr std::size_t smallest_tensor_info = 8 + 1 + 4 + 4 + 8;

/// Name of a type that other programs write and this one does not read (ggml.h, enum ggml_type).
std::string_view unsupported_type_name(std::uint32_t id) {
  constexpr std::array names = {
      std::pair{4u, "Q4_2"},      std::pair{5u, "Q4_3"},      std::pair{9u, "Q8_1"},     std::pair{15u, "Q8_K"},
      std::pair{16u, "IQ2_XXS"},  std::pair{17u, "IQ2_XS"},   std::pair{18u, "IQ3_XXS"}, std::pair{19u, "IQ1_S"},
      std::pair{21u, "IQ3_S"},    std::pair{22u, "IQ2_S"},    std::pair{29u, "IQ1_M"},   std::pair{31u, "Q4_0_4_4"},
      std::pair{32u, "Q4_0_4_8"}, std::pair{33u, "Q4_0_8_8"}, std::pair{34u, "TQ1_0"},   std::pair{35u, "TQ2_0"},
      std::pair{39u, "MXFP4"},
  };
  for (const auto& [known, name] : names)
    if (known == id) return name;
  return "unknown to this program";
}

std::string supported_type_names() {
  std::vector<std::string_view> names;
  for (std::uint32_t id = 0; id < 64; ++id)
    if (const DTypeInfo* type = find_dtype(id)) names.push_back(type->name);
  return fmt::format("one of {}", fmt::join(names, ", "));
}

Result<std::string_view> read_string(ByteReader& in, std::string_view subject) {
  SW_ASSIGN(const auto length, in.number<std::uint64_t>(subject));
  return in.text(length, subject);
}

/// A key or a tensor's name.
Result<std::string> read_name(ByteReader& in, std::string_view subject) {
  SW_ASSIGN(const auto length, in.number<std::uint64_t>(subject));
  if (length == 0 || length > gguf::longest_key)
    return in.fail_here(fmt::format("{} has {} bytes", subject, length),
                        fmt::format("1 to {} bytes", gguf::longest_key));
  SW_ASSIGN(const auto name, in.text(length, subject));
  if (!is_utf8(name)) return in.fail_here(fmt::format("{} {} is not UTF-8", subject, in_quotes(name)), "UTF-8");
  return std::string(name);
}

template <class T>
Result<std::int64_t> read_integer(ByteReader& in, std::string_view subject) {
  SW_ASSIGN(const T value, in.number<T>(subject));
  if (std::cmp_greater(value, std::numeric_limits<std::int64_t>::max()))
    return in.fail_here(fmt::format("{} holds {}", subject, value), "at most 9223372036854775807");
  return static_cast<std::int64_t>(value);
}

Result<std::int64_t> read_boolean(ByteReader& in, std::string_view subject) {
  SW_ASSIGN(const auto value, in.number<std::uint8_t>(subject));
  if (value > 1) return in.fail_here(fmt::format("{} holds the boolean {}", subject, value), "0 or 1");
  return value;
}

template <class T>
Result<double> read_float(ByteReader& in, std::string_view subject) {
  SW_ASSIGN(const T value, in.number<T>(subject));
  return static_cast<double>(value);
}

/// `count` elements of `bytes` or more each in the file.
template <class T, class Read>
Result<std::vector<T>> read_elements(ByteReader& in, std::uint64_t count, std::size_t bytes, std::string_view subject,
                                     Read read) {
  SW_TRY(in.expect_items(count, bytes, fmt::format("the length of {}", subject)));
  std::vector<T> elements;
  elements.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    SW_ASSIGN(auto element, read(in, subject));
    elements.emplace_back(std::move(element));
  }
  return elements;
}

Result<MetadataValue> read_array(ByteReader& in, std::string_view subject) {
  SW_ASSIGN(const auto element, in.number<std::uint32_t>(subject));
  SW_ASSIGN(const auto count, in.number<std::uint64_t>(subject));
  MetadataValue array{Type::array, static_cast<Type>(element), {}};

  const auto fill = [&]<class T, class Read>(std::type_identity<T>, std::size_t bytes, Read read) -> Status {
    SW_ASSIGN(array.value, read_elements<T>(in, count, bytes, subject, read));
    return {};
  };
  const auto integers = [&](std::size_t bytes, auto read) {
    return fill(std::type_identity<std::int64_t>{}, bytes, read);
  };
  const auto floats = [&](std::size_t bytes, auto read) { return fill(std::type_identity<double>{}, bytes, read); };

  Status filled;
  switch (array.element) {
    case Type::u8:
      filled = integers(1, read_integer<std::uint8_t>);
      break;
    case Type::i8:
      filled = integers(1, read_integer<std::int8_t>);
      break;
    case Type::u16:
      filled = integers(2, read_integer<std::uint16_t>);
      break;
    case Type::i16:
      filled = integers(2, read_integer<std::int16_t>);
      break;
    case Type::u32:
      filled = integers(4, read_integer<std::uint32_t>);
      break;
    case Type::i32:
      filled = integers(4, read_integer<std::int32_t>);
      break;
    case Type::u64:
      filled = integers(8, read_integer<std::uint64_t>);
      break;
    case Type::i64:
      filled = integers(8, read_integer<std::int64_t>);
      break;
    case Type::boolean:
      filled = integers(1, read_boolean);
      break;
    case Type::f32:
      filled = floats(4, read_float<float>);
      break;
    case Type::f64:
      filled = floats(8, read_float<double>);
      break;
    case Type::string:
      filled = fill(std::type_identity<std::string>{}, 8, read_string);
      break;
    case Type::array:
      filled = in.fail_here(fmt::format("{} is an array of arrays", subject), "an array of numbers or strings");
      break;
    default:
      filled =
          in.fail_here(fmt::format("{} is an array of the unknown type {}", subject, element), "a type from 0 to 12");
  }
  SW_TRY(std::move(filled));
  return array;
}

Result<MetadataValue> read_value(ByteReader& in, std::string_view subject) {
  SW_ASSIGN(const auto id, in.number<std::uint32_t>(subject));
  const auto type = static_cast<Type>(id);
  const auto scalar = [&](auto read) -> Result<MetadataValue> {
    SW_ASSIGN(auto value, read(in, subject));
    return MetadataValue{type, {}, std::move(value)};
  };
  switch (type) {
    case Type::u8:
      return scalar(read_integer<std::uint8_t>);
    case Type::i8:
      return scalar(read_integer<std::int8_t>);
    case Type::u16:
      return scalar(read_integer<std::uint16_t>);
    case Type::i16:
      return scalar(read_integer<std::int16_t>);
    case Type::u32:
      return scalar(read_integer<std::uint32_t>);
    case Type::i32:
      return scalar(read_integer<std::int32_t>);
    case Type::u64:
      return scalar(read_integer<std::uint64_t>);
    case Type::i64:
      return scalar(read_integer<std::int64_t>);
    case Type::f32:
      return scalar(read_float<float>);
    case Type::f64:
      return scalar(read_float<double>);
    case Type::boolean: {
      SW_ASSIGN(const auto value, read_boolean(in, subject));
      return MetadataValue{type, {}, value != 0};
    }
    case Type::string: {
      SW_ASSIGN(const auto value, read_string(in, subject));
      return MetadataValue{type, {}, std::string(value)};
    }
    case Type::array:
      return read_array(in, subject);
  }
  return in.fail_here(fmt::format("{} has the unknown type {}", subject, id), "a type from 0 to 12");
}

Result<Metadata> read_metadata(ByteReader& in, std::uint64_t count) {
  SW_TRY(in.expect_items(count, smallest_key_value, "the number of metadata keys"));
  Metadata::Entries entries;
  entries.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    SW_ASSIGN(auto key, read_name(in, "a metadata key"));
    SW_ASSIGN(auto value, read_value(in, "metadata key " + in_quotes(key)));
    entries.emplace_back(std::move(key), std::move(value));
  }
  std::vector<std::string_view> keys;
  keys.reserve(entries.size());
  for (const auto& [key, value] : entries) keys.push_back(key);
  if (const auto key = repeated(std::move(keys)); !key.empty())
    return in.fail_here(fmt::format("metadata key {} occurs twice", in_quotes(key)), "distinct keys");
  return Metadata(std::move(entries));
}

/// A tensor's entry in the table; its bytes are found once the table's end is known.
struct TensorInfo {
  TensorView view;
  std::uint64_t offset = 0;  ///< from the start of the data section
  std::uint64_t bytes = 0;
};

Result<TensorInfo> read_tensor_info(ByteReader& in) {
  TensorInfo tensor;
  SW_ASSIGN(tensor.view.name, read_name(in, "a tensor's name"));
  const std::string subject = "tensor " + in_quotes(tensor.view.name);

  SW_ASSIGN(const auto n_dims, in.number<std::uint32_t>(subject));
  if (n_dims > gguf::most_dimensions)
    return in.fail_here(fmt::format("{} has {} dimensions", subject, n_dims),
                        fmt::format("at most {}", gguf::most_dimensions));
  // A scalar is a row of one.
  tensor.view.shape.assign(n_dims == 0 ? 1 : n_dims, 1);
  for (std::uint32_t i = 0; i < n_dims; ++i) {
    SW_ASSIGN(const auto size, read_integer<std::uint64_t>(in, subject));
    if (size == 0) return in.fail_here(fmt::format("{} has a dimension of size 0", subject), "at least 1");
    tensor.view.shape[n_dims - 1 - i] = size;
  }

  SW_ASSIGN(const auto type, in.number<std::uint32_t>(subject));
  const DTypeInfo* dtype = find_dtype(type);
  if (!dtype)
    return in.fail_here(fmt::format("{} has type {} ({})", subject, type, unsupported_type_name(type)),
                        supported_type_names(), "Convert the model to one of these types");
  tensor.view.dtype = dtype->dtype;
  SW_ASSIGN(tensor.offset, in.number<std::uint64_t>(subject));

  auto bytes = stored_bytes(tensor.view.dtype, tensor.view.shape);
  if (!bytes) return in.fail_here(subject + ": " + bytes.error().what, bytes.error().expected);
  tensor.bytes = *bytes;
  return tensor;
}

Status check_header(ByteReader& in) {
  SW_ASSIGN(const auto magic, in.text(gguf::magic.size(), "the magic number"));
  if (magic != gguf::magic)
    return in.fail_here(fmt::format("is not a GGUF file: it starts with {}", in_quotes(magic)), "'GGUF'",
                        "Older GGML files have to be converted anew from the original model");
  SW_ASSIGN(const auto version, in.number<std::uint32_t>("the version"));
  if (version != 0 && (version & 0xffffu) == 0)
    return in.fail_here("the GGUF file is big-endian", "a little-endian file", "Convert it on a little-endian machine");
  if (version < gguf::oldest_version || version > gguf::newest_version)
    return in.fail_here(fmt::format("the GGUF version is {}", version), "version 2 or 3");
  return {};
}

}  // namespace

Result<Checkpoint> parse_gguf(std::span<const std::byte> bytes, const std::string& file) {
  ByteReader in(bytes, file);
  SW_TRY(check_header(in));
  SW_ASSIGN(const auto n_tensors, in.number<std::uint64_t>("the number of tensors"));
  SW_ASSIGN(const auto n_keys, in.number<std::uint64_t>("the number of metadata keys"));

  Checkpoint checkpoint;
  SW_ASSIGN(checkpoint.metadata, read_metadata(in, n_keys));
  SW_TRY(in.expect_items(n_tensors, smallest_tensor_info, "the number of tensors"));
  std::vector<TensorInfo> table;
  table.reserve(n_tensors);
  for (std::uint64_t i = 0; i < n_tensors; ++i) {
    SW_ASSIGN(auto tensor, read_tensor_info(in));
    table.push_back(std::move(tensor));
  }

  const auto alignment = gguf::alignment(checkpoint.metadata);
  if (!alignment) return fail(alignment.error().what, file, alignment.error().expected);
  const std::uint64_t begin = std::min<std::uint64_t>(gguf::align_up(in.position(), *alignment), bytes.size());
  const auto data = bytes.subspan(begin);
  checkpoint.tensors.reserve(n_tensors);
  for (auto& tensor : table) {
    if (tensor.offset % *alignment != 0)
      return fail(fmt::format("tensor {} starts at byte {} of the data", in_quotes(tensor.view.name), tensor.offset),
                  file, fmt::format("a multiple of {}", *alignment));
    if (tensor.bytes > data.size() || tensor.offset > data.size() - tensor.bytes)
      return fail(fmt::format("tensor {} ({} bytes from byte {} of the data) ends past the end of the file",
                              in_quotes(tensor.view.name), tensor.bytes, tensor.offset),
                  file, fmt::format("at most {} bytes of data", data.size()),
                  "The file is damaged or cut short: download or convert it again");
    tensor.view.data = data.subspan(tensor.offset, tensor.bytes);
    checkpoint.tensors.push_back(std::move(tensor.view));
  }
  SW_TRY(check_distinct(checkpoint.tensors, file));
  return checkpoint;
}

}  // namespace sw
