"""The workbook from the command line: ``python -m xaiutils reproduce``. The Makefile calls this, so Windows has it too."""

import argparse
import os
import signal
import subprocess
import sys

PROFILES = ("small", "medium", "paper")


def reproduce(options):
    from xaiutils import runner

    return not runner.reproduce(options.profile, options.only, jobs=options.jobs, record=options.record, force=options.force)


def notebook(options):
    from xaiutils import runner

    keep = options.store or options.reference is not None
    if keep and (options.parameter or options.profile != "small"):
        raise ValueError("--store and --reference keep what the small profile gives: leave --profile and -p away.")
    if options.reference is not None:
        from xaiutils import reference

        print(reference.write(options.name, options.reference, options.over))
        return 0
    import yaml

    given = {name: yaml.safe_load(value) for name, value in options.parameter}
    return not runner.run_one(options.name, options.profile, given, action="store" if options.store else "run")


def report(options):
    from xaiutils import report

    page = report.write(options.profile)
    print(f"{report.summary(options.profile)}\nReport: {page}")


def explain(options):
    from xaiutils import explain

    if options.list:
        print(explain.listing())
    elif not (options.photo and options.method):
        raise ValueError("explain needs a PHOTO and --method NAME; --list shows what there is.")
    else:
        explain.explain(options.photo, options.method, model=options.model, target=options.target, save=options.save,
                        seed=options.seed, download=options.download)


def train(options):
    from xaiutils.models import training

    print(training.train(options.model, epochs=options.epochs, seed=options.seed, device=options.device, out=options.out,
                         root=options.root))


def data(options):
    from xaiutils.datasets import download

    print(download.fetch(options.dataset, options.root))


def test(options):
    from xaiutils import notebooks, runner

    shared = [sys.executable, "-m", "pytest", "-n", str(min(4, runner.n_cores())), "--dist", "loadscope", *options.pytest]
    stored = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tests/notebooks/sanitize.cfg",
              "-p", "tests.notebooks.conftest", "notebooks"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    failed = [subprocess.call(shared + what, cwd=notebooks.ROOT, env=environment) for what in (stored, ["tests"])]
    return any(failed)


def bench(options):
    from xaiutils import bench

    return bench.main(options.only)


def lab(options):
    from xaiutils import notebooks

    return subprocess.call([sys.executable, "-m", "jupyterlab", str(notebooks.path_of("00_start_here"))])


def methods(options):
    from xaiutils import explain

    print(explain.methods_listing())


def parser():
    """The command line, without importing anything heavy: ``--help`` answers at once."""
    top = argparse.ArgumentParser(prog="python -m xaiutils", description="The XAI workbook: five papers re-run, claim by claim.")
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def command(function, help, epilog=None):
        sub = commands.add_parser(function.__name__, help=help, description=help[0].upper() + help[1:] + ".", epilog=epilog)
        sub.set_defaults(function=function)
        return sub

    _running_notebooks(command)
    _asking_networks(command)
    command(test, "compare every notebook with its stored outputs, then run the tests", "Further arguments, such as -x, go to both runs of pytest.")
    sub = command(bench, "measure speed, as ratios to the bound and to the usual way", "Example: python -m xaiutils bench --only agi lrp")
    sub.add_argument("--only", nargs="+", default=[], metavar="NAME", help="methods to measure; a wrong name is answered with those there are (default: all)")
    command(lab, "open JupyterLab at the first notebook")
    command(methods, "list the attribution methods")
    return top


def _running_notebooks(command):
    """The commands reproduce, notebook and report."""
    def profile_of(sub):
        sub.add_argument("--profile", default="small", choices=PROFILES,
                         help="small: minutes on a laptop; medium: minutes to an hour each, needs XAI_DATA; paper: the papers' own scale (default: small)")

    sub = command(reproduce, "run the notebooks whose results are out of date, then write the report",
                  'Example: python -m xaiutils reproduce --only "agi/*". Exit status 1 if a notebook failed; the others ran all the same.')
    profile_of(sub)
    sub.add_argument("--only", nargs="+", default=[], metavar="GLOB", help='notebooks to run, such as "agi/*" (default: all)')
    sub.add_argument("--jobs", type=positive, metavar="N", help="notebooks at a time (default: up to 4, 1 at the paper profile)")
    sub.add_argument("--record", action="store_true", help="keep tables and verdicts in data/recorded/ for narrower runs to show")
    sub.add_argument("--force", action="store_true", help="run also what has not changed")

    sub = command(notebook, "run one notebook",
                  "Example: python -m xaiutils notebook agi/sec5_3_quantitative -p n_images 4. With -p the results go to build/custom/.")
    sub.add_argument("name", metavar="NAME", help="such as agi/sec5_3_quantitative")
    profile_of(sub)
    sub.add_argument("-p", "--parameter", nargs=2, action="append", default=[], metavar=("PARAMETER", "VALUE"),
                     help="a value for one parameter, as YAML: -p n_images 4 -p models '[vgg16, resnet50]'; may be repeated")
    sub.add_argument("--store", action="store_true", help="write the outputs into notebooks/NAME.ipynb itself, for committing")
    sub.add_argument("--reference", nargs="*", metavar="TABLE",
                     help="run it several times and keep its tables (or those named) in tests/reference/, with tolerances")
    sub.add_argument("--over", choices=("threads", "seeds"), default="threads",
                     help="what the runs of --reference vary: 1, 2, 4 threads or five seeds (default: threads)")

    profile_of(command(report, "write the HTML report on what has been run"))


def _asking_networks(command):
    """The commands explain, train and data."""
    sub = command(explain, "explain a photograph of your own", "Example: python -m xaiutils explain cat.jpg --method agi --target tabby")
    sub.add_argument("photo", nargs="?", metavar="PHOTO", help="an image file")
    sub.add_argument("--method", metavar="NAME", help="attribution method, see --list")
    sub.add_argument("--model", default="efficientnet-lite0", metavar="NAME", help="network, see --list (default: %(default)s)")
    sub.add_argument("--target", default="pred", metavar="CLASS", help="class index, name or part of a name (default: the predicted class)")
    sub.add_argument("--save", metavar="FILE", help="a .png picture or the numbers as .npz (default: PHOTO_METHOD.png beside the photograph)")
    sub.add_argument("--seed", type=int, default=0, help="of methods that draw random numbers (default: 0)")
    sub.add_argument("--download", action="store_true", help="fetch the network's weights if they are missing")
    sub.add_argument("--list", action="store_true", help="name the methods and networks")

    sub = command(train, "train one of this project's own networks; a run cut off goes on where it stopped")
    sub.add_argument("model", metavar="MODEL", help="such as vgg16-tinyimagenet")
    sub.add_argument("--epochs", type=positive, help="length of the learning-rate cycle (default: the recipe's)")
    sub.add_argument("--seed", type=int, default=0, help="(default: 0)")
    sub.add_argument("--device", help="such as cpu or cuda (default: a GPU if there is one)")
    sub.add_argument("--out", metavar="FOLDER", help="where results go (default: build/train/MODEL)")
    sub.add_argument("--root", metavar="FOLDER", help="where data sets lie (default: XAI_DATA)")

    sub = command(data, "download a data set")
    sub.add_argument("dataset", metavar="DATASET", help="its name; a wrong one is answered with those there are")
    sub.add_argument("--root", metavar="FOLDER", help="where data sets lie (default: XAI_DATA)")


def positive(text):
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a positive integer, got {text!r}")
    return int(text)


def main(arguments=None) -> int:
    """Exit status: 0 all well, 1 a notebook failed, 2 wrong arguments or missing material, 130 interrupted."""
    options, options_of_pytest = parser().parse_known_args(arguments)
    if options_of_pytest and options.function is not test:
        parser().error(f"unrecognized arguments: {' '.join(options_of_pytest)}")
    options.pytest = options_of_pytest
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite kill ends the notebooks' processes too
    try:
        return int(options.function(options) or 0)
    except (ValueError, TypeError, OSError, ModuleNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on where this one stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
