// Numbers as text, the same in logs and metrics.
#pragma once

#include <string>

namespace ottoscale::telemetry {

// The shortest text that reads back as the same number, whole numbers without an exponent: "0.1", "1500", "1e+300";
// "NaN", "+Inf" and "-Inf" as Prometheus writes them.
std::string NumberText(double number);

}  // namespace ottoscale::telemetry
