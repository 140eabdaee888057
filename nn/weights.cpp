#include "nn/weights.h"

#include <algorithm>
#include <cstring>

#include "core/files/npz.h"
#include "core/text.h"
#include "nn/weight_names.h"
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

NamedArray array_of(const ParamBuffer& buffer, int i) {
  const Param& p = buffer.layout()[i];
  NamedArray a{p.name, buffer.dtype(), torch_shape(p.shape), {}};
  a.bytes.resize(p.shape.numel() * size_of(a.dtype));
  const std::vector<double> values = buffer.read(i);
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

std::vector<std::string> names_of(const ParamLayout& params, const ParamLayout& buffers) {
  std::vector<std::string> names;
  for (const ParamLayout* layout : {&params, &buffers})
    for (const Param& p : layout->all()) names.push_back(p.name);
  return names;
}

/// What of `arrays` goes where; everything that does not fit, in one Error.
std::vector<std::pair<const NamedArray*, int>> match(const ParamLayout& params, const ParamLayout& buffers,
                                                     const std::vector<NamedArray>& arrays,
                                                     const std::vector<std::string>& keys, const std::string& who) {
  std::vector<std::string> missing, unexpected, misshapen;
  const std::vector<std::string> wanted = names_of(params, buffers);
  std::vector<std::pair<const NamedArray*, int>> found;
  for (size_t i = 0; i < arrays.size(); ++i) {
    const NamedArray& a = arrays[i];
    const std::string& key = keys[i];
    if (key.empty()) continue;
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
    if (std::find(keys.begin(), keys.end(), name) == keys.end()) missing.push_back(name + did_you_mean(name, keys));
  TEMPER_CHECK(missing.empty() && unexpected.empty() && misshapen.empty(), who,
               ": these weights are of another network", listed("missing", missing), listed("unexpected", unexpected),
               listed("of another shape", misshapen));
  return found;
}

/// "0.mu = (0.4914, 0.4822, 0.4465)", because it says what the network was trained with.
std::string passed_over(const NamedArray& a) {
  const bool is_float = a.dtype == DType::f32 || a.dtype == DType::f64;
  if (!is_normalisation(a.name) || !is_float || a.numel() > 4) return a.name;
  std::vector<std::string> parts;
  for (const double v : values_of(a, {a.numel()}, a.name)) parts.push_back(cat(v));
  return cat(a.name, " = (", join(parts), ")");
}

void note_passed_over(Network& network, const std::vector<NamedArray>& arrays, const std::vector<std::string>& names,
                      const std::string& who) {
  std::vector<std::string> parts;
  const char* end = "";
  for (const NamedArray& a : arrays) {
    if (std::find(names.begin(), names.end(), a.name) == names.end()) continue;
    if (is_normalisation(a.name)) end = "; the network normalises with model.mean and model.std";
    parts.push_back(passed_over(a));
  }
  const size_t more = parts.size() > kListed ? parts.size() - kListed : 0;
  parts.resize(parts.size() - more);
  if (!parts.empty())
    network.note(cat(who, ": ignored ", join(parts), more ? cat(" and ", more, " more") : "",
                     ", which the network does not have", end));
}

/// The arrays of real numbers.
std::vector<NamedArray> load_numbers(Network& network, const std::string& path) {
  const NpzFile file(path);
  std::vector<NamedArray> arrays;
  std::vector<std::string> others;
  for (const std::string& name : file.names())
    if (file.holds_numbers(name))
      arrays.push_back(file.read(name));
    else
      others.push_back(name);
  if (!others.empty()) network.note(cat(path, ": ignored ", join(others), ", which is not numeric"));
  return arrays;
}

bool ends_npz(const std::string& path) {
  if (path.ends_with(".npz")) return true;
  TEMPER_CHECK(path.ends_with(".safetensors"), path,
               ": expected a .safetensors or .npz file; make one from PyTorch's .pt, .pth, .ckpt or .bin with "
               "scripts/convert_pytorch_weights FILE weights.safetensors");
  return false;
}

}  // namespace

std::vector<NamedArray> export_weights(const Weights& weights) {
  std::vector<NamedArray> out;
  for (const ParamBuffer* buffer : {&weights.params, &weights.buffers})
    for (int i = 0; i < buffer->layout().count(); ++i) out.push_back(array_of(*buffer, i));
  return out;
}

void import_weights(Network& network, const std::vector<NamedArray>& arrays, const std::string& who) {
  Weights& w = network.weights();
  const int params = network.params().count();
  std::vector<std::pair<int, std::vector<double>>> values;
  std::vector<std::string> given;
  for (const NamedArray& a : arrays) given.push_back(a.name);
  const WeightNames names = match_names(given, names_of(network.params(), network.buffers()), who);
  for (const auto& [array, i] : match(network.params(), network.buffers(), arrays, names.keys, who)) {
    const Param& p = i < params ? network.params()[i] : network.buffers()[i - params];
    values.emplace_back(i, values_of(*array, p.shape, who));
    if (w.params.dtype() == DType::f32)
      for (double& v : values.back().second) v = static_cast<float>(v);
    if (const auto fault = weights_fault(p.name, p.shape, values.back().second)) fail(who, ": ", *fault);
  }
  for (const auto& [i, v] : values)
    if (i < params)
      w.params.write(i, v);
    else
      w.buffers.write(i - params, v);
  note_passed_over(network, arrays, names.passed_over, who);
}

void load_weights(Network& network, const std::string& path) {
  import_weights(network, ends_npz(path) ? load_numbers(network, path) : load_safetensors(path).arrays, path);
}

void save_weights(const Weights& weights, const std::string& path) {
  if (ends_npz(path))
    save_npz(path, export_weights(weights));
  else
    save_safetensors(path, export_weights(weights));
}

}  // namespace temper
