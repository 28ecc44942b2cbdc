# pkg/backtest/report.html as a source file of pkg/backtest (page.h).
set(report_page ${CMAKE_SOURCE_DIR}/pkg/backtest/report.html)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${report_page})
file(READ ${report_page} text)
file(WRITE ${CMAKE_BINARY_DIR}/report_page.cc.new
  "#pragma clang diagnostic ignored \"-Woverlength-strings\"\n#include \"pkg/backtest/page.h\"\n\nnamespace ottoscale::backtest {\n\n"
  "absl::string_view PageText() {\n  return R\"page(${text})page\";\n}\n\n}  // namespace ottoscale::backtest\n")
file(COPY_FILE ${CMAKE_BINARY_DIR}/report_page.cc.new ${CMAKE_BINARY_DIR}/report_page.cc ONLY_IF_DIFFERENT)
target_sources(ottoscale_backtest PRIVATE ${CMAKE_BINARY_DIR}/report_page.cc)
