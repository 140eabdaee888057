#pragma once
// A thin owner layer over cuDNN's graph API (cudnnBackend...): descriptors, an operation graph, a finished plan.
// Only for files compiled with CUDA. Graphs can be built, and engines asked for, without a GPU when the device is
// described by a DEVICEPROP descriptor instead of a handle.
#include <cudnn.h>

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/convolution/conv_key.h"
#include "kernels/runtime/cuda_handle.h"

namespace temper::cudnn {

/// Throws Error with cuDNN's own text.
void check(cudnnStatus_t status, const char* what);

template <class T>
inline constexpr cudnnBackendAttributeType_t kAttributeType = CUDNN_TYPE_VOID_PTR;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<int64_t> = CUDNN_TYPE_INT64;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<float> = CUDNN_TYPE_FLOAT;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<bool> = CUDNN_TYPE_BOOLEAN;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<char> = CUDNN_TYPE_CHAR;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnHandle_t> = CUDNN_TYPE_HANDLE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnDataType_t> = CUDNN_TYPE_DATA_TYPE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnConvolutionMode_t> = CUDNN_TYPE_CONVOLUTION_MODE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnPointwiseMode_t> = CUDNN_TYPE_POINTWISE_MODE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnGenStatsMode_t> = CUDNN_TYPE_GENSTATS_MODE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnBackendHeurMode_t> = CUDNN_TYPE_HEUR_MODE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnBackendNumericalNote_t> = CUDNN_TYPE_NUMERICAL_NOTE;
template <>
inline constexpr cudnnBackendAttributeType_t kAttributeType<cudnnBackendBehaviorNote_t> = CUDNN_TYPE_BEHAVIOR_NOTE;

/// Owns one backend descriptor; setters chain.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);

  cudnnBackendDescriptor_t get() const { return handle_; }
  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, std::span<const T> values) {
    check(cudnnBackendSetAttribute(get(), name, kAttributeType<T>, values.size(), values.data()), "set attribute");
    return *this;
  }
  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, const std::vector<T>& values) {
    return set(name, std::span<const T>(values));
  }
  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, T value) {
    return set(name, std::span<const T>(&value, 1));
  }
  Descriptor& set(cudnnBackendAttributeName_t name, const Descriptor& other);
  Descriptor& set(cudnnBackendAttributeName_t name, std::span<const Descriptor> others);
  Descriptor& finalize(const char* what);

  /// Up to `most` values of an attribute.
  template <class T>
  std::vector<T> get(cudnnBackendAttributeName_t name, int64_t most) const {
    std::vector<T> values(most);
    int64_t count = 0;
    check(cudnnBackendGetAttribute(get(), name, kAttributeType<T>, most, &count, values.data()), "get attribute");
    values.resize(std::min(count, most));
    return values;
  }

 private:
  CudaHandle<cudnnBackendDescriptor_t, cudnnBackendDestroyDescriptor> handle_;
};

/// Extents in cuDNN's order (N, C, H, W); the data lies as (N, H, W, C).
using Extents = std::vector<int64_t>;

struct ConvGeometry {
  int64_t stride = 1, pad = 0;
};

/// Builds an operation graph. Tensors are named by ids; ids below kFirstInternal get a pointer at execution, the others
/// (f32) are virtual and never reach memory.
class Graph {
 public:
  static constexpr int64_t kFirstInternal = 1000;

  int64_t tensor(int64_t id, const Extents& extents, cudnnDataType_t type, int64_t alignment = 16);
  int64_t internal(const Extents& extents);

  void conv_forward(int64_t x, int64_t w, int64_t y, ConvGeometry g);
  /// dx = beta * dx + ...
  void conv_backward_data(int64_t dy, int64_t w, int64_t dx, ConvGeometry g, float beta);
  void conv_backward_filter(int64_t x, int64_t dy, int64_t dw, ConvGeometry g, float beta);
  /// y = mode(a [, b]) in f32.
  void pointwise(cudnnPointwiseMode_t mode, int64_t a, std::optional<int64_t> b, int64_t y);

  /// dx = y > 0 ? dy : 0, where y is the output of the ReLU.
  void relu_backward(int64_t y, int64_t dy, int64_t dx);

  /// Per-channel sums of x and x^2.
  void statistics(int64_t x, int64_t sum, int64_t squares);

  const std::vector<Descriptor>& operations() const { return operations_; }

 private:
  const Descriptor& at(int64_t id) const { return tensors_.at(id); }
  int64_t add_tensor(int64_t id, const Extents& extents, cudnnDataType_t type, int64_t alignment);

  std::map<int64_t, Descriptor> tensors_;
  std::vector<Descriptor> operations_;
  int64_t next_internal_ = kFirstInternal;
};

/// The target of plans: a handle, or a described device, for which plans can be inspected but not run.
struct Target {
  cudnnHandle_t handle = nullptr;
  const Descriptor* device = nullptr;
};

/// The precision that engines must have. Engines that are not deterministic are never used.
enum class Math : uint8_t { strict, tensor_core };  ///< strict: f32 arithmetic throughout, operands not rounded

struct Limits {
  Math math = Math::strict;
  int64_t workspace = int64_t{256} << 20;
  std::vector<std::string> without = {};  ///< names of engines that must not be used
};

/// Properties of the engine of a configuration, as reported by cuDNN.
struct EngineFacts {
  int64_t index = 0;         ///< its number among the engines for such graphs
  bool compiled = false;     ///< at run time, through the driver
  bool tensor_core = false;  ///< or otherwise less than f32 throughout
  bool deterministic = true;
};
EngineFacts engine_facts(const Descriptor& config);
/// "e12"
std::string name(const EngineFacts& facts);

struct Plan {
  Descriptor plan;
  EngineFacts facts;
  int64_t workspace = 0;

  /// `ids` and `pointers` name every tensor of the graph that is not internal.
  void execute(cudnnHandle_t handle, std::span<const int64_t> ids, std::span<void* const> pointers,
               void* scratch) const;
  /// The plan as text, which can be loaded on a machine with the same device and cuDNN. Throws Error if the engine
  /// cannot be serialised.
  std::string json() const;
};

/// The engine configurations that cuDNN proposes within the limits, best first. Not every one can be finalised as a
/// plan. Counts the refused ones in `refusals`.
std::vector<Descriptor> engine_configs(const Graph& graph, Target target, const Limits& limits,
                                       PlanRefusals* refusals = nullptr);
/// The first `most` of them that can be finalised as plans.
std::vector<Plan> find_plans(const Graph& graph, Target target, const Limits& limits, size_t most,
                             PlanRefusals* refusals = nullptr);
/// Throws Error if cuDNN cannot finalise it.
Plan plan_of(const Descriptor& config, Target target);
/// A plan from its text. Throws Error if cuDNN does not accept it.
Plan plan_from_json(const std::string& json, Target target);

/// A device described in cuDNN's JSON. Throws Error if this cuDNN does not support that.
Descriptor device_from_json(const std::string& json);

}  // namespace temper::cudnn
