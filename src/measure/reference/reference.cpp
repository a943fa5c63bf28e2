#include <cstring>

#include "measure/probe_loops.hpp"
#include "measure/probe_tables.hpp"

// Plain C++: what a compiler makes of it without being told of any instruction set.

namespace sw {
namespace {

struct Floats {
  using Register = float;
  static constexpr int products = 1;
  static float zero() { return 0; }
#if defined(__x86_64__)
  static void hide(float& x) { asm volatile("" : "+x"(x)); }
#else
  static void hide(float& x) { asm volatile("" : "+m"(x)); }
#endif
  static float step(float sum, float a, float b) {
    hide(a);
    return sum + a * b;
  }
};

struct Bytes {
  using Register = std::int32_t;
  static constexpr int products = 1;
  static std::int32_t zero() { return 0; }
  static void hide(std::int32_t& x) { asm volatile("" : "+r"(x)); }
  static std::int32_t step(std::int32_t sum, std::int32_t a, std::int32_t b) {
    hide(a);
    return sum + static_cast<std::int8_t>(a) * static_cast<std::int8_t>(b);
  }
};

struct Words {
  using Register = std::uint64_t;
  static Register zero() { return 0; }
  static void hide(Register& x) { asm volatile("" : "+r"(x)); }
  static Register load(const std::byte* at) {
    Register word;
    std::memcpy(&word, at, sizeof(word));
    return word;
  }
  static Register either(Register a, Register b) { return a | b; }
};

}  // namespace

const PeakProbe reference_fp32 = peak_probe<Floats>(Arithmetic::fp32, "scalar");
const PeakProbe reference_int8 = peak_probe<Bytes>(Arithmetic::int8, "scalar");
const ReadProbe reference_read = {"64-bit words", read_all<Words>};

}  // namespace sw
