// The XML of answers of S3 and STS.

#include <algorithm>
#include <string>
#include <string_view>

#include "tests/fuzz/fuzz_target.h"
#include "upload/destination/s3/s3_answers.h"
#include "upload/destination/s3/xml_scanner.h"

namespace warmdump::fuzz {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

void fuzz_one(Input input) {
  const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
  std::size_t bytes = 0;
  (void)for_each_element(text, [&](std::string_view path, std::string_view content) -> Outcome<void> {
    const auto levels = static_cast<std::size_t>(std::count(path.begin(), path.end(), '/')) + 1;
    expect(levels <= XmlScanner::kDepthMax, "no element is deeper than the limit");
    expect(!path.empty() && path.back() != '/', "every element has a name");
    bytes += content.size();
    return {};
  });
  expect(bytes <= text.size(), "a scan gives no more text than there is");
  if (const auto list = parse_part_list(text, 7); list.has_value()) {
    for (const auto& part : list->parts) {
      expect(part.number >= 1 && part.number <= kPartNumberMax, "part numbers are in their range");
    }
    expect(!list->next_marker || *list->next_marker > 7, "paging goes on");
  }
  if (const auto error = parse_s3_error(text)) {
    for (const char c : error->code + error->message + error->region) {
      expect(c >= ' ' && c < 0x7f, "what is quoted can be printed");
    }
  }
  if (const auto id = parse_upload_id(text); id.has_value()) {
    expect(!id->empty() && id->find_first_of(" \r\n") == std::string::npos, "an upload id is one word");
  }
  (void)parse_completed(text);
  (void)parse_sts_credentials(text);
  (void)parse_iso_time(text);
  std::string round;
  const std::string wrapped = "<a>" + xml_escaped(text) + "</a>";
  (void)for_each_element(wrapped, [&](std::string_view, std::string_view content) -> Outcome<void> {
    round = content;
    return {};
  });
  std::string_view trimmed = text;
  constexpr std::string_view kBlanks = " \t\r\n";
  trimmed.remove_prefix(std::min(trimmed.find_first_not_of(kBlanks), trimmed.size()));
  while (!trimmed.empty() && kBlanks.find(trimmed.back()) != std::string_view::npos) trimmed.remove_suffix(1);
  expect(round == trimmed, "escaped text comes back");
}

std::vector<std::vector<std::byte>> seeds() {
  std::vector<std::vector<std::byte>> inputs;
  for (const std::string_view text :
       {"<?xml version=\"1.0\" encoding=\"UTF-8\"?><InitiateMultipartUploadResult "
        "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>dumps</Bucket><Key>d/vmcore</Key>"
        "<UploadId>2~x_Y-Z</UploadId></InitiateMultipartUploadResult>",
        "<ListPartsResult><IsTruncated>true</IsTruncated><NextPartNumberMarker>9</NextPartNumberMarker><Part>"
        "<LastModified>2026-11-20T10:00:00.000Z</LastModified><PartNumber>9</"
        "PartNumber><ETag>&quot;0af1&quot;</ETag>"
        "<Size>5242880</Size></Part></ListPartsResult>",
        "<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>",
        "  \r\n<Error><Code>PermanentRedirect</Code><Message>a &amp; b "
        "&#x41;</Message><Region>eu</Region></Error>",
        "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>A</"
        "AccessKeyId>"
        "<SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken><Expiration>2026-11-20T10:00:00Z"
        "</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>",
        "<!-- c --><a b='>'><![CDATA[<x>]]></a>", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"}) {
    inputs.push_back(bytes_of(text));
  }
  return inputs;
}

}  // namespace warmdump::fuzz
