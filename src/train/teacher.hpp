#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "base/thread_pool.hpp"
#include "train/distillation.hpp"
#include "train/shards.hpp"

namespace sw::train {

/// Says what the teacher thinks of every token of some chunks.
class Teacher {
 public:
  virtual ~Teacher() = default;
  virtual Status judge(const Shards& shards, std::span<const Shards::Place> places, TeacherRows& rows) = 0;
};

struct TeacherPlace {
  const DistillationRecipe& recipe;
  const Tokenizer& student;
  int student_vocab = 0;
  int sequence = 0;
};

/// The teacher in our own engine, beside the student. Refused where its tokens are not the student's.
Result<std::unique_ptr<Teacher>> make_online_teacher(const TeacherPlace& place, ThreadPool& pool);

/// The outcomes that store_targets() left in recipe.targets.
Result<std::unique_ptr<Teacher>> make_stored_teacher(const TeacherPlace& place, const Shards& shards);

/// Runs the teacher over all chunks and writes recipe.targets/part-00000.safetensors and so on: ids in 16 bits where
/// they fit, log-probabilities in F16. Parts that are there are not computed again, so that it goes on where it was
/// ended. `progress` hears rows done and in all, and says whether to go on.
Status store_targets(const TeacherPlace& place, const Shards& shards, ThreadPool& pool,
                     const std::function<bool(std::int64_t done, std::int64_t total)>& progress);

}  // namespace sw::train
