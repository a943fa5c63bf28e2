#include "hub/download.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>

#include "hub/repository.hpp"
#include "test_server.hpp"

namespace sw {
namespace {

namespace fs = std::filesystem;

// The checksums are those of sha256sum and `git hash-object`.
std::string weights() {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "speed wins ";
  return text;
}
const RemoteFile weights_file{"model.gguf", 11000, "0e3b13c9207ad927c7e02fbc8dfa7275d1f228aa1900b5bdbb17a04367e646bb",
                              ""};
const RemoteFile config_file{"config.json", 8, "", "0187f3b09d66cef7911083ad49f890f5a6589589"};

std::size_t offset_of(const TestServer::Request& request) {
  return request.range.empty() ? 0 : std::stoul(request.range.substr(request.range.find('=') + 1));
}

/// What a server that knows ranges sends of `body`.
std::string ranged_answer(const TestServer::Request& request, const std::string& body) {
  const std::size_t offset = offset_of(request);
  if (offset == 0) return answer(200, body);
  return answer(206, body.substr(offset),
                "Content-Range: bytes " + std::to_string(offset) + "-" + std::to_string(body.size() - 1) + "/" +
                    std::to_string(body.size()) + "\r\n");
}

class Download : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("speedwins-download-" + std::to_string(::getpid()));
    fs::remove_all(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<fs::path> fetch(const TestServer& server, const RemoteFile& file, int attempts = 3,
                         const std::string& token = "") {
    DownloadOptions options;
    options.repository = "owner/name";
    options.folder = folder_;
    options.attempts = attempts;
    options.stall_timeout = std::chrono::milliseconds(2000);
    return download({server.address(), token}, file, options);
  }
  static std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool is_empty() const { return !fs::exists(folder_) || fs::is_empty(folder_); }

  fs::path folder_;
};

TEST_F(Download, file_arrives_checked_under_its_name) {
  TestServer server([](const auto& request) { return ranged_answer(request, weights()); });
  const auto path = fetch(server, weights_file);
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_EQ(*path, folder_ / "model.gguf");
  EXPECT_EQ(content(*path), weights());
  EXPECT_FALSE(fs::exists(folder_ / "model.gguf.part"));
  EXPECT_EQ(server.requests().at(0).target, "/owner/name/resolve/main/model.gguf");
}

TEST_F(Download, small_files_are_checked_by_their_git_id) {
  TestServer good([](const auto&) { return answer(200, "{\"a\":1}\n"); });
  EXPECT_TRUE(fetch(good, config_file));
  fs::remove_all(folder_);
  TestServer bad([](const auto&) { return answer(200, "{\"a\":2}\n"); });
  EXPECT_FALSE(fetch(bad, config_file));
  EXPECT_TRUE(is_empty());
}

TEST_F(Download, cut_connection_is_continued_where_it_ended) {
  TestServer server([](const TestServer::Request& request) {
    std::string bytes = ranged_answer(request, weights());
    if (offset_of(request) == 0) bytes.resize(5000);  // a header and a part of the body
    return bytes;
  });
  const auto path = fetch(server, weights_file);
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_EQ(content(*path), weights());
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_GT(offset_of(requests[1]), 4000u);
}

TEST_F(Download, later_call_continues_an_earlier_one) {
  TestServer cutting([](const TestServer::Request& request) {
    return offset_of(request) > 0 ? answer(404, "") : ranged_answer(request, weights()).substr(0, 5000);
  });
  ASSERT_FALSE(fetch(cutting, weights_file));
  ASSERT_TRUE(fs::exists(folder_ / "model.gguf.part"));
  EXPECT_FALSE(fs::exists(folder_ / "model.gguf"));
  const auto kept = fs::file_size(folder_ / "model.gguf.part");
  TestServer server([](const auto& request) { return ranged_answer(request, weights()); });
  const auto path = fetch(server, weights_file);
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_EQ(content(*path), weights());
  EXPECT_EQ(offset_of(server.requests().at(0)), kept);
}

TEST_F(Download, server_without_ranges_starts_over) {
  fs::create_directories(folder_);
  std::ofstream(folder_ / "model.gguf.part") << weights().substr(0, 3000);
  TestServer server([](const auto&) { return answer(200, weights()); });
  const auto path = fetch(server, weights_file);
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_EQ(content(*path), weights());
}

TEST_F(Download, wrong_checksum_leaves_nothing) {
  std::string damaged = weights();
  damaged[700] = 'X';
  TestServer server([&](const auto& request) { return ranged_answer(request, damaged); });
  const auto path = fetch(server, weights_file);
  ASSERT_FALSE(path);
  EXPECT_NE(path.error().what.find("checksum"), std::string::npos);
  EXPECT_TRUE(is_empty());
}

TEST_F(Download, server_that_sends_more_than_announced_is_refused) {
  TestServer server([](const auto&) { return answer(200, weights() + "more"); });
  const auto path = fetch(server, weights_file);
  ASSERT_FALSE(path);
  EXPECT_NE(path.error().what.find("more than"), std::string::npos);
}

TEST_F(Download, file_that_is_there_is_not_fetched_again) {
  TestServer server([](const auto& request) { return ranged_answer(request, weights()); });
  ASSERT_TRUE(fetch(server, weights_file));
  ASSERT_TRUE(fetch(server, weights_file));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(Download, missing_file_is_an_error_without_another_attempt) {
  TestServer server([](const auto&) { return answer(404, "not here"); });
  const auto path = fetch(server, weights_file);
  ASSERT_FALSE(path);
  EXPECT_NE(path.error().what.find("404"), std::string::npos);
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(Download, server_errors_are_tried_again) {
  int calls = 0;
  TestServer server(
      [&](const auto& request) { return ++calls == 1 ? answer(503, "busy") : ranged_answer(request, weights()); });
  EXPECT_TRUE(fetch(server, weights_file));
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(Download, redirects_are_followed_without_the_token) {
  TestServer storage([](const auto& request) { return ranged_answer(request, weights()); });
  TestServer hub([&](const auto&) { return answer(302, "", "Location: " + storage.address() + "/blob?sig=1\r\n"); });
  const auto path = fetch(hub, weights_file, 3, "secret");
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_EQ(content(*path), weights());
  EXPECT_EQ(hub.requests().at(0).authorization, "Bearer secret");
  EXPECT_EQ(storage.requests().at(0).authorization, "");
  EXPECT_EQ(storage.requests().at(0).target, "/blob?sig=1");
}

TEST_F(Download, redirects_on_the_same_host_keep_the_token) {
  TestServer hub([](const TestServer::Request& request) {
    return request.target.starts_with("/owner") ? answer(307, "", "Location: /moved\r\n")
                                                : ranged_answer(request, weights());
  });
  ASSERT_TRUE(fetch(hub, weights_file, 3, "secret"));
  EXPECT_EQ(hub.requests().at(1).authorization, "Bearer secret");
}

TEST_F(Download, endless_redirects_are_an_error) {
  TestServer hub([](const auto&) { return answer(302, "", "Location: /again\r\n"); });
  EXPECT_FALSE(fetch(hub, weights_file, 1));
}

TEST_F(Download, refused_access_says_which_token_to_set) {
  TestServer hub([](const auto&) { return answer(401, "no"); });
  const auto path = fetch(hub, weights_file);
  ASSERT_FALSE(path);
  EXPECT_NE(path.error().next.find("HF_TOKEN"), std::string::npos);
}

TEST_F(Download, silent_server_is_given_up) {
  TestServer server([](const auto&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3000));
    return std::string();
  });
  const auto path = fetch(server, weights_file, 1);
  ASSERT_FALSE(path);
}

TEST_F(Download, paths_that_leave_the_folder_are_refused) {
  TestServer server([](const auto& request) { return ranged_answer(request, weights()); });
  for (const char* hostile : {"../model.gguf", "/etc/model.gguf", "a/../../b", "a//b", "", ".", "a\\b", "a\nb"}) {
    RemoteFile file = weights_file;
    file.path = hostile;
    EXPECT_FALSE(fetch(server, file)) << hostile;
  }
  EXPECT_TRUE(server.requests().empty());
}

/// A certificate, and whom OpenSSL trusts until the end of the test.
class DownloadOverTls : public Download {
 protected:
  void SetUp() override {
    Download::SetUp();
    if (const char* file = std::getenv("SSL_CERT_FILE")) before_ = file;
  }
  void TearDown() override {
    if (before_)
      ::setenv("SSL_CERT_FILE", before_->c_str(), 1);
    else
      ::unsetenv("SSL_CERT_FILE");
    fs::remove(pem_);
    Download::TearDown();
  }
  void trust(const TestCertificate& certificate) {
    certificate.write_pem(pem_);
    ::setenv("SSL_CERT_FILE", pem_.c_str(), 1);
  }

  std::optional<std::string> before_;
  const fs::path pem_ = fs::temp_directory_path() / ("speedwins-certificate-" + std::to_string(::getpid()) + ".pem");
};

TEST_F(DownloadOverTls, cut_connection_is_continued_where_it_ended) {
  const TestCertificate certificate;
  trust(certificate);
  TestServer server(
      [](const auto& request) {
        std::string bytes = ranged_answer(request, weights());
        if (offset_of(request) == 0) bytes.resize(5000);
        return bytes;
      },
      &certificate);
  const auto path = fetch(server, weights_file);
  ASSERT_TRUE(path) << path.error().message();
  EXPECT_EQ(content(*path), weights());
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_GT(offset_of(requests[1]), 4000u);
}

TEST_F(DownloadOverTls, certificate_that_nobody_vouches_for_is_refused) {
  const TestCertificate certificate, another;
  trust(another);
  TestServer server([](const auto& request) { return ranged_answer(request, weights()); }, &certificate);
  const auto path = fetch(server, weights_file, 1);
  ASSERT_FALSE(path);
  EXPECT_NE(path.error().message().find("certificate verify failed"), std::string::npos) << path.error().message();
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(DownloadOverTls, certificate_of_another_host_is_refused) {
  const TestCertificate certificate("DNS:hub.example");
  trust(certificate);
  TestServer server([](const auto& request) { return ranged_answer(request, weights()); }, &certificate);
  const auto path = fetch(server, weights_file, 1);
  ASSERT_FALSE(path);
  EXPECT_NE(path.error().message().find("certificate verify failed"), std::string::npos) << path.error().message();
  EXPECT_TRUE(server.requests().empty());
}

TEST_F(DownloadOverTls, redirect_to_an_address_without_tls_is_refused) {
  const TestCertificate certificate;
  trust(certificate);
  TestServer plain([](const auto& request) { return ranged_answer(request, weights()); });
  TestServer server([&](const auto&) { return answer(302, "", "Location: " + plain.address() + "/file\r\n"); },
                    &certificate);
  EXPECT_FALSE(fetch(server, weights_file, 1));
  EXPECT_TRUE(plain.requests().empty());
}

}  // namespace
}  // namespace sw
