// Commands that make data and train: as a user types them.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "run_program.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

/// A recipe of 8 steps on a corpus of our own.
fs::path write_recipe(const std::string& name) {
  const fs::path folder = test_home() / "training";
  fs::create_directories(folder);
  const Finished corpus =
      speedwins("corpus " SPEEDWINS_SOURCE_DIR "/recipes/demo -o '" + folder.string() + "' --conversations 300");
  EXPECT_EQ(corpus.exit_code, 0) << corpus.error;
  std::ofstream(folder / (name + ".toml"))
      << "seed = 3\n[model]\narchitectures = [\"LlamaForCausalLM\"]\nhidden_size = 32\nintermediate_size = 64\n"
         "num_hidden_layers = 2\nnum_attention_heads = 2\nrms_norm_eps = 1e-5\ntie_word_embeddings = true\n"
         "max_position_embeddings = 256\n[tokenizer]\nvocab_size = 400\nchat = true\n"
         "[data]\ntrain = \"train.jsonl\"\nvalidation = \"validation.jsonl\"\nsequence = 128\n"
         "[train]\nsteps = 8\nbatch_tokens = 1024\nmicro_tokens = 512\nvalidate_every = 8\nvalidation_tokens = 512\n";
  return folder / (name + ".toml");
}

std::vector<double> losses(const fs::path& recipe) {
  std::vector<double> out;
  std::istringstream log(text_of(recipe.parent_path() / "runs" / recipe.stem() / "log.jsonl"));
  for (std::string line; std::getline(log, line);) out.push_back(nlohmann::json::parse(line)["loss"].get<double>());
  return out;
}

TEST(TrainingCommands, a_corpus_is_written_trained_on_published_and_its_test_asked) {
  const fs::path recipe = write_recipe("alone");
  const Finished trained = speedwins("train '" + recipe.string() + "' --publish --json -t 1");
  ASSERT_EQ(trained.exit_code, 0) << trained.error;
  EXPECT_EQ(trained.json()["steps"], 8);
  EXPECT_EQ(losses(recipe).size(), 8u);
  const std::string model = trained.json()["published"][1];
  const Finished asked = speedwins("eval '" + model + "' --tasks '" + (recipe.parent_path() / "test.jsonl").string() +
                                   "' --items 3 --json");
  EXPECT_EQ(asked.exit_code, 0) << asked.error;
}

TEST(TrainingCommands, two_processes_of_mpirun_have_the_losses_of_one) {
  if (std::system("command -v mpirun > /dev/null") != 0) GTEST_SKIP() << "no mpirun";
  const fs::path one = write_recipe("one"), two = write_recipe("two");
  ASSERT_EQ(speedwins("train '" + one.string() + "' -t 1").exit_code, 0);
  const std::string log = (test_home() / "mpirun.log").string();
  const std::string line = "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 XDG_DATA_HOME='" +
                           test_home().string() + "' mpirun -n 2 --oversubscribe --bind-to none '" SPEEDWINS_PROGRAM
                           "' train '" + two.string() + "' -t 1 --json > '" + log + "' 2> '" + log + ".error'";
  ASSERT_EQ(std::system(line.c_str()), 0) << text_of(log + ".error");
  EXPECT_EQ(nlohmann::json::parse(text_of(log))["steps"], 8) << "one document, of rank 0";
  const std::vector<double> a = losses(one), b = losses(two);
  ASSERT_EQ(a.size(), 8u);
  ASSERT_EQ(b.size(), 8u);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-4) << "step " << i + 1;
}

TEST(TrainingCommands, answers_go_on_where_they_were_cut_and_are_those_asked_one_by_one) {
  const fs::path folder = test_home() / "answers";
  fs::create_directories(folder);
  const std::string questions = (folder / "questions.jsonl").string(), out = (folder / "out.jsonl").string();
  std::ofstream(questions)
      << R"({"prompt": "What is a KV cache?"})" "\n"
      << R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "left out"}]})" "\n"
      << R"({"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."},)"
         R"( {"role": "user", "content": "What is batching?"}]})" "\n";
  const std::string command = "answer demo '" + questions + "' -o '" + out + "' -n 12 --json";
  const Finished whole = speedwins(command);
  ASSERT_EQ(whole.exit_code, 0) << whole.error;
  EXPECT_EQ(whole.json()["answered"], 3);
  const std::string text = text_of(out);
  const auto first = nlohmann::json::parse(text.substr(0, text.find('\n')))["messages"];
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[1]["content"], speedwins("run demo -p 'What is a KV cache?' -n 12 --json").json()["text"]);
  EXPECT_EQ(text.find("left out"), std::string::npos);

  std::ofstream(out) << text.substr(0, text.find('\n') + 20);  // killed within the second line
  const Finished rest = speedwins(command);
  ASSERT_EQ(rest.exit_code, 0) << rest.error;
  EXPECT_EQ(rest.json()["kept"], 1);
  EXPECT_EQ(text_of(out), text);

  std::ofstream(questions) << R"({"prompt": "Another?"})" "\n";
  const Finished other = speedwins(command);
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_NE(other.out.find("other questions"), std::string::npos) << other.out;
  std::ofstream(questions) << R"({"messages": [{"role": "assistant", "content": "Hi"}]})" "\n";
  EXPECT_EQ(speedwins(command).exit_code, 1) << "nothing is asked";
}

TEST(TrainingCommands, every_answer_of_a_conversation_is_written_after_those_before_it) {
  const fs::path folder = test_home() / "every_answer";
  fs::create_directories(folder);
  const std::string questions = (folder / "questions.jsonl").string(), out = (folder / "out.jsonl").string();
  const auto said = [](const char* role, const std::string& content) {
    return nlohmann::json{{"role", role}, {"content", content}};
  };
  const auto line = [](const std::vector<nlohmann::json>& messages) {
    return nlohmann::json{{"messages", messages}}.dump() + "\n";
  };
  const auto ask = [&](const std::vector<nlohmann::json>& messages, const std::string& flags) {
    fs::remove(out);
    std::ofstream(questions) << line(messages);
    const Finished finished = speedwins("answer demo '" + questions + "' -o '" + out + "' -n 12 --json " + flags);
    EXPECT_EQ(finished.exit_code, 0) << finished.error;
    return nlohmann::json::parse(text_of(out))["messages"];
  };
  const auto first = said("user", "What is a KV cache?"), second = said("user", "What does it cost?");
  const auto other = said("assistant", "Flash attention needs no matrix of scores.");
  const auto every = ask({first, other, second, other}, "--every-answer"), one = ask({first}, "");
  const auto two = ask({first, one[1], second}, "");
  EXPECT_EQ(every, two) << "as if each had been asked alone, with the answers before it";
  EXPECT_NE(every[3], ask({first, other, second}, "")[3]) << "the answer before it matters";

  // Answers of 60 tokens fill a context of 128 before the third question.
  std::ofstream(questions) << line({first, other, second, other, first, other, second});
  fs::remove(out);
  const std::string long_ones = "answer demo '" + questions + "' -o '" + out + "' -n 60 --ignore-eos --ctx 128 --json";
  const Finished cut = speedwins(long_ones + " --every-answer");
  ASSERT_EQ(cut.exit_code, 0) << cut.error;
  EXPECT_EQ(cut.json()["cut"], 1);
  const auto kept = nlohmann::json::parse(text_of(out))["messages"];
  ASSERT_LT(kept.size(), 7u);
  EXPECT_EQ(kept.back()["role"], "assistant");
  EXPECT_EQ(speedwins(long_ones + " --every-answer").json()["kept"], 1) << "is not answered again";

  fs::remove(out);
  std::ofstream(questions) << line({first, other, second}) << line({first});
  const std::string command = "answer demo '" + questions + "' -o '" + out + "' -n 12 --every-answer --json";
  ASSERT_EQ(speedwins(command).exit_code, 0);
  const std::string text = text_of(out);
  std::ofstream(out) << text.substr(0, text.find('\n') + 20);  // killed within the second line
  const Finished rest = speedwins(command);
  ASSERT_EQ(rest.exit_code, 0) << rest.error;
  EXPECT_EQ(rest.json()["kept"], 1);
  EXPECT_EQ(text_of(out), text);
}

TEST(TrainingCommands, a_corpus_without_phrasings_is_refused) {
  const Finished refused = speedwins("corpus '" + test_home().string() + "' -o '" + test_home().string() + "'");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_NE(refused.error.find("phrasings.toml"), std::string::npos) << refused.error;
}

}  // namespace
}  // namespace sw
