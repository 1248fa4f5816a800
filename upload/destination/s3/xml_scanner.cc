#include "upload/destination/s3/xml_scanner.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "common/hosted/ascii.h"

namespace warmdump {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

Failure bad_xml(const std::string& why) {
  return Failure(ErrorCode::corrupt, "the answer is not the XML expected: " + why);
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= XmlScanner::kNameMax && has_only_alphanumerics_and("_-.:", name);
}

std::string_view without_prefix(std::string_view name) {
  const auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

std::optional<std::string> utf8_of(std::uint32_t code) {
  const bool is_control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
  if (is_control || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  const auto byte = [](std::uint32_t value) { return static_cast<char>(value); };
  const auto tail = [&](unsigned shift) { return byte(0x80 | ((code >> shift) & 0x3f)); };
  if (code < 0x80) return std::string{byte(code)};
  if (code < 0x800) return std::string{byte(0xc0 | (code >> 6)), tail(0)};
  if (code < 0x10000) return std::string{byte(0xe0 | (code >> 12)), tail(6), tail(0)};
  return std::string{byte(0xf0 | (code >> 18)), tail(12), tail(6), tail(0)};
}

// `reference` is what stands between '&' and ';'.
std::optional<std::string> resolved(std::string_view reference) {
  constexpr std::pair<std::string_view, const char*> kEntities[] = {
      {"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}};
  for (const auto& [name, text] : kEntities) {
    if (reference == name) return text;
  }
  if (!reference.starts_with('#')) return {};
  reference.remove_prefix(1);
  const bool is_hexadecimal = reference.starts_with('x');
  if (is_hexadecimal) reference.remove_prefix(1);
  std::uint32_t code = 0;
  const char* const last = reference.data() + reference.size();
  const auto [end, error] = std::from_chars(reference.data(), last, code, is_hexadecimal ? 16 : 10);
  if (error != std::errc{} || end != last) return {};
  return utf8_of(code);
}

Outcome<std::string> unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto reference = std::min(text.find('&'), text.size());
    out += text.substr(0, reference);
    text.remove_prefix(reference);
    if (text.empty()) break;
    const auto end = text.substr(0, 12).find(';');
    if (end == std::string_view::npos) return bad_xml("an '&' without its ';'");
    const auto replacement = resolved(text.substr(1, end - 1));
    if (!replacement) return bad_xml("an unknown entity");
    out += *replacement;
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

Outcome<bool> XmlScanner::skip_what_is_no_content() {
  struct Skipped {
    std::string_view begin;
    std::string_view end;
  };
  for (const auto& [begin, end] : {Skipped{"<?", "?>"}, Skipped{"<!--", "-->"}}) {
    if (!rest_.starts_with(begin)) continue;
    const auto at = rest_.find(end, begin.size());
    if (at == std::string_view::npos) return bad_xml("it ends inside of a comment or instruction");
    rest_.remove_prefix(at + end.size());
    return true;
  }
  return false;
}

Outcome<XmlScanner::Token> XmlScanner::next() {
  if (must_close_) {
    must_close_ = false;
    const std::string_view name = open_names_.back();
    open_names_.pop_back();
    return Token{Kind::close, without_prefix(name), {}};
  }
  for (;;) {
    if (open_names_.empty()) rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
    if (rest_.empty()) {
      if (!open_names_.empty() || !has_root_) return bad_xml("it ends early");
      return Token{};
    }
    if (!TRY(skip_what_is_no_content())) break;
  }
  if (!rest_.starts_with('<') || rest_.starts_with("<![CDATA[")) return read_text();
  if (rest_.starts_with("<!")) return bad_xml("it declares a document type");
  return read_tag();
}

Outcome<XmlScanner::Token> XmlScanner::read_text() {
  constexpr std::string_view kCdata = "<![CDATA[";
  constexpr std::string_view kCdataEnd = "]]>";
  if (open_names_.empty()) return bad_xml("text outside of the root element");
  if (rest_.starts_with(kCdata)) {
    const auto end = rest_.find(kCdataEnd, kCdata.size());
    if (end == std::string_view::npos) return bad_xml("it ends early");
    Token token{Kind::text, {}, std::string(rest_.substr(kCdata.size(), end - kCdata.size()))};
    rest_.remove_prefix(end + kCdataEnd.size());
    return token;
  }
  const auto end = std::min(rest_.find('<'), rest_.size());
  Token token{Kind::text, {}, TRY(unescaped(rest_.substr(0, end)))};
  rest_.remove_prefix(end);
  return token;
}

Outcome<XmlScanner::Token> XmlScanner::read_tag() {
  std::size_t end = 1;
  for (char quote = '\0'; end < rest_.size() && (quote != '\0' || rest_[end] != '>'); ++end) {
    if (quote != '\0') {
      if (rest_[end] == quote) quote = '\0';
    } else if (rest_[end] == '"' || rest_[end] == '\'') {
      quote = rest_[end];
    } else if (rest_[end] == '<') {
      return bad_xml("a '<' inside of a tag");
    }
  }
  if (end >= rest_.size()) return bad_xml("it ends inside of a tag");
  const std::string_view tag = rest_.substr(1, end - 1);
  rest_.remove_prefix(end + 1);
  return tag.starts_with('/') ? close_element(tag.substr(1)) : open_element(tag);
}

Outcome<XmlScanner::Token> XmlScanner::open_element(std::string_view tag) {
  const bool is_empty = tag.ends_with('/');
  if (is_empty) tag.remove_suffix(1);
  const std::string_view name = tag.substr(0, tag.find_first_of(kBlanks));
  if (!is_name(name)) return bad_xml("a tag without a proper name");
  if (open_names_.empty() && has_root_) return bad_xml("a second root element");
  if (open_names_.size() >= kDepthMax) return bad_xml("it is nested too deeply");
  has_root_ = true;
  open_names_.push_back(name);
  must_close_ = is_empty;
  return Token{Kind::open, without_prefix(name), {}};
}

Outcome<XmlScanner::Token> XmlScanner::close_element(std::string_view tag) {
  const std::string_view name = trimmed(tag);
  if (open_names_.empty() || open_names_.back() != name) return bad_xml("its tags do not match");
  open_names_.pop_back();
  return Token{Kind::close, without_prefix(name), {}};
}

Outcome<void> for_each_element(std::string_view xml, const OnElement& on_element) {
  XmlScanner scanner(xml);
  std::string path;
  std::vector<std::string> texts;
  for (;;) {
    auto token = TRY(scanner.next());
    switch (token.kind) {
      case XmlScanner::Kind::open:
        path += (path.empty() ? "" : "/") + std::string(token.name);
        texts.emplace_back();
        break;
      case XmlScanner::Kind::text:
        texts.back() += token.text;
        break;
      case XmlScanner::Kind::close: {
        TRY(on_element(path, trimmed(texts.back())));
        const auto slash = path.rfind('/');
        path.resize(slash == std::string::npos ? 0 : slash);
        texts.pop_back();
        break;
      }
      case XmlScanner::Kind::end:
        return {};
    }
  }
}

std::string xml_escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace warmdump
