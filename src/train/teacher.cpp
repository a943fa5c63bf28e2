#include "train/teacher.hpp"

#include <algorithm>
#include <cstring>
#include <map>

#include <fmt/core.h>

#include "formats/safetensors.hpp"
#include "model/executor.hpp"
#include "model/model.hpp"
#include "state/state.hpp"
#include "tensor/half.hpp"

namespace sw::train {
namespace {

namespace fs = std::filesystem;

/// Rows of logits held at once.
constexpr int rows_at_once = 64;

class OnlineTeacher final : public Teacher {
 public:
  OnlineTeacher(const DistillationRecipe& recipe, Model model, Executor executor, StatePool state, ThreadPool& pool)
      : recipe_(recipe),
        model_(std::move(model)),
        executor_(std::move(executor)),
        state_(std::move(state)),
        pool_(pool) {}

  Status judge(const Shards& shards, std::span<const Shards::Place> places, TeacherRows& rows) override {
    std::int64_t row = 0;
    for (const Shards::Place& place : places) {
      const std::span<const TokenId> tokens = shards.at(place).inputs;
      SW_ASSIGN(const SequenceId sequence, state_.open());
      SW_TRY(state_.reserve(sequence, static_cast<int>(tokens.size())));
      for (std::size_t begin = 0; begin < tokens.size(); begin += rows_at_once) {
        const auto piece = tokens.subspan(begin, std::min<std::size_t>(rows_at_once, tokens.size() - begin));
        const BatchEntry entry{sequence, piece, static_cast<int>(piece.size())};
        SW_ASSIGN(const Logits logits, executor_.forward({&entry, 1}, state_));
        pool_.parallel_for(static_cast<std::int64_t>(piece.size()), 1, [&](std::int64_t from, std::int64_t to, int) {
          for (std::int64_t i = from; i < to; ++i)
            take_top(logits.row(static_cast<int>(i)), recipe_.options.temperature, rows.tokens(row + i),
                     rows.log_probabilities(row + i));
        });
        row += static_cast<std::int64_t>(piece.size());
      }
      state_.close(sequence);
    }
    return {};
  }

 private:
  const DistillationRecipe& recipe_;
  Model model_;
  Executor executor_;
  StatePool state_;
  ThreadPool& pool_;
};

/// Rows of one stored file.
constexpr std::int64_t part_rows = 1 << 15;

fs::path part_path(const fs::path& folder, std::int64_t part) {
  return folder / fmt::format("part-{:05}.safetensors", part);
}

/// What stored outcomes must have been made with.
std::vector<std::pair<std::string, std::string>> origin(const TeacherPlace& place, std::int64_t rows) {
  return {{"teacher", place.recipe.teacher.string()},
          {"temperature", fmt::format("{}", place.recipe.options.temperature)},
          {"top_k", std::to_string(place.recipe.top_k)},
          {"sequence", std::to_string(place.sequence)},
          {"rows", std::to_string(rows)}};
}

std::int64_t count_rows(const std::vector<Shards::Place>& chunks) {
  return chunks.empty() ? 0 : chunks.back().row + chunks.back().length;
}

class StoredTeacher final : public Teacher {
 public:
  StoredTeacher(const TeacherPlace& place, std::int64_t rows)
      : folder_(place.recipe.targets), origin_(origin(place, rows)), top_k_(place.recipe.top_k) {}

  Status judge(const Shards&, std::span<const Shards::Place> places, TeacherRows& rows) override {
    std::int64_t out = 0;
    for (const Shards::Place& place : places)
      for (std::int64_t row = place.row; row < place.row + place.length; ++row, ++out) {
        SW_ASSIGN(const Part* part, open(row / part_rows));
        copy(*part, row % part_rows, rows, out);
      }
    return {};
  }

  Status check_first() {
    SW_ASSIGN([[maybe_unused]] const Part* first, open(0));
    return {};
  }

 private:
  struct Part {
    std::shared_ptr<const MappedFile> file;
    std::span<const std::byte> tokens, log_probabilities;
    bool wide;
  };

  Result<const Part*> open(std::int64_t number) {
    if (const auto known = parts_.find(number); known != parts_.end()) return &known->second;
    const fs::path path = part_path(folder_, number);
    SW_ASSIGN(const Safetensors file, read_safetensors(path));
    for (const auto& wanted : origin_)
      if (std::ranges::find(file.metadata, wanted) == file.metadata.end())
        return fail(fmt::format("the teacher's outcomes were not made with {} = {}", wanted.first, wanted.second),
                    path.string(), "what the recipe says", "Delete the folder: they are made again");
    Part part{file.file, {}, {}, false};
    for (const TensorView& tensor : file.tensors) {
      if (tensor.shape.size() != 2 || tensor.shape[1] != top_k_) continue;
      if (tensor.name == "tokens") {
        part.tokens = tensor.data;
        part.wide = tensor.dtype == DType::i32;
      } else if (tensor.name == "log_probabilities" && tensor.dtype == DType::f16) {
        part.log_probabilities = tensor.data;
      }
    }
    const std::size_t entries = part.log_probabilities.size() / 2;
    if (entries == 0 || part.tokens.size() != entries * (part.wide ? 4 : 2))
      return fail("the file lacks the teacher's outcomes", path.string(), "tokens and log_probabilities of one shape");
    return &parts_.emplace(number, std::move(part)).first->second;
  }

  void copy(const Part& part, std::int64_t row, TeacherRows& rows, std::int64_t out) const {
    const auto at = static_cast<std::size_t>(row * top_k_);
    for (std::size_t i = 0; i < static_cast<std::size_t>(top_k_); ++i) {
      std::uint16_t half = 0;
      std::memcpy(&half, part.log_probabilities.data() + 2 * (at + i), 2);
      rows.log_probabilities(out)[i] = f16_to_f32(half);
      TokenId token = 0;
      std::memcpy(&token, part.tokens.data() + (part.wide ? 4 : 2) * (at + i), part.wide ? 4 : 2);
      rows.tokens(out)[i] = token;
    }
  }

  fs::path folder_;
  std::vector<std::pair<std::string, std::string>> origin_;
  int top_k_;
  std::map<std::int64_t, Part> parts_;
};

Status write_part(const TeacherPlace& place, std::int64_t part, const TeacherRows& rows, std::int64_t n,
                  std::int64_t all_rows) {
  const int k = rows.top_k();
  const bool wide = place.student_vocab > 32767;
  std::vector<std::byte> tokens;
  std::vector<std::uint16_t> log_probabilities;
  for (std::int64_t row = 0; row < n; ++row) {
    const TeacherRow from = rows.row(row);
    for (std::size_t i = 0; i < from.tokens.size(); ++i) {
      const auto bytes = std::as_bytes(from.tokens.subspan(i, 1)).first(wide ? 4 : 2);
      tokens.insert(tokens.end(), bytes.begin(), bytes.end());
      log_probabilities.push_back(f32_to_f16(from.log_probabilities[i]));
    }
  }
  const TensorSource sources[] = {
      {"tokens", wide ? DType::i32 : DType::i16, {n, k}, [&](const ByteSink& sink) { return sink(tokens); }},
      {"log_probabilities", DType::f16, {n, k}, [&](const ByteSink& sink) {
         return sink(std::as_bytes(std::span(log_probabilities)));
       }}};
  return write_safetensors(part_path(place.recipe.targets, part), sources, origin(place, all_rows));
}

}  // namespace

Result<std::unique_ptr<Teacher>> make_online_teacher(const TeacherPlace& place, ThreadPool& pool) {
  SW_ASSIGN(Model model, open_model(place.recipe.teacher, {}, pool));
  if (!model.tokenizer) return fail("the teacher has no tokenizer", place.recipe.teacher.string());
  SW_TRY(check_same_tokens(*model.tokenizer, place.student, model.spec.vocab, place.student_vocab));
  if (place.recipe.top_k > model.spec.vocab)
    return fail(fmt::format("[distill] top_k is {}", place.recipe.top_k), {},
                fmt::format("at most the vocabulary's {}", model.spec.vocab));
  if (place.sequence > model.spec.context)
    return fail(fmt::format("sequences have {} tokens", place.sequence), place.recipe.teacher.string(),
                fmt::format("at most the teacher's {} positions", model.spec.context));
  SW_ASSIGN(Executor executor, Executor::create(model.spec, model.weights, pool,
                                                {.max_batch_tokens = rows_at_once, .max_logits = rows_at_once}));
  SW_ASSIGN(StatePool state,
            StatePool::create(model.spec, {.max_tokens = place.sequence, .max_sequences = 1, .kv_type = KvType::f32}));
  return std::make_unique<OnlineTeacher>(place.recipe, std::move(model), std::move(executor), std::move(state), pool);
}

Result<std::unique_ptr<Teacher>> make_stored_teacher(const TeacherPlace& place, const Shards& shards) {
  auto teacher = std::make_unique<StoredTeacher>(place, count_rows(shards.chunks(place.sequence)));
  SW_TRY(teacher->check_first());
  return teacher;
}

Status store_targets(const TeacherPlace& place, const Shards& shards, ThreadPool& pool,
                     const std::function<bool(std::int64_t, std::int64_t)>& progress) {
  const std::vector<Shards::Place> chunks = shards.chunks(place.sequence);
  const std::int64_t total = count_rows(chunks);
  std::error_code ignored;
  std::int64_t part = 0;
  while (part * part_rows < total && fs::exists(part_path(place.recipe.targets, part), ignored)) ++part;
  if (part > 0) {
    SW_ASSIGN([[maybe_unused]] const auto stored, make_stored_teacher(place, shards));
  }
  if (part * part_rows >= total) return {};
  SW_ASSIGN(const std::unique_ptr<Teacher> teacher, make_online_teacher(place, pool));
  fs::create_directories(place.recipe.targets, ignored);

  TeacherRows rows(part_rows, place.recipe.top_k), one(place.sequence, place.recipe.top_k);
  std::int64_t next = part * part_rows;  // the row to be stored next
  for (const Shards::Place& chunk : chunks) {
    const std::int64_t end = chunk.row + chunk.length;
    if (end <= next) continue;
    SW_TRY(teacher->judge(shards, {&chunk, 1}, one));
    for (; next < end; ++next) {
      const TeacherRow from = one.row(next - chunk.row);
      std::ranges::copy(from.tokens, rows.tokens(next % part_rows).begin());
      std::ranges::copy(from.log_probabilities, rows.log_probabilities(next % part_rows).begin());
      if ((next + 1) % part_rows == 0 || next + 1 == total)
        SW_TRY(write_part(place, next / part_rows, rows, next % part_rows + 1, total));
    }
    if (!progress(next, total))
      return fail("storing the teacher's outcomes was ended", place.recipe.targets.string(), {},
                  "Start it again: it goes on where it was");
  }
  return {};
}

}  // namespace sw::train
