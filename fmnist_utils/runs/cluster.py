"""Training on Dask workers, those of this machine or of a cluster, so that nothing finished is lost.

A worker that sees the reports folder trains there, checkpoints included, as one process alone would: whoever dies,
another takes the run over from its last epoch. A worker elsewhere keeps its checkpoints in a folder of its own and
sends the finished run.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from dataclasses import dataclass, replace
from importlib import metadata
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

import torch
from dask.distributed import Client, Future, LocalCluster, get_worker
from distributed import KilledWorker
from distributed.protocol import pickle

from fmnist_utils.basics import own
from fmnist_utils.basics.errors import UserError, together
from fmnist_utils.basics.system import freed_memory_kept
from fmnist_utils.basics.text import counted
from fmnist_utils.runs.datasets import data_of, forget_changed
from fmnist_utils.runs.runner import Wanted
from fmnist_utils.runs.store import Store
from fmnist_utils.training.experiment import REGISTRIES, TRAINING_VERSION, Experiment, Part
from fmnist_utils.training.progress import Board, Progress
from fmnist_utils.training.run import Run
from fmnist_utils.training.trainer import train as train_one

PATIENCE = 5.0  # seconds without news after which to look whether any worker is left
STALE = 7 * 24 * 3600.0  # seconds after which a checkpoint in a worker's own folder is of no use
# Ctrl-C reaches all processes of a terminal; it is for the one that waits for the workers, which ends them. (Where
# there are signal masks, they are deaf to it before they come to this line.)
IGNORE_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
# A worker with several threads takes one run at a time: parts of an order are registered in it meanwhile.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Order:
    """One run to train, as it is sent to a worker.

    Attributes
    ----------
    key, experiment, checksum : the run's name in the store, what it is, and the content of its data
    parts, digests : its parts, and what tells the versions of those apart that are not the package's, of each and by
        kind; what a notebook defines travels with them
    files : digests of the files of the sender's own that its parts use, by the modules' names; they do not travel
    version, dask : of the package and of Dask, which must be the worker's
    reports, token : the sender's reports folder, and a file in it: a worker that finds it sees the same folder
    device, precision, threads : as in `train`
    since : a run stored before that moment is trained again
    label : what it is called here
    topic : where the worker tells how far it is
    """

    key: str
    experiment: Experiment
    checksum: str
    parts: tuple[tuple[Part, str], ...]
    digests: dict[str, str]
    files: dict[str, str]
    version: str
    reports: Path
    device: str
    precision: str
    threads: int | None = None
    since: int = 0
    label: str = ""
    topic: str = ""
    token: str = ""
    dask: str = ""

    @classmethod
    def of(cls, key: str, wanted: Wanted, checksum: str, store: Store, device: str, precision: str) -> Order:
        """Order the training of what is `wanted` for `store`."""
        parts = wanted.experiment.parts
        files = {name: digest for part in parts for name, digest in part.files.items()}
        return cls(
            key, wanted.experiment, checksum, tuple((part, part.digest) for part in parts), wanted.digests, files,
            version(), store.folder.parent, device, precision,
            since=store.since, label=wanted.label, dask=metadata.version("distributed"),
        )  # fmt: skip

    def packed(self) -> bytes:
        """Return it as `work` takes it: closed, so that nobody on its way opens it.

        A class of a notebook that is unpickled in the process that it is from is changed there, in place: its functions
        read copies of the notebook's values from then on. And the scheduler of the workers of this machine, which opens
        what it passes on, is a thread of this process.
        """
        return bytes(pickle.dumps(self))

    def on(self, threads: int) -> Order:
        """Return the same order for a number of threads."""
        return replace(self, threads=threads)


def version() -> str:
    """What sender and worker must have in common for a run to be the same run."""
    changes = f", edited ({digest[:8]})" if (digest := own.edited()) else ""
    return f"{metadata.version('fmnist-reports')}, training version {TRAINING_VERSION}{changes}"


class _Reporter(Progress):
    """A worker's progress: everything it is told goes to whoever ordered the run."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.label, Board({}, {}))
        self.order, self.worker, self.batches = order, get_worker(), 0
        self.told = self.looked = time.monotonic()
        self.task = self.worker.get_current_task()

    def _tell(self, method: str, *arguments: Any) -> None:
        self.worker.log_event(self.order.topic, {"key": self.order.key, "method": method, "arguments": arguments})
        self.told = time.monotonic()

    def begin(self, epochs: int, steps: int, done: int = 0) -> None:
        self._tell("begin", epochs, steps, done)

    def say(self, line: str) -> None:
        self._tell("say", line)

    def batch(self, n: int = 1) -> None:
        self.batches += n
        now = time.monotonic()
        if now - self.looked > 0.5:
            # Nobody may want the run any more: its sender was stopped, or the scheduler is gone.
            state = self.worker.state.tasks.get(self.task)
            if self.worker.status.name != "running" or state is None or state.state != "executing":
                raise RuntimeError(f"{self.label} is no longer wanted")
            self.looked = now
        if now - self.told > 0.5:  # (Where epochs are shorter than that, they tell enough.)
            self._tell("batch", self.batches)
            self.batches = 0

    def epoch(self, row: dict[str, Any]) -> None:
        self._tell("epoch", row)
        self.batches = 0

    def close(self) -> None:
        self._tell("close")


def work(packed: bytes) -> Run | UserError | None:
    """Train the run of an order (`Order.packed`) on a worker; None if it is in the sender's store already.

    Returns
    -------
    The run without its experiment, another one in its place; or why its training failed, without what caused that: what
    is the sender's own in them is not to be unpickled there, see `Order.packed`.

    Raises
    ------
    UserError
        The worker has another version of the package, of Dask or of a file of the sender's own, no data, or other data.
    """
    where, order = get_worker().address, pickle.loads(packed)
    if order.version != version():
        raise UserError(f"the worker at {where} has fmnist-reports {version()}, not {order.version}: install the same")
    if order.dask != (dask := metadata.version("distributed")):
        raise UserError(f"the worker at {where} has Dask {dask}, not {order.dask}: install the same")
    for name, digest in order.files.items():
        if own.source_digest(name) != digest:
            raise UserError(f"the worker at {where} has another {name}: give both the same files")
    forget_changed([order.experiment])
    data = data_of(order.experiment)
    if data.checksum != order.checksum:
        raise UserError(f"the data of the worker at {where}, in {data.source}, are not yours: give both the same files")
    progress = _Reporter(order)
    with _ONE_AT_A_TIME, freed_memory_kept(), _parts_of(order, where):
        store = Store(order.reports, order.since)
        if not (seen := (order.reports / order.token).is_file()):
            store = Store(_own_folder(), order.since)
        with store.training(order.key, progress.say):
            if seen and store.load(order.key) is not None:
                return None
            checkpoint = store.checkpoint(order.key)
            device = _device(order.device)
            try:
                run = train_one(order.experiment, data, device, checkpoint, order.precision, order.threads, progress)
            except UserError as error:
                return UserError(*error.args)
            run.called(order.key, order.digests)  # what came along has no source here
            if seen:
                store.save(run)
        run.experiment = Experiment()
        return None if seen else run


@contextlib.contextmanager
def _parts_of(order: Order, where: str) -> Iterator[None]:
    """Have an order's parts under their names while it is trained; the next one may have others under the same."""
    before = {kind: dict(registry) for kind, registry in REGISTRIES.items()}
    try:
        for part, digest in order.parts:
            if part.home != "__main__" and part.digest != digest:
                raise UserError(
                    f"the worker at {where} has another {part.kind} {part.name!r}: give both the same files"
                )
            part.register()
        yield
    finally:
        for kind, registry in REGISTRIES.items():
            registry.clear()
            registry.update(before[kind])


def _device(wanted: str) -> str:
    """Spread the workers of one machine over its GPUs, by their numbers."""
    name = get_worker().name
    if wanted in ("auto", "cuda") and torch.cuda.is_available() and isinstance(name, int):
        return f"cuda:{name % torch.cuda.device_count()}"
    return wanted


def _own_folder() -> Path:
    """Where a worker without the reports folder keeps its checkpoints; old ones are removed."""
    cache = os.environ.get("XDG_CACHE_HOME", "") or "~/.cache"
    folder = Path(cache).expanduser() / "fmnist-reports"
    for checkpoint in folder.glob("runs/*/checkpoint.pt"):
        if time.time() - checkpoint.stat().st_mtime > STALE:
            checkpoint.unlink(missing_ok=True)
    return folder


@contextlib.contextmanager
def local(jobs: int) -> Iterator[str]:
    """Start `jobs` workers on this machine, a process each; gives the address of their scheduler."""
    print(f"Starting {counted(jobs, 'process')} that train side by side", flush=True)
    address, over = futures.Future[str](), threading.Event()
    keeper = threading.Thread(target=_keep, args=(jobs, address, over), name="keeper of the workers")
    try:
        keeper.start()
        yield address.result()
    finally:  # wherever Ctrl-C came
        over.set()
        if keeper.is_alive():
            keeper.join()


def _keep(jobs: int, address: futures.Future[str], over: threading.Event) -> None:
    """Run workers until it is over, in a thread whose threads and processes inherit that Ctrl-C is not for them."""
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # its start, which the workers would begin with, lifts the mask
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with LocalCluster(
            n_workers=jobs, threads_per_worker=1, processes=True, memory_limit=0, dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL, preload=[IGNORE_CTRL_C],
        ) as cluster:  # fmt: skip
            address.set_result(cluster.scheduler_address)
            over.wait()
    except Exception as error:
        if address.done():
            raise
        address.set_exception(error)


def train(orders: Sequence[Order], costs: dict[str, float], store: Store, address: str) -> dict[str, Run]:
    """Have Dask workers train `orders`, the first ones first, and return the runs as they are stored.

    Parameters
    ----------
    orders : what to train
    costs : estimated seconds of each run, by its key
    store : where the runs belong
    address : of the Dask scheduler

    Raises
    ------
    UserError
        No scheduler answers, or trainings failed: why, a line each; raised when all others are finished.
    """
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it says of a lost scheduler we say, too
    topic = f"fmnist-{uuid.uuid4().hex}"
    with _client(address) as client, store.token() as token:
        told = [replace(order, topic=topic, token=token) for order in orders]
        return _Watch(client, address, store, costs).over(told)


def _client(address: str) -> Client:
    try:
        client = Client(address, timeout="20s", set_as_default=False)
    except (OSError, ValueError) as error:
        raise UserError(f"SCHEDULER={address}: no Dask scheduler answers there ({error})") from error
    versions: Any = client.get_versions()
    theirs = versions["scheduler"]["packages"]["distributed"]
    if theirs != (ours := metadata.version("distributed")):
        client.close()
        raise UserError(f"SCHEDULER={address}: the scheduler has Dask {theirs}, this machine {ours}: install the same")
    return client


class _Watch:
    """Waits for the runs that were ordered, shows how far they are, and stores those that are sent."""

    def __init__(self, client: Client, address: str, store: Store, costs: dict[str, float]) -> None:
        self.client, self.address, self.store, self.costs = client, address, store, costs
        self.news: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.waiting, self.one_gpu = False, dict[str, int]()

    def over(self, orders: Sequence[Order]) -> dict[str, Run]:
        self.client.subscribe_topic(orders[0].topic, lambda event: self.news.put(event[1]))
        self.one_gpu = {"GPU": 1} if any("GPU" in worker["resources"] for worker in self._workers()) else {}
        ordered: dict[Future, Order] = {}
        for number, order in enumerate(orders):
            future = self.client.submit(work, order.packed(), pure=False, priority=-number, resources=self.one_gpu)
            ordered[future] = order
            future.add_done_callback(self.news.put)
        runs: dict[str, Run] = {}
        failures: list[Exception] = []
        with Board({order.key: order.label for order in orders}, self.costs) as board:
            try:
                while ordered:
                    item = self._next(board)
                    if isinstance(item, dict):
                        getattr(board.runs[item["key"]], item["method"])(*item["arguments"])
                    elif item in ordered:
                        order = ordered.pop(item)
                        try:
                            runs[order.key] = run = self._stored(order, item, board.runs[order.key].say)
                        except (UserError, OSError) as error:  # the other runs are still worth having: raised below
                            failures.append(error)
                            board.runs[order.key].failed()
                            continue
                        board.runs[order.key].finished(run.test_accuracy, run.seconds)
            finally:  # after Ctrl-C, too: workers see that nobody waits, and stop
                self.client.cancel(list(ordered))
        if failures:
            raise together(failures)
        return runs

    def _next(self, board: Board) -> Any:
        """Wait for news, and say once if there is no worker to bring any."""
        while True:
            try:
                item = self.news.get(timeout=PATIENCE)
            except queue.Empty:
                if self.client.status != "running":
                    raise UserError(f"the Dask scheduler at {self.address} is gone: {KEPT}") from None
                there = [worker for worker in self._workers() if self.one_gpu.keys() <= worker["resources"].keys()]
                if not there and not self.waiting:
                    self.waiting = True
                    worker = "worker with a GPU" if self.one_gpu else "worker"
                    board.screen.write(f"No {worker} is connected to {self.address}: waiting for one (Ctrl-C stops)")
                elif self.waiting and there:
                    self.waiting = False
                    board.screen.write(f"{counted(len(there), 'worker')} connected to {self.address}: it goes on")
                continue
            self.waiting = False
            return item

    def _workers(self) -> list[Any]:
        """What the scheduler knows of the workers that are connected to it."""
        return list(self.client.scheduler_info(n_workers=-1)["workers"].values())

    def _stored(self, order: Order, future: Future, say: Callable[[str], None]) -> Run:
        """Read the run of a finished order from the store, into which it is put first if it was sent.

        `say` is told if another process is writing it.
        """
        try:
            sent = future.result()
            if isinstance(sent, UserError):
                raise sent
            if sent is not None:
                sent.experiment = order.experiment
        except KilledWorker as error:
            died = f"{order.experiment.label}: {error.allowed_failures + 1} workers died while they trained it"
            raise UserError(f"{died}, for lack of memory perhaps; {KEPT}") from error
        except UserError:
            raise
        except Exception as error:
            if future.cancelled():
                raise UserError(f"the Dask scheduler at {self.address} is gone: {KEPT}") from error
            self._check_versions()
            raise UserError(f"{order.experiment.label}: {type(error).__name__}: {error}") from error
        with contextlib.nullcontext() if sent is None else self.store.training(order.key, say):
            run = self.store.load(order.key) if sent is None else self.store.save(sent)
        if run is None:
            raise UserError(f"{order.experiment.label}: the worker stored run {order.key}, but it is not there now")
        run.fresh = True
        return run

    def _check_versions(self) -> None:
        """Raise UserError for a worker of another version, which may fail before it comes to compare them itself."""
        for worker, theirs in self.client.run(version, on_error="return").items():
            if theirs != (ours := version()):
                what = f"has fmnist-reports {theirs}" if isinstance(theirs, str) else "has another fmnist-reports"
                raise UserError(f"the worker at {worker} {what}, not {ours}: install the same")


KEPT = "what is finished is kept, and the same command goes on from there"
