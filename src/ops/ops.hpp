#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "ops/kv_layout.hpp"
#include "ops/packing.hpp"
#include "ops/race.hpp"
#include "ops/types.hpp"

namespace sw {

/// Columns of 8-bit activations that share a scale. The weights' scales change more often: within a group a block costs
/// a product one fused multiply-add, where scales of both for every block would cost another multiplication.
inline constexpr std::int64_t activation_group = 128;
constexpr std::int64_t activation_groups(std::int64_t cols) {
  return (cols + activation_group - 1) / activation_group;
}

/// Rows of activations in the forms matrix products read. Only the forms asked for at preparation are filled.
/// 8-bit: x ≈ scale · q with q in [−127, 127]. How rows lie in all forms but f32 is up to the kernels, and depends on
/// how many there are: products of prepared rows take all of them, and `rows` must be set before. One row alone lies in
/// order.
struct Activations {
  std::int64_t rows = 0, cols = 0;
  float* f32 = nullptr;               ///< [rows, cols]
  std::uint16_t* bf16 = nullptr;      ///< [rows, bf16_stride(cols)]: subnormal numbers may be zeros, as products take them
  std::int8_t* q8 = nullptr;          ///< [rows, cols]
  float* scales = nullptr;            ///< [rows, activation_groups(cols)]
  float* sums = nullptr;              ///< [rows, cols / 32]: Σq, for formats with a minimum
  std::int32_t* offsets32 = nullptr;  ///< [rows, cols / 32]: −128 · Σq, what a weight offset of 128 contributes
  std::int32_t* offsets16 = nullptr;  ///< [rows, cols / 16]: the same over 16 columns
};

/// A group whose largest magnitude is below this becomes zeros: 127 over it might overflow.
inline constexpr float smallest_group = 1e-36f;

/// Which forms of an Activations the products with a packing read.
struct ActivationForms {
  bool f32 = false, bf16 = false;
  bool q8 = false;      ///< codes, scales and offsets32
  bool sums = false;    ///< of 8-bit codes
  bool halves = false;  ///< offsets16
  ActivationForms operator|(const ActivationForms& o) const {
    return {f32 || o.f32, bf16 || o.bf16, q8 || o.q8, sums || o.sums, halves || o.halves};
  }
};
ActivationForms forms_for(Packing packing);

/// Numbers in a cache line: rows of Activations::bf16 lie side by side in such pieces, the last one filled with zeros.
inline constexpr std::int64_t bf16_piece = 32;
/// What a row takes.
constexpr std::int64_t bf16_stride(std::int64_t cols) {
  return (cols + bf16_piece - 1) / bf16_piece * bf16_piece;
}

/// Where a product goes: y[row, r − first] = (add ? y[row, r − first] : 0) + bias[r] + Σ_k x[row, k] · w[r, k].
struct MatmulOutput {
  float* y = nullptr;
  std::int64_t stride = 0;      ///< floats between the rows of y
  const float* bias = nullptr;  ///< [w.rows], or null
  bool add = false;
  std::int64_t first = 0;  ///< the row of w whose product is in the first column of y
};

/// Positions that one online softmax covers; longer contexts are cut at multiples of it and merged in order, so that
/// splitting one query's keys over threads does not change its result.
inline constexpr int kv_split = 1024;

/// A screen also keeps products this close, relative to the k-th largest: a caller that divides them by a temperature
/// may round two different ones to the same value, and must then see both.
inline constexpr float screen_slack = 1e-6f;

/// The search for a head's largest products, or for the winner of a race among them (Kernels::screen).
struct Screen {
  int k = 1;                                ///< how many of the largest are wanted; 1 in a race
  const Race* race = nullptr;               ///< what is compared is scores; null: products
  const std::uint16_t* apart = nullptr;     ///< [panels], a bit a row: those that are neither compared nor computed
  float length = 0;                         ///< ≥ ‖x̂‖, the length of the 8-bit activations
  float distance = 0;                       ///< bf16_split: ≥ screening_distance(), from the BF16 to the 8-bit ones
  float* best = nullptr;                    ///< [k], this thread's largest so far, ascending; from −∞
  std::atomic<float>* threshold = nullptr;  ///< shared: k at least this large were found; from −∞
  std::byte* scratch = nullptr;             ///< matmul_scratch_bytes(cols), private to the thread
};

/// Upper bounds of what a Screen must know of one row of activations: their length in 8 bits, and how far their BF16
/// form is from that, with what the sums of products may be rounded by for weights of length 1.
float screening_length(const Activations& x);
float screening_distance(const Activations& x);

/// Attention of the consecutive queries of one sequence, for one KV head and the query heads that share it.
struct AttentionArgs {
  const float* q = nullptr;   ///< [n_queries, group, head_dim], first query at position `first`
  std::int64_t q_stride = 0;  ///< floats between consecutive queries
  float* out = nullptr;       ///< same shape
  std::int64_t out_stride = 0;
  int n_queries = 0, group = 0, head_dim = 0;
  std::int64_t first = 0;
  int window = 0;  ///< 0: unlimited
  float scale = 1, softcap = 0;
  KvType kv_type = KvType::f16;
  const std::byte* pool = nullptr;       ///< this layer's and KV head's part of the pool's block 0
  std::size_t pool_stride = 0;           ///< bytes between blocks of the pool
  const std::int32_t* blocks = nullptr;  ///< the sequence's blocks, in order of position
  float* scratch = nullptr;              ///< attention_scratch() floats
};

/// What one split of the keys contributes to one query head: value sums [head_dim], then maximum and weight sum.
inline std::int64_t partial_size(int head_dim) {
  return head_dim + 2;
}

/// Selective scan over the tokens of one sequence for a range of channels (Gu & Dao 2023, eq. 2 and algorithm 2):
/// h = exp(Δ·A)·h + Δ·B·u; y = C·h + D·u, gated by silu(z).
struct ScanArgs {
  const float* u = nullptr;   ///< [tokens, inner] after the convolution, stride u_stride
  const float* z = nullptr;   ///< [tokens, inner], stride z_stride
  const float* dt = nullptr;  ///< [tokens, inner] before softplus, stride dt_stride
  const float* b = nullptr;   ///< [tokens, state], stride bc_stride
  const float* c = nullptr;   ///< [tokens, state], stride bc_stride
  const float* a = nullptr;   ///< [state, inner]: negative
  const float* d = nullptr;   ///< [inner]
  float* h = nullptr;         ///< [state, inner]: carried from token to token
  float* y = nullptr;         ///< [tokens, inner], stride y_stride
  std::int64_t u_stride = 0, z_stride = 0, dt_stride = 0, bc_stride = 0, y_stride = 0;
  int tokens = 0, inner = 0, state = 0;
};

/// What the engine computes, for one instruction set. Every kernel works on a part of its result that the caller
/// chooses, touches no other memory, and sums in an order that does not depend on that choice.
struct Kernels {
  const char* isa;
  bool bf16_dot;

  /// Packs panel `p` of w, whose memory is written to, from rows stored as `dtype`: row r starts at rows[r − 16·p]
  /// (null past the end). The memory must be zero before.
  void (*pack)(DType dtype, const std::byte* const (&rows)[panel_rows], const PackedMatrix& w, std::int64_t p);

  /// y = x · Wᵀ for the panels [begin, end) of w and all rows of x: [rows, cols] × [w.rows, cols] → [rows, w.rows].
  /// K is summed in ascending blocks of 32, one rounding per block, and these sums in ascending groups of activations
  /// (ascending pairs for bf16_pairs, ascending columns for other floats), whatever the number of rows. `scratch`:
  /// matmul_scratch_bytes(cols), private to the thread.
  void (*matmul)(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x,
                 const MatmulOutput& out, std::byte* scratch);

  /// The same for one row of x and a w packed as q8_split or bf16_split, for when only the k largest products are
  /// wanted: y[r] is the product or, where it is certainly smaller than k others, −∞, and then no more than bounds[r].
  /// Reads the high nibbles, or the sketch, of all rows, and the rest of those whose bound reaches the threshold.
  void (*screen)(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x,
                 const Screen& screen, float* bounds, float* y);

  /// Afterwards: computes the products that are −∞ and bounded by `least` or more.
  void (*compute_bounded)(const PackedMatrix& w, std::int64_t begin, std::int64_t end, const Activations& x,
                          const float* bounds, float least, std::byte* scratch, float* y);

  /// Fills the wanted forms of `x` in columns [begin, end) of row `row` from the floats `values` [end − begin] (which
  /// may be x.f32's own). `begin` is a multiple of activation_group, `end` too or x.cols.
  void (*prepare)(const float* values, std::int64_t row, std::int64_t begin, std::int64_t end, ActivationForms forms,
                  const Activations& x);

  /// y = x / rms(x) · weight, [n].
  void (*rms_norm)(const float* x, const float* weight, float eps, std::int64_t n, float* y);

  /// Rotates one head in place; cos, sin: [dims / 2].
  void (*rope)(float* head, const float* cos, const float* sin, int dims, RopeLayout layout);

  /// gate = activation(gate) · up, or activation(gate) when `up` is null; [n].
  void (*activate)(float* gate, const float* up, Activation activation, std::int64_t n);

  /// x = cap · tanh(x / cap), [n].
  void (*softcap)(float* x, float cap, std::int64_t n);

  /// y += x, [n].
  void (*add)(float* y, const float* x, std::int64_t n);

  /// Writes one position of one KV head (k, v: [head_dim]) into slot `slot` of its block.
  void (*store_kv)(const float* k, const float* v, int head_dim, int slot, KvType type, std::byte* block);

  /// All keys the queries see.
  void (*attention)(const AttentionArgs& args);
  /// Only the keys of split `split`: partials [n_queries, group, partial_size].
  void (*attention_split)(const AttentionArgs& args, std::int64_t split, float* partials);
  /// Merges a query head's partials of consecutive splits, `stride` floats apart, into out [head_dim]; the first
  /// partial is overwritten.
  void (*attention_merge)(float* partials, std::int64_t stride, std::int64_t n_splits, int head_dim, float* out);

  /// Causal depthwise convolution with bias and silu (Mamba) over channels [begin, end):
  /// x: [tokens, inner] stride x_stride; weight: [conv, inner]; history: [conv − 1, inner], updated.
  void (*conv)(const float* x, std::int64_t x_stride, int tokens, int inner, int conv, const float* weight,
               const float* bias, float* history, float* y, std::int64_t y_stride, std::int64_t begin,
               std::int64_t end);

  void (*scan)(const ScanArgs& args, std::int64_t begin, std::int64_t end);
};

std::size_t matmul_scratch_bytes(std::int64_t cols);
/// Floats of scratch one attention call needs.
std::size_t attention_scratch(int group, int head_dim);
/// Queries of one call are processed in tiles of this many at most.
inline constexpr int attention_tile = 16;

/// The best kernels this CPU runs, or those named by SPEEDWINS_ISA (reference, avx2, avx_vnni, avx512, avx512_bf16,
/// neon, neon_i8mm) when it can.
const Kernels& kernels();
/// Every table this CPU can run, the reference first.
std::span<const Kernels* const> available_kernels();
/// Null when there is no such table or the CPU cannot run it.
const Kernels* find_kernels(std::string_view isa);

}  // namespace sw
