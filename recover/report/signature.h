// CrashSignature: names that two crashes of the same fault share. Pure.
//
// Rule 1 of `text`: "reason: function < caller < caller". The reason is CrashTrace::reason. Function and
// callers are the function of the registers, if known, and the frames behind it, at most three together,
// after these are left out: frames that only report or end a crash, wait, or enter the kernel (a table in
// signature.cc). Of a name counts what stands before the first dot, so that ".isra.0", ".constprop.0",
// ".cold" and ".llvm.123" do not; offsets, addresses, modules, processors, process ids and times never get
// in. Where no frame is left: the reason alone; for a panic of no known kind "panic: " and the words of its
// message, those with a digit or of personal data left out.
//
// `key` is "w1-" and the first 12 hexadecimal digits of the SHA-256 of `text`.
//
// A change of the rule is a new version, with another letter-number in front of the key: keys never change
// meaning.

#pragma once

#include <string>
#include <string_view>

#include "recover/report/crash_trace.h"

namespace warmdump {

inline constexpr int kSignatureVersion = 1;

struct CrashSignature {
  int version = 0;       // of the rule that made key and text; 0: the log tells too little
  std::string key;       // short, fit for file names: what equal crashes have in common
  std::string text;      // the same, readable: "null-pointer: function < caller < caller"
  std::string chromeos;  // chromeos_signature()
};

// `panic_text`: find_panic_text(). Leaves `chromeos` empty.
CrashSignature make_signature(const CrashTrace& trace, std::string_view panic_text);

}  // namespace warmdump
