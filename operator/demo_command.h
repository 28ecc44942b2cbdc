// `ottoscale demo`: the main job in front of your eyes. The operator as in `up`, pointed at a simulated Heroku and a
// simulated web app behind real sockets on loopback, with traffic that rises and falls.
#pragma once

#include "operator/command_line.h"
#include "operator/standalone.h"
#include "operator/validate_command.h"

namespace ottoscale::operator_main {

// `plot` draws on a terminal of `columns`; otherwise plain lines are written.
int RunDemo(DemoOptions options, const Version& version, bool plot, size_t columns, const Output& output);

}  // namespace ottoscale::operator_main
