"""Works that a run may rest on; `citing` says which of them it does.

Identifiers are those that ``docs/mathematics.md`` states; an entry holds only what is certain.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["PROGRAMS", "WORKS", "Reference"]


@dataclass(frozen=True)
class Reference:
    """Something that can be cited; empty fields are not known for certain.

    Parameters
    ----------
    key : str
        Of its BibTeX entry.
    kind : str
        BibTeX type: ``"article"``, ``"inproceedings"`` or ``"misc"``.
    title : str
        Its title; of a program or model, its name.
    authors : tuple of str
        ``"Family, Given"``; ``"others"`` at the end stands for the rest.
    year : int, optional
        Of its publication.
    where : str
        Journal or conference.
    doi, arxiv, url : str
        Where it is found.
    version : str
        Of a program.
    note : str
        What else is to be known of it.
    """

    key: str
    kind: str
    title: str
    authors: tuple[str, ...] = ()
    year: int | None = None
    where: str = ""
    doi: str = ""
    arxiv: str = ""
    url: str = ""
    version: str = ""
    note: str = ""


def _preprint(key: str, title: str, authors: str, year: int, arxiv: str) -> Reference:
    return Reference(key, "misc", title, tuple(authors.split("; ")), year, arxiv=arxiv)


def _article(key: str, title: str, authors: str, year: int, where: str, doi: str = "") -> Reference:
    return Reference(key, "article", title, tuple(authors.split("; ")), year, where, doi)


WORKS = {
    work.key: work
    for work in (
        _article(
            "gudbjartsson1995", "The Rician distribution of noisy MRI data",
            "Gudbjartsson, Hákon; Patz, Samuel", 1995,
            "Magnetic Resonance in Medicine", "10.1002/mrm.1910340618",
        ),
        _article(
            "yu2012",
            "Development and validation of a practical lower-dose-simulation tool for optimizing "
            "computed tomography scan protocols",
            "Yu, Lifeng; others", 2012,
            "Journal of Computer Assisted Tomography", "10.1097/RCT.0b013e3182691e32",
        ),
        _article(
            "zabic2013",
            "A low dose simulation tool for CT systems with energy integrating detectors",
            "Žabić, Stanislav; others", 2013, "Medical Physics", "10.1118/1.4790706",
        ),
        _preprint(
            "salimans2022", "Progressive Distillation for Fast Sampling of Diffusion Models",
            "Salimans, Tim; Ho, Jonathan", 2022, "2202.00512",
        ),
        _preprint(
            "bao2022analytic",
            "Analytic-DPM: an Analytic Estimate of the Optimal Reverse Variance in Diffusion "
            "Probabilistic Models",
            "Bao, Fan; Li, Chongxuan; Zhu, Jun; Zhang, Bo", 2022, "2201.06503",
        ),
        _preprint(
            "bao2022covariance",
            "Estimating the Optimal Covariance with Imperfect Mean in Diffusion Probabilistic "
            "Models",
            "Bao, Fan; Li, Chongxuan; Sun, Jiacheng; Zhu, Jun; Zhang, Bo", 2022, "2206.07309",
        ),
        _preprint(
            "ho2020", "Denoising Diffusion Probabilistic Models",
            "Ho, Jonathan; Jain, Ajay; Abbeel, Pieter", 2020, "2006.11239",
        ),
        _preprint(
            "song2021ddim", "Denoising Diffusion Implicit Models",
            "Song, Jiaming; Meng, Chenlin; Ermon, Stefano", 2021, "2010.02502",
        ),
        Reference(
            "salmon2011", "inproceedings", "Parallel random numbers: as easy as 1, 2, 3",
            ("Salmon, John K.", "Moraes, Mark A.", "Dror, Ron O.", "Shaw, David E."), 2011,
            doi="10.1145/2063384.2063405",
        ),
        _preprint(
            "song2021sde",
            "Score-Based Generative Modeling through Stochastic Differential Equations",
            "Song, Yang; Sohl-Dickstein, Jascha; Kingma, Diederik P.; Kumar, Abhishek; "
            "Ermon, Stefano; Poole, Ben", 2021, "2011.13456",
        ),
        _preprint(
            "karras2022", "Elucidating the Design Space of Diffusion-Based Generative Models",
            "Karras, Tero; Aittala, Miika; Aila, Timo; Laine, Samuli", 2022, "2206.00364",
        ),
        _preprint(
            "lu2022",
            "DPM-Solver++: Fast Solver for Guided Sampling of Diffusion Probabilistic Models",
            "Lu, Cheng; Zhou, Yuhao; Bao, Fan; Chen, Jianfei; Li, Chongxuan; Zhu, Jun",
            2022, "2211.01095",
        ),
        _preprint(
            "song2019", "Generative Modeling by Estimating Gradients of the Data Distribution",
            "Song, Yang; Ermon, Stefano", 2019, "1907.05600",
        ),
        _preprint(
            "jolicoeur2020",
            "Adversarial score matching and improved sampling for image generation",
            "Jolicoeur-Martineau, Alexia; others", 2020, "2009.05475",
        ),
        _preprint(
            "song2023consistency", "Consistency Models",
            "Song, Yang; Dhariwal, Prafulla; Chen, Mark; Sutskever, Ilya", 2023, "2303.01469",
        ),
        _preprint(
            "lu2024",
            "Simplifying, Stabilizing and Scaling Continuous-Time Consistency Models",
            "Lu, Cheng; Song, Yang", 2024, "2410.11081",
        ),
        _preprint(
            "nichol2021", "Improved Denoising Diffusion Probabilistic Models",
            "Nichol, Alex; Dhariwal, Prafulla", 2021, "2102.09672",
        ),
        _preprint(
            "chen2023", "On the Importance of Noise Scheduling for Diffusion Models",
            "Chen, Ting", 2023, "2301.10972",
        ),
        _preprint(
            "saharia2021", "Image Super-Resolution via Iterative Refinement",
            "Saharia, Chitwan; Ho, Jonathan; Chan, William; Salimans, Tim; Fleet, David J.; "
            "Norouzi, Mohammad",
            2021, "2104.07636",
        ),
        _preprint(
            "ho2022", "Classifier-Free Diffusion Guidance",
            "Ho, Jonathan; Salimans, Tim", 2022, "2207.12598",
        ),
        _preprint(
            "chung2023", "Diffusion Posterior Sampling for General Noisy Inverse Problems",
            "Chung, Hyungjin; others", 2023, "2209.14687",
        ),
        Reference(
            "song2023guided", "inproceedings",
            "Pseudoinverse-Guided Diffusion Models for Inverse Problems",
            ("Song, Jiaming", "Vahdat, Arash", "Mardani, Morteza", "Kautz, Jan"), 2023,
            "International Conference on Learning Representations",
        ),
        _preprint(
            "kawar2021", "Stochastic Image Denoising by Sampling from the Posterior Distribution",
            "Kawar, Bahjat; Vaksman, Gregory; Elad, Michael", 2021, "2101.09552",
        ),
        _article(
            "efron2011", "Tweedie's Formula and Selection Bias", "Efron, Bradley", 2011,
            "Journal of the American Statistical Association", "10.1198/jasa.2011.tm11181",
        ),
        _preprint(
            "kingma2014", "Auto-Encoding Variational Bayes",
            "Kingma, Diederik P.; Welling, Max", 2013, "1312.6114",
        ),
        _preprint(
            "rombach2022", "High-Resolution Image Synthesis with Latent Diffusion Models",
            "Rombach, Robin; Blattmann, Andreas; Lorenz, Dominik; Esser, Patrick; Ommer, Björn",
            2021, "2112.10752",
        ),
        _preprint(
            "vahdat2021", "Score-based Generative Modeling in Latent Space",
            "Vahdat, Arash; Kreis, Karsten; Kautz, Jan", 2021, "2106.05931",
        ),
        _preprint(
            "angelopoulos2022", "Conformal Risk Control",
            "Angelopoulos, Anastasios N.; Bates, Stephen; Fisch, Adam; Lei, Lihua; Schuster, Tal",
            2022, "2208.02814",
        ),
        _article(
            "koay2006",
            "Analytically exact correction scheme for signal extraction from noisy magnitude MR "
            "signals",
            "Koay, Cheng Guan; Basser, Peter J.", 2006, "Journal of Magnetic Resonance",
        ),
        _article(
            "benjamini1995",
            "Controlling the False Discovery Rate: A Practical and Powerful Approach to Multiple "
            "Testing",
            "Benjamini, Yoav; Hochberg, Yosef", 1995,
            "Journal of the Royal Statistical Society: Series B",
        ),
        _article(
            "benjamini2001",
            "The control of the false discovery rate in multiple testing under dependency",
            "Benjamini, Yoav; Yekutieli, Daniel", 2001, "The Annals of Statistics",
        ),
        _article(
            "sankaran1963", "Approximations to the non-central chi-square distribution",
            "Sankaran, M.", 1963, "Biometrika",
        ),
    )
}  # fmt: skip
"""By key."""

PROGRAMS = {
    program.key: program
    for program in (
        Reference(
            "pytorch", "inproceedings",
            "PyTorch: An Imperative Style, High-Performance Deep Learning Library",
            ("Paszke, Adam", "others"), 2019, "Advances in Neural Information Processing Systems",
        ),
        Reference(
            "monai", "misc", "MONAI: Medical Open Network for AI", ("{MONAI Consortium}",),
            url="https://monai.io",
        ),
        Reference("nibabel", "misc", "NiBabel", url="https://nipy.org/nibabel"),
        Reference("pydicom", "misc", "pydicom", url="https://pydicom.github.io"),
        Reference(
            "highdicom", "misc", "highdicom", url="https://github.com/ImagingDataCommons/highdicom"
        ),
        Reference(
            "simpleitk", "article", "The Design of SimpleITK",
            ("Lowekamp, Bradley C.", "Chen, David T.", "Ibáñez, Luis", "Blezek, Daniel"), 2013,
            "Frontiers in Neuroinformatics",
        ),
        Reference("zarr", "misc", "Zarr", url="https://zarr.dev"),
    )
}  # fmt: skip
"""By key."""
