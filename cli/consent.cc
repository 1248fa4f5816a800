#include "cli/consent.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace warmdump {

Outcome<void> ask_consent(const std::string& what_happens, bool yes) {
  if (yes) return {};
  if (::isatty(STDIN_FILENO) == 0) {
    return Failure(ErrorCode::refused,
                   what_happens + " Nobody can be asked here: give --yes if that is wanted.");
  }
  std::fprintf(stderr, "%s Go on? Type yes: ", what_happens.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "yes") return {};
  return Failure(ErrorCode::refused, "not confirmed, nothing was done");
}

}  // namespace warmdump
