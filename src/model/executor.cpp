#include "model/executor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

#include "base/first_error.hpp"
#include "model/buffers.hpp"
#include "ops/ops.hpp"

namespace sw {
namespace {

/// One matrix product of a group that shares its input.
struct Product {
  const Linear* linear;
  MatmulOutput out;
};

ActivationForms forms_for(std::initializer_list<const Linear*> linears) {
  ActivationForms forms;
  for (const Linear* linear : linears) forms = forms | sw::forms_for(linear->matrix.packing);
  return forms;
}

MatmulOutput output(const Linear& linear, float* y, std::int64_t stride, bool add = false) {
  return {.y = y, .stride = stride, .bias = linear.bias.empty() ? nullptr : linear.bias.data(), .add = add};
}

/// Of `units` of panels, how many a thread takes at a time. With few rows of activations enough to stream through
/// memory for a while, with many one: threads must finish together.
std::int64_t at_once(std::int64_t units, std::int64_t unit_bytes, std::int64_t rows, int n_threads) {
  constexpr std::int64_t stream = 256 << 10;
  const std::int64_t fair = units / (4 * n_threads);
  return std::clamp<std::int64_t>(stream / (unit_bytes * rows), 1, std::max<std::int64_t>(1, fair));
}

double matrix_bytes(std::initializer_list<const Linear*> linears) {
  double bytes = 0;
  for (const Linear* linear : linears) bytes += static_cast<double>(linear->matrix.bytes());
  return bytes;
}

double matrix_operations(std::initializer_list<const Linear*> linears, std::int64_t rows) {
  double operations = 0;
  for (const Linear* linear : linears)
    operations += 2.0 * static_cast<double>(linear->matrix.rows * linear->matrix.cols * rows);
  return operations;
}

Arithmetic arithmetic_of(const Linear& linear) {
  const ActivationForms forms = forms_for(linear.matrix.packing);
  return forms.q8 ? Arithmetic::int8 : forms.bf16 ? Arithmetic::bf16 : Arithmetic::fp32;
}

}  // namespace

struct Executor::Impl {
  ModelSpec spec;
  std::shared_ptr<const Weights> weights;
  ThreadPool& pool;
  Options options;
  const Kernels& ops = weights->ops();
  Buffers buffers;
  Spans* spans = nullptr;

  // The batch being run.
  std::span<const BatchEntry> batch;
  StatePool* state = nullptr;
  std::int64_t n_tokens = 0;

  Impl(const ModelSpec& s, std::shared_ptr<const Weights> w, ThreadPool& p, const Options& o)
      : spec(s), weights(std::move(w)), pool(p), options(o) {}

  Status check() const;
  Status start();
  void run_block(int index);
  void attention_mixer(int index, const Attention& a, const AttentionWeights& w, float* out, bool add);
  void attend(int index, const Attention& a);
  void mamba_mixer(int index, const Mamba& m, const MambaWeights& w, float* out, bool add);
  void feed_forward(int index, const Ffn& ffn, const MlpWeights& w, float* out, bool add);
  std::int64_t head();
  void sum_hidden();

  /// buffers.input = norm(x) for all rows, in the forms wanted.
  void norm_and_prepare(const float* x, const std::vector<float>& weight, std::int64_t rows, ActivationForms forms);
  /// buffers.input = x: rows of `cols` floats, `stride` apart.
  void prepare(const float* x, std::int64_t cols, std::int64_t stride, std::int64_t rows, ActivationForms forms);
  /// What of the only row of logits decides; null: all, or there are more rows.
  const WantedLogits* screened(std::int64_t rows) const;
  /// buffers.logits = the wanted products of buffers.input's only row; −∞ elsewhere, below buffers.bounds.
  void screen(const PackedMatrix& head, const WantedLogits& wanted);
  /// Then: those bounded by `least` or more.
  void compute_bounded(float least);
  /// Products with x, their panels shared out over the threads.
  void multiply(const Activations& x, std::initializer_list<Product> products);
  void add_normed(int index, const float* branch, const std::vector<float>& weight);
};

Executor::Executor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Executor::Executor(Executor&&) noexcept = default;
Executor& Executor::operator=(Executor&&) noexcept = default;
Executor::~Executor() = default;

Result<Executor> Executor::create(const ModelSpec& spec, std::shared_ptr<const Weights> weights, ThreadPool& pool,
                                  const Options& options) {
  auto impl = std::make_unique<Impl>(spec, std::move(weights), pool, options);
  SW_ASSIGN(impl->buffers, Buffers::create(spec, options.max_batch_tokens, options.max_logits, pool.size()));
  return Executor(std::move(impl));
}

int Executor::max_batch_tokens() const {
  return impl_->options.max_batch_tokens;
}
std::size_t Executor::activation_bytes() const {
  return impl_->buffers.bytes();
}
void Executor::record(Spans* spans) {
  impl_->spans = spans;
}

Result<Logits> Executor::forward(std::span<const BatchEntry> batch, StatePool& state) {
  Impl& run = *impl_;
  run.batch = batch;
  run.state = &state;
  SW_TRY(run.check());
  SW_TRY(run.start());
  if (run.n_tokens == 0) return Logits{{}, run.spec.vocab};
  for (int block = 0; block < static_cast<int>(run.spec.blocks.size()); ++block) run.run_block(block);
  run.sum_hidden();
  const std::int64_t rows = run.head();
  for (const BatchEntry& entry : batch) state.advance(entry.sequence, static_cast<int>(entry.tokens.size()));
  Logits logits{{run.buffers.logits, static_cast<std::size_t>(rows * run.spec.vocab)}, run.spec.vocab};
  if (run.screened(rows)) {
    logits.bounds = {run.buffers.bounds, static_cast<std::size_t>(run.spec.vocab)};
    logits.compute = [&run](float least) { run.compute_bounded(least); };
  }
  return logits;
}

Status Executor::Impl::check() const {
  std::int64_t tokens = 0, logits = 0;
  for (const BatchEntry& entry : batch) {
    const auto n = static_cast<std::int64_t>(entry.tokens.size());
    tokens += n;
    logits += entry.n_logits;
    if (entry.n_logits > n)
      return fail("logits of " + std::to_string(entry.n_logits) + " tokens were asked for", "batch",
                  "at most its " + std::to_string(n) + " tokens");
    if (state->length(entry.sequence) + n > spec.context)
      return fail("the sequence would have " + std::to_string(state->length(entry.sequence) + n) + " tokens", "batch",
                  "at most the context of " + std::to_string(spec.context),
                  "Shorten the prompt or open the model with a larger context");
    for (const TokenId token : entry.tokens)
      if (token < 0 || token >= spec.vocab)
        return fail("token id " + std::to_string(token), "batch", "0 to " + std::to_string(spec.vocab - 1));
  }
  if (tokens > options.max_batch_tokens)
    return fail(std::to_string(tokens) + " tokens", "batch", "at most " + std::to_string(options.max_batch_tokens));
  if (logits > options.max_logits)
    return fail(std::to_string(logits) + " rows of logits", "batch", "at most " + std::to_string(options.max_logits));
  return {};
}

/// Embeds the tokens and tabulates the rotations of their positions.
Status Executor::Impl::start() {
  const Span span(spans, "embed", -1, 0, 0);
  n_tokens = 0;
  for (std::size_t e = 0; e < batch.size(); ++e) {
    const int first = state->length(batch[e].sequence);
    for (std::size_t t = 0; t < batch[e].tokens.size(); ++t, ++n_tokens) {
      buffers.entry[n_tokens] = static_cast<std::int32_t>(e);
      buffers.position[n_tokens] = first + static_cast<std::int64_t>(t);
    }
  }
  FirstError error;
  pool.parallel_for(n_tokens, 8, [&](std::int64_t begin, std::int64_t end, int thread) {
    for (std::int64_t row = begin; row < end; ++row) {
      const BatchEntry& entry = batch[static_cast<std::size_t>(buffers.entry[row])];
      const std::int64_t within = buffers.position[row] - state->length(entry.sequence);
      float* x = buffers.residual + row * spec.width;
      std::byte* scratch = buffers.scratch[static_cast<std::size_t>(thread)];
      if (const Status read = weights->embed(entry.tokens[static_cast<std::size_t>(within)], x, scratch); !read)
        return error.set(read.error());
      if (spec.embedding_scale != 1)
        for (int i = 0; i < spec.width; ++i) x[i] *= spec.embedding_scale;
      for (std::size_t r = 0; r < spec.ropes.size(); ++r) {
        const Rope& rope = spec.ropes[r];
        const auto pairs = static_cast<std::int64_t>(rope.inv_freq.size());
        for (std::int64_t i = 0; i < pairs; ++i) {
          const float angle = static_cast<float>(buffers.position[row]) * rope.inv_freq[static_cast<std::size_t>(i)];
          buffers.cos[r][row * pairs + i] = std::cos(angle) * rope.magnitude;
          buffers.sin[r][row * pairs + i] = std::sin(angle) * rope.magnitude;
        }
      }
    }
  });
  return error.status();
}

void Executor::Impl::run_block(int index) {
  const BlockSpec& block = spec.blocks[static_cast<std::size_t>(index)];
  const BlockWeights& w = weights->blocks()[static_cast<std::size_t>(index)];
  // A sub-layer adds itself to the residual stream, unless its output is normed first.
  float* out = block.post_norms ? buffers.branch : buffers.residual;
  const bool add = !block.post_norms;
  if (const auto* attention = std::get_if<Attention>(&block.mixer))
    attention_mixer(index, *attention, std::get<AttentionWeights>(w.mixer), out, add);
  else if (const auto* mamba = std::get_if<Mamba>(&block.mixer))
    mamba_mixer(index, *mamba, std::get<MambaWeights>(w.mixer), out, add);
  if (!w.post_mixer_norm.empty()) add_normed(index, buffers.branch, w.post_mixer_norm);
  if (std::holds_alternative<std::monostate>(block.ffn)) return;
  feed_forward(index, block.ffn, w.ffn, out, add);
  if (!w.post_ffn_norm.empty()) add_normed(index, buffers.branch, w.post_ffn_norm);
}

void Executor::Impl::attention_mixer(int index, const Attention& a, const AttentionWeights& w, float* out, bool add) {
  const std::int64_t q_size = std::int64_t{a.n_heads} * a.head_dim, kv_size = std::int64_t{a.kv_heads} * a.head_dim;
  {
    const Span span(spans, "norm", index, 0, 0);
    norm_and_prepare(buffers.residual, weights->blocks()[static_cast<std::size_t>(index)].mixer_norm, n_tokens,
                     forms_for({&w.q, &w.k, &w.v}));
  }
  {
    const Span span(spans, "qkv", index, matrix_bytes({&w.q, &w.k, &w.v}),
                    matrix_operations({&w.q, &w.k, &w.v}, n_tokens), arithmetic_of(w.q));
    multiply(buffers.input, {{&w.q, output(w.q, buffers.q, q_size)},
                             {&w.k, output(w.k, buffers.k, kv_size)},
                             {&w.v, output(w.v, buffers.v, kv_size)}});
  }
  {
    const Span span(spans, "rope", index, 0, 0);
    const LayerState& layer = state->layer(index);
    pool.parallel_for(n_tokens, 8, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t row = begin; row < end; ++row) {
        const std::int64_t position = buffers.position[row];
        const SequenceId sequence = batch[static_cast<std::size_t>(buffers.entry[row])].sequence;
        std::byte* block =
            state->block_data() + layer.offset +
            static_cast<std::size_t>(state->block_table(sequence)[position / kv_block]) * state->block_bytes();
        const auto finish_head = [&](float* head, const std::vector<float>& norm) {
          if (a.qk_norm) ops.rms_norm(head, norm.data(), spec.norm_eps, a.head_dim, head);
          if (a.rope < 0) return;
          const auto r = static_cast<std::size_t>(a.rope);
          const auto pairs = static_cast<std::int64_t>(spec.ropes[r].inv_freq.size());
          ops.rope(head, buffers.cos[r] + row * pairs, buffers.sin[r] + row * pairs, static_cast<int>(2 * pairs),
                   spec.ropes[r].layout);
        };
        for (int h = 0; h < a.n_heads; ++h) finish_head(buffers.q + row * q_size + h * a.head_dim, w.q_norm);
        for (int h = 0; h < a.kv_heads; ++h) {
          float* k = buffers.k + row * kv_size + h * a.head_dim;
          finish_head(k, w.k_norm);
          ops.store_kv(k, buffers.v + row * kv_size + h * a.head_dim, a.head_dim, static_cast<int>(position % kv_block),
                       state->kv_type(), block + static_cast<std::size_t>(h) * layer.head_bytes);
        }
      }
    });
  }
  attend(index, a);
  {
    const Span span(spans, "attention output", index, matrix_bytes({&w.output}),
                    matrix_operations({&w.output}, n_tokens), arithmetic_of(w.output));
    prepare(buffers.q, q_size, q_size, n_tokens, forms_for({&w.output}));
    multiply(buffers.input, {{&w.output, output(w.output, out, spec.width, add)}});
  }
}

/// buffers.q becomes the attention's output: every task reads only the queries whose place it then takes.
void Executor::Impl::attend(int index, const Attention& a) {
  const std::int64_t q_size = std::int64_t{a.n_heads} * a.head_dim;
  const int group = a.n_heads / a.kv_heads;
  const LayerState& layer = state->layer(index);

  double keys = 0;
  std::int64_t tiles = 0, most_splits = 1;
  for (const BatchEntry& entry : batch) {
    const auto n = static_cast<std::int64_t>(entry.tokens.size());
    const std::int64_t end = state->length(entry.sequence) + n;
    tiles += (n + attention_tile - 1) / attention_tile;
    most_splits = std::max(most_splits, (end + kv_split - 1) / kv_split);
    const auto last = static_cast<double>(a.window > 0 ? std::min<std::int64_t>(end, a.window) : end);
    keys += static_cast<double>(n) * (last - (a.window > 0 ? 0.0 : static_cast<double>(n) / 2));
  }
  const Span span(spans, "attention", index,
                  keys / static_cast<double>(n_tokens) * static_cast<double>(layer.head_bytes) * a.kv_heads / kv_block,
                  4 * keys * static_cast<double>(q_size));

  const auto arguments = [&](const BatchEntry& entry, std::int64_t row, std::int64_t first, std::int64_t n,
                             std::int64_t head, int thread) {
    float* q = buffers.q + row * q_size + head * group * a.head_dim;
    return AttentionArgs{.q = q,
                         .q_stride = q_size,
                         .out = q,
                         .out_stride = q_size,
                         .n_queries = static_cast<int>(n),
                         .group = group,
                         .head_dim = a.head_dim,
                         .first = first,
                         .window = a.window,
                         .scale = a.scale,
                         .softcap = a.softcap,
                         .kv_type = state->kv_type(),
                         .pool = state->block_data() + layer.offset + static_cast<std::size_t>(head) * layer.head_bytes,
                         .pool_stride = state->block_bytes(),
                         .blocks = state->block_table(entry.sequence),
                         .scratch = reinterpret_cast<float*>(buffers.scratch[static_cast<std::size_t>(thread)])};
  };

  // Tasks: every query tile of every KV head. Tile t of the batch is found by walking the entries, of which there are
  // few beside the work of a tile.
  struct Tile {
    const BatchEntry* entry;
    std::int64_t row, first, n;
  };
  const auto tile_at = [&](std::int64_t t) {
    std::int64_t row = 0;
    for (const BatchEntry& entry : batch) {
      const auto n = static_cast<std::int64_t>(entry.tokens.size());
      const std::int64_t here = (n + attention_tile - 1) / attention_tile;
      if (t < here) {
        const std::int64_t skip = t * attention_tile;
        return Tile{&entry, row + skip, state->length(entry.sequence) + skip,
                    std::min<std::int64_t>(attention_tile, n - skip)};
      }
      t -= here;
      row += n;
    }
    return Tile{};
  };

  if (n_tokens > Buffers::split_tokens || most_splits == 1 || tiles * a.kv_heads >= 4 * pool.size()) {
    pool.parallel_for(tiles * a.kv_heads, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
      for (std::int64_t task = begin; task < end; ++task) {
        const Tile tile = tile_at(task / a.kv_heads);
        ops.attention(arguments(*tile.entry, tile.row, tile.first, tile.n, task % a.kv_heads, thread));
      }
    });
    return;
  }

  // Few queries over long contexts: the keys are shared out as well. The parts are merged in the order in which one
  // thread would have merged them.
  const std::int64_t size = partial_size(a.head_dim);
  const auto partials_of = [&](std::int64_t row, std::int64_t head, std::int64_t split) {
    return buffers.partials + ((split * Buffers::split_tokens + row) * a.n_heads + head * group) * size;
  };
  const auto first_split = [&](const Tile& tile) {
    return a.window > 0 ? std::max<std::int64_t>(0, tile.first - a.window + 1) / kv_split : 0;
  };
  pool.parallel_for(tiles * a.kv_heads * most_splits, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t split = task % most_splits, head = task / most_splits % a.kv_heads;
      const Tile tile = tile_at(task / most_splits / a.kv_heads);
      if (split < first_split(tile) || split > (tile.first + tile.n - 1) / kv_split) continue;
      // A tile's partials are [query][head of the group]; queries are n_heads apart in the buffer.
      for (std::int64_t i = 0; i < tile.n; ++i)
        ops.attention_split(arguments(*tile.entry, tile.row + i, tile.first + i, 1, head, thread), split,
                            partials_of(tile.row + i, head, split));
    }
  });
  const std::int64_t split_stride = std::int64_t{Buffers::split_tokens} * a.n_heads * size;
  pool.parallel_for(tiles * a.kv_heads, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t task = begin; task < end; ++task) {
      const Tile tile = tile_at(task / a.kv_heads);
      const std::int64_t head = task % a.kv_heads;
      for (std::int64_t i = 0; i < tile.n; ++i) {
        const std::int64_t position = tile.first + i;
        const std::int64_t from =
            a.window > 0 ? std::max<std::int64_t>(0, position - a.window + 1) / kv_split : std::int64_t{0};
        for (int g = 0; g < group; ++g)
          ops.attention_merge(partials_of(tile.row + i, head, from) + g * size, split_stride,
                              position / kv_split - from + 1, a.head_dim,
                              buffers.q + (tile.row + i) * q_size + (head * group + g) * a.head_dim);
      }
    }
  });
}

void Executor::Impl::mamba_mixer(int index, const Mamba& m, const MambaWeights& w, float* out, bool add) {
  const std::int64_t inner = m.inner, selection = m.dt_rank + 2 * m.state;
  {
    const Span span(spans, "norm", index, 0, 0);
    norm_and_prepare(buffers.residual, weights->blocks()[static_cast<std::size_t>(index)].mixer_norm, n_tokens,
                     forms_for({&w.in}));
  }
  {
    const Span span(spans, "ssm in", index, matrix_bytes({&w.in}), matrix_operations({&w.in}, n_tokens),
                    arithmetic_of(w.in));
    multiply(buffers.input, {{&w.in, output(w.in, buffers.projected, 2 * inner)}});
  }
  constexpr std::int64_t channels = 64;
  const std::int64_t pieces = (inner + channels - 1) / channels;
  /// f(entry, first row, tokens, begin, end) for pieces of the channels of every sequence.
  const auto each_sequence = [&](auto&& f) {
    pool.parallel_for(pieces, std::max<std::int64_t>(1, pieces / (4 * pool.size())),
                      [&](std::int64_t begin, std::int64_t end, int) {
                        std::int64_t row = 0;
                        for (const BatchEntry& entry : batch) {
                          const auto n = static_cast<std::int64_t>(entry.tokens.size());
                          f(entry, row, static_cast<int>(n), begin * channels, std::min(inner, end * channels));
                          row += n;
                        }
                      });
  };
  {
    const Span span(spans, "ssm conv", index, 0, 2.0 * static_cast<double>(n_tokens * inner * m.conv));
    each_sequence([&](const BatchEntry& entry, std::int64_t row, int n, std::int64_t begin, std::int64_t end) {
      ops.conv(buffers.projected + row * 2 * inner, 2 * inner, n, m.inner, m.conv, w.conv.data(), w.conv_bias.data(),
               state->recurrent(entry.sequence, index), buffers.channels + row * inner, inner, begin, end);
    });
  }
  {
    const Span span(spans, "ssm select", index, matrix_bytes({&w.x, &w.dt}), matrix_operations({&w.x, &w.dt}, n_tokens),
                    arithmetic_of(w.x));
    prepare(buffers.channels, inner, inner, n_tokens, forms_for({&w.x}));
    multiply(buffers.input, {{&w.x, output(w.x, buffers.selection, selection)}});
    prepare(buffers.selection, m.dt_rank, selection, n_tokens, forms_for({&w.dt}));
    multiply(buffers.input, {{&w.dt, output(w.dt, buffers.time_steps, inner)}});
  }
  {
    const Span span(spans, "ssm scan", index,
                    8.0 * static_cast<double>(batch.size()) * static_cast<double>(inner * m.state),
                    7.0 * static_cast<double>(n_tokens * inner * m.state));
    each_sequence([&](const BatchEntry& entry, std::int64_t row, int n, std::int64_t begin, std::int64_t end) {
      const float* selected = buffers.selection + row * selection;
      ops.scan({.u = buffers.channels + row * inner,
                .z = buffers.projected + row * 2 * inner + inner,
                .dt = buffers.time_steps + row * inner,
                .b = selected + m.dt_rank,
                .c = selected + m.dt_rank + m.state,
                .a = w.a.data(),
                .d = w.d.data(),
                .h = state->recurrent(entry.sequence, index) + (m.conv - 1) * inner,
                .y = buffers.channels + row * inner,
                .u_stride = inner,
                .z_stride = 2 * inner,
                .dt_stride = inner,
                .bc_stride = selection,
                .y_stride = inner,
                .tokens = n,
                .inner = m.inner,
                .state = m.state},
               begin, end);
    });
  }
  {
    const Span span(spans, "ssm out", index, matrix_bytes({&w.out}), matrix_operations({&w.out}, n_tokens),
                    arithmetic_of(w.out));
    prepare(buffers.channels, inner, inner, n_tokens, forms_for({&w.out}));
    multiply(buffers.input, {{&w.out, output(w.out, out, spec.width, add)}});
  }
}

void Executor::Impl::feed_forward(int index, const Ffn& ffn, const MlpWeights& w, float* out, bool add) {
  const auto* gated = std::get_if<GatedMlp>(&ffn);
  const auto* plain = std::get_if<Mlp>(&ffn);
  const std::int64_t hidden = gated ? gated->hidden : plain->hidden;
  const Activation activation = gated ? gated->activation : plain->activation;
  const auto& norm = weights->blocks()[static_cast<std::size_t>(index)].ffn_norm;
  const Linear& first = gated ? w.gate : w.up;
  buffers.hidden.rows = n_tokens;
  buffers.hidden.cols = hidden;
  {
    const Span span(spans, "norm", index, 0, 0);
    norm_and_prepare(buffers.residual, norm, n_tokens, forms_for({&first, &w.up}));
  }
  {
    const Span span(spans, gated ? "gate up" : "up", index,
                    gated ? matrix_bytes({&w.gate, &w.up}) : matrix_bytes({&w.up}),
                    gated ? matrix_operations({&w.gate, &w.up}, n_tokens) : matrix_operations({&w.up}, n_tokens),
                    arithmetic_of(first));
    // The same panels of both matrices, the activation, and the next product's input, while all is in cache: a whole
    // group of columns at least, since they get a scale together.
    constexpr std::int64_t panels = activation_group / panel_rows;
    const auto group_bytes = static_cast<std::int64_t>((gated ? 2 : 1) * panels * first.matrix.layout.bytes);
    const std::int64_t groups = activation_groups(hidden);
    const std::int64_t grain = std::min(at_once(groups, group_bytes, n_tokens, pool.size()),
                                        buffers.tile_cells / (n_tokens * activation_group));
    const ActivationForms forms = forms_for({&w.down});
    pool.parallel_for(groups, grain, [&](std::int64_t begin, std::int64_t end, int thread) {
      const auto t = static_cast<std::size_t>(thread);
      const std::int64_t from = begin * activation_group, to = std::min(end * activation_group, hidden);
      const std::int64_t n = to - from;
      const auto product = [&](const Linear& linear, float* y) {
        MatmulOutput tile = output(linear, y, n);
        tile.first = from;
        ops.matmul(linear.matrix, panels * begin, std::min(panels * end, linear.matrix.panels()), buffers.input, tile,
                   buffers.scratch[t]);
      };
      product(first, buffers.gate[t]);
      if (gated) product(w.up, buffers.up[t]);
      ops.activate(buffers.gate[t], gated ? buffers.up[t] : nullptr, activation, n_tokens * n);
      for (std::int64_t row = 0; row < n_tokens; ++row)
        ops.prepare(buffers.gate[t] + row * n, row, from, to, forms, buffers.hidden);
    });
  }
  const Span span(spans, "down", index, matrix_bytes({&w.down}), matrix_operations({&w.down}, n_tokens),
                  arithmetic_of(w.down));
  multiply(buffers.hidden, {{&w.down, output(w.down, out, spec.width, add)}});
}

/// Adds the final hidden states of the entries that want them, in order of position.
void Executor::Impl::sum_hidden() {
  std::int64_t first = 0;
  for (const BatchEntry& entry : batch) {
    const auto n = static_cast<std::int64_t>(entry.tokens.size());
    if (entry.hidden_sum) {
      norm_and_prepare(buffers.residual + first * spec.width, weights->output_norm(), n, {});
      pool.parallel_for(spec.width, 64, [&](std::int64_t begin, std::int64_t end, int) {
        for (std::int64_t row = 0; row < n; ++row)
          for (std::int64_t i = begin; i < end; ++i) entry.hidden_sum[i] += buffers.input.f32[row * spec.width + i];
      });
    }
    first += n;
  }
}

/// Logits of the rows that want them; returns how many.
std::int64_t Executor::Impl::head() {
  std::int64_t rows = 0, row = 0;
  for (const BatchEntry& entry : batch) {
    row += static_cast<std::int64_t>(entry.tokens.size());
    for (std::int64_t from = row - entry.n_logits; from < row; ++from, ++rows)
      std::copy_n(buffers.residual + from * spec.width, spec.width, buffers.branch + rows * spec.width);
  }
  if (rows == 0) return 0;
  const Linear& head = weights->head();
  const Span span(spans, "head", -1, matrix_bytes({&head}), matrix_operations({&head}, rows), arithmetic_of(head));
  norm_and_prepare(buffers.branch, weights->output_norm(), rows, forms_for({&head}));
  if (const WantedLogits* wanted = screened(rows))
    screen(head.matrix, *wanted);
  else
    multiply(buffers.input, {{&head, output(head, buffers.logits, spec.vocab)}});
  if (spec.final_softcap > 0)
    pool.parallel_for(rows * spec.vocab, 16384, [&](std::int64_t begin, std::int64_t end, int) {
      ops.softcap(buffers.logits + begin, spec.final_softcap, end - begin);
    });
  return rows;
}

void Executor::Impl::norm_and_prepare(const float* x, const std::vector<float>& weight, std::int64_t rows,
                                      ActivationForms forms) {
  Activations& input = buffers.input;
  input.rows = rows;
  input.cols = spec.width;
  pool.parallel_for(rows, 8, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t row = begin; row < end; ++row) {
      float* normed = input.f32 + row * spec.width;
      ops.rms_norm(x + row * spec.width, weight.data(), spec.norm_eps, spec.width, normed);
      ops.prepare(normed, row, 0, spec.width, forms, input);
    }
  });
}

void Executor::Impl::prepare(const float* x, std::int64_t cols, std::int64_t stride, std::int64_t rows,
                             ActivationForms forms) {
  Activations& input = buffers.input;
  input.rows = rows;
  input.cols = cols;
  pool.parallel_for(rows, 8, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t row = begin; row < end; ++row) ops.prepare(x + row * stride, row, 0, cols, forms, input);
  });
}

void Executor::Impl::multiply(const Activations& x, std::initializer_list<Product> products) {
  // Pairs of panels: what one pass over the activations computes together.
  std::int64_t pairs = 0;
  for (const Product& p : products) pairs += (p.linear->matrix.panels() + 1) / 2;
  const auto pair_bytes = static_cast<std::int64_t>(2 * products.begin()->linear->matrix.layout.bytes);
  const std::int64_t grain = at_once(pairs, pair_bytes, x.rows, pool.size());
  pool.parallel_for(pairs, grain, [&](std::int64_t begin, std::int64_t end, int thread) {
    std::int64_t offset = 0;
    for (const Product& p : products) {
      const PackedMatrix& matrix = p.linear->matrix;
      const std::int64_t here = (matrix.panels() + 1) / 2;
      const std::int64_t from = std::max<std::int64_t>(begin - offset, 0), to = std::min(end - offset, here);
      if (from < to)
        ops.matmul(matrix, 2 * from, std::min(2 * to, matrix.panels()), x, p.out,
                   buffers.scratch[static_cast<std::size_t>(thread)]);
      offset += here;
    }
  });
}

const WantedLogits* Executor::Impl::screened(std::int64_t rows) const {
  const Packing packing = weights->head().matrix.packing;
  if (rows != 1 || (packing != Packing::q8_split && packing != Packing::bf16_split)) return nullptr;
  const WantedLogits& wanted = std::ranges::find(batch, 1, &BatchEntry::n_logits)->wanted;
  return wanted.race || (wanted.largest > 0 && wanted.largest <= Buffers::most_screened) ? &wanted : nullptr;
}

void Executor::Impl::screen(const PackedMatrix& head, const WantedLogits& wanted) {
  const Activations& x = buffers.input;
  const float length = screening_length(x);
  const float distance = head.packing == Packing::bf16_split ? screening_distance(x) : 0;
  const auto each_apart = [&](auto&& f) {
    for (const TokenId token : wanted.always)
      if (token >= 0 && token < head.rows) f(token);
  };
  each_apart([&](TokenId token) {
    buffers.apart[token / panel_rows] |= static_cast<std::uint16_t>(1u << token % panel_rows);
  });
  std::atomic<float> threshold = -INFINITY;
  std::fill_n(buffers.best, pool.size() * Buffers::most_screened, -INFINITY);
  pool.parallel_for(head.panels(), 64, [&](std::int64_t begin, std::int64_t end, int thread) {
    ops.screen(head, begin, end, x,
               {.k = wanted.race ? 1 : wanted.largest,
                .race = wanted.race ? &*wanted.race : nullptr,
                .apart = wanted.always.empty() ? nullptr : buffers.apart,
                .length = length,
                .distance = distance,
                .best = buffers.best + thread * Buffers::most_screened,
                .threshold = &threshold,
                .scratch = buffers.scratch[static_cast<std::size_t>(thread)]},
               buffers.bounds, buffers.logits);
  });
  if (wanted.always.empty()) return;
  each_apart([&](TokenId token) {
    buffers.apart[token / panel_rows] = 0;
    buffers.bounds[token] = INFINITY;
  });
  compute_bounded(INFINITY);
}

void Executor::Impl::compute_bounded(float least) {
  const Linear& head = weights->head();
  if (least == -INFINITY) return multiply(buffers.input, {{&head, output(head, buffers.logits, spec.vocab)}});
  pool.parallel_for(head.matrix.panels(), 64, [&](std::int64_t begin, std::int64_t end, int thread) {
    ops.compute_bounded(head.matrix, begin, end, buffers.input, buffers.bounds, least,
                        buffers.scratch[static_cast<std::size_t>(thread)], buffers.logits);
  });
}

void Executor::Impl::add_normed(int index, const float* branch, const std::vector<float>& weight) {
  const Span span(spans, "norm", index, 0, 0);
  pool.parallel_for(n_tokens, 8, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t row = begin; row < end; ++row) {
      float* normed = buffers.input.f32 + row * spec.width;
      ops.rms_norm(branch + row * spec.width, weight.data(), spec.norm_eps, spec.width, normed);
      ops.add(buffers.residual + row * spec.width, normed, spec.width);
    }
  });
}

}  // namespace sw
