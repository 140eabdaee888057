#include "trainers/methods/parts/other_network.h"

#include "core/files/folders.h"
#include "core/files/npz.h"
#include "core/text.h"
#include "kernels/runtime/rng_stream.h"
#include "trainers/state/checkpoint.h"

namespace temper {

namespace {

constexpr const char* kWeights = "weights";

/// The number of outputs of the network in a file, by the array that is called as the last parameter of `network`; 0:
/// there is none.
int64_t outputs_in(const std::string& file, const Network& network) {
  const ParamLayout& layout = network.params();
  const std::string last = layout[layout.count() - 1].name;
  for (const NamedArray& a : file.ends_with(".npz") ? load_npz(file) : load_safetensors(file).arrays)
    if ((a.name == last || a.name.ends_with("." + last)) && !a.shape.empty()) return a.shape[0];
  return 0;
}

void load(Network& network, const std::string& file) {
  TEMPER_CHECK(is_there(file), "expected a safetensors or npz file, got '", file,
               "', which does not exist; train that network first, or name another file");
  try {
    load_network(network, file);
  } catch (const Error&) {
    const int64_t outputs = outputs_in(file, network), wanted = network.options().data.classes;
    TEMPER_CHECK(outputs == 0 || outputs == wanted, file, ": expected a network with ", wanted,
                 " outputs, one for each class, got one with ", outputs,
                 "; name the weights of a network for the same classes");
    throw;
  }
}

}  // namespace

void OtherNetwork::fields(Fields& own) {
  std::string architecture = default_architecture_;
  architecture_ = Registry<Architecture>::instance().read(own, "model", architecture, [&](Fields& sub) {
    sub("mean", mean_, Limits::between(0, 1),
        "per channel, subtracted from its images; []: as model.mean and model.std");
    sub("std", std_, Limits::above(0).up_to(1).usually(0.01, 1), "per channel, divides them");
    if (mean_.size() != std_.size())
      sub.reject("std", "expected as many values as mean has (", mean_.size(), "), got ", std_.size());
  });
  own(kWeights, weights_, "safetensors or npz file to start from; untrained: initialise from the seed");
}

void OtherNetwork::check_named(const Fields& method) const {
  if (weights_.empty())
    method.reject(cat(name_, ".", kWeights).c_str(),
                  "expected a file of weights, because the method learns from a trained network, got none; name a "
                  ".safetensors or .npz file, such as checkpoints/best.safetensors of a run");
}

void OtherNetwork::begin(const TrainContext& c, int64_t outputs) {
  Network::Options options = c.model.options();
  options.branches = {"main"};
  if (outputs > 0) options.data.classes = outputs;
  if (!mean_.empty()) options.mean = mean_, options.std = std_;
  options.seed = RngStream(options.seed).derive(name_).key().seed;  // not the numbers of the network in training
  try {
    network_ = std::make_unique<Network>(c.engine, *architecture_, options);
    if (has_file()) load(*network_, weights_);
  } catch (const Error& e) {
    fail("trainer.", name_, has_file() ? ".weights: " : ": ", e.what());
  }
}

std::vector<std::string> without_files(const std::vector<FieldDoc>& keys) {
  std::vector<std::string> out;
  for (const FieldDoc& key : keys)
    if (key.key.ends_with(cat(".", kWeights))) out.push_back(cat("trainer.", key.key, "=", kUntrained));
  return out;
}

}  // namespace temper
