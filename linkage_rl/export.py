"""`linkage-rl export`: copies the bundle of a run to its own folder, checks the copy and signs it.

Where `LINKAGE_BUNDLE_KEY` is set, exporting is the act of signing: whoever exports a bundle vouches
for it. One that another key signed is refused; one without a signature is signed, and said to be.
"""

if __name__ == "__main__":
    # before the imports, which take seconds and may lack an extra
    from linkage_rl.command_line import run_command

    run_command("export")
    raise SystemExit

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from linkage_rl.bundle import SIGNED, check_golden, load_bundle, read_golden, read_settings
from linkage_rl.bundle_files import (
    INDEX_FOLDER,
    KEY_VARIABLE,
    SIGNATURE,
    bundle_key,
    check_signature,
    copy_files,
    sign,
)
from linkage_rl.candidates.storage import load_index
from linkage_rl.config.command import command, say
from linkage_rl.errors import BundleError, ConfigError, OutputError
from linkage_rl.evaluation import leaderboard
from linkage_rl.exporting.archive import write_archive

BEST: Final = "best"
"""Value of `run` for the best run of the leaderboard."""


@dataclass(frozen=True)
class ExportSettings:
    """The run to export, and the folder of the bundle."""

    run: str = ""
    """Run folder, a bundle folder, or 'best'."""
    output: str = ""
    """Folder of the new bundle; replaces an earlier bundle there."""
    archive: bool = True
    """Whether to also pack the bundle for SageMaker, beside its folder: `output=DIR/model` gives
    `DIR/model.tar.gz`."""
    with_index: bool = True
    """Whether to include the index; a bundle without it needs a database."""
    leaderboard: str = "outputs/leaderboard.jsonl"
    """List of runs from which 'best' is chosen."""
    preset: str = ""
    """Experiment whose runs are considered; '' for all runs."""
    by: str = "expected_reward"
    """Validation metric by which 'best' is chosen."""

    def __post_init__(self) -> None:
        if not self.run:
            raise ConfigError("export needs run=, a run folder, or run=best; see --help")
        if not self.output:
            raise ConfigError("export needs output=, the folder of the new bundle; see --help")


def run(settings: ExportSettings) -> None:
    """Copy the run's bundle to a temporary folder, check the copy, then rename it to `output`.

    Raises:
        LinkageError: There is no such run, the copy decides otherwise on a golden client, the
            output folder holds other files, or the disk is full; the output folder is then
            unchanged.
    """
    bundle = find_bundle(settings)
    output = Path(settings.output).expanduser()
    if output.resolve() == bundle.resolve():
        raise ConfigError(f"output={output} is the run's own bundle; name another folder")
    if output.exists() and not (output / "manifest.json").is_file() and any(output.iterdir()):
        raise OutputError(f"{output} holds files that are not a bundle; name another folder")
    partial = output.with_name(f"{output.name}.partial")
    try:
        clients = _copy_checked(bundle, partial, settings.with_index)
        shutil.rmtree(output, ignore_errors=True)
        partial.replace(output)
        packed = output.with_name(f"{output.name}.tar.gz")
        if settings.archive:
            write_archive(output, packed)
    except OSError as error:
        raise OutputError(
            f"cannot write the bundle to {output}: {error}; free space or choose another folder"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    written = read_settings(output)
    origin = " ".join(f"{name}={written.origin.get(name, '')}" for name in ("agent", "seed"))
    say(f"bundle   {output} from {bundle} ({origin})")
    if bundle_key():
        came = "as it came" if (bundle / SIGNATURE).exists() else "it came without a signature"
        say(f"signed   with the key of {KEY_VARIABLE}; {came}")
    say(f"parity   {clients} golden clients answered as recorded")
    if settings.archive:
        say(f"archive  {packed} ({packed.stat().st_size / 1e6:,.1f} MB)")


def find_bundle(settings: ExportSettings) -> Path:
    """The bundle folder of the run.

    Raises:
        BundleError: There is none.
        InputFileError: There is no leaderboard, or no run in it.
    """
    folder = Path(settings.run).expanduser()
    if settings.run == BEST:
        path = Path(settings.leaderboard).expanduser()
        folder = leaderboard.best(path, settings.by, settings.preset or None)
    for candidate in (folder / "bundle", folder):
        files = (candidate / "manifest.json", candidate / "policy.onnx")
        if all(file.is_file() for file in files):
            return candidate
    raise BundleError(
        f"expected a finished run in {folder}, found no bundle there; "
        "train one with `python -m linkage_rl.train`, or give run=best"
    )


def _copy_checked(bundle: Path, partial: Path, with_index: bool) -> int:
    """Copy the bundle and check the copy; returns its number of golden clients."""
    shutil.rmtree(partial, ignore_errors=True)
    key = bundle_key()
    if key and (bundle / SIGNATURE).exists():
        check_signature(bundle, key, SIGNED)
    copy_files(bundle, partial, skip="" if with_index else INDEX_FOLDER)
    (partial / SIGNATURE).unlink(missing_ok=True)
    if key:
        sign(partial, key)
    golden = read_golden(partial)
    if with_index:
        load_bundle(partial)
    else:
        check_golden(load_bundle(partial, load_index(bundle / "index")), golden)
    return len(golden)


main = command("export", ExportSettings, run)
