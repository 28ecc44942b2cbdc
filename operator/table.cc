#include "operator/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace ottoscale::operator_main {
namespace {

size_t Width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

void AddTable(const std::vector<Row>& rows, std::vector<std::string>& lines) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  for (const Row& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      if (widths[i] > 0) absl::StrAppend(&line, "  ", row[i], std::string(widths[i] - Width(row[i]), ' '));
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
}

std::string Step(int from, int to) { return from == to ? absl::StrCat(to) : absl::StrCat(from, " → ", to); }

}  // namespace ottoscale::operator_main
