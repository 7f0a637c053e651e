"""How long a capture takes with more cores than this machine has, from what its stages take here.

The stages work at the same time: one thread reads the files, parses packets and deals them to
those that follow connections; the caller's puts rows in order and makes the output; another one
encodes files of columns, and one more the contents in them. So with enough cores a capture takes
as long as its slowest stage, and with few as long as the sum of all shared by the cores. What
this says of this machine's cores is compared with what was measured, and the model for others is
longer by the same factor: waking threads, waiting for each other, and what else the machine does.
"""

from dataclasses import dataclass

from engine.scaling import Measure

MOST = 0.6
"""The share of one thread's time that two cores may need."""
CORES = (4, 8, 16)
FOLLOWING = "following"
STAGES = ("reading and dealing", FOLLOWING, "merging and output", "encoding", "contents")


@dataclass(frozen=True)
class Shared:
    """How one capture was shared by threads.

    Attributes:
        file: what the tables call the file.
        way: the output.
        cores: how many cores there are, and threads that follow connections.
        one: seconds of one thread.
        all: seconds of as many as there are cores.
        cpu_one: processor seconds of one thread.
        cpu_all: processor seconds of all.
        stages: processor seconds of each stage while all cores work.
    """

    file: str
    way: str
    cores: int
    one: float
    all: float
    cpu_one: float
    cpu_all: float
    stages: dict[str, float]

    def least(self, cores: int) -> float:
        """The seconds that so many cores take if nothing waits in vain."""
        return max(sum(self.stages.values()) / cores, *self._alone(cores).values())

    def _alone(self, cores: int) -> dict[str, float]:
        """The seconds of each stage if it has all the cores that it can use."""
        return {
            stage: seconds / cores if stage == FOLLOWING else seconds
            for stage, seconds in self.stages.items()
        }

    @property
    def factor(self) -> float:
        """How much longer the measured time is than the least."""
        return self.all / self.least(self.cores)

    def share(self, cores: int) -> float:
        """The share of one thread's time that so many cores need, by the model."""
        return self.factor * self.least(cores) / self.one

    def limit(self, cores: int) -> str:
        """The stage that limits so many cores; "all stages" if each core has work all the time."""
        alone = self._alone(cores)
        slowest = max(alone, key=lambda stage: alone[stage])
        return slowest if alone[slowest] * cores > sum(self.stages.values()) else "all stages"

    def measure(self) -> Measure:
        """What was measured, with its target."""
        return Measure(
            f"{self.file} to {self.way}: time of {self.cores} threads over that of one",
            f"{self.one * 1e3:,.0f} ms, {self.all * 1e3:,.0f} ms; processor "
            f"{self.cpu_all / self.cpu_one:.2f}x",
            self.all / self.one,
            "x",
            MOST if self.cores == 2 else None,
        )
