#include "kernels/runtime/check.h"

namespace temper {

void fail_internally(const char* file, int line, const std::string& what) {
  throw InternalError(cat("internal error in ", file, " line ", line, ": ", what,
                          "; this is a fault in Temper and not in its use: please report it, with the configuration"));
}

}  // namespace temper
