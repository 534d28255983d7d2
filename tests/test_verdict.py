"""The verdict on a run: one sentence, never two that contradict each other."""

from hypothesis import given
from hypothesis import strategies as st

from medrestore.engine.verdict import AssumedNoise, Verdict, Witnesses

SHARES = st.one_of(st.just(0.0), st.floats(1e-7, 1))
FIGURES = st.one_of(st.none(), st.floats(0, 4))
RANGES = st.one_of(
    st.none(), st.tuples(st.floats(0.1, 9), st.floats(0.1, 9)).map(lambda two: tuple(sorted(two)))
)
ASSUMED = st.builds(
    AssumedNoise,
    modality=st.sampled_from(["CT", "MR"]),
    sigma=st.floats(0, 9),
    measured=st.one_of(st.none(), st.floats(0, 20)),
    between=RANGES,
)
WITNESSES = st.builds(
    Witnesses,
    voxels=st.integers(0, 10**6),
    removed=SHARES,
    residual=FIGURES,
    left=FIGURES,
    lag=st.one_of(st.none(), st.floats(-1, 1)),
)


@given(WITNESSES, st.one_of(st.none(), ASSUMED))
def test_no_two_sentences_contradict(witnesses: Witnesses, assumed: AssumedNoise | None) -> None:
    verdict = Verdict.of(witnesses, assumed)
    said, warnings = verdict.sentence(), verdict.warnings()
    assert ("weaker" in said) + ("stronger" in said) <= 1
    assert ("weaker" in said) == (verdict.noise == "weaker")
    assert ("stronger" in said) == (verdict.noise == "stronger")
    assert ("structure may be lost" in said) == (verdict.structure == "lost")
    fine = "what was removed is noise" in said
    assert fine == (verdict.headline == "OK")
    assert fine + bool(warnings) + (verdict.headline == "Nothing to check") == 1
    assert warnings in ((), (said,))
    assert ("nothing was removed" in said) == (witnesses.voxels == 0)


@given(WITNESSES, ASSUMED)
def test_the_noise_to_give_lies_where_the_sentence_says(
    witnesses: Witnesses, assumed: AssumedNoise
) -> None:
    verdict = Verdict.of(witnesses, assumed)
    if verdict.instead is None:
        return
    number = float(verdict.instead.removeprefix("less than ").removeprefix("more than ").split()[0])
    given = assumed.sigma
    slack = 0.006 * given  # three digits are shown
    assert number <= given + slack if verdict.noise == "weaker" else number >= given - slack


def said(modality: str, **figures: float | None) -> str:
    """The verdict on noise of a run assumed 10,."""
    measured, between = figures.pop("measured", None), figures.pop("between", None)
    assumed = AssumedNoise(modality, 10.0, measured, between)
    return Verdict.of(Witnesses(1000, 0.0, **figures), assumed).sentence()


def test_the_scans_own_word_counts_first() -> None:
    assert said("CT", measured=5.0, residual=1.0).endswith("restore again with 5 HU")
    assert said("MR", measured=20.0, left=0.5).endswith("restore again with 20 a.u.")
    assert said("CT", measured=10.0, residual=0.6) == "what was removed is noise"
    assert said("MR", measured=20.0, left=0.1) == "what was removed is noise"
    # a range that reaches to what was assumed says nothing
    assert said("CT", measured=15.0, between=(11.0, 20.0)) == "what was removed is noise"


def test_where_the_scan_has_no_word_the_run_speaks() -> None:
    assert "weaker than assumed" in said("CT", residual=0.6)
    assert said("CT", residual=0.75) == "what was removed is noise"
    assert "stronger than assumed" in said("CT", residual=1.3)
    assert "stronger than assumed" in said("MR", left=0.5, residual=0.8)
    assert "weaker than assumed" in said("MR", residual=1.5, lag=0.5, left=0.1)
    assert said("MR", residual=1.5, lag=0.0, left=0.1) == "what was removed is noise"


def test_both_faults_are_one_sentence_with_one_headline() -> None:
    assumed = AssumedNoise("CT", 20.0, 10.0)
    verdict = Verdict.of(Witnesses(1000, 0.05, 0.6), assumed)
    assert verdict.headline == "Structure may be lost"
    assert verdict.sentence() == (
        "structure may be lost: in 5 % of the voxels more was removed than noise explains (see "
        "removed); the noise is weaker than assumed, so that structure can go with it: restore "
        "again with 10 HU"
    )
    few = Verdict.of(Witnesses(1000, 1e-4, 1.0), AssumedNoise("CT", 10.0, 10.0))
    assert few.headline == "OK" and "but for 0.01 % of the voxels" in few.sentence()


VERDICTS = st.builds(Verdict.of, WITNESSES, st.one_of(st.none(), ASSUMED))


@given(st.lists(VERDICTS, min_size=2, max_size=9), SHARES, st.booleans())
def test_time_points_have_one_verdict(each: list[Verdict], removed: float, told: bool) -> None:
    verdict = Verdict.over_time(each, removed, told)
    said, off = verdict.sentence(), {one.noise for one in each} - {"fits", "unknown"}
    assert ("weaker" in said) + ("stronger" in said) + ("not what was assumed" in said) <= 1
    assert bool(off) == (verdict.noise in ("weaker", "stronger", "differs"))
    assert len(off) < 2 or verdict.noise == "differs"
    assert ("what was removed is noise" in said) == (verdict.headline == "OK")


def test_where_volumes_differ_auto_is_the_advice() -> None:
    weaker, fits = Verdict("weaker", "kept"), Verdict("fits", "kept")
    stronger = Verdict("stronger", "kept")
    assert Verdict.over_time([weaker, fits, stronger], 0.0, measured_apart=True).sentence() == (
        "the noise is not what was assumed at time points 0, 2: restore again with auto, which "
        "measures each volume"
    )
    both = Verdict.over_time([weaker, weaker], 0.0, measured_apart=True)
    assert both.noise == "weaker" and both.sentence().endswith("auto, which measures each volume")
