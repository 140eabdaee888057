#pragma once
// The configuration of a training run, as read from one YAML file.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "attacks/attack.h"
#include "core/config/config.h"
#include "core/engine.h"
#include "core/graph/step_graph.h"
#include "data/dataset.h"
#include "data/extra.h"
#include "data/loader.h"
#include "nn/module.h"
#include "trainers/optimizers/averages.h"
#include "trainers/optimizers/optimizer_section.h"
#include "trainers/optimizers/schedule.h"
#include "trainers/optimizers/weight_perturbation.h"
#include "trainers/trainer.h"

namespace TEMPER_API temper {

enum class DeviceChoice : uint8_t { automatic, cpu, cuda };
/// Whether the last batch of an evaluation is padded to the full size (LastBatch). automatic: padded on a GPU, where a
/// second batch size would need a second set of plans.
enum class EvaluationLastBatch : uint8_t { automatic, keep, pad };
/// What follows a collapse of robust accuracy. roll_back: weights, optimiser, averages and the method's own state
/// become those of the last good measurement; position, schedule and data go on.
enum class OnCollapse : uint8_t { warn, stop, roll_back };
/// Whose robust validation accuracy decides which epoch is best: the trained network's, or an average's.
enum class Select : uint8_t { model, ema, swa };

struct DataSection {
  std::string name = "fashion_mnist_small";
  std::unique_ptr<DatasetReader> reader;
  int64_t validation = 1000;  ///< images held out of the training split: selection never sees the test split
  ExtraSection extra;
};

struct ModelSection {
  std::string name = "small_cnn";
  std::unique_ptr<Architecture> architecture;
  std::vector<double> mean, std;  ///< per channel; empty: none
  std::vector<std::string> branches = {"main"};
  std::vector<std::string> freeze;  ///< globs
  std::string weights;              ///< file to start from; empty: initialise
};

struct TrainerSection {
  std::string name = "pgd_at";
  std::unique_ptr<Trainer> method;
};

struct ScheduleSection {
  std::string name = "constant";
  std::unique_ptr<Schedule> schedule;
};

/// An attack under the label that reports show.
struct NamedAttack {
  std::string label, name = "pgd";
  std::unique_ptr<Attack> attack = {};
};

struct EvaluationSection {
  int64_t batch_size = 256;
  NamedAttack validation{.label = "validation"};  ///< the attack for robust validation accuracy
  std::vector<NamedAttack> attacks;               ///< measured on the test split, once, after training
  EvaluationLastBatch last_batch = EvaluationLastBatch::automatic;
  void fields(Fields& f);
  /// The options of a loader for evaluations.
  LoaderOptions loader(Device device) const;
};

/// Measurements of robust accuracy between validations, under the validation attack, on a few images.
struct ProbeSection {
  enum class Split : uint8_t { validation, train };
  int64_t every = 0;     ///< steps between two of them; 0: none
  int64_t images = 256;  ///< at most so many: the first of the split, without augmentation
  Split split = Split::validation;
  bool on() const { return every > 0; }
  void fields(Fields& f);
};

struct LoopSection {
  int64_t epochs = 10;
  int64_t batch_size = 128;
  LastBatch last_batch = LastBatch::keep;
  int64_t eval_every = 1;        ///< epochs between validations; the last epoch is always validated
  int64_t early_stop = 0;        ///< validations without a better robust accuracy before stopping; 0: never
  int64_t checkpoint_every = 1;  ///< epochs
  int64_t checkpoint_steps = 0;  ///< steps within an epoch between further checkpoints; 0: none
  int64_t log_every = 20;        ///< steps between lines in metrics.jsonl
  double collapse = 0.5;         ///< share of the best robust accuracy below which training has collapsed; 0: no guard
  OnCollapse on_collapse = OnCollapse::warn;
  ProbeSection probe;
  Select select = Select::model;
  void fields(Fields& f);
};

/// The type of activations. tf32 is stored as f32; on a GPU convolutions round their operands to 10 bits of mantissa,
/// on the CPU it is the same as f32.
enum class Precision : uint8_t { f32, tf32, bf16, f16, f64 };
const char* name(Precision p);

/// How the plans of convolutions are chosen on a GPU.
struct ConvolutionSection {
  PlanChoice plans = PlanChoice::proposed;
  PlanCheck check = PlanCheck::on;
  std::string cache = "auto";
  int64_t workspace_mb = 256;
  BatchStatistics statistics = BatchStatistics::separate;
  void fields(Fields& f);
  /// Where plans are kept; empty: nowhere.
  std::string plan_folder() const;
};

/// The configuration of one run, with every choice resolved.
struct Experiment {
  uint64_t seed = 0;
  DeviceChoice device = DeviceChoice::automatic;
  int threads = 0;
  Precision precision = Precision::f32;
  int64_t loss_scale = 0;  ///< for f16; 0: adjusted automatically by training and attacks
  bool exact = false;
  Optimisations without;  ///< switched off, by `exact` or by name
  GraphUse graph = GraphUse::automatic;
  int64_t arena_mb = 0;
  ConvolutionSection convolution;
  DataSection data;
  ModelSection model;
  TrainerSection trainer;
  BatchAugmentation augment;
  OptimizerSection optimizer;
  ScheduleSection schedule;
  LoopSection loop;
  EmaOptions ema;
  SwaOptions swa;
  AwpOptions awp;
  EvaluationSection evaluation;

  void fields(Fields& f);
  /// The rules between sections, once all are read.
  void check(Fields& f) const;
  /// The device that `device` means on this machine.
  Device resolved_device() const;
  EngineOptions engine_options() const;
  Network::Options network_options(const DataShape& shape) const;

  /// The resolved configuration: every key with its value, as written to config.yaml. Filled by read_experiment().
  ConfigNode resolved;
  /// Settings that are allowed but probably a mistake, one message each. Filled by read_experiment().
  std::vector<std::string> warnings;
};

/// Reads and checks a whole experiment. Throws Error with file and line for anything unknown or out of range.
Experiment read_experiment(const Config& config);

/// The network of an experiment, with its starting weights loaded and its frozen parameters marked.
std::unique_ptr<Network> make_network(Engine& engine, const Experiment& experiment, const DataShape& shape);

}  // namespace temper
