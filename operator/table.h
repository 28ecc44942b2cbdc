// Columns of text for a terminal.
#pragma once

#include <string>
#include <vector>

namespace ottoscale::operator_main {

using Row = std::vector<std::string>;

// The rows as lines, indented by two, each column as wide as its widest cell; columns that are empty in all rows are
// left out. Width is counted in code points.
void AddTable(const std::vector<Row>& rows, std::vector<std::string>& lines);

// "2 → 3", or "2" where nothing changes.
std::string Step(int from, int to);

}  // namespace ottoscale::operator_main
