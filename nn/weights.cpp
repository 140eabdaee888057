#include "nn/weights.h"

#include <algorithm>
#include <cstring>

#include "core/npz.h"
#include "core/text.h"
#include "nn/weights_check.h"

namespace temper {

namespace {

constexpr size_t kListed = 8;  // names of one kind in an error message

/// The place of element `i` of a (K, C, R, S) filter in the (K, R, S, C) one.
int64_t to_krsc(const Shape& krsc, int64_t i) {
  const int64_t r = krsc[1], s = krsc[2], c = krsc[3];
  const int64_t is = i % s, ir = i / s % r, ic = i / (s * r) % c, ik = i / (s * r * c);
  return ((ik * r + ir) * s + is) * c + ic;
}

std::vector<int64_t> torch_shape(const Shape& s) {
  if (s.rank() == 4) return {s[0], s[3], s[1], s[2]};
  std::vector<int64_t> out;
  for (int i = 0; i < s.rank(); ++i) out.push_back(s[i]);
  return out;
}

std::string text_of(const std::vector<int64_t>& shape) {
  std::vector<std::string> parts;
  for (const int64_t e : shape) parts.push_back(std::to_string(e));
  return "(" + join(parts) + ")";
}

std::string key_of(const NamedArray& a) {
  return a.name.starts_with("module.") ? a.name.substr(std::strlen("module.")) : a.name;
}

std::vector<double> values_of(const NamedArray& a, const Shape& shape, const std::string& who) {
  std::vector<double> out(a.numel());
  const auto read = [&](auto tag) {
    using T = decltype(tag);
    for (size_t i = 0; i < out.size(); ++i) {
      T v;
      std::memcpy(&v, a.bytes.data() + i * sizeof v, sizeof v);
      out[shape.rank() == 4 ? to_krsc(shape, static_cast<int64_t>(i)) : i] = v;
    }
  };
  TEMPER_CHECK(a.dtype == DType::f32 || a.dtype == DType::f64 || a.dtype == DType::bf16 || a.dtype == DType::f16, who,
               ": array '", a.name, "' is ", a.dtype, "; expected a floating point type");
  dispatch_float(a.dtype, read);
  return out;
}

NamedArray array_of(const Flat& flat, int i) {
  const Param& p = flat.store()[i];
  NamedArray a{p.name, flat.dtype(), torch_shape(p.shape), {}};
  a.bytes.resize(p.shape.numel() * size_of(a.dtype));
  const std::vector<double> values = flat.read(i);
  dispatch_full(a.dtype, [&](auto tag) {
    using T = decltype(tag);
    for (size_t e = 0; e < values.size(); ++e) {
      const T v = static_cast<T>(values[p.shape.rank() == 4 ? to_krsc(p.shape, static_cast<int64_t>(e)) : e]);
      std::memcpy(a.bytes.data() + e * sizeof v, &v, sizeof v);
    }
  });
  return a;
}

std::string listed(const char* title, const std::vector<std::string>& items) {
  if (items.empty()) return "";
  std::string out = cat("\n  ", title, ":");
  for (size_t i = 0; i < std::min(items.size(), kListed); ++i) out += "\n    " + items[i];
  if (items.size() > kListed) out += cat("\n    and ", items.size() - kListed, " more");
  return out;
}

/// What of `arrays` goes where; everything that does not fit, in one Error.
std::vector<std::pair<const NamedArray*, int>> match(const ParamStore& params, const ParamStore& buffers,
                                                     const std::vector<NamedArray>& arrays, const std::string& who) {
  std::vector<std::string> wanted, given, missing, unexpected, misshapen;
  for (const ParamStore* store : {&params, &buffers})
    for (const Param& p : store->all()) wanted.push_back(p.name);
  for (const NamedArray& a : arrays) given.push_back(key_of(a));

  std::vector<std::pair<const NamedArray*, int>> found;
  for (const NamedArray& a : arrays) {
    const std::string key = key_of(a);
    if (key.ends_with("num_batches_tracked")) continue;
    const int p = params.find(key), b = buffers.find(key);
    if (p < 0 && b < 0) {
      unexpected.push_back(key + " " + text_of(a.shape) + did_you_mean(key, wanted));
      continue;
    }
    const std::vector<int64_t> shape = torch_shape((p < 0 ? buffers[b] : params[p]).shape);
    if (shape != a.shape) misshapen.push_back(cat(key, " is ", text_of(a.shape), ", the network has ", text_of(shape)));
    found.emplace_back(&a, p < 0 ? params.count() + b : p);
  }
  for (const std::string& name : wanted)
    if (std::find(given.begin(), given.end(), name) == given.end()) missing.push_back(name + did_you_mean(name, given));
  TEMPER_CHECK(missing.empty() && unexpected.empty() && misshapen.empty(), who,
               ": these weights are of another network", listed("missing", missing), listed("unexpected", unexpected),
               listed("of another shape", misshapen));
  return found;
}

bool ends_npz(const std::string& path) {
  if (path.ends_with(".npz")) return true;
  TEMPER_CHECK(path.ends_with(".safetensors"), path,
               ": expected a .safetensors or .npz file; from PyTorch write one "
               "with safetensors.torch.save_file(model.state_dict(), 'weights.safetensors')");
  return false;
}

}  // namespace

std::vector<NamedArray> export_weights(const Weights& weights) {
  std::vector<NamedArray> out;
  for (const Flat* flat : {&weights.params, &weights.buffers})
    for (int i = 0; i < flat->store().count(); ++i) out.push_back(array_of(*flat, i));
  return out;
}

void import_weights(Network& network, const std::vector<NamedArray>& arrays, const std::string& who) {
  Weights& w = network.weights();
  const int params = network.params().count();
  std::vector<std::pair<int, std::vector<double>>> values;
  for (const auto& [array, i] : match(network.params(), network.buffers(), arrays, who)) {
    const Shape& shape = (i < params ? network.params()[i] : network.buffers()[i - params]).shape;
    values.emplace_back(i, values_of(*array, shape, who));
    if (w.params.dtype() == DType::f32)
      for (double& v : values.back().second) v = static_cast<float>(v);
    if (const auto fault = weights_fault(key_of(*array), shape, values.back().second)) fail(who, ": ", *fault);
  }
  for (const auto& [i, v] : values)
    if (i < params)
      w.params.write(i, v);
    else
      w.buffers.write(i - params, v);
}

void load_weights(Network& network, const std::string& path) {
  import_weights(network, ends_npz(path) ? load_npz(path) : load_safetensors(path).arrays, path);
}

void save_weights(const Weights& weights, const std::string& path) {
  if (ends_npz(path))
    save_npz(path, export_weights(weights));
  else
    save_safetensors(path, export_weights(weights));
}

}  // namespace temper
