#include "core/files/paths.h"
#include "tests/fixtures/catch.h"

using namespace temper;

TEST_CASE("shipped files are found, missing ones named", "[errors]") {
  CHECK_NOTHROW(shipped_path("kernels"));
  CHECK_THROWS_WITH(shipped_path("no/such/file"), ContainsSubstring("'no/such/file' was found at none of"));
}
