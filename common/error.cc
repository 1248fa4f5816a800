#include "common/error.h"

namespace warmdump {

const char* error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::none:
      return "no error";
    case ErrorCode::io:
      return "input/output";
    case ErrorCode::corrupt:
      return "corrupt";
    case ErrorCode::unsupported:
      return "unsupported";
    case ErrorCode::invalid:
      return "invalid";
    case ErrorCode::no_space:
      return "no space";
    case ErrorCode::not_found:
      return "not found";
    case ErrorCode::timed_out:
      return "timed out";
    case ErrorCode::refused:
      return "refused";
    case ErrorCode::busy:
      return "busy";
    case ErrorCode::no_permission:
      return "no permission";
    case ErrorCode::crashed:
      return "crashed";
  }
  return "unknown error";
}

const char* where_text(WhereKind kind) {
  switch (kind) {
    case WhereKind::nowhere:
      return "";
    case WhereKind::file_offset:
      return " at file offset ";
    case WhereKind::region_offset:
      return " at region offset ";
    case WhereKind::pfn:
      return " at pfn ";
    case WhereKind::virtual_address:
      return " at virtual address ";
    case WhereKind::line:
      return " in line ";
  }
  return "";
}

}  // namespace warmdump
