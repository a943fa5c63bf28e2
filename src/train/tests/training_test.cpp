// Runs: against PyTorch's losses, overfitting, stopping, going on to the same bits, publishing.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <barrier>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "model/checkpoint_io.hpp"
#include "model/executor.hpp"
#include "model/model.hpp"
#include "train/network.hpp"
#include "train/optimizer.hpp"
#include "train/publish.hpp"
#include "train/teacher.hpp"
#include "train/trainer.hpp"

namespace sw::train {
namespace {

namespace fs = std::filesystem;

const fs::path goldens = fs::path(SPEEDWINS_SOURCE_DIR) / "tests/golden";
const fs::path shakespeare = fs::path(SPEEDWINS_SHARED_DIR) / "data/text/tinyshakespeare.txt";

nlohmann::json read_json(const fs::path& path) {
  nlohmann::json json;
  std::ifstream(path) >> json;
  return json;
}

/// A golden model being trained.
struct Trainee {
  ThreadPool pool{1};
  ModelSpec spec;
  Parameters parameters;
  std::optional<Network> network;
  std::optional<Optimizer> optimizer;
  std::int64_t step = 0;

  Trainee(const std::string& model, OptimizerKind kind) {
    const Checkpoint checkpoint = open_checkpoint(goldens / "models" / model).value().checkpoint;
    spec = read_spec(checkpoint).value();
    parameters = Parameters::create(spec, tensor_layout(checkpoint)).value();
    EXPECT_TRUE(parameters.load(checkpoint));
    network =
        Network::create(spec, parameters, pool, {.limits = {.tokens = 512, .sequence = 64, .segments = 8}}).value();
    optimizer = Optimizer::create(parameters, {.kind = kind}, pool).value();
  }

  /// The loss before the update, as generate_training.py does it.
  double update(std::span<const TokenId> tokens, std::span<const TokenId> targets, float rate) {
    const std::vector<int> lengths(tokens.size() / 64, 64);
    const auto n = static_cast<float>(tokens.size());
    std::ranges::fill(parameters.gradients(), 0.0f);
    const double loss = network->accumulate({tokens, lengths}, CrossEntropy(targets), 1 / n).value() / n;
    const double norm = gradient_norm(parameters, pool).norm;
    if (norm > 1) scale_gradients(parameters, static_cast<float>(1 / (norm + 1e-6)), pool);
    optimizer->update(rate, ++step);
    network->parameters_changed();
    return loss;
  }
};

/// Batch `i` of 8 sequences of 64 bytes.
std::pair<std::vector<TokenId>, std::vector<TokenId>> byte_batch(std::string_view text, std::size_t i) {
  std::vector<TokenId> tokens, targets;
  for (std::size_t at = i * 512; at < (i + 1) * 512; ++at) {
    tokens.push_back(static_cast<unsigned char>(text[at]));
    targets.push_back(static_cast<unsigned char>(text[at + 1]));
  }
  return {tokens, targets};
}

TEST(Training, FollowsPyTorchForFiftySteps) {
  if (!fs::exists(shakespeare)) GTEST_SKIP() << "no " << shakespeare;
  const std::string text = read_text_file(shakespeare).value();
  for (const auto& run : read_json(goldens / "training.json")) {
    const bool muon = run["optimizer"] == "muon";
    Trainee trainee(run["model"], muon ? OptimizerKind::muon : OptimizerKind::adamw);
    for (std::size_t i = 0; i < run["losses"].size(); ++i) {
      const auto [tokens, targets] = byte_batch(text, i);
      const double loss = trainee.update(tokens, targets, 1e-3f), want = run["losses"][i];
      // PyTorch runs Muon's Newton–Schulz in BF16.
      EXPECT_NEAR(loss / want, 1, muon ? 2e-2 : 1e-3) << run["model"] << " " << run["optimizer"] << " step " << i;
    }
  }
}

TEST(Training, OverfitsOneBatchToNearZero) {
  Trainee trainee("llama", OptimizerKind::adamw);
  std::string text;
  for (int i = 0; text.size() < 513; ++i) text += std::to_string(i * i) + ", ";
  const auto [tokens, targets] = byte_batch(text, 0);
  const double first = trainee.update(tokens, targets, 3e-3f);
  double last = first;
  for (int i = 0; i < 300; ++i) last = trainee.update(tokens, targets, 3e-3f);
  EXPECT_GT(first, 4);
  EXPECT_LT(last, 0.05);
}

/// A recipe over a small corpus in a folder of its own.
class Runs : public testing::Test {
 protected:
  fs::path folder = fs::temp_directory_path() / ("speedwins-train-" + std::to_string(::getpid()));
  ThreadPool pool{1};

  void SetUp() override {
    fs::create_directories(folder);
    std::ofstream corpus(folder / "corpus.jsonl");
    for (int i = 0; i < 400; ++i) {
      const std::string a = std::to_string(i % 20), b = std::to_string(i / 20), sum = std::to_string(i % 20 + i / 20);
      corpus << nlohmann::json{{"messages",
                                {{{"role", "user"}, {"content", "What is " + a + " plus " + b + "?"}},
                                 {{"role", "assistant"}, {"content", a + " plus " + b + " is " + sum + "."}}}}}
                    .dump()
             << "\n";
    }
  }
  void TearDown() override { fs::remove_all(folder); }

  std::string text(const std::string& train, const std::string& extra = "") const {
    return "seed = 3\nout = \"out\"\n"
           "[model]\narchitectures = [\"LlamaForCausalLM\"]\nhidden_size = 32\nintermediate_size = 64\n"
           "num_hidden_layers = 2\nnum_attention_heads = 4\nnum_key_value_heads = 2\nrms_norm_eps = 1e-5\n"
           "max_position_embeddings = 64\ntie_word_embeddings = true\n"
           "[tokenizer]\nvocab_size = 264\nchat = true\n"
           "[data]\ntrain = \"corpus.jsonl\"\nvalidation_share = 0.1\nsequence = 48\n"
           "[train]\nbatch_tokens = 384\n" +
           std::string(train.contains("\nrate") ? "" : "rate = 3e-3\n") + train + "\n" + extra;
  }
  Recipe recipe(const std::string& train, const std::string& extra = "") const {
    const auto read = parse_recipe(text(train, extra), folder / "test.toml");
    if (!read) throw std::runtime_error(read.error().message());
    return *read;
  }
  Workspace space(const Recipe& r) const {
    auto made = prepare(r, [](std::string_view) {});
    if (!made) throw std::runtime_error(made.error().message());
    return std::move(*made);
  }
};

TEST_F(Runs, LowerTheLossAndGoOnToTheSameBits) {
  const std::string schedule = "steps = 60\nsave_every = 20\nvalidate_every = 30\nmicro_tokens = 200\naverage = 0.9\n";
  const Recipe whole = recipe(schedule);
  Workspace first = space(whole);
  const TrainOutcome once = sw::train::train(whole, first, pool, {}).value();
  EXPECT_TRUE(once.finished);
  EXPECT_LT(once.curve.back().loss, 0.7 * once.curve.front().loss);
  EXPECT_LT(once.validation, once.curve.front().loss);

  // The same run, ended after step 27 without saving: as if it had been killed there.
  fs::remove_all(folder / "out");
  Workspace second = space(whole);
  std::atomic<bool> never = false;
  struct Killed {};
  try {
    const auto result = sw::train::train(whole, second, pool,
                                         {.on_step =
                                              [](const Step& step, std::int64_t) {
                                                if (step.step == 27) throw Killed{};
                                              },
                                          .note = {},
                                          .stop = &never});
    FAIL() << result.has_value();
  } catch (const Killed&) {
  }
  Workspace third = space(whole);
  const TrainOutcome twice = sw::train::train(whole, third, pool, {}).value();
  ASSERT_EQ(twice.curve.size(), once.curve.size());
  for (std::size_t i = 0; i < once.curve.size(); ++i) EXPECT_EQ(twice.curve[i].loss, once.curve[i].loss) << i;
  EXPECT_TRUE(std::ranges::equal(first.parameters.values(), third.parameters.values()));
}

TEST_F(Runs, BeginWithTheFilesNamedFirst) {
  std::ofstream(folder / "counting.txt") << "one two three four five six seven eight nine ten\n";
  const auto begin = [&](int steps, const std::string& more) {
    std::string changed = text("steps = " + std::to_string(steps) + "\nsave_every = 4\nschedule = \"constant\"\n");
    changed.insert(changed.find("[data]\n") + 7, more);
    return parse_recipe(changed, folder / "test.toml");
  };
  const std::string first = "first = \"counting.txt\"\nfirst_steps = 10\n";
  EXPECT_FALSE(begin(20, "first = \"counting.txt\"\n"));
  EXPECT_FALSE(begin(20, "first_steps = 10\n"));
  EXPECT_FALSE(begin(10, first)) << "none of the steps is left for the others";
  const Recipe recipe = begin(20, first).value();
  Workspace once = space(recipe);
  EXPECT_EQ(once.first.documents(), 1);
  const TrainOutcome whole = sw::train::train(recipe, once, pool, {}).value();
  EXPECT_LT(whole.curve[9].loss, whole.curve[0].loss - 1) << "one text is learned at once";
  EXPECT_GT(whole.curve[10].loss, whole.curve[9].loss + 1) << "and the others are new";

  // Ended within what is first, at its end, and after it; each time going on from the last snapshot.
  fs::remove_all(folder / "out");
  TrainOutcome parts;
  for (const int steps : {6, 10, 15, 20}) {
    Recipe part = begin(20, first).value();
    part.run.steps = steps;
    Workspace workspace = space(part);
    parts = sw::train::train(part, workspace, pool, {}).value();
  }
  ASSERT_EQ(parts.curve.size(), whole.curve.size());
  for (std::size_t i = 0; i < whole.curve.size(); ++i) EXPECT_EQ(parts.curve[i].loss, whole.curve[i].loss) << i;
}

/// Processes played by threads.
class ThreadGroup final : public Group {
 public:
  struct Meeting {
    std::barrier<> barrier;
    std::vector<double> sums;
    explicit Meeting(int size) : barrier(size) {}
  };
  ThreadGroup(Meeting& meeting, int rank, int size) : meeting_(meeting), rank_(rank), size_(size) {}

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  Status sum(std::span<float> values) override { return add(values); }
  Status sum(std::span<double> values) override { return add(values); }
  Status leave() override { return {}; }

 private:
  template <class T>
  Status add(std::span<T> values) {
    if (leads()) meeting_.sums.assign(values.size(), 0);
    for (int turn = 0; turn < size_; ++turn) {
      meeting_.barrier.arrive_and_wait();
      if (turn != rank_) continue;
      for (std::size_t i = 0; i < values.size(); ++i) meeting_.sums[i] += static_cast<double>(values[i]);
    }
    meeting_.barrier.arrive_and_wait();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(meeting_.sums[i]);
    meeting_.barrier.arrive_and_wait();
    return {};
  }

  Meeting& meeting_;
  int rank_, size_;
};

TEST_F(Runs, InAGroupHaveTheLossesAndTheWeightsOfOneProcess) {
  const Recipe r = recipe("steps = 12\nmicro_tokens = 128\nsave_every = 6\nvalidate_every = 6");
  Workspace one = space(r);
  const TrainOutcome alone = train(r, one, pool, {}).value();

  fs::remove_all(snapshot_folder(r));
  fs::remove(r.out / "log.jsonl");
  constexpr int size = 3;
  ThreadGroup::Meeting meeting(size);
  std::vector<Workspace> spaces;
  for (int rank = 0; rank < size; ++rank) spaces.push_back(space(r));
  std::vector<std::optional<TrainOutcome>> outcomes(size);
  // Threads of its own for each: a pool's work waits for the pool, and group members wait for each other.
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      ThreadPool own(1);
      ThreadGroup group(meeting, rank, size);
      const auto i = static_cast<std::size_t>(rank);
      if (auto outcome = train(r, spaces[i], own, {.group = &group})) outcomes[i] = std::move(*outcome);
    });
  for (std::thread& thread : threads) thread.join();

  for (std::size_t rank = 0; rank < size; ++rank) {
    ASSERT_TRUE(outcomes[rank]);
    ASSERT_EQ(outcomes[rank]->curve.size(), alone.curve.size());
    for (std::size_t i = 0; i < alone.curve.size(); ++i) {
      EXPECT_NEAR(outcomes[rank]->curve[i].loss, alone.curve[i].loss, 1e-4) << "rank " << rank << ", step " << i + 1;
      EXPECT_EQ(outcomes[rank]->curve[i].tokens, alone.curve[i].tokens);
    }
    EXPECT_TRUE(std::ranges::equal(spaces[rank].parameters.values(), spaces[0].parameters.values()))
        << "all of a group make the same update";
  }
  EXPECT_NEAR(outcomes[0]->validation, alone.validation, 1e-4);
  EXPECT_TRUE(std::isnan(outcomes[1]->validation)) << "only rank 0 validates";
  const std::string log = read_text_file(r.out / "log.jsonl").value();
  EXPECT_EQ(std::ranges::count(log, '\n'), 12) << "only rank 0 writes";
}

TEST_F(Runs, GradientAccumulationGivesTheGradientOfTheWholeBatch) {
  const Recipe whole = recipe("steps = 5\nclip = 0"), parts = recipe("steps = 5\nclip = 0\nmicro_tokens = 100");
  Workspace a = space(whole);
  const TrainOutcome once = sw::train::train(whole, a, pool, {}).value();
  fs::remove_all(folder / "out");
  Workspace b = space(parts);
  const TrainOutcome pieces = sw::train::train(parts, b, pool, {}).value();
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(pieces.curve[i].loss / once.curve[i].loss, 1, 1e-5);
}

TEST_F(Runs, StopAtAGradientThatIsNotFinite) {
  const Recipe wild = recipe("steps = 20\nsave_every = 1");
  Workspace spoiled = space(wild);
  const Parameter* norm = spoiled.parameters.find("blk.1.ffn_norm.weight");
  spoiled.parameters.values(*norm)[3] = INFINITY;
  const auto outcome = sw::train::train(wild, spoiled, pool, {});
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message().find("step 1"), std::string::npos) << outcome.error().message();
  EXPECT_NE(outcome.error().message().find("is not finite"), std::string::npos) << outcome.error().message();
}

TEST_F(Runs, StopWhenTheyDivergeAndKeepTheLastSnapshot) {
  const Recipe wild = recipe("steps = 400\nsave_every = 10\nclip = 0\nwarmup = 0\nweight_decay = 0\nrate = 2.0");
  Workspace workspace = space(wild);
  const auto outcome = sw::train::train(wild, workspace, pool, {});
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().next.find("The last good snapshot is"), std::string::npos) << outcome.error().message();
}

TEST_F(Runs, PublishedModelsAnswerInTheEngineAsInTraining) {
  const Recipe r = recipe("steps = 30");
  Workspace workspace = space(r);
  ASSERT_TRUE(sw::train::train(r, workspace, pool, {}));
  const fs::path published = folder / "published";
  const auto written = publish(workspace, published, pool);
  ASSERT_TRUE(written) << written.error().message();

  EXPECT_EQ(read_json(published / "config.json")["model_type"], "llama");
  const std::vector<TokenId> tokens = workspace.tokenizer->encode("What is 3 plus 4? 3 plus 4 is 7.").value();
  std::vector<TokenId> targets(tokens.begin() + 1, tokens.end());
  targets.push_back(0);
  std::vector<float> weights(tokens.size(), 1.0f);
  weights.back() = 0;
  const std::vector<int> lengths = {static_cast<int>(tokens.size())};
  Network network = Network::create(workspace.spec, workspace.parameters, pool,
                                    {.limits = {.tokens = 64, .sequence = 64, .segments = 1}})
                        .value();
  const double want = network.evaluate({tokens, lengths}, CrossEntropy(targets, weights)).value();

  for (const fs::path& path : {published, fs::path(published.string() + ".gguf")}) {
    const Model model = open_model(path, {}, pool).value();
    EXPECT_EQ(model.tokenizer->encode("What is 3 plus 4? 3 plus 4 is 7.").value(), tokens);
    Executor executor = Executor::create(model.spec, model.weights, pool, {}).value();
    StatePool state =
        StatePool::create(model.spec, {.max_tokens = 64, .max_sequences = 1, .kv_type = KvType::f32}).value();
    const SequenceId sequence = state.open().value();
    ASSERT_TRUE(state.reserve(sequence, lengths[0]));
    const BatchEntry entry{sequence, tokens, lengths[0]};
    const Logits logits = executor.forward({&entry, 1}, state).value();
    double loss = 0;
    for (int i = 0; i + 1 < lengths[0]; ++i) {
      const auto row = logits.row(i);
      double sum = 0;
      for (const float x : row) sum += std::exp(double{x});
      loss += std::log(sum) - row[static_cast<std::size_t>(targets[static_cast<std::size_t>(i)])];
    }
    EXPECT_NEAR(loss / want, 1, 1e-4) << path;
  }
}

TEST_F(Runs, StudentsLearnFromStoredAndFromOnlineTeachersAlike) {
  const Recipe r = recipe("steps = 40");
  Workspace teacher = space(r);
  ASSERT_TRUE(sw::train::train(r, teacher, pool, {}));
  ASSERT_TRUE(publish(teacher, folder / "teacher", pool));
  const std::string small =
      "steps = 10\nclip = 0\n[distill]\nteacher = \"teacher\"\ntop_k = 20\nkl = 0.9\ncross_entropy = 0.1\ntemperature = "
      "2.0\n";
  std::ofstream(folder / "first.txt") << "one two three four five six\n";  // which no teacher judges
  const auto student = [&](const std::string& extra) {
    fs::remove_all(folder / "out/checkpoints");
    Recipe wanted = recipe(small + extra);
    wanted.seed = 4;
    wanted.data.first = {folder / "first.txt"};
    wanted.data.first_steps = 2;
    Workspace workspace = space(wanted);
    if (!wanted.distillation->targets.empty()) {
      EXPECT_TRUE(store_targets({*wanted.distillation, *workspace.tokenizer, workspace.spec.vocab, 48}, workspace.train,
                                pool, [](std::int64_t, std::int64_t) { return true; }));
    }
    return sw::train::train(wanted, workspace, pool, {}).value();
  };
  const TrainOutcome online = student(""), stored = student("targets = \"targets\"\n");
  EXPECT_LT(online.curve.back().loss, online.curve[2].loss);
  // Stored log-probabilities have F16's eleven bits.
  for (std::size_t i = 0; i < online.curve.size(); ++i)
    EXPECT_NEAR(stored.curve[i].loss / online.curve[i].loss, 1, 5e-3) << i;
}

TEST_F(Runs, TeachersWithOtherTokensAreRefused) {
  const Recipe r = recipe("steps = 2\n[distill]\nteacher = \"" + (goldens / "models/qwen2").string() + "\"\n");
  Workspace workspace = space(r);
  const auto outcome = sw::train::train(r, workspace, pool, {});
  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().expected.find("the same tokenizer"), std::string::npos) << outcome.error().message();
}

TEST_F(Runs, RecipesSayWhatIsWrongWithThem) {
  const auto refused = [&](const std::string& wrong) {
    const auto read = parse_recipe(wrong, "test.toml");
    return read ? std::string("accepted") : read.error().message();
  };
  EXPECT_NE(refused("[train\n").find("line 1"), std::string::npos) << refused("[train\n");
  EXPECT_NE(refused(text("stepz = 3")).find("'stepz'"), std::string::npos) << refused(text("stepz = 3"));
  EXPECT_NE(refused(text("clip = \"x\"")).find("clip"), std::string::npos);
  EXPECT_NE(refused(text("optimizer = \"sgd\"")).find("adamw, muon"), std::string::npos);
  EXPECT_NE(refused("seed = 1").find("[model]"), std::string::npos) << refused("seed = 1");
}

}  // namespace
}  // namespace sw::train
