#pragma once
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include "http/message.h"

/// Translates between the messages of Boost.Beast and those of a handler.
namespace e5v::net {

/// Returns a request without its body and address. Its id is its x-request-id if that is a word of at most 128
/// characters, otherwise a random one.
http::Request request_of(const boost::beast::http::request<boost::beast::http::string_body>& message);

/// Sets status, media type, x-request-id and fields of a response.
void fill(boost::beast::http::response_header<>& head, const http::Response& response, const std::string& id);

}  // namespace e5v::net
