#include "train/network.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "train/sublayer.hpp"

namespace sw::train {
namespace {

/// Floats of logits held at once: the head is computed for some rows at a time.
constexpr std::int64_t logits_at_once = 4 << 20;

struct Block {
  std::vector<std::unique_ptr<Sublayer>> parts;
  std::vector<std::int64_t> kept;  ///< where each part's memory begins, within the block's
};

Status check(const ModelSpec& spec) {
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    const auto* mamba = std::get_if<Mamba>(&spec.blocks[i].mixer);
    if (mamba && (mamba->conv > 64 || mamba->state > 256))
      return fail("block " + std::to_string(i) + " convolves " + std::to_string(mamba->conv) + " tokens and has " +
                      std::to_string(mamba->state) + " states",
                  {}, "at most 64 tokens and 256 states in training");
  }
  return {};
}

RopeTable tabulate(const Rope& rope, int positions) {
  RopeTable table;
  table.pairs = static_cast<int>(rope.inv_freq.size());
  for (int p = 0; p < positions; ++p)
    for (const float frequency : rope.inv_freq) {
      const float angle = static_cast<float>(p) * frequency;
      table.cos.push_back(std::cos(angle) * rope.magnitude);
      table.sin.push_back(std::sin(angle) * rope.magnitude);
    }
  return table;
}

}  // namespace

struct Network::Impl {
  ModelSpec spec;
  Parameters& parameters;
  ThreadPool& pool;
  NetworkOptions options;
  Gemm gemm;
  std::vector<Block> blocks;
  std::vector<RopeTable> ropes;
  Slot embedding, output_norm, head;

  Memory memory;
  float *x = nullptr, *dx = nullptr;           ///< [tokens, width]: the residual stream and its gradient
  float *normed = nullptr, *last_r = nullptr;  ///< of the last norm
  float* logits = nullptr;                     ///< [head_rows, vocab]
  float* kept = nullptr;                       ///< of one block, or of all
  float* inputs = nullptr;                     ///< [blocks, tokens, width] where blocks are recomputed
  float* scratch = nullptr;
  std::vector<float*> thread_scratch;
  std::int64_t block_floats = 0, head_rows = 0;
  std::vector<Segment> segments;
  std::vector<int> positions;
  std::vector<double> losses;
  std::vector<std::int64_t> scored;

  Impl(const ModelSpec& s, Parameters& p, ThreadPool& t, const NetworkOptions& o, Gemm g)
      : spec(s), parameters(p), pool(t), options(o), gemm(std::move(g)) {}

  Status build();
  void lay_out(Floats& arena);
  Status start(const Batch& batch);
  Pass pass();
  float* kept_of(std::size_t block) const {
    return kept + (options.recompute ? 0 : static_cast<std::int64_t>(block) * block_floats);
  }
  float* input_of(std::size_t block, std::int64_t tokens) const {
    return inputs + static_cast<std::int64_t>(block) * tokens * spec.width;
  }
  Result<double> run(const Batch& batch, const RowLoss& loss, float scale, bool backwards);
  void embed(const Batch& batch);
  void embed_backward(const Batch& batch);
  double head_loss(Pass& pass, const RowLoss& loss, float scale, bool backwards);
};

Network::Network(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;
Network::~Network() = default;

Result<Network> Network::create(const ModelSpec& spec, Parameters& parameters, ThreadPool& pool,
                                const NetworkOptions& options) {
  SW_TRY(check(spec));
  SW_ASSIGN(Gemm gemm, Gemm::create(options.precision, pool.size()));
  auto impl = std::make_unique<Impl>(spec, parameters, pool, options, std::move(gemm));
  SW_TRY(impl->build());
  Network network(std::move(impl));
  network.parameters_changed();
  return network;
}

Status Network::Impl::build() {
  for (std::size_t i = 0; i < spec.blocks.size(); ++i) {
    const BlockSpec& block = spec.blocks[i];
    const BlockPlace place{spec, parameters, "blk." + std::to_string(i) + ".", block.post_norms};
    Block& built = blocks.emplace_back();
    if (auto mixer = make_mixer(place, block.mixer)) built.parts.push_back(std::move(mixer));
    if (auto ffn = make_feed_forward(place, block.ffn)) built.parts.push_back(std::move(ffn));
    Floats count;
    for (const auto& part : built.parts) {
      built.kept.push_back(count.used());
      count.take(part->kept_floats(options.limits));
    }
    block_floats = std::max(block_floats, count.used());
  }
  for (const Rope& rope : spec.ropes) ropes.push_back(tabulate(rope, options.limits.sequence));
  embedding = parameters.slot("token_embd.weight");
  output_norm = parameters.slot("output_norm.weight");
  head = spec.tied_head ? embedding : parameters.slot("output.weight");
  head_rows = std::clamp<std::int64_t>(logits_at_once / spec.vocab / tile_tokens, 1, 16) * tile_tokens;
  head_rows = std::min(head_rows, options.limits.tokens);

  Floats count;
  lay_out(count);
  SW_ASSIGN(memory, Memory::allocate(static_cast<std::size_t>(count.used()) * sizeof(float)));
  Floats arena(reinterpret_cast<float*>(memory.data()));
  lay_out(arena);
  return {};
}

void Network::Impl::lay_out(Floats& arena) {
  const std::int64_t tokens = options.limits.tokens;
  std::int64_t shared = 0, own = std::max<std::int64_t>(2 * spec.vocab, spec.width);
  for (const Block& block : blocks)
    for (const auto& part : block.parts) {
      shared = std::max(shared, part->scratch_floats(options.limits));
      own = std::max(own, part->thread_floats(options.limits));
    }
  shared = std::max(shared, (tokens / tile_tokens + 1) * spec.width + 16);
  const auto n_blocks = static_cast<std::int64_t>(blocks.size());
  x = arena.take(tokens * spec.width);
  dx = arena.take(tokens * spec.width);
  normed = arena.take(tokens * spec.width);
  last_r = arena.take(tokens);
  logits = arena.take(head_rows * spec.vocab);
  kept = arena.take((options.recompute ? 1 : n_blocks) * block_floats);
  if (options.recompute) inputs = arena.take(n_blocks * tokens * spec.width);
  scratch = arena.take(shared);
  thread_scratch.clear();
  for (int t = 0; t < pool.size(); ++t) thread_scratch.push_back(arena.take(own));
}

void Network::parameters_changed() {
  // What products read: every matrix except an embedding that is no head.
  std::vector<Matrix> matrices;
  for (const Parameter& p : impl_->parameters.list())
    if (p.is_matrix() && (p.role != TensorRole::embedding || impl_->spec.tied_head))
      matrices.push_back({impl_->parameters.values(p).data(), p.shape[1], p.shape[0], p.shape[1]});
  impl_->gemm.set_parameters(matrices, impl_->pool);
}

Result<double> Network::evaluate(const Batch& batch, const RowLoss& loss) {
  return impl_->run(batch, loss, 0, false);
}

Result<double> Network::accumulate(const Batch& batch, const RowLoss& loss, float scale) {
  return impl_->run(batch, loss, scale, true);
}

std::size_t Network::activation_bytes() const {
  return impl_->memory.size();
}

double Network::operations_per_token(int length) const {
  const ModelSpec& spec = impl_->spec;
  double forwards = 0;
  for (const Parameter& p : impl_->parameters.list())
    if (p.is_matrix() && p.role != TensorRole::embedding) forwards += 2.0 * static_cast<double>(p.size);
  if (spec.tied_head) forwards += 2.0 * spec.vocab * static_cast<double>(spec.width);
  for (const BlockSpec& block : spec.blocks)
    if (const auto* a = std::get_if<Attention>(&block.mixer)) {
      const double seen = a->window > 0 ? std::min(a->window, length) : length / 2.0;
      forwards += 4.0 * seen * a->n_heads * a->head_dim;
    }
  return 3 * forwards;
}

Status Network::Impl::start(const Batch& batch) {
  const auto n = static_cast<std::int64_t>(batch.tokens.size());
  if (n > options.limits.tokens || static_cast<int>(batch.lengths.size()) > options.limits.segments)
    return fail(std::to_string(n) + " tokens in " + std::to_string(batch.lengths.size()) + " sequences", "batch",
                "at most " + std::to_string(options.limits.tokens) + " in " + std::to_string(options.limits.segments));
  for (const TokenId token : batch.tokens)
    if (token < 0 || token >= spec.vocab)
      return fail("token id " + std::to_string(token), "batch", "0 to " + std::to_string(spec.vocab - 1));
  segments.clear();
  positions.clear();
  std::int64_t first = 0;
  for (const int length : batch.lengths) {
    if (length < 1 || length > options.limits.sequence)
      return fail("a sequence of " + std::to_string(length) + " tokens", "batch",
                  "1 to " + std::to_string(options.limits.sequence));
    segments.push_back({first, length});
    for (int p = 0; p < length; ++p) positions.push_back(p);
    first += length;
  }
  if (first != n) return fail("sequences of " + std::to_string(first) + " tokens", "batch", std::to_string(n));
  return {};
}

Pass Network::Impl::pass() {
  return {.pool = pool,
          .gemm = gemm,
          .ops = kernels(),
          .values = parameters.values().data(),
          .gradients = parameters.gradients().data(),
          .ropes = ropes,
          .tokens = static_cast<std::int64_t>(positions.size()),
          .segments = segments,
          .positions = positions,
          .scratch = scratch,
          .thread_scratch = thread_scratch};
}

Result<double> Network::Impl::run(const Batch& batch, const RowLoss& loss, float scale, bool backwards) {
  SW_TRY(start(batch));
  Pass p = pass();
  const std::int64_t floats = p.tokens * spec.width;
  const auto forward_block = [&](std::size_t i) {
    for (std::size_t part = 0; part < blocks[i].parts.size(); ++part)
      blocks[i].parts[part]->forward(p, x, kept_of(i) + blocks[i].kept[part]);
  };
  embed(batch);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (options.recompute) std::copy_n(x, floats, input_of(i, options.limits.tokens));
    forward_block(i);
  }
  const double sum = head_loss(p, loss, scale, backwards);
  if (!backwards) return sum;
  for (std::size_t i = blocks.size(); i-- > 0;) {
    if (options.recompute) {
      std::copy_n(input_of(i, options.limits.tokens), floats, x);
      forward_block(i);
    }
    for (std::size_t part = blocks[i].parts.size(); part-- > 0;)
      blocks[i].parts[part]->backward(p, dx, kept_of(i) + blocks[i].kept[part]);
  }
  embed_backward(batch);
  return sum;
}

void Network::Impl::embed(const Batch& batch) {
  const float* table = parameters.values().data() + embedding.offset;
  pool.parallel_for(static_cast<std::int64_t>(batch.tokens.size()), 64, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t row = begin; row < end; ++row) {
      const float* from = table + batch.tokens[static_cast<std::size_t>(row)] * std::int64_t{spec.width};
      float* to = x + row * spec.width;
      for (int i = 0; i < spec.width; ++i) to[i] = from[i] * spec.embedding_scale;
    }
  });
}

/// Threads share out the columns, so that equal tokens never meet.
void Network::Impl::embed_backward(const Batch& batch) {
  float* table = parameters.gradients().data() + embedding.offset;
  pool.parallel_for((spec.width + 63) / 64, 1, [&](std::int64_t begin, std::int64_t end, int) {
    const std::int64_t from = begin * 64, n = std::min<std::int64_t>(end * 64, spec.width) - from;
    for (std::size_t row = 0; row < batch.tokens.size(); ++row)
      kernels().scale_add(dx + static_cast<std::int64_t>(row) * spec.width + from, spec.embedding_scale, n,
                          table + batch.tokens[row] * std::int64_t{spec.width} + from);
  });
}

/// Last norm, head and loss, some rows of logits at a time: each becomes its own gradient and goes into those of the
/// head and of the last norm at once, so that there are never more of them.
double Network::Impl::head_loss(Pass& p, const RowLoss& loss, float scale, bool backwards) {
  const std::int64_t width = spec.width, vocab = spec.vocab;
  const Linear product{head, {}};
  scored.clear();
  for (std::int64_t row = 0; row < p.tokens; ++row)
    if (loss.counts(row)) scored.push_back(row);
  const auto n = static_cast<std::int64_t>(scored.size());
  losses.assign(scored.size(), 0);
  const auto row_of = [&](std::int64_t i) { return scored[static_cast<std::size_t>(i)]; };
  pool.parallel_for(n, 64, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t i = begin; i < end; ++i)
      last_r[i] = p.ops.rms_norm(x + row_of(i) * width, p.value(output_norm), spec.norm_eps, width, normed + i * width);
  });

  constexpr std::int64_t columns = 512;
  const std::int64_t across = (vocab + columns - 1) / columns;
  for (std::int64_t first = 0; first < n; first += head_rows) {
    const std::int64_t rows = std::min(head_rows, n - first), down = (rows + tile_tokens - 1) / tile_tokens;
    float* x_rows = normed + first * width;
    pool.parallel_for(down * across, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
      for (std::int64_t piece = begin; piece < end; ++piece) {
        const std::int64_t row = piece / across * tile_tokens, column = piece % across * columns;
        Linear part = product;
        part.weight.offset += column * width;
        part.weight.rows = std::min(columns, vocab - column);
        part.forward(p, thread, x_rows + row * width, width, std::min(tile_tokens, rows - row),
                     logits + row * vocab + column, vocab);
      }
    });
    pool.parallel_for(rows, 8, [&](std::int64_t begin, std::int64_t end, int thread) {
      float* own = thread_scratch[static_cast<std::size_t>(thread)];
      for (std::int64_t i = begin; i < end; ++i) {
        float* row = logits + i * vocab;
        float* capped = own + vocab;  // wanted again once the row holds gradients
        if (spec.final_softcap > 0) {
          p.ops.softcap(row, spec.final_softcap, vocab);
          std::copy_n(row, vocab, capped);
        }
        losses[static_cast<std::size_t>(first + i)] =
            loss.judge(row_of(first + i), {row, static_cast<std::size_t>(vocab)}, scale, own);
        if (spec.final_softcap > 0) p.ops.softcap_backward(row, capped, spec.final_softcap, vocab);
      }
    });
    if (!backwards) continue;
    WeightGradients gradients(p, {{head, logits, x_rows, vocab, width, rows}});
    pool.parallel_for(down, 1, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t t = begin; t < end; ++t)
        gradients.convert({t * tile_tokens, std::min(tile_tokens, rows - t * tile_tokens)});
    });
    gradients.add();
    // The rows of normed are not wanted any more: their gradients take their place.
    pool.parallel_for(down, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
      for (std::int64_t t = begin; t < end; ++t)
        product.backward(p, thread, logits + t * tile_tokens * vocab, vocab,
                         std::min(tile_tokens, rows - t * tile_tokens), x_rows + t * tile_tokens * width, width);
    });
  }
  double sum = 0;
  for (const double value : losses) sum += value;
  if (!backwards) return sum;

  Floats arena(scratch);
  const ColumnSums d_norm(arena, n, width);
  std::fill_n(dx, p.tokens * width, 0.0f);
  Pass of_scored = p;
  of_scored.tokens = n;
  of_scored.rows([&](const Tile& tile, int) {
    float* d_weight = d_norm.start(tile);
    for (std::int64_t i = tile.first; i < tile.first + tile.count; ++i)
      p.ops.rms_norm_backward(normed + i * width, x + row_of(i) * width, p.value(output_norm), last_r[i], width,
                              dx + row_of(i) * width, d_weight);
  });
  d_norm.finish(of_scored, p.gradient(output_norm));
  return sum;
}

}  // namespace sw::train
