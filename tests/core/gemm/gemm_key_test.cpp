#include "core/gemm/gemm_key.h"

#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

const PlanSource kSource{.library = "cuBLASLt 13.1.0", .device = "NVIDIA H100 (sm_90)", .workspace = int64_t{32} << 20};
const GemmKey kHead{.m = 128, .n = 10, .k = 512, .tb = Transpose::yes};

}  // namespace

TEST_CASE("a product's refusal names op, type, shapes, library, device and what to change", "[plans]") {
  CHECK(refusal_text(kHead, {.proposed = 3, .imprecise = 2, .failed = 1, .last_failure = "not supported"}, kSource) ==
        "gemm: cuBLASLt 13.1.0 on NVIDIA H100 (sm_90) has no algorithm that repeats bit for bit within 32 MiB of work "
        "space for the f32 product of a (128, 512) and b (10, 512) transposed: of 3 it proposes, 2 would round their "
        "operands, 1 could not be built (not supported); use precision.compute: tf32, or device: cpu");
  CHECK_THAT(refusal_text(kHead, {}, kSource),
             ContainsSubstring(": it proposes none; check with `temper version` that the driver is not older"));
  GemmKey odd = kHead;
  odd.alignment = 4;
  odd.math = GemmMath::f64;
  odd.bias = true;
  CHECK_THAT(refusal_text(odd, {}, kSource),
             ContainsSubstring("f64 product + bias of a") && ContainsSubstring("start at a multiple of 16 bytes"));
}
