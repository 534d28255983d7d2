"""Answers of readers who never were."""

from medrestore.evaluation.reader_study.answers import Answer


def preference_of(reader, index, case, answer, left="noisy", right="restored", repeat=False):
    when = "2026-11-21T12:00:00+00:00"
    return Answer(
        "trial", "abc", "preference", reader, index, case, left, right, answer, 2.5, repeat, when
    )


def score_of(reader, index, case, method, score, repeat=False):
    when = "2026-11-21T12:00:00+00:00"
    return Answer(
        "trial", "abc", "score", reader, index, case, method, "", str(score), 2.5, repeat, when
    )
