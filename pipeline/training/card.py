"""Writes the model card: what a model was trained on, how right it is, what it is not for.

The form follows Mitchell et al., Model Cards for Model Reporting, 2019.
"""

from collections.abc import Iterator
from typing import Final

from pipeline.emotions.columns import WINDOW_US
from pipeline.emotions.features import WINDOWS
from pipeline.emotions.judging import EVIDENCE
from pipeline.emotions.measures import MEASURES, RATIOS
from pipeline.training.course import Course, Examination
from schema.emotion_model import EMOTIONS
from schema.fields import US_PER_S

_SIMULATED: Final = """\
**This is no evidence about human beings.** The model was trained on, and examined with, simulated people of a made-up
shop, whose mood is known because it was drawn. How much a mood shows is a choice; here it is enough to be told apart,
and the last table below says how the model fails where it shows half as much. No public set of labelled sessions exists
that could be shipped. The figures say that the machinery works; how often it is right about your users nobody knows
before somebody has asked them. Train it on labels of your own:"""

_LABELLED: Final = """\
**This says nothing about other people, or another product,** than those whose sessions were labelled, and a model is as
right as its labels. Train it anew when people or product change:"""

_CARD: Final = """\
# Emotion model `{version}`

{warning}

```
hxi train-emotions --labels labels.csv --model my-model.json --card my-model.md
export HXI_EMOTION_MODEL=my-model.json    # for the workers
```

`labels.csv` has the columns `session,window,label`: a session's id, any time within the window (ISO-8601, UTC where
it says nothing else), and what its person felt, for example by their own answer to a question asked just then. The
sessions' events are read from `HXI_DATABASE_URL`. Three fifths of the sessions are trained on, a fifth sets how
sure the model is, a fifth examines it. An emotion that no label names is never predicted.

## What it does

It judges each window of {window_s} seconds of a session in which its person did {evidence} things or more (clicks,
moves, scrolls, inputs, views): {emotions}, with a confidence. It looks at that window and the {before} before it.
It is a multinomial logistic regression on {features} features and their squares, so that each judgement is a sum
which can be taken apart: `reasons` in the table are its largest parts.

## How right it is

Trained on {windows:,} windows of {sessions:,} sessions. Every figure here, and the model itself, comes from
`{command}`. Macro-F1 is the mean of the emotions' F1; the calibration error is the mean distance between confidence
and the share that was right, over 15 bins of confidence. The hand rule is a dozen thresholds set by eye; the
majority always says the emotion commonest in training.

{examinations}

## What it is not

- It sees how people act, not what they feel: who acts alike is judged alike. It is a hint where to look, and no
  fact about a person; decide nothing about anyone by it.
- People differ by device, age, habit and ability. Tremor, slowness and detours have other causes than feelings, and
  a model trained on few people takes their ways for moods.
- Studies disagree. Hibbeln et al. (2017) found the pointer of the annoyed slower and its way longer; a frustrated
  person of the simulation that HXI's own model is trained on is faster. Which it is with your users, only their
  labels tell.
- Touch devices have no pointer: there it judges by clicks, scrolls, pauses and views alone.
- It takes what a tracker does not send for what a person does not do. Where a tracker leaves out views, moves or
  API calls, HXI's own model is wrong and sure of it: with clicks and views alone it takes most calm people for
  confused, because every click looks dead. Do not use it there; train one on such a tracker's events.
- Labelled sessions are split by session, not by person: who comes twice may be on both sides, which flatters.
- It remembers five minutes, so that a change of mood shows late.

## Features

Means over what happened in the windows remembered, or ratios of counts; the sources say that a feature tells
something of feelings or of trouble, the weights come from training. Pixels are CSS pixels.

| feature | meaning | after |
|---|---|---|
{table}
"""

_OF: Final = {
    "tries": "click, a burst counted once",
    "clicks": "click",
    "runs": "run of the pointer",
    "runs_to_click": "run that ends in a click",
    "moves": "sample of the pointer",
    "scrolls": "scroll",
    "views": "view",
    "seconds": "second",
}


def card_of(course: Course, command: str, is_simulated: bool) -> str:
    """Return the card as Markdown; ``command`` makes the model and the card again."""
    return _CARD.format(
        version=course.model.version,
        warning=_SIMULATED if is_simulated else _LABELLED,
        window_s=WINDOW_US // US_PER_S,
        evidence=EVIDENCE,
        emotions=", ".join(f"`{emotion}`" for emotion in EMOTIONS),
        before=WINDOWS - 1,
        features=len(MEASURES) + len(RATIOS),
        windows=course.windows,
        sessions=course.sessions,
        command=command,
        examinations="\n\n".join(map(_examination, course.examinations)),
        table="\n".join(_features()),
    )


def _examination(examination: Examination) -> str:
    first, people = next(iter(examination.by.values())), examination.people
    rows = [
        f"| {way} | {of.macro_f1:.3f} | {of.calibration_error:.3f} | {' | '.join(f'{f1:.2f}' for f1 in of.f1)} |"
        for way, of in examination.by.items()
    ]
    return "\n".join(
        (
            f"{people[0].upper()}{people[1:]}: {first.windows:,} windows of {first.sessions:,} sessions.",
            "",
            f"| way | macro-F1 | calibration error | {' | '.join(f'F1 {emotion}' for emotion in EMOTIONS)} |",
            "|---|" + "---|" * (len(EMOTIONS) + 2),
            *rows,
        )
    )


def _features() -> Iterator[str]:
    for name, measure in MEASURES.items():
        unit = f" ({measure.unit})" if measure.unit else ""
        yield f"| `{name}` | {measure.meaning}{unit} | {measure.source} |"
    for name, ratio in RATIOS.items():
        yield f"| `{name}` | {ratio.meaning}, for each {_OF[ratio.of]} | {ratio.source} |"
