#include "kernels/runtime/check.h"

#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

std::string said(auto&& body) {
  try {
    body();
  } catch (const InternalError& e) {
    return cat("internal: ", e.what());
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("check: a mistake of the caller is told as it is", "[errors]") {
  CHECK(said([] { TEMPER_CHECK(2 > 3, "expected more than ", 3, ", got ", 2); }) == "expected more than 3, got 2");
  CHECK(said([] { TEMPER_CHECK(3 > 2, "expected"); }) == "nothing");
}

TEST_CASE("check: a fault in Temper names its place and asks for a report", "[errors]") {
  const int line = __LINE__ + 1;
  CHECK(said([] { TEMPER_ASSERT(2 > 3, "expected more than ", 3, ", got ", 2); }) ==
        cat("internal: internal error in ", __FILE__, " line ", line,
            ": expected more than 3, got 2; this is a fault in Temper and not in its use: please report it, with the "
            "configuration"));
  CHECK(said([] { TEMPER_ASSERT(3 > 2, "expected"); }) == "nothing");
}

TEST_CASE("check: whoever catches an Error catches a fault in Temper too", "[errors]") {
  CHECK_THROWS_AS([] { TEMPER_ASSERT(false, "expected"); }(), Error);
}
