#include "model/weights.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "base/first_error.hpp"
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

/// The file that holds a tensor; null: it is in memory of its own.
std::shared_ptr<const MappedFile> file_of(const Checkpoint& checkpoint, const TensorView& tensor) {
  for (const auto& file : checkpoint.files) {
    const auto all = file->bytes();
    if (tensor.data.data() >= all.data() && tensor.data.data() < all.data() + all.size()) return file;
  }
  return nullptr;
}

/// Packs panels whose rows are copied from the file first, to a buffer of each thread that its cache holds. Read
/// through the mapping, 16 rows at a time would wait for page faults and TLB misses, and their pages count as this
/// process's.
class PanelReaders {
 public:
  PanelReaders(const Kernels& ops, int threads) : ops_(ops), buffers_(static_cast<std::size_t>(threads)) {}

  void pack(const PackJob& job, const MappedFile* file, std::int64_t p, int thread) {
    const std::size_t stride = row_bytes(*job.source);
    const std::int64_t n = std::min<std::int64_t>(panel_rows, job.target->rows - p * panel_rows);
    auto stored = job.source->data.subspan(static_cast<std::size_t>(job.first + p * panel_rows) * stride,
                                           static_cast<std::size_t>(n) * stride);
    if (file) {
      std::vector<std::byte>& buffer = buffers_[static_cast<std::size_t>(thread)];
      buffer.resize(std::max(buffer.size(), stored.size()));
      if (const Status read = file->read(stored, buffer.data()); !read) return error_.set(read.error());
      stored = buffer;
    }
    const std::byte* rows[panel_rows] = {};
    for (std::int64_t r = 0; r < n; ++r) rows[r] = stored.data() + static_cast<std::size_t>(r) * stride;
    ops_.pack(job.source->dtype, rows, *job.target, p);
  }

  Status status() const { return error_.status(); }

 private:
  const Kernels& ops_;
  std::vector<std::vector<std::byte>> buffers_;
  FirstError error_;
};

/// Collects what has to be packed, then packs it all into one piece of memory.
class Loader {
 public:
  Loader(const Checkpoint& checkpoint, const Kernels& ops, bool bf16_dot)
      : checkpoint_(checkpoint), ops_(ops), bf16_dot_(bf16_dot) {}

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

  /// A head whose weights do not fit bf16_split is packed in pairs, which take less.
  Result<Memory> pack(ThreadPool& pool) {
    SW_ASSIGN(Memory memory, Memory::allocate(bytes_));
    std::byte* at = memory.data();
    for (const PackJob& job : jobs_) {
      job.target->data = at;
      at += job.target->bytes();
    }
    PanelReaders readers(ops_, pool.size());
    const auto pack_one = [&](const PackJob& job) {
      const MappedFile* file = file_of(checkpoint_, *job.source).get();
      pool.parallel_for(job.target->panels(), 4, [&](std::int64_t begin, std::int64_t end, int thread) {
        for (std::int64_t p = begin; p < end; ++p) readers.pack(job, file, p, thread);
      });
      return readers.status();
    };
    for (const PackJob& job : jobs_) {
      SW_TRY(pack_one(job));
      PackedMatrix& matrix = *job.target;
      if (matrix.packing != Packing::bf16_split || is_whole(matrix)) continue;
      std::memset(memory.data() + (matrix.data - memory.data()), 0, matrix.bytes());
      matrix.packing = Packing::bf16_pairs;
      matrix.layout = panel_layout(matrix.packing, matrix.cols);
      SW_TRY(pack_one(job));
    }
    return memory;
  }

 private:
  const Checkpoint& checkpoint_;
  const Kernels& ops_;
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

/// How a head is laid out: for screening where reading less of it is worth another order of its bytes. Softcapped logits
/// may tie where the products do not, so those are always computed in full.
Packing head_packing(const ModelSpec& spec, const Linear& head) {
  constexpr std::int64_t large = 4096;
  const PackedMatrix& matrix = head.matrix;
  if (matrix.rows < large || matrix.cols % 32 != 0 || !head.bias.empty() || spec.final_softcap != 0)
    return matrix.packing;
  if (matrix.packing == Packing::q8_0) return Packing::q8_split;
  return matrix.packing == Packing::bf16_pairs ? Packing::bf16_split : matrix.packing;
}

}  // namespace

Result<std::shared_ptr<const Weights>> Weights::load(const ModelSpec& spec, const Checkpoint& checkpoint,
                                                     const WeightsOptions& options, ThreadPool& pool) {
  auto weights = std::make_shared<Weights>();
  weights->kernels_ = options.kernels ? options.kernels : &kernels();
  Loader loader(checkpoint, *weights->kernels_, weights->kernels_->bf16_dot && !options.exact_floats);
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
  loader.repack(weights->head_, head_packing(spec, weights->head_));
  weights->embedding_ = *checkpoint.find("token_embd.weight");
  weights->embedding_file_ = file_of(checkpoint, weights->embedding_);
  for (const auto& buffer : checkpoint.owned)
    if (weights->embedding_.data.data() == buffer->data()) weights->owned_.push_back(buffer);
  // Metadata and vectors were read through the mapping; they need not be in memory beside the packed weights.
  for (const auto& file : checkpoint.files) file->release(file->bytes());
  SW_ASSIGN(weights->memory_, loader.pack(pool));
  return weights;
}

Status Weights::embed(std::int64_t token, float* out, std::byte* scratch) const {
  const auto width = static_cast<std::size_t>(embedding_.shape[1]);
  auto row = embedding_.data.subspan(static_cast<std::size_t>(token) * row_bytes(embedding_), row_bytes(embedding_));
  if (embedding_file_) {
    SW_TRY(embedding_file_->read(row, scratch));
    row = {scratch, row.size()};
  }
  dequantize(embedding_.dtype, row.data(), {out, width});
  return {};
}

}  // namespace sw
