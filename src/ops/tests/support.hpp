// What the tests of kernels share: random numbers, packed matrices and prepared activations that own their memory,
// comparison bit for bit, and one test instance per table this machine can run.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "ops/ops.hpp"
#include "tensor/half.hpp"

namespace sw::testing {

/// Run once for every table available, the reference too.
class EveryTable : public ::testing::TestWithParam<const Kernels*> {
 public:
  const Kernels& table() const { return *GetParam(); }
  static const Kernels& reference() { return *available_kernels().front(); }
};

inline const auto every_table = ::testing::ValuesIn(available_kernels().begin(), available_kernels().end());
inline std::string table_name(const ::testing::TestParamInfo<const Kernels*>& table) {
  return table.param->isa;
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  float normal(float deviation = 1) { return std::normal_distribution<float>(0, deviation)(engine_); }
  float uniform(float low, float high) { return std::uniform_real_distribution<float>(low, high)(engine_); }
  int integer(int low, int high) { return std::uniform_int_distribution<int>(low, high)(engine_); }
  std::byte byte() { return static_cast<std::byte>(integer(0, 255)); }
  std::uint16_t f16(float deviation = 1) { return f32_to_f16(normal(deviation)); }
  std::vector<float> normals(std::int64_t n, float deviation = 1) {
    std::vector<float> values(static_cast<std::size_t>(n));
    for (float& value : values) value = normal(deviation);
    return values;
  }

 private:
  std::mt19937_64 engine_;
};

/// n objects at a 64-byte boundary, set to zero.
template <class T>
class Aligned {
 public:
  explicit Aligned(std::int64_t n)
      : size_(static_cast<std::size_t>(n)), data_(new(std::align_val_t{64}) T[size_ + 1]{}) {}
  T* get() const { return data_.get(); }
  T& operator[](std::int64_t i) const { return data_.get()[i]; }
  std::span<T> span() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(T* at) const { ::operator delete[](at, std::align_val_t{64}); }
  };
  std::size_t size_;
  std::unique_ptr<T, Free> data_;
};

/// A packed matrix of zeros to be filled.
struct OwnedMatrix {
  PackedMatrix view;
  Aligned<std::byte> bytes;

  OwnedMatrix(Packing packing, std::int64_t rows, std::int64_t cols)
      : view{packing, rows, cols, nullptr, panel_layout(packing, cols)},
        bytes(static_cast<std::int64_t>(view.bytes())) {
    view.data = bytes.get();
  }
};

/// Activations with room for every form.
struct OwnedActivations {
  Activations view;
  Aligned<float> f32, scales, sums;
  Aligned<std::uint16_t> bf16;
  Aligned<std::int8_t> q8;
  Aligned<std::int32_t> offsets32, offsets16;

  OwnedActivations(std::int64_t rows, std::int64_t cols)
      : f32(rows * cols),
        scales(rows * activation_groups(cols)),
        sums(rows * (cols / 32)),
        bf16(rows * bf16_stride(cols)),
        q8(rows * cols),
        offsets32(rows * (cols / 32)),
        offsets16(rows * (cols / 32) * 2) {
    view = {.rows = rows,
            .cols = cols,
            .f32 = f32.get(),
            .bf16 = bf16.get(),
            .q8 = q8.get(),
            .scales = scales.get(),
            .sums = sums.get(),
            .offsets32 = offsets32.get(),
            .offsets16 = offsets16.get()};
  }
};

/// The same bits, or both not a number.
inline bool same(float a, float b) {
  return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b) || (std::isnan(a) && std::isnan(b));
}
/// The first index at which two arrays differ, −1 if nowhere.
inline std::int64_t first_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same(a[i], b[i])) return static_cast<std::int64_t>(i);
  return -1;
}

}  // namespace sw::testing
