#include "bench/kernels.h"
#include "bench/vendor.h"
#include "kernels/axpby/axpby.h"
#include "tests/fixtures/catch.h"

using namespace temper;
using namespace temper::bench;

namespace {

bool is_known(const KernelCase& c) { return c.known.has_value(); }

/// y = 2 * x, which says that it is `known`.
KernelCase doubling(KnownOp known) {
  constexpr int64_t n = 1000;
  return {.kernel = "test",
          .name = "doubling",
          .arrays = {{"x", Role::in, DType::f32, n}, {"y", Role::out, DType::f32, n}},
          .run = [](Stream s, const CaseArgs& a) { axpby<float>(s, n, 2.f, a.get<float>(0), 0.f, a.get<float>(1)); },
          .reference =
              [](auto& a) {
                for (int64_t i = 0; i < n; ++i) a[1][i] = 2 * a[0][i];
              },
          .known = std::move(known)};
}

}  // namespace

TEST_CASE("a library that does something else is not timed", "[bench]") {
  const KernelCase right = doubling(known::Scale{.n = 1000, .alpha = 2, .x = 0, .y = 1});
  const KernelCase wrong = doubling(known::Relu{.n = 1000, .x = 0, .y = 1});
  const Work refused = prepare_kernel(wrong, {}), nothing = prepare_kernel(doubling({}), {});
  CHECK(refused.runs.run);
  CHECK_FALSE(refused.unfused);
  CHECK_FALSE(nothing.unfused);
  CHECK(nothing.note.empty());
#if defined(TEMPER_ONEDNN)
  CHECK_THAT(refused.note, ContainsSubstring("not timed: oneDNN, whose result is wrong: array y element"));
  const Work timed = prepare_kernel(right, {});
  CHECK(timed.unfused);
  CHECK(timed.unfused_name == "oneDNN");
  CHECK(timed.note.empty());
#else
  CHECK(refused.note.empty());
  CHECK_FALSE(prepare_kernel(right, {}).unfused);
#endif
}

TEST_CASE("a case is compared with its steps or with a library", "[bench]") {
  for (const KernelCase& c : kernel_cases()) {
    INFO(c.kernel << "/" << c.name);
    CHECK_FALSE((c.unfused && is_known(c)));
  }
}

#if defined(TEMPER_ONEDNN)
TEST_CASE("oneDNN agrees with every case that is one of its operations", "[bench]") {
  int timed = 0;
  for (const KernelCase& c : kernel_cases()) {
    if (!is_known(c) || c.size == CaseSize::network || c.bytes <= 0) continue;
    INFO(c.kernel << "/" << c.name);
    const Work work = prepare_kernel(c, {});
    CHECK(work.note == "");
    timed += work.unfused ? 1 : 0;
  }
  CHECK(timed > 100);
}
#endif
