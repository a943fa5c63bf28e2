#include "loadtest/endpoint.hpp"

#include <fmt/core.h>

namespace sw::loadtest {
namespace {

namespace asio = boost::asio;

std::string advice(const Failure& failure) {
  switch (failure.kind) {
    case FailureKind::connect:
      return "Start the server, or check host and port";
    case FailureKind::tls:
      return "Use a certificate this system trusts, or --insecure";
    case FailureKind::timeout:
      return "Raise --timeout, or see what the server is doing";
    case FailureKind::reset:
      return "Check that this port speaks HTTP, or https where the address says http";
    case FailureKind::http_status:
      if (failure.detail.starts_with("HTTP 404"))
        return "Check the address and --model: servers answer at /v1/chat/completions";
      if (failure.detail.starts_with("HTTP 401")) return "Give the server's key with --api-key-file";
      return "See what the server says; --model and --endpoint decide what it is asked";
    case FailureKind::not_openai:
    case FailureKind::malformed_event:
    case FailureKind::truncated:
    case FailureKind::server_error:
    case FailureKind::empty:
      break;
  }
  return "Check that an OpenAI-compatible server answers at this address";
}

}  // namespace

Result<asio::ip::tcp::resolver::results_type> resolve(const Url& url) {
  asio::io_context io;
  boost::system::error_code error;
  auto addresses = asio::ip::tcp::resolver(io).resolve(url.host, url.port, error);
  if (error) return fail("cannot find the host: " + error.message(), url.text(), {}, "Check the address");
  return addresses;
}

asio::ssl::context tls_context(const LoadTarget& target) {
  asio::ssl::context tls(asio::ssl::context::tls_client);
  if (target.url.tls) {
    tls.set_default_verify_paths();
    tls.set_verify_mode(target.verify_tls ? asio::ssl::verify_peer : asio::ssl::verify_none);
  }
  return tls;
}

Error error_of(const Failure& failure, const std::string& where) {
  return {.what = fmt::format("{}: {}", name(failure.kind), failure.detail),
          .where = where,
          .expected = {},
          .next = advice(failure)};
}

}  // namespace sw::loadtest
