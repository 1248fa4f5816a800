#include "upload/destination/server_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "upload/transfer/retry_policy.h"
#include "upload/wire/url.h"

namespace warmdump {
namespace {

constexpr std::size_t kQuotedMax = 200;
constexpr std::size_t kReadMax = 2048;  // the rest of a text is not looked at
constexpr std::size_t kRequestIdMax = 64;

// To add one: as the server's answer calls it, in lower case.
constexpr std::string_view kRequestIdHeaders[] = {"x-request-id", "x-amz-request-id", "x-trans-id",
                                                  "x-correlation-id"};

bool is_word_end(char c) {
  return std::string_view(" \"'<>(){}[],;").find(c) != std::string_view::npos;
}

bool is_same_word(std::string_view word, std::string_view lower) {
  return std::equal(word.begin(), word.end(), lower.begin(), lower.end(), [](char a, char b) {
    return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + ('a' - 'A')) : a) == b;
  });
}

}  // namespace

std::string quotable(std::string_view text) {
  std::string printable;
  for (const char c : text.substr(0, kReadMax)) printable += c >= ' ' && c < 0x7f ? c : ' ';
  std::string clean;
  bool is_secret = false;
  for (std::size_t begin = 0; begin < printable.size() && clean.size() < kQuotedMax;) {
    const auto end = static_cast<std::size_t>(
        std::find_if(printable.begin() + static_cast<std::ptrdiff_t>(begin), printable.end(), is_word_end) -
        printable.begin());
    const auto word = std::string_view(printable).substr(begin, end - begin);
    const bool is_address = word.find("://") != word.npos || word.find('?') != word.npos;
    clean += is_secret && !word.empty() ? "..." : is_address ? redacted(word) : std::string(word);
    is_secret = is_same_word(word, "bearer") || is_same_word(word, "basic") || (is_secret && word.empty());
    if (end < printable.size()) clean += printable[end];
    begin = end + 1;
  }
  clean.resize(std::min(clean.size(), kQuotedMax));
  while (clean.ends_with(' ')) clean.pop_back();
  return clean;
}

std::string status_text(const HttpAnswer& answer) {
  const std::string reason = quotable(answer.reason);
  return fmt::format("the server answered {}{}{}", answer.status, reason.empty() ? "" : " ", reason);
}

std::string explanation(const HttpAnswer& answer) {
  const auto type = answer.header("content-type");
  const bool readable = type.starts_with("text/plain") || type.starts_with("application/json") ||
                        type.starts_with("application/problem+json");
  const std::string text = readable ? quotable(answer.body) : "";
  return text.empty() ? "" : ": " + text;
}

SendFailure refusal(const HttpAnswer& answer, std::string_view advice) {
  const auto meaning = meaning_of_status(answer.status);
  SendFailure failure;
  failure.remedy = meaning == StatusMeaning::temporary ? Remedy::wait : Remedy::change_sink;
  if (answer.status == 413) failure.remedy = Remedy::give_dump_up;
  failure.http_status = answer.status;
  if (meaning == StatusMeaning::redirect) {
    failure.failure =
        Failure(ErrorCode::refused,
                fmt::format("{}, a redirect to \"{}\"; redirects are not followed, give the final address",
                            status_text(answer), quotable(redacted(answer.header("location")))));
    return failure;
  }
  failure.failure = Failure(ErrorCode::io, status_text(answer) + explanation(answer) + std::string(advice));
  if (meaning == StatusMeaning::temporary) {
    failure.retry_after = parse_retry_after(answer.header("retry-after"), std::time(nullptr));
  }
  return failure;
}

std::string request_id(const HttpAnswer& answer) {
  for (const auto name : kRequestIdHeaders) {
    if (!answer.header(name).empty()) return quotable(answer.header(name).substr(0, kRequestIdMax));
  }
  return "";
}

}  // namespace warmdump
