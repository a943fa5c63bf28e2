#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <string>

#include "base/error.hpp"
#include "loadtest/reply.hpp"
#include "loadtest/target.hpp"

namespace sw::loadtest {

/// Where the server's host is.
Result<boost::asio::ip::tcp::resolver::results_type> resolve(const Url& url);
/// What certificates are checked with. May throw what Boost throws.
boost::asio::ssl::context tls_context(const LoadTarget& target);
/// A failed request as an Error that says what to do.
Error error_of(const Failure& failure, const std::string& where);

}  // namespace sw::loadtest
