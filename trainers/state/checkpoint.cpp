#include "trainers/state/checkpoint.h"

#include <charconv>
#include <map>

#include "core/files/file.h"
#include "kernels/runtime/memory.h"
#include "nn/weights.h"
#include "nn/weights_check.h"

namespace temper {

namespace {

constexpr const char *kConfigKey = "config", *kInputsKey = "inputs";

std::string array_name(const std::string& buffer, const Param& p) { return buffer + "." + p.name; }

std::vector<int64_t> extents(const Shape& s) {
  std::vector<int64_t> out;
  for (int i = 0; i < s.rank(); ++i) out.push_back(s[i]);
  return out;
}

class Writer : public StateVisitor {
 public:
  void operator()(const std::string& name, double& value) override { put(name, value); }
  void operator()(const std::string& name, int64_t& value) override { put(name, value); }
  void operator()(const std::string& name, ParamBuffer& buffer) override {
    for (int i = 0; i < buffer.layout().count(); ++i) {
      const Tensor t = buffer.view(i);
      NamedArray a{array_name(name, buffer.layout()[i]), t.dtype, extents(t.shape), std::vector<char>(t.bytes())};
      copy(buffer.stream(), a.bytes.data(), Device::cpu, t.data, t.device, t.bytes());
      synchronize(buffer.stream());
      out.arrays.push_back(std::move(a));
    }
  }
  Safetensors out;

 private:
  template <class T>
  void put(const std::string& name, T value) {
    char text[40];
    const auto end = std::to_chars(text, text + sizeof text, value).ptr;  // the shortest text that reads back the same
    TEMPER_CHECK(out.metadata.emplace(name, std::string(text, end)).second, "checkpoint: '", name,
                 "' is written twice");
  }
};

class Reader : public StateVisitor {
 public:
  Reader(const Safetensors& from, const std::string& file) : from_(from), file_(file) {
    for (const NamedArray& a : from.arrays) arrays_[a.name] = &a;
  }
  void operator()(const std::string& name, double& value) override { get(name, value); }
  void operator()(const std::string& name, int64_t& value) override { get(name, value); }
  void operator()(const std::string& name, ParamBuffer& buffer) override {
    for (int i = 0; i < buffer.layout().count(); ++i) {
      const Tensor t = buffer.view(i);
      const std::string full = array_name(name, buffer.layout()[i]);
      const auto at = arrays_.find(full);
      TEMPER_CHECK(at != arrays_.end(), file_, ": holds no array '", full, "'; was it written by another model?");
      TEMPER_CHECK(at->second->shape == extents(t.shape) && at->second->dtype == t.dtype, file_, ": '", full,
                   "' should be ", t.shape, " ", t.dtype,
                   ", got another shape or type; was it written by another model?");
      copy(buffer.stream(), t.data, t.device, at->second->bytes.data(), Device::cpu, t.bytes());
      synchronize(buffer.stream());
      if (const auto fault = weights_fault(full, t.shape, buffer.read(i))) fail(file_, ": ", *fault);
    }
    buffer.bump_version();
  }

 private:
  template <class T>
  void get(const std::string& name, T& value) {
    const auto at = from_.metadata.find(name);
    TEMPER_CHECK(at != from_.metadata.end(), file_, ": holds no number '", name,
                 "'; was it written by another method?");
    const std::string& text = at->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    TEMPER_CHECK(error == std::errc() && end == text.data() + text.size(), file_, ": '", name,
                 "' should be a number, got '", text, "'");
  }

  const Safetensors& from_;
  const std::string& file_;
  std::map<std::string, const NamedArray*> arrays_;
};

}  // namespace

void visit_network(StateVisitor& v, Network& network) {
  v("model.params", network.weights().params);
  v("model.buffers", network.weights().buffers);
}

Safetensors collect(const VisitState& visit) {
  Writer writer;
  visit(writer);
  return std::move(writer.out);
}

void restore(const Safetensors& from, const std::string& file, const VisitState& visit) {
  Reader reader(from, file);
  visit(reader);
}

void save_checkpoint(const RunFolder& folder, const CheckpointNotes& notes, const VisitState& visit) {
  Safetensors state = collect(visit);
  state.metadata[kConfigKey] = notes.config;
  if (!notes.inputs.empty()) state.metadata[kInputsKey] = notes.inputs;
  std::error_code told_below;
  std::filesystem::create_directory(folder.checkpoints(), told_below);  // not where the folder of the run is gone
  if (std::filesystem::exists(folder.last())) name_also(folder.last().string(), folder.previous().string());
  save_safetensors(folder.last().string(), state.arrays, state.metadata);
}

LoadedCheckpoint load_checkpoint(const RunFolder& folder) {
  std::string wrong;
  for (const std::filesystem::path& file : {folder.last(), folder.previous()}) {
    try {
      LoadedCheckpoint loaded{load_safetensors(file.string()), file.string(), {}, {}};
      Metadata& metadata = loaded.content.metadata;
      loaded.notes = {.config = metadata[kConfigKey], .inputs = metadata[kInputsKey]};
      if (!wrong.empty())
        loaded.warning = cat("continuing from the previous checkpoint, ", loaded.file,
                             ", because the last one cannot be "
                             "read: ",
                             wrong);
      return loaded;
    } catch (const Error& e) {
      wrong += (wrong.empty() ? "" : "; ") + std::string(e.what());
    }
  }
  fail("resume: no usable checkpoint in ", folder.checkpoints().string(), ": ", wrong);
}

void load_network(Network& network, const std::string& file) {
  if (file.ends_with(".safetensors")) {
    const Safetensors content = load_safetensors(file);
    if (content.metadata.count(kConfigKey) > 0)
      return restore(content, file, [&](StateVisitor& v) { visit_network(v, network); });
  }
  load_weights(network, file);
}

}  // namespace temper
