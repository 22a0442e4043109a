#pragma once
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace e5v::report {

/// A whole HTML page that needs no network and no script, light or dark as the reader's system is. `body` is HTML;
/// `style` is CSS beyond that of charts, tables and lists of facts.
std::string page(std::string_view title, std::string_view subtitle, std::string_view body, std::string_view style = "");

/// Whether a text is a page that page() has made.
bool is_page(std::string_view text);

/// Names and values as a list; nothing when there are none.
std::string facts_html(std::span<const std::pair<std::string, std::string>> facts);

/// Bytes of a media type ("image/jpeg") as an address that holds them. Source: RFC 2397 and RFC 4648, section 4.
std::string data_uri(std::string_view type, std::string_view bytes);

/// Text with what has a meaning in HTML escaped.
std::string html_escaped(std::string_view text);

}  // namespace e5v::report
