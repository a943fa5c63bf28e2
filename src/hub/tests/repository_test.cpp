#include "hub/repository.hpp"

#include <gtest/gtest.h>

#include "test_server.hpp"

namespace sw {
namespace {

// The form of the hub's answers, as https://huggingface.co/docs/hub/api documents it.
constexpr const char* listing = R"([
  {"type":"directory","oid":"aa","size":0,"path":"onnx"},
  {"type":"file","oid":"0187f3b09d66cef7911083ad49f890f5a6589589","size":8,"path":"config.json"},
  {"type":"file","oid":"1111111111111111111111111111111111111111","size":11000,"path":"model.safetensors",
   "lfs":{"oid":"0e3b13c9207ad927c7e02fbc8dfa7275d1f228aa1900b5bdbb17a04367e646bb","size":11000,"pointerSize":130}}])";

std::vector<RemoteFile> named(std::vector<std::string> paths) {
  std::vector<RemoteFile> files;
  for (std::string& path : paths) files.push_back({std::move(path), 1, "", ""});
  return files;
}

std::string chosen(const std::vector<std::string>& paths, const std::string& wanted = "") {
  const auto files = choose_files(named(paths), wanted);
  if (!files) return "error: " + files.error().message();
  std::string names;
  for (const RemoteFile& file : *files) names += (names.empty() ? "" : " ") + file.path;
  return names;
}

TEST(Repository, listing_gives_sizes_and_checksums) {
  const auto files = parse_listing(listing);
  ASSERT_TRUE(files) << files.error().message();
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[0].path, "config.json");
  EXPECT_EQ((*files)[0].git_blob, "0187f3b09d66cef7911083ad49f890f5a6589589");
  EXPECT_EQ((*files)[0].sha256, "");
  EXPECT_EQ((*files)[1].size, 11000u);
  EXPECT_EQ((*files)[1].sha256, "0e3b13c9207ad927c7e02fbc8dfa7275d1f228aa1900b5bdbb17a04367e646bb");
}

TEST(Repository, hostile_listings_are_refused) {
  const std::string oid = R"("oid":"0187f3b09d66cef7911083ad49f890f5a6589589")";
  for (const std::string& hostile : std::vector<std::string>{
           "", "{}", "[1]", "[{", R"([{"type":"file","path":"../x","size":1,)" + oid + "}]",
           R"([{"type":"file","path":"x","size":-1,)" + oid + "}]", R"([{"type":"file","path":"x",)" + oid + "}]",
           R"([{"type":"file","path":"x","size":1,"oid":"zz"}])",
           R"([{"type":"file","path":"x","size":1,"oid":"zz","lfs":{"oid":"../../etc"}}])"})
    EXPECT_FALSE(parse_listing(hostile)) << hostile;
}

TEST(Repository, names_are_owner_and_name) {
  EXPECT_TRUE(check_repository("Qwen/Qwen2.5-0.5B-Instruct-GGUF"));
  EXPECT_TRUE(check_repository("gpt2"));
  for (const char* hostile : {"", "a/b/c", "../x", "a/..", "/a", "a/", "a b/c", "a/.hidden", "a?b", "a#b", "a/%2e%2e"})
    EXPECT_FALSE(check_repository(hostile)) << hostile;
}

TEST(Repository, four_bit_k_quantization_is_preferred) {
  EXPECT_EQ(chosen({"README.md", "m-F16.gguf", "m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-Q4_0.gguf"}), "m-Q4_K_M.gguf");
  EXPECT_EQ(chosen({"m-fp16.gguf", "m-q8_0.gguf", "m-q4_0.gguf"}), "m-q4_0.gguf");
  EXPECT_EQ(chosen({"only.gguf"}), "only.gguf");
  EXPECT_TRUE(chosen({"one.gguf", "two.gguf"}).starts_with("error"));
}

TEST(Repository, all_parts_of_a_split_model_are_chosen) {
  EXPECT_EQ(chosen({"m-Q4_K_M-00001-of-00002.gguf", "m-Q4_K_M-00002-of-00002.gguf", "m-Q8_0.gguf"}),
            "m-Q4_K_M-00001-of-00002.gguf m-Q4_K_M-00002-of-00002.gguf");
}

TEST(Repository, safetensors_come_with_configuration_and_tokenizer) {
  EXPECT_EQ(
      chosen({"README.md", "config.json", "consolidated.safetensors", "model-00001-of-00002.safetensors",
              "model-00002-of-00002.safetensors", "model.safetensors.index.json", "onnx/model.onnx", "tokenizer.json"}),
      "config.json model-00001-of-00002.safetensors model-00002-of-00002.safetensors model.safetensors.index.json "
      "tokenizer.json");
  EXPECT_TRUE(chosen({"README.md", "pytorch_model.bin", "config.json"}).starts_with("error"));
}

TEST(Repository, wanted_file_is_taken_or_the_choices_named) {
  EXPECT_EQ(chosen({"a.gguf", "b.gguf"}, "b.gguf"), "b.gguf");
  const std::string error = chosen({"a.gguf", "b.gguf"}, "c.gguf");
  EXPECT_NE(error.find("a.gguf, b.gguf"), std::string::npos) << error;
}

TEST(Repository, listing_of_several_pages_is_read_to_its_end) {
  std::string address;
  TestServer hub([&](const TestServer::Request& request) {
    if (request.target == "/page2")
      return answer(200, R"([{"type":"file","path":"b","size":1,"oid":"0187f3b09d66cef7911083ad49f890f5a6589589"}])");
    return answer(200, listing, "Link: <" + address + "/page2>; rel=\"next\"\r\n");
  });
  address = hub.address();
  const auto files = list_files({hub.address(), "token"}, "owner/name", "main");
  ASSERT_TRUE(files) << files.error().message();
  EXPECT_EQ(files->size(), 3u);
  EXPECT_EQ(hub.requests().at(0).target, "/api/models/owner/name/tree/main?recursive=1");
  EXPECT_EQ(hub.requests().at(0).authorization, "Bearer token");
}

TEST(Repository, refused_and_missing_repositories_say_what_to_do) {
  for (const auto& [status, hint] : {std::pair(401, "HF_TOKEN"), std::pair(404, "name"), std::pair(500, "later")}) {
    TestServer hub([status = status](const auto&) { return answer(status, "no"); });
    const auto files = list_files({hub.address(), ""}, "owner/name", "main");
    ASSERT_FALSE(files);
    EXPECT_NE(files.error().next.find(hint), std::string::npos) << files.error().message();
  }
}

TEST(Repository, unreachable_hub_is_an_error) {
  std::string address;
  {
    address = TestServer([](const auto&) { return answer(200, "[]"); }).address();
  }
  const auto files = list_files({address, ""}, "owner/name", "main");
  ASSERT_FALSE(files);
  EXPECT_NE(files.error().what.find("connect"), std::string::npos) << files.error().message();
}

}  // namespace
}  // namespace sw
