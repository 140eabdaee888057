#include <fmt/format.h>

#include <ostream>

#include "apps/audit.h"
#include "apps/progress.h"
#include "core/files/folders.h"
#include "core/text.h"
#include "evaluation/precision_audit.h"
#include "trainers/records/run_files.h"
#include "trainers/records/run_network.h"

namespace temper {

namespace {

nlohmann::ordered_json to_json(const PrecisionAudit& a) {
  const auto gradients = [](const PrecisionAudit::Gradients& g) {
    return nlohmann::ordered_json{
        {"same_sign", g.same_sign}, {"cosine", g.cosine}, {"zero_f32", g.zero_reference}, {"zero", g.zero}};
  };
  return {{"images", a.images},
          {"same_label_percent", a.same_label},
          {"gradient_at_clean", gradients(a.clean)},
          {"gradient_at_adversarial", gradients(a.adversarial)},
          {"attack_loss_f32", a.loss_reference},
          {"attack_loss", a.loss},
          {"robust_percent_f32", a.robust_reference},
          {"robust_percent", a.robust}};
}

struct AuditOfPrecision : AuditSubject {
  std::string run_folder, compute, weights = "last", json;
  std::vector<std::string> overrides;
  int64_t limit = 512;
  bool quiet = false;

  void declare(Arguments& app) override {
    app.take("run", run_folder, "folder of a run").required();
    app.take("--compute", compute, "the precision to compare with f32; without it: the run's own, or bf16");
    app.take("--weights", weights, "last, best, ema or swa");
    app.take("--limit", limit, "test images to measure on, a sample with each class in proportion").positive();
    app.take("--json", json, "also write the numbers to this file");
    app.take("--set", overrides, "key=value that overrides the configuration");
    app.flag("--quiet", quiet, "print errors only");
  }

  int run(Session& session) override {
    const RunFolder folder{run_folder};
    TEMPER_CHECK(is_there(folder.config()), run_folder, ": holds no run, because there is no config.yaml in it");
    Config config = load_config(folder.config().string());
    apply_overrides(config, overrides);
    Experiment other = configured(config, compute);
    if (compute.empty() && other.precision == Precision::f32) other = configured(config, "bf16");
    const char* const precision = name(other.precision);
    TEMPER_CHECK(other.precision != Precision::f32 && other.precision != Precision::f64,
                 "audit: expected a precision below f32 because it is compared with f32, got --compute ", precision);
    TEMPER_CHECK(other.precision != Precision::tf32 || other.resolved_device() == Device::cuda,
                 "audit: expected a precision that differs from f32 here, got --compute tf32, which is f32 on the CPU; "
                 "use bf16, or a machine with a GPU");
    const Experiment reference = configured(config, "f32");
    ConsoleObserver observer(session.out, session.err, session.terminal, quiet ? Verbosity::quiet : Verbosity::normal);
    const PrecisionAudit audit = measure(reference, other, folder, observer);
    observer.clear();
    if (!quiet) print(session.out, audit, precision, reference.evaluation.validation.attack->describe());
    if (!json.empty()) write_text(json, json_text(to_json(audit)));
    return kExitOk;
  }

  static Experiment configured(const Config& run, const std::string& compute) {
    Config config = run;
    if (!compute.empty()) put(config, "precision", "compute", compute, "--compute");
    return read_experiment(config);
  }

  PrecisionAudit measure(const Experiment& reference, const Experiment& other, const RunFolder& folder,
                         ConsoleObserver& observer) const {
    const ImageSet test = test_images(reference, {.count = limit}).images;
    const DataShape shape = shape_of(test);
    Engine engine_f32(reference.engine_options()), engine(other.engine_options());
    const auto network_f32 = load_run_network(engine_f32, reference, folder, weights, shape);
    const auto network = load_run_network(engine, other, folder, weights, shape);
    const Pass pass = Pass::eval(reference.trainer.method->eval_branch(*network_f32));
    return audit_precision({engine_f32, *network_f32, pass}, {engine, *network, pass}, test,
                           *reference.evaluation.validation.attack, reference.evaluation.batch_size,
                           [&](int64_t done, int64_t total) { observer.on_evaluate("audit", done, total); });
  }

  static void print(std::ostream& out, const PrecisionAudit& a, const std::string& precision,
                    const std::string& attack) {
    const auto percent = [](double share) { return fmt::format("{:.2f} %", 100 * share); };
    const auto line = [&](const std::string& what, const std::string& f32, const std::string& here) {
      out << fmt::format("{:<52}{:>12}{:>12}\n", what, f32, here);
    };
    out << fmt::format("{} test images; attack: {}\n", a.images, attack);
    line("", "f32", precision);
    line("input gradient exactly zero, clean images", percent(a.clean.zero_reference), percent(a.clean.zero));
    line("input gradient exactly zero, attacked images", percent(a.adversarial.zero_reference),
         percent(a.adversarial.zero));
    line("sign of the input gradient as in f32, clean", "", percent(a.clean.same_sign));
    line("sign of the input gradient as in f32, attacked", "", percent(a.adversarial.same_sign));
    line("cosine with the f32 gradient, clean", "", fmt::format("{:.4f}", a.clean.cosine));
    line("cosine with the f32 gradient, attacked", "", fmt::format("{:.4f}", a.adversarial.cosine));
    line("clean images classified as in f32", "", percent(a.same_label / 100));
    line("loss the attack reaches, measured in f32", fmt::format("{:.4f}", a.loss_reference),
         fmt::format("{:.4f}", a.loss));
    line("robust accuracy under it, measured in f32", percent(a.robust_reference / 100), percent(a.robust / 100));
  }
};

}  // namespace

TEMPER_REGISTER(AuditSubject, AuditOfPrecision, "precision",
                "how attacks on a run's network change in lower precision");

}  // namespace temper
