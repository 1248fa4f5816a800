#include "arm/crashkernel/crashkernel_option.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/crashkernel/memory_amount.h"
#include "common/hosted/byte_count_text.h"

namespace warmdump {
namespace {

struct PolicyWord {
  std::string_view word;
  PlacementPolicy policy;
};

constexpr PolicyWord kPolicyWords[] = {
    {"BU", PlacementPolicy::bottom_up},
};

class OptionParser {
 public:
  explicit OptionParser(std::string_view text) : text_(text) {
    if (text_.starts_with(kCrashkernelPrefix)) position_ = kCrashkernelPrefix.size();
  }

  Outcome<CrashkernelOption> parse() {
    CrashkernelOption option;
    const ByteCount first = TRY(amount("a size such as 96M"));
    if (next() == '-') {
      TRY(parse_ranges(first, option));
    } else {
      option.size = first;
      if (next() == ',') {
        TRY(parse_suffix(option));
        TRY(parse_end("the end: a size with a suffix takes nothing more"));
        return option;
      }
    }
    if (take('@')) {
      option.offset = TRY(amount("an address such as 0x20000000"));
      if (option.ranges.empty() && take('#')) TRY(parse_policies(option));
    } else if (next() == '#') {
      return expected(
          "'@' and an offset in front of the policy: it says what to do when the offset is taken, "
          "as in 64M@0x20000000#BU");
    }
    TRY(parse_end(option.ranges.empty() ? "the end, '@OFFSET', or one of ,high ,low ,cma"
                                        : "the end, '@OFFSET', or ',' and a further START-END:SIZE"));
    return option;
  }

 private:
  Outcome<void> parse_ranges(ByteCount first, CrashkernelOption& option) {
    for (ByteCount start = first;;) {
      SizeForRam range;
      range.ram_min = start;
      if (!take('-')) return expected("'-' and the end of the range, as in 1G-4G:96M");
      if (next() != ':') {
        const std::size_t end_position = position_;
        range.ram_end = TRY(amount("the end of the range, or ':' for no end, as in 4G-:128M"));
        if (*range.ram_end <= range.ram_min) {
          position_ = end_position;
          return expected("a range that ends above its start: the end is not part of it");
        }
      }
      if (!take(':')) return expected("':' and the size for this range, as in 1G-4G:96M");
      range.size = TRY(amount("the size for this range, such as 96M"));
      option.ranges.push_back(range);
      if (!take(',')) return {};
      start = TRY(amount("a further range such as 4G-:128M"));
    }
  }

  Outcome<void> parse_suffix(CrashkernelOption& option) {
    for (const CrashkernelSuffix suffix :
         {CrashkernelSuffix::high, CrashkernelSuffix::low, CrashkernelSuffix::cma}) {
      const std::string_view word = crashkernel_suffix_text(suffix);
      if (!text_.substr(position_).starts_with(word)) continue;
      position_ += word.size();
      option.suffix = suffix;
      return {};
    }
    return expected(
        ",high ,low or ,cma; a further size needs an option of its own, or a range of RAM in front");
  }

  Outcome<void> parse_policies(CrashkernelOption& option) {
    do {
      const std::string_view rest = text_.substr(position_);
      const auto* found = std::find_if(std::begin(kPolicyWords), std::end(kPolicyWords),
                                       [&](const PolicyWord& known) { return rest.starts_with(known.word); });
      if (found == std::end(kPolicyWords)) return expected("a policy: BU (the next free area, bottom up)");
      position_ += found->word.size();
      option.policies.push_back(found->policy);
    } while (take(','));
    return {};
  }

  Outcome<void> parse_end(std::string_view wanted) {
    if (position_ != text_.size()) return expected(wanted);
    return {};
  }

  Outcome<ByteCount> amount(std::string_view wanted) {
    const std::string_view rest = text_.substr(position_);
    const MemoryAmount read = read_memory_amount(rest);
    if (!read.has_digits) return expected(wanted);
    if (read.octal) {
      return expected(fmt::format("a number without a leading 0, which makes the kernel count in eights: {}",
                                  exact_byte_count(read.value)));
    }
    if (read.overflowed) return expected(fmt::format("{} that fits 64 bits", wanted));
    position_ += read.length;
    return read.value;
  }

  Failure expected(std::string_view wanted) const {
    const std::string found =
        position_ < text_.size() ? fmt::format("'{}'", text_.substr(position_, 20)) : "the end";
    return {ErrorCode::invalid, fmt::format("\"{}\", character {}: expected {}; found {}",
                                            text_.substr(0, 200), position_ + 1, wanted, found)};
  }

  char next() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  bool take(char character) {
    if (position_ >= text_.size() || text_[position_] != character) return false;
    ++position_;
    return true;
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

}  // namespace

Outcome<CrashkernelOption> parse_crashkernel_option(std::string_view text) {
  return OptionParser(text).parse();
}

std::string crashkernel_option_text(const CrashkernelOption& option) {
  std::string text;
  for (const SizeForRam& range : option.ranges) {
    text += fmt::format("{}{}-{}:{}", text.empty() ? "" : ",", exact_byte_count(range.ram_min),
                        range.ram_end ? exact_byte_count(*range.ram_end) : "", exact_byte_count(range.size));
  }
  if (option.ranges.empty()) text = exact_byte_count(option.size);
  text += crashkernel_suffix_text(option.suffix);
  if (option.offset) text += fmt::format("@{:#x}", *option.offset);
  for (std::size_t i = 0; i < option.policies.size(); ++i) {
    text += i == 0 ? "#" : ",";
    text += placement_policy_text(option.policies[i]);
  }
  return text;
}

std::string_view crashkernel_suffix_text(CrashkernelSuffix suffix) {
  switch (suffix) {
    case CrashkernelSuffix::none:
      return "";
    case CrashkernelSuffix::high:
      return ",high";
    case CrashkernelSuffix::low:
      return ",low";
    case CrashkernelSuffix::cma:
      return ",cma";
  }
  return "";
}

std::string_view placement_policy_text(PlacementPolicy policy) {
  for (const PolicyWord& known : kPolicyWords) {
    if (known.policy == policy) return known.word;
  }
  return "";
}

}  // namespace warmdump
