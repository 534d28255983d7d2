"""Order and sides: reproducible, balanced, different for every reader; repeats come late."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from medrestore.plugin.study.plan import StudyCase, StudyPlan
from medrestore.plugin.study.questions import presentations

METHODS = ("noisy", "nlm", "restored")


def plan_of(cases, methods=2, kind="preference", seed=0, repeats=0.0):
    return StudyPlan(
        "trial",
        kind,
        "?",
        tuple(
            StudyCase(str(i), {m: f"{m}/{i}.nii" for m in METHODS[:methods]}) for i in range(cases)
        ),
        seed=seed,
        repeats=repeats,
    )


def pair_of(one):
    return one.case.id, frozenset(one.methods)


@given(st.integers(1, 40), st.integers(2, 3), st.integers(0, 99), st.text(min_size=1, max_size=8))
def test_sides_are_balanced_and_all_is_asked_once(cases, methods, seed, reader):
    order = presentations(plan_of(cases, methods, seed=seed), reader)
    assert [one.index for one in order] == list(range(1, len(order) + 1))
    pairs = methods * (methods - 1) // 2
    assert len({pair_of(one) for one in order}) == len(order) == cases * pairs
    sides = Counter(one.methods for one in order)
    for (left, right), count in sides.items():
        assert abs(count - sides[right, left]) <= 1
    assert order == presentations(plan_of(cases, methods, seed=seed), reader)


@given(st.integers(1, 40), st.floats(0.01, 1), st.sampled_from(["preference", "score"]))
def test_repeats_come_late_with_sides_exchanged(cases, share, kind):
    order = presentations(plan_of(cases, kind=kind, repeats=share), "A")
    first = {pair_of(one): one for one in order if not one.repeat}
    again = [one for one in order if one.repeat]
    assert len(again) == max(1, round(share * len(first)))
    for one in again:
        before = first[pair_of(one)]
        assert before.index < one.index
        expected = before.methods[::-1] if kind == "preference" else before.methods
        assert one.methods == expected
        if len(again) <= len(first) // 2:  # half of all questions lie between
            between = [p for p in order[before.index : one.index - 1] if not p.repeat]
            assert len(between) >= len(first) // 2


def test_readers_and_seeds_have_their_own_order():
    orders = {
        tuple((p.case.id, p.left) for p in presentations(plan_of(12, seed=seed), reader))
        for seed in range(3)
        for reader in ("A", "B", "C")
    }
    assert len(orders) == 9


def test_either_place_is_as_likely_for_a_case():
    places = [
        next(p.index for p in presentations(plan_of(10), f"reader {n}") if p.case.id == "3")
        for n in range(2000)
    ]
    counts = Counter(places)
    assert len(counts) == 10
    assert max(abs(count - 200) for count in counts.values()) < 60  # 4.5 standard deviations


def test_the_order_is_the_same_for_good():
    # Written down once: a study must be able to go on after an update.
    order = presentations(plan_of(4, repeats=0.25), "A")
    assert [(p.case.id, p.left, p.repeat) for p in order] == [
        ("2", "noisy", False),
        ("0", "noisy", False),
        ("1", "nlm", False),
        ("3", "nlm", False),
        ("0", "nlm", True),
    ]


def test_scores_show_every_picture_alone():
    order = presentations(plan_of(5, methods=3, kind="score"), "A")
    assert len(order) == 15
    assert all(one.right == "" and len(one.methods) == 1 for one in order)
