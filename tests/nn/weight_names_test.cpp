#include "nn/weight_names.h"

#include "kernels/runtime/check.h"
#include "tests/fixtures/catch.h"

using namespace temper;

namespace {

using Names = std::vector<std::string>;

const Names kNetwork = {"conv.weight", "fc.weight", "fc.bias"};

Names keys(const Names& given, const Names& wanted = kNetwork) { return match_names(given, wanted, "w").keys; }

Names behind(const std::string& prefix) {
  Names out;
  for (const std::string& name : kNetwork) out.push_back(prefix + name);
  return out;
}

}  // namespace

TEST_CASE("what stands before all names is dropped", "[networks]") {
  CHECK(keys(kNetwork) == kNetwork);
  for (const char* prefix : {"module.", "model.", "_orig_mod.", "1.", "module.1.", "_orig_mod.module.model.", "net."})
    CHECK(keys(behind(prefix)) == kNetwork);
  Names some = behind("module.");
  some[0] = "conv.weight";
  CHECK(keys(some) == some);  // not before all of them: reported as unexpected
  const Names numbered = {"1.weight", "1.bias"};
  CHECK(keys(numbered, numbered) == numbered);
  CHECK(keys({"1.1.weight", "1.1.bias"}, numbered) == numbered);
  CHECK(keys({"other.a", "other.b"}) == Names{"other.a", "other.b"});  // helps nothing: stays for the message
}

TEST_CASE("known extras are passed over and named", "[networks]") {
  Names given = behind("module.");
  given.insert(given.end(), {"n_averaged", "module.mu", "module.bn.num_batches_tracked", "module.sub_block1.bn1.weight",
                             "0.mean", "0.std", "module.sigma"});
  const WeightNames names = match_names(given, kNetwork, "w");
  Names expected = kNetwork;
  expected.resize(given.size());
  CHECK(names.keys == expected);
  CHECK(names.passed_over ==
        Names{"n_averaged", "module.mu", "module.sub_block1.bn1.weight", "0.mean", "0.std", "module.sigma"});
  const Names own = {"layer.mu", "layer.sigma", "sub_block1.weight"};  // a network that has them gets them
  CHECK(keys(own, own) == own);
  CHECK(is_normalisation("normalize.mean"));
  CHECK_FALSE(is_normalisation("bn.running_mean"));
}

TEST_CASE("names that differ in what is dropped alone are refused", "[networks][errors]") {
  Names twice = kNetwork;
  for (const std::string& name : behind("module.")) twice.push_back(name);
  CHECK_THROWS_WITH(keys(twice),
                    "w: holds 'conv.weight' twice, as 'conv.weight' and as 'module.conv.weight'; remove "
                    "those that are not meant");
  Names nested = behind("model.");
  for (const std::string& name : behind("model.module.")) nested.push_back(name);
  CHECK_THROWS_AS(keys(nested), Error);
}
