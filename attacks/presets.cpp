// The attacks of the literature by name: values, no code. Papers that say "PGD-20" or "C&W" mean different ones of
// these.
#include "attacks/pgd.h"

namespace temper {

namespace {

using Start = PgdOptions::Start;
using Loss = PgdOptions::Loss;

struct Preset {
  const char* name;
  const char* doc;
  PgdOptions options;
};

constexpr double kEight = 8.0 / 255, kTwo = 2.0 / 255;

const Preset kPresets[] = {
    {"pgd", "projected gradient descent (Madry et al. 2018)", {}},
    {"fgsm",
     "one step of length radius along the gradient's sign (Goodfellow et al. 2015)",
     {.step = 0, .steps = 1, .start = Start::none}},
    {"cw_linf", "PGD on the margin loss: the C&W column of tables in papers", {.steps = 30, .loss = Loss::margin}},
    {"mi_fgsm",
     "momentum iterative FGSM, steps of radius / steps, no random start (Dong et al. 2018)",
     {.step = 0, .start = Start::none, .momentum = 1}},
    {"fgsm-fat",
     "FAT's FGSM: uniform start, one step of the radius, projection",
     {.radius = 0.031, .step = 0, .steps = 1}},
    {"pgd20-trades",
     "PGD-20 of TRADES (since March 2019) and MART",
     {.radius = 0.031, .step = 0.003, .steps = 20, .start = Start::uniform_unclipped}},
    {"pgd20-trades-orig",
     "PGD-20 of the TRADES paper: no random start",
     {.radius = 0.031, .step = 0.003, .steps = 20, .start = Start::none}},
    {"pgd20-cure",
     "PGD-20 of CURE's test script",
     {.radius = kEight, .step = 0.003, .steps = 20, .start = Start::uniform_unclipped}},
    {"pgd20-cure-monitor",
     "PGD-20 that CURE's training logs show",
     {.radius = 0.031, .step = 0.003, .steps = 20, .start = Start::uniform_unclipped}},
    {"pgd20-cure-cka",
     "PGD-20 behind CURE's CKA figures",
     {.radius = 0.031, .step = 0.0078, .steps = 20, .start = Start::uniform_unclipped}},
    {"pgd20-fat", "PGD-20 of FAT: steps of radius / 4", {.radius = 0.031, .step = 0.031 / 4, .steps = 20}},
    {"pgd20-fat-orig",
     "PGD-20 of FAT without random start",
     {.radius = 0.031, .step = 0.031 / 4, .steps = 20, .start = Start::none}},
    {"pgd20-madry",
     "PGD-20 of the CIFAR-10 challenge: 20 steps of 1/255",
     {.radius = kEight, .step = 1.0 / 255, .steps = 20}},
    {"pgd20-2", "PGD-20 with steps of 2/255", {.radius = kEight, .step = kTwo, .steps = 20}},
    {"pgd10-rice",
     "PGD-10 of Rice et al. 2020: of several runs the one of highest loss is kept",
     {.radius = kEight, .step = kTwo, .steps = 10}},
    {"pgd50", "50 steps of 2/255", {.radius = kEight, .step = kTwo, .steps = 50}},
    {"pgd100", "100 steps of 2/255", {.radius = kEight, .step = kTwo, .steps = 100}},
    {"pgd10-trades-train",
     "training attack of TRADES and MART: 10 steps of 0.007 from 0.001 N(0, 1)",
     {.radius = 0.031, .step = 0.007, .steps = 10, .start = Start::gauss001}},
    {"cw30-fat",
     "C&W of FAT: 30 steps of radius / 4 on the margin loss",
     {.radius = 0.031, .step = 0.031 / 4, .steps = 30, .loss = Loss::margin}},
    {"cw30-mart",
     "C&W of MART and TRADES in FAT's comparison: 30 steps of 0.003 on the margin loss",
     {.radius = 0.031, .step = 0.003, .steps = 30, .loss = Loss::margin}},
    {"cw20-cure",
     "C&W of CURE: 20 steps of 0.003 on the margin loss",
     {.radius = kEight, .step = 0.003, .steps = 20, .start = Start::uniform_unclipped, .loss = Loss::margin}},
};

[[maybe_unused]] const bool registered = [] {
  for (const Preset& p : kPresets)
    Registry<Attack>::instance().add(p.name, p.doc, [&p] { return std::make_unique<Pgd>(p.options); });
  return true;
}();

}  // namespace

}  // namespace temper
