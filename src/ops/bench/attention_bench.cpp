// Attention of one KV head of 64 dimensions: of Qwen2.5-0.5B's 7 query heads, one query, as in decoding, and a prefill
// chunk; and of a single query head over more keys than caches hold, where memory is the limit.
// Bytes are the keys and values seen, once; operations are multiply-adds counted twice.
#include <benchmark/benchmark.h>

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "ops/ops.hpp"

namespace sw {
namespace {

constexpr int head_dim = 64;

void attention(benchmark::State& state, const Kernels& table, KvType type, int group, int n_queries, int context) {
  const std::size_t block_bytes = KvLayout{type, head_dim}.bytes();
  std::vector<std::int32_t> blocks(static_cast<std::size_t>(context / kv_block));
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::int32_t>(i);
  std::vector<std::byte> pool(blocks.size() * block_bytes);
  std::vector<float> k(head_dim), v(head_dim);
  for (int position = 0; position < context; ++position) {
    for (int d = 0; d < head_dim; ++d)
      k[static_cast<std::size_t>(d)] = v[static_cast<std::size_t>(d)] = static_cast<float>((position * 7 + d) % 13 - 6);
    table.store_kv(k.data(), v.data(), head_dim, position % kv_block, type,
                   pool.data() + static_cast<std::size_t>(position / kv_block) * block_bytes);
  }
  std::vector<float> q(static_cast<std::size_t>(n_queries * group * head_dim), 0.1f), out(q.size());
  std::vector<float> scratch(attention_scratch(group, head_dim));
  const AttentionArgs args = {.q = q.data(),
                              .q_stride = group * head_dim,
                              .out = out.data(),
                              .out_stride = group * head_dim,
                              .n_queries = n_queries,
                              .group = group,
                              .head_dim = head_dim,
                              .first = context - n_queries,
                              .scale = 0.125f,
                              .kv_type = type,
                              .pool = pool.data(),
                              .pool_stride = block_bytes,
                              .blocks = blocks.data(),
                              .scratch = scratch.data()};
  for (auto _ : state) {
    table.attention(args);
    benchmark::ClobberMemory();
  }
  const auto rate = [](double amount) {
    return benchmark::Counter(amount, benchmark::Counter::kIsIterationInvariantRate);
  };
  double seen = 0;
  for (int i = 0; i < n_queries; ++i) seen += context - n_queries + i + 1;
  state.counters["B/s"] = rate(static_cast<double>(pool.size()));
  state.counters["op/s"] = rate(seen * group * head_dim * 4);
}

const bool registered = [] {
  for (const Kernels* table : available_kernels())
    for (const auto& [type_name, type] : kv_types)
      for (const auto& [group, n_queries, context] :
           {std::tuple(7, 1, 512), {7, 1, 8192}, {7, 256, 512}, {1, 1, 1 << 18}}) {
        std::string name = std::string("attention/") + table->isa + "/" + std::string(type_name);
        for (const int n : {group, n_queries, context}) name += "/" + std::to_string(n);
        benchmark::RegisterBenchmark(name.c_str(), attention, std::cref(*table), type, group, n_queries, context)
            ->Unit(benchmark::kMicrosecond);
      }
  return true;
}();

}  // namespace
}  // namespace sw
