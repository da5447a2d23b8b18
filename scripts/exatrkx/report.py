"""Model card and plots of a training."""
import json

import numpy as np

CARD = """\
# Model {name}

Written by `scripts/train-exatrkx`; a model folder for the pipeline exatrkx. Served as `exatrkx/{name}`.

| | |
| --- | --- |
| learnt from | {n_events} events, {n_hits} hits: {events} |
| tested on | {test} |
| field | {field} T |
| networks | embedding {embed}, filter {filter}, graph network {gnn}; {weights} weights |
| time | {minutes:.0f} min on {threads} CPU thread{s}, seed {seed} |

    {command}

Truth: hits that follow each other on a particle's way. Figures of the stages are of the test events, efficiency of the true
edges of particles above {min_pt} GeV:

| stage | edges an event | efficiency | purity | min |
| --- | --- | --- | --- | --- |
{stages}

Tracks of the test events: particles above {min_pt} GeV with hits on {min_layers} layers or more; definitions as in
`helixctl validate`. Taken: {chosen}.

| tracks by | events | |
| --- | --- | --- |
{tracks}

What it cannot do: particles that it never saw (other detectors, other fields, displaced by more than a few centimetres);
particles below 0.3 GeV that turn inside the detector come out in pieces.
"""


def write_card(training):
    o, report = training.options, training.report
    stages, rows = [], []
    for name, figures in report["stages"].items():
        if name in ("embedding", "filter"):
            stages.append(f"| {name} | {figures['edges']} | {figures['efficiency']} | {figures['purity']} | {figures['minutes']} |")
        elif name == "gnn":
            for cut in (0.5, 0.8):
                stages.append(f"| gnn, score above {cut} | | {figures[f'efficiency at {cut}']} | "
                              f"{figures[f'purity at {cut}']} | {figures['minutes']} |")
        else:
            rows += [f"| {name} | {folder} | {score} |" for folder, score in figures.items() if folder != "minutes"]
    shape = lambda model: sum(p.numel() for p in model.parameters())
    models = training.embed, training.filter, training.gnn
    text = CARD.format(
        name=o.name, n_events=len(training.events), n_hits=sum(e.n_hits for e in training.events),
        events=", ".join(o.events), test=", ".join(o.test) or "none", field=o.field,
        embed=f"3 x {o.embed_width} to {o.dimensions} dimensions", filter=f"2 x {o.filter_width}",
        gnn=f"{o.rounds} rounds of width {o.gnn_width}", weights=sum(map(shape, models)),
        minutes=sum(report["stages"][s]["minutes"] for s in ("embedding", "filter", "gnn")),
        threads=report["threads"], s="" if report["threads"] == 1 else "s", seed=o.seed, command=report["command"],
        min_pt=o.min_pt, min_layers=o.min_layers, stages="\n".join(stages), tracks="\n".join(rows),
        chosen=f"{'walk' if training.walk else 'components'} at {training.edge_cut}, joined within "
        f"{training.join[0]} and {training.join[1]} mm")
    (o.out / "README.md").write_text(text)
    (training.work / "report.json").write_text(json.dumps(report, indent=1) + "\n")


def draw(training):
    """score.png: scores of right and wrong edges; stages.png: efficiency of true edges by pt, stage by stage."""
    try:
        import matplotlib
    except ImportError:
        print("no plots: matplotlib is not installed")
        return
    matplotlib.use("svg")
    from matplotlib import pyplot
    label = np.concatenate([g.label for g in training.test_graphs])
    score = 1 / (1 + np.exp(-np.concatenate(training.logits)))
    figure, axes = pyplot.subplots(figsize=(6, 4))
    for value, name in ((1, "consecutive hits"), (2, "one particle, hits between"), (0, "two particles")):
        axes.hist(score[label == value], np.linspace(0, 1, 51), histtype="step", label=name)
    axes.set(xlabel="score of the graph network", ylabel="edges", yscale="log")
    axes.legend()
    figure.savefig(training.work / "score.svg")
    figure, axes = pyplot.subplots(figsize=(6, 4))
    edges = np.geomspace(0.2, 20, 16)
    for name, graphs in training.seen.items():
        found, asked = np.zeros(15), np.zeros(15)
        for event, graph in zip(training.test, graphs):
            a, b = np.sort(graph.edges, axis=0)
            true = np.sort(event.pairs, axis=1)
            there = np.isin(true[:, 0] * event.n_hits + true[:, 1], a * event.n_hits + b)
            found += np.histogram(event.pair_pt()[there], edges)[0]
            asked += np.histogram(event.pair_pt(), edges)[0]
        axes.stairs(found / np.maximum(asked, 1), edges, label=name)
    axes.set(xlabel="pt of the particle / GeV", ylabel="efficiency of true edges", xscale="log", ylim=(0, 1.02))
    axes.legend(loc="lower right")
    figure.savefig(training.work / "stages.svg")
