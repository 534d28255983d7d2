"""Noise levels as people state them."""

import numpy as np
import pytest

from medrestore.core.intensity import check_fraction
from medrestore.errors import SettingsError
from medrestore.settings.noise import given_noise, parse_noise
from medrestore.settings.settings import Settings


@pytest.mark.parametrize(
    ("noise", "modality", "value", "fraction"),
    [
        (0.05, "MR", 0.05, True),
        (np.float32(0.25), "MR", 0.25, True),
        ("0.05", "MR", 0.05, True),
        ("20", "CT", 20.0, False),
        (20, "CT", 20.0, False),
        ("25u", "MR", 25.0, False),
        ("25 a.u.", "MR", 25.0, False),
        ("1.5e3u", "MR", 1500.0, False),
        (" 5 % ", "MR", 0.05, True),
        ("20HU", "CT", 20.0, False),
        ("20 u", "CT", 20.0, False),
    ],
)
def test_a_number_counts_what_its_unit_says(noise, modality, value, fraction):
    assert given_noise(noise, modality) == (pytest.approx(value), fraction)


@pytest.mark.parametrize(
    ("noise", "modality", "says"),
    [
        ("25 HU", "MR", "25 a.u."),
        ("25 a.u.", "CT", "in HU; say 25"),
        ("5%", "CT", "in HU"),
        ("loud", "MR", "one with its unit"),
        ("150%", "MR", "whole foreground"),
        (None, "MR", "a Volume as a map.*NoneType"),
        (True, "MR", "bool"),
        ([1, 2], None, "list"),
        ("-5u", "MR", "one with its unit"),
        ("1.2.3u", "MR", "one with its unit"),
        ("u", None, "one with its unit"),
    ],
)
def test_what_is_no_noise_level_is_said_with_the_way_out(noise, modality, says):
    with pytest.raises(SettingsError, match=says):
        given_noise(noise, modality)


def test_settings_refuse_it_as_soon_as_it_is_said():
    assert Settings(noise="25 a.u.").noise == "25 a.u."
    with pytest.raises(SettingsError, match="'quiet'"):
        Settings(noise="quiet")
    with pytest.raises(SettingsError, match="ndarray"):
        Settings(noise=np.array([0.05, 0.05]))


def test_what_is_typed_is_a_number_where_it_can_be():
    assert parse_noise("auto") == "auto"
    assert parse_noise("0.05") == 0.05
    assert parse_noise("25u") == "25u"
    with pytest.raises(SettingsError):
        parse_noise("map.nii")


def test_percents_for_a_fraction_are_refused_with_both_ways_out():
    with pytest.raises(SettingsError, match=r"0\.05 is 5 %.*\"5 a\.u\.\" \(--noise 5u\)"):
        check_fraction(5)
