#include "model/weights.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "ops/ops.hpp"
#include "quant/quant.hpp"

namespace sw {
namespace {

/// Rows [first, first + count) of a stored matrix, to be packed into `target`.
struct PackJob {
  const TensorView* source;
  std::int64_t first;
  PackedMatrix* target;
};

std::size_t row_bytes(const TensorView& tensor) {
  return info(tensor.dtype).row_bytes(static_cast<std::size_t>(tensor.shape.back()));
}

/// Collects what has to be packed, then packs it all into one piece of memory.
class Loader {
 public:
  Loader(const Checkpoint& checkpoint, bool bf16_dot) : checkpoint_(checkpoint), bf16_dot_(bf16_dot) {}

  const TensorView* find(const std::string& name) const { return checkpoint_.find(name); }

  std::vector<float> vector(const std::string& name) const {
    const TensorView* tensor = find(name);
    std::vector<float> values(static_cast<std::size_t>(count(tensor->shape)));
    dequantize(tensor->dtype, tensor->data.data(), values);
    return values;
  }

  /// [rows, cols] → [cols, rows].
  std::vector<float> transposed(const std::string& name) const {
    const TensorView* tensor = find(name);
    const auto rows = static_cast<std::size_t>(tensor->shape[0]), cols = static_cast<std::size_t>(tensor->shape[1]);
    const std::vector<float> values = vector(name);
    std::vector<float> out(values.size());
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < cols; ++c) out[c * rows + r] = values[r * cols + c];
    return out;
  }

  /// Rows [first, first + n_rows) of the tensor "NAME.weight", and of "NAME.bias" where there is one.
  void linear(const std::string& name, std::int64_t first, std::int64_t n_rows, Linear& out) {
    const TensorView* tensor = find(name + ".weight");
    matrix(*tensor, first, n_rows, out.matrix);
    if (find(name + ".bias")) {
      const std::vector<float> bias = vector(name + ".bias");
      out.bias.assign(bias.begin() + first, bias.begin() + first + n_rows);
    }
  }
  void linear(const std::string& name, Linear& out) { linear(name, 0, find(name + ".weight")->shape[0], out); }

  void matrix(const TensorView& tensor, std::int64_t first, std::int64_t n_rows, PackedMatrix& out) {
    out.packing = packing_for(tensor.dtype, bf16_dot_);
    out.rows = n_rows;
    out.cols = tensor.shape[1];
    out.layout = panel_layout(out.packing, out.cols);
    jobs_.push_back({&tensor, first, &out});
    bytes_ += out.bytes();
  }

  /// The matrix added last, laid out in another way.
  void repack(Linear& linear, Packing packing) {
    bytes_ -= linear.matrix.bytes();
    linear.matrix.packing = packing;
    linear.matrix.layout = panel_layout(packing, linear.matrix.cols);
    bytes_ += linear.matrix.bytes();
  }

  Result<Memory> pack(ThreadPool& pool) {
    SW_ASSIGN(Memory memory, Memory::allocate(bytes_));
    std::byte* at = memory.data();
    for (const PackJob& job : jobs_) {
      job.target->data = at;
      at += job.target->bytes();
    }
    for (const PackJob& job : jobs_) {
      const std::int64_t panels = job.target->panels();
      const auto panel_bytes = static_cast<std::int64_t>(panel_rows * row_bytes(*job.source));
      const std::int64_t piece = std::max<std::int64_t>(4, release_bytes / panel_bytes);
      for (std::int64_t from = 0; from < panels; from += piece) {
        const std::int64_t to = std::min(from + piece, panels);
        pool.parallel_for(to - from, 4, [&](std::int64_t begin, std::int64_t end, int) {
          pack_panels(job, from + begin, from + end);
        });
        release(job, from, to);
      }
    }
    return memory;
  }

 private:
  void pack_panels(const PackJob& job, std::int64_t begin, std::int64_t end) const {
    const std::size_t stride = row_bytes(*job.source);
    const std::byte* source = job.source->data.data() + static_cast<std::size_t>(job.first) * stride;
    const std::size_t panel_bytes = panel_rows * stride;
    for (std::int64_t p = begin; p < end; ++p) {
      // Sixteen rows at once are too many streams for the hardware to run ahead of: the next panel is asked for here.
      const std::byte* next = source + static_cast<std::size_t>(p + 1) * panel_bytes;
      if ((p + 2) * panel_rows <= job.target->rows)
        for (std::size_t i = 0; i < panel_bytes; i += 64) __builtin_prefetch(next + i);
      const std::byte* rows[panel_rows];
      for (int r = 0; r < panel_rows; ++r) {
        const std::int64_t row = p * panel_rows + r;
        rows[r] = row < job.target->rows ? source + static_cast<std::size_t>(row) * stride : nullptr;
      }
      pack_panel(job.source->dtype, rows, *job.target, p);
    }
  }

  // Every release interrupts all threads, so there are few; what is not released counts twice.
  static constexpr std::int64_t release_bytes = 16 << 20;

  /// Pages of files whose panels [begin, end) were packed are read no more.
  void release(const PackJob& job, std::int64_t begin, std::int64_t end) const {
    const std::size_t stride = row_bytes(*job.source);
    const auto first = static_cast<std::size_t>(job.first + begin * panel_rows);
    const auto last = static_cast<std::size_t>(job.first + std::min(end * panel_rows, job.target->rows));
    const auto rows = job.source->data.subspan(first * stride, (last - first) * stride);
    for (const auto& file : checkpoint_.files) {
      const auto all = file->bytes();
      if (rows.data() >= all.data() && rows.data() < all.data() + all.size()) file->release(rows);
    }
  }

  const Checkpoint& checkpoint_;
  const bool bf16_dot_;
  std::vector<PackJob> jobs_;
  std::size_t bytes_ = 0;
};

void load_attention(Loader& loader, const std::string& block, const Attention& spec, AttentionWeights& w) {
  const std::int64_t q_rows = std::int64_t{spec.n_heads} * spec.head_dim;
  const std::int64_t kv_rows = std::int64_t{spec.kv_heads} * spec.head_dim;
  if (loader.find(block + "attn_qkv.weight")) {
    loader.linear(block + "attn_qkv", 0, q_rows, w.q);
    loader.linear(block + "attn_qkv", q_rows, kv_rows, w.k);
    loader.linear(block + "attn_qkv", q_rows + kv_rows, kv_rows, w.v);
  } else {
    loader.linear(block + "attn_q", w.q);
    loader.linear(block + "attn_k", w.k);
    loader.linear(block + "attn_v", w.v);
  }
  loader.linear(block + "attn_output", w.output);
  if (spec.qk_norm) {
    w.q_norm = loader.vector(block + "attn_q_norm.weight");
    w.k_norm = loader.vector(block + "attn_k_norm.weight");
  }
}

void load_mamba(Loader& loader, const std::string& block, MambaWeights& w) {
  loader.linear(block + "ssm_in", w.in);
  loader.linear(block + "ssm_x", w.x);
  loader.linear(block + "ssm_dt", w.dt);
  loader.linear(block + "ssm_out", w.out);
  w.conv = loader.transposed(block + "ssm_conv1d.weight");
  w.conv_bias = loader.vector(block + "ssm_conv1d.bias");
  w.a = loader.transposed(block + "ssm_a");
  w.d = loader.vector(block + "ssm_d");
}

/// A head is screened where reading less of it is worth another order of its bytes. Softcapped logits may tie where the
/// products do not, so those are always computed in full.
bool can_screen(const ModelSpec& spec, const Linear& head) {
  constexpr std::int64_t large = 4096;
  return head.matrix.packing == Packing::q8_0 && head.matrix.rows >= large && head.bias.empty() &&
         spec.final_softcap == 0;
}

}  // namespace

Result<std::shared_ptr<const Weights>> Weights::load(const ModelSpec& spec, const Checkpoint& checkpoint,
                                                     const WeightsOptions& options, ThreadPool& pool) {
  auto weights = std::make_shared<Weights>();
  weights->kernels_ = options.kernels ? options.kernels : &kernels();
  Loader loader(checkpoint, weights->kernels_->bf16_dot && !options.exact_floats);
  weights->blocks_.resize(spec.blocks.size());
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    const BlockSpec& block = spec.blocks[i];
    BlockWeights& w = weights->blocks_[i];
    const std::string name = "blk." + std::to_string(i) + ".";
    if (const auto* attention = std::get_if<Attention>(&block.mixer))
      load_attention(loader, name, *attention, w.mixer.emplace<AttentionWeights>());
    else if (std::holds_alternative<Mamba>(block.mixer))
      load_mamba(loader, name, w.mixer.emplace<MambaWeights>());
    if (!std::holds_alternative<std::monostate>(block.mixer)) {
      w.mixer_norm = loader.vector(name + "attn_norm.weight");
      if (block.post_norms) w.post_mixer_norm = loader.vector(name + "post_attention_norm.weight");
    }
    if (std::holds_alternative<std::monostate>(block.ffn)) continue;
    w.ffn_norm = loader.vector(name + "ffn_norm.weight");
    if (block.post_norms) w.post_ffn_norm = loader.vector(name + "post_ffw_norm.weight");
    if (const auto* gated = std::get_if<GatedMlp>(&block.ffn); gated && !loader.find(name + "ffn_gate.weight")) {
      loader.linear(name + "ffn_up", 0, gated->hidden, w.ffn.gate);
      loader.linear(name + "ffn_up", gated->hidden, gated->hidden, w.ffn.up);
    } else {
      if (gated) loader.linear(name + "ffn_gate", w.ffn.gate);
      loader.linear(name + "ffn_up", w.ffn.up);
    }
    loader.linear(name + "ffn_down", w.ffn.down);
  }
  weights->output_norm_ = loader.vector("output_norm.weight");
  loader.linear(spec.tied_head ? "token_embd" : "output", weights->head_);
  if (can_screen(spec, weights->head_)) loader.repack(weights->head_, Packing::q8_split);
  weights->embedding_ = *checkpoint.find("token_embd.weight");
  weights->files_ = checkpoint.files;
  for (const auto& buffer : checkpoint.owned)
    if (weights->embedding_.data.data() == buffer->data()) weights->owned_.push_back(buffer);
  SW_ASSIGN(weights->memory_, loader.pack(pool));
  return weights;
}

void Weights::embed(std::int64_t token, float* out) const {
  const auto width = static_cast<std::size_t>(embedding_.shape[1]);
  dequantize(embedding_.dtype, embedding_.data.data() + static_cast<std::size_t>(token) * row_bytes(embedding_),
             {out, width});
}

}  // namespace sw
