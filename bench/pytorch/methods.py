"""The methods of step.py: for each the attack's target, its start, and the gradients of the weights."""
import copy

import torch
import torch.nn.functional as F

BETA, GAMMA, ALPHA, PERCENTILE, REVISE, DECAY = 1.0, 1.0, 0.1, 30.0, 0.2, 0.999  # CURE, as Temper's defaults have it
AWP_GAMMA = 0.01
LAS_EVERY, LAS_RADII, LAS_STEPS, LAS_SIZES = 20, range(3, 16), range(3, 15), range(1, 6)  # of 255; steps as they are


def kl(target_logits, logits, reduction="batchmean"):
    """KL(softmax(target) || softmax(logits)), differentiable on both sides."""
    return F.kl_div(F.log_softmax(logits, 1), F.log_softmax(target_logits, 1), log_target=True, reduction=reduction)


class PgdAt:
    """Cross entropy of PGD images."""

    graphed = True  # its step can be captured by hand

    def __init__(self, step):
        self.step = step

    def target(self):
        return self.step.y

    def start(self):
        s = self.step
        return (s.x + torch.empty_like(s.x).uniform_(-s.args.radius, s.args.radius)).clamp_(0, 1)

    def attack(self):
        target, adv = self.target(), self.start()
        for _ in range(self.step.args.attack_steps):
            adv = self.step.iteration(adv, self.step.x, target)
        return adv

    def loss(self, adv):
        return F.cross_entropy(self.step.logits(adv), self.step.y)

    def gradients(self, adv):
        loss = self.loss(adv)
        (loss * self.step.scale).backward()
        return loss.detach()

    def after(self):
        pass


class Standard(PgdAt):
    def attack(self):
        return self.step.x


class Trades(PgdAt):
    def target(self):
        with torch.no_grad():
            return self.step.logits(self.step.x).clone()

    def start(self):
        return self.step.x + 0.001 * torch.randn_like(self.step.x)

    def loss(self, adv):
        natural, robust = self.step.logits(self.step.x), self.step.logits(adv)
        return F.cross_entropy(natural, self.step.y) + 6 * kl(natural, robust)


class Mart(PgdAt):
    """Wang et al. 2020: boosted cross entropy, and KL weighted by 1 - p_y."""

    def start(self):
        return self.step.x + 0.001 * torch.randn_like(self.step.x)

    def loss(self, adv):
        y = self.step.y[:, None]
        natural, robust = self.step.logits(self.step.x), self.step.logits(adv)
        p, q = F.softmax(natural, 1), F.softmax(robust, 1)
        runner_up = q.scatter(1, y, -1.0).max(1).values
        boosted = F.cross_entropy(robust, self.step.y) - torch.log(1.0001 - runner_up + 1e-12).mean()
        divergence = (p * (F.log_softmax(natural, 1) - torch.log(q + 1e-12))).sum(1)
        return boosted + 5 * (divergence * (1.0000001 - p.gather(1, y)[:, 0])).mean()


class Fat(PgdAt):
    """Zhang et al. 2020 with tau = 0: images that are misclassified leave the attack, which goes on with the others."""

    graphed = False  # the number of remaining images is the host's to know

    def attack(self):
        adv, going = self.start(), torch.arange(len(self.step.y), device=self.step.y.device)
        for _ in range(self.step.args.attack_steps):
            x = adv[going].detach().requires_grad_()
            z = self.step.logits(x)
            (g,) = torch.autograd.grad(F.cross_entropy(z, self.step.y[going], reduction="sum") * self.step.scale, x)
            right = z.argmax(1) == self.step.y[going]
            going = going[right]
            if len(going) == 0:
                break
            noisy = x.detach()[right] + 0.001 * torch.randn_like(x[right])
            adv[going] = self.step.moved(noisy, g[right], self.step.x[going])
        return adv


class Cure(Trades):
    """Gowda et al. 2024: scores from the gradients of both cross entropies, the lower 30 % of each tensor masked."""

    graphed = False  # the host decides which steps update the reviewer

    def __init__(self, step):
        super().__init__(step)
        self.reviewer = copy.deepcopy(step.net).requires_grad_(False)

    def gradients(self, adv):
        s = self.step
        params = list(s.net.parameters())
        natural, robust = s.logits(s.x), s.logits(adv)
        with torch.no_grad():
            review_natural, review_robust = s.logits(s.x, self.reviewer), s.logits(adv, self.reviewer)
        clean = F.cross_entropy(natural, s.y)
        g_natural = torch.autograd.grad(clean, params, retain_graph=True)
        g_robust = torch.autograd.grad(F.cross_entropy(robust, s.y), params, retain_graph=True)
        rest = BETA * kl(natural, robust) + GAMMA * (kl(review_natural, natural) + kl(review_robust, robust))
        g_rest = torch.autograd.grad(rest, params)
        for p, a, b, r in zip(params, g_natural, g_robust, g_rest):
            p.grad = a + r
            if p.dim() != 2 and p.shape[0] != 10:  # the classifier is never masked
                score = (ALPHA * a.abs() + (1 - ALPHA) * b.abs()).flatten()
                rank = max(1, round(score.numel() * PERCENTILE / 100))
                p.grad *= (score >= score.kthvalue(rank).values).view_as(p)
        return (clean + rest).detach()

    def after(self):
        if torch.rand(()) < REVISE:
            with torch.no_grad():
                for mine, new in zip(self.reviewer.parameters(), self.step.net.parameters()):
                    mine.lerp_(new, 1 - DECAY)


class LasAt(PgdAt):
    """Jia et al. 2022: a policy draws radius, steps and step size of each image; every 20 steps it learns by REINFORCE."""

    graphed = False  # the policy's turn, and the reward

    def __init__(self, step):
        super().__init__(step)
        self.policy = copy.deepcopy(step.net)
        last = list(self.policy.modules())[-1]
        self.heads = torch.nn.Linear(last.out_features, len(LAS_RADII) + len(LAS_STEPS) + len(LAS_SIZES)).to(step.device)
        self.learner = torch.optim.SGD([*self.policy.parameters(), *self.heads.parameters()], 1e-4)
        self.count = 0

    def choose(self):
        z = self.heads(self.step.logits(self.step.x, self.policy))
        parts = z.split([len(LAS_RADII), len(LAS_STEPS), len(LAS_SIZES)], 1)
        draws = [torch.distributions.Categorical(logits=p).sample() for p in parts]
        return sum(F.cross_entropy(p, d) for p, d in zip(parts, draws)), draws

    def strategic(self, draws):
        s = self.step
        pick = lambda values, d: torch.tensor(list(values), device=s.device, dtype=s.x.dtype)[d].view(-1, 1, 1, 1)
        radius, steps, size = pick(LAS_RADII, draws[0]) / 255, pick(LAS_STEPS, draws[1]), pick(LAS_SIZES, draws[2]) / 255
        adv = self.start()
        for i in range(max(LAS_STEPS)):
            moved = s.iteration(adv, s.x, s.y, radius, size)
            adv = torch.where(i < steps, moved, adv.detach())
        return adv

    def attack(self):
        self.policy.eval()
        with torch.no_grad():
            _, draws = self.choose()
        return self.strategic(draws)

    def after(self):
        self.count += 1
        if self.count % LAS_EVERY:
            return
        s = self.step
        self.policy.train()
        minus_log, draws = self.choose()
        with s.attacked_network():
            adv = self.strategic(draws).detach()
            with torch.no_grad():
                reward = F.cross_entropy(s.logits(adv), s.y).clamp(max=10)
        kept = copy.deepcopy(s.net.state_dict())
        trial = torch.optim.SGD(s.net.parameters(), 0.01)
        trial.zero_grad()
        F.cross_entropy(s.logits(adv), s.y).backward()
        trial.step()
        with s.attacked_network():
            judged = PgdAt.attack(self)
            with torch.no_grad():
                for x, weight in ((judged, 4), (s.x, 2)):
                    reward += weight * (s.logits(x).argmax(1) == s.y).float().mean()
        s.net.load_state_dict(kept)
        self.learner.zero_grad()
        (minus_log * reward).backward()
        torch.nn.utils.clip_grad_norm_([p for g in self.learner.param_groups for p in g["params"]], 1.0)
        self.learner.step()


def awp_gradients(method, adv):
    """Wu et al. 2020: the gradients of `method` at weights moved by AWP_GAMMA of their norm towards a larger loss."""
    net = method.step.net
    method.gradients(adv)
    with torch.no_grad():
        moves = [(p, p.grad * (AWP_GAMMA * p.norm() / (p.grad.norm() + 1e-20)))
                 for p in net.parameters() if p.dim() > 1]
        for p, d in moves:
            p += d
    method.step.optimizer.zero_grad(set_to_none=True)
    loss = method.gradients(adv)
    with torch.no_grad():
        for p, d in moves:
            p -= d
    return loss


METHODS = {"standard": Standard, "pgd_at": PgdAt, "trades": Trades, "mart": Mart, "fat": Fat, "cure": Cure, "las_at": LasAt}
