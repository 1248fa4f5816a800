#include "upload/surroundings/consent_file.h"

#include <sys/stat.h>

namespace warmdump {

bool has_consent(const std::string& path) {
  if (path.empty()) return true;
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace warmdump
