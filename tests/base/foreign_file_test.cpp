#include "base/foreign_file.h"

#include <gtest/gtest.h>

#include <string>

namespace e5v {
namespace {

using namespace std::string_literals;

ForeignFile described(const std::string& bytes) { return describe_foreign_bytes(std::as_bytes(std::span(bytes))); }

void expect(const std::string& bytes, ForeignKind kind, std::string_view name) {
  const ForeignFile found = described(bytes);
  EXPECT_EQ(found.name, name) << bytes;
  EXPECT_EQ(found.kind, kind) << bytes;
}

std::string brands(const std::string& list) {
  const auto size = static_cast<char>(12 + list.size());
  return std::string(3, '\0') + size + "ftyp" + list.substr(0, 4) + "\0\0\0\0"s + list.substr(4) + "mdat";
}

TEST(ForeignFile, WebPages) {
  const char* pages[] = {"<!DOCTYPE html><html></html>",
                         "<!doctype HTML>",
                         "<html>",
                         "  \r\n\t<HTML lang=en>",
                         "\xEF\xBB\xBF<!doctype html>",
                         "<!-- made by x -->\n<!-- and y --><html>",
                         "<head><title>404",
                         "<?xml version=\"1.0\"?>\n<!DOCTYPE html PUBLIC \"-//W3C//DTD XHTML 1.0\">",
                         "<h1>Not Found</h1>",
                         "<html><body>Caf\xE9 ferm\xE9</body>"};  // the last in Latin-1
  for (const char* page : pages) expect(page, ForeignKind::web_page, "a web page (HTML)");
}

TEST(ForeignFile, Texts) {
  expect("{\"error\": \"gone\"}", ForeignKind::text, "JSON text");
  expect(" [1]", ForeignKind::text, "JSON text");
  expect("<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>", ForeignKind::text, "an XML document");
  expect("Access denied: der Schl\xC3\xBCssel fehlt.\n", ForeignKind::text, "text");
  expect("Acc\xE8s interdit, veuillez vous identifier", ForeignKind::text, "text");  // Latin-1
  expect("BM is the code of Bermuda", ForeignKind::text, "text");
  expect(" \n\n", ForeignKind::text, "blank text");
  expect("\xFF\xFEh\0i\0"s, ForeignKind::text, "text in UTF-16");
  expect("version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n", ForeignKind::pointer,
         "a Git LFS pointer");
}

TEST(ForeignFile, Images) {
  expect("<svg xmlns=\"\">", ForeignKind::image, "an SVG drawing");
  expect("<?xml version='1.0'?><!-- x --><svg>", ForeignKind::image, "an SVG drawing");
  expect("\0\0\0\x0CJXL \r\n\x87\n"s, ForeignKind::image, "a JPEG XL image");
  expect("\xFF\x0A\1\2", ForeignKind::image, "a JPEG XL image");
  expect("\0\0\0\x0CjP  \r\n\x87\n"s, ForeignKind::image, "a JPEG 2000 image");
}

TEST(ForeignFile, Others) {
  expect(brands("isomavc1"), ForeignKind::other, "a video (MP4)");
  expect(brands("qt  "), ForeignKind::other, "a video (QuickTime)");
  expect("%PDF-1.7", ForeignKind::other, "a PDF document");
  expect("PK\3\4\x14", ForeignKind::other, "a ZIP archive");
  expect("\x1F\x8B\x08", ForeignKind::other, "a gzip archive");
  std::string tar(512, '\0');
  tar.replace(257, 5, "ustar");
  expect(tar, ForeignKind::other, "a tar archive");
  expect("", ForeignKind::empty, "an empty file");
  expect(std::string(5000, '\0'), ForeignKind::empty, "zero bytes alone");
  expect("\1\2\3\4", ForeignKind::unknown, "bytes of an unknown format");
  expect("\0\0\0\x08"s + "ftyp", ForeignKind::other, "a video (MP4)");
}

TEST(ForeignFile, LooksAtTheBeginningOnly) {
  expect("a text, and later" + std::string(5000, ' ') + "\1\2\3", ForeignKind::text, "text");
}

}  // namespace
}  // namespace e5v
