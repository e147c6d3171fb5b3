"""`--multirun hydra/launcher=ray`: the runs of a sweep side by side on a Ray cluster.

The launcher that Hydra offers for Ray needs an older cloudpickle than the one tested here.
"""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hydra.core.singleton import Singleton
from hydra.core.utils import JobReturn, JobStatus, filter_overrides, run_job, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

from linkage_rl.config.launchers import LauncherSettings, ray_module
from linkage_rl.errors import ConfigError, LinkageError

_log = logging.getLogger(__name__)


class RayLauncher(Launcher):
    """Runs every job in a process of Ray; a job that is killed can be resumed, the others go on."""

    def __init__(self, address: str = "", workers: int = 2) -> None:
        """Choose the cluster.

        Args:
            address: Of a running cluster; '' starts one on this machine that ends with the sweep.
            workers: Processors of the cluster on this machine: runs that go on at once.
        """
        super().__init__()
        if workers < 1:
            raise ConfigError(f"hydra.launcher.workers must be at least 1, got {workers}")
        self._settings = LauncherSettings("ray", address, retries=0)
        self._workers = workers

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Remember what Hydra gives every launcher."""
        self._config = config
        self._run = partial(_run, hydra_context, task_function, Singleton.get_state())

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Run the jobs and return their results in the same order."""
        setup_globals()
        on_ray = ray_module("linkage_rl.config.on_ray")
        loader = self._run.args[0].config_loader
        jobs = []
        for number, words in enumerate(job_overrides, initial_job_idx):
            _log.info("#%d : %s", number, " ".join(filter_overrides(words)))
            job = loader.load_sweep_config(self._config, list(words))
            with open_dict(job):
                job.hydra.job.id = job.hydra.job.num = number
            jobs.append(job)
        Path(str(self._config.hydra.sweep.dir)).mkdir(parents=True, exist_ok=True)
        results = on_ray.run_isolated(self._run, jobs, self._workers, self._settings)
        ended = [
            _killed(result, job) if isinstance(result, LinkageError) else result
            for result, job in zip(results, jobs, strict=True)
        ]
        for number, job in enumerate(ended, initial_job_idx):
            failed = job.status == JobStatus.FAILED
            _log.info("#%d : %s", number, job._return_value if failed else job.return_value)
        return ended


def _run(context: HydraContext, act: TaskFunction, state: Any, job: DictConfig) -> JobReturn:
    """One job, in a process in which Hydra has not been initialised."""
    Singleton.set_state(state)
    setup_globals()
    return run_job(
        hydra_context=context,
        task_function=act,
        config=job,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
    )


def _killed(error: LinkageError, job: DictConfig) -> JobReturn:
    folder = Path(str(job.hydra.sweep.dir)) / str(job.hydra.sweep.subdir)
    failed = JobReturn(cfg=job, status=JobStatus.FAILED)
    failed.return_value = LinkageError(f"{error}; go on with it by resume={folder}")
    return failed
