"""What the three trainings share: steps, learning rate, checkpoints, progress."""
import math
import sys
import time

import numpy as np
import torch


class Progress:
    """A bar on terminals; a line every half minute elsewhere."""

    def __call__(self, items, what):
        items = list(items)
        for k, item in enumerate(items):
            yield item
            self.show(what, k + 1, len(items), "")
        self.end()

    def __init__(self):
        self.last = time.monotonic()

    def show(self, what, done, total, note):
        now = time.monotonic()
        terminal = sys.stderr.isatty()
        if done < total and now - self.last < (0.2 if terminal else 30):
            return
        self.last = now
        text = f"{what} {done}/{total} {note}"
        if terminal:
            bar = "#" * (20 * done // total)
            text = f"\r[{bar:<20}] {text:<100.100}"
        print(text, end="" if terminal else "\n", file=sys.stderr, flush=True)

    def end(self):
        if sys.stderr.isatty():
            print(file=sys.stderr)


def rotated(event_features, names, generator):
    """The event turned around the beam line, and mirrored in z and in phi half of the times: a tracker has no preferred
    azimuth."""
    features = event_features.clone()
    column = {name: k for k, name in enumerate(names)}
    angle = generator.uniform(0, 2 * math.pi)
    c, s = features[:, column["cos_phi"]].clone(), features[:, column["sin_phi"]].clone()
    if generator.random() < 0.5:
        s = -s
    features[:, column["cos_phi"]] = c * math.cos(angle) - s * math.sin(angle)
    features[:, column["sin_phi"]] = c * math.sin(angle) + s * math.cos(angle)
    if generator.random() < 0.5:
        features[:, column["z"]] *= -1
    return features


def choose_event(events, generator):
    """Row of an event to learn from: those with more hits hold more, but not in proportion."""
    weight = np.sqrt([e.n_hits for e in events])
    return generator.choice(len(events), p=weight / weight.sum())


def near_azimuth(xyz, part, generator):
    """Mask of the hits in a wedge around a random azimuth, a part of the whole circle."""
    if part >= 1:
        return np.ones(len(xyz), dtype=bool)
    phi = np.arctan2(xyz[:, 1], xyz[:, 0]) - generator.uniform(-np.pi, np.pi)
    return np.abs(np.mod(phi + np.pi, 2 * np.pi) - np.pi) < np.pi * part


class Trainer:
    """Steps of AdamW with a warm-up and a cosine; goes on from its checkpoint."""

    def __init__(self, name, model, folder, steps, rate, seed, progress):
        self.name, self.model, self.steps, self.progress = name, model, steps, progress
        self.path = folder / f"{name}.checkpoint"
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=1e-4)
        warm = max(1, min(100, steps // 20))
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda k: min(1, (k + 1) / warm) * (0.5 + 0.5 * math.cos(math.pi * min(1, k / steps))))
        self.step, self.mean, self.seconds = 0, None, 0.0
        self.generator = np.random.default_rng(seed)
        if self.path.exists():
            stored = torch.load(self.path, weights_only=False)
            try:
                for part in ("model", "optimizer", "schedule"):
                    getattr(self, part).load_state_dict(stored[part])
            except (RuntimeError, ValueError):
                raise SystemExit(f"error: {self.path}: is of another network: remove it, or choose another --work") from None
            self.step, self.seconds = stored["step"], stored["seconds"]
            self.generator.bit_generator.state = stored["generator"]

    def save(self):
        part = self.path.with_suffix(".part")
        torch.save({"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                    "schedule": self.schedule.state_dict(), "step": self.step, "seconds": self.seconds,
                    "generator": self.generator.bit_generator.state}, part)
        part.rename(self.path)

    def run(self, loss_of):
        """loss_of(generator) -> loss of one step"""
        self.model.train()
        start, saved = time.monotonic(), time.monotonic()
        begun, before = self.step, self.seconds
        while self.step < self.steps:
            loss = loss_of(self.generator)
            self.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimizer.step()
            self.schedule.step()
            self.step += 1
            self.seconds = before + time.monotonic() - start
            value = float(loss.detach())
            if not math.isfinite(value):
                raise SystemExit(f"error: the loss of {self.name} is {value} in step {self.step}")
            self.mean = value if self.mean is None else 0.98 * self.mean + 0.02 * value
            rate = (self.step - begun) / (time.monotonic() - start)
            self.progress.show(self.name, self.step, self.steps,
                               f"loss {self.mean:.4f}, {(self.steps - self.step) / rate / 60:.1f} min to go")
            if time.monotonic() - saved > 60:
                self.save()
                saved = time.monotonic()
        self.save()
        self.progress.end()
        self.model.eval()
        return self.model
