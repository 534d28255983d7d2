"""`medrestore demo`: the sample scans, restored."""

from __future__ import annotations

from medrestore.cli.meter import Bar
from medrestore.cli.parser import Commands, Namespace, command


def add(commands: Commands) -> None:
    """Describe the command."""
    does = "restore the bundled sample scans and show what comes out"
    parser = command(commands, "demo", run, does, "  medrestore demo -o demo_output\n")
    parser.add_argument(
        "-o", "--output", default="demo_output", metavar="DIR", help="default: %(default)s"
    )


def run(arguments: Namespace) -> int:
    """Restore the samples; results of an earlier demo are replaced."""
    from medrestore.batch.demo import demo

    with Bar("stopped; the demo is not complete") as bar:
        done = demo(arguments.output, bar)
    for name, metrics in done.metrics.items():
        print(name)
        for what, value in metrics.items():
            print(f"  {what:<34} {value}")
    n = len(done.metrics)
    print(
        f"\nRestored {n} sample scan{'' if n == 1 else 's'} in {done.seconds:.0f} s, with "
        "the uncertainty of every voxel; the figures above compare them with the truth. The "
        f"results are in {arguments.output}; open {done.page} to look at them."
    )
    return 0
