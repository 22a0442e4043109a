#pragma once
#include <string>
#include <string_view>

namespace e5v::stores {

/// The address of a store: SCHEME://[USER[:PASSWORD]@]HOST[:PORT]/NAME[?OPTIONS].
class StoreUrl {
 public:
  /// Whether a text is an address, and not a folder.
  static bool is_url(std::string_view text);
  /// Throws InvalidInput, without the password, if the text is no address.
  explicit StoreUrl(std::string text);

  const std::string& text() const { return text_; }
  const std::string& scheme() const { return scheme_; }
  /// The address with "***" in the place of passwords.
  const std::string& name() const { return name_; }
  /// The decoded parts.
  const std::string& user() const { return user_; }
  const std::string& password() const { return password_; }
  const std::string& host_and_port() const { return host_; }
  const std::string& path() const { return path_; }  ///< without the first slash

  /// A message on one line, in which "***" stands for passwords.
  std::string masked(std::string_view message) const;

 private:
  std::string text_, scheme_, name_, user_, password_, encoded_password_, host_, path_;
};

}  // namespace e5v::stores
