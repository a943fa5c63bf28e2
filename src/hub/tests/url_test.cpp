#include "hub/url.hpp"

#include <gtest/gtest.h>

#include "base/digest.hpp"

namespace sw {
namespace {

TEST(Url, addresses_are_taken_apart) {
  const auto url = Url::parse("https://huggingface.co/api/models?x=1#top");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(url->host, "huggingface.co");
  EXPECT_EQ(url->port, "443");
  EXPECT_EQ(url->target, "/api/models?x=1");
  EXPECT_EQ(Url::parse("http://localhost:8080")->port, "8080");
  EXPECT_EQ(Url::parse("http://localhost:8080")->target, "/");
  EXPECT_EQ(Url::parse("http://[::1]:80/x")->host, "::1");
}

TEST(Url, odd_addresses_are_refused) {
  for (const char* odd : {"", "ftp://a/b", "https://", "https://user:secret@host/", "http://host:99999999/",
                          "http://host:x/", "http://ho st/", "http://host/a\r\nX: y", "http://[::1"})
    EXPECT_FALSE(Url::parse(odd)) << odd;
}

TEST(Url, locations_are_absolute_or_on_the_same_host) {
  const Url base = *Url::parse("https://hub.example:8443/a/b");
  EXPECT_EQ(base.resolve("/c?d")->text(), "https://hub.example:8443/c?d");
  EXPECT_EQ(base.resolve("https://cdn.example/x")->text(), "https://cdn.example/x");
  EXPECT_EQ(base.resolve("//cdn.example/x")->text(), "https://cdn.example/x");
  EXPECT_FALSE(base.resolve("c"));
  EXPECT_FALSE(base.resolve("/c\r\nX: y"));
  EXPECT_FALSE(base.same_origin(*base.resolve("https://hub.example/x")));
}

TEST(Url, paths_are_escaped_as_rfc_3986_says) {
  EXPECT_EQ(escape_path("a b/c#d?é~"), "a%20b/c%23d%3F%C3%A9~");
}

TEST(Digest, sha256_of_abc_is_the_one_of_fips_180) {
  Digest digest = Digest::sha256();
  digest.update("a");
  digest.update("bc");
  EXPECT_EQ(digest.hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, git_id_of_an_empty_file_is_gits) {
  EXPECT_EQ(Digest::git_blob(0).hex(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
}

}  // namespace
}  // namespace sw
