#include "common/hosted/failure.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace warmdump {
namespace {

std::string errno_text(int system_errno) {
  return std::generic_category().message(system_errno);
}

std::string place_text(const Error& error) {
  if (error.where_kind == WhereKind::nowhere) return "";
  const char* place = where_text(error.where_kind);
  return error.where_kind == WhereKind::line ? fmt::format("{}{}", place, error.where)
                                             : fmt::format("{}{:#x}", place, error.where);
}

ErrorCode code_of_errno(int system_errno) {
  switch (system_errno) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
      return ErrorCode::not_found;
    case EACCES:
    case EPERM:
      return ErrorCode::no_permission;
    case EBUSY:
      return ErrorCode::busy;
    case ENOSPC:
    case EDQUOT:
      return ErrorCode::no_space;
    default:
      return ErrorCode::io;
  }
}

}  // namespace

Failure::Failure(const Error& error) : code(error.code), system_errno(error.system_errno) {
  message = error.what + place_text(error);
  if (error.system_errno != 0) message += ": " + errno_text(error.system_errno);
}

Failure Failure::system(const std::string& doing, int system_errno) {
  Failure failure(code_of_errno(system_errno), doing + ": " + errno_text(system_errno));
  failure.system_errno = system_errno;
  return failure;
}

Failure Failure::in(const std::string& step) && {
  message = step + ": " + message;
  return std::move(*this);
}

}  // namespace warmdump
