// Every kernel in plain C++: what the other tables are tested against, and what runs where none of them can.
// Where ops.hpp fixes an order of roundings (products, norms, rotations, quantization), this is its definition, bit for
// bit; attention and everything that needs an exponential is computed with libm, and the other tables come close.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <span>
#include <utility>

#include "ops/generic/pack.hpp"
#include "ops/tables.hpp"
#include "tensor/half.hpp"

namespace sw {
namespace {

/// No instructions beyond every processor's.
struct Baseline {
  static constexpr bool has_bf16_dot = false;
};

template <class T>
T read(const std::byte* at, std::int64_t i) {
  T value;
  std::memcpy(&value, at + i * static_cast<std::int64_t>(sizeof(T)), sizeof value);
  return value;
}
int u8(const std::byte* at, std::int64_t i) {
  return static_cast<int>(at[i]);
}
float f16(const std::byte* at, std::int64_t i) {
  return f16_to_f32(read<std::uint16_t>(at, i));
}

/// A row's panel, and its lane in it.
struct PackedRow {
  const std::byte *panel, *low;
  int lane;
  std::int64_t cols;

  PackedRow(const PackedMatrix& w, std::int64_t row)
      : panel(w.panel(row / panel_rows)),
        low(w.apart(row / panel_rows)),
        lane(static_cast<int>(row % panel_rows)),
        cols(w.cols) {}
};

/// 16 weights of one row, the half `half` of block `b`: weight = scale · code + minimum.
struct Codes {
  std::array<int, 16> code{};
  float scale = 0, minimum = 0;
};

Codes read_codes(Packing packing, const PackedRow& w, std::int64_t b, int half) {
  Codes out;
  const int r = w.lane;
  const PanelGroup group = panel_group(packing);
  const std::byte *quants = w.panel + group.quants_of(b), *high = w.panel + group.high_of(b);
  const std::byte *scales = w.panel + group.scales_of(b), *supers = w.panel + group.supers_of(b);
  for (int i = 0; i < 16; ++i) {
    const int k = 16 * half + i, quad = k / 4, byte = 4 * r + k % 4;
    if (packing == Packing::q8_0 || packing == Packing::affine8) {
      out.code[i] = u8(quants, quad * 64 + byte) - (packing == Packing::q8_0 ? 128 : 0);
      continue;
    }
    const int pair = u8(quants, quad % 4 * 64 + byte);
    int code = half == 0 ? pair & 15 : pair >> 4;
    if (packing == Packing::q5_0 || packing == Packing::q5_k)
      code += 16 * (u8(high, quad * 8 + byte / 8) >> byte % 8 & 1);
    if (packing == Packing::q6_k) code += 16 * (u8(high, quad % 2 * 64 + byte) >> quad / 2 * 2 & 3);
    if (packing == Packing::q8_split) {
      const int low = u8(w.low, b * 256 + low_nibbles_of_row(r) + i);
      code = 16 * code + (half == 0 ? low & 15 : low >> 4) - 128;
    }
    if (packing == Packing::q4_0) code -= 8;
    if (packing == Packing::q5_0) code -= 16;
    if (packing == Packing::q6_k) code -= 32;
    out.code[i] = code;
  }
  switch (packing) {
    case Packing::q4_k:
    case Packing::q5_k:
      out.scale = f16(supers, r) * static_cast<float>(u8(scales, r));
      out.minimum = -(f16(supers, 16 + r) * static_cast<float>(u8(scales, 16 + r)));
      break;
    case Packing::q6_k:
      out.scale = f16(supers, r) * read<std::int8_t>(scales, 16 * half + r);
      break;
    case Packing::affine8:
      out.scale = read<float>(scales, half * 32 + r);
      out.minimum = read<float>(scales, half * 32 + 16 + r);
      break;
    default:
      out.scale = f16(scales, r);
  }
  return out;
}

/// One row of weights times one row of 8-bit activations. Formats with a scale for every 16 columns round twice a
/// block, the others once; a minimum takes another fused multiply-add, and so does a group of activations.
float quantized_dot(const PackedMatrix& w, const Codes* codes, const Activations& x, std::int64_t row) {
  const bool by_16 = w.packing == Packing::q6_k || w.packing == Packing::affine8;
  const bool affine = w.packing == Packing::q4_k || w.packing == Packing::q5_k || w.packing == Packing::affine8;
  const std::int8_t* q = x.q8 + row * x.cols;
  const float* scales = x.scales + row * activation_groups(x.cols);
  constexpr std::int64_t halves_of_group = activation_group / 16;
  float acc = 0, of_group = 0;
  std::int32_t dot = 0, sum = 0;
  for (std::int64_t half = 0; half < x.cols / 16; ++half) {
    for (int i = 0; i < 16; ++i) {
      dot += codes[half].code[i] * q[16 * half + i];
      sum += q[16 * half + i];
    }
    if (!by_16 && half % 2 == 0) continue;
    of_group = std::fma(static_cast<float>(dot), codes[half].scale, of_group);
    if (affine) of_group = std::fma(codes[half].minimum, static_cast<float>(sum), of_group);
    dot = sum = 0;
    if ((half + 1) % halves_of_group != 0 && half + 1 < x.cols / 16) continue;
    acc = std::fma(of_group, scales[half / halves_of_group], acc);
    of_group = 0;
  }
  return acc;
}

/// Weight i of block b of a row of bf16_split.
float split_float(const PackedRow& w, std::int64_t b, int i) {
  const int pair = u8(w.panel + panel_group(Packing::bf16_split).quants_of(b), i % 16 / 4 * 64 + 4 * w.lane + i % 4);
  return bf16_to_f32(split_bf16(i < 16 ? pair & 15 : pair >> 4, w.low + w.lane * split_row_bytes(w.cols) + b * 48, i));
}

/// Element k of a row of plain numbers.
float read_float(Packing packing, const PackedRow& w, std::int64_t k) {
  switch (packing) {
    case Packing::f32:
      return read<float>(w.panel, k * panel_rows + w.lane);
    case Packing::f16:
      return f16(w.panel, k * panel_rows + w.lane);
    case Packing::bf16:
      return bf16_to_f32(read<std::uint16_t>(w.panel, k * panel_rows + w.lane));
    case Packing::bf16_split:
      return split_float(w, k / 32, static_cast<int>(k % 32));
    default:
      return bf16_to_f32(read<std::uint16_t>(w.panel, 2 * (k / 2 * panel_rows + w.lane) + k % 2));
  }
}

float float_dot(const float* w, const Activations& x, std::int64_t row) {
  float acc = 0;
  for (std::int64_t k = 0; k < x.cols; ++k) acc = std::fma(w[k], x.f32[row * x.cols + k], acc);
  return acc;
}

/// Pairs as the BF16 dot product sums them: the odd column first.
float bf16_dot(const float* w, const Activations& x, std::int64_t row) {
  const std::uint16_t* values = x.bf16 + row * bf16_stride(x.cols);
  float acc = 0;
  for (std::int64_t k = 0; k < x.cols; k += 2) {
    if (k + 1 < x.cols) acc = std::fma(w[k + 1], bf16_to_f32(values[k + 1]), acc);
    acc = std::fma(w[k], bf16_to_f32(values[k]), acc);
  }
  return acc;
}

void matmul(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x, const MatmulOutput& out,
            std::byte* scratch) {
  const ActivationForms forms = forms_for(w.packing);
  auto* codes = reinterpret_cast<Codes*>(scratch);
  auto* floats = reinterpret_cast<float*>(scratch);
  for (std::int64_t r = begin * panel_rows; r < std::min(end * panel_rows, w.rows); ++r) {
    const PackedRow weights(w, r);
    if (!forms.bf16 && forms.q8)
      for (std::int64_t half = 0; half < w.cols / 16; ++half)
        codes[half] = read_codes(w.packing, weights, half / 2, static_cast<int>(half % 2));
    else
      for (std::int64_t k = 0; k < w.cols; ++k) floats[k] = read_float(w.packing, weights, k);
    for (std::int64_t row = 0; row < x.rows; ++row) {
      float value = forms.bf16 ? bf16_dot(floats, x, row)
                    : forms.q8 ? quantized_dot(w, codes, x, row)
                               : float_dot(floats, x, row);
      float& y = out.y[row * out.stride + r - out.first];
      if (out.bias) value += out.bias[r];
      if (out.add) value += y;
      y = value;
    }
  }
}

/// All products: a screen may leave out what cannot be among the largest, and need not.
void screen(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x, const Screen& s,
            float* bounds, float* y) {
  matmul(w, begin, end, x, {.y = y, .stride = w.rows}, s.scratch);
  std::copy(y + begin * panel_rows, y + std::min(end * panel_rows, w.rows), bounds + begin * panel_rows);
}

void compute_bounded(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x, const float*,
                     float, std::byte* scratch, float* y) {
  matmul(w, begin, end, x, {.y = y, .stride = w.rows}, scratch);
}

void prepare(const float* values, std::int64_t row, std::int64_t begin, std::int64_t end, ActivationForms forms,
             const Activations& x) {
  const std::int64_t cols = x.cols;
  if (forms.f32)
    for (std::int64_t k = begin; k < end; ++k) x.f32[row * cols + k] = values[k - begin];
  if (forms.bf16)
    for (std::int64_t k = begin; k < bf16_stride(end); ++k)
      x.bf16[row * bf16_stride(cols) + k] = k < end ? f32_to_bf16(values[k - begin]) : std::uint16_t{0};
  if (!forms.q8) return;
  for (std::int64_t from = begin; from < end; from += activation_group) {
    const std::int64_t to = std::min(from + activation_group, end);
    float most = 0;
    for (std::int64_t k = from; k < to; ++k) most = std::max(most, std::fabs(values[k - begin]));
    const float inverse = most >= smallest_group ? 127.0f / most : 0.0f;
    x.scales[row * activation_groups(cols) + from / activation_group] = most / 127.0f;
    for (std::int64_t b = from / 32; b < to / 32; ++b) {
      const std::int64_t at = row * (cols / 32) + b;
      std::array<std::int32_t, 2> sums{};
      for (std::int64_t i = 0; i < 32; ++i) {
        const float scaled = std::clamp(values[32 * b + i - begin] * inverse, -127.0f, 127.0f);
        const auto q = static_cast<std::int8_t>(std::isnan(scaled) ? 0 : std::lrint(scaled));
        x.q8[row * cols + 32 * b + i] = q;
        sums[static_cast<std::size_t>(i / 16)] += q;
      }
      x.offsets32[at] = -128 * (sums[0] + sums[1]);
      if (forms.sums) x.sums[at] = static_cast<float>(sums[0] + sums[1]);
      for (std::size_t half = 0; forms.halves && half < 2; ++half)
        x.offsets16[2 * at + static_cast<std::int64_t>(half)] = -128 * sums[half];
    }
  }
}

/// 16 partial sums, halves added to halves.
void rms_norm(const float* x, const float* weight, float eps, std::int64_t n, float* y) {
  std::array<float, 16> lanes{};
  for (std::int64_t i = 0; i < n; ++i) lanes[i % 16] = std::fma(x[i], x[i], lanes[i % 16]);
  for (int half = 8; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  const float scale = 1.0f / std::sqrt(lanes[0] / static_cast<float>(n) + eps);
  for (std::int64_t i = 0; i < n; ++i) y[i] = x[i] * scale * weight[i];
}

void rope(float* head, const float* cos, const float* sin, int dims, RopeLayout layout) {
  const int half = dims / 2;
  for (int i = 0; i < half; ++i) {
    float& a = layout == RopeLayout::half ? head[i] : head[2 * i];
    float& b = layout == RopeLayout::half ? head[half + i] : head[2 * i + 1];
    const float x = a, y = b;
    a = x * cos[i] - y * sin[i];
    b = y * cos[i] + x * sin[i];
  }
}

float silu(float x) {
  return x / (1.0f + std::exp(-x));
}

float activated(float x, Activation activation) {
  switch (activation) {
    case Activation::silu:
      return silu(x);
    case Activation::gelu_tanh:
      return 0.5f * x * (1.0f + std::tanh(0.7978845608028654f * (x + 0.044715f * x * x * x)));
    case Activation::gelu_erf:
      return 0.5f * x * (1.0f + std::erf(x * 0.70710678118654752f));
    case Activation::relu:
      return x > 0 ? x : 0.0f;
  }
  return x;
}

void activate(float* gate, const float* up, Activation activation, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) gate[i] = activated(gate[i], activation) * (up ? up[i] : 1.0f);
}

void softcap(float* x, float cap, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] = cap * std::tanh(x[i] / cap);
}

void add(float* y, const float* x, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] += x[i];
}

/// Where a block has one number: the code `index` codes after `codes`, and its scale, with the minimum 64 bytes on.
struct KvPlace {
  std::size_t codes, scale;
  std::int64_t index;
};
KvPlace key_place(const KvLayout& layout, int slot, int d) {
  const auto at = [&](int row) { return static_cast<std::int64_t>(row * 16 + slot % 16); };
  return {.codes = layout.keys() + static_cast<std::size_t>(slot / 16) * layout.half_bytes(),
          .scale = layout.factor_offset(d / kv_group, slot),
          .index = layout.type == KvType::q4 || layout.type == KvType::bf16 ? 2 * at(d / 2) + d % 2 : at(d)};
}
KvPlace value_place(const KvLayout& layout, int slot, int d) {
  if (layout.type == KvType::bf16)
    return {.codes = layout.values() + static_cast<std::size_t>(slot / 2 * 2) * layout.row_bytes(),
            .scale = 0,
            .index = 2 * d + slot % 2};
  return {.codes = layout.values() + static_cast<std::size_t>(slot) * layout.row_bytes(),
          .scale = layout.value_factors() + layout.factor_offset(d / kv_group, slot),
          .index = layout.type == KvType::q4 ? d / 32 * 32 + 2 * (d % 16) + d % 32 / 16 : d};
}

float read_kv(const std::byte* block, const KvLayout& layout, const KvPlace& place) {
  const std::byte* codes = block + place.codes;
  const auto scale = [&] { return bf16_to_f32(read<std::uint16_t>(block + place.scale, 0)); };
  switch (layout.type) {
    case KvType::f32:
      return read<float>(codes, place.index);
    case KvType::f16:
      return f16(codes, place.index);
    case KvType::bf16:
      return bf16_to_f32(read<std::uint16_t>(codes, place.index));
    case KvType::q8:
      return scale() * read<std::int8_t>(codes, place.index);
    case KvType::q4: {
      const float minimum = bf16_to_f32(read<std::uint16_t>(block + place.scale, kv_block));
      const int pair = static_cast<int>(codes[place.index / 2]);
      return minimum + scale() * static_cast<float>(pair >> place.index % 2 * 4 & 15);
    }
  }
  return 0;
}

template <class T>
void write(T value, std::byte* at, std::int64_t i) {
  std::memcpy(at + i * static_cast<std::int64_t>(sizeof value), &value, sizeof value);
}

/// Writes x [head_dim] to the places of its dimensions in one slot.
template <class Place>
void write_kv(const float* x, const KvLayout& layout, int slot, Place place_of, std::byte* block) {
  const auto factor = [&](int d, float value, std::int64_t which) {
    const std::uint16_t rounded = f32_to_bf16(value);
    write(rounded, block + place_of(layout, slot, d).scale, which * kv_block);
    return bf16_to_f32(rounded);
  };
  float minimum = 0, inverse = 0;
  for (int d = 0; d < layout.head_dim; ++d) {
    const KvPlace place = place_of(layout, slot, d);
    std::byte* codes = block + place.codes;
    if (layout.factors() > 0 && d % kv_group == 0) {
      const std::span group(x + d, x + std::min(layout.head_dim, d + kv_group));
      const bool finite = std::ranges::all_of(group, [](float v) { return std::isfinite(v); });
      const auto [low, high] = std::ranges::minmax(group);
      float step = std::max(-low, high) / 127.0f;
      if (layout.type == KvType::q4) {
        minimum = factor(d, finite ? low + 0.0f : 0.0f, 1);  // no negative zero
        step = high / 15.0f - low / 15.0f;
      }
      const float scale = factor(d, !finite ? NAN : step < smallest_kv_scale ? 0.0f : step, 0);
      inverse = scale > 0 ? 1.0f / scale : 0.0f;
    }
    switch (layout.type) {
      case KvType::f32:
        write(x[d], codes, place.index);
        break;
      case KvType::f16:
        write(f32_to_f16(x[d]), codes, place.index);
        break;
      case KvType::bf16:
        write(f32_to_bf16(x[d]), codes, place.index);
        break;
      case KvType::q8:
        write(static_cast<std::int8_t>(inverse > 0 ? std::nearbyint(x[d] * inverse) : 0.0f), codes, place.index);
        break;
      case KvType::q4: {
        const float code = inverse > 0 ? std::clamp(std::nearbyint((x[d] - minimum) * inverse), 0.0f, 15.0f) : 0.0f;
        const int shift = static_cast<int>(place.index % 2 * 4);
        std::byte& pair = codes[place.index / 2];
        pair = (pair & static_cast<std::byte>(0xf0 >> shift)) | static_cast<std::byte>(static_cast<int>(code) << shift);
        break;
      }
    }
  }
}

void store_kv(const float* k, const float* v, int head_dim, int slot, KvType type, std::byte* block) {
  const KvLayout layout{type, head_dim};
  write_kv(k, layout, slot, key_place, block);
  write_kv(v, layout, slot, value_place, block);
}

const std::byte* block_of(const AttentionArgs& args, std::int64_t position) {
  return args.pool + static_cast<std::size_t>(args.blocks[position / kv_block]) * args.pool_stride;
}

/// One query head over the keys of one split, a two-pass softmax: partial [partial_size].
void attend(const AttentionArgs& args, int query, int head, std::int64_t split, float* partial) {
  const float* q = args.q + query * args.q_stride + head * args.head_dim;
  const std::int64_t position = args.first + query;
  const std::int64_t visible = args.window > 0 ? std::max<std::int64_t>(0, position - args.window + 1) : 0;
  const std::int64_t from = std::max(split * kv_split, visible);
  const std::int64_t end = std::min((split + 1) * kv_split, position + 1);

  const KvLayout layout{args.kv_type, args.head_dim};
  std::array<float, kv_split> scores;
  float maximum = -1e30f;
  for (std::int64_t key = from; key < end; ++key) {
    const std::byte* keys = block_of(args, key);
    const int slot = static_cast<int>(key % kv_block);
    double score = 0;
    for (int d = 0; d < args.head_dim; ++d) score += double{q[d]} * read_kv(keys, layout, key_place(layout, slot, d));
    score *= args.scale;
    if (args.softcap > 0) score = args.softcap * std::tanh(score / args.softcap);
    scores[static_cast<std::size_t>(key - from)] = static_cast<float>(score);
    maximum = std::max(maximum, static_cast<float>(score));
  }
  std::array<double, kv_split> weights;
  double sum = 0;
  for (std::int64_t key = from; key < end; ++key) {
    const auto i = static_cast<std::size_t>(key - from);
    weights[i] = std::exp(double{scores[i]} - maximum);
    sum += weights[i];
  }
  for (int d = 0; d < args.head_dim; ++d) {
    double value = 0;
    for (std::int64_t key = from; key < end; ++key) {
      const int slot = static_cast<int>(key % kv_block);
      value += weights[static_cast<std::size_t>(key - from)] *
               read_kv(block_of(args, key), layout, value_place(layout, slot, d));
    }
    partial[d] = static_cast<float>(value);
  }
  partial[args.head_dim] = maximum;
  partial[args.head_dim + 1] = static_cast<float>(sum);
}

/// Adds the keys of `other` to those of `partial`.
void merge(float* partial, const float* other, int head_dim) {
  float& maximum = partial[head_dim];
  float& sum = partial[head_dim + 1];
  const float top = std::max(maximum, other[head_dim]);
  const double mine = std::exp(double{maximum} - top), theirs = std::exp(double{other[head_dim]} - top);
  for (int d = 0; d < head_dim; ++d) partial[d] = static_cast<float>(mine * partial[d] + theirs * other[d]);
  sum = static_cast<float>(mine * sum + theirs * other[head_dim + 1]);
  maximum = top;
}

void attention_merge(float* partials, std::int64_t stride, std::int64_t n_splits, int head_dim, float* out) {
  for (std::int64_t split = 1; split < n_splits; ++split) merge(partials, partials + split * stride, head_dim);
  for (int d = 0; d < head_dim; ++d) out[d] = partials[d] / partials[head_dim + 1];
}

void attention_split(const AttentionArgs& args, std::int64_t split, float* partials) {
  for (int query = 0; query < args.n_queries; ++query)
    for (int head = 0; head < args.group; ++head)
      attend(args, query, head, split, partials + (query * args.group + head) * partial_size(args.head_dim));
}

void attention(const AttentionArgs& args) {
  float* merged = args.scratch;
  float* part = merged + partial_size(args.head_dim);
  for (int query = 0; query < args.n_queries; ++query)
    for (int head = 0; head < args.group; ++head) {
      attend(args, query, head, 0, merged);
      for (std::int64_t split = 1; split <= (args.first + query) / kv_split; ++split) {
        attend(args, query, head, split, part);
        merge(merged, part, args.head_dim);
      }
      attention_merge(merged, 0, 1, args.head_dim, args.out + query * args.out_stride + head * args.head_dim);
    }
}

void conv(const float* x, std::int64_t x_stride, int tokens, int inner, int conv, const float* weight,
          const float* bias, float* history, float* y, std::int64_t y_stride, std::int64_t begin, std::int64_t end) {
  for (std::int64_t c = begin; c < end; ++c)
    for (int t = 0; t < tokens; ++t) {
      const float newest = x[t * x_stride + c];
      float sum = bias[c];
      for (int tap = 0; tap < conv; ++tap) {
        const float value = tap + 1 < conv ? history[tap * inner + c] : newest;
        sum = std::fma(value, weight[tap * inner + c], sum);
      }
      for (int tap = 0; tap + 1 < conv; ++tap)
        history[tap * inner + c] = tap + 2 < conv ? history[(tap + 1) * inner + c] : newest;
      y[t * y_stride + c] = silu(sum);
    }
}

float softplus(float x) {
  return x > 20 ? x : std::log1p(std::exp(x));
}

void scan(const ScanArgs& s, std::int64_t begin, std::int64_t end) {
  for (std::int64_t c = begin; c < end; ++c)
    for (int t = 0; t < s.tokens; ++t) {
      const float u = s.u[t * s.u_stride + c];
      const float dt = softplus(s.dt[t * s.dt_stride + c]);
      float y = s.d[c] * u;
      for (int i = 0; i < s.state; ++i) {
        float& h = s.h[i * s.inner + c];
        h = std::fma(std::exp(dt * s.a[i * s.inner + c]), h, dt * u * s.b[t * s.bc_stride + i]);
        y = std::fma(h, s.c[t * s.bc_stride + i], y);
      }
      s.y[t * s.y_stride + c] = y * silu(s.z[t * s.z_stride + c]);
    }
}

}  // namespace

const Kernels reference_kernels = {.isa = "reference",
                                   .bf16_dot = false,
                                   .pack = generic::pack<Baseline>,  // only moves bits: its tests unpack them
                                   .matmul = matmul,
                                   .screen = screen,
                                   .compute_bounded = compute_bounded,
                                   .prepare = prepare,
                                   .rms_norm = rms_norm,
                                   .rope = rope,
                                   .activate = activate,
                                   .softcap = softcap,
                                   .add = add,
                                   .store_kv = store_kv,
                                   .attention = attention,
                                   .attention_split = attention_split,
                                   .attention_merge = attention_merge,
                                   .conv = conv,
                                   .scan = scan};

}  // namespace sw
