// The files that report.html is made of; the build makes page_files.cc of them.

#pragma once

#include <string_view>

namespace warmdump {

extern const std::string_view kPageTemplate;  // report.mustache
extern const std::string_view kPageStyle;     // report.css
extern const std::string_view kPageScript;    // report.js

}  // namespace warmdump
