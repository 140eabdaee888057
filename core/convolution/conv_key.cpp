#include "core/convolution/conv_key.h"

#include "kernels/runtime/check.h"

namespace temper {

const char* name(ConvType t) {
  switch (t) {
    case ConvType::f32: return "f32";
    case ConvType::tf32: return "tf32";
    case ConvType::bf16: return "bf16";
    case ConvType::f16: return "f16";
  }
  return "?";
}

std::string pass_text(const ConvKey& key) {
  static const char* const kNames[] = {"forward", "data gradient", "filter gradient"};
  std::string text = kNames[static_cast<int>(key.pass)];
  if (key.residual) text += " + residual";
  if (key.bias) text += " + bias";
  if (key.relu) text += " + ReLU";
  if (key.statistics) text += " + statistics";
  if (key.mask) text += " + dReLU";
  if (key.accumulate) text += ", added to what is there";
  return text;
}

std::string shape_text(const ConvShape& g) {
  return cat("x (", g.n, ", ", g.h, ", ", g.w, ", ", g.c, "), w (", g.k, ", ", g.r, ", ", g.s, ", ", g.c, "), stride ",
             g.stride, ", padding ", g.pad);
}

std::string id_text(const ConvKey& key) {
  return cat("conv2d ", pass_text(key), ", ", name(key.type), ", ", shape_text(key.shape), ", aligned to ",
             key.alignment);
}

namespace {

std::string advice(const ConvKey& key, const PlanRefusals& r) {
  const bool narrow = key.type == ConvType::bf16 || key.type == ConvType::f16;
  if (r.too_large > 0)
    return cat("raise convolution.workspace_mb to ", (r.least_workspace + (1 << 20) - 1) >> 20, " or lower batch_size");
  if (narrow && (key.shape.c % 8 != 0 || key.shape.k % 8 != 0))
    return "give the layer channel counts that are multiples of 8, or use precision.compute: f32";
  if (key.alignment < 16) return "pass arrays that start at a multiple of 16 bytes";
  if (r.proposed == 0)
    return "check that cuDNN's own libraries and libnvrtc lie where the loader finds them, or use device: cpu";
  return narrow ? "use precision.compute: f32" : "use another batch_size, or device: cpu";
}

}  // namespace

std::string refusal_text(const ConvKey& key, const PlanRefusals& r, const PlanSource& source) {
  return cat("conv2d: ", source.library, " on ", source.device, " has no engine for ", pass_text(key), " in ",
             name(key.type), " of ", shape_text(key.shape), ": ", refused_text(r, source), "; ", advice(key, r));
}

}  // namespace temper
